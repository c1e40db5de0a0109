//! An embedded ledger with a clock that its owner moves.

use crate::client::OpenError;
use crate::ledger::{AccessError, Embedded, LedgerAccess};
use crate::organisation::Organisation;
use amanat_api::clock::{Clock, EpochClock};
use amanat_domain::time::Timestamp;
use amanat_ledger::{
    AllRoles, CapabilitiesSpec, Genesis, GenesisError, GenesisSpec, Limits, OrganisationSpec, Profile,
    RolesSpec, Solo, ValidatorSpec, Windows,
};
use std::path::Path;
use std::sync::Arc;

/// A ledger of this process whose clock is moved by hand: epochs pass when its owner says so.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::devnet::{self, DevLedger};
/// let mut rng = rand::rng();
/// let organisations = devnet::organisations(devnet::HOSPITALS, &mut rng);
/// let start = amanat_client::machine_clock();
/// let genesis = devnet::genesis("docs", start, 60, &organisations)?;
/// # let dir = tempfile::tempdir()?;
/// let ledger = DevLedger::open(&dir.path().join("ledger.redb"), genesis)?;
/// assert_eq!(ledger.next_epoch()?, 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct DevLedger {
    solo: Arc<Solo>,
    clock: Arc<EpochClock>,
}

/// What a hospital may do on a development chain: enrol, anchor and issue roles.
pub(super) fn hospital() -> CapabilitiesSpec {
    CapabilitiesSpec { enrol: true, anchor: true, govern: false, issue_roles: RolesSpec::All(AllRoles::All) }
}

/// An organisation as a genesis names it.
pub(super) fn member(o: &Organisation, capabilities: CapabilitiesSpec) -> OrganisationSpec {
    OrganisationSpec {
        id: o.reference.clone(),
        name: o.name.clone(),
        key: hex::encode(o.public_key()),
        capabilities,
    }
}

/// The genesis of a development chain without validators: the last organisation governs, every
/// other may enrol, anchor and issue roles.
///
/// # Errors
/// [`GenesisError`].
pub fn genesis(
    chain: &str,
    start: Timestamp,
    epoch_seconds: u32,
    organisations: &[Organisation],
) -> Result<Genesis, GenesisError> {
    let last = organisations.len().saturating_sub(1);
    let members = organisations.iter().enumerate().map(|(n, o)| {
        let governs = CapabilitiesSpec { govern: true, ..CapabilitiesSpec::default() };
        member(o, if n == last { governs } else { hospital() })
    });
    spec(chain, start, epoch_seconds, members.collect(), Vec::new())
}

/// The genesis of a development chain with validators: the organisations that run a validator
/// govern together, and hospitals may enrol, anchor and issue roles.
///
/// # Errors
/// [`GenesisError`].
pub fn genesis_with_validators(
    chain: &str,
    start: Timestamp,
    epoch_seconds: u32,
    organisations: &[Organisation],
    validators: Vec<ValidatorSpec>,
) -> Result<Genesis, GenesisError> {
    let members = organisations.iter().map(|o| {
        let may = if super::is_hospital(o) { hospital() } else { CapabilitiesSpec::default() };
        let govern = validators.iter().any(|v| v.organisation == o.reference);
        member(o, CapabilitiesSpec { govern, ..may })
    });
    spec(chain, start, epoch_seconds, members.collect(), validators)
}

/// The genesis of a development chain.
pub(super) fn spec(
    chain: &str,
    start: Timestamp,
    epoch_seconds: u32,
    organisations: Vec<OrganisationSpec>,
    validators: Vec<ValidatorSpec>,
) -> Result<Genesis, GenesisError> {
    Genesis::new(GenesisSpec {
        chain: chain.to_owned(),
        profile: Profile::Dev,
        time: start.to_unix(),
        epoch_seconds,
        windows: Windows::default(),
        floors: None,
        limits: Limits::default(),
        organisations,
        validators,
    })
}

impl DevLedger {
    /// Opens the ledger of this genesis in a file; the file is made if it is not there.
    ///
    /// # Errors
    /// [`OpenError::File`]; [`OpenError::ByHand`] if it is no development chain.
    pub fn open(path: &Path, genesis: Genesis) -> Result<Self, OpenError> {
        let solo = Solo::open_or_create(path, Arc::new(genesis))
            .map_err(|source| OpenError::File { path: path.to_path_buf(), source })?;
        let clock = EpochClock::new(&solo.genesis(), solo.status().tip.time)?;
        Ok(Self { solo: Arc::new(solo), clock: Arc::new(clock) })
    }

    /// The ledger itself.
    #[must_use]
    pub const fn solo(&self) -> &Arc<Solo> {
        &self.solo
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The ledger as a client sees it.
    #[must_use]
    pub fn access(&self) -> Embedded {
        Embedded::at_epoch_clock(Arc::clone(&self.solo), Arc::clone(&self.clock))
            .expect("the clock was made for this ledger")
    }

    /// Lets time pass until the next epoch has sealed its bundle; the number of that epoch.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn next_epoch(&self) -> Result<u64, AccessError> {
        self.access().next_epoch()
    }
}
