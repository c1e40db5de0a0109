//! Transactions in words.

use crate::ui::count;
use amanat_domain::tx::{Action, Transaction};

/// What a transaction does, in a few words.
pub(super) fn what(tx: &Transaction) -> String {
    match tx {
        Transaction::Proof(tx) => format!("proof of `{}`, epoch {}", tx.statement, tx.epoch),
        Transaction::Signed(tx) => match &tx.action {
            Action::Enrol(all) => format!("{} enrolled", count(all.len(), "subject")),
            Action::IssueRole { .. } => "role issued".to_owned(),
            Action::RetireRole { index } => format!("credential {index} retired"),
            Action::Anchor { records, superseded } => {
                format!("{} anchored, {} superseded", count(records.len(), "record"), superseded.len())
            }
            Action::InstallKey { .. } => "key installed".to_owned(),
            Action::FreezeKey { statement, .. } => format!("key of `{statement}` frozen"),
            Action::Propose(_) => "change proposed".to_owned(),
            Action::Approve(proposal) => format!("proposal {proposal} approved"),
        },
    }
}
