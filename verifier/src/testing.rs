//! Three of the testkit's keys, prepared by this crate's unit tests, which see its types otherwise
//! than the testkit would.

use crate::PreparedVerifyingKey;
use amanat_domain::field::Fr;
use amanat_domain::statement::Statement;
use amanat_params::{Proof, VerifyingKey};
use amanat_testkit::groth16::SmallKey;
use amanat_testkit::r1cs::{cubic, cubic_assignment};
use std::sync::OnceLock;

/// Says: the first public input is `x^3 + x + k`, the last is 0, the others are what they are.
pub(crate) struct World {
    k: u64,
    key: SmallKey,
    pub(crate) pvk: PreparedVerifyingKey,
}

/// Three worlds of different statements, made once.
pub(crate) fn worlds() -> &'static [World] {
    static WORLDS: OnceLock<Vec<World>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        [(5, Statement::Consent), (6, Statement::Role), (7, Statement::Access)]
            .map(|(k, s)| World::new(k, s))
            .into()
    })
}

impl World {
    fn new(k: u64, statement: Statement) -> Self {
        let key = SmallKey::new(statement, 1, cubic(k), k);
        let pvk = PreparedVerifyingKey::new(&key.vk);
        Self { k, key, pvk }
    }

    pub(crate) const fn vk(&self) -> &VerifyingKey {
        &self.key.vk
    }

    /// An honest proof for public inputs that follow from the seed.
    pub(crate) fn prove(&self, seed: u64) -> ([Fr; 8], Proof) {
        let mut assignment = cubic_assignment(self.k, 1000 + seed);
        assignment[8] = Fr::from(0u64);
        self.key.prove(&assignment, 2000 + seed)
    }
}
