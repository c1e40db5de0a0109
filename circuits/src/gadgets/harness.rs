//! Runs one gadget by itself, for the gadgets' tests.

use crate::cs::{Cs, Num};
use crate::public;
use crate::r1cs::R1cs;
use amanat_domain::field::Fr;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// What a gadget gave, and the rows and wires it left behind.
pub(crate) struct Outcome<T> {
    pub(crate) value: T,
    r1cs: R1cs,
    assignment: Vec<Fr>,
}

impl<T> Outcome<T> {
    pub(crate) fn holds(&self) -> bool {
        self.r1cs.first_unsatisfied(&self.assignment).is_none()
    }
}

/// Walks a gadget for its rows, then for its wires.
pub(crate) fn run<T>(gadget: impl Fn(&mut Cs) -> T) -> Outcome<T> {
    forged(&[], gadget)
}

/// The same by a prover who puts these values in place of the honest ones.
pub(crate) fn forged<T>(faults: &[(u32, Fr)], gadget: impl Fn(&mut Cs) -> T) -> Outcome<T> {
    let zeros = [Fr::from(0u64); 8];
    let mut cs = Cs::shape(&zeros);
    gadget(&mut cs);
    let (r1cs, _) = cs.into_shape();
    let mut cs = Cs::cheating(&zeros, faults.to_vec());
    let value = gadget(&mut cs);
    Outcome { value, r1cs, assignment: cs.into_assignment() }
}

/// The gadget gives what its native twin gives, and nothing else is accepted in its place.
pub(crate) fn agrees(native: Fr, gadget: impl Fn(&mut Cs) -> Num) {
    let claim = |value: Fr| {
        let mut public = [Fr::from(0u64); 8];
        public[public::OUT_0] = value;
        let walk = |mut cs: Cs| {
            let computed = gadget(&mut cs);
            cs.bind_public(public::OUT_0, &computed);
            cs
        };
        let (r1cs, _) = walk(Cs::shape(&public)).into_shape();
        r1cs.first_unsatisfied(&walk(Cs::witness(&public)).into_assignment()).is_none()
    };
    assert!(claim(native), "the gadget gives another value than its native twin");
    assert!(!claim(native + Fr::from(1u64)), "a wrong value is accepted");
}

/// Numbers at which carries and signs go wrong.
pub(crate) fn edges() -> Vec<Fr> {
    let one = Fr::from(1u64);
    let mut all = vec![Fr::from(0u64), one, -one];
    for k in [1, 2, 39, 40, 63, 64, 250, 251, 252, 253] {
        let power = amanat_domain::field::pow2(k);
        all.extend([power - one, power, power + one, -power]);
    }
    all
}
