//! The custodian with its outbox: what was signed is submitted until the ledger answers.

use super::ImportError;
use crate::client::Client;
use crate::ledger::AccessError;
use crate::organisation::Organisation;
use crate::progress::Event;
use crate::vault::{Errand, Undo, Vault};
use amanat_domain::tx::Transaction;
use amanat_ledger::{Content, Entry};
use ed25519_dalek::Signature;

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

    /// Submits what an earlier import could not. An enrolment that is refused is left to this
    /// import, which signs it again by the organisation as it is now.
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
    /// good leaves the outbox, as does any enrolment that it refuses: an enrolment is signed again
    /// and never counts twice. Another refusal of an anchor transaction may pass, so it waits.
    pub(super) fn deliver(&self) -> Result<usize, ImportError> {
        let mut transactions = 0;
        // One at a time: a receipt changes what the next one says of its change.
        while let Some((number, transaction, errand)) = self.vault.first_waiting()? {
            match (self.submit(&transaction)?, &errand) {
                (Answer::Taken { epoch }, _) => {
                    let change = self.vault.change()?;
                    change.acknowledged(number, &errand, epoch)?;
                    change.commit()?;
                }
                // Some of them are on the ledger: `enrol` finds out which.
                (Answer::Refused { error, .. }, Errand::Enrol(_)) if is(&error, "already_enrolled") => {
                    self.drop_waiting(number)?;
                }
                (Answer::Refused { error, .. }, Errand::Enrol(people)) => {
                    self.drop_waiting(number)?;
                    return Err(ImportError::NotEnrolled { patients: people.len(), source: error });
                }
                (Answer::Refused { error, epoch }, Errand::Anchor { undo, .. })
                    if self.is_final(&error, &transaction)? =>
                {
                    self.check_not_behind(epoch, &error)?;
                    let undo = match undo {
                        Some(undo) => undo.clone(),
                        None => self.vault.undo_without_note(number)?,
                    };
                    self.undo(&undo, number)?;
                    return Err(ImportError::Refused { records: undo.records.len(), source: error });
                }
                (Answer::Refused { error, .. }, _) => return Err(ImportError::Outbox(error)),
            }
            transactions += 1;
        }
        Ok(transactions)
    }

    /// Submits a transaction. If it is refused, the ledger is asked whether it has it: a node may
    /// have taken it from an earlier submission, and another, which is behind, refuse it.
    fn submit(&self, transaction: &Transaction) -> Result<Answer, ImportError> {
        let ledger = self.client.ledger();
        let error = match ledger.submit(transaction) {
            Ok(done) => return Ok(Answer::Taken { epoch: done.receipt.epoch }),
            Err(error) if !error.is_refused() => return Err(ImportError::Outbox(error)),
            Err(error) => error,
        };
        // The receipt, or the proof that there is none as of a block.
        match ledger.entry(Entry::Transaction(transaction.id())) {
            Ok(proof) => match proof.content {
                Some(Content::Receipt(receipt)) => Ok(Answer::Taken { epoch: receipt.epoch }),
                _ => Ok(Answer::Refused { error, epoch: proof.header.epoch }),
            },
            // The first error says what to do.
            Err(_) => Err(ImportError::Outbox(error)),
        }
    }

    /// Whether an anchor transaction is refused for good. So is a signature by a key that the
    /// organisation no longer has in this home directory: it is not made again.
    fn is_final(&self, error: &AccessError, transaction: &Transaction) -> Result<bool, ImportError> {
        Ok(error.is_final() || is(error, "bad_signature") && self.is_signed_by_former_key(transaction)?)
    }

    fn is_signed_by_former_key(&self, transaction: &Transaction) -> Result<bool, ImportError> {
        let Transaction::Signed(tx) = transaction else { return Ok(false) };
        let organisations = self.client.organisations()?;
        let signer = organisations.iter().find(|organisation| organisation.id() == tx.organisation);
        let signature = Signature::from_bytes(&tx.signature);
        Ok(signer.is_some_and(|signer| {
            signer.key().verifying_key().verify_strict(&tx.signing_bytes(), &signature).is_err()
        }))
    }

    /// A node that is behind the receipts of the vault does not know what the ledger has: nothing
    /// is undone on its word.
    fn check_not_behind(&self, got: u64, error: &AccessError) -> Result<(), ImportError> {
        // No receipt is of an epoch that has not begun. A node that claimed one would otherwise
        // keep the transaction in the outbox for ever.
        let known = self.vault.newest_receipt()?.map_or(0, |epoch| epoch.min(self.client.epoch()));
        if got < known {
            return Err(ImportError::Behind { known, got, source: error.clone() });
        }
        Ok(())
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

/// What the ledger says of a transaction of the outbox.
enum Answer {
    /// The ledger has it.
    Taken {
        /// The epoch of its block.
        epoch: u64,
    },
    /// A node refuses it, and does not have it.
    Refused {
        /// Why.
        error: AccessError,
        /// The epoch of the node's last block.
        epoch: u64,
    },
}

fn is(error: &AccessError, code: &str) -> bool {
    error.problem().is_some_and(|problem| problem.code == code)
}
