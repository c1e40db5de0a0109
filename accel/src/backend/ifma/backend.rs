//! The backend over these lanes.

use super::key::{Key, msm};
use super::lanes::{self, Isa};
use super::ntt::plain;
use super::points::{G1, G2};
use super::quotient;
use super::recode::{beta_g1, beta_g2};
use crate::backend::portable::Portable;
use crate::groth16::{KeyBases, LoadedCircuit, LoadedKey, Proving, QuotientForm, TableMemory};
use crate::matrices::Matrices;
use crate::{Backend, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use std::sync::OnceLock;

/// Below this many terms shared doublings win over buckets.
const SMALL_MSM: usize = 64;

/// Eight lanes, of the instructions or of plain Rust.
#[derive(Clone, Copy)]
pub(crate) struct Lanes {
    pub(super) isa: Isa,
}

impl Lanes {
    /// The backend, if this machine has the instructions.
    pub(crate) fn detect() -> Option<&'static Self> {
        static BACKEND: OnceLock<Option<Lanes>> = OnceLock::new();
        BACKEND.get_or_init(|| Isa::detect().map(|isa| Self { isa })).as_ref()
    }
}

impl Backend for Lanes {
    fn name(&self) -> &'static str {
        lanes::BACKEND
    }

    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
        if bases.len() < SMALL_MSM {
            return Portable.msm_g1(bases, scalars);
        }
        msm::<G1>(self.isa, bases, scalars, beta_g1())
    }

    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective {
        if bases.len() < SMALL_MSM {
            return Portable.msm_g2(bases, scalars);
        }
        msm::<G2>(self.isa, bases, scalars, beta_g2())
    }

    fn ntt(&self, values: &mut Vec<Fr>) {
        plain::ntt(self.isa, values);
    }

    fn intt(&self, values: &mut Vec<Fr>) {
        plain::intt(self.isa, values);
    }

    fn coset_ntt(&self, values: &mut Vec<Fr>) {
        plain::coset_ntt(self.isa, values);
    }

    fn coset_intt(&self, values: &mut Vec<Fr>) {
        plain::coset_intt(self.isa, values);
    }
}

impl Proving for Lanes {
    fn load_circuit(&self, matrices: Matrices, form: QuotientForm) -> Box<dyn LoadedCircuit> {
        quotient::load(self.isa, matrices, form)
    }

    fn load_key(&self, bases: &KeyBases<'_>, memory: TableMemory) -> Box<dyn LoadedKey> {
        Box::new(Key::new(self.isa, bases, memory))
    }
}

#[cfg(test)]
mod tests {
    crate::suite::mount!(
        super::Lanes::detect().map(|backend| backend as &dyn crate::Backend),
        the_backend_is_found_by_its_name: found_by_name
    );
}
