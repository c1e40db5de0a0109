//! Consents as wallets keep them, and how uses are counted.
//!
//! A use is reserved on disk before its proof is made. It is released when the proof fails, or when
//! the ledger refuses the proof. If the process ends before, or the answer of the ledger leaves
//! open whether it has the proof, the reservation is found by the next use, and the ledger's entry
//! of the nullifier says whether it was spent.

use super::terms::StoredTerms;
use crate::client::Client;
use crate::encoding::{bytes_from_text, malformed, secret_from_text, text};
use crate::holder::Holder;
use crate::home::{Home, HomeError};
use crate::ledger::AccessError;
use crate::wallet::Wallet;
use amanat_domain::consent::{GrantedConsent, UseLimit};
use amanat_domain::entry::Entry;
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::consent::Compiled;
use serde::{Deserialize, Serialize};

const CONSENTS: &str = "consents.json";

/// A consent in the wallet of a patient, handed to the clinicians who may use it.
#[derive(Clone)]
pub struct HeldConsent {
    /// Its number in the home directory.
    pub number: u32,
    /// The name of the patient's wallet.
    pub patient: String,
    /// The JSON it was compiled from.
    pub source: String,
    /// The consent with its secrets.
    pub consent: GrantedConsent,
    /// Uses that the ledger has.
    pub used: u64,
    /// A use of which the ledger has not yet been heard.
    pub reserved: Option<Reservation>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A use that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// The nullifier that its transaction spends.
    pub nullifier: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct ConsentFile {
    number: u32,
    patient: String,
    source: String,
    /// As granted; absent in files of older versions, which compiled the source again.
    #[serde(default)]
    terms: Option<StoredTerms>,
    limit: u32,
    nonce: String,
    salt: String,
    used: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserved: Option<String>,
    revoked: bool,
}

impl HeldConsent {
    /// Uses that are gone: those that the ledger has, and one that it may have.
    #[must_use]
    pub fn uses(&self) -> u64 {
        self.used + u64::from(self.reserved.is_some())
    }

    /// Every consent of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn load_all(home: &Home) -> Result<Vec<Self>, HomeError> {
        Self::load_with(home, &Wallet::load_all(home)?, &Holder::load_all(home)?)
    }

    /// The same, by files that are read already.
    pub(crate) fn load_with(
        home: &Home,
        wallets: &[Wallet],
        holders: &[Holder],
    ) -> Result<Vec<Self>, HomeError> {
        let files: Vec<ConsentFile> = home.read(CONSENTS)?.unwrap_or_default();
        files.into_iter().map(|file| file.load(wallets, holders)).collect()
    }

    /// Writes every consent of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn save_all(home: &Home, all: &[Self]) -> Result<(), HomeError> {
        home.write(CONSENTS, &all.iter().map(ConsentFile::new).collect::<Vec<_>>())
    }
}

impl ConsentFile {
    fn new(c: &HeldConsent) -> Self {
        Self {
            number: c.number,
            patient: c.patient.clone(),
            source: c.source.clone(),
            terms: Some(StoredTerms::from(c.consent.terms())),
            limit: c.consent.limit().to_u32(),
            nonce: text(c.consent.nonce().expose()),
            salt: text(c.consent.salt().expose()),
            used: c.used,
            reserved: c.reserved.map(|r| hex::encode(r.nullifier)),
            revoked: c.revoked,
        }
    }

    fn load(self, wallets: &[Wallet], holders: &[Holder]) -> Result<HeldConsent, HomeError> {
        let what = format!("consent {}", self.number);
        let terms = match self.terms {
            Some(terms) => terms.read()?,
            // The patient was determined when it was granted.
            None => super::compile(&self.source, holders, &[], Zones::ANY)
                .map(Compiled::into_terms_even_so)
                .map_err(|_| malformed(&*what, "its source does not compile"))?,
        };
        let wallet = wallets.iter().find(|w| w.patient == self.patient);
        let wallet = wallet.ok_or_else(|| malformed(&*what, "there is no wallet for its patient"))?;
        let consent = GrantedConsent::from_parts(
            terms,
            wallet.secrets().subject().commitment(),
            UseLimit::from_u32(self.limit),
            secret_from_text("nonce", &self.nonce)?,
            secret_from_text("salt", &self.salt)?,
        )
        .ok_or_else(|| malformed(&*what, "its nonce gives no revocation id"))?;
        let reserved = self.reserved.map(|nullifier| bytes_from_text(&what, &nullifier)).transpose()?;
        let Self { number, patient, source, used, revoked, .. } = self;
        let reserved = reserved.map(|nullifier| Reservation { nullifier });
        Ok(HeldConsent { number, patient, source, consent, used, reserved, revoked })
    }
}

