//! What each statement costs in constraints, as the book's tables.

use amanat_circuits::built;
use amanat_domain::statement::Statement;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Rows of each statement by clause, in the order of the clauses.
#[must_use]
pub fn rows_by_clause(statement: Statement) -> Vec<(&'static str, usize)> {
    let mut rows: BTreeMap<(u32, &'static str), usize> = BTreeMap::new();
    for label in &built(statement).1.labels {
        let number = label.clause.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        *rows.entry((number, label.clause)).or_default() += 1;
    }
    rows.into_iter().map(|((_, clause), count)| (clause, count)).collect()
}

/// Three Markdown tables: the statements, their clauses, their gadgets.
#[must_use]
pub fn tables() -> String {
    let mut out = String::new();
    out.push_str("| statement | constraints | with public rows | domain | private wires | terms |\n");
    out.push_str("|---|--:|--:|--:|--:|--:|\n");
    for statement in Statement::ALL {
        let r1cs = &built(statement).0;
        let terms: usize = r1cs.rows.iter().map(|r| r.a.len() + r.b.len() + r.c.len()).sum();
        let _ = writeln!(
            out,
            "| {statement} | {} | {} | 2^{} | {} | {terms} |",
            r1cs.rows.len(),
            r1cs.qap_rows(),
            r1cs.domain_size().ilog2(),
            r1cs.num_private,
        );
    }
    out.push_str("\nBy clause:\n\n| statement | clauses: constraints |\n|---|---|\n");
    for statement in Statement::ALL {
        let clauses: Vec<String> =
            rows_by_clause(statement).iter().map(|(clause, count)| format!("{clause}: {count}")).collect();
        let _ = writeln!(out, "| {statement} | {} |", clauses.join(", "));
    }
    out.push_str("\nBy gadget (the innermost that wrote the row):\n\n");
    let mut columns: BTreeSet<&str> = BTreeSet::new();
    let mut counts: Vec<BTreeMap<&str, usize>> = Vec::new();
    for statement in Statement::ALL {
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for label in &built(statement).1.labels {
            *count.entry(label.gadget).or_default() += 1;
        }
        columns.extend(count.keys());
        counts.push(count);
    }
    out.push_str("| gadget |");
    for statement in Statement::ALL {
        let _ = write!(out, " {statement} |");
    }
    out.push_str("\n|---|");
    out.push_str(&"--:|".repeat(Statement::ALL.len()));
    out.push('\n');
    for gadget in columns {
        let _ = write!(out, "| {} |", if gadget.is_empty() { "(the statement itself)" } else { gadget });
        for count in &counts {
            let _ = write!(out, " {} |", count.get(gadget).copied().unwrap_or(0));
        }
        out.push('\n');
    }
    out
}
