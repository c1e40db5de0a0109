//! No two modules beside each other use each other, be it through third ones: a crate is read from
//! the bottom up, as the workspace is.
//!
//! Compared are siblings, each with all that is inside it. That a module uses what its parent
//! declares, or the parent what is inside it, is no circle: a folder's `mod.rs` says what its files
//! share.

mod source;

use cargo_metadata::{MetadataCommand, TargetKind};
use source::{Modules, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// Circles that are still there: crate, folder, modules, and why.
const KNOWN: &[(&str, &str, &[&str], &str)] = &[(
    "amanat-client",
    "",
    &["client", "consent", "holder", "import", "keys", "organisation", "prove"],
    "a call of `Client` is beside what it is about, so each of these has an `impl Client`",
)];

/// For each folder which of its modules use which, and by what reference first.
type Uses = BTreeMap<Name, BTreeMap<String, BTreeMap<String, String>>>;

fn uses(modules: &Modules) -> Uses {
    let mut uses = Uses::new();
    for (from, module) in &modules.0 {
        for reference in &module.references {
            let to = modules.home(reference);
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) else { continue };
            let why = format!("{} names {}", from.join("::"), reference.join("::"));
            let folder = uses.entry(from[..shared].to_vec()).or_default();
            folder.entry(a.clone()).or_default().entry(b.clone()).or_insert(why);
        }
    }
    uses
}

/// What can be reached from a module, itself only if there is a way back.
fn reached<'a>(from: &str, uses: &'a BTreeMap<String, BTreeMap<String, String>>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = uses.get(from).into_iter().flatten().map(|(to, _)| to.as_str()).collect();
    while let Some(module) = next.pop() {
        if seen.insert(module) {
            next.extend(uses.get(module).into_iter().flatten().map(|(to, _)| to.as_str()));
        }
    }
    seen
}

/// A folder and modules in it that use each other, with the references that close the circle.
struct Circle {
    folder: String,
    modules: BTreeSet<String>,
    references: Vec<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modules: Vec<&str> = self.modules.iter().map(String::as_str).collect();
        write!(f, "{}: {}\n    {}", self.folder, modules.join(", "), self.references.join("\n    "))
    }
}

fn circles(modules: &Modules) -> Vec<Circle> {
    let mut circles: Vec<Circle> = Vec::new();
    for (folder, uses) in &uses(modules) {
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            uses.keys().map(|m| (m.as_str(), reached(m, uses))).collect();
        let mutual = |a: &str, b: &str| {
            let goes = |x: &str, y: &str| reach.get(x).is_some_and(|r| r.contains(y));
            goes(a, b) && goes(b, a)
        };
        let mut left: BTreeSet<&str> = uses.keys().map(String::as_str).filter(|m| mutual(m, m)).collect();
        while let Some(first) = left.pop_first() {
            let mut members: BTreeSet<&str> = left.iter().copied().filter(|m| mutual(first, m)).collect();
            members.insert(first);
            left.retain(|m| !members.contains(m));
            let inside = |m: &&str| members.contains(*m);
            let references = members.iter().flat_map(|a| &uses[*a]).filter(|(b, _)| inside(&b.as_str()));
            circles.push(Circle {
                folder: folder.join("::"),
                references: references.map(|(_, why)| why.clone()).collect(),
                modules: members.iter().map(|m| (*m).to_owned()).collect(),
            });
        }
    }
    circles
}

#[test]
fn no_modules_of_a_crate_use_each_other_in_a_circle() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata");
    let (mut met, mut wrong) = (BTreeSet::new(), Vec::new());
    for package in &metadata.packages {
        let built =
            |kinds: &[TargetKind]| kinds.iter().any(|k| matches!(k, TargetKind::Lib | TargetKind::Bin));
        for target in package.targets.iter().filter(|t| built(&t.kind)) {
            for circle in circles(&Modules::of_target(target.src_path.as_std_path())) {
                let known = KNOWN.iter().position(|(krate, folder, modules, _)| {
                    *krate == package.name.as_str()
                        && *folder == circle.folder
                        && modules.iter().eq(&circle.modules)
                });
                match known {
                    Some(place) => drop(met.insert(place)),
                    None => wrong.push(format!("{} {circle}", package.name)),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "modules that use each other:\n{}", wrong.join("\n"));
    let gone: Vec<_> = KNOWN.iter().enumerate().filter(|(place, _)| !met.contains(place)).collect();
    assert!(gone.is_empty(), "no longer circles, so they leave the list: {gone:?}");
}

/// The modules of a crate in one text.
fn one_file(text: &str) -> Modules {
    let mut modules = Modules::default();
    assert!(modules.read(text, Name::new()).is_empty(), "all modules are inline");
    modules
}

fn circles_of(text: &str) -> Vec<Vec<String>> {
    circles(&one_file(text)).into_iter().map(|c| c.modules.into_iter().collect()).collect()
}

#[test]
fn a_circle_is_found_through_imports_paths_and_the_parents_names() {
    let direct = "mod a { use crate::b::B; pub struct A; } mod b { pub struct B; fn f(_: super::a::A) {} }";
    let through_the_root = "mod a; pub use b::{B, c as d}; mod a { use crate::d; pub struct A; } \
                            mod b { pub struct B; pub fn c() {} use super::a::A; }";
    let through_a_glob = "pub use b::*; mod a { use crate::B; pub struct A; } \
                          mod b { pub struct B; fn f() { crate::a::A; } }";
    for text in [direct, through_the_root.trim_start_matches("mod a; "), through_a_glob] {
        assert_eq!(circles_of(text), [["a", "b"]], "{text}");
    }
    let of_three = "mod a { use super::b::{self, B}; } mod b { pub struct B; use crate::{c::C}; } \
                    mod c { pub struct C; fn f() { crate::a::inner::g() } } ";
    assert_eq!(circles_of(of_three), [["a", "b", "c"]]);
    let inside =
        "mod outer { mod a { use super::b::B; pub struct A; } mod b { pub struct B; use super::a::A; } }";
    assert_eq!(circles_of(inside), [["a", "b"]]);
}

#[test]
fn what_is_no_circle_is_not_found() {
    let parent = "pub struct P; mod a { use super::P; pub struct A; } mod b { use crate::{P, a::A}; }";
    let tests = "mod a { pub struct A; #[cfg(test)] mod tests { use crate::b::B; } } \
                 mod b { pub struct B; use crate::a::A; }";
    let comments = "mod a { pub struct A; /* crate::b::B */ const S: &str = \"crate::b::B\"; // crate::b::B\n } \
                    mod b { use crate::a::A; const R: &str = r#\"} crate\"#; const C: char = '}'; }";
    let other_crates = "use other::b::X; mod a { use crate::X; } mod b { use crate::a; }";
    for text in [parent, tests, comments, other_crates] {
        assert_eq!(circles_of(text), Vec::<Vec<String>>::new(), "{text}");
    }
}
