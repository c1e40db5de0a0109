//! The custodian with its outbox: what was signed is submitted until the ledger answers.

use super::ImportError;
use crate::client::Client;
use crate::ledger::AccessError;
use crate::organisation::Organisation;
use crate::progress::Event;
use crate::vault::{Errand, Undo, Vault};

/// An organisation that enrols and anchors, with its vault.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::{Client, Home, Place};
/// let client = Client::open(Home::open(None)?, &Place::Home)?;
/// let custodian = client.custodian(Some("Hospital A"))?;
/// // Submits what an import had signed and could not submit before its process ended.
/// custodian.finish_earlier()?;
/// println!("{} has nothing to submit", custodian.organisation().name);
/// # Ok(()) }
/// ```
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

    /// Submits what an earlier import could not. An enrolment that is refused for good is left to
    /// this import, which signs it again by the organisation as it is now.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn finish_earlier(&self) -> Result<(), ImportError> {
        let transactions = loop {
            match self.deliver() {
                // Each leaves the outbox, so this ends.
                Err(ImportError::NotEnrolled { .. }) => {}
                done => break done?,
            }
        };
        if transactions > 0 {
            self.client.progress().event(&Event::Resumed { transactions });
        }
        Ok(())
    }

    /// Submits what is in the outbox; how many transactions that was. What the ledger refuses for
    /// good leaves the outbox: nothing there stops a later import.
    pub(super) fn deliver(&self) -> Result<usize, ImportError> {
        let mut transactions = 0;
        // One at a time: a receipt changes what the next one says of its change.
        while let Some((number, transaction, errand)) = self.vault.first_waiting()? {
            match (self.client.ledger().submit(&transaction), &errand) {
                (Ok(done), _) => {
                    let change = self.vault.change()?;
                    change.acknowledged(number, &errand, done.receipt.epoch)?;
                    change.commit()?;
                }
                // Some of them are on the ledger: `enrol` finds out which.
                (Err(error), Errand::Enrol(_)) if is_already_enrolled(&error) => self.drop_waiting(number)?,
                (Err(error), Errand::Enrol(people)) if error.is_final() => {
                    self.drop_waiting(number)?;
                    return Err(ImportError::NotEnrolled { patients: people.len(), source: error });
                }
                (Err(error), Errand::Anchor { undo: Some(undo), .. }) if error.is_final() => {
                    self.undo(undo, number)?;
                    return Err(ImportError::Refused { records: undo.records.len(), source: error });
                }
                (Err(error), _) => return Err(ImportError::Outbox(error)),
            }
            transactions += 1;
        }
        Ok(transactions)
    }

    fn drop_waiting(&self, number: u32) -> Result<(), ImportError> {
        let change = self.vault.change()?;
        change.refused(number)?;
        Ok(change.commit()?)
    }

    /// Undoes a change, or the rest of it, whose transaction was refused; its other transactions
    /// follow in the outbox.
    fn undo(&self, undo: &Undo, refused: u32) -> Result<(), ImportError> {
        let waiting = self.vault.outbox()?;
        let change = self.vault.change()?;
        change.undo(undo)?;
        change.refused(refused)?;
        let of_same_change = |errand: &Errand| matches!(errand, Errand::Anchor { undo: None, .. });
        let rest = waiting.iter().skip_while(|(number, ..)| *number <= refused);
        for (number, ..) in rest.take_while(|(.., errand)| of_same_change(errand)) {
            change.refused(*number)?;
        }
        Ok(change.commit()?)
    }
}

fn is_already_enrolled(error: &AccessError) -> bool {
    error.problem().is_some_and(|problem| problem.code == "already_enrolled")
}
