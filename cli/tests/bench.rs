//! `amanat bench profile`, `compare` and `page` as a person runs them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn amanat(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_amanat"))
        .args(args)
        .current_dir(home)
        .env("AMANAT_HOME", home)
        .env("AMANAT_LOG", "warn")
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn ok(home: &Path, args: &[&str]) -> String {
    let out = amanat(home, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}

fn fails(home: &Path, args: &[&str]) -> String {
    let out = amanat(home, args);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{args:?}: {words}");
    words
}

#[test]
fn a_profile_is_measured_shown_and_compared() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let home = dir.path();
    let args =
        ["bench", "profile", "10", "--rounds", "1", "--threads", "1", "--out", "a.json", "--html", "a.html"];
    let words = ok(home, &args);
    assert!(
        words.contains("merkle 2^10") && words.contains("arkworks 0.6") && words.contains("portable"),
        "{words}"
    );
    // Memory is measured by child processes of the same binary, where the system says.
    if cfg!(target_os = "linux") {
        assert!(words.contains("MiB"), "{words}");
    }
    let html = std::fs::read_to_string(home.join("a.html")).expect("a page");
    assert!(html.contains("<svg") && !html.contains("<script"));

    // The same with every figure doubled is a regression.
    let text = std::fs::read_to_string(home.join("a.json")).expect("a profile");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for prover in value["subjects"][0]["provers"].as_array_mut().expect("provers") {
        for run in prover["runs"].as_array_mut().expect("runs") {
            let median = &mut run["whole"]["cpu"]["median"];
            *median = (median.as_f64().expect("a number") * 2.0).into();
        }
    }
    std::fs::write(home.join("b.json"), value.to_string()).expect("a file");
    let words = ok(home, &["bench", "compare", "a.json", "a.json", "--fail"]);
    assert!(words.contains("0 slower, 0 faster"), "{words}");
    let words = ok(home, &["bench", "compare", "a.json", "b.json"]);
    assert!(words.contains("SLOWER") && words.contains("2.000"), "{words}");
    let words = fails(home, &["bench", "compare", "a.json", "b.json", "--fail"]);
    assert!(words.contains("slower than before: merkle 2^10"), "{words}");
    ok(home, &["bench", "compare", "a.json", "b.json", "--fail", "--relative"]);
    let json = ok(home, &["--json", "bench", "compare", "a.json", "b.json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("one JSON document");
    assert!(json["changes"].as_array().is_some_and(|c| c.iter().any(|c| c["verdict"] == "slower")));

    ok(home, &["bench", "page", "b.json", "--html", "b.html"]);
    assert!(home.join("b.html").exists());
}

#[test]
fn files_that_are_no_profiles_and_names_that_are_nothing_are_refused_in_words() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let home = dir.path();
    std::fs::write(home.join("x.json"), "{\"rows\": []}").expect("a file");
    std::fs::write(home.join("old.json"), "{\"schema\": \"amanat.profile\", \"version\": 0}")
        .expect("a file");
    std::fs::write(home.join("x.txt"), "hello").expect("a file");
    for (file, expected) in [
        ("x.json", "no profile"),
        ("old.json", "version 0"),
        ("x.txt", "is not JSON"),
        ("missing.json", "cannot be read"),
    ] {
        let words = fails(home, &["bench", "compare", file, "x.json"]);
        assert!(words.contains(expected) && words.contains(file), "{words}");
    }
    assert!(fails(home, &["bench", "profile", "nonsense"]).contains("nothing to prove is called nonsense"));
    assert!(fails(home, &["bench", "profile", "10", "--engine", "nonsense"]).contains("no engine nonsense"));
    assert!(fails(home, &["bench", "profile", "10", "--rounds", "0"]).contains("at least one round"));
    assert!(
        fails(home, &["bench", "profile", "10", "--out", "no/such/folder.json"])
            .contains("cannot be written")
    );
}

#[test]
fn what_moved_to_the_other_program_says_how_it_is_run_there() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let home = dir.path();
    for (args, expected) in [
        (&["bench"][..], "-p amanat-benches -- report"),
        (&["bench", "--quick", "ledger"], "-- report --quick ledger"),
        (&["bench", "kernels", "msm", "--rounds", "3"], "-- kernels msm --rounds 3"),
        (&["bench", "ledger", "--quick"], "-- ledger --quick"),
    ] {
        let words = fails(home, args);
        assert!(words.contains(expected), "{args:?}: {words}");
    }
}
