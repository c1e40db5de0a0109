//! Sums of many lists of points at once, by batch-affine addition.
//!
//! Eight lists stand side by side in the lanes, each with its running sum; a round adds the next
//! point of every list, with one inversion for all the lists of a chunk (Montgomery's trick:
//! `1/d_i` from the inverse of the product). A round gathers one point for each list and keeps the
//! sums in vector form, so that a point is transposed once, when it is added. Lists are sorted by
//! length, so that lanes of one vector end together; a list much longer than the others is cut in
//! parts whose sums are added in a second pass.
//!
//! Affine addition is not complete: where `x1 = x2` the slope's denominator is zero, and so is the
//! whole product. Such a round (equal, opposite points) is done again with every vector looked at:
//! equal points are doubled, opposite ones leave infinity, and infinity plus a point is the point.

use super::field::{Lazy, Norm, Q, mul, wipe};
use super::fq2::Coordinate;
use super::inverse::invert_lanes;
use super::lanes::{self, Isa, kernel};
use super::points::Group;

/// Vectors in one chunk: eight times as many lists share an inversion.
const CHUNK: usize = 512;
/// How many vectors ahead points are asked for.
const AHEAD: usize = 8;
/// Set in a cursor: the list is cut in parts.
const CUT: u32 = 1 << 31;

/// One entry of each of eight lists.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Row([u32; 8]);

/// Eight lists: where their entries are, how many each has, and which lists they are.
#[derive(Clone, Copy)]
struct Head {
    row: u32,
    counts: [u32; 8],
    parts: [u32; 8],
}

/// A list cut in parts, filled in turn.
struct CutList {
    list: u32,
    first_part: u32,
    cursors: Vec<u32>,
    next: usize,
}

/// Lists of signed points, laid out for lanes. An entry is `2 * index + sign`.
#[derive(Default)]
pub(crate) struct Lists {
    heads: Vec<Head>,
    /// Row by row, eight lists side by side.
    slots: Vec<Row>,
    /// Where each list's next entry goes.
    cursors: Vec<u32>,
    cuts: Vec<CutList>,
    parts: usize,
    order: Vec<u32>,
    sizes: Vec<u32>,
}

