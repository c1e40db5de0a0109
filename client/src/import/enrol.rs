//! Enrolment: a wallet for each patient, and its commitment on the ledger.

use super::outbox::Custodian;
use super::{ImportError, Surveyed};
use crate::vault::{Errand, person_number};
use crate::wallet::Wallet;
use amanat_domain::bundle::Registry;
use amanat_domain::fhir::survey::Person;
use amanat_domain::identity::{Subject, SubjectCommitment};
use amanat_domain::tx::{Action, MAX_BATCH};
use std::collections::BTreeMap;

/// The people of a survey: name of the wallet and subject of each.
pub(super) struct People {
    /// By number; `None` for a person of whom nothing is taken.
    pub of: Vec<Option<(String, Subject)>>,
    /// How many were enrolled now.
    pub enrolled: u64,
}

/// The wallets of the home directory, found by their names.
struct Wallets {
    all: Vec<Wallet>,
    at: BTreeMap<String, usize>,
    /// How many there were before this import.
    before: usize,
}

impl Wallets {
    fn load(custodian: &Custodian<'_>) -> Result<Self, ImportError> {
        let all = custodian.client.wallets()?;
        let at = all.iter().enumerate().map(|(n, wallet)| (wallet.patient.clone(), n)).collect();
        Ok(Self { before: all.len(), at, all })
    }

    /// Makes a wallet if there is none of this name.
    fn ensure(&mut self, name: &str) {
        if !self.at.contains_key(name) {
            self.at.insert(name.to_owned(), self.all.len());
            self.all.push(Wallet::new(name.to_owned(), &mut rand::rng()));
        }
    }

    fn subject(&self, name: &str) -> Result<Subject, ImportError> {
        let at = self.at.get(name).ok_or_else(|| ImportError::NoWallet(name.to_owned()))?;
        Ok(self.all[*at].secrets().subject())
    }

    fn is_from_before(&self, name: &str) -> bool {
        self.at.get(name).is_some_and(|at| *at < self.before)
    }
}

impl Custodian<'_> {
    /// Makes wallets for the patients without one, and enrols every patient who is not on the
    /// ledger. `most`: of the first patients of the survey alone.
    pub(super) fn enrol(&self, surveyed: &Surveyed<'_>, most: Option<usize>) -> Result<People, ImportError> {
        let people = surveyed.register.people();
        let mut wallets = Wallets::load(self)?;
        let wallet_of = self.wallets_of(people, most, &mut wallets)?;
        // Wallets first, on disk before the ledger hears of their commitments.
        if wallets.all.len() > wallets.before {
            Wallet::save_all(self.client.home(), &wallets.all)?;
        }
        self.name(people, &wallet_of)?;
        let new = self.not_on_ledger(&wallets)?;
        let change = self.vault.change()?;
        for batch in new.chunks(MAX_BATCH) {
            let (numbers, commitments) = batch.iter().copied().unzip();
            let action = Action::Enrol(commitments);
            let transaction = self.organisation.sign(self.client.chain(), action, &mut rand::rng());
            change.send(&transaction, Errand::Enrol(numbers))?;
        }
        change.commit()?;
        self.deliver()?;
        if !self.vault.not_enrolled()?.is_empty() {
            return Err(ImportError::EnrolledUnheard);
        }
        let with_subject = |name: String| wallets.subject(&name).map(|subject| (name, subject));
        let of = wallet_of.into_iter().map(|name| name.map(with_subject).transpose());
        Ok(People { of: of.collect::<Result<_, _>>()?, enrolled: new.len() as u64 })
    }

    /// The name of each person's wallet; `None` for a person of whom nothing is taken.
    fn wallets_of(
        &self,
        people: &[Person],
        most: Option<usize>,
        wallets: &mut Wallets,
    ) -> Result<Vec<Option<String>>, ImportError> {
        let mut left = most.unwrap_or(usize::MAX);
        let mut names = Vec::with_capacity(people.len());
        for person in people {
            if !person.here || left == 0 {
                names.push(None);
                continue;
            }
            left -= 1;
            let name = match person.known {
                Some(known) => {
                    let name = self.vault.wallet_of(person_number(known)?)?;
                    wallets.subject(&name)?;
                    name
                }
                None => {
                    let name = person.names[0].0.to_string();
                    wallets.ensure(&name);
                    name
                }
            };
            names.push(Some(name));
        }
        Ok(names)
    }

    /// Notes the names of people in the vault.
    fn name(&self, people: &[Person], wallet_of: &[Option<String>]) -> Result<(), ImportError> {
        let change = self.vault.change()?;
        for (person, wallet) in people.iter().zip(wallet_of) {
            let Some(wallet) = wallet else { continue };
            let number = match person.known {
                Some(known) => person_number(known)?,
                None => change.add_person(wallet)?,
            };
            change.put_names(number, person)?;
        }
        Ok(change.commit()?)
    }

    /// The people of the vault who are to be enrolled. A wallet from before may be on the ledger
    /// already, if a vault was lost or a receipt did not come: then the vault notes it.
    fn not_on_ledger(&self, wallets: &Wallets) -> Result<Vec<(u32, SubjectCommitment)>, ImportError> {
        let waiting = self.vault.not_enrolled()?;
        let from_before = waiting.iter().any(|(_, name)| wallets.is_from_before(name));
        let mirror = from_before.then(|| self.client.ledger().mirror()).transpose()?;
        let change = self.vault.change()?;
        let mut new = Vec::new();
        for (number, name) in waiting {
            let commitment = wallets.subject(&name)?.commitment();
            let path = |mirror: &amanat_domain::mirror::Mirror| {
                mirror.path(Registry::Subjects, commitment.to_field())
            };
            if mirror.as_ref().and_then(path).is_some() {
                change.enrolled(&[number])?;
            } else {
                new.push((number, commitment));
            }
        }
        change.commit()?;
        Ok(new)
    }
}
