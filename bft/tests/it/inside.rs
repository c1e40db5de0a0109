//! Clusters in this process: solo, or validators on a separate runtime.

use crate::cluster::*;
use crate::world::*;
use amanat_bft::{Clock, Settings, Validator};
use amanat_domain::quorum::Certificate;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::TxId;
use amanat_ledger::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A clock that tests set.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(now.seconds())))
    }
    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.seconds(), Ordering::SeqCst);
    }
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::new(self.0.load(Ordering::SeqCst)).expect("was one")
    }
    pub(crate) fn clock(&self) -> Clock {
        let hand = self.clone();
        Arc::new(move || hand.now())
    }
}

/// What a cluster's audit log says.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn dispatch(&self) -> tracing::Dispatch {
        let log = self.clone();
        let lines = tracing_subscriber::fmt().with_env_filter("audit=info").with_ansi(false);
        tracing::Dispatch::new(lines.with_writer(move || log.clone()).finish())
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The solo engine.
pub(crate) struct Alone {
    folder: tempfile::TempDir,
    hand: Hand,
    solo: Option<Solo>,
}

impl Alone {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut alone = Self { folder, hand: Hand::at(at(1)), solo: None };
        alone.restart();
        alone
    }
    fn solo(&self) -> &Solo {
        self.solo.as_ref().expect("started")
    }
}

impl Ledger for Alone {
    fn genesis(&self) -> Arc<Genesis> {
        self.solo().genesis()
    }
    fn submit_all(&self, txs: &[Vec<u8>]) -> Vec<Answer> {
        self.solo().submit_all(txs, self.hand.now()).into_iter().map(Answer::of).collect()
    }
    fn height(&self) -> u64 {
        self.solo().status().tip.height
    }
    fn block(&self, height: u64) -> Block {
        self.solo().block(height).expect("no fault").expect("there")
    }
    fn certificate(&self, height: u64) -> Option<Certificate> {
        self.solo().certificate(height).expect("no fault")
    }
    fn inclusion(&self, txid: &TxId) -> InclusionProof {
        self.solo().inclusion(txid).expect("no fault").expect("committed")
    }
    fn prove(&self, entry: Entry) -> EntryProof {
        self.solo().prove(entry).expect("no fault")
    }
    fn set_clock(&self, now: Timestamp) {
        self.hand.set(now);
    }
    fn wait_epoch(&self, epoch: u64) {
        self.solo().tick(self.hand.now()).expect("no fault");
        assert!(self.solo().state().tip().epoch >= epoch);
    }
    fn restart(&mut self) {
        self.solo = None;
        let path = self.folder.path().join("ledger.redb");
        self.solo = Some(Solo::open_or_create(&path, genesis()).expect("opens"));
    }
}

/// Malachite validators in this process.
pub(crate) struct Inside {
    runtime: Runtime,
    folder: tempfile::TempDir,
    pub(crate) log: Log,
    /// A clock for each.
    pub(crate) hands: Vec<Hand>,
    ports: Vec<u16>,
    genesis: Arc<Genesis>,
    change: fn(u8, &mut Settings),
    pub(crate) validators: Vec<Arc<Validator>>,
}

impl Inside {
    pub(crate) fn new(n: u8) -> Self {
        Self::with(n, |_, _| ())
    }

    /// With other settings for some.
    pub(crate) fn with(n: u8, change: fn(u8, &mut Settings)) -> Self {
        let log = Log::default();
        let dispatch = log.dispatch();
        // Tests of one process do not see each other's lines: each cluster has separate threads.
        let own = move || std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(4).enable_all().on_thread_start(own).build();
        let mut cluster = Self {
            runtime: runtime.expect("a runtime"),
            folder: tempfile::tempdir().expect("a folder"),
            log,
            hands: (0..n).map(|_| Hand::at(at(1))).collect(),
            ports: ports(2 * n as usize),
            genesis: validated_genesis(n),
            change,
            validators: Vec::new(),
        };
        cluster.start();
        cluster
    }

    pub(crate) fn path(&self, n: u8) -> PathBuf {
        self.folder.path().join(format!("ledger-{n}.redb"))
    }

    fn start(&mut self) {
        for n in 0..self.ports.len() as u8 / 2 {
            let begun = Instant::now();
            let validator = loop {
                // A process that a test beside this one starts has the files of this process until
                // it is another program, and with them the lock of the log of a validator that has
                // ended.
                match self.start_one(n) {
                    Err(error) if error.to_string().contains("already locked") => {
                        assert!(begun.elapsed() < PATIENCE, "{error}");
                    }
                    started => break started.expect("starts"),
                }
            };
            self.validators.push(Arc::new(validator));
        }
    }

