//! Rules the workspace holds itself to: the direction of dependencies, where `unsafe` may stand,
//! clause ids in code and book, the size of files.

use amanat_domain::statement::Statement;
use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand, NodeDep, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The order of the workspace, for normal dependencies:
///
/// ```text
/// domain <- circuits <- params <- verifier <- prover <- profile
///                                 verifier <- ledger <- api, bft <- node
///                         prover, ledger, api <- client <- amanat, cli
/// ```
///
/// A prover checks its proofs before they leave, so it uses the verifier; never the other way
/// round. `accel` depends on nothing of ours, and only what computes on curves uses it. `api` is
/// what a node and its clients both speak. `benches` measures and nothing links it. `testkit` and
/// `tests` are for tests alone.
///
/// An edge that no manifest declares is not in the table: a right that nothing needs is no right.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("amanat-accel", &[]),
    ("amanat-domain", &[]),
    ("amanat-circuits", &["amanat-domain"]),
    ("amanat-params", &["amanat-accel", "amanat-circuits", "amanat-domain"]),
    ("amanat-verifier", &["amanat-accel", "amanat-domain", "amanat-params"]),
    (
        "amanat-prover",
        &["amanat-accel", "amanat-circuits", "amanat-domain", "amanat-params", "amanat-verifier"],
    ),
    ("amanat-ledger", &["amanat-domain", "amanat-params", "amanat-verifier"]),
    ("amanat-bft", &["amanat-domain", "amanat-ledger"]),
    ("amanat-api", &["amanat-domain", "amanat-ledger", "amanat-params", "amanat-verifier"]),
    ("amanat-node", &["amanat-accel", "amanat-api", "amanat-bft", "amanat-domain", "amanat-ledger"]),
    (
        "amanat-client",
        &[
            "amanat-api",
            "amanat-circuits",
            "amanat-domain",
            "amanat-ledger",
            "amanat-params",
            "amanat-prover",
            "amanat-verifier",
        ],
    ),
    (
        "amanat",
        &[
            "amanat-client",
            "amanat-domain",
            "amanat-ledger",
            "amanat-params",
            "amanat-prover",
            "amanat-verifier",
        ],
    ),
    (
        "amanat-profile",
        &["amanat-accel", "amanat-circuits", "amanat-domain", "amanat-params", "amanat-prover"],
    ),
    (
        "amanat-benches",
        &[
            "amanat-accel",
            "amanat-bft",
            "amanat-circuits",
            "amanat-domain",
            "amanat-ledger",
            "amanat-params",
            "amanat-profile",
            "amanat-prover",
            "amanat-verifier",
        ],
    ),
    (
        "amanat-cli",
        &[
            "amanat-accel",
            "amanat-api",
            "amanat-circuits",
            "amanat-client",
            "amanat-domain",
            "amanat-ledger",
            "amanat-node",
            "amanat-params",
            "amanat-profile",
            "amanat-prover",
            "amanat-verifier",
        ],
    ),
];

/// Crates nobody links: they may use all others.
const FREE: [&str; 2] = ["amanat-testkit", "amanat-tests"];

/// What must not be reached on any path of normal dependencies, with every feature on.
const NEVER_LINKS: &[(&str, &[&str])] = &[
    ("amanat-domain", &["amanat-accel"]),
    ("amanat-circuits", &["amanat-accel"]),
    ("amanat-verifier", &["amanat-prover", "ark-groth16"]),
    ("amanat-ledger", &["amanat-prover", "ark-groth16"]),
    ("amanat-bft", &["amanat-prover", "ark-groth16"]),
    ("amanat-client", &["axum", "hyper"]),
    ("amanat-node", &["amanat-client", "amanat-prover", "amanat-benches", "amanat-profile", "ark-groth16"]),
    ("amanat-cli", &["amanat-benches"]),
];

const LONGEST_FILE: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate is a member of the workspace")
        .to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn members() -> Vec<Package> {
    let manifest = root().join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata");
    metadata.packages
}

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Normal dependencies of each member on other members, as the manifests declare them.
fn declared() -> Edges {
    let packages = members();
    let ours: BTreeSet<String> = packages.iter().map(|p| p.name.to_string()).collect();
    packages
        .iter()
        .map(|package| {
            let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
            let to = normal.map(|d| d.name.clone()).filter(|name| ours.contains(name)).collect();
            (package.name.to_string(), to)
        })
        .collect()
}

