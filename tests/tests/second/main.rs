//! A second evaluator of the six statements, written from the book on arkworks' gadgets, agrees
//! with the native check and with the constraints.
//!
//! A sample of worlds runs with every `cargo test`. The long run is a command:
//! `AMANAT_WORLDS=10000 AMANAT_SEED=1 cargo test -p amanat-tests --test second -- --ignored --nocapture`.
#![allow(clippy::print_stdout, reason = "the long run tells what it met")]

mod agreement;
mod convert;
mod evaluator;
mod plain;
mod wires;

use agreement::{agree, located};
use amanat_circuits::statements::access::AccessWitness;
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::world::sample::Sample;
use amanat_domain::field::Fr;
use convert::ToPlain;
use evaluator::permute;

/// Worlds of each statement in every `cargo test`.
const SAMPLE: u64 = 16;

macro_rules! statements {
    ($($name:ident $long:ident $witness:ident)*) => { $(
        #[test]
        fn $name() {
            agree::<$witness>(0, SAMPLE);
        }

        #[test]
        #[ignore = "takes long: see the head of this file"]
        fn $long() {
            // A sixth of the worlds each, on separate seeds.
            let first = number("AMANAT_SEED", 1) << 32;
            println!("{}", agree::<$witness>(first, number("AMANAT_WORLDS", 10_000).div_ceil(6)));
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

/// A number that no type holds is evaluated only if the constraints have its honest value once, in
/// separate wires. Not found are numbers that honest worlds have twice (a role and the list that it
/// is in), and two bits, which are everywhere.
#[test]
fn every_number_that_a_prover_chooses_is_found_among_the_wires() {
    fn assert_found<R: Sample + ToPlain>(elsewhere: &[&str]) {
        let [found, others] = located::<R>(6);
        assert!(others.iter().eq(elsewhere), "{}: {others:?} are not found, {found:?} are", R::STATEMENT);
    }
    assert_found::<GrantWitness>(&[]);
    assert_found::<RevokeWitness>(&[]);
    assert_found::<ConsentWitness>(&["asked organisation"]);
    assert_found::<RoleWitness>(&["organisation", "role"]);
    let asked = ["asked code", "asked custodian", "asked status", "asked type", "asked unit"];
    assert_found::<RecordWitness>(&[&asked[..], &["second value"]].concat());
    assert_found::<AccessWitness>(&["confidentiality", "organisation", "role", "until"]);
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
