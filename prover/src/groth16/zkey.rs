//! Proofs for any circom circuit: a `.zkey` and a `.wtns` in, a proof and its public inputs out.
//!
//! The quotient is snarkjs', by its values on the odd coset; everything else is as in
//! [`prove`](crate::groth16::prove), with the same secrets and the same warnings. A `.zkey` does
//! not hold C, so a witness that breaks a row cannot be told from the rows: it shows when the proof
//! is verified, which is done before it leaves.

use crate::groth16::{Blinding, FixedPoints, ProveError, prove_loaded};
use amanat_accel::{Backend, KeyBases, LoadedCircuit, LoadedKey, Progress, QuotientForm, TableMemory};
use amanat_params::{VkPoints, Witness, Zkey};
use amanat_verifier::{Proof, holds};
use ark_bn254::Fr;
use ark_ff::One;

/// A `.zkey` laid out for proving: made once, used for every proof.
///
/// ```
/// # use amanat_circuits::r1cs::{R1cs, Row};
/// # use amanat_domain::field::Fr;
/// # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut rng = ChaCha20Rng::seed_from_u64(1);
/// # let one = Fr::from(1u64);
/// # let rows = vec![Row { a: vec![(2, one)], b: vec![(2, one)], c: vec![(1, one)] }];
/// # let x_squared_is_y = R1cs { num_public: 1, num_private: 1, rows };
/// # let zkey = amanat_params::insecure_dev_zkey(&x_squared_is_y, &mut rng)?;
/// # let witness = amanat_params::Witness::new([1u64, 49, 7].map(Fr::from).to_vec());
/// use amanat_prover::{groth16::{Blinding, no_progress}, zkey::ZkeyProver};
/// // `zkey` by `Zkey::read`, `witness` by `Witness::read`.
/// let prover = ZkeyProver::new(zkey, amanat_accel::default_backend(), Default::default());
/// let (proof, public) = prover.prove(&witness, Blinding::draw(&mut rng), &no_progress)?;
/// // Verified before it left: a proof that does not verify is an error.
/// assert!(prover.verify(&public, &proof));
/// # Ok(()) }
/// ```
pub struct ZkeyProver {
    vk: VkPoints,
    fixed: FixedPoints,
    num_variables: usize,
    domain_size: usize,
    circuit: Box<dyn LoadedCircuit>,
    key: Box<dyn LoadedKey>,
    backend: &'static dyn Backend,
}

/// Why a key and a witness gave no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ZkeyProveError {
    /// The prover failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A proof came out that does not verify; it was not released.
    #[error(
        "the proof does not verify and was not released: the witness does not satisfy the circuit, or the key and the witness belong to different circuits"
    )]
    NotReleased,
}

impl ZkeyProver {
    /// Lays out a key. The key's own lists are freed.
    #[must_use]
    pub fn new(zkey: Zkey, backend: &'static dyn Backend, memory: TableMemory) -> Self {
        let Zkey { vk, queries, matrices, num_public: _ } = zkey;
        let fixed = FixedPoints {
            alpha_g1: vk.alpha_g1,
            beta_g1: queries.beta_g1,
            beta_g2: vk.beta_g2,
            delta_g1: queries.delta_g1,
            delta_g2: vk.delta_g2,
        };
        let (num_variables, domain_size) = (matrices.num_variables, matrices.domain_size);
        let circuit = backend.load_circuit(matrices, QuotientForm::OddCoset);
        let bases = KeyBases {
            a: &queries.a,
            b_g1: &queries.b_g1,
            b_g2: &queries.b_g2,
            l: &queries.l,
            h: &queries.h,
        };
        let key = backend.load_key(&bases, memory);
        Self { vk, fixed, num_variables, domain_size, circuit, key, backend }
    }

    /// Number of variables, with the constant: the length of a witness.
    #[must_use]
    pub fn num_variables(&self) -> usize {
        self.num_variables
    }

    /// Number of public inputs.
    #[must_use]
    pub fn num_public(&self) -> usize {
        self.vk.ic.len() - 1
    }

    /// Size of the evaluation domain.
    #[must_use]
    pub fn domain_size(&self) -> usize {
        self.domain_size
    }

    /// Memory that circuit and key hold, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.circuit.bytes() + self.key.bytes()
    }

    /// The circuit and the key, as their backend holds them.
    #[must_use]
    pub fn loaded(&self) -> (&dyn LoadedCircuit, &dyn LoadedKey) {
        (self.circuit.as_ref(), self.key.as_ref())
    }

    /// Proves, and verifies the proof before it leaves. The public inputs are the witness' values
    /// after the first.
    ///
    /// `progress` hears each phase before it begins, on the caller's thread, and can stop the work
    /// there.
    ///
    /// # Errors
    /// [`ZkeyProveError`]: a witness of another length, one that does not satisfy the circuit, or
    /// cancellation.
    pub fn prove(
        &self,
        witness: &Witness,
        blinding: Blinding,
        progress: Progress<'_>,
    ) -> Result<(Proof, Vec<Fr>), ZkeyProveError> {
        let assignment = witness.values();
        if assignment.len() != self.num_variables {
            let (expected, got) = (self.num_variables, assignment.len());
            return Err(ProveError::AssignmentLength { expected, got }.into());
        }
        if !assignment[0].is_one() {
            return Err(ProveError::NotOne.into());
        }
        let loaded = (self.circuit.as_ref(), self.key.as_ref());
        let public = assignment[1..=self.num_public()].to_vec();
        let holds = |proof: &Proof| self.verify(&public, proof);
        let proven = prove_loaded(&self.fixed, loaded, assignment, &blinding, progress, &holds)?;
        if proven.verified || self.verify(&public, &proven.proof) {
            Ok((proven.proof, public))
        } else {
            Err(ZkeyProveError::NotReleased)
        }
    }

    /// The key's verifying key.
    #[must_use]
    pub fn verifying_key(&self) -> &VkPoints {
        &self.vk
    }

    /// Whether the proof holds for these public inputs.
    #[must_use]
    pub fn verify(&self, public: &[Fr], proof: &Proof) -> bool {
        holds(self.backend, &self.vk, public, proof)
    }
}