    fn start_one(&self, n: u8) -> Result<Validator, amanat_bft::Error> {
        let chain = Chain::open_or_create(&self.path(n), self.genesis.clone()).expect("opens");
        let mut settings = settings(n, &self.ports, self.folder.path());
        (self.change)(n, &mut settings);
        let clock = self.hands[n as usize].clock();
        self.runtime.block_on(Validator::start(Arc::new(chain), secret(n), settings, clock))
    }

    pub(crate) fn stop(&mut self) {
        while !self.validators.is_empty() {
            self.stop_last();
        }
    }

    pub(crate) fn stop_last(&mut self) {
        if let Some(validator) = self.validators.pop() {
            self.end(validator);
        }
    }

    /// One more validator with the key of the n-th, with another ledger, log and ports.
    pub(crate) fn clone_of(
        &self,
        n: u8,
        (path, folder): (&Path, &Path),
        own: &[u16],
        clock: Clock,
        change: impl FnOnce(&mut Settings),
    ) -> Arc<Validator> {
        let chain = Chain::open_or_create(path, self.genesis.clone()).expect("opens");
        let mut ports = self.ports.clone();
        ports[2 * n as usize..][..2].copy_from_slice(own);
        let mut settings = settings(n, &ports, folder);
        change(&mut settings);
        let starting = Validator::start(Arc::new(chain), secret(n), settings, clock);
        Arc::new(self.runtime.block_on(starting).expect("starts"))
    }

    pub(crate) fn end(&self, validator: Arc<Validator>) {
        {
            let validator = Arc::into_inner(validator).expect("nobody waits for it");
            let chain = validator.chain().clone();
            self.runtime.block_on(validator.stop()).expect("had not stopped before");
            drop(validator);
            // Tasks that end after this would keep the file open.
            let begun = std::time::Instant::now();
            while Arc::strong_count(&chain) > 1 {
                assert!(begun.elapsed() < PATIENCE, "somebody holds on to a ledger");
                std::thread::yield_now();
            }
        }
    }

    /// Submits to a validator without waiting for an answer.
    pub(crate) fn submit_in_vain(&self, n: usize, tx: Vec<u8>) -> tokio::task::JoinHandle<()> {
        let validator = self.validators[n].clone();
        self.runtime.spawn(async move { drop(validator.submit(tx).await) })
    }

    /// Waits until each of these validators has a block of at least this height.
    pub(crate) fn wait_height(&self, height: u64) {
        self.wait(&format!("height {height}"), |header| header.height >= height);
    }

    fn wait(&self, what: &str, reached: impl Fn(&Header) -> bool) {
        for (n, validator) in self.validators.iter().enumerate() {
            let mut tip = validator.tip();
            let waited = self.runtime.block_on(async {
                timeout(PATIENCE, tip.wait_for(&reached)).await.is_ok_and(|reached| reached.is_ok())
            });
            let tip = validator.status().tip;
            assert!(waited, "validator {n} does not reach {what}: it is at {} of {}", tip.height, tip.epoch);
        }
    }
}

impl Ledger for Inside {
    fn genesis(&self) -> Arc<Genesis> {
        self.genesis.clone()
    }
    fn submit_all(&self, txs: &[Vec<u8>]) -> Vec<Answer> {
        self.runtime.block_on(async {
            let at = |i: usize| &self.validators[i % self.validators.len()];
            let submit = |(i, tx): (usize, &Vec<u8>)| timeout(PATIENCE, at(i).submit(tx.clone()));
            let mut answers = Vec::new();
            let all: Vec<_> = txs.iter().enumerate().map(submit).map(Box::pin).collect();
            for outcome in join(all).await {
                answers.push(Answer::of(outcome.expect("an answer in time")));
            }
            answers
        })
    }
    fn height(&self) -> u64 {
        let heights = self.validators.iter().map(|v| v.status().tip.height);
        heights.min().expect("some validators")
    }
    fn block(&self, height: u64) -> Block {
        self.validators[0].chain().block(height).expect("no fault").expect("there")
    }
    fn certificate(&self, height: u64) -> Option<Certificate> {
        self.validators[0].chain().certificate(height).expect("no fault")
    }
    fn inclusion(&self, txid: &TxId) -> InclusionProof {
        self.validators[0].chain().inclusion(txid).expect("no fault").expect("committed")
    }
    fn prove(&self, entry: Entry) -> EntryProof {
        self.validators[0].chain().prove(entry).expect("no fault")
    }
    fn set_clock(&self, now: Timestamp) {
        self.hands.iter().for_each(|hand| hand.set(now));
    }
    fn wait_epoch(&self, epoch: u64) {
        self.wait(&format!("epoch {epoch}"), |header| header.epoch >= epoch);
    }
    fn restart(&mut self) {
        self.stop();
        self.start();
    }
}

/// All of them at once, answers in order.
async fn join<F: Future + Unpin>(mut all: Vec<F>) -> Vec<F::Output> {
    let mut outputs: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in all.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = std::pin::Pin::new(future).poll(cx)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
