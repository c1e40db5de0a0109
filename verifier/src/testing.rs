//! Small worlds for this crate's tests: keys over little circuits, and honest proofs made by
//! arkworks.

use crate::PreparedVerifyingKey;
use amanat_circuits::r1cs::{R1cs, Row};
use amanat_domain::field::{self, Fr};
use amanat_domain::statement::Statement;
use amanat_params::{Proof, ProvingKey, VerifyingKey, insecure_dev_setup};
use ark_bn254::{Bn254, Fq2, G2Affine};
use ark_ff::{One, UniformRand};
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::sync::OnceLock;

/// Says: the first public input is `x^3 + x + k`, the others are what they are.
pub(crate) struct World {
    k: u64,
    r1cs: R1cs,
    pk: ProvingKey,
    pub(crate) vk: VerifyingKey,
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
        let one = Fr::one();
        // Variables 9, 10, 11: x, x^2, x^3.
        let rows = vec![
            Row { a: vec![(9, one)], b: vec![(9, one)], c: vec![(10, one)] },
            Row { a: vec![(10, one)], b: vec![(9, one)], c: vec![(11, one)] },
            Row { a: vec![(0, Fr::from(k)), (9, one), (11, one)], b: vec![(0, one)], c: vec![(1, one)] },
        ];
        let r1cs = R1cs { num_public: 8, num_private: 3, rows };
        let mut rng = ChaCha20Rng::seed_from_u64(k);
        let (pk, vk) = insecure_dev_setup(statement, 1, &r1cs, &mut rng, &|_| ()).expect("a plain circuit");
        let pvk = PreparedVerifyingKey::new(&vk);
        Self { k, r1cs, pk, vk, pvk }
    }

    /// An honest proof for public inputs that follow from the seed.
    pub(crate) fn prove(&self, seed: u64) -> ([Fr; 8], Proof) {
        let mut rng = ChaCha20Rng::seed_from_u64(1000 + seed);
        let x = field::random(&mut rng);
        let mut public = core::array::from_fn(|_| field::random(&mut rng));
        public[0] = x * x * x + x + Fr::from(self.k);
        public[7] = Fr::from(0u64);
        let mut assignment = vec![Fr::one()];
        assignment.extend(public);
        assignment.extend([x, x * x, x * x * x]);
        assert_eq!(self.r1cs.first_unsatisfied(&assignment), None);
        let flip = |form: &[(u32, Fr)]| form.iter().map(|(v, x)| (*x, *v as usize)).collect::<Vec<_>>();
        let matrices = [
            self.r1cs.rows.iter().map(|row| flip(&row.a)).collect(),
            self.r1cs.rows.iter().map(|row| flip(&row.b)).collect(),
            self.r1cs.rows.iter().map(|row| flip(&row.c)).collect::<Vec<_>>(),
        ];
        let (r, s) = (field::random(&mut rng), field::random(&mut rng));
        let proof = Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
            &ark_proving_key(&self.pk),
            r,
            s,
            &matrices,
            9,
            self.r1cs.rows.len(),
            &assignment,
        )
        .expect("arkworks proves");
        (public, Proof::from_points(proof.a, proof.b, proof.c).expect("points"))
    }
}

/// Points of the twist, of which all but one in 2^254 lie outside the subgroup.
pub(crate) fn g2_outside_the_subgroup() -> impl Iterator<Item = G2Affine> {
    let mut rng = ark_std::test_rng();
    core::iter::repeat_with(move || G2Affine::get_point_from_x_unchecked(Fq2::rand(&mut rng), true)).flatten()
}

fn ark_proving_key(pk: &ProvingKey) -> ark_groth16::ProvingKey<Bn254> {
    let (vk, q) = (pk.verifying_key().points(), pk.queries().clone());
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
