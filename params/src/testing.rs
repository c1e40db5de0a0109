//! Keys, systems and files for this crate's unit tests. To them the testkit's keys are of another
//! type, since it links this crate as others see it.

use crate::{ProvingKey, VerifyingKey, insecure_dev_setup};
use amanat_circuits::r1cs::R1cs;
use amanat_domain::field::Fr;
use amanat_domain::statement::Statement;
use amanat_testkit::r1cs::{Size, random};
use ark_bn254::Bn254;
use std::sync::OnceLock;

pub(crate) use amanat_testkit::groth16::g2_outside_the_subgroup;
pub(crate) use amanat_testkit::rng;

/// A random satisfied constraint system with the public inputs of a statement.
pub(crate) fn random_r1cs(seed: u64, rows: usize, private: usize) -> (R1cs, Vec<Fr>) {
    random(seed, Size { public: 8, private, rows })
}

/// A satisfied constraint system with any number of public inputs.
pub(crate) fn small_circuit(public: usize, private: usize, rows: usize) -> (R1cs, Vec<Fr>) {
    random((public + 100 * private) as u64, Size { public, private, rows })
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
