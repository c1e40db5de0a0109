//! The custodian with its outbox: what was signed is submitted until the ledger answers.

use super::ImportError;
use crate::client::Client;
use crate::ledger::AccessError;
use crate::organisation::Organisation;
use crate::progress::Event;
use crate::vault::{Errand, Undo, Vault};
use amanat_domain::tx::Transaction;

/// An organisation that enrols and anchors, with its vault.
pub struct Custodian<'c> {
    pub(super) client: &'c Client,
    pub(super) vault: Vault,
    pub(super) organisation: Organisation,
}

impl Client {
    /// The custodian: the organisation named by its reference, its id or its name, or the first
    /// that may enrol and anchor.
    ///
    /// # Errors
    /// [`ImportError::Organisation`], [`ImportError::Vault`].
    pub fn custodian(&self, named: Option<&str>) -> Result<Custodian<'_>, ImportError> {
        let organisation = self.custodian_organisation(named)?;
        Ok(Custodian { client: self, vault: self.vault()?, organisation })
    }
}

impl Custodian<'_> {
    /// The vault.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// Submits what an earlier import could not.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn finish_earlier(&self) -> Result<(), ImportError> {
        let transactions = self.deliver()?;
        if transactions > 0 {
            self.client.progress().event(&Event::Resumed { transactions });
        }
        Ok(())
    }

    /// Submits what is in the outbox; how many transactions that was.
    pub(super) fn deliver(&self) -> Result<usize, ImportError> {
        let waiting = self.vault.outbox()?;
        for (n, (number, transaction, errand)) in waiting.iter().enumerate() {
            match (self.client.ledger().submit(transaction), errand) {
                (Ok(done), _) => {
                    let change = self.vault.change()?;
                    change.acknowledged(*number, errand, done.receipt.epoch)?;
                    change.commit()?;
                }
                // Some of them are on the ledger: `enrol` finds out which.
                (Err(error), Errand::Enrol(_)) if is_already_enrolled(&error) => {
                    let change = self.vault.change()?;
                    change.refused(*number)?;
                    change.commit()?;
                }
                (Err(error), Errand::Anchor { undo: Some(undo), .. }) if error.is_final() => {
                    self.undo(undo, *number, &waiting[n + 1..])?;
                    return Err(ImportError::Refused { records: undo.records.len(), source: error });
                }
                (Err(error), _) => return Err(ImportError::Outbox(error)),
            }
        }
        Ok(waiting.len())
    }

    /// Undoes a change whose first transaction was refused; its other transactions follow in the
    /// outbox.
    fn undo(&self, undo: &Undo, number: u32, rest: &[(u32, Transaction, Errand)]) -> Result<(), ImportError> {
        let change = self.vault.change()?;
        change.undo(undo)?;
        change.refused(number)?;
        let of_same_change = |errand: &Errand| matches!(errand, Errand::Anchor { undo: None, .. });
        for (number, ..) in rest.iter().take_while(|(.., errand)| of_same_change(errand)) {
            change.refused(*number)?;
        }
        Ok(change.commit()?)
    }
}

fn is_already_enrolled(error: &AccessError) -> bool {
    error.problem().is_some_and(|problem| problem.code == "already_enrolled")
}