/// Why a use is not counted.
#[derive(Debug, thiserror::Error)]
pub enum UseError {
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The ledger does not say whether a nullifier was spent.
    #[error(transparent)]
    Ledger(#[from] AccessError),
}

impl Client {
    /// Settles a reservation that an earlier process left, by whether the ledger has its nullifier.
    ///
    /// The transaction may be on its way still, or the node may be behind. Then the number of the
    /// use is tried again, the ledger refuses the second of the two, and the entry counts the use.
    ///
    /// The entry is believed under its own header. A node gives no certificates for entries, so
    /// also where the genesis has validators a node that lies can have a use counted that did not
    /// happen, or tried again. It cannot make the ledger accept a use twice, and nothing that it
    /// claims is kept: a height or an epoch that it made up would lock the consent.
    pub(crate) fn settle_use(&self, all: &mut [HeldConsent], number: u32) -> Result<(), UseError> {
        let Some(held) = all.iter_mut().find(|c| c.number == number) else { return Ok(()) };
        let Some(reserved) = held.reserved else { return Ok(()) };
        let entry = self.ledger().entry(Entry::Nullifier(reserved.nullifier))?;
        held.used += u64::from(entry.content.is_some());
        held.reserved = None;
        Ok(HeldConsent::save_all(self.home(), all)?)
    }

    /// Reserves a use before its proof is made.
    pub(crate) fn reserve_use(&self, number: u32, nullifier: [u8; 32]) -> Result<(), HomeError> {
        self.change_consent(number, |held| held.reserved = Some(Reservation { nullifier }))
    }

    /// The use did not happen: it can be used yet.
    pub(crate) fn release_use(&self, number: u32) -> Result<(), HomeError> {
        self.change_consent(number, |held| held.reserved = None)
    }

    /// The use happened.
    pub(crate) fn count_use(&self, number: u32) -> Result<(), HomeError> {
        self.change_consent(number, |held| {
            held.used += u64::from(held.reserved.is_some());
            held.reserved = None;
        })
    }

    pub(super) fn change_consent(
        &self,
        number: u32,
        change: impl FnOnce(&mut HeldConsent),
    ) -> Result<(), HomeError> {
        let mut all = self.consents()?;
        if let Some(held) = all.iter_mut().find(|c| c.number == number) {
            change(held);
        }
        HeldConsent::save_all(self.home(), &all)
    }
}

#[cfg(test)]
mod tests {
    use super::{CONSENTS, HeldConsent, Reservation};
    use crate::client::Client;
    use crate::consent::{GrantError, RevokeError, compile, template};
    use crate::devnet::{DevLedger, HOSPITALS, genesis, organisations};
    use crate::home::Home;
    use crate::ledger::AccessError;
    use crate::organisation::Organisation;
    use crate::prove::{ProofError, Receipt};
    use crate::testing::{Failing, Fails, unfinished};
    use crate::wallet::Wallet;
    use amanat_api::problem::{Kind, Problem};
    use amanat_domain::consent::{GrantedConsent, UseLimit};
    use amanat_domain::fhir::Zones;
    use amanat_domain::fhir::consent::Compiled;
    use amanat_domain::receipt::{Effect, ReceiptData};
    use amanat_domain::time::Timestamp;
    use amanat_domain::tx::Action;
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    /// A client with a consent for one use in a wallet, and a ledger that says that every nullifier
    /// was spent, or none.
    fn with_consent(dir: &std::path::Path, fails: Fails) -> Client {
        let mut rng = rand::rng();
        let home = Home::open(Some(dir)).expect("a home");
        let organisations = organisations(HOSPITALS, &mut rng);
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = genesis("test", start, 60, &organisations).expect("a genesis");
        let ledger = DevLedger::open(&home.ledger_path(), genesis).expect("a ledger");
        let wallet = Wallet::new("Patient/1".to_owned(), &mut rng);
        let source = template("Patient/1", HOSPITALS[0], "TREAT", "2099-12-31");
        let terms = compile(&source, &[], &[], Zones::ANY).map(Compiled::into_terms_even_so);
        let once = UseLimit::at_most(NonZeroU32::MIN);
        let subject = wallet.secrets().subject().commitment();
        let consent = GrantedConsent::new(terms.expect("a consent"), subject, once, &mut rng);
        Wallet::save_all(&home, &[wallet]).expect("written");
        let patient = "Patient/1".to_owned();
        let held =
            HeldConsent { number: 4, patient, source, consent, used: 0, reserved: None, revoked: false };
        HeldConsent::save_all(&home, &[held]).expect("written");
        let failing = Failing { inner: ledger.access(), fails, submitted: Arc::default() };
        Client::over(home, Arc::new(failing), ledger.clock()).expect("a client")
    }

