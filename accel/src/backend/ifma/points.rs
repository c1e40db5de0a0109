//! Curve points laid out for gathering: a point is one or two cache lines, its coordinates 64-bit
//! words of our Montgomery form.

use super::field::{Norm, Q};
use super::fq2::{Coordinate, Norm2};
use super::lanes::{self, Isa, Z, kernel, prefetch, transpose};
use ark_bn254::{Fq, Fq2};
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::AdditiveGroup;

/// G1 or G2.
pub(crate) trait Group: Copy + Send + Sync + 'static {
    /// A coordinate in arkworks.
    type Field: AdditiveGroup + Copy;
    /// The curve in arkworks.
    type Curve: SWCurveConfig<BaseField = Self::Field, ScalarField = ark_bn254::Fr>;
    /// Eight coordinates side by side.
    type Coordinate: Coordinate;
    /// A point at rest: x below 1.07p, y below 2p. Never infinity.
    type Stored: Copy + Send + Sync;
    /// What an unused slot holds; no point.
    const BLANK: Self::Stored;

    /// Eight points.
    fn gather(isa: Isa, points: &[Self::Stored], index: &[u32; 8]) -> (Self::Coordinate, Self::Coordinate);
    /// Eight points to rest.
    fn settle(x: &Self::Coordinate, y: &Self::Coordinate) -> [Self::Stored; 8];
    /// Asks the caches for a point.
    fn prefetch<const NEAR: bool>(isa: Isa, point: *const Self::Stored);
    /// Below 1.07p.
    fn from_ark(isa: Isa, values: &[Self::Field; 8]) -> Self::Coordinate;
    fn to_ark(coordinate: &Self::Coordinate) -> [Self::Field; 8];
    /// x of `phi(P) = lambda P`, below 1.07p; `beta` is the cube root of one that belongs to lambda
    /// in this group.
    fn times_beta(x: &Self::Coordinate, beta: &Norm<Q>) -> Self::Coordinate;
}

/// G1.
#[derive(Clone, Copy)]
pub(crate) struct G1;
/// G2.
#[derive(Clone, Copy)]
pub(crate) struct G2;

/// A line of the cache: x and y in G1, one coordinate in G2.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line([u64; 8]);

/// Two lines: x and y in G2.
#[derive(Clone, Copy)]
#[repr(C, align(128))]
pub(crate) struct Lines([Line; 2]);

/// Two values of Fq in each line: the first and second four words of the eight lines.
#[inline(always)]
fn from_lines(isa: Isa, lines: [&Line; 8], bounds: [f64; 2]) -> (Norm<Q>, Norm<Q>) {
    let rows = [
        lanes::from_array(isa, &lines[0].0),
        lanes::from_array(isa, &lines[1].0),
        lanes::from_array(isa, &lines[2].0),
        lanes::from_array(isa, &lines[3].0),
        lanes::from_array(isa, &lines[4].0),
        lanes::from_array(isa, &lines[5].0),
        lanes::from_array(isa, &lines[6].0),
        lanes::from_array(isa, &lines[7].0),
    ];
    let [a, b, c, d, e, f, g, h] = transpose(rows);
    (Norm::unpack([a, b, c, d], bounds[0]), Norm::unpack([e, f, g, h], bounds[1]))
}

#[inline(always)]
fn to_lines(a: &Norm<Q>, b: &Norm<Q>) -> [Line; 8] {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a.pack(), b.pack());
    let rows: [Z; 8] = transpose([a0, a1, a2, a3, b0, b1, b2, b3]);
    let mut lines = [Line([0; 8]); 8];
    let mut i = 0;
    while i < 8 {
        rows[i].store(&mut lines[i].0);
        i += 1;
    }
    lines
}

/// One coordinate of eight points of G2.
#[inline(always)]
fn half_of(isa: Isa, points: &[Lines], i: &[u32; 8], half: usize, bound: f64) -> Norm2 {
    let lines = [
        &points[i[0] as usize].0[half],
        &points[i[1] as usize].0[half],
        &points[i[2] as usize].0[half],
        &points[i[3] as usize].0[half],
        &points[i[4] as usize].0[half],
        &points[i[5] as usize].0[half],
        &points[i[6] as usize].0[half],
        &points[i[7] as usize].0[half],
    ];
    let (c0, c1) = from_lines(isa, lines, [bound; 2]);
    Norm2 { c0, c1 }
}

impl Group for G1 {
    type Field = Fq;
    type Curve = ark_bn254::g1::Config;
    type Coordinate = Norm<Q>;
    type Stored = Line;
    const BLANK: Line = Line([0; 8]);

    #[inline(always)]
    fn gather(isa: Isa, points: &[Line], i: &[u32; 8]) -> (Norm<Q>, Norm<Q>) {
        let lines = [
            &points[i[0] as usize],
            &points[i[1] as usize],
            &points[i[2] as usize],
            &points[i[3] as usize],
            &points[i[4] as usize],
            &points[i[5] as usize],
            &points[i[6] as usize],
            &points[i[7] as usize],
        ];
        from_lines(isa, lines, [1.07, 2.0])
    }

