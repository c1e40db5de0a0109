//! Proofs: an intent, resolved once against the home directory and the ledger, proved, submitted.

mod offer;
mod request;
mod resolve;

pub use offer::Facts;
pub use request::{
    AccessRequest, AudienceRequest, ConsentProofRequest, ProofRequest, RecordChoice, RecordProofRequest,
    RoleProofRequest, ScopeRequest, UnknownWord,
};

use crate::client::Client;
use crate::consent::UseError;
use crate::holder::NoHolder;
use crate::home::HomeError;
use crate::keys::KeysError;
use crate::ledger::{AccessError, SealedBundle, submit_and_ask};
use crate::progress::Event;
use crate::vault::VaultError;
use amanat_circuits::{Denied, Relation};
use amanat_domain::audience::Audience;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::field;
use amanat_domain::floors::{ActiveCredentials, BelowFloor};
use amanat_domain::policy::MalformedPolicy;
use amanat_domain::receipt::ReceiptData;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, PolicyField, Transaction, TxId};
use amanat_prover::groth16::Phase;
use amanat_prover::keys::PlanError;
use amanat_prover::plan::{Plan, Target};
use amanat_verifier::audience::Openings;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How often a proof is made whose bundle grows too old meanwhile.
const ATTEMPTS: usize = 3;

/// A proof that was made and verified, and not submitted yet.
///
/// If it uses a consent, the use is reserved: [`Client::submit`] counts or releases it,
/// [`Client::discard`] releases it.
pub struct Proved {
    /// The transaction.
    pub transaction: Transaction,
    /// What it proves.
    pub statement: Statement,
    /// How long proving took.
    pub proving: Duration,
    /// What the audience of a record proof gets beside the transaction, on a private way: the
    /// openings of the leaves that it asked for.
    pub openings: Option<Openings>,
    /// The consent whose use is reserved.
    consent: Option<u32>,
}

/// A transaction that the ledger has.
#[derive(Clone)]
pub struct Receipt {
    /// The ledger's receipt.
    pub receipt: ReceiptData,
    /// The transaction.
    pub transaction: Transaction,
    /// How long proving took.
    pub proving: Duration,
    /// How long the ledger took.
    pub committing: Duration,
    /// What the audience of a record proof gets beside the transaction, on a private way: the
    /// openings of the leaves that it asked for.
    pub openings: Option<Openings>,
}

impl core::fmt::Debug for Receipt {
    /// Openings are clinical data.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Receipt").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}

impl Receipt {
    /// The transaction's id.
    #[must_use]
    pub const fn txid(&self) -> TxId {
        self.receipt.txid
    }

    /// The height of its block.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.receipt.height
    }
}

/// Why there is no proof, or not on the ledger.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The vault is no use.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There is no key.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The ledger does not answer, or says no.
    #[error(transparent)]
    Ledger(#[from] AccessError),
    /// A use of the consent cannot be counted.
    #[error(transparent)]
    Use(#[from] UseError),
    /// The clinician is not known.
    #[error(transparent)]
    Holder(#[from] NoHolder),
    /// The consent is not known.
    #[error("no consent {0}: `amanat consent list` lists them")]
    NoConsent(u32),
    /// The record is not known.
    #[error("no such record in the vault: `amanat import --anchor` fills it")]
    NoRecord,
    /// The record is not the latest.
    #[error("record {number} was superseded by record {by}")]
    Superseded {
        /// The record.
        number: u32,
        /// The record that replaced it.
        by: u32,
    },
    /// The record was taken back.
    #[error("record {0} was taken back, so nothing is proved of it")]
    Retracted(u32),
    /// The ledger did not acknowledge the record.
    #[error(
        "record {0} was not acknowledged by the ledger: run its `amanat import --anchor` again, which finishes what was begun"
    )]
    Unacknowledged(u32),
    /// The patient has no wallet.
    #[error("no wallet for {0}: restore wallets.json from a copy")]
    NoWallet(String),
    /// The policy cannot be written.
    #[error(transparent)]
    Policy(#[from] MalformedPolicy),
    /// The ledger does not accept proofs under the key.
    #[error(
        "the ledger does not accept the key {key} for `{statement}`: install it with `amanat keys install`"
    )]
    KeyNotAccepted {
        /// The statement.
        statement: Statement,
        /// The key at hand.
        key: KeyDigest,
    },
    /// A registry is too small to hide in: the ledger would refuse the proof.
    #[error(
        "too few to hide among in {}: {got} as of epoch {epoch}, the floor is {floor}: wait until it has grown",
        registry.name()
    )]
    TooFew {
        /// The registry.
        registry: Registry,
        /// How many count.
        got: u64,
        /// How many are needed.
        floor: u64,
        /// As of the bundle of this epoch.
        epoch: u64,
    },
    /// The transaction is committed, and its use of the consent could not be written. The
    /// reservation stays: the next use asks the ledger for it.
    #[error(
        "transaction {} is committed in block {}, but the use of the consent could not be counted: mend the home directory; the next use asks the ledger and counts it",
        receipt.txid(),
        receipt.height()
    )]
    Uncounted {
        /// The receipt.
        receipt: Box<Receipt>,
        /// Why the use could not be counted.
        source: HomeError,
    },
    /// The statement does not hold.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The proof could not be made.
    #[error(transparent)]
    Prove(#[from] PlanError),
}

