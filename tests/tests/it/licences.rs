//! Every dependency's licence is one that `deny.toml` allows.

use cargo_metadata::{CargoOpt, MetadataCommand};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The quoted words of the list `allow` in `[licenses]`.
fn allowed(deny: &str) -> BTreeSet<String> {
    let list =
        deny.split("[licenses]").nth(1).and_then(|rest| rest.split("allow = [").nth(1)).expect("a list");
    let list = list.split(']').next().expect("a list ends");
    list.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

/// Whether an SPDX expression can be satisfied by the allowed licences. `/` is the old spelling of
/// `OR`.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let verdict = either(&mut words, allowed);
    verdict && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut verdict = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        verdict |= both(words, allowed);
    }
    verdict
}

fn both(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut verdict = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        verdict &= one(words, allowed);
    }
    verdict
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    match words.next() {
        Some("(") => {
            let verdict = either(words, allowed);
            words.next_if_eq(&")").is_some() && verdict
        }
        Some(licence) => {
            let exception = words.next_if_eq(&"WITH").is_some().then(|| words.next().unwrap_or_default());
            let name = exception.map_or_else(|| licence.to_owned(), |e| format!("{licence} WITH {e}"));
            allowed.contains(&name)
        }
        None => false,
    }
}

/// Name and version of every crate that some feature of ours builds on this machine. The lock file
/// names more: crates behind features of our dependencies that nobody asks for.
fn built(root: &Path) -> BTreeSet<(String, String)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut tree = Command::new(cargo);
    tree.current_dir(root).args(["tree", "--workspace", "--all-features", "--locked", "--prefix", "none"]);
    let output = tree.output().expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let crates = String::from_utf8(output.stdout).expect("text");
    let named = crates.lines().filter_map(|line| line.split_once(" v"));
    named.map(|(name, rest)| (name.to_owned(), rest.split(' ').next().unwrap_or(rest).to_owned())).collect()
}

#[test]
fn every_licence_is_one_we_allow() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let allowed = allowed(&fs::read_to_string(root.join("deny.toml")).expect("deny.toml"));
    let host = format!("{}-unknown-{}-gnu", std::env::consts::ARCH, std::env::consts::OS);
    let mut command = MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml"));
    // What this machine builds is there already; what others build is cargo-deny's to check.
    command.other_options(vec!["--filter-platform".to_owned(), host]);
    command.features(CargoOpt::AllFeatures);
    let built = built(&root);
    assert!(built.len() > 100, "the tree is read");
    let metadata = command.exec().expect("cargo metadata");
    let wrong: Vec<String> = metadata
        .packages
        .iter()
        .filter(|p| built.contains(&(p.name.to_string(), p.version.to_string())))
        .filter(|p| !p.license.as_deref().is_some_and(|l| satisfied(l, &allowed)))
        .map(|p| format!("{} {}: {}", p.name, p.version, p.license.as_deref().unwrap_or("no licence")))
        .collect();
    assert!(wrong.is_empty(), "not allowed by deny.toml:\n{}", wrong.join("\n"));
}

#[test]
fn expressions_are_read_as_spdx_says() {
    let allowed: BTreeSet<String> = ["MIT", "Zlib"].map(str::to_owned).into();
    for good in
        ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(GPL-3.0 OR MIT) AND Zlib", "MIT AND Zlib OR GPL-3.0"]
    {
        assert!(satisfied(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "MIT WITH some-exception", "(MIT", "", "MIT Zlib"] {
        assert!(!satisfied(bad, &allowed), "{bad}");
    }
}
