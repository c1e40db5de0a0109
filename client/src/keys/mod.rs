//! Keys: loaded from the store, made for development where there are none, installed on a ledger.

mod vectors;

pub use vectors::{VectorError, installation};

use crate::client::Client;
use crate::home::{Home, HomeError};
use crate::ledger::AccessError;
use crate::organisation::{Organisation, OrganisationError, governs};
use crate::progress::Progress;
use amanat_api::view::GovernanceView;
use amanat_circuits::circuit;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, TxId};
use amanat_params::{KeyStore, StoreError, StoreStage};
use amanat_prover::groth16::ProveError;
use amanat_prover::keys::{Keys, StatementKey};

/// The variable that names another key store than the one in the home directory.
pub const KEYS_VARIABLE: &str = "AMANAT_KEYS";

/// Why keys are not at hand, or not installed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store cannot be opened.
    #[error("cannot open the key store")]
    Open(#[source] StoreError),
    /// The store has no key of a statement and none could be made.
    #[error("no key for `{statement}`")]
    NoKey {
        /// The statement.
        statement: Statement,
        /// Why.
        source: StoreError,
    },
    /// The key was made for another constraint system.
    #[error(transparent)]
    WrongKey(#[from] ProveError),
    /// The test vectors could not be made.
    #[error(transparent)]
    Vectors(#[from] VectorError),
    /// No organisation can sign the proposal.
    #[error(transparent)]
    Organisation(#[from] OrganisationError),
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The ledger does not take the key.
    #[error(transparent)]
    Ledger(#[from] AccessError),
}

impl KeysError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub const fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger(error) => Some(error),
            Self::Organisation(error) => error.ledger(),
            _ => None,
        }
    }
}

/// The store that `AMANAT_KEYS` names, or the one in the home directory.
///
/// # Errors
/// [`KeysError::Open`].
pub fn store(home: &Home) -> Result<KeyStore, KeysError> {
    let dir = std::env::var_os(KEYS_VARIABLE).filter(|d| !d.is_empty());
    KeyStore::open(dir.map_or_else(|| home.path("keys"), Into::into)).map_err(KeysError::Open)
}

/// Adds the keys of these statements; makes insecure-dev keys of statements for which the store has
/// none.
///
/// # Errors
/// [`KeysError`].
pub fn load(
    home: &Home,
    statements: &[Statement],
    keys: &mut Keys,
    progress: &dyn Progress,
) -> Result<(), KeysError> {
    if statements.is_empty() {
        return Ok(());
    }
    let store = store(home)?;
    let mut rng = rand::rng();
    progress.begin("keys", 100 * statements.len() as u64);
    for (done, statement) in (0u64..).zip(statements.iter().copied()) {
        let hear = |stage: StoreStage| {
            let (what, percent) = match stage {
                StoreStage::Loading => ("loading key", 50),
                StoreStage::Waiting => ("waiting for another process: key", 0),
                StoreStage::Making(stage) => ("making insecure-dev key", u64::from(stage.percent())),
                StoreStage::Writing => ("writing key", 99),
            };
            progress.doing(&format!("{what} `{statement}`"));
            progress.at(100 * done + percent);
        };
        let circuit = circuit(statement);
        let key = store
            .get_or_make_insecure_dev(statement, statement.version(), circuit, &mut rng, &hear)
            .map_err(|source| KeysError::NoKey { statement, source })?;
        keys.insert(StatementKey::new(key)?);
    }
    progress.end();
    Ok(())
}

/// What [`Client::install_keys`] did.
#[derive(Debug)]
pub struct InstalledKeys {
    /// The keys that the ledger did not have, with the ids of their proposals.
    pub new: Vec<(Statement, TxId)>,
    /// How many it had.
    pub there: usize,
    /// Whether the new keys wait for approvals.
    pub open: bool,
    /// How many approvals a proposal needs.
    pub quorum: u64,
}

impl Client {
    /// Installs the keys of all statements that the ledger does not have. If one organisation is
    /// not enough they are proposed; with `approve` every organisation of the home directory that
    /// governs approves them, until they are decided.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn install_keys(&mut self, approve: bool) -> Result<InstalledKeys, KeysError> {
        self.load_keys(&Statement::ALL)?;
        let governance = self.ledger().governance()?;
        let governor = self.signer(None, &governance)?;
        // Read before anything is submitted: a file that cannot be read hides no answer.
        let approvers = if approve { self.approvers(&governance, &governor)? } else { Vec::new() };
        let installed = self.ledger().keys()?;
        let mut rng = rand::rng();
        self.progress().begin("installing keys", Statement::ALL.len() as u64);
        let mut new = Vec::new();
        for (n, (statement, key)) in (1..).zip(self.keys.iter()) {
            self.progress().doing(&format!("installing key `{statement}`"));
            if !installed.iter().any(|k| k.statement == statement && k.digest == key.digest()) {
                let change = installation(key, &self.keys, 0, &mut rng)?;
                let tx = governor.sign(self.chain(), Action::Propose(Box::new(change)), &mut rng);
                self.ledger().submit(&tx)?;
                for approver in &approvers {
                    let approval = approver.sign(self.chain(), Action::Approve(tx.id()), &mut rng);
                    self.ledger().submit(&approval)?;
                }
                new.push((statement, tx.id()));
            }
            self.progress().at(n);
        }
        self.progress().end();
        let there = Statement::ALL.len() - new.len();
        let open = governance.quorum > 1 && !approve;
        Ok(InstalledKeys { new, there, open, quorum: governance.quorum })
    }

    /// As many other organisations of the home directory that govern as decide together with the
    /// proposer.
    fn approvers(
        &self,
        governance: &GovernanceView,
        proposer: &Organisation,
    ) -> Result<Vec<Organisation>, KeysError> {
        let all = self.organisations()?;
        let others = all.into_iter().filter(|o| o.id() != proposer.id() && governs(o, governance));
        let most = usize::try_from(governance.quorum).unwrap_or(usize::MAX).saturating_sub(1);
        Ok(others.take(most).collect())
    }
}
