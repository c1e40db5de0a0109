//! The ledger of this process.

use super::{AccessError, Acknowledged, InstalledKey, LedgerAccess, ProofScan, SealedBundle};
use amanat_api::clock::{ByHandError, Clock, EpochClock};
use amanat_api::problem::Problem;
use amanat_api::view::{self, GovernanceView, StatusView};
use amanat_domain::mirror::Mirror;
use amanat_domain::tx::{Transaction, TxId};
use amanat_ledger::{
    Block, Entry, EntryProof, Fault, Genesis, Header, InclusionProof, Solo, SubmitError, Submitted,
};
use amanat_params::VerifyingKey;
use std::sync::Arc;

/// Headers given at a time.
const PAGE: usize = 256;

/// A ledger in this process and the clock it goes by.
///
/// Without a node nobody else seals bundles, and an idle ledger makes no block. So every reading of
/// the newest bundle first seals the bundle of an epoch that has begun: an intent, and each further
/// try of an intent, is about the newest epoch, however long the client is open.
pub struct Embedded {
    solo: Arc<Solo>,
    clock: Arc<dyn Clock>,
    /// The same clock, if epochs are advanced by hand.
    by_hand: Option<Arc<EpochClock>>,
}

impl Embedded {
    /// Over this ledger.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use amanat_client::ledger::Embedded;
    /// use amanat_client::machine_clock;
    /// use amanat_ledger::{Genesis, Solo};
    /// use std::sync::Arc;
    /// let genesis = Genesis::read("genesis.json".as_ref())?;
    /// let solo = Solo::open_or_create("ledger.redb".as_ref(), genesis.into())?;
    /// let ledger = Embedded::new(Arc::new(solo), Arc::new(machine_clock));
    /// // Seals the bundle of an epoch that has begun meanwhile.
    /// ledger.tick()?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn new(solo: Arc<Solo>, clock: Arc<dyn Clock>) -> Self {
        Self { solo, clock, by_hand: None }
    }

    /// Over this ledger, with a clock that stays at the time of its last block until
    /// [`LedgerAccess::next_epoch`] moves it.
    ///
    /// # Errors
    /// [`ByHandError::Profile`]: the chain is no development chain.
    pub fn by_hand(solo: Arc<Solo>) -> Result<Self, ByHandError> {
        let clock = Arc::new(EpochClock::new(&solo.genesis(), solo.status().tip.time)?);
        Self::at_epoch_clock(solo, clock)
    }

    /// The same, with a clock that others move too.
    ///
    /// # Errors
    /// [`ByHandError::OtherChain`]: the clock belongs to another chain.
    pub fn at_epoch_clock(solo: Arc<Solo>, clock: Arc<EpochClock>) -> Result<Self, ByHandError> {
        clock.is_of(&solo.genesis())?;
        Ok(Self { solo, clock: clock.clone(), by_hand: Some(clock) })
    }

    /// The ledger.
    #[must_use]
    pub const fn solo(&self) -> &Arc<Solo> {
        &self.solo
    }

    /// The clock that it goes by.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Makes a block if one is due: an epoch has begun. Without a node nobody else does.
    ///
    /// # Errors
    /// [`AccessError::Refused`] with a fault.
    pub fn tick(&self) -> Result<Option<Header>, AccessError> {
        self.solo.tick(self.clock.now()).map_err(|fault| AccessError::from(&*fault))
    }
}

impl From<&Fault> for AccessError {
    fn from(fault: &Fault) -> Self {
        Self::Refused(Problem::from(fault))
    }
}

fn acknowledged(outcome: Result<Submitted, SubmitError>) -> Result<Acknowledged, AccessError> {
    let submitted = outcome.map_err(|error| AccessError::Refused(Problem::from(&error)))?;
    let repeated = matches!(submitted, Submitted::AlreadyCommitted(_));
    Ok(Acknowledged { receipt: *submitted.receipt().data(), repeated })
}