impl ProofError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub const fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger(error) | Self::Use(UseError::Ledger(error)) => Some(error),
            Self::Keys(error) => error.ledger(),
            _ => None,
        }
    }

    /// The clause that does not hold, if the statement is the reason.
    #[must_use]
    pub const fn denied(&self) -> Option<&Denied> {
        match self {
            Self::Denied(denied) => Some(denied),
            _ => None,
        }
    }

    /// Whether the ledger refuses because epochs passed since the proof was begun: a proof about
    /// the newest bundle may do.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let problem = self.ledger().and_then(AccessError::problem);
        problem.is_some_and(|problem| ["stale_epoch", "aged_bundle"].contains(&&*problem.code))
    }
}

impl Client {
    /// Proves that a consent, a qualified clinician and a record of the consent's patient belong
    /// together, and submits it.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn access(&mut self, request: &AccessRequest) -> Result<Receipt, ProofError> {
        self.prove_and_submit(&ProofRequest::Access(request.clone()))
    }

    /// S1: proves that a consent permits what an audience asked, and submits it.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn prove_consent(&mut self, request: &ConsentProofRequest) -> Result<Receipt, ProofError> {
        self.prove_and_submit(&ProofRequest::Consent(request.clone()))
    }

    /// S2: proves that a clinician's credential qualifies, and submits it.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn prove_role(&mut self, request: &RoleProofRequest) -> Result<Receipt, ProofError> {
        self.prove_and_submit(&ProofRequest::Role(request.clone()))
    }

    /// S3: proves that an anchored record satisfies what an audience asked, and submits it.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn prove_record(&mut self, request: &RecordProofRequest) -> Result<Receipt, ProofError> {
        self.prove_and_submit(&ProofRequest::Record(request.clone()))
    }

    /// Proves and submits; proves again if the bundle grew too old meanwhile.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn prove_and_submit(&mut self, request: &ProofRequest) -> Result<Receipt, ProofError> {
        self.prove_and_submit_after(request, |_, _| Ok(()))
    }

    /// The same, with a step between: `before` sees each proof before the ledger does, and may
    /// keep it. If `before` fails, the proof is discarded.
    ///
    /// # Errors
    /// [`ProofError`], and the errors of `before`.
    pub fn prove_and_submit_after<E: From<ProofError>>(
        &mut self,
        request: &ProofRequest,
        mut before: impl FnMut(&mut Self, &Proved) -> Result<(), E>,
    ) -> Result<Receipt, E> {
        let mut attempts = 1;
        loop {
            let proved = self.prove(request)?;
            if let Err(error) = before(self, &proved) {
                // If the release cannot be written, the reservation stays, and the next use asks
                // the ledger for it. The caller hears the first failure.
                let _ = self.discard(proved);
                return Err(error);
            }
            match self.submit(proved) {
                Err(error) if error.is_stale() && attempts < ATTEMPTS => {
                    attempts += 1;
                    self.progress().event(&Event::ProvingAgain);
                }
                done => return Ok(done?),
            }
        }
    }

    /// Proves about the newest bundle, and verifies the proof. If it uses a consent, the use is
    /// reserved first.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn prove(&mut self, request: &ProofRequest) -> Result<Proved, ProofError> {
        let statement = request.statement();
        self.load_keys(&[statement])?;
        let AudienceRequest { name, nonce } = request.audience();
        let target = Target { nonce: *nonce, ..self.target(statement, name)? };
        let mirror = self.ledger().mirror()?;
        resolve::Resolver::new(self, target, &mirror)?.prove(request)
    }

    /// Submits a proof, and counts the use that it reserved, or releases the use if the ledger
    /// refuses the proof. After any other answer, or none, the reservation stays, and the
    /// next use asks the ledger for it.
    ///
    /// # Errors
    /// [`ProofError::Ledger`]; [`ProofError::Uncounted`] with the receipt.
    pub fn submit(&self, proved: Proved) -> Result<Receipt, ProofError> {
        let Proved { transaction, proving, consent, openings, .. } = proved;
        let began = Instant::now();
        match submit_and_ask(self.ledger(), &transaction) {
            Ok(done) => {
                let (receipt, committing) = (done.receipt, began.elapsed());
                let receipt = Receipt { receipt, transaction, proving, committing, openings };
                match consent.map_or(Ok(()), |number| self.count_use(number)) {
                    Ok(()) => Ok(receipt),
                    Err(source) => Err(ProofError::Uncounted { receipt: Box::new(receipt), source }),
                }
            }
            Err(error) => {
                // If the home directory cannot be written, the reservation stays, and the next use
                // asks the ledger for it. The caller hears what the ledger said.
                if let Some(number) = consent.filter(|_| is_unused(&error)) {
                    let _ = self.release_use(number);
                }
                Err(error.into())
            }
        }
    }

    /// Releases the use that a proof reserved, which is not to be submitted.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn discard(&self, proved: Proved) -> Result<Transaction, HomeError> {
        if let Some(number) = proved.consent {
            self.release_use(number)?;
        }
        Ok(proved.transaction)
    }

    /// Proves a plan.
    pub(crate) fn carry_out<R: Relation>(
        &self,
        plan: Plan<R>,
        consent: Option<u32>,
    ) -> Result<Proved, ProofError> {
        self.check_floors(&plan)?;
        if let Some(number) = consent {
            self.reserve_use(number, field::to_bytes(&plan.public().nf[0]))?;
        }
        let progress = self.progress();
        progress.begin("proving", 100);
        let watch = |phase: Phase| {
            progress.at(u64::from(phase.percent()));
            if progress.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let began = Instant::now();
        let proved = plan.prove(&self.keys, &watch);
        let proving = began.elapsed();
        progress.end();
        match proved {
            Ok(transaction) => {
                let statement = R::STATEMENT;
                Ok(Proved { transaction, statement, proving, openings: None, consent })
            }
            Err(error) => {
                if let Some(number) = consent {
                    // If the release cannot be written, the next use asks the ledger for it. The
                    // caller hears why there is no proof.
                    let _ = self.release_use(number);
                }
                Err(error.into())
            }
        }
    }

    /// Where a proof goes: under a key that the ledger accepts for the next block.
    pub(crate) fn target(&self, statement: Statement, audience: &str) -> Result<Target, ProofError> {
        let key = self.keys.get(statement).ok_or(PlanError::NoKey(statement))?.digest();
        let height = self.ledger().status()?.height;
        let keys = self.ledger().keys()?;
        let accepts = |k: &crate::ledger::InstalledKey| {
            k.statement == statement && k.digest == key && k.active_at(height.saturating_add(1))
        };
        if !keys.iter().any(accepts) {
            return Err(ProofError::KeyNotAccepted { statement, key });
        }
        let audience = Audience::from_name(audience).to_bytes();
        Ok(Target { chain: self.chain(), key, audience, nonce: None })
    }

    /// Whether the registries are large enough to hide in, by the ledger's own function, before a
    /// proof is made that the ledger would refuse.
    ///
    /// A node that does not list active credentials per role and organisation leaves only their sum
    /// (the bundle commits to it): all of them are taken for qualified then, and a proof may still
    /// hide among fewer than the floor, which the ledger refuses.
    fn check_floors<R: Relation>(&self, plan: &Plan<R>) -> Result<(), ProofError> {
        let sealed = self.ledger().bundle(Some(plan.public().epoch))?;
        let Some(SealedBundle { bundle, active, .. }) = sealed else { return Ok(()) };
        let active = active.unwrap_or_else(|| all_qualified(plan.policy(), &bundle));
        let genesis = self.ledger().genesis();
        let checked = genesis.floors().check(R::STATEMENT, plan.policy(), &bundle, &active);
        checked.map_err(|below| {
            let BelowFloor { registry, floor, got } = below;
            ProofError::TooFew { registry, got, floor, epoch: bundle.epoch }
        })
    }
}

/// The most that the bundle allows: every active credential satisfies the policy.
fn all_qualified(policy: &PolicyField, bundle: &Bundle) -> ActiveCredentials {
    let first =
        policy.roles().and_then(|policy| Some((*policy.roles().first()?, *policy.organisations().first()?)));
    let count = bundle.registry(Registry::Roles).count;
    first.map(|(role, organisation)| (role, organisation, count)).into_iter().collect()
}

/// Whether the nullifier of a use is certainly unspent: the node refused its transaction, and not
/// because the nullifier is spent. Nobody submits these bytes again, so whether the refusal is
/// [final](AccessError::is_final) does not matter. Otherwise the use stays reserved, and the
/// ledger's entry of the nullifier settles it before the next use.
fn is_unused(error: &AccessError) -> bool {
    error.is_refused() && error.problem().is_none_or(|problem| problem.code != "nullifier_spent")
}

#[cfg(test)]
mod tests;