    fn reserve(client: &Client) {
        client.reserve_use(4, [7; 32]).expect("written");
    }

    fn counts(client: &Client) -> (u64, u64, bool) {
        let all = client.consents().expect("consents");
        (all[0].used, all[0].uses(), all[0].reserved.is_some())
    }

    #[test]
    fn a_consent_is_kept_unless_the_ledger_refuses_it_for_good() {
        let refused = |kind, code| {
            AccessError::Refused(Problem::new(kind, 409, code, "the test says so", "nothing to do"))
        };
        let late = AccessError::TimedOut { node: "http://localhost:1".to_owned() };
        let kept = [
            // A node that gave up waiting, whose queue has the transaction yet.
            refused(Kind::Request, "timeout"),
            refused(Kind::Fault, "internal"),
            refused(Kind::Busy, "pool_full"),
            refused(Kind::Conflict, "pending"),
            refused(Kind::Conflict, "already_committed"),
            // A node that is behind, or whose clock is ahead, says this of what others take.
            refused(Kind::Reject, "unknown_epoch"),
            refused(Kind::Conflict, "stale_epoch"),
            late,
        ];
        let deleted = [refused(Kind::Reject, "proof_invalid"), refused(Kind::Conflict, "below_floor")];
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Never);
        for error in kept {
            client.forget_if_refused(4, &error.clone().into()).expect("written");
            assert_eq!(client.consents().expect("consents").len(), 1, "{error}");
        }
        let before = client.consents().expect("consents");
        for error in deleted {
            HeldConsent::save_all(client.home(), &before).expect("written");
            client.forget_if_refused(4, &error.clone().into()).expect("written");
            assert!(client.consents().expect("consents").is_empty(), "{error}");
        }
    }

