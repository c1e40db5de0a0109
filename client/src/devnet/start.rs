//! A whole development network in one call.

use super::{DevLedger, clinicians, initialise_home};
use crate::client::{Client, OpenError};
use crate::holder::IssueError;
use crate::home::{Home, HomeError};
use crate::keys::KeysError;
use crate::ledger::AccessError;
use amanat_api::clock::machine;
use std::sync::Arc;

/// Seconds of an epoch; they pass by [`DevLedger::next_epoch`] alone.
const EPOCH_SECONDS: u32 = 60;

/// A client of all parties of a development network, and its ledger.
pub struct DevNet {
    /// The client.
    pub client: Client,
    /// The ledger, for its owner to move the clock.
    pub ledger: DevLedger,
}

/// Why a development network did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger cannot be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The keys cannot be made or installed.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The credentials are not issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The first epoch is not sealed.
    #[error(transparent)]
    Ledger(#[from] AccessError),
}

impl DevNet {
    /// A ledger in an empty home directory, of two hospitals and a regulator, with the keys of all
    /// statements and four clinicians with credentials, as `amanat init` makes it. Keys are taken
    /// from the store; missing keys are made, which takes a while.
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use amanat_client::{Home, ImportRequest, devnet::DevNet};
    /// # let dir = tempfile::tempdir()?;
    /// let DevNet { client, ledger } = DevNet::start(Home::open(Some(dir.path()))?)?;
    /// let imported = client.import(ImportRequest::of(&["data".into()])?)?;
    /// ledger.next_epoch()?;
    /// # Ok(()) }
    /// ```
    pub fn start(home: Home) -> Result<Self, StartError> {
        initialise_home(&home, "amanat-dev", machine(), EPOCH_SECONDS)?;
        let genesis =
            home.genesis()?.ok_or_else(|| OpenError::NoLedger { home: home.root().to_path_buf() })?;
        let ledger = DevLedger::open(&home.ledger_path(), genesis)?;
        let mut client = Client::over(home, Arc::new(ledger.access()), ledger.clock())?;
        client.install_keys(true)?;
        let holders = clinicians(&client.organisations()?, client.now(), &mut rand::rng());
        client.issue_all(holders.expect("three organisations were made"))?;
        ledger.next_epoch()?;
        Ok(Self { client, ledger })
    }
}
