//! The backend as a person chooses it: environment, flag, what is said about it, and what is
//! refused.

use crate::home::{Home, errors, text};
use amanat_accel::{BACKEND_VARIABLE, FORMER_VARIABLE, all};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

/// The binary with this backend in its environment.
fn amanat(home: &Home, backend: Option<&str>, args: &[&str]) -> Command {
    let mut command = home.command(args);
    command.env("AMANAT_LOG", "info").env_remove(BACKEND_VARIABLE).env_remove(FORMER_VARIABLE);
    if let Some(backend) = backend {
        command.env(BACKEND_VARIABLE, backend);
    }
    command
}

fn run(home: &Home, backend: Option<&str>, args: &[&str]) -> Output {
    amanat(home, backend, args).output().expect("the binary runs")
}

fn ok(home: &Home, backend: Option<&str>, args: &[&str]) -> String {
    text(amanat(home, backend, args), args)
}

fn names() -> Vec<&'static str> {
    all().iter().map(|backend| backend.name()).collect()
}

#[test]
fn a_backend_that_is_not_here_is_a_usage_error_that_names_those_that_are() {
    let home = &Home::new();
    for (backend, args, blamed) in [
        (Some("tpu"), &["ledger", "inspect"][..], BACKEND_VARIABLE),
        (Some("Portable"), &["demo"], BACKEND_VARIABLE),
        (None, &["--backend", "tpu", "demo"], "--backend"),
        (Some("portable"), &["demo", "--backend", ""], "--backend"),
        (None, &["--engine", "tpu", "demo"], "--engine"),
    ] {
        let out = run(home, backend, args);
        let words = errors(&out);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {words}");
        assert!(words.starts_with(&format!("error: cannot use {blamed}\n")), "{words}");
        assert!(words.contains("avx512ifma, portable"), "{words}");
        assert!(out.stdout.is_empty(), "nothing was begun");
    }
    // A backend of another kind of machine says what it needs.
    if !names().contains(&"avx512ifma") {
        let out = run(home, Some("avx512ifma"), &["demo"]);
        assert_eq!(out.status.code(), Some(2));
        assert!(errors(&out).contains("AVX-512"));
    }
    let out = run(home, Some("tpu"), &["--json", "demo"]);
    let words: serde_json::Value = serde_json::from_slice(&out.stderr).expect("one JSON document");
    assert!(words["error"][1].as_str().is_some_and(|why| why.contains("tpu")), "{words}");
}

#[test]
fn the_former_variable_is_still_followed_and_a_notice_names_the_new_one() {
    let home = &Home::new();
    let run = |backend: &str| {
        let mut command = amanat(home, None, &["ledger", "inspect"]);
        command.env(FORMER_VARIABLE, backend).output().expect("the binary runs")
    };
    let words = String::from_utf8(run("portable").stderr).expect("text");
    assert!(words.contains(&format!("set {BACKEND_VARIABLE}=portable instead")), "{words}");
    let refused = run("tpu");
    assert_eq!(refused.status.code(), Some(2));
    let words = String::from_utf8(refused.stderr).expect("text");
    assert!(words.contains("no backend is called `tpu`"), "{words}");
}

#[test]
fn the_version_names_the_backends_of_the_machine_and_help_the_variable() {
    let home = &Home::new();
    let version = ok(home, None, &["--version"]);
    let mut lines = version.lines();
    let first = format!("amanat {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(lines.next(), Some(first.as_str()));
    assert!(lines.next().is_some_and(|line| line.ends_with(&names().join(", "))), "{version}");
    assert_eq!(ok(home, None, &["-V"]).trim(), first);
    let help = ok(home, None, &["--help"]);
    assert!(help.contains("--backend <NAME>") && help.contains(BACKEND_VARIABLE), "{help}");
}

#[test]
fn a_proof_made_with_any_backend_is_valid_to_every_other() {
    let home = &Home::with_ledger();
    home.next_epoch();
    for (i, prover) in names().into_iter().enumerate() {
        let file = home.path(&format!("{prover}.bin")).display().to_string();
        let args = ["prove", "role", "--holder", "dr-saima", "--out", &file];
        // Once by the environment, once by the flag, which wins.
        if i % 2 == 0 {
            ok(home, Some(prover), &args);
        } else {
            ok(home, Some("nonsense"), &[&args[..], &["--backend", prover]].concat());
        }
        for verifier in names() {
            ok(home, Some(verifier), &["verify", &file]);
        }
        let mut bytes = std::fs::read(&file).expect("the file");
        // The first nullifier, before the second, two outputs and the proof.
        let at = bytes.len() - 128 - 4 * 32;
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).expect("the file");
        for verifier in names() {
            let out = run(home, Some(verifier), &["verify", &file]);
            assert_eq!(out.status.code(), Some(5), "{}", errors(&out));
        }
    }
}

#[test]
fn a_node_says_once_with_which_backend_it_verifies() {
    let home = &Home::with_ledger();
    let mut node = amanat(home, Some("portable"), &["--json", "node", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the node starts");
    let (mut text, mut lines) = (String::new(), BufReader::new(node.stdout.take().expect("its output")));
    let said = loop {
        assert_ne!(lines.read_line(&mut text).expect("a line"), 0, "the node ended: {text}");
        if let Ok(said) = serde_json::from_str::<serde_json::Value>(&text) {
            break said;
        }
    };
    assert_eq!(said["engine"], "portable", "{said}");
    // Its log says so when it serves, which is after the document; a request waits for that.
    let url = format!("http://{}", said["listen"].as_str().expect("an address"));
    ok(home, None, &["ledger", "inspect", "--node", &url]);
    let stopped = Command::new("kill").arg(node.id().to_string()).status().expect("kill runs");
    assert!(stopped.success());
    assert!(node.wait().expect("the node ends").success());
    let mut log = String::new();
    node.stderr.take().expect("its log").read_to_string(&mut log).expect("text");
    let backend: Vec<&str> = log.lines().filter(|line| line.contains("computes")).collect();
    assert!(backend.len() == 1 && backend[0].contains("portable"), "{log}");
}
