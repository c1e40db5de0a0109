//! Consents as wallets keep them, and how uses are counted.
//!
//! A use is reserved on disk before its proof is made. It is released when the proof fails, or when
//! the ledger refuses the proof. If the process ends before, or the answer of the ledger leaves open
//! whether it has the proof, the reservation is found by the next use, and the ledger's entry of the
//! nullifier says whether it was spent. If it was not, the use is free once the ledger's epoch is
//! past the last in which the proof could be accepted: until then the transaction may be on its way.

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
use amanat_domain::statement::Statement;
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
    /// The last epoch in which the ledger may accept the proof. `None` of a reservation that an
    /// earlier version made.
    pub last_epoch: Option<u64>,
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
    /// Of the reservation: the last epoch in which its proof may be accepted. Absent in files of
    /// older versions, some of which have a height (`reserved_at`) that a node claimed: it is not
    /// read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserved_until: Option<u64>,
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
            reserved_until: c.reserved.and_then(|r| r.last_epoch),
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
        let Self { number, patient, source, used, revoked, reserved_until: last_epoch, .. } = self;
        let reserved = reserved.map(|nullifier| Reservation { nullifier, last_epoch });
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
    /// The proof of the last use may still be accepted, and the ledger does not have it.
    #[error(
        "the last use of consent {number} is open: its proof may be accepted up to epoch {last}, and the node answers \
         as of epoch {got}: try again after that epoch; if the node is behind, use another"
    )]
    Open {
        /// The consent.
        number: u32,
        /// The last epoch in which the ledger may accept the proof.
        last: u64,
        /// The epoch of the state that answered.
        got: u64,
    },
}

impl Client {
    /// Settles a reservation that an earlier process left, by whether the ledger has its nullifier.
    ///
    /// A nullifier that is spent stays so: the use is counted by a state of any age. A nullifier that
    /// is not spent frees the use only in a state past the last epoch in which the proof could be
    /// accepted.
    ///
    /// The entry is believed under its own header. A node gives no certificates for entries, so also
    /// where the genesis has validators a node that lies can have a use counted that did not happen,
    /// or tried again. It cannot make the ledger accept a use twice, and nothing that it claims is
    /// kept: an honest node settles the use afterwards.
    pub(crate) fn settle_use(&self, all: &mut [HeldConsent], number: u32) -> Result<(), UseError> {
        let Some(held) = all.iter_mut().find(|c| c.number == number) else { return Ok(()) };
        let Some(reserved) = held.reserved else { return Ok(()) };
        let entry = self.ledger().entry(Entry::Nullifier(reserved.nullifier))?;
        let got = entry.header.epoch;
        if entry.content.is_some() {
            held.used += 1;
            held.reserved = None;
            return Ok(HeldConsent::save_all(self.home(), all)?);
        }
        // Of a reservation of an earlier version it is known that its bundle was sealed by now.
        let last = reserved.last_epoch.unwrap_or_else(|| {
            let statements = [Statement::Access, Statement::Consent];
            let last = statements.map(|statement| self.last_epoch_of(statement, got));
            last.into_iter().max().unwrap_or(got)
        });
        let is_open = got <= last;
        held.reserved = is_open.then_some(Reservation { last_epoch: Some(last), ..reserved });
        HeldConsent::save_all(self.home(), all)?;
        if is_open { Err(UseError::Open { number, last, got }) } else { Ok(()) }
    }

    /// Reserves a use before its proof, about the bundle of this epoch, is made.
    pub(crate) fn reserve_use(
        &self,
        number: u32,
        nullifier: [u8; 32],
        statement: Statement,
        epoch: u64,
    ) -> Result<(), HomeError> {
        let last_epoch = Some(self.last_epoch_of(statement, epoch));
        self.change_consent(number, |held| held.reserved = Some(Reservation { nullifier, last_epoch }))
    }

    /// The last epoch in which the ledger accepts a proof about the bundle of this epoch. Statements
    /// that use a consent speak of now, so a ledger that stood still does not accept it later.
    ///
    /// why: the epoch is what a node claims, of its bundle or of its state. An epoch that has not
    /// begun by the client's own clock is not believed, or a node that claims one would lock the
    /// consent. If the clock is slow, the use is free too early, and the ledger refuses the second of
    /// the two.
    fn last_epoch_of(&self, statement: Statement, epoch: u64) -> u64 {
        let window = self.ledger().genesis().windows().of(statement);
        epoch.min(self.epoch()).saturating_add(window.into())
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

    fn change_consent(&self, number: u32, change: impl FnOnce(&mut HeldConsent)) -> Result<(), HomeError> {
        let mut all = self.consents()?;
        if let Some(held) = all.iter_mut().find(|c| c.number == number) {
            change(held);
        }
        HeldConsent::save_all(self.home(), &all)
    }
}

#[cfg(test)]
mod tests {
    use super::{HeldConsent, Reservation, UseError};
    use crate::client::Client;
    use crate::consent::{compile, template};
    use crate::devnet::{DevLedger, HOSPITALS, genesis, organisations};
    use crate::home::Home;
    use crate::ledger::AccessError;
    use crate::testing::{Failing, Fails};
    use crate::wallet::Wallet;
    use amanat_api::problem::{Kind, Problem};
    use amanat_domain::consent::{GrantedConsent, UseLimit};
    use amanat_domain::fhir::Zones;
    use amanat_domain::fhir::consent::Compiled;
    use amanat_domain::statement::Statement;
    use amanat_domain::time::Timestamp;
    use std::num::NonZeroU32;
    use std::sync::Arc;

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

