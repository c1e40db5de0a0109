//! Anybody's circuit, from its key and witness to a verdict: `prove --zkey`, then `verify
//! --snarkjs`.

use crate::home::command;
use amanat_circuits::r1cs::{R1cs, Row};
use amanat_domain::field::Fr;
use amanat_params::{Proof, Witness, Zkey, insecure_dev_zkey, snarkjs};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A folder with a key and a witness of a circuit, and the folder of its proof.
struct Work(tempfile::TempDir);

const NAMES: [&str; 3] = ["verification_key.json", "proof.json", "public.json"];

impl Work {
    /// Of `public` public values: each is the one before plus one, and the first is a secret plus
    /// one.
    fn new(public: usize) -> Self {
        let (secret, one) = (1 + public as u32, Fr::from(1u64));
        let before = |i: u32| if i == 1 { secret } else { i - 1 };
        let rows = (1..secret).map(|i| Row {
            a: vec![(0, one), (before(i), one)],
            b: vec![(0, one)],
            c: vec![(i, one)],
        });
        let mut rows: Vec<Row> = rows.collect();
        // Without public values there is something left to prove: the secret is its own square.
        rows.push(Row { a: vec![(secret, one)], b: vec![(secret, one)], c: vec![(secret, one)] });
        let r1cs = R1cs { num_public: public, num_private: 1, rows };
        let mut values = vec![one];
        values.extend((0..public as u64).map(|i| Fr::from(i + 2)));
        values.push(one);
        assert_eq!(r1cs.first_unsatisfied(&values), None);

        let work = Self(tempfile::tempdir().expect("a temporary directory"));
        let (mut key, mut witness) = (Vec::new(), Vec::new());
        let zkey = insecure_dev_zkey(&r1cs, &mut rand::rng()).expect("a small circuit");
        zkey.write(&mut key).expect("a vector takes every write");
        Witness::new(values).write(&mut witness).expect("a vector takes every write");
        fs::write(work.path("circuit.zkey"), key).expect("a file");
        fs::write(work.path("circuit.wtns"), witness).expect("a file");
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        command(self.0.path(), args).output().expect("the binary runs")
    }

