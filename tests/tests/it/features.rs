//! The two sets of features that CI builds share all that they can.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Crates of ours that the second set changes. All others are built once for both sets.
const DIFFER: [&str; 6] =
    ["amanat-api", "amanat-benches", "amanat-bft", "amanat-cli", "amanat-client", "amanat-node"];

/// Features of each crate of a build, by its name and version.
type Features = BTreeMap<String, BTreeSet<String>>;

/// What `cargo tree` says of a choice of packages and features, as this machine builds it.
fn tree(what: &[&str]) -> Features {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member of the workspace");
    let host = format!("{}-unknown-{}-gnu", std::env::consts::ARCH, std::env::consts::OS);
    let mut cargo = Command::new(std::env::var_os("CARGO").expect("cargo runs the tests"));
    cargo.current_dir(root).args(["tree", "--locked", "--target", &host, "--prefix", "none"]);
    let output = cargo.args(["--format", "{p}|{f}"]).args(what).output().expect("it starts");
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut features = Features::new();
    for line in told.lines().filter_map(|line| line.trim().split_once('|')) {
        let (package, asked) = (line.0.split(" (").next().expect("a name"), line.1);
        let asked = asked.trim_end_matches("(*)").trim().split(',').filter(|f| !f.is_empty());
        features.entry(package.to_owned()).or_default().extend(asked.map(str::to_owned));
    }
    features
}

/// The second set, as `.ci/run` has it.
fn second_set() -> String {
    let ci = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run");
    let script = fs::read_to_string(ci).expect("the script of CI");
    let line = script.lines().find_map(|line| line.strip_prefix("FEATURES="));
    line.expect("the second set of features").to_owned()
}

#[test]
fn both_sets_of_features_share_what_they_can() {
    let kinds = ["--edges", "normal,dev,build"];
    let default = tree(&[&["--workspace"], &kinds[..]].concat());
    let second = tree(&[&["--workspace", "--features", &second_set()], &kinds[..]].concat());
    let shared = tree(&["--package", "amanat-tests", "--edges", "normal,dev,build"]);
    assert!(shared.len() > 100, "{} crates", shared.len());
    let differ = DIFFER.map(|name| format!("{name} "));
    assert!(!shared.keys().any(|package| differ.iter().any(|name| package.starts_with(name))));
    let missing: Vec<String> = shared
        .keys()
        .filter(|package| default[*package] != second[*package])
        .map(|package| {
            let more: Vec<_> = second[package].difference(&default[package]).cloned().collect();
            format!("{package} is built twice: with several validators it has also {}", more.join(", "))
        })
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "testkit/Cargo.toml asks for such features");
}