    #[inline(always)]
    fn settle(x: &Norm<Q>, y: &Norm<Q>) -> [Line; 8] {
        debug_assert!(x.bound() <= 1.07 && y.bound() <= 2.0);
        to_lines(x, y)
    }

    #[inline(always)]
    fn prefetch<const NEAR: bool>(isa: Isa, point: *const Line) {
        prefetch::<NEAR, _>(isa, point);
    }

    #[inline(always)]
    fn from_ark(isa: Isa, values: &[Fq; 8]) -> Norm<Q> {
        Norm::from_ark(isa, values).raw().red()
    }

    #[inline(always)]
    fn to_ark(coordinate: &Norm<Q>) -> [Fq; 8] {
        Norm::to_ark(*coordinate)
    }

    #[inline(always)]
    fn times_beta(x: &Norm<Q>, beta: &Norm<Q>) -> Norm<Q> {
        super::field::mul(&x.lazy(), &beta.lazy()).red()
    }
}

impl Group for G2 {
    type Field = Fq2;
    type Curve = ark_bn254::g2::Config;
    type Coordinate = Norm2;
    type Stored = Lines;
    const BLANK: Lines = Lines([Line([0; 8]); 2]);

    #[inline(always)]
    fn gather(isa: Isa, points: &[Lines], i: &[u32; 8]) -> (Norm2, Norm2) {
        (half_of(isa, points, i, 0, 1.07), half_of(isa, points, i, 1, 2.0))
    }

    #[inline(always)]
    fn settle(x: &Norm2, y: &Norm2) -> [Lines; 8] {
        let (x, y) = (to_lines(&x.c0, &x.c1), to_lines(&y.c0, &y.c1));
        let mut points = [Self::BLANK; 8];
        let mut i = 0;
        while i < 8 {
            points[i] = Lines([x[i], y[i]]);
            i += 1;
        }
        points
    }

    #[inline(always)]
    fn prefetch<const NEAR: bool>(isa: Isa, point: *const Lines) {
        let line = point.cast::<Line>();
        prefetch::<NEAR, _>(isa, line);
        prefetch::<NEAR, _>(isa, line.wrapping_add(1));
    }

    #[inline(always)]
    fn from_ark(isa: Isa, values: &[Fq2; 8]) -> Norm2 {
        Norm2::red(&Norm2::from_ark(isa, values).raw())
    }

    #[inline(always)]
    fn to_ark(coordinate: &Norm2) -> [Fq2; 8] {
        Norm2::to_ark(*coordinate)
    }

    #[inline(always)]
    fn times_beta(x: &Norm2, beta: &Norm<Q>) -> Norm2 {
        Norm2::red(&x.scale(&beta.lazy()))
    }
}

kernel! {
    /// Points to rest, one in each place; none may be infinity.
    pub(crate) fn store [G: Group] (isa: Isa, points: &[Affine<G::Curve>], places: &mut [G::Stored]) {
        for (eight, places) in points.chunks(8).zip(places.chunks_mut(8)) {
            places.copy_from_slice(&store_eight::<G>(isa, eight)[..places.len()]);
        }
    }

    /// The points times lambda, one in each place.
    pub(crate) fn endomorphism [G: Group] (isa: Isa, points: &[G::Stored], beta: Fq, places: &mut [G::Stored]) {
        let beta = Norm::<Q>::splat(isa, &beta);
        for (start, places) in (0..points.len()).step_by(8).zip(places.chunks_mut(8)) {
            let (x, y) = G::gather(isa, points, &window_at(start, points.len()));
            let eight = G::settle(&G::times_beta(&x, &beta), &y);
            places.copy_from_slice(&eight[..places.len()]);
        }
    }

    /// Points from rest.
    pub(crate) fn load [G: Group] (isa: Isa, points: &[G::Stored]) -> Vec<Affine<G::Curve>> {
        let mut out = Vec::with_capacity(points.len().next_multiple_of(8));
        for start in (0..points.len()).step_by(8) {
            let (x, y) = G::gather(isa, points, &window_at(start, points.len()));
            let (x, y) = (G::to_ark(&x), G::to_ark(&y));
            for i in 0..8 {
                out.push(Affine::new_unchecked(x[i], y[i]));
            }
        }
        out.truncate(points.len());
        out
    }
}

/// Eight indices from a start on; past the end, the last.
#[inline(always)]
pub(crate) fn window_at(start: usize, len: usize) -> [u32; 8] {
    let mut index = [0; 8];
    for (i, slot) in index.iter_mut().enumerate() {
        *slot = (start + i).min(len - 1) as u32;
    }
    index
}

#[inline(always)]
fn store_eight<G: Group>(isa: Isa, points: &[Affine<G::Curve>]) -> [G::Stored; 8] {
    let mut x = [G::Field::ZERO; 8];
    let mut y = [G::Field::ZERO; 8];
    for (i, point) in points.iter().enumerate() {
        debug_assert!(!ark_ec::AffineRepr::is_zero(point), "infinity has no place among stored points");
        x[i] = point.x;
        y[i] = point.y;
    }
    G::settle(&G::from_ark(isa, &x), &G::from_ark(isa, &y))
}
