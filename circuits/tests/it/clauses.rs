//! Each clause broken alone is refused by the native check, with that clause's id, and by the
//! constraints.

use crate::of_each_statement;
use amanat_circuits::built;
use amanat_circuits::world::rules;
use amanat_circuits::world::sample::{Negative, Sample};
use std::collections::BTreeSet;

/// Native check and constraints both refuse.
fn breaks<R: Sample>(Negative { clause, how, case }: &Negative<R>) {
    let verdict = case.witness.check(&case.public).map_err(|denied| denied.clause);
    assert_eq!(verdict, Err(*clause), "{clause}, {how}: native");
    let assignment = case.witness.assign(&case.public);
    let refused = built(R::STATEMENT).0.first_unsatisfied(&assignment);
    assert!(refused.is_some(), "{clause}, {how}: the constraints accept it");
}

fn each_clause_is_broken_alone<R: Sample>() {
    for seed in [3, 4] {
        let valid = R::case(&rules::asking(seed));
        assert_eq!(valid.witness.check(&valid.public), Ok(()), "what is broken holds before");
        let assignment = valid.witness.assign(&valid.public);
        assert_eq!(built(R::STATEMENT).0.first_unsatisfied(&assignment), None);
        let negatives = R::negatives(seed);
        negatives.iter().for_each(breaks);
        let broken: BTreeSet<&str> =
            negatives.iter().map(|n| n.clause).chain(R::UNREPRESENTABLE.iter().copied()).collect();
        assert_eq!(broken, R::CLAUSES.iter().copied().collect(), "{}: every clause is broken", R::STATEMENT);
        let labelled: BTreeSet<&str> = built(R::STATEMENT).1.labels.iter().map(|l| l.clause).collect();
        assert_eq!(
            labelled,
            R::CLAUSES.iter().copied().collect(),
            "{}: every row is a clause's",
            R::STATEMENT
        );
    }
}

of_each_statement!(each_clause_broken_alone_is_refused: each_clause_is_broken_alone);
