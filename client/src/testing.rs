//! A ledger that fails on demand, for tests.

use crate::home::Home;
use crate::ledger::{
    AccessError, Acknowledged, Embedded, InstalledKey, LedgerAccess, ProofScan, SealedBundle,
};
use amanat_api::problem::{Kind, Problem};
use amanat_api::view::{GovernanceView, StatusView};
use amanat_domain::bundle::Registry;
use amanat_domain::mirror::Mirror;
use amanat_domain::tx::{Transaction, TxId};
use amanat_ledger::{Block, Conflict, Content, Entry, EntryProof, Genesis, Header, InclusionProof, Refusal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// When a ledger stops answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    /// The transaction does not arrive.
    Before(usize),
    /// The receipt does not arrive.
    After(usize),
    /// The ledger says no, for good.
    Refuses(usize),
    /// The same, by a node that has seen no block.
    RefusesBehind(usize),
    /// The ledger has the transaction, and a node that does not know it says no, for good.
    TakesAndRefuses(usize),
    /// The ledger knows another key of the organisation.
    BadSignature(usize),
    /// The ledger says no, and from then on there is a folder at this path.
    RefusesAndBlocks(&'static Path),
    /// The process stops before this submission, until it is killed.
    StopsBefore(usize),
    /// The process stops when the ledger has it, until it is killed.
    StopsAfter(usize),
    /// It commits, and answers with a problem of this kind.
    Unsure {
        /// The kind of the problem.
        kind: Kind,
        /// Whether it gives receipts.
        receipts: bool,
    },
    /// It says that every nullifier was spent.
    Spent,
    /// It claims a height that no ledger has.
    Ahead,
    Never,
}

/// A ledger that fails at one submission and at all that follow.
pub(crate) struct Failing {
    pub inner: Embedded,
    pub fails: Fails,
    /// How many transactions were submitted.
    pub submitted: Arc<AtomicUsize>,
}

impl LedgerAccess for Failing {
    fn submit(&self, tx: &Transaction) -> Result<Acknowledged, AccessError> {
        let gone =
            || AccessError::Unreachable { node: "here".to_owned(), why: "the test says so".to_owned() };
        let n = self.submitted.fetch_add(1, Ordering::Relaxed);
        match self.fails {
            Fails::Before(at) if n >= at => return Err(gone()),
            Fails::After(at) if n > at => return Err(gone()),
            Fails::StopsBefore(at) if n == at => stop(),
            Fails::Refuses(at) | Fails::RefusesBehind(at) if n == at => return Err(full()),
            Fails::RefusesAndBlocks(path) => {
                std::fs::create_dir_all(path).expect("a folder");
                return Err(full());
            }
            Fails::TakesAndRefuses(at) if n == at => {
                self.inner.submit(tx).expect("committed");
                return Err(full());
            }
            Fails::BadSignature(at) if n == at => {
                let Transaction::Signed(signed) = tx else { panic!("signed by the custodian") };
                let mut signed = signed.clone();
                signed.signature[0] ^= 1;
                return self.inner.submit(&Transaction::Signed(signed));
            }
            _ => {}
        }
        let done = self.inner.submit(tx);
        match self.fails {
            Fails::After(at) if n == at => Err(gone()),
            Fails::StopsAfter(at) if n == at => stop(),
            Fails::Unsure { kind, .. } => {
                done.expect("committed");
                Err(AccessError::Refused(Problem::new(kind, 504, "timeout", "the test says so", "ask again")))
            }
            _ => done,
        }
    }

    fn genesis(&self) -> Arc<Genesis> {
        self.inner.genesis()
    }

    fn governance(&self) -> Result<GovernanceView, AccessError> {
        self.inner.governance()
    }

    fn status(&self) -> Result<StatusView, AccessError> {
        let status = self.inner.status()?;
        let height = if self.fails == Fails::Ahead { u64::MAX } else { status.height };
        Ok(StatusView { height, ..status })
    }

    fn submit_all(&self, txs: &[Transaction]) -> Vec<Result<Acknowledged, AccessError>> {
        self.inner.submit_all(txs)
    }

    fn receipt(&self, txid: &TxId) -> Result<Option<InclusionProof>, AccessError> {
        match self.fails {
            Fails::Unsure { receipts: false, .. } => Ok(None),
            _ => self.inner.receipt(txid),
        }
    }

    fn entry(&self, entry: Entry) -> Result<EntryProof, AccessError> {
        let mut proof = self.inner.entry(entry)?;
        if matches!(self.fails, Fails::RefusesBehind(_)) {
            proof.header.epoch = 0;
        }
        if self.fails == Fails::Spent && matches!(entry, Entry::Nullifier(_)) {
            proof.content = Some(Content::SpentAt(1));
        }
        Ok(proof)
    }

    fn bundle(&self, epoch: Option<u64>) -> Result<Option<SealedBundle>, AccessError> {
        self.inner.bundle(epoch)
    }

    fn mirror(&self) -> Result<Mirror, AccessError> {
        self.inner.mirror()
    }

    fn block(&self, height: u64) -> Result<Option<Block>, AccessError> {
        self.inner.block(height)
    }

    fn headers(&self, from: u64) -> Result<Vec<Header>, AccessError> {
        self.inner.headers(from)
    }

    fn proof_transactions(&self, from_height: u64) -> ProofScan<'_> {
        self.inner.proof_transactions(from_height)
    }

    fn keys(&self) -> Result<Vec<InstalledKey>, AccessError> {
        self.inner.keys()
    }

    fn next_epoch(&self) -> Result<u64, AccessError> {
        self.inner.next_epoch()
    }
}

/// A refusal for good.
fn full() -> AccessError {
    AccessError::Refused(Problem::from(&Refusal::from(Conflict::RegistryFull {
        registry: Registry::Records,
    })))
}

/// Where a file of a home directory is written before it gets its name. While a folder is there the
/// file cannot be written.
pub(crate) fn unfinished(home: &Home, file: &str) -> PathBuf {
    home.path(file).with_extension(format!("tmp{}", std::process::id()))
}

/// Says that it stops here, and waits to be killed.
fn stop() -> ! {
    #[allow(clippy::print_stdout, reason = "the parent reads it")]
    {
        println!("{STOPPED}");
    }
    loop {
        std::thread::park();
    }
}

/// What a process says that waits to be killed.
pub(crate) const STOPPED: &str = "stopped";
