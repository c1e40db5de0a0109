//! A proving key laid out for the lanes: three sums, of which C is one product over the L, H and B
//! bases with one set of buckets (`r sum w_i B_i = sum (r w_i) B_i`). Bases at infinity are dropped
//! when the key is loaded; the assignment is brought to integers and halved once for all sums.

use super::lanes::Isa;
use super::msm::{Bases, Recoded};
use super::points::{G1, G2, Group};
use super::recode::{Halves, beta_g1, beta_g2, halves_of};
use crate::Fr;
use crate::groth16::{Cancelled, KeyBases, LoadedKey, Phase, Progress, Sums, TableMemory, begin};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use ark_ff::BigInt;

/// A proving key.
pub(crate) struct Key {
    isa: Isa,
    num_variables: usize,
    num_h: usize,
    a: Query<G1>,
    b_g2: Query<G2>,
    c: Query<G1>,
    /// How many of C's bases are L's, and L's and H's.
    ends: [usize; 2],
}

/// The finite bases of a sum, with the place of each one's scalar.
struct Query<G: Group> {
    bases: Bases<G>,
    places: Vec<u32>,
}

impl<G: Group> Query<G> {
    fn new(isa: Isa, finite: Finite<'_, G>, beta: ark_bn254::Fq, merged: usize) -> Self {
        let bases = Bases::new(isa, finite.places.len(), &|i| finite.base(i), beta, merged);
        Self { bases, places: finite.places }
    }

    fn bytes(&self) -> usize {
        self.bases.bytes() + size_of_val(self.places.as_slice())
    }
}

/// Bases before they are laid out: the finite points of some lists.
struct Finite<'a, G: Group> {
    lists: Vec<List<'a, G>>,
    places: Vec<u32>,
}

/// One of the lists.
struct List<'a, G: Group> {
    bases: &'a [Affine<G::Curve>],
    /// Where the first scalar is.
    first_place: usize,
    /// How many finite bases the lists up to this one have.
    end: usize,
}

impl<'a, G: Group> Finite<'a, G> {
    fn of(lists: &[(&'a [Affine<G::Curve>], usize)]) -> Self {
        let mut finite = Self { lists: Vec::with_capacity(lists.len()), places: Vec::new() };
        for (bases, first_place) in lists {
            let places = (*first_place..).zip(*bases).filter(|(_, base)| !base.is_zero());
            let place = |(place, _)| u32::try_from(place).expect("fewer than 2^32 bases");
            finite.places.extend(places.map(place));
            finite.lists.push(List { bases, first_place: *first_place, end: finite.places.len() });
        }
        finite
    }

    /// The base whose scalar's place is `places[i]`.
    fn base(&self, i: usize) -> Affine<G::Curve> {
        let list = &self.lists[self.lists.partition_point(|list| list.end <= i)];
        list.bases[self.places[i] as usize - list.first_place]
    }

    fn table_bytes(&self, merged: usize) -> usize {
        self.places.len() * 2 * (merged - 1) * size_of::<G::Stored>()
    }
}

impl Key {
    pub(crate) fn new(isa: Isa, bases: &KeyBases<'_>, memory: TableMemory) -> Self {
        let KeyBases { a, b_g1, b_g2, l, h } = bases;
        assert!(a.len() == b_g1.len() && a.len() == b_g2.len(), "A and B have one base for each variable");
        assert!(l.len() <= a.len(), "L has bases for the last variables");
        let (finite_a, finite_b) = (Finite::<G1>::of(&[(a, 0)]), Finite::<G2>::of(&[(b_g2, 0)]));
        let finite_c = Finite::<G1>::of(&[(l, a.len() - l.len()), (h, 0), (b_g1, 0)]);
        let ends = [finite_c.lists[0].end, finite_c.lists[1].end];

        let tables = |merged: usize| {
            finite_a.table_bytes(merged) + finite_b.table_bytes(merged) + finite_c.table_bytes(merged)
        };
        let merged = match memory {
            TableMemory::Plain => 1,
            TableMemory::AtMost(bytes) => [8, 4, 2].into_iter().find(|m| tables(*m) <= bytes).unwrap_or(1),
        };
        Self {
            isa,
            num_variables: a.len(),
            num_h: h.len(),
            a: Query::new(isa, finite_a, beta_g1(), merged),
            b_g2: Query::new(isa, finite_b, beta_g2(), merged),
            c: Query::new(isa, finite_c, beta_g1(), merged),
            ends,
        }
    }
}

impl LoadedKey for Key {
    fn sums(
        &self,
        assignment: &[Fr],
        h: &[BigInt<4>],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Sums, Cancelled> {
        assert_eq!(assignment.len(), self.num_variables, "one value for each variable");
        assert_eq!(h.len(), self.num_h, "one number of the quotient for each H point");
        begin(progress, Phase::Recode)?;
        let w = halves_of(self.isa, assignment, None);
        let scaled = halves_of(self.isa, assignment, Some(r));
        let h = halves_of(self.isa, h, None);
        begin(progress, Phase::SumA)?;
        let mut sums = Sums::zero();
        sums.a = sum(&self.a, &[(&w, 0..self.a.places.len())]);
        begin(progress, Phase::SumB2)?;
        sums.b_g2 = sum(&self.b_g2, &[(&w, 0..self.b_g2.places.len())]);
        begin(progress, Phase::SumC)?;
        let [l, lh] = self.ends;
        sums.c = sum(&self.c, &[(&w, 0..l), (&h, l..lh), (&scaled, lh..self.c.places.len())]);
        Ok(sums)
    }

    fn bytes(&self) -> usize {
        self.a.bytes() + self.b_g2.bytes() + self.c.bytes()
    }
}

/// The sum over a query whose bases take their scalars from several lists in turn.
fn sum<G: Group>(
    query: &Query<G>,
    sources: &[(&Halves, core::ops::Range<usize>)],
) -> ark_ec::short_weierstrass::Projective<G::Curve> {
    let mut recoded = Recoded::default();
    for (halves, range) in sources {
        query.bases.fill(&mut recoded, halves, &query.places[range.clone()]);
    }
    query.bases.sum(&recoded)
}

/// One-off: `sum scalars[i] * bases[i]`.
pub(crate) fn msm<G: Group>(
    isa: Isa,
    bases: &[Affine<G::Curve>],
    scalars: &[Fr],
    beta: ark_bn254::Fq,
) -> ark_ec::short_weierstrass::Projective<G::Curve> {
    assert_eq!(bases.len(), scalars.len(), "one scalar for each base");
    let query = Query::<G>::new(isa, Finite::of(&[(bases, 0)]), beta, 1);
    let halves = halves_of(isa, scalars, None);
    sum(&query, &[(&halves, 0..query.places.len())])
}