impl LedgerAccess for Embedded {
    fn genesis(&self) -> Arc<Genesis> {
        self.solo.genesis()
    }

    fn status(&self) -> Result<StatusView, AccessError> {
        Ok(view::status(&self.solo, true))
    }

    fn submit(&self, tx: &Transaction) -> Result<Acknowledged, AccessError> {
        acknowledged(self.solo.submit(&tx.to_bytes(), self.clock.now()))
    }

    fn submit_all(&self, txs: &[Transaction]) -> Vec<Result<Acknowledged, AccessError>> {
        let bytes: Vec<Vec<u8>> = txs.iter().map(Transaction::to_bytes).collect();
        self.solo.submit_all(&bytes, self.clock.now()).into_iter().map(acknowledged).collect()
    }

    fn receipt(&self, txid: &TxId) -> Result<Option<InclusionProof>, AccessError> {
        self.solo.inclusion(txid).map_err(|fault| (&fault).into())
    }

    fn entry(&self, entry: Entry) -> Result<EntryProof, AccessError> {
        self.solo.prove(entry).map_err(|fault| (&fault).into())
    }

    fn bundle(&self, epoch: Option<u64>) -> Result<Option<SealedBundle>, AccessError> {
        let sealed = match epoch {
            Some(epoch) => self.solo.bundle(epoch),
            None => {
                self.tick()?;
                Some(self.solo.latest_bundle())
            }
        };
        Ok(sealed.map(|s| SealedBundle {
            bundle: s.bundle,
            hash: s.hash,
            superseded: s.superseded,
            active: Some(s.active),
        }))
    }

    fn mirror(&self) -> Result<Mirror, AccessError> {
        self.tick()?;
        let epoch = self.solo.latest_bundle().bundle.epoch;
        let (bundle, leaves) = self.solo.snapshot(epoch).ok_or_else(|| {
            // A sealed bundle stays.
            AccessError::from(&Fault::Bug(format!("the bundle of epoch {epoch} is gone")))
        })?;
        Ok(Mirror::new(bundle, leaves)?)
    }

    fn block(&self, height: u64) -> Result<Option<Block>, AccessError> {
        self.solo.block(height).map_err(|fault| (&fault).into())
    }

    fn headers(&self, from: u64) -> Result<Vec<Header>, AccessError> {
        let tip = self.solo.state().tip().height;
        let mut headers = Vec::new();
        for height in (from..=tip).take(PAGE) {
            headers.extend(self.solo.header(height).map_err(|fault| AccessError::from(&fault))?);
        }
        Ok(headers)
    }

