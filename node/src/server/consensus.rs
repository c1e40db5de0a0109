//! Which block comes next on a node's ledger: decided by one validator alone, or by several that
//! agree.

use amanat_api::problem::Problem;
use amanat_domain::time::Timestamp;
use amanat_ledger::{Chain, Header, Solo, SubmitError, Submitted};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// What became of a batch, in its order.
pub type Answers = Vec<Result<Submitted, SubmitError>>;

/// Something that is awaited.
pub type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A batch's place among the batches at work. Dropping it lets the next batch begin.
pub struct BatchPermit(pub(super) OwnedSemaphorePermit);

impl BatchPermit {
    /// Gives the place to the next batch.
    pub fn free(self) {
        drop(self.0);
    }
}

/// A metric of a consensus, in Prometheus' terms: `amanat_` is put before its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its name.
    pub name: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// Its value.
    pub value: u64,
}

/// What decides which block comes next.
pub trait Consensus: Send + Sync + 'static {
    /// The ledger.
    fn chain(&self) -> &Chain;

    /// Its name: `solo`, `bft`.
    fn name(&self) -> &'static str;

    /// Submits many and waits until each is durable, or refused. The permit is dropped when the
    /// next batch may be verified.
    fn submit_all(self: Arc<Self>, batch: Vec<Vec<u8>>, now: Timestamp, permit: BatchPermit)
    -> Work<Answers>;

    /// Upkeep: reopens the ledger after a failed write, and makes a block if one is due. Blocks the
    /// thread.
    ///
    /// # Errors
    /// Why that did not go well; it is tried again later.
    fn settle(&self, now: Timestamp) -> Result<Option<Header>, String>;

    /// Announces blocks, if other validators make them too.
    fn tip(&self) -> Option<watch::Receiver<Header>> {
        None
    }

    /// Whether it can make blocks now, beyond what the ledger itself says.
    ///
    /// # Errors
    /// Why not.
    fn ready(&self) -> Result<(), Problem> {
        Ok(())
    }

    /// Stops it once no connection can submit any more. A submitter that still waits is answered
    /// with a fault: its transaction may be committed later.
    fn stop(self: Arc<Self>) -> Work<()> {
        Box::pin(async {})
    }

    /// What it counts.
    fn samples(&self) -> Vec<Sample> {
        Vec::new()
    }

    /// More metrics, in Prometheus' text format.
    fn metrics(&self) -> String {
        String::new()
    }
}

impl Consensus for Solo {
    fn chain(&self) -> &Chain {
        self
    }

    fn name(&self) -> &'static str {
        "solo"
    }

    fn submit_all(
        self: Arc<Self>,
        batch: Vec<Vec<u8>>,
        now: Timestamp,
        permit: BatchPermit,
    ) -> Work<Answers> {
        Box::pin(async move {
            let count = batch.len();
            let work = tokio::task::spawn_blocking(move || {
                let answers = Self::submit_all(&self, &batch, now);
                permit.free();
                answers
            });
            work.await.unwrap_or_else(|error| {
                let fault = Arc::new(amanat_ledger::Fault::Bug(format!("a batch failed: {error}")));
                (0..count).map(|_| Err(fault.clone().into())).collect()
            })
        })
    }

    fn settle(&self, now: Timestamp) -> Result<Option<Header>, String> {
        if self.status().broken {
            self.reopen().map_err(|fault| format!("the ledger cannot be reopened: {fault}"))?;
            tracing::warn!(
                height = self.state().tip().height,
                "the ledger was reopened after a failed write"
            );
        }
        self.tick(now).map_err(|fault| format!("no block could be made: {fault}"))
    }
}
