//! The hash of the protocol against circomlibjs: `vectors/poseidon.json`, made by
//! `vectors/poseidon.mjs`.

use amanat_domain::field::Fr;
use amanat_domain::poseidon::{MAX_INPUTS, hash_with};
use std::collections::BTreeSet;

#[derive(serde::Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(serde::Deserialize)]
struct Vector {
    inputs: Vec<String>,
    capacity: String,
    output: String,
}

fn number(decimal: &str) -> Fr {
    decimal.parse().expect("the vectors hold decimal numbers")
}

#[test]
fn every_arity_agrees_with_circomlibjs() {
    let file: File = serde_json::from_str(include_str!("../../vectors/poseidon.json")).expect("valid JSON");
    let mut seen = BTreeSet::new();
    for vector in &file.vectors {
        let inputs: Vec<Fr> = vector.inputs.iter().map(|x| number(x)).collect();
        let got = hash_with(number(&vector.capacity), &inputs);
        assert_eq!(
            got,
            number(&vector.output),
            "Poseidon of {:?}, capacity {}",
            vector.inputs,
            vector.capacity
        );
        seen.insert((inputs.len(), vector.capacity == "0"));
    }
    for arity in 1..=MAX_INPUTS {
        for plain in [true, false] {
            assert!(seen.contains(&(arity, plain)), "no vector of arity {arity} with capacity zero: {plain}");
        }
    }
}