/// Normal dependencies of every crate that a build here may link, third parties' too, with every
/// feature on.
fn linked() -> Edges {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).features(CargoOpt::AllFeatures);
    // What this machine builds is there already; the rest would have to be fetched.
    let host = format!("{}-unknown-{}-gnu", std::env::consts::ARCH, std::env::consts::OS);
    command.other_options(vec!["--filter-platform".to_owned(), host]);
    let metadata = command.exec().expect("cargo metadata");
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p.name.to_string())).collect();
    let mut edges = Edges::new();
    for node in &metadata.resolve.as_ref().expect("metadata with dependencies").nodes {
        let is_normal = |d: &&NodeDep| d.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal);
        // Several versions of a crate count as one.
        let to = edges.entry(names[&node.id].clone()).or_default();
        to.extend(node.deps.iter().filter(is_normal).map(|d| names[&d.pkg].clone()));
    }
    edges
}

/// Edges that the table does not allow, and edges it allows that no manifest declares.
fn misfits(edges: &Edges) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.iter().copied().collect();
    let mut wrong = Vec::new();
    for (from, to) in edges.iter().filter(|(from, _)| !FREE.contains(&from.as_str())) {
        let Some(allowed) = allowed.get(from.as_str()) else {
            wrong.push(format!("{from} is not in the dependency table"));
            continue;
        };
        let not_allowed = to.iter().filter(|to| !allowed.contains(&to.as_str()));
        wrong.extend(not_allowed.map(|to| format!("{from} -> {to} is not allowed")));
        let unused = allowed.iter().filter(|may| !to.contains(**may));
        wrong.extend(unused.map(|may| format!("{from} -> {may} is allowed and not there")));
    }
    let gone = allowed.keys().filter(|from| !edges.contains_key(**from));
    wrong.extend(gone.map(|from| format!("{from} is in the dependency table and not in the workspace")));
    wrong
}

/// The path by which `from` comes to link `never`, if it does.
fn path(edges: &Edges, from: &str, never: &str) -> Option<String> {
    let mut paths = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop() {
        let last = path.last().expect("a path has a start");
        if last == never {
            return Some(path.join(" -> "));
        }
        for next in edges.get(last).into_iter().flatten() {
            if seen.insert(next.clone()) {
                paths.push(path.iter().chain([next]).cloned().collect());
            }
        }
    }
    None
}

#[test]
fn dependencies_point_downward_and_the_table_allows_no_others() {
    let wrong = misfits(&declared());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn validators_verifiers_and_clients_do_not_link_what_they_must_not() {
    let edges = linked();
    for (from, never) in NEVER_LINKS {
        assert!(edges.contains_key(*from), "{from} is a crate");
        for never in *never {
            assert!(edges.contains_key(*never), "{never} is a crate that something here links");
            assert_eq!(path(&edges, from, never), None, "{from} must not link {never}");
        }
    }
}

/// A member that a manifest declares and no source names is a right that nothing needs.
#[test]
fn every_declared_member_is_named_in_the_source() {
    let declared = declared();
    let mut unused = Vec::new();
    for package in members() {
        let folder = package.manifest_path.parent().expect("a manifest is in a folder").join("src");
        let mut source = String::new();
        for_each_source(folder.as_std_path(), &mut |_, text| source.push_str(text));
        let to = declared[package.name.as_str()].iter();
        let never = to.filter(|to| !source.contains(&to.replace('-', "_")));
        unused.extend(never.map(|to| format!("{} declares {to} and never names it", package.name)));
    }
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

#[test]
fn an_edge_that_is_not_allowed_and_one_that_is_not_there_are_named() {
    let mut edges = declared();
    edges.entry("amanat-params".to_owned()).or_default().insert("amanat-prover".to_owned());
    edges.entry("amanat-circuits".to_owned()).or_default().remove("amanat-domain");
    let named = misfits(&edges);
    for expected in [
        "amanat-params -> amanat-prover is not allowed",
        "amanat-circuits -> amanat-domain is allowed and not there",
    ] {
        assert!(named.iter().any(|n| n == expected), "{expected}, not: {named:?}");
    }
    let found = path(&edges, "amanat-ledger", "amanat-prover").expect("through params");
    assert!(
        found.starts_with("amanat-ledger -> ") && found.ends_with("amanat-params -> amanat-prover"),
        "{found}"
    );
}

#[test]
fn nothing_comes_from_git() {
    for package in members() {
        for dependency in &package.dependencies {
            let source = dependency.source.as_ref().map(ToString::to_string).unwrap_or_default();
            assert!(
                !source.starts_with("git+"),
                "{} depends on {} from {source}",
                package.name,
                dependency.name
            );
        }
    }
    for line in read("Cargo.lock").lines() {
        assert!(!line.starts_with("source = \"git+"), "Cargo.lock: {line}");
    }
}

#[test]
fn unsafe_code_is_forbidden_outside_accel() {
    assert!(
        read("Cargo.toml").lines().any(|line| line.trim() == "unsafe_code = \"forbid\""),
        "the workspace's lints forbid unsafe code"
    );
    for package in members() {
        if package.name.as_str() == "amanat-accel" {
            continue;
        }
        let manifest =
            fs::read_to_string(&package.manifest_path).expect("a manifest that cargo has just read");
        let inherits = manifest.split("[lints]").nth(1).is_some_and(|rest| {
            rest.lines()
                .find(|line| !line.trim().is_empty())
                .is_some_and(|line| line.trim() == "workspace = true")
        });
        assert!(inherits, "{} does not inherit the workspace's lints", package.name);
    }
}

#[test]
fn the_readme_names_the_two_commands() {
    let readme = read("README.md");
    for command in ["cargo run --release -- demo", "cargo test --workspace"] {
        assert!(
            readme.lines().any(|line| line.trim() == command),
            "README.md lacks `{command}` on a separate line"
        );
    }
}

/// The string literals of the form `"ABC-12"`, with what precedes them on their line.
fn clause_literals(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in source.lines() {
        let mut before = String::new();
        for (i, part) in line.split('"').enumerate() {
            let is_id = part.split_once('-').is_some_and(|(head, tail)| {
                head.len() == 3
                    && head.bytes().all(|b| b.is_ascii_uppercase())
                    && !tail.is_empty()
                    && tail.bytes().all(|b| b.is_ascii_digit())
            });
            if i % 2 == 1 && is_id {
                found.push((before.clone(), part.to_owned()));
            }
            before.push_str(part);
        }
    }
    found
}

/// Clause ids that head a section of a page: `### ABC-12: title`.
fn clause_headings(page: &str) -> Vec<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("### "))
        .filter_map(|heading| heading.split_once(':').map(|(id, _)| id.to_owned()))
        .collect()
}

