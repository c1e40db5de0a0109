//! A party at a ledger: the home directory, the ledger, the keys, and one method for each intent.

use crate::consent::HeldConsent;
use crate::holder::Holder;
use crate::home::{Home, HomeError, HomeLock};
use crate::keys::KeysError;
use crate::ledger::{AccessError, Embedded, Http, LedgerAccess};
use crate::organisation::Organisation;
use crate::progress::{NoProgress, Progress};
use crate::vault::{Vault, VaultError};
use crate::wallet::Wallet;
use amanat_api::clock::{ByHandError, Clock, EPOCHS_BY_HAND, machine};
use amanat_api::tls::ClientTls;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use amanat_ledger::{Fault, Genesis, GenesisError, GenesisFileError, Solo};
use amanat_prover::keys::Keys;
use std::path::PathBuf;
use std::sync::Arc;

const GENESIS: &str = "genesis.json";
const LEDGER: &str = "ledger.redb";

/// A party at a ledger.
///
/// It holds the [lock](Home::lock) of its home directory. Every intent is one call; a call that
/// changes something is durable when it returns, and finished by the next call of its kind if the
/// process ends in it.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::{AccessRequest, Client, Home, Place};
/// let mut client = Client::open(Home::open(None)?, &Place::Home)?;
/// let receipt = client.access(&AccessRequest::new("dr-saima", 0))?;
/// println!("committed in block {}", receipt.height());
/// # Ok(()) }
/// ```
pub struct Client {
    home: Home,
    ledger: Arc<dyn LedgerAccess>,
    clock: Arc<dyn Clock>,
    pub(crate) keys: Keys,
    progress: Box<dyn Progress>,
    _lock: HomeLock,
}

/// Where the ledger is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In the home directory. No node may have it open.
    Home,
    /// At the address of a node.
    Node {
        /// `http://HOST:PORT` or `https://HOST:PORT`.
        url: String,
        /// Files for TLS.
        tls: ClientTls,
    },
}

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The node or the ledger does not answer.
    #[error(transparent)]
    Ledger(#[from] AccessError),
    /// The home directory has no ledger.
    #[error("no ledger in {}: make one with `amanat init`", home.display())]
    NoLedger {
        /// The home directory.
        home: PathBuf,
    },
    /// The home directory has a ledger already.
    #[error("{} holds a ledger already: give another --home, or remove it", home.display())]
    LedgerThere {
        /// The home directory.
        home: PathBuf,
    },
    /// The genesis file is no use.
    #[error(transparent)]
    GenesisFile(#[from] GenesisFileError),
    /// A genesis was put together that is none.
    #[error("the genesis is refused")]
    Refused(#[from] GenesisError),
    /// The epochs of the ledger cannot be advanced by hand.
    #[error(transparent)]
    ByHand(#[from] ByHandError),
    /// The ledger's file cannot be opened.
    #[error("cannot open the ledger {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Fault,
    },
}

impl OpenError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub const fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger(error) => Some(error),
            _ => None,
        }
    }
}

impl Home {
    /// The genesis in the home directory; `None` if there is none.
    ///
    /// # Errors
    /// [`OpenError::GenesisFile`].
    pub fn genesis(&self) -> Result<Option<Genesis>, OpenError> {
        if !self.has(GENESIS) {
            return Ok(None);
        }
        Ok(Some(Genesis::read(&self.path(GENESIS))?))
    }

    /// The chain of the ledger that the home directory belongs to.
    ///
    /// # Errors
    /// [`OpenError::NoLedger`], [`OpenError::GenesisFile`].
    pub fn chain(&self) -> Result<ChainId, OpenError> {
        let genesis = self.genesis()?;
        genesis.map(|g| g.chain_id()).ok_or_else(|| OpenError::NoLedger { home: self.root().to_path_buf() })
    }

    /// Where the file of the ledger in the home directory is.
    #[must_use]
    pub fn ledger_path(&self) -> PathBuf {
        self.path(LEDGER)
    }

