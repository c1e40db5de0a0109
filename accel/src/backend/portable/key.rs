//! From an assignment and a quotient to the three sums of a proof.

use super::{integers, msm_g1, msm_g2};
use crate::groth16::{Cancelled, KeyBases, LoadedKey, Phase, Progress, Sums, begin};
use crate::{Fr, G1Projective};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::BigInt;
use zeroize::{Zeroize, Zeroizing};

/// A proving key without the bases at infinity, of which B has many: most variables are in few
/// forms.
pub(super) struct Key {
    num_variables: usize,
    a: Query<ark_bn254::g1::Config>,
    b_g1: Query<ark_bn254::g1::Config>,
    b_g2: Query<ark_bn254::g2::Config>,
    l: Query<ark_bn254::g1::Config>,
    h: Query<ark_bn254::g1::Config>,
}

/// The finite bases of a query.
struct Query<P: SWCurveConfig> {
    /// Number of scalars it takes.
    len: usize,
    bases: Vec<Affine<P>>,
    /// For each base the place of its scalar; `None` if all bases are finite.
    places: Option<Vec<u32>>,
}

impl Key {
    pub(super) fn new(bases: &KeyBases<'_>) -> Self {
        let KeyBases { a, b_g1, b_g2, l, h } = bases;
        assert!(a.len() == b_g1.len() && a.len() == b_g2.len(), "A and B have one base for each variable");
        assert!(l.len() <= a.len(), "L has bases for the last variables");
        Self {
            num_variables: a.len(),
            a: Query::new(a),
            b_g1: Query::new(b_g1),
            b_g2: Query::new(b_g2),
            l: Query::new(l),
            h: Query::new(h),
        }
    }
}

impl<P: SWCurveConfig> Query<P> {
    fn new(bases: &[Affine<P>]) -> Self {
        let finite = bases.iter().filter(|base| !base.is_zero()).count();
        let len = bases.len();
        if finite == len {
            return Self { len, bases: bases.to_vec(), places: None };
        }
        let places = bases.iter().enumerate().filter(|(_, base)| !base.is_zero());
        let places = places.map(|(place, _)| u32::try_from(place).expect("fewer than 2^32 bases"));
        let (mut kept, mut all) = (Vec::with_capacity(finite), Vec::with_capacity(finite));
        all.extend(places);
        kept.extend(bases.iter().filter(|base| !base.is_zero()));
        Self { len, bases: kept, places: Some(all) }
    }

    /// `sum` over the finite bases and their scalars.
    fn sum<G>(&self, scalars: &[BigInt<4>], sum: impl Fn(&[Affine<P>], &[BigInt<4>]) -> G) -> G {
        assert_eq!(scalars.len(), self.len, "one scalar for each base");
        let Some(places) = &self.places else {
            return sum(&self.bases, scalars);
        };
        let picked = Zeroizing::new(places.iter().map(|place| scalars[*place as usize]).collect::<Vec<_>>());
        sum(&self.bases, &picked)
    }

    fn bytes(&self) -> usize {
        size_of_val(self.bases.as_slice()) + self.places.as_ref().map_or(0, |p| size_of_val(p.as_slice()))
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
        begin(progress, Phase::Recode)?;
        let assignment = integers(assignment);
        begin(progress, Phase::SumA)?;
        let mut sums = Sums::zero();
        sums.a = self.a.sum(&assignment, msm_g1);
        begin(progress, Phase::SumB2)?;
        sums.b_g2 = self.b_g2.sum(&assignment, msm_g2);
        begin(progress, Phase::SumL)?;
        sums.c = self.l.sum(&assignment[self.num_variables - self.l.len..], msm_g1);
        begin(progress, Phase::SumH)?;
        sums.c += self.h.sum(h, msm_g1);
        begin(progress, Phase::SumB1)?;
        let mut b: G1Projective = self.b_g1.sum(&assignment, msm_g1);
        sums.c += b * r;
        b.zeroize();
        Ok(sums)
    }

    fn bytes(&self) -> usize {
        let g1: usize = [&self.a, &self.b_g1, &self.l, &self.h].map(Query::bytes).iter().sum();
        g1 + self.b_g2.bytes()
    }
}