    /// Reserves a use by a proof about the bundle of this epoch; the window is one epoch.
    fn reserve(client: &Client, epoch: u64) {
        client.reserve_use(4, [7; 32], Statement::Access, epoch).expect("written");
    }

    /// The reservation, as it is on disk.
    fn reserved(client: &Client) -> Option<Option<u64>> {
        client.consents().expect("consents")[0].reserved.map(|reserved| reserved.last_epoch)
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
        reserve(&client, 0);
        assert_eq!(counts(&client), (0, 1, true), "as good as used");
        client.release_use(4).expect("written");
        assert_eq!(counts(&client), (0, 0, false));
        client.count_use(4).expect("written");
        assert_eq!(counts(&client), (0, 0, false), "what was not reserved is not counted");
        reserve(&client, 0);
        client.count_use(4).expect("written");
        assert_eq!(counts(&client), (1, 1, false));
    }

    #[test]
    fn a_use_is_free_once_its_proof_can_no_longer_be_accepted_and_its_nullifier_is_unspent() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Never);
        reserve(&client, 0);
        assert_eq!(reserved(&client), Some(Some(1)), "the bundle's epoch and the window");
        let mut all = client.consents().expect("consents");
        for epoch in 0..=1 {
            let open = client.settle_use(&mut all, 4);
            assert!(
                matches!(open, Err(UseError::Open { number: 4, last: 1, got }) if got == epoch),
                "{open:?}"
            );
            assert_eq!(counts(&client), (0, 1, true), "it may be on its way, or the node is behind");
            client.ledger().next_epoch().expect("a block");
        }
        client.settle_use(&mut all, 4).expect("no block takes the proof any more");
        assert_eq!((all[0].used, all[0].reserved), (0, None));
        assert_eq!(counts(&client), (0, 0, false), "on disk too");
        client.settle_use(&mut all, 5).expect("no such consent, nothing to do");
    }

    #[test]
    fn a_node_that_claims_an_epoch_to_come_locks_no_consent() {
        // In its bundle, then in its state.
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Never);
        reserve(&client, u64::MAX);
        assert_eq!(reserved(&client), Some(Some(1)), "by the client's own clock");
        let mut all = client.consents().expect("consents");
        for _ in 0..2 {
            client.ledger().next_epoch().expect("a block");
        }
        client.settle_use(&mut all, 4).expect("an honest node settles it");
        assert_eq!(counts(&client), (0, 0, false));

        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Ahead);
        assert_eq!(client.ledger().status().expect("answers").height, u64::MAX);
        reserve(&client, 0);
        assert_eq!(reserved(&client), Some(Some(1)), "nothing that the node says of itself");
    }

    #[test]
    fn a_reservation_of_an_earlier_version_is_dated_when_it_is_found_and_settled() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Never);
        reserve(&client, 0);
        // As earlier versions wrote it, with the height that a node claimed.
        let file = client.home().path("consents.json");
        let text = std::fs::read_to_string(&file).expect("consents");
        assert!(text.contains("\"reserved_until\": 1"), "{text}");
        let text = text.replace("\"reserved_until\": 1", "\"reserved_at\": 18446744073709551615");
        std::fs::write(&file, text).expect("written");
        let mut all = client.consents().expect("read");
        assert_eq!(all[0].reserved, Some(Reservation { nullifier: [7; 32], last_epoch: None }));
        for _ in 0..2 {
            let open = client.settle_use(&mut all, 4);
            assert!(matches!(open, Err(UseError::Open { last: 1, .. })), "{open:?}");
            assert_eq!(reserved(&client), Some(Some(1)), "dated once");
            client.ledger().next_epoch().expect("a block");
        }
        client.settle_use(&mut all, 4).expect("settled");
        assert_eq!(counts(&client), (0, 0, false));
    }

    #[test]
    fn a_reservation_of_a_process_that_ended_is_counted_if_the_ledger_has_its_nullifier() {
        let dir = tempfile::tempdir().expect("a folder");
        let client = with_consent(dir.path(), Fails::Spent);
        reserve(&client, 0);
        let mut all = client.consents().expect("consents");
        client.settle_use(&mut all, 4).expect("the ledger answers");
        assert_eq!(counts(&client), (1, 1, false));
        client.settle_use(&mut all, 4).expect("nothing is reserved any more");
        assert_eq!(counts(&client), (1, 1, false), "counted once");
    }
}
