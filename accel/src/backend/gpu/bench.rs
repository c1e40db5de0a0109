//! One-off work on a device, timed by the device's side of the border: for the check on a GPU.

use super::failure::Failure;
use super::plans::{circuit_plan, key_plan};
use super::plugin::{Device, DeviceInfo, DeviceTimes, Stream, Transform};
use crate::{Fr, G1Affine, G1Projective, G2Affine, G2Projective, KeyBases, Matrices, QuotientForm, Sums};
use std::sync::Arc;

/// A separate stream, outside the slots. Answers are read for their form, not verified.
pub struct Bench {
    stream: Stream,
    device: Arc<Device>,
}

/// A circuit and a key on the device, outside the budget.
pub struct Resident {
    circuit: super::plugin::Circuit,
    key: super::plugin::Key,
}

impl Resident {
    /// What the plugin says they take: circuit and key.
    #[must_use]
    pub const fn bytes(&self) -> (u64, u64) {
        (self.circuit.bytes, self.key.bytes)
    }
}

impl Bench {
    pub(super) const fn new(stream: Stream, device: Arc<Device>) -> Self {
        Self { stream, device }
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &DeviceInfo {
        &self.device.info
    }

    /// Free and total bytes, now.
    ///
    /// # Errors
    /// What the device said; so for all below.
    pub fn memory(&self) -> Result<(u64, u64), Failure> {
        self.device.memory()
    }

    /// Time spent since the last call.
    pub fn times(&mut self) -> Result<DeviceTimes, Failure> {
        self.stream.times()
    }

    /// A sum in G1.
    pub fn msm_g1(&mut self, bases: &[G1Affine], scalars: &[Fr]) -> Result<G1Projective, Failure> {
        self.stream.msm_g1(bases, scalars)
    }

    /// A sum in G2.
    pub fn msm_g2(&mut self, bases: &[G2Affine], scalars: &[Fr]) -> Result<G2Projective, Failure> {
        self.stream.msm_g2(bases, scalars)
    }

    /// The values on the subgroup.
    pub fn ntt(&mut self, values: &mut [Fr]) -> Result<(), Failure> {
        self.stream.ntt(values, Transform::Ntt)
    }

    /// Puts a circuit and a key on the device.
    ///
    /// # Panics
    /// If the matrices contradict their own description.
    pub fn load(
        &mut self,
        matrices: &Matrices,
        form: QuotientForm,
        bases: &KeyBases<'_>,
    ) -> Result<Resident, Failure> {
        if let Err(reason) = matrices.check(form) {
            panic!("{reason}");
        }
        Ok(Resident {
            circuit: self.device.circuit(&circuit_plan(matrices, form))?,
            key: self.device.key(&key_plan(bases))?,
        })
    }

    /// All heavy work of a proof; `None` if the device says that a row does not hold.
    pub fn prove(&mut self, on: &Resident, assignment: &[Fr], r: &Fr) -> Result<Option<Sums>, Failure> {
        self.stream.assign(assignment)?;
        if self.stream.rows(&on.circuit)?.is_some() {
            return Ok(None);
        }
        self.stream.transform(&on.circuit)?;
        self.stream.scalars(&on.key, r)?;
        let mut sums = Sums::zero();
        sums.a = self.stream.sum_a(&on.key)?;
        sums.b_g2 = self.stream.sum_b(&on.key)?;
        sums.c = self.stream.sum_c(&on.key)?;
        self.stream.wipe()?;
        Ok(Some(sums))
    }
}
