//! `amanat bench profile`, `compare` and `page` as a person runs them.

use crate::home::Home;

#[test]
fn a_profile_is_measured_shown_and_compared() {
    let home = Home::new();
    let args =
        ["bench", "profile", "10", "--rounds", "1", "--threads", "1", "--out", "a.json", "--html", "a.html"];
    let words = home.ok(&args);
    assert!(
        words.contains("merkle 2^10") && words.contains("arkworks 0.6") && words.contains("portable"),
        "{words}"
    );
    // Memory is measured by child processes of the same binary, if the system tells.
    if cfg!(target_os = "linux") {
        assert!(words.contains("MiB"), "{words}");
    }
    let html = std::fs::read_to_string(home.path("a.html")).expect("a page");
    assert!(html.contains("<svg") && !html.contains("<script"));

    // The same with every figure doubled is a regression.
    let text = std::fs::read_to_string(home.path("a.json")).expect("a profile");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for prover in value["subjects"][0]["provers"].as_array_mut().expect("provers") {
        for run in prover["runs"].as_array_mut().expect("runs") {
            let median = &mut run["whole"]["cpu"]["median"];
            *median = (median.as_f64().expect("a number") * 2.0).into();
        }
    }
    std::fs::write(home.path("b.json"), value.to_string()).expect("a file");
    let words = home.ok(&["bench", "compare", "a.json", "a.json", "--fail"]);
    assert!(words.contains("0 slower, 0 faster"), "{words}");
    let words = home.ok(&["bench", "compare", "a.json", "b.json"]);
    assert!(words.contains("SLOWER") && words.contains("2.000"), "{words}");
    let words = home.fails(1, &["bench", "compare", "a.json", "b.json", "--fail"]);
    assert!(words.contains("slower than before: merkle 2^10"), "{words}");
    home.ok(&["bench", "compare", "a.json", "b.json", "--fail", "--relative"]);
    let json = home.json(&["bench", "compare", "a.json", "b.json"]);
    assert!(json["changes"].as_array().is_some_and(|c| c.iter().any(|c| c["verdict"] == "slower")));

    home.ok(&["bench", "page", "b.json", "--html", "b.html"]);
    assert!(home.path("b.html").exists());
}

#[test]
fn files_that_are_no_profiles_and_names_that_are_nothing_are_refused_in_words() {
    let home = Home::new();
    std::fs::write(home.path("x.json"), "{\"rows\": []}").expect("a file");
    std::fs::write(home.path("old.json"), "{\"schema\": \"amanat.profile\", \"version\": 0}")
        .expect("a file");
    std::fs::write(home.path("x.txt"), "hello").expect("a file");
    for (file, expected) in [
        ("x.json", "no profile"),
        ("old.json", "version 0"),
        ("x.txt", "is not JSON"),
        ("missing.json", "cannot be read"),
    ] {
        let words = home.fails(1, &["bench", "compare", file, "x.json"]);
        assert!(words.contains(expected) && words.contains(file), "{words}");
    }
    assert!(home.fails(1, &["bench", "profile", "nonsense"]).contains("unknown subject nonsense"));
    assert!(
        home.fails(1, &["bench", "profile", "10", "--backend", "nonsense"]).contains("no backend nonsense")
    );
    assert!(
        home.fails(1, &["bench", "profile", "10", "--rounds", "0"])
            .contains("--rounds and --threads: at least 1")
    );
    assert!(
        home.fails(1, &["bench", "profile", "10", "--out", "no/such/folder.json"])
            .contains("cannot be written")
    );
}

#[test]
fn what_moved_to_the_other_program_says_how_it_is_run_there() {
    let home = Home::new();
    for (args, expected) in [
        (&["bench"][..], "-p amanat-benches -- report"),
        (&["bench", "--quick", "ledger"], "-- report --quick ledger"),
        (&["bench", "kernels", "msm", "--rounds", "3"], "-- kernels msm --rounds 3"),
        (&["bench", "ledger", "--quick"], "-- ledger --quick"),
    ] {
        let words = home.fails(1, args);
        assert!(words.contains(expected), "{args:?}: {words}");
    }
}
