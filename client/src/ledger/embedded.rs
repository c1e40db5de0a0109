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
        Ok(Self::at_epoch_clock(solo, clock))
    }

    /// The same, with a clock that others move too.
    #[must_use]
    pub fn at_epoch_clock(solo: Arc<Solo>, clock: Arc<EpochClock>) -> Self {
        Self { solo, clock: clock.clone(), by_hand: Some(clock) }
    }

    /// The ledger.
    #[must_use]
    pub const fn solo(&self) -> &Arc<Solo> {
        &self.solo
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
            None => Some(self.solo.latest_bundle()),
        };
        Ok(sealed.map(|s| SealedBundle {
            bundle: s.bundle,
            hash: s.hash,
            superseded: s.superseded,
            active: Some(s.active),
        }))
    }

    fn mirror(&self) -> Result<Mirror, AccessError> {
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
