//! Keys for small constraint systems, and proofs by arkworks' prover, which shares no code with
//! ours.

use crate::rng;
use amanat_circuits::r1cs::{Form, R1cs};
use amanat_domain::field::{self, Fr};
use amanat_domain::statement::{PUBLIC_INPUTS, Statement};
use amanat_params::{Proof, ProvingKey, Queries, VerifyingKey, VkPoints, insecure_dev_setup};
use ark_bn254::{Bn254, Fq2, G2Affine};
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::LibsnarkReduction;

/// A constraint system with keys for it.
pub struct SmallKey {
    r1cs: R1cs,
    pk: ProvingKey,
    /// The verifying half.
    pub vk: VerifyingKey,
}

impl SmallKey {
    /// A key for a statement that says what the constraint system says; the same seed gives the
    /// same key.
    ///
    /// # Panics
    /// If the system is not one that keys can be made for.
    #[must_use]
    pub fn new(statement: Statement, version: u16, r1cs: R1cs, seed: u64) -> Self {
        let (pk, vk) = insecure_dev_setup(statement, version, &r1cs, &mut rng(seed), &|_| ())
            .expect("a constraint system that keys can be made for");
        Self { r1cs, pk, vk }
    }

    /// The public inputs of an assignment and an honest proof of them, randomised by the seed.
    ///
    /// # Panics
    /// If the assignment does not satisfy the constraint system.
    #[must_use]
    pub fn prove(&self, assignment: &[Fr], seed: u64) -> ([Fr; PUBLIC_INPUTS], Proof) {
        assert_eq!(self.r1cs.first_unsatisfied(assignment), None);
        let mut rng = rng(seed);
        let (r, s) = (field::random(&mut rng), field::random(&mut rng));
        let public = core::array::from_fn(|i| assignment[1 + i]);
        (public, arkworks_proof(&self.pk, &self.r1cs, assignment, [r, s]))
    }
}

/// A key of these points as arkworks holds it.
#[must_use]
pub fn arkworks_key(vk: &VkPoints, queries: &Queries) -> ark_groth16::ProvingKey<Bn254> {
    let q = queries.clone();
    ark_groth16::ProvingKey {
        vk: ark_groth16::VerifyingKey {
            alpha_g1: vk.alpha_g1,
            beta_g2: vk.beta_g2,
            gamma_g2: vk.gamma_g2,
            delta_g2: vk.delta_g2,
            gamma_abc_g1: vk.ic.clone(),
        },
        beta_g1: q.beta_g1,
        delta_g1: q.delta_g1,
        a_query: q.a,
        b_g1_query: q.b_g1,
        b_g2_query: q.b_g2,
        h_query: q.h,
        l_query: q.l,
    }
}

/// The matrices A, B and C as arkworks takes them.
#[must_use]
pub fn arkworks_matrices(r1cs: &R1cs) -> [Vec<Vec<(Fr, usize)>>; 3] {
    let flip = |form: &Form| form.iter().map(|(v, x)| (*x, *v as usize)).collect();
    [
        r1cs.rows.iter().map(|row| flip(&row.a)).collect(),
        r1cs.rows.iter().map(|row| flip(&row.b)).collect(),
        r1cs.rows.iter().map(|row| flip(&row.c)).collect(),
    ]
}

/// arkworks' proof with these blinding factors.
///
/// # Panics
/// If key, system and assignment do not belong together.
#[must_use]
pub fn arkworks_proof(pk: &ProvingKey, r1cs: &R1cs, assignment: &[Fr], [r, s]: [Fr; 2]) -> Proof {
    let proof = Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
        &arkworks_key(pk.verifying_key().points(), pk.queries()),
        r,
        s,
        &arkworks_matrices(r1cs),
        1 + r1cs.num_public,
        r1cs.rows.len(),
        assignment,
    )
    .expect("arkworks proves");
    Proof::from_points(proof.a, proof.b, proof.c).expect("points")
}

/// Points of the twist, of which all but one in 2^254 lie outside the subgroup.
pub fn g2_outside_the_subgroup() -> impl Iterator<Item = G2Affine> {
    let mut rng = ark_std::test_rng();
    core::iter::repeat_with(move || G2Affine::get_point_from_x_unchecked(Fq2::rand(&mut rng), true)).flatten()
}