    fn proof_transactions(&self, from_height: u64) -> ProofScan<'_> {
        ProofScan::new(self, from_height)
    }

    fn keys(&self) -> Result<Vec<InstalledKey>, AccessError> {
        self.solo
            .keys()
            .into_iter()
            .map(|k| {
                let key = VerifyingKey::from_bytes(&k.bytes).map_err(|e| {
                    AccessError::from(&Fault::Corrupt { what: format!("key {}: {e}", k.digest) })
                })?;
                let (statement, digest) = (k.statement, k.digest);
                Ok(InstalledKey {
                    statement,
                    digest,
                    key,
                    active_from: k.active_from,
                    frozen_from: k.frozen_from,
                    sunset_from: k.sunset_from,
                })
            })
            .collect()
    }

    fn governance(&self) -> Result<GovernanceView, AccessError> {
        Ok(GovernanceView::new(&self.solo.state()))
    }

    fn epochs_by_hand(&self) -> bool {
        self.by_hand.is_some()
    }

    fn next_epoch(&self) -> Result<u64, AccessError> {
        let clock = self.by_hand.as_ref().ok_or_else(super::not_by_hand)?;
        let epoch = clock.next_epoch().map_err(|error| AccessError::Refused(error.into()))?;
        self.tick()?;
        Ok(epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::Embedded;
    use crate::client::{Client, Place};
    use crate::devnet::{HOSPITALS, genesis, organisations};
    use crate::home::Home;
    use crate::ledger::{AccessError, LedgerAccess};
    use crate::wallet::Wallet;
    use amanat_api::clock::EPOCHS_BY_HAND;
    use amanat_domain::bundle::Registry;
    use amanat_domain::time::Timestamp;
    use amanat_domain::tx::{Action, Transaction};
    use amanat_ledger::Solo;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    const EPOCH_SECONDS: u32 = 60;

    /// The epoch of the newest bundle, and the epoch of a mirror.
    fn newest(ledger: &Embedded) -> (u64, u64) {
        let sealed = ledger.bundle(None).expect("an answer").expect("a bundle");
        (sealed.bundle.epoch, ledger.mirror().expect("a mirror").bundle().epoch)
    }

    #[test]
    fn a_ledger_that_stays_open_seals_the_bundles_of_the_epochs_that_begin() {
        let dir = tempfile::tempdir().expect("a folder");
        let organisations = organisations(HOSPITALS, &mut rand::rng());
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = genesis("test", start, EPOCH_SECONDS, &organisations).expect("a genesis");
        let chain = genesis.chain_id();
        let solo = Solo::open_or_create(&dir.path().join("ledger.redb"), Arc::new(genesis));
        let passed = Arc::new(AtomicU64::new(0));
        let clock = {
            let passed = Arc::clone(&passed);
            move || {
                let seconds = start.seconds() + passed.load(Ordering::Relaxed);
                Timestamp::new(seconds).expect("a time")
            }
        };
        let ledger = Embedded::new(Arc::new(solo.expect("a ledger")), Arc::new(clock));
        let pass = |epochs: u64| passed.fetch_add(epochs * u64::from(EPOCH_SECONDS), Ordering::Relaxed);

        let subject = Wallet::new("Patient/1".to_owned(), &mut rand::rng()).secrets().subject().commitment();
        let enrol = organisations[0].sign(chain, Action::Enrol(vec![subject]), &mut rand::rng());
        ledger.submit(&enrol).expect("enrolled");
        pass(1);
        let mirror = ledger.mirror().expect("a mirror");
        assert_eq!(mirror.bundle().epoch, 1);
        assert!(mirror.path(Registry::Subjects, subject.to_field()).is_some(), "as of the epoch that began");

        // A proof takes two epochs, and the ledger refuses what was made about the bundle before
        // them. A refusal makes no block.
        pass(2);
        let again = organisations[0].sign(chain, Action::Enrol(vec![subject]), &mut rand::rng());
        let Transaction::Signed(mut bad) = again else { panic!("signed by the hospital") };
        bad.signature[0] ^= 1;
        let refused = ledger.submit(&Transaction::Signed(bad));
        assert!(refused.as_ref().is_err_and(AccessError::is_refused), "{refused:?}");
        assert_eq!(newest(&ledger), (3, 3), "the next try is about the newest");
        pass(1);
        assert_eq!(newest(&ledger), (4, 4));
        assert_eq!(newest(&ledger), (4, 4), "once an epoch");
    }

    #[test]
    fn a_home_with_epochs_by_hand_has_one_clock() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::open(Some(dir.path())).expect("a home");
        let organisations = organisations(HOSPITALS, &mut rand::rng());
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = genesis("test", start, EPOCH_SECONDS, &organisations).expect("a genesis");
        home.initialise(&organisations, &genesis).expect("written");
        home.write(EPOCHS_BY_HAND, &true).expect("written");
        let client = Client::open(home, &Place::Home).expect("a client");
        assert_eq!(client.now(), start);
        client.ledger().next_epoch().expect("an epoch");
        let bundle = client.ledger().bundle(None).expect("an answer").expect("a bundle").bundle;
        assert_eq!(client.now(), bundle.time, "the client and the bundle have the same time");
        assert_eq!(client.now().seconds(), start.seconds() + u64::from(EPOCH_SECONDS));
    }
}
