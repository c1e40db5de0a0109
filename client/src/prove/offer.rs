//! What a prover can offer to prove if no audience asked: a request made from its files.
//!
//! An audience that relies on a proof makes its request itself. If it took the prover's, it would
//! compare the prover with itself.

use super::ProofError;
use super::request::{RecordChoice, ScopeRequest, UnknownWord, unknown};
use super::resolve::find_record;
use crate::client::Client;
use crate::holder::Holder;
use amanat_domain::field;
use amanat_domain::policy::{ConsentRequest, RecordRequest, ValueRange};
use amanat_domain::record::{Leaf, Micro, value_word};
use amanat_domain::time::Period;

/// Facts of a record beside its code.
#[derive(Clone, Default)]
pub struct Facts {
    /// Its value is at least this, in its unit.
    pub at_least: Option<Micro>,
    /// Leaves that are disclosed, beside the status.
    pub disclose: Vec<Leaf>,
}

impl Facts {
    /// Reads the names of leaves.
    ///
    /// # Errors
    /// [`UnknownWord`].
    pub fn leaves(names: &[String]) -> Result<Vec<Leaf>, UnknownWord> {
        let all: Vec<(Leaf, &str)> = Leaf::ALL.iter().map(|leaf| (*leaf, leaf.name())).collect();
        let leaf = |name: &String| {
            let found = all.iter().find(|(_, known)| known == name).map(|(leaf, _)| *leaf);
            found.ok_or_else(|| unknown("leaf", name, &all))
        };
        names.iter().map(leaf).collect()
    }

    /// The leaves that are disclosed, as a mask: a fact is not told without the status that may
    /// negate it.
    #[must_use]
    pub fn disclosed(&self) -> u16 {
        self.disclose.iter().fold(1 << (Leaf::Status as u16), |mask, leaf| mask | 1 << (*leaf as u16))
    }
}

impl Client {
    /// A request for data of any time by a clinician of the home directory, with a new salt.
    ///
    /// # Errors
    /// [`ProofError::Holder`], [`ProofError::Home`].
    pub fn offered_consent(&self, holder: &str, scope: &ScopeRequest) -> Result<ConsentRequest, ProofError> {
        Ok(ConsentRequest {
            scope: scope.of_record(None),
            data_period: Period::ALWAYS,
            recipient: Holder::find(self.holders()?, holder)?.recipient(),
            salt: field::random(&mut rand::rng()),
        })
    }

    /// A request that a record of the vault answers, with a new salt: it has its code, is the
    /// latest and was anchored by the newest bundle's epoch; if a value is asked for, in its unit.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn offered_record(&self, choice: RecordChoice, facts: &Facts) -> Result<RecordRequest, ProofError> {
        let record = find_record(self, &self.consents()?, choice)?.record;
        let first = |leaf: Leaf| record.open(leaf).values[0];
        let value = facts.at_least.map(|least| ValueRange { least: value_word(least), greatest: u64::MAX });
        // Before the first bundle no record is anchored.
        let anchored_by = self.ledger().bundle(None)?.map_or(0, |sealed| sealed.bundle.epoch);
        Ok(RecordRequest {
            resource_type: None,
            code: Some(first(Leaf::Code)),
            unit: value.map(|_| first(Leaf::Unit)),
            status: None,
            value,
            period: Period::ALWAYS,
            custodian: None,
            anchored_by,
            latest: true,
            disclosed: facts.disclosed(),
            salt: field::random(&mut rand::rng()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;
    use amanat_domain::record::Leaf;

    #[test]
    fn unknown_leaves_are_told_with_the_known() {
        let said = Facts::leaves(&["colour".to_owned()]).expect_err("no leaf").to_string();
        assert!(said.starts_with("unknown leaf colour; known: "), "{said}");
    }

    #[test]
    fn the_status_is_disclosed_with_every_fact() {
        let unit = Facts { at_least: None, disclose: vec![Leaf::Unit] };
        assert_eq!(unit.disclosed(), 1 << Leaf::Unit as u16 | 1 << Leaf::Status as u16);
        assert_eq!(Facts::default().disclosed(), 1 << Leaf::Status as u16);
    }
}