fn number(id: &str) -> usize {
    id[4..].parse().expect("checked to be digits")
}

#[test]
fn code_and_book_have_the_same_clauses() {
    for statement in Statement::ALL {
        let folder = format!("circuits/src/statements/{statement}");
        let ids_of = |file: &str| clause_literals(&read(format!("{folder}/{file}")));
        let native: BTreeSet<String> = ids_of("check.rs").into_iter().map(|(_, id)| id).collect();
        let clauses = ids_of("circuit.rs").into_iter().filter(|(before, _)| before.ends_with("cs.clause("));
        let constrained: BTreeSet<String> = clauses.map(|(_, id)| id).collect();
        let differ: Vec<_> = native.symmetric_difference(&constrained).collect();
        assert!(differ.is_empty(), "{statement}: only checked natively, or only constrained: {differ:?}");

        let mut ids: Vec<String> = constrained.into_iter().collect();
        ids.sort_by_key(|id| number(id));
        let prefix = ids.first().map_or_else(|| panic!("{statement} has no clause"), |id| id[..4].to_owned());
        let numbered: Vec<String> = (1..=ids.len()).map(|n| format!("{prefix}{n}")).collect();
        assert_eq!(ids, numbered, "{statement}: one prefix, numbered from 1 without a gap");

        let page = read(format!("docs/book/src/{statement}.md"));
        assert_eq!(clause_headings(&page), ids, "docs/book/src/{statement}.md: clause headings, in order");
    }
}

#[test]
fn the_book_lists_every_page() {
    let summary = read("docs/book/src/SUMMARY.md");
    for entry in fs::read_dir(root().join("docs/book/src")).expect("the book") {
        let name = entry.expect("a directory entry").file_name().into_string().expect("a plain name");
        if name.ends_with(".md") && name != "SUMMARY.md" {
            assert!(summary.contains(&format!("({name})")), "SUMMARY.md lacks {name}");
        }
    }
    for statement in Statement::ALL {
        assert!(summary.contains(&format!("({statement}.md)")), "SUMMARY.md lacks {statement}.md");
    }
}

/// Calls with path and text of every Rust file under a folder.
fn for_each_source(folder: &Path, call: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("a folder of the project").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                for_each_source(&path, call);
            }
        } else if name.ends_with(".rs") {
            call(&path, &fs::read_to_string(&path).expect("a source file"));
        }
    }
}

#[test]
fn no_source_file_is_too_long() {
    let mut wrong = Vec::new();
    for_each_source(&root(), &mut |path, text| {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{}: {lines} lines, at most {LONGEST_FILE}", path.display()));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
