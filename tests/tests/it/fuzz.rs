//! The bodies of the fuzz targets over a seeded corpus: the same inputs on every machine, a second
//! or two for each target.

use amanat_tests::fuzz::{self, TARGETS};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Runs a target on nothing, on zeros and ones, and on `count` inputs of a seed, most of them
/// short: few draws, few edits.
fn over_a_corpus(run: fn(&[u8]), seed: u64, count: usize) {
    for fixed in [&[][..], &[0; 64], &[0xff; 64], &[0xff; 700]] {
        run(fixed);
    }
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    for _ in 0..count {
        let longest = [8, 24, 96, 800][rng.next_u32() as usize % 4];
        let mut data = vec![0; rng.next_u32() as usize % longest];
        rng.fill_bytes(&mut data);
        run(&data);
    }
}

macro_rules! corpus {
    ($($test:ident: $target:ident over $count:literal;)+) => {
        $(
            #[test]
            fn $test() {
                let seed = stringify!($target).bytes().fold(0, |seed, byte| seed << 5 ^ u64::from(byte));
                over_a_corpus(fuzz::$target, seed, $count);
            }
        )+

        #[test]
        fn every_target_runs_here() {
            let here: BTreeSet<&str> = [$(stringify!($target)),+].into();
            let all: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(here, all);
        }
    };
}

corpus! {
    one_off_sums_agree_on_every_path: msm over 40;
    sums_of_a_proof_agree_on_every_path: sums over 40;
    transforms_agree_on_every_path: transform over 60;
    quotients_agree_on_every_path: quotient over 60;
    pairings_agree_on_every_path: pairing over 25;
    decoding_agrees_on_every_path: decode over 40;
    batches_judge_as_one_by_one_does: verify over 15;
    zkey_files_are_refused_or_read_whole: zkey over 150;
    wtns_files_are_refused_or_read_whole: wtns over 1000;
    proofs_are_refused_or_have_one_encoding: proof over 300;
    transactions_are_refused_or_have_one_encoding: transaction over 1500;
    verifying_keys_are_refused_or_have_one_encoding: verifying_key over 100;
    fhir_is_read_to_its_end_whatever_it_holds: fhir over 150;
    snapshots_are_refused_with_nothing_left_or_are_the_ledger: snapshot over 400;
}

#[test]
fn every_target_has_a_binary_for_libfuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for target in TARGETS {
        let name = target.name;
        let path = format!("fuzz_targets/{name}.rs");
        let stub = fs::read_to_string(folder.join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert!(stub.contains(&format!("fuzz::{name}(data)")), "{path} runs another target");
        for line in [format!("name = \"{name}\""), format!("path = \"{path}\"")] {
            assert!(manifest.lines().any(|l| l.trim() == line), "fuzz/Cargo.toml lacks {line}");
        }
    }
}
