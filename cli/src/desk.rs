//! An embedded ledger with a clock that the caller moves.

use crate::actors::Organisation;
use amanat_domain::mirror::Mirror;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{ChainId, Transaction};
use amanat_ledger::{
    AllRoles, CapabilitiesSpec, Genesis, GenesisSpec, Limits, OrganisationSpec, Profile, Receipt, RolesSpec,
    Solo, SubmitError, Submitted, Windows,
};
use anyhow::{Context, Result};
use std::path::Path;
use std::sync::Arc;

/// The ledger of a development set-up.
pub(crate) struct Desk {
    pub solo: Arc<Solo>,
    pub now: Timestamp,
    epoch_seconds: u32,
}

/// What a hospital may do on a development chain: enrol, anchor and issue roles.
fn hospital() -> CapabilitiesSpec {
    CapabilitiesSpec { enrol: true, anchor: true, govern: false, issue_roles: RolesSpec::All(AllRoles::All) }
}

/// An organisation as a genesis names it.
pub(crate) fn member(o: &Organisation, capabilities: CapabilitiesSpec) -> OrganisationSpec {
    OrganisationSpec {
        id: o.reference.clone(),
        name: o.name.clone(),
        key: hex::encode(o.key.verifying_key().to_bytes()),
        capabilities,
    }
}

/// The genesis of a development chain: every hospital may enrol, anchor and issue roles; the regulator governs.
pub(crate) fn dev_genesis(
    chain: &str,
    start: Timestamp,
    epoch_seconds: u32,
    organisations: &[Organisation],
    regulator: &Organisation,
) -> Result<Genesis> {
    let mut members: Vec<OrganisationSpec> = organisations.iter().map(|o| member(o, hospital())).collect();
    members.push(member(regulator, CapabilitiesSpec { govern: true, ..CapabilitiesSpec::default() }));
    spec(chain, start, epoch_seconds, members, Vec::new())
}

/// The genesis of a development chain with validators: all who run one govern together, and hospitals may what hospitals may.
#[cfg(feature = "bft")]
pub(crate) fn genesis(
    chain: &str,
    start: Timestamp,
    epoch_seconds: u32,
    organisations: &[Organisation],
    validators: Vec<amanat_ledger::ValidatorSpec>,
) -> Result<Genesis> {
    let members = organisations.iter().map(|o| {
        let may = if crate::town::is_hospital(o) { hospital() } else { CapabilitiesSpec::default() };
        let govern = validators.iter().any(|v| v.organisation == o.reference);
        member(o, CapabilitiesSpec { govern, ..may })
    });
    spec(chain, start, epoch_seconds, members.collect(), validators)
}

/// The genesis of a development chain.
pub(crate) fn spec(
    chain: &str,
    start: Timestamp,
    epoch_seconds: u32,
    organisations: Vec<OrganisationSpec>,
    validators: Vec<amanat_ledger::ValidatorSpec>,
) -> Result<Genesis> {
    let spec = GenesisSpec {
        chain: chain.to_owned(),
        profile: Profile::Dev,
        time: start.to_unix(),
        epoch_seconds,
        windows: Windows::default(),
        floors: None,
        limits: Limits::default(),
        organisations,
        validators,
    };
    Genesis::new(spec).context("the genesis is refused")
}

impl Desk {
    /// Opens the ledger of this genesis in a file, or makes it.
    pub(crate) fn open(path: &Path, genesis: Genesis) -> Result<Self> {
        let (now, epoch_seconds) = (genesis.start(), genesis.spec().epoch_seconds);
        let solo = Solo::open_or_create(path, Arc::new(genesis))
            .with_context(|| format!("cannot open the ledger {}", path.display()))?;
        let now = now.max(solo.status().tip.time);
        Ok(Self { solo: Arc::new(solo), now, epoch_seconds })
    }

    pub(crate) fn chain(&self) -> ChainId {
        self.solo.status().chain
    }

    /// Submits and waits until it is durable.
    pub(crate) fn submit(&self, tx: &Transaction) -> Result<Receipt, SubmitError> {
        self.submit_bytes(&tx.to_bytes()).map(|s| *s.receipt())
    }

    pub(crate) fn submit_bytes(&self, bytes: &[u8]) -> Result<Submitted, SubmitError> {
        self.solo.submit(bytes, self.now)
    }

    /// Lets time pass until the next epoch has sealed its bundle.
    pub(crate) fn next_epoch(&mut self) -> Result<u64> {
        let later = self.now.seconds() + u64::from(self.epoch_seconds);
        self.now = Timestamp::new(later).context("the end of time")?;
        self.solo.tick(self.now).context("the ledger could not seal the epoch")?;
        Ok(self.solo.latest_bundle().bundle.epoch)
    }

    /// A client's copy of the registries as of the newest bundle.
    pub(crate) fn mirror(&self) -> Result<Mirror> {
        let epoch = self.solo.latest_bundle().bundle.epoch;
        let (bundle, leaves) = self.solo.snapshot(epoch).context("the newest bundle is sealed")?;
        Mirror::new(bundle, leaves).context("the ledger's leaves do not match its bundle")
    }
}
