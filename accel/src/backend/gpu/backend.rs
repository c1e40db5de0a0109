//! The backend `gpu`: proofs on a device where that is sooner, on the processor otherwise and
//! whenever anything goes wrong.
//!
//! One-off sums, transforms and everything a verifier needs stay on the processor: a device that
//! lies must not be asked about its own lies.

use super::failure::Failure;
use super::health::Report;
use super::plugin::{DeviceInfo, Plugin, Transform};
use super::shared::{Inner, Settings};
use super::{circuit, key};
use crate::{
    Backend, FixedBases, Fq, Fq2, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective,
    KeyBases, LoadedCircuit, LoadedKey, Matrices, MillerProducts, Pairings, Proving, QuotientForm,
    TableMemory, Weight,
};
use std::sync::Arc;

/// The backend.
pub struct Gpu {
    pub(super) inner: Arc<Inner>,
}

impl Gpu {
    pub(super) fn open(
        plugin: Plugin,
        info: DeviceInfo,
        processor: &'static dyn Backend,
        settings: Settings,
    ) -> Result<Self, Failure> {
        Ok(Self { inner: Arc::new(Inner::open(plugin, info, processor, settings)?) })
    }

    /// Tests the device against the processor and measures both, if that has not been done. The
    /// first proof does it too.
    pub fn start(&self) {
        self.inner.start();
    }

    /// All there is to say about the device.
    #[must_use]
    pub fn report(&self) -> Report {
        self.inner.report()
    }

    /// The processor's backend, which does what the device does not.
    #[must_use]
    pub fn processor(&self) -> &'static dyn Backend {
        self.inner.processor
    }

    /// A separate stream for measuring: times are per stream and not added up.
    ///
    /// # Errors
    /// What the device said.
    pub fn bench(&self) -> Result<super::Bench, Failure> {
        Ok(super::Bench::new(self.inner.device.stream()?, self.inner.device.clone()))
    }
}

impl Backend for Gpu {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
        let done = self.inner.one_off(|stream| stream.msm_g1(bases, scalars));
        done.unwrap_or_else(|| self.inner.processor.msm_g1(bases, scalars))
    }

    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective {
        let done = self.inner.one_off(|stream| stream.msm_g2(bases, scalars));
        done.unwrap_or_else(|| self.inner.processor.msm_g2(bases, scalars))
    }

    fn ntt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::Ntt) {
            self.inner.processor.ntt(values);
        }
    }

    fn intt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::Intt) {
            self.inner.processor.intt(values);
        }
    }

    fn coset_ntt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::CosetNtt) {
            self.inner.processor.coset_ntt(values);
        }
    }

    fn coset_intt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::CosetIntt) {
            self.inner.processor.coset_intt(values);
        }
    }
}

impl Proving for Gpu {
    fn load_circuit(&self, matrices: Matrices, form: QuotientForm) -> Box<dyn LoadedCircuit> {
        Box::new(circuit::Circuit::new(self.inner.clone(), matrices, form))
    }

    /// Tables of multiples are made if the processor has to lay the key out.
    fn load_key(&self, bases: &KeyBases<'_>, memory: TableMemory) -> Box<dyn LoadedKey> {
        Box::new(key::Key::new(self.inner.clone(), bases, memory))
    }
}

impl Pairings for Gpu {
    fn prepare_g2(&self, point: &G2Affine) -> G2Prepared {
        self.inner.processor.prepare_g2(point)
    }

    fn multi_miller_loop(&self, pairs: &[(G1Affine, &G2Prepared)]) -> Fq12 {
        self.inner.processor.multi_miller_loop(pairs)
    }

    fn final_exponentiation(&self, f: &Fq12) -> Option<Fq12> {
        self.inner.processor.final_exponentiation(f)
    }

    fn multi_pairing(&self, pairs: &[(G1Affine, G2Affine)]) -> Option<Fq12> {
        self.inner.processor.multi_pairing(pairs)
    }

    fn lift_g1(&self, xs: &[(Fq, bool)]) -> Vec<Option<G1Affine>> {
        self.inner.processor.lift_g1(xs)
    }

    fn lift_g2(&self, xs: &[(Fq2, bool)]) -> Vec<Option<G2Affine>> {
        self.inner.processor.lift_g2(xs)
    }

    fn in_subgroup_g2(&self, points: &[G2Affine]) -> Vec<bool> {
        self.inner.processor.in_subgroup_g2(points)
    }

    fn miller_products(&self, pairs: &[(G1Affine, G2Affine)], group: usize) -> MillerProducts {
        self.inner.processor.miller_products(pairs, group)
    }

    fn weigh_g1(&self, points: &[G1Affine], weights: &[Weight]) -> Vec<G1Affine> {
        self.inner.processor.weigh_g1(points, weights)
    }

    fn weighted_sums_g1(
        &self,
        points: &[G1Affine],
        weights: &[Weight],
        lengths: &[usize],
    ) -> Vec<G1Projective> {
        self.inner.processor.weighted_sums_g1(points, weights, lengths)
    }

    fn fix_g1(&self, bases: &[G1Affine]) -> Arc<dyn FixedBases> {
        self.inner.processor.fix_g1(bases)
    }
}