    #[test]
    fn a_use_is_reserved_on_disk_and_counted_or_released() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Never);
        reserve(&client);
        assert_eq!(counts(&client), (0, 1, true), "as good as used");
        client.release_use(4).expect("written");
        assert_eq!(counts(&client), (0, 0, false));
        client.count_use(4).expect("written");
        assert_eq!(counts(&client), (0, 0, false), "what was not reserved is not counted");
        reserve(&client);
        client.count_use(4).expect("written");
        assert_eq!(counts(&client), (1, 1, false));
    }

    #[test]
    fn a_reservation_of_a_process_that_ended_is_free_if_the_ledger_has_no_such_nullifier() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Never);
        reserve(&client);
        let mut all = client.consents().expect("consents");
        assert_eq!(all[0].reserved, Some(Reservation { nullifier: [7; 32] }), "found again");
        client.settle_use(&mut all, 4).expect("the ledger answers");
        assert_eq!((all[0].used, all[0].reserved), (0, None));
        assert_eq!(counts(&client), (0, 0, false), "on disk too");
        client.settle_use(&mut all, 5).expect("no such consent, nothing to do");
    }

    #[test]
    fn a_node_that_claims_a_height_to_come_locks_no_consent() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Ahead);
        assert_eq!(client.ledger().status().expect("answers").height, u64::MAX);
        reserve(&client);
        let mut all = client.consents().expect("consents");
        client.settle_use(&mut all, 4).expect("settled");
        assert_eq!(counts(&client), (0, 0, false));

        // As an earlier version wrote it, with the height that a node claimed.
        reserve(&client);
        let file = client.home().path(CONSENTS);
        let text = std::fs::read_to_string(&file).expect("consents");
        assert!(text.contains("\"reserved\": "), "{text}");
        let text = text.replace("\"reserved\": ", "\"reserved_at\": 18446744073709551615, \"reserved\": ");
        std::fs::write(&file, text).expect("written");
        let mut all = client.consents().expect("read");
        assert_eq!(counts(&client), (0, 1, true));
        client.settle_use(&mut all, 4).expect("settled");
        assert_eq!(counts(&client), (0, 0, false));
    }

    #[test]
    fn a_reservation_of_a_process_that_ended_is_counted_if_the_ledger_has_its_nullifier() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Spent);
        reserve(&client);
        let mut all = client.consents().expect("consents");
        client.settle_use(&mut all, 4).expect("the ledger answers");
        assert_eq!(counts(&client), (1, 1, false));
        client.settle_use(&mut all, 4).expect("nothing is reserved any more");
        assert_eq!(counts(&client), (1, 1, false), "counted once");
    }

    fn receipt(client: &Client) -> Receipt {
        let organisation = Organisation::new(HOSPITALS[0], "A", &mut rand::rng());
        let transaction = organisation.sign(client.chain(), Action::Enrol(Vec::new()), &mut rand::rng());
        let effect = Effect::Retired { index: 0 };
        let receipt = ReceiptData { txid: transaction.id(), height: 7, index: 0, epoch: 0, effect };
        let (proving, committing) = (Duration::ZERO, Duration::ZERO);
        Receipt { receipt, transaction, proving, committing, openings: None }
    }

    #[test]
    fn an_answer_of_the_ledger_outlasts_a_wallet_that_cannot_be_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Never);
        let refused = || {
            let problem = Problem::new(Kind::Conflict, 409, "below_floor", "the test says so", "wait");
            ProofError::from(AccessError::Refused(problem))
        };
        let folder = unfinished(client.home(), CONSENTS);
        std::fs::create_dir(&folder).expect("a folder");
        let error = client.not_granted(4, refused());
        assert!(matches!(error, GrantError::NotForgotten { number: 4, .. }), "{error}");
        let said = error.proof().and_then(ProofError::ledger).and_then(AccessError::problem);
        assert!(said.is_some_and(|problem| problem.code == "below_floor"), "{error}");
        assert!(error.to_string().contains("the test says so"), "{error}");
        let error = client.note_revocation(4, Ok(receipt(&client))).expect_err("not written");
        assert!(error.to_string().contains("consent 4 is revoked in block 7"), "{error}");
        let RevokeError::Unnoted { answer, .. } = error else { panic!("with the receipt") };
        assert!(answer.is_ok_and(|receipt| receipt.height() == 7));

        std::fs::remove_dir(&folder).expect("mended");
        assert!(!client.consents().expect("consents")[0].revoked);
        client.note_revocation(4, Ok(receipt(&client))).expect("written");
        assert!(client.consents().expect("consents")[0].revoked);
        assert!(matches!(client.not_granted(4, refused()), GrantError::Proof(_)));
        assert!(client.consents().expect("consents").is_empty());
    }

    #[test]
    fn a_consent_kept_after_a_failure_is_granted_by_the_same_call_unless_the_ledger_has_it() {
        for (fails, expected) in [(Fails::Never, Some(4)), (Fails::Spent, None)] {
            let dir = tempfile::tempdir().expect("a folder");
            let client = with_consent(dir.path(), fails);
            client.ledger().next_epoch().expect("a bundle");
            let wallet = client.wallets().expect("wallets").swap_remove(0);
            let mut all = client.consents().expect("consents");
            let (terms, once) = (all[0].consent.terms().clone(), all[0].consent.limit());
            let kept = |all: &[HeldConsent], limit| {
                let kept = client.kept_before(all, &wallet, &terms, limit);
                kept.expect("answers").map(|held| held.number)
            };
            assert_eq!(kept(&all, once), expected, "{fails:?}");
            assert_eq!(kept(&all, UseLimit::UNLIMITED), None, "another limit: {fails:?}");
            all[0].used = 1;
            assert_eq!(kept(&all, once), None, "used, so it is granted: {fails:?}");
            all[0].used = 0;
            all[0].revoked = true;
            assert_eq!(kept(&all, once), None, "revoked: {fails:?}");
        }
    }
}
