//! arkworks' own verification of our proofs, for comparison.

use super::Outcome;
use amanat_domain::field::Fr;
use amanat_params::VerifyingKey;
use ark_bn254::Bn254;
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_groth16::{Groth16, PreparedVerifyingKey, Proof, prepare_verifying_key};
use ark_serialize::CanonicalDeserialize;

/// Our verifying key, prepared by arkworks.
pub struct Peer(PreparedVerifyingKey<Bn254>);

impl Peer {
    /// Prepares a key.
    #[must_use]
    pub fn new(vk: &VerifyingKey) -> Self {
        let points = vk.points();
        Self(prepare_verifying_key(&ark_groth16::VerifyingKey {
            alpha_g1: points.alpha_g1,
            beta_g2: points.beta_g2,
            gamma_g2: points.gamma_g2,
            delta_g2: points.delta_g2,
            gamma_abc_g1: points.ic.clone(),
        }))
    }

    /// Our proof bytes are arkworks' compressed encoding.
    ///
    /// # Errors
    /// If they are not.
    pub fn decode(proof: &[u8]) -> Outcome<Proof<Bn254>> {
        Ok(Proof::deserialize_compressed(proof)?)
    }

    /// Prepared verification of a decoded proof.
    ///
    /// # Errors
    /// If arkworks finds the inputs malformed.
    pub fn verify(&self, public: &[Fr; 8], proof: &Proof<Bn254>) -> Outcome<bool> {
        Ok(Groth16::<Bn254, LibsnarkReduction>::verify_proof(&self.0, proof, public)?)
    }
}
