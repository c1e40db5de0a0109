//! What the statements are declared to be, as the book's tables.

use amanat_domain::registry::Registry;
use amanat_domain::statement::{PolicyKind, Statement};
use std::fmt::Write;

/// What each statement has in the slots of the public vector.
#[must_use]
pub fn slots() -> String {
    let mut out = String::from("| statement | `policy` | `nf_0` | `nf_1` | `out_0` | `out_1` |\n");
    out.push_str("|---|---|---|---|---|---|\n");
    for statement in Statement::ALL {
        let spec = statement.spec();
        let policy = match spec.policy {
            PolicyKind::None => "0",
            PolicyKind::Sealed => "sealed request",
            PolicyKind::Role => "role policy",
            PolicyKind::Access => "access policy",
        };
        let slots = spec.slots.map(|slot| slot.unwrap_or("0")).join(" | ");
        let _ = writeln!(out, "| [{statement}]({statement}.md) | {policy} | {slots} |");
    }
    out
}

/// What the ledger does with a proof of each statement, and when it refuses one.
#[must_use]
pub fn rules() -> String {
    let mut out =
        String::from("| statement | number | version | spends | adds to | hides in | about now | window |\n");
    out.push_str("|---|--:|--:|---|---|---|---|--:|\n");
    for statement in Statement::ALL {
        let spec = statement.spec();
        let spends = spec.spends.map_or("nothing".to_owned(), |slot| format!("`nf_{slot}`"));
        let adds = spec.appends.map_or("no registry", Registry::name);
        let hides: Vec<&str> = spec.hides_in.iter().map(|registry| registry.name()).collect();
        let (hides, now) = (hides.join(", "), if spec.speaks_of_now { "yes" } else { "no" });
        let (number, version, window) = (spec.number, spec.version, spec.window);
        let _ = writeln!(
            out,
            "| {statement} | {number} | {version} | {spends} | {adds} | {hides} | {now} | {window} |"
        );
    }
    out
}
