//! A sampled mutation run: some rows of each kind and all that assert or bind. The whole run is
//! `cargo run --release -p amanat-circuits --example mutation`.

use crate::of_each_statement;
use amanat_circuits::mutation::{Report, sampled, score};
use amanat_circuits::{Relation, RowKind, built};
use amanat_domain::statement::Statement;

fn enough_rows_are_caught<R: Relation>() {
    let statement = R::STATEMENT;
    let Report { tried, caught, survivors, .. } = score(statement, Some(120), 7, &|_| {});
    let least =
        built(statement).1.labels.iter().filter(|l| matches!(l.kind, RowKind::Assert | RowKind::Bind(_)));
    assert!(tried >= 120 + least.count() / 2);
    assert!(caught * 100 >= tried * 95, "{statement}: {caught} of {tried} rows caught; not {survivors:?}");
    // Rows that assert are there for what the clauses say: each is caught.
    let asserting =
        |s: &&amanat_circuits::mutation::Survivor| matches!(s.label.kind, RowKind::Assert | RowKind::Bind(_));
    assert!(!survivors.iter().any(|s| asserting(&s)), "{statement}: {survivors:?}");
}

of_each_statement!(without_a_row_a_cheat_gets_through: enough_rows_are_caught);

#[test]
fn a_sample_is_spread_and_holds_every_row_that_asserts_or_binds() {
    let labels = &built(Statement::Access).1.labels;
    let rows = sampled(labels, Some(100));
    assert!(rows.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] <= labels.len() / 100 + 1));
    for (index, label) in labels.iter().enumerate() {
        if matches!(label.kind, RowKind::Assert | RowKind::Bind(_)) {
            assert!(rows.contains(&index));
        }
    }
    assert_eq!(sampled(labels, None).len(), labels.len());
}