    fn prove(&self) {
        let out =
            self.run(&["prove", "--zkey", "circuit.zkey", "--wtns", "circuit.wtns", "--snarkjs", "proof"]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    fn verdict(&self, dir: &Path) -> (Option<i32>, String, String) {
        let out = self.run(&["verify", "--snarkjs", &dir.display().to_string()]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (out.status.code(), text(out.stdout), text(out.stderr))
    }

    /// The verdict on the proof with one file changed.
    fn changed(&self, name: &str, change: impl FnOnce(&mut Value)) -> (Option<i32>, String, String) {
        let dir = tempfile::tempdir_in(self.0.path()).expect("a temporary directory");
        for file in NAMES {
            fs::copy(self.path("proof").join(file), dir.path().join(file)).expect("a copy");
        }
        let text = fs::read_to_string(dir.path().join(name)).expect("a file");
        let mut value = serde_json::from_str(&text).expect("JSON");
        change(&mut value);
        fs::write(dir.path().join(name), value.to_string()).expect("a file");
        self.verdict(dir.path())
    }
}

#[test]
fn what_prove_makes_verify_accepts_whatever_the_number_of_public_inputs() {
    for public in [0usize, 1, 2, 8, 9, 1000] {
        let work = Work::new(public);
        work.prove();
        let (code, words, warnings) = work.verdict(&work.path("proof"));
        assert_eq!(code, Some(0), "{public} inputs: {warnings}");
        assert!(words.contains(&format!("(public inputs: {public});")), "{words}");
        assert_eq!(warnings, "");
        let at = |i: usize| format!("/{i}");
        for i in [0, public / 2, public.saturating_sub(1)].into_iter().filter(|i| *i < public) {
            let (code, _, words) = work
                .changed("public.json", |p| *p.pointer_mut(&at(i)).expect("it is there") = json!("77777"));
            assert_eq!(code, Some(5), "{public} inputs, {i} changed: {words}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_read_and_others_stay() {
    let work = Work::new(1);
    work.prove();
    let before = fs::read(work.path("proof/proof.json")).expect("a file");
    fs::remove_file(work.path("proof/public.json")).expect("it is there");
    fs::create_dir(work.path("proof/public.json")).expect("a folder in its place");
    for to in [&["--snarkjs", "proof"][..], &["--proof", "new.json", "--public", "proof/public.json"]] {
        let out = work.run(&[&["prove", "--zkey", "missing.zkey", "--wtns", "missing.wtns"], to].concat());
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(1), "{error}");
        assert!(error.contains("cannot write proof/public.json"), "{error}");
    }
    assert_eq!(fs::read(work.path("proof/proof.json")).expect("a file"), before);
    assert!(!work.path("new.json").exists());
}

#[test]
fn every_change_of_a_file_is_refused_and_the_element_named() {
    let work = Work::new(1);
    work.prove();
    let original = |name: &str| -> Value {
        let text = fs::read_to_string(work.path("proof").join(name)).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    };
    let modulus = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
    let (proof, key) = (original("proof.json"), original("verification_key.json"));
    let (a, c, alpha) = (&proof["pi_a"], &proof["pi_c"], &key["vk_alpha_1"]);
    type Case<'a> = (&'a str, &'a str, Value, i32, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("public.json", "", json!([]), 5, "public.json: public inputs: the key takes 1, there are 0"),
        ("public.json", "", json!(["2", "3"]), 5, "public.json: public inputs: the key takes 1, there are 2"),
        ("public.json", "/0", json!("3"), 5, "does not hold"),
        ("public.json", "/0", json!("02"), 5, "public.json: [0]: not a plain decimal"),
        ("public.json", "/0", json!("0x2"), 5, "public.json: [0]: not a plain decimal"),
        ("public.json", "/0", json!(2), 5, "public.json: [0]: not a decimal number in quotes"),
        ("public.json", "/0", json!(modulus), 5, "public.json: [0]: not below the modulus"),
        ("public.json", "", json!({ "0": "2" }), 5, "public.json: "),
        ("proof.json", "/pi_a", c.clone(), 5, "does not hold"),
        ("proof.json", "/pi_c", a.clone(), 5, "does not hold"),
        ("proof.json", "/pi_a", json!(["0", "1", "0"]), 5, "proof.json: pi_a: z is not 1"),
        ("proof.json", "/pi_b/0/1", json!("1"), 5, "proof.json: pi_b: not on the curve"),
        ("proof.json", "/pi_c/1", json!("9".repeat(77)), 5, "proof.json: pi_c.y: not below the modulus"),
        ("proof.json", "/curve", json!("bls12381"), 5, "curve bls12381; Amanat verifies bn128 (BN254)"),
        ("proof.json", "/protocol", json!("plonk"), 5, "protocol plonk; Amanat verifies groth16"),
        ("verification_key.json", "/curve", json!("bls12381"), 1, "curve bls12381; Amanat verifies bn128"),
        (
            "verification_key.json",
            "/protocol",
            json!("fflonk"),
            1,
            "protocol fflonk; Amanat verifies groth16",
        ),
        ("verification_key.json", "/nPublic", json!(2), 1, "nPublic is 2, the length of IC is 2"),
        ("verification_key.json", "/IC", json!([alpha]), 1, "nPublic is 1, the length of IC is 1"),
        ("verification_key.json", "/IC/1", alpha.clone(), 5, "does not hold"),
        ("verification_key.json", "/IC/0", json!(["0", "0", "1"]), 1, "IC[0]: the point at infinity"),
        ("verification_key.json", "/IC/1/0", json!("4"), 1, "verification_key.json: IC[1]: not on the curve"),
        ("verification_key.json", "/vk_delta_2", key["vk_gamma_2"].clone(), 5, "does not hold"),
        ("verification_key.json", "/vk_gamma_2/2/1", json!("1"), 1, "vk_gamma_2: z is not 1"),
    ];
    for (name, pointer, value, expected, words) in cases {
        let (code, out, error) =
            work.changed(name, |file| *file.pointer_mut(pointer).expect("it is there") = value.clone());
        assert_eq!(code, Some(expected), "{name}{pointer} {value}: {error}");
        assert!(error.contains(words), "{name}{pointer} {value}: {error}");
        assert_eq!(out, "");
    }
    fs::write(work.path("proof/public.json"), vec![b' '; (16 << 20) + 1]).expect("a file");
    let (code, _, error) = work.verdict(&work.path("proof"));
    assert_eq!(code, Some(1));
    assert!(error.contains("which is the most that is read"), "{error}");
}

#[test]
fn a_key_under_which_anything_can_be_proved_is_told_with_the_verdict() {
    let work = Work::new(2);
    work.prove();
    let key = File::open(work.path("circuit.zkey")).expect("a file");
    let mut points = Zkey::read(key, &|_, _| ControlFlow::Continue(())).expect("own bytes").vk;
    // As in a key without any contribution. Then A = alpha, B = beta, C = -IC(x) passes for every
    // x.
    points.delta_g2 = points.gamma_g2;
    let public = [Fr::from(666u64), Fr::from(7u64)];
    let c = -(points.ic[1] * public[0] + points.ic[2] * public[1] + points.ic[0]);
    let proof = Proof::from_points(points.alpha_g1, points.beta_g2, c.into()).expect("points");
    for (name, text) in NAMES.into_iter().zip([
        snarkjs::export_key_points(&points),
        snarkjs::export_proof(&proof),
        snarkjs::export_public(&public),
    ]) {
        fs::write(work.path("proof").join(name), text).expect("a file");
    }
    let (code, out, warnings) = work.verdict(&work.path("proof"));
    assert_eq!(code, Some(0), "{warnings}");
    assert!(out.contains("valid under the key in this folder"), "{out}");
    let words = "warning: verification_key.json: delta is gamma (or its negative): proofs can be forged for any public inputs";
    assert_eq!(warnings.trim_end(), words);
}