    /// The ledger in the home directory; its file is made if it is not there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn ledger(&self) -> Result<Arc<Solo>, OpenError> {
        let genesis = self.genesis()?;
        let genesis = genesis.ok_or_else(|| OpenError::NoLedger { home: self.root().to_path_buf() })?;
        let path = self.ledger_path();
        let ledger = Solo::open_or_create(&path, Arc::new(genesis));
        ledger.map(Arc::new).map_err(|source| OpenError::File { path, source })
    }

    /// Makes this the home directory of these organisations and of a ledger with this genesis.
    ///
    /// # Errors
    /// [`OpenError::LedgerThere`], [`OpenError::Home`].
    pub fn initialise(&self, organisations: &[Organisation], genesis: &Genesis) -> Result<(), OpenError> {
        let _lock = self.lock()?;
        if self.has(GENESIS) {
            return Err(OpenError::LedgerThere { home: self.root().to_path_buf() });
        }
        Organisation::save_all(self, organisations)?;
        Ok(self.write(GENESIS, genesis.spec())?)
    }
}

impl Client {
    /// Opens a home directory and a ledger. A ledger in the home directory seals the bundle of an
    /// epoch that has begun, for without a node nobody else does. The client goes by the clock of
    /// the ledger in its home directory, and by the machine's at a node.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(home: Home, place: &Place) -> Result<Self, OpenError> {
        let lock = home.lock()?;
        let (ledger, clock): (Arc<dyn LedgerAccess>, Arc<dyn Clock>) = match place {
            Place::Node { url, tls } => {
                let expected = home.genesis()?.map(|g| g.chain_id());
                (Arc::new(Http::connect_with(url, expected, tls)?), Arc::new(machine))
            }
            Place::Home => {
                let solo = home.ledger()?;
                let embedded = match home.has(EPOCHS_BY_HAND) {
                    true => Embedded::by_hand(solo)?,
                    false => Embedded::new(solo, Arc::new(machine)),
                };
                embedded.tick()?;
                // Licences and consents are compared with the time that the bundles have.
                let clock = embedded.clock();
                (Arc::new(embedded), clock)
            }
        };
        Ok(Self::assembled(home, lock, ledger, clock))
    }

    /// Over any ledger, by any clock.
    ///
    /// # Errors
    /// [`HomeError::Busy`] while another process changes the home directory.
    pub fn over(home: Home, ledger: Arc<dyn LedgerAccess>, clock: Arc<dyn Clock>) -> Result<Self, HomeError> {
        let lock = home.lock()?;
        Ok(Self::assembled(home, lock, ledger, clock))
    }

    fn assembled(home: Home, lock: HomeLock, ledger: Arc<dyn LedgerAccess>, clock: Arc<dyn Clock>) -> Self {
        Self { home, ledger, clock, keys: Keys::new(), progress: Box::new(NoProgress), _lock: lock }
    }

    /// Tells its progress there.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Progress + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Proves with these keys; keys of other statements are loaded from the store when they are
    /// needed.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// The home directory.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &dyn LedgerAccess {
        self.ledger.as_ref()
    }

    /// The ledger's chain.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        self.ledger.genesis().chain_id()
    }

    /// The time, by the client's clock: of a home whose epochs are advanced by hand, the time that
    /// its ledger has.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The epoch by the client's own clock: what a node claims to be of a later epoch is not
    /// believed.
    pub(crate) fn epoch(&self) -> u64 {
        self.ledger.genesis().epoch_of(self.now()).unwrap_or(0)
    }

    pub(crate) fn progress(&self) -> &dyn Progress {
        self.progress.as_ref()
    }

    /// The keys of these statements, loaded or made if they were not at hand.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn load_keys(&mut self, statements: &[Statement]) -> Result<&Keys, KeysError> {
        let missing: Vec<Statement> =
            statements.iter().copied().filter(|s| self.keys.get(*s).is_none()).collect();
        crate::keys::load(&self.home, &missing, &mut self.keys, self.progress.as_ref())?;
        Ok(&self.keys)
    }

    /// The organisations of the home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn organisations(&self) -> Result<Vec<Organisation>, HomeError> {
        Organisation::load_all(&self.home)
    }

    /// The wallets of the home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn wallets(&self) -> Result<Vec<Wallet>, HomeError> {
        Wallet::load_all(&self.home)
    }

    /// The clinicians of the home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn holders(&self) -> Result<Vec<Holder>, HomeError> {
        Holder::load_all(&self.home)
    }

    /// The consents in the wallets of the home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn consents(&self) -> Result<Vec<HeldConsent>, HomeError> {
        HeldConsent::load_all(&self.home)
    }

    /// The custodian's vault in the home directory.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn vault(&self) -> Result<Vault, VaultError> {
        Vault::open(&self.home, self.chain())
    }
}
