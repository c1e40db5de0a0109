//! Small worlds for this crate's tests.

use crate::{ProvingKey, VerifyingKey, insecure_dev_setup};
use amanat_circuits::r1cs::{Form, R1cs, Row, evaluate};
use amanat_domain::field::{self, Fr};
use amanat_domain::statement::Statement;
use ark_bn254::{Bn254, Fq2, G2Affine};
use ark_ff::{Field, UniformRand};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::sync::OnceLock;

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A random satisfied constraint system: row i is `(two terms) * (two terms) = c * z_k`, each
/// private variable in turn the product's carrier.
pub(crate) fn random_r1cs(seed: u64, rows: usize, private: usize) -> (R1cs, Vec<Fr>) {
    let mut rng = rng(seed);
    let n = 9 + private;
    let mut assignment: Vec<Fr> = (0..n).map(|_| field::random(&mut rng)).collect();
    assignment[0] = Fr::ONE;
    let mut pick = |i: usize, step: usize| -> Form {
        let (x, y) = ((i * step) % n, (i * step + step + 1) % n);
        let mut vars = vec![x as u32, y as u32];
        vars.sort_unstable();
        vars.dedup();
        vars.into_iter().map(|v| (v, field::random(&mut rng))).collect()
    };
    let rows = (0..rows)
        .map(|i| {
            let (a, b) = (pick(i, 5), pick(i, 7));
            let product = evaluate(&a, &assignment) * evaluate(&b, &assignment);
            let k = 9 + i % private;
            let coefficient = product * assignment[k].inverse().expect("random, not zero");
            Row { a, b, c: vec![(k as u32, coefficient)] }
        })
        .collect();
    let r1cs = R1cs { num_public: 8, num_private: private, rows };
    assert_eq!(r1cs.first_unsatisfied(&assignment), None);
    (r1cs, assignment)
}

/// A satisfied constraint system with any number of public inputs: row i is a sum of two times a
/// sum of two, one variable after another carrying the product. Some variables are in no row of B.
pub(crate) fn small_circuit(public: usize, private: usize, rows: usize) -> (R1cs, Vec<Fr>) {
    let mut rng = rng((public + 100 * private) as u64);
    let n = 1 + public + private;
    let mut assignment: Vec<Fr> = (0..n).map(|_| field::random(&mut rng)).collect();
    assignment[0] = Fr::ONE;
    let mut form = |first: usize, second: usize| -> Form {
        let mut vars = vec![(first % n) as u32, (second % n) as u32];
        vars.sort_unstable();
        vars.dedup();
        vars.into_iter().map(|v| (v, field::random(&mut rng))).collect()
    };
    let rows = (0..rows)
        .map(|i| {
            let (a, b) = (form(3 * i, i + 1), form(2 * i, 4 * i + 2));
            let product = evaluate(&a, &assignment) * evaluate(&b, &assignment);
            let k = 1 + i % (n - 1);
            Row { a, b, c: vec![(k as u32, product * assignment[k].inverse().expect("random, not zero"))] }
        })
        .collect();
    let r1cs = R1cs { num_public: public, num_private: private, rows };
    assert_eq!(r1cs.first_unsatisfied(&assignment), None);
    (r1cs, assignment)
}

/// The sections of one of snarkjs' files, in their order.
pub(crate) fn sections(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut rest = &bytes[12..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let number = u32::from_le_bytes(rest[..4].try_into().expect("four bytes"));
        let length = u64::from_le_bytes(rest[4..12].try_into().expect("eight bytes")) as usize;
        all.push((number, rest[12..12 + length].to_vec()));
        rest = &rest[12 + length..];
    }
    all
}

/// A file of these sections.
pub(crate) fn unsections(kind: &[u8; 4], version: u32, sections: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = kind.to_vec();
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    for (number, content) in sections {
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&(content.len() as u64).to_le_bytes());
        out.extend_from_slice(content);
    }
    out
}

/// One pair of keys for all tests that only look at keys.
pub(crate) fn dev_keys() -> &'static (ProvingKey, VerifyingKey) {
    static KEYS: OnceLock<(ProvingKey, VerifyingKey)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let (r1cs, _) = random_r1cs(42, 7, 6);
        insecure_dev_setup(Statement::Access, 1, &r1cs, &mut rng(42), &|_| ())
            .expect("a plain constraint system")
    })
}

/// Points of the twist, of which all but one in 2^254 lie outside the subgroup.
pub(crate) fn g2_outside_the_subgroup() -> impl Iterator<Item = G2Affine> {
    let mut rng = ark_std::test_rng();
    core::iter::repeat_with(move || G2Affine::get_point_from_x_unchecked(Fq2::rand(&mut rng), true)).flatten()
}

/// The same key as arkworks holds it.
pub(crate) fn ark_proving_key(pk: &ProvingKey) -> ark_groth16::ProvingKey<Bn254> {
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
