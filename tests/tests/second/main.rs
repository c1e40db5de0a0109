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

use agreement::located;
use amanat_circuits::with_relation;
use amanat_domain::field::Fr;
use amanat_domain::statement::Statement;
use evaluator::permute;

/// Worlds of each statement in every `cargo test`.
const SAMPLE: u64 = 16;

/// The tests of each statement: a statement that the second evaluator lacks does not compile here.
macro_rules! statements {
    ([] $($(#[doc = $doc:literal])* $variant:ident $module:ident,)*) => { $(
        mod $module {
            use crate::{SAMPLE, agreement::agree, number};
            use amanat_circuits::statements::$module::Witness;
            use amanat_domain::statement::Statement;

            #[test]
            fn three_verdicts_agree() {
                agree::<Witness>(0, SAMPLE);
            }

            #[test]
            #[ignore = "takes long: see the head of this program"]
            fn three_verdicts_on_many_worlds_agree() {
                // An equal share of the worlds for each statement, on separate seeds.
                let first = number("AMANAT_SEED", 1) << 32;
                let share = number("AMANAT_WORLDS", 10_000).div_ceil(Statement::COUNT as u64);
                println!("{}", agree::<Witness>(first, share));
            }
        }
    )* };
}

amanat_domain::for_each_statement!(statements);

/// A number that no type holds is evaluated only if the constraints have its honest value once, in
/// separate wires. Not found are numbers that honest worlds have twice (a role and the list that it
/// is in), and two bits, which are everywhere.
#[test]
fn every_number_that_a_prover_chooses_is_found_among_the_wires() {
    for statement in Statement::ALL {
        let elsewhere: &[&str] = match statement {
            Statement::Grant | Statement::Revoke => &[],
            Statement::Consent => &["asked organisation"],
            Statement::Role => &["organisation", "role"],
            Statement::Record => {
                &["asked code", "asked custodian", "asked status", "asked type", "asked unit", "second value"]
            }
            Statement::Access => &["confidentiality", "organisation", "role", "until"],
        };
        let [found, others] = with_relation!(statement, |Witness| located::<Witness>(6));
        assert!(others.iter().eq(elsewhere), "{statement}: {others:?} are not found, {found:?} are");
    }
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
