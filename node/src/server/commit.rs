//! From waiting submissions to blocks.

use super::{BatchPermit, Shared, faulty};
use amanat_api::problem::Problem;
use amanat_ledger::{SubmitError, Submitted};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

/// Batches at work at once: one is being written while the next is being verified.
const BATCHES_AT_WORK: usize = 2;
/// Most submissions of a batch.
const MAX_BATCH: usize = 1024;

pub(super) struct Submission {
    pub(super) bytes: Vec<u8>,
    pub(super) answer: oneshot::Sender<Result<Submitted, Problem>>,
}

/// Takes all that wait, commits them together, and again. While both permits are at work the next
/// batch gathers.
pub(super) async fn run(shared: Arc<Shared>, mut queue: mpsc::Receiver<Submission>) {
    let permits = Arc::new(Semaphore::new(BATCHES_AT_WORK));
    let mut at_work = JoinSet::new();
    while let Ok(permit) = permits.clone().acquire_owned().await {
        let mut batch = Vec::new();
        let taken = tokio::select! {
            taken = queue.recv_many(&mut batch, MAX_BATCH) => taken,
            () = shared.drained.notified() => {
                queue.close();
                queue.recv_many(&mut batch, MAX_BATCH).await
            }
        };
        if taken == 0 {
            break;
        }
        at_work.spawn(commit(shared.clone(), batch, BatchPermit(permit)));
        while at_work.try_join_next().is_some() {}
    }
    at_work.join_all().await;
}

async fn commit(shared: Arc<Shared>, batch: Vec<Submission>, permit: BatchPermit) {
    let begun = Instant::now();
    let (bytes, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|s| (s.bytes, s.answer)).unzip();
    let outcomes = shared.consensus.clone().submit_all(bytes, shared.clock.now(), permit).await;
    if outcomes.iter().any(|o| matches!(o, Ok(Submitted::Committed(_)))) {
        shared.metrics.committed_in(begun.elapsed());
    }
    shared.announce();
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        let outcome = outcome.map_err(|error| match &error {
            SubmitError::Refused(refusal) => Problem::from(refusal),
            SubmitError::Fault(fault) => {
                shared.trouble.notify_one();
                faulty(fault)
            }
        });
        // The client may have gone; the transaction is committed anyway.
        let _ = answer.send(outcome);
    }
}
