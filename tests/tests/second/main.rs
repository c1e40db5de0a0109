//! A second evaluator of the six statements, written from the book on arkworks' gadgets, agrees with the native check and
//! with the constraints.
//!
//! A sample of worlds runs with every `cargo test`. The long run is a command:
//! `AMANAT_WORLDS=10000 AMANAT_SEED=1 cargo test --release -p amanat-tests --test second -- --ignored --nocapture`.

mod agreement;
mod convert;
mod evaluator;
mod plain;
mod wires;

use agreement::agree;
use amanat_circuits::statements::access::AccessWitness;
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_domain::field::Fr;
use evaluator::permute;

/// Worlds of each statement in every `cargo test`.
const SAMPLE: u64 = 24;

macro_rules! statements {
    ($($name:ident $long:ident $witness:ident)*) => { $(
        #[test]
        fn $name() {
            agree::<$witness>(0, SAMPLE);
        }

        #[test]
        #[ignore = "takes long: see the head of this file"]
        fn $long() {
            agree::<$witness>(number("AMANAT_SEED", 1) << 32, number("AMANAT_WORLDS", 10_000) / 6);
        }
    )* };
}

statements! {
    three_verdicts_on_a_grant_agree three_verdicts_on_many_grants_agree GrantWitness
    three_verdicts_on_a_revocation_agree three_verdicts_on_many_revocations_agree RevokeWitness
    three_verdicts_on_a_consent_agree three_verdicts_on_many_consents_agree ConsentWitness
    three_verdicts_on_a_role_agree three_verdicts_on_many_roles_agree RoleWitness
    three_verdicts_on_a_record_agree three_verdicts_on_many_records_agree RecordWitness
    three_verdicts_on_an_access_agree three_verdicts_on_many_accesses_agree AccessWitness
}

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |n| n.parse().unwrap_or_else(|e| panic!("{name}: a whole number is expected: {e}")))
}

#[derive(serde::Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(serde::Deserialize)]
struct Vector {
    inputs: Vec<String>,
    capacity: String,
    output: String,
}

#[test]
fn the_permutation_of_arkworks_agrees_with_circomlibjs() {
    let decimal = |x: &String| -> Fr { x.parse().expect("the vectors hold decimal numbers") };
    let file: Vectors =
        serde_json::from_str(include_str!("../../vectors/poseidon.json")).expect("valid JSON");
    for Vector { inputs, capacity, output } in &file.vectors {
        let words: Vec<Fr> = inputs.iter().map(decimal).collect();
        assert_eq!(permute(decimal(capacity), &words), decimal(output), "Poseidon of {inputs:?}, {capacity}");
    }
}