impl Lists {
    /// Makes room for lists of these lengths.
    pub(crate) fn plan(&mut self, counts: &[u32]) {
        let (total, lists) =
            counts.iter().fold((0usize, 0usize), |(t, l), c| (t + *c as usize, l + usize::from(*c > 0)));
        let mean = total / lists.max(1);
        let longest = (total / 512).min(2 * mean + 16).max(8) as u32;

        // Parts: the lists themselves; a list that is too long has its parts at the end.
        self.sizes.clear();
        self.sizes.extend_from_slice(counts);
        self.cuts.clear();
        self.cursors.clear();
        self.cursors.resize(counts.len(), 0);
        for (list, count) in counts.iter().enumerate() {
            if *count > longest {
                let parts = count.div_ceil(longest);
                self.cursors[list] = CUT | self.cuts.len() as u32;
                let first_part = self.sizes.len() as u32;
                self.cuts.push(CutList {
                    list: list as u32,
                    first_part,
                    cursors: vec![0; parts as usize],
                    next: 0,
                });
                self.sizes[list] = 0;
                self.sizes.extend((0..parts).map(|i| (count - i).div_ceil(parts)));
            }
        }
        self.parts = self.sizes.len();

        // By length, longest first.
        let mut starts = vec![0u32; longest as usize + 2];
        for size in &self.sizes {
            starts[(longest - size) as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let filled = starts[longest as usize] as usize;
        self.order.clear();
        self.order.resize(filled, 0);
        for (part, size) in self.sizes.iter().enumerate() {
            if *size > 0 {
                let place = &mut starts[(longest - size) as usize];
                self.order[*place as usize] = part as u32;
                *place += 1;
            }
        }

        self.heads.clear();
        let mut row = 0;
        for eight in self.order.chunks(8) {
            let mut head = Head { row, counts: [0; 8], parts: [u32::MAX; 8] };
            for (lane, part) in eight.iter().enumerate() {
                head.counts[lane] = self.sizes[*part as usize];
                head.parts[lane] = *part;
                let cursor = row * 8 + lane as u32;
                match (*part as usize).checked_sub(counts.len()) {
                    None => self.cursors[*part as usize] = cursor,
                    Some(_) => {
                        let cut = self.cuts.partition_point(|cut| cut.first_part <= *part) - 1;
                        let cut = &mut self.cuts[cut];
                        cut.cursors[(*part - cut.first_part) as usize] = cursor;
                    }
                }
            }
            row += head.counts[0];
            self.heads.push(head);
        }
        if self.slots.len() < row as usize {
            self.slots.resize(row as usize, Row([0; 8]));
        }
    }

    /// Appends to a list; as many times as planned.
    #[inline(always)]
    pub(crate) fn push(&mut self, list: usize, entry: u32) {
        let mut cursor = &mut self.cursors[list];
        if *cursor & CUT != 0 {
            let cut = &mut self.cuts[(*cursor & !CUT) as usize];
            let turn = cut.next;
            cut.next = if turn + 1 == cut.cursors.len() { 0 } else { turn + 1 };
            cursor = &mut cut.cursors[turn];
        }
        self.slots[(*cursor >> 3) as usize].0[(*cursor & 7) as usize] = entry;
        *cursor += 8;
    }

    fn wipe(&mut self) {
        wipe(&mut self.slots);
    }
}

/// Room for one chunk's sums and slopes.
struct Chunk<G: Group> {
    x: Vec<G::Coordinate>,
    y: Vec<G::Coordinate>,
    /// Lanes that hold infinity.
    infinite: Vec<u8>,
    /// Lanes that double, in a careful round.
    doubled: Vec<u8>,
    /// Lanes that cancel, in a careful round.
    cancelled: Vec<u8>,
    dx: Vec<G::Coordinate>,
    dy: Vec<<G::Coordinate as Coordinate>::Left>,
    /// `dx`, brought down to Fq.
    down: Vec<Lazy<Q>>,
    /// The product of the vectors before.
    before: Vec<Lazy<Q>>,
}

impl<G: Group> Chunk<G> {
    fn new(isa: Isa) -> Self {
        let zero = G::Coordinate::zero(isa);
        let lazy = Norm::zero(isa).lazy();
        Self {
            x: vec![zero; CHUNK],
            y: vec![zero; CHUNK],
            infinite: vec![0; CHUNK],
            doubled: vec![0; CHUNK],
            cancelled: vec![0; CHUNK],
            dx: vec![zero; CHUNK],
            dy: vec![zero.left(); CHUNK],
            down: vec![lazy; CHUNK],
            before: vec![lazy; CHUNK],
        }
    }
}

/// Sums lists of points. Holds scratch, so that many products can share it; what was in it is wiped
/// by [`wipe`](Self::wipe).
pub(crate) struct Summer<G: Group> {
    isa: Isa,
    chunk: Chunk<G>,
    second: Lists,
    /// Sums given back, whose memory serves again.
    spare: Vec<Sums<G>>,
}

/// The sums of lists: the point, or none for infinity and for empty lists.
pub(crate) struct Sums<G: Group> {
    pub(crate) points: Vec<G::Stored>,
    pub(crate) finite: Vec<bool>,
}

impl<G: Group> Summer<G> {
    pub(crate) fn new(isa: Isa) -> Self {
        Self { isa, chunk: Chunk::new(isa), second: Lists::default(), spare: Vec::new() }
    }

    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// The sum of each list. `lists` are as many as were planned for, each as full as planned.
    pub(crate) fn sum(&mut self, points: &[G::Stored], lists: &Lists, count: usize) -> Sums<G> {
        let spare = self.spare.pop().unwrap_or(Sums { points: Vec::new(), finite: Vec::new() });
        let Sums { points: mut sums, mut finite } = spare;
        sums.clear();
        sums.resize(lists.parts, G::BLANK);
        finite.clear();
        finite.resize(lists.parts, false);
        for heads in lists.heads.chunks(CHUNK) {
            sum_chunk::<G>(self.isa, &mut self.chunk, points, &lists.slots, heads, &mut sums, &mut finite);
        }
        if !lists.cuts.is_empty() {
            self.join(lists, &mut sums, &mut finite);
        }
        sums.truncate(count);
        finite.truncate(count);
        Sums { points: sums, finite }
    }

    /// Adds up the parts of the lists that were cut.
    fn join(&mut self, lists: &Lists, sums: &mut [G::Stored], finite: &mut [bool]) {
        let parts = |cut: &CutList| cut.first_part..cut.first_part + cut.cursors.len() as u32;
        let counts: Vec<u32> =
            lists.cuts.iter().map(|cut| parts(cut).filter(|p| finite[*p as usize]).count() as u32).collect();
        let mut second = core::mem::take(&mut self.second);
        second.plan(&counts);
        for (list, cut) in lists.cuts.iter().enumerate() {
            for part in parts(cut).filter(|p| finite[*p as usize]) {
                second.push(list, 2 * part);
            }
        }
        let joined = self.sum(sums, &second, counts.len());
        self.second = second;
        for (i, cut) in lists.cuts.iter().enumerate() {
            sums[cut.list as usize] = joined.points[i];
            finite[cut.list as usize] = joined.finite[i];
        }
        self.recycle(joined);
    }

    /// Takes sums back, wiped.
    pub(crate) fn recycle(&mut self, mut sums: Sums<G>) {
        wipe(&mut sums.points);
        self.spare.push(sums);
    }

    /// Overwrites what the last sums left behind.
    pub(crate) fn wipe(&mut self, lists: &mut Lists) {
        let chunk = &mut self.chunk;
        wipe(&mut chunk.x);
        wipe(&mut chunk.y);
        wipe(&mut chunk.dx);
        wipe(&mut chunk.dy);
        wipe(&mut chunk.down);
        wipe(&mut chunk.before);
        self.second.wipe();
        lists.wipe();
    }
}

kernel! {
    fn sum_chunk [G: Group] (
        isa: Isa,
        chunk: &mut Chunk<G>,
        points: &[G::Stored],
        slots: &[Row],
        heads: &[Head],
        sums: &mut [G::Stored],
        finite: &mut [bool],
    ) {
        for (v, head) in heads.iter().enumerate() {
            if let Some(soon) = heads.get(v + AHEAD) {
                prefetch_row::<G, true>(isa, points, &slots[soon.row as usize]);
            }
            begin::<G>(isa, chunk, points, slots, head, v);
        }
        let rounds = heads[0].counts[0] as usize;
        let mut active = heads.len();
        for round in 1..rounds {
            while active > 0 && heads[active - 1].counts[0] as usize <= round {
                active -= 1;
            }
            let heads = &heads[..active];
            let mut products = forward_pass::<G, false>(isa, chunk, points, slots, heads, round);
            let mut inverse = invert_lanes(isa, &mul(&products[0], &products[1]).norm());
            let careful = inverse.is_none();
            if careful {
                products = forward_pass::<G, true>(isa, chunk, points, slots, heads, round);
                inverse = invert_lanes(isa, &mul(&products[0], &products[1]).norm());
            }
            let inverse = inverse.expect("no denominator of a careful round is zero").lazy();
            let inverses = [mul(&inverse, &products[1]).lazy(), mul(&inverse, &products[0]).lazy()];
            backward_pass::<G>(isa, chunk, points, slots, heads, round, inverses, careful);
        }
        for (v, head) in heads.iter().enumerate() {
            let out = G::settle(&chunk.x[v], &chunk.y[v]);
            for lane in 0..8 {
                if let Some(sum) = sums.get_mut(head.parts[lane] as usize) {
                    *sum = out[lane];
                    finite[head.parts[lane] as usize] = chunk.infinite[v] >> lane & 1 == 0;
                }
            }
        }
    }
}

/// The lanes that have an entry in this round.
#[inline(always)]
fn live(isa: Isa, head: &Head, round: usize) -> u8 {
    lanes::below(isa, round as u32, &head.counts)
}

/// Asks for a row's points. A lane without an entry asks for what an older product left there: that
/// harms nobody.
#[inline(always)]
fn prefetch_row<G: Group, const NEAR: bool>(isa: Isa, points: &[G::Stored], row: &Row) {
    let first = points.as_ptr();
    let mut lane = 0;
    while lane < 8 {
        G::prefetch::<NEAR>(isa, first.wrapping_add((row.0[lane] >> 1) as usize));
        lane += 1;
    }
}

/// The points of a row, signed; lanes that are not live get the first point.
#[inline(always)]
fn entries<G: Group>(isa: Isa, points: &[G::Stored], row: &Row, live: u8) -> (G::Coordinate, G::Coordinate) {
    let (index, signs) = lanes::halves_and_odds(isa, &row.0, live);
    let (x, y) = G::gather(isa, points, &index);
    (x, y.negate_lanes(signs))
}

#[inline(always)]
fn begin<G: Group>(
    isa: Isa,
    chunk: &mut Chunk<G>,
    points: &[G::Stored],
    slots: &[Row],
    head: &Head,
    v: usize,
) {
    let live = live(isa, head, 0);
    let (x, y) = entries::<G>(isa, points, &slots[head.row as usize], live);
    chunk.x[v] = x;
    chunk.y[v] = y;
    chunk.infinite[v] = !live;
}

/// The denominators and numerators of all slopes, and the products of the denominators: of the even
/// and of the odd vectors, two chains that need not wait for each other.
#[inline(always)]
fn forward_pass<G: Group, const CAREFUL: bool>(
    isa: Isa,
    chunk: &mut Chunk<G>,
    points: &[G::Stored],
    slots: &[Row],
    heads: &[Head],
    round: usize,
) -> [Lazy<Q>; 2] {
    let [mut even, mut odd] = [Norm::<Q>::one(isa).lazy(); 2];
    let mut v = 0;
    while v + 1 < heads.len() {
        even = forward_step::<G, CAREFUL>(isa, chunk, points, slots, heads, round, v, &even);
        odd = forward_step::<G, CAREFUL>(isa, chunk, points, slots, heads, round, v + 1, &odd);
        v += 2;
    }
    if v < heads.len() {
        even = forward_step::<G, CAREFUL>(isa, chunk, points, slots, heads, round, v, &even);
    }
    [even, odd]
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn forward_step<G: Group, const CAREFUL: bool>(
    isa: Isa,
    chunk: &mut Chunk<G>,
    points: &[G::Stored],
    slots: &[Row],
    heads: &[Head],
    round: usize,
    v: usize,
    product: &Lazy<Q>,
) -> Lazy<Q> {
    let head = &heads[v];
    if let Some(soon) = heads.get(v + AHEAD) {
        prefetch_row::<G, true>(isa, points, &slots[soon.row as usize + round]);
    }
    let live = live(isa, head, round);
    let (x2, y2) = entries::<G>(isa, points, &slots[head.row as usize + round], live);
    let (x1, y1) = (&chunk.x[v], &chunk.y[v]);
    let mut dx = G::Coordinate::norm(&G::Coordinate::minus::<2>(&x2, x1));
    let mut dy = G::Coordinate::raw_left(&G::Coordinate::minus::<3>(&y2, y1));
    let idle = !live | chunk.infinite[v];
    if CAREFUL {
        let same = dx.zero_lanes() & !idle;
        let sum = G::Coordinate::norm(&G::Coordinate::plus(y1, &y2));
        let cancelled = same & sum.zero_lanes();
        let doubled = same & !cancelled;
        if same != 0 {
            // The slope of the tangent: 3 x^2 / 2 y.
            let square = G::Coordinate::red(&G::Coordinate::sqr(x1));
            let twice = G::Coordinate::plus(&square, &square);
            let triple = G::Coordinate::raw_left(&G::Coordinate::raw_plus(&twice, &square));
            dx = G::Coordinate::select(doubled, &G::Coordinate::norm(&G::Coordinate::plus(y1, y1)), &dx);
            dy = G::Coordinate::select_left(doubled, &triple, &dy);
        }
        chunk.cancelled[v] = cancelled;
        chunk.doubled[v] = doubled;
        dx = G::Coordinate::select(idle | cancelled, &G::Coordinate::one(isa), &dx);
    } else if idle != 0 {
        dx = G::Coordinate::select(idle, &G::Coordinate::one(isa), &dx);
    }
    let down = dx.down().lazy();
    chunk.dx[v] = dx;
    chunk.dy[v] = dy;
    if !G::Coordinate::IS_DOWN {
        chunk.down[v] = down;
    }
    chunk.before[v] = *product;
    mul(product, &down).lazy()
}

/// The new sums, from the inverses of the two products. Two vectors go side by side, so that the
/// units are never idle while one waits for its slope.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn backward_pass<G: Group>(
    isa: Isa,
    chunk: &mut Chunk<G>,
    points: &[G::Stored],
    slots: &[Row],
    heads: &[Head],
    round: usize,
    inverses: [Lazy<Q>; 2],
    careful: bool,
) {
    let [mut even, mut odd] = inverses;
    let mut v = heads.len();
    if v % 2 == 1 {
        v -= 1;
        let down_inverse = backward_step(chunk, v, &mut even);
        let slope = slope_of(chunk, v, &down_inverse);
        finish::<G>(isa, chunk, points, slots, heads, round, v, &slope, careful);
    }
    while v > 0 {
        v -= 2;
        let first = backward_step(chunk, v + 1, &mut odd);
        let second = backward_step(chunk, v, &mut even);
        let (first, second) = (slope_of(chunk, v + 1, &first), slope_of(chunk, v, &second));
        if !careful && unhindered(isa, chunk, heads, round, v) && unhindered(isa, chunk, heads, round, v + 1)
        {
            let (x3, y3) = two_steps::<G>(chunk, v, &second, &first);
            [chunk.x[v], chunk.x[v + 1]] = x3;
            [chunk.y[v], chunk.y[v + 1]] = y3;
            prefetch_next::<G>(isa, points, slots, &heads[v], round);
            prefetch_next::<G>(isa, points, slots, &heads[v + 1], round);
        } else {
            finish::<G>(isa, chunk, points, slots, heads, round, v + 1, &first, careful);
            finish::<G>(isa, chunk, points, slots, heads, round, v, &second, careful);
        }
    }
}

/// The inverse of one vector's denominators, and of the product without it.
#[inline(always)]
fn backward_step<G: Group>(chunk: &Chunk<G>, v: usize, inverse: &mut Lazy<Q>) -> Lazy<Q> {
    let down = if G::Coordinate::IS_DOWN { chunk.dx[v].down().lazy() } else { chunk.down[v] };
    let down_inverse = mul(inverse, &chunk.before[v]).lazy();
    *inverse = mul(inverse, &down).lazy();
    down_inverse
}

#[inline(always)]
fn slope_of<G: Group>(chunk: &Chunk<G>, v: usize, down_inverse: &Lazy<Q>) -> G::Coordinate {
    G::Coordinate::norm(&G::Coordinate::mul(&chunk.dy[v], &chunk.dx[v].inverse(down_inverse)))
}

/// Whether every lane adds one finite point to another.
#[inline(always)]
fn unhindered<G: Group>(isa: Isa, chunk: &Chunk<G>, heads: &[Head], round: usize, v: usize) -> bool {
    chunk.infinite[v] == 0 && live(isa, &heads[v], round) == 0xff
}

#[inline(always)]
fn prefetch_next<G: Group>(isa: Isa, points: &[G::Stored], slots: &[Row], head: &Head, round: usize) {
    if head.counts[0] as usize > round + 1 {
        prefetch_row::<G, false>(isa, points, &slots[head.row as usize + round + 1]);
    }
}

/// One vector's new sums, whatever its lanes do.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn finish<G: Group>(
    isa: Isa,
    chunk: &mut Chunk<G>,
    points: &[G::Stored],
    slots: &[Row],
    heads: &[Head],
    round: usize,
    v: usize,
    slope: &G::Coordinate,
    careful: bool,
) {
    let head = &heads[v];
    prefetch_next::<G>(isa, points, slots, head, round);
    let (x1, y1, dx) = (&chunk.x[v], &chunk.y[v], &chunk.dx[v]);
    let live = live(isa, head, round);
    let (doubled, cancelled) = if careful { (chunk.doubled[v], chunk.cancelled[v]) } else { (0, 0) };
    let difference = G::Coordinate::select(doubled, &G::Coordinate::zero(isa), dx);
    let x3 = new_x::<G>(slope, x1, &difference);
    let y3 = new_y::<G>(slope, x1, y1, &x3);
    let infinite = chunk.infinite[v];
    let (taken, added) = (live & infinite, live & !infinite & !cancelled);
    let (mut x, mut y) = (G::Coordinate::select(added, &x3, x1), G::Coordinate::select(added, &y3, y1));
    if taken != 0 {
        let (x2, y2) = entries::<G>(isa, points, &slots[head.row as usize + round], live);
        x = G::Coordinate::select(taken, &x2, &x);
        y = G::Coordinate::select(taken, &y2, &y);
    }
    chunk.x[v] = x;
    chunk.y[v] = y;
    chunk.infinite[v] = (infinite & !taken) | cancelled;
}

/// The new sums of vectors v and v + 1.
#[inline(always)]
fn two_steps<G: Group>(
    chunk: &Chunk<G>,
    v: usize,
    first: &G::Coordinate,
    second: &G::Coordinate,
) -> ([G::Coordinate; 2], [G::Coordinate; 2]) {
    let x3 = new_x::<G>(first, &chunk.x[v], &chunk.dx[v]);
    let other_x3 = new_x::<G>(second, &chunk.x[v + 1], &chunk.dx[v + 1]);
    let y3 = new_y::<G>(first, &chunk.x[v], &chunk.y[v], &x3);
    let other_y3 = new_y::<G>(second, &chunk.x[v + 1], &chunk.y[v + 1], &other_x3);
    ([x3, other_x3], [y3, other_y3])
}

/// `s^2 - 2 x1 - dx`.
#[inline(always)]
fn new_x<G: Group>(slope: &G::Coordinate, x1: &G::Coordinate, dx: &G::Coordinate) -> G::Coordinate {
    let square = G::Coordinate::sqr(slope);
    // dx is x2 - x1 + 2p, 0 or 1: with twice x1 it is below 4.2p.
    G::Coordinate::red(&G::Coordinate::raw_minus_two_and::<5>(&square, x1, dx, 4.2))
}

/// `s (x1 - x3) - y1`.
#[inline(always)]
fn new_y<G: Group>(
    slope: &G::Coordinate,
    x1: &G::Coordinate,
    y1: &G::Coordinate,
    x3: &G::Coordinate,
) -> G::Coordinate {
    let way = G::Coordinate::raw_right(&G::Coordinate::minus::<2>(x1, x3));
    G::Coordinate::red(&G::Coordinate::raw_minus::<3>(&G::Coordinate::mul(&slope.left(), &way), y1))
}
