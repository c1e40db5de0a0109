//! A validator: a ledger, the engine, and the network that carries transactions.

use crate::app::{AHEAD_SECONDS, App, End};
use crate::body::{MAX_BLOCK_BYTES, most_bytes};
use crate::codec::Wire;
use crate::context::Ctx;
use crate::engine::{self, Part};
use crate::error::Error;
use crate::gossip::Gossip;
use crate::metrics::{Metrics, Report};
use crate::peers;
use crate::secret::ValidatorSecret;
use crate::settings::{Clock, Settings};
use amanat_domain::quorum::ValidatorSet;
use amanat_domain::time::Timestamp;
use amanat_ledger::{Chain, Entered, Fault, Header, Pending, Status, SubmitError, Submitted};
use arc_malachitebft_app_channel::{Channels, EngineHandle};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// A block whose time is this many seconds after the start was voted on after the start: a quorum
/// refuses a time more than [`AHEAD_SECONDS`] ahead of its clocks, and clocks differ a little.
const AFTER_START: u64 = AHEAD_SECONDS + 5;

/// Time before a waiting transaction is sent to the others again; longer each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A running validator of a ledger. It stops when it is dropped; [`Validator::stop`] waits until it
/// has.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_bft::{Settings, Validator, ValidatorSecret};
/// use amanat_domain::time::Timestamp;
/// use amanat_ledger::{Chain, Genesis};
/// use std::sync::Arc;
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// let chain = Chain::open_or_create("ledger.redb".as_ref(), genesis.into())?;
/// let secret = ValidatorSecret::read("validator.key".as_ref())?;
/// let (consensus, gossip) = ("10.0.0.1:7520".parse()?, "10.0.0.1:7620".parse()?);
/// let peers = Vec::new(); // a `Peer` for every other validator
/// let settings = Settings::new("consensus".into(), consensus, gossip, peers);
/// let clock = Arc::new(|| Timestamp::from_unix(1_800_000_000).unwrap_or(Timestamp::MAX));
/// let validator = Validator::start(Arc::new(chain), secret, settings, clock).await?;
/// println!("block {}", validator.status().tip.height);
/// validator.stop().await?;
/// # Ok(()) }
/// ```
pub struct Validator {
    core: Core,
    gossip: Option<Gossip>,
    tip: watch::Receiver<Header>,
    stop: watch::Sender<bool>,
    /// Set when it has ended.
    ended: watch::Receiver<Option<Result<(), Error>>>,
}

/// What the engine's loop is made from, each time the engine starts.
#[derive(Clone)]
struct Core {
    chain: Arc<Chain>,
    secret: ValidatorSecret,
    settings: Settings,
    clock: Clock,
    arrived: Arc<Notify>,
    told: watch::Sender<Header>,
    metrics: Arc<Metrics>,
    wire: Wire,
}

/// The validators that agree on the next block, and those that will agree on later ones.
fn in_force(chain: &Chain) -> Result<ValidatorSet, Error> {
    let state = chain.state();
    let sets = state.validators().ok_or(Fault::NoValidators)?;
    let mut keys = sets.at(state.tip().height + 1).set.keys().to_vec();
    // A later set may be in force before the next start: its validators must be peers already.
    keys.extend(sets.latest.set.keys().iter().filter(|key| !keys.contains(key)).copied().collect::<Vec<_>>());
    ValidatorSet::new(keys).map_err(|e| Error::Start(e.to_string()))
}

impl Validator {
    /// Starts a validator over a ledger that has its key among its validators.
    ///
    /// Without a write-ahead log, and unless [`Settings::new_log`] says that there need not be one,
    /// it learns before it votes.
    ///
    /// # Errors
    /// [`Error`], among them [`Fault::NoValidators`].
    pub async fn start(
        chain: Arc<Chain>,
        secret: ValidatorSecret,
        settings: Settings,
        clock: Clock,
    ) -> Result<Self, Error> {
        let genesis = chain.genesis();
        let validators = in_force(&chain)?;
        let (id, key, limits) = (genesis.chain_id(), secret.key(), genesis.limits());
        peers::check(&validators, key, &settings.peers, settings.follow)?;
        if limits.bytes > MAX_BLOCK_BYTES {
            return Err(Error::BlockTooLarge { most: MAX_BLOCK_BYTES, got: limits.bytes });
        }
        for address in [settings.consensus, settings.gossip] {
            // Malachite only logs that it cannot listen, and waits for ever: a start that fails
            // says so.
            let free = tokio::net::TcpListener::bind(address).await;
            free.map_err(|e| Error::Start(format!("cannot listen on {address}: {e}")))?;
        }
        // A validator without the votes of its last rounds could sign a second, different vote. It
        // may vote at once only if it never voted, or if its log reaches the tip.
        let part = if settings.new_log || engine::remembers(&settings, chain.status().tip.height)? {
            Part::Vote
        } else {
            let until = clock().seconds().saturating_add(AFTER_START);
            Part::Learn { until: Timestamp::new(until).unwrap_or(Timestamp::MAX) }
        };
        let (told, tip) = watch::channel(*chain.state().tip());
        let core = Core {
            wire: Wire { most: most_bytes(&limits) },
            chain,
            secret,
            settings,
            clock,
            arrived: Arc::default(),
            told,
            metrics: Arc::default(),
        };
        core.metrics.learning.store(part != Part::Vote, Ordering::Relaxed);
        let started = core.engine(part).await?;
        // A validator alone has nobody to send transactions to.
        let gossip = if core.settings.peers.is_empty() { None } else { Some(core.gossip().await?) };
        tracing::info!(%id, %key, height = tip.borrow().height, "validator started");
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = watch::channel(None);
        let running = core.clone();
        tokio::spawn(async move {
            let outcome = running.run(started, part, stopped).await;
            if let Err(error) = &outcome {
                tracing::error!(%error, "validator stopped");
            }
            // Dropped before the end is told: who hears of it may open the ledger file again at
            // once.
            drop(running);
            end.send_replace(Some(outcome));
        });
        Ok(Self { core, gossip, tip, stop, ended })
    }

    /// The ledger.
    #[must_use]
    pub const fn chain(&self) -> &Arc<Chain> {
        &self.core.chain
    }

    /// What there is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.core.chain.status()
    }

    /// What it has counted.
    #[must_use]
    pub fn report(&self) -> Report {
        self.core.metrics.report()
    }

    /// Header of the last block; changes with every block, after its submitters were answered.
    #[must_use]
    pub fn tip(&self) -> watch::Receiver<Header> {
        self.tip.clone()
    }

    /// Submits a transaction and waits until a block with it is final and durable here. How long
    /// that takes is up to the other validators: bound it. A transaction that was waited for in
    /// vain may be committed later; submitting it again is safe.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, bytes: impl Into<Bytes>) -> Result<Submitted, SubmitError> {
        let answer = self.submit_all(vec![bytes.into()], || ()).await.pop();
        answer.unwrap_or_else(|| Err(Fault::Bug("a submission has no answer".into()).into()))
    }

    /// [`submit`](Self::submit) of many at once, verified in one batch. Answers are in order; none
    /// may depend on another of the list. `checked` is called when the machine is free for the next
    /// batch: from then on it waits for the others.
    pub async fn submit_all(
        &self,
        list: Vec<Bytes>,
        checked: impl FnOnce(),
    ) -> Vec<Result<Submitted, SubmitError>> {
        let mut tip = self.tip.clone();
        let (chain, clock, txs) = (self.core.chain.clone(), self.core.clock.clone(), list.clone());
        let entered = tokio::task::spawn_blocking(move || {
            let checked = chain.check_txs(&txs, clock());
            checked.into_iter().map(|checked| chain.enqueue(checked)).collect::<Vec<_>>()
        });
        let entered = entered.await;
        #[cfg(feature = "insecure_tamper")]
        crate::crash::crash_at("checked", self.core.chain.status().tip.height + 1);
        checked();
        let entered = match entered {
            Ok(entered) => entered,
            Err(error) => {
                let fault = Arc::new(Fault::Bug(format!("a check failed: {error}")));
                return list.iter().map(|_| Err(fault.clone().into())).collect();
            }
        };
        let waits = |entered: &Result<Entered, _>| matches!(entered, Ok(Entered::Waiting(_)));
        let sent: VecDeque<Bytes> =
            list.into_iter().zip(&entered).filter(|(_, e)| waits(e)).map(|(tx, _)| tx).collect();
        if !sent.is_empty() {
            self.core.arrived.notify_one();
        }
        let mut resender = Resender::new(self.gossip.as_ref(), sent);
        resender.send().await;
        let mut answers: Vec<Result<Submitted, SubmitError>> = Vec::with_capacity(entered.len());
        for entered in entered {
            answers.push(match entered {
                Ok(Entered::Before(receipt)) => Ok(Submitted::AlreadyCommitted(receipt)),
                Ok(Entered::Waiting(pending)) => {
                    let answer = self.wait(&pending, &mut tip, &mut resender).await;
                    // The answers are in the order of what was sent, so the first that waits is
                    // this one.
                    resender.waiting.pop_front();
                    answer
                }
                Err(refused) => Err(refused),
            });
        }
        answers
    }

    async fn wait(
        &self,
        pending: &Pending,
        tip: &mut watch::Receiver<Header>,
        resender: &mut Resender<'_>,
    ) -> Result<Submitted, SubmitError> {
        let mut ended = self.ended.clone();
        loop {
            // Marked before the outcome is read: a block between the two wakes us once more instead
            // of being missed.
            tip.mark_unchanged();
            if let Some(outcome) = pending.take() {
                return match outcome {
                    Ok(receipt) => Ok(Submitted::Committed(receipt)),
                    Err(refused) => self.core.chain.receipt_instead(refused).map(Submitted::AlreadyCommitted),
                };
            }
            tokio::select! {
                changed = tip.changed() => if changed.is_ok() { continue },
                _ = ended.wait_for(Option::is_some) => {}
                () = resender.again() => continue,
            }
            // The validator has ended. What it committed before that was answered before, so the
            // outcome is there or will never be.
            let stopped = || Err(Fault::Reopen.into());
            return pending.take().map_or_else(stopped, |outcome| outcome.map(Submitted::Committed));
        }
    }

    /// Completes when the validator has stopped, and says why if that was by itself.
    ///
    /// # Errors
    /// [`Error`]: why it has stopped.
    pub async fn ended(&self) -> Result<(), Error> {
        let mut ended = self.ended.clone();
        let outcome = match ended.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        outcome.unwrap_or_else(|| Err(Error::Bug("the validator's task ended badly".into())))
    }

    /// Stops the validator. What was acknowledged is durable; what waits is forgotten.
    ///
    /// # Errors
    /// [`Error`]: why it had stopped before.
    pub async fn stop(&self) -> Result<(), Error> {
        self.stop.send_replace(true);
        if let Some(gossip) = &self.gossip {
            gossip.stop().await;
        }
        self.ended().await
    }
}

/// Transactions that wait, sent to the other validators again if that takes long: a network that is
/// starting or was partitioned loses some, and a validator that learns does not propose.
struct Resender<'a> {
    gossip: Option<&'a Gossip>,
    waiting: VecDeque<Bytes>,
    pause: Duration,
    next: tokio::time::Instant,
}

impl<'a> Resender<'a> {
    fn new(gossip: Option<&'a Gossip>, waiting: VecDeque<Bytes>) -> Self {
        Self { gossip, waiting, pause: FIRST_PAUSE, next: tokio::time::Instant::now() + FIRST_PAUSE }
    }

    async fn send(&self) {
        if let Some(gossip) = self.gossip.filter(|_| !self.waiting.is_empty()) {
            gossip.publish(self.waiting.iter().cloned().collect()).await;
        }
    }

    /// Completes when they were sent again.
    async fn again(&mut self) {
        tokio::time::sleep_until(self.next).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.next = tokio::time::Instant::now() + self.pause;
        self.send().await;
    }
}

type Started = (Channels<Ctx>, EngineHandle);

impl Core {
    async fn engine(&self, part: Part) -> Result<Started, Error> {
        let id = self.chain.genesis().chain_id();
        engine::start(id, &self.secret, &self.settings, self.wire, part).await
    }

    async fn gossip(&self) -> Result<Gossip, Error> {
        let (chain, clock, arrived) = (self.chain.clone(), self.clock.clone(), self.arrived.clone());
        Gossip::start(chain, &self.secret, &self.settings, clock, arrived, self.metrics.clone()).await
    }

    fn app(&self, network: tokio::sync::mpsc::Sender<arc_malachitebft_app_channel::NetworkMsg<Ctx>>) -> App {
        App {
            chain: self.chain.clone(),
            secret: self.secret.clone(),
            clock: self.clock.clone(),
            idle: self.settings.idle,
            timeouts: self.settings.timeouts(),
            network,
            arrived: self.arrived.clone(),
            tip: self.told.clone(),
            metrics: self.metrics.clone(),
            learn_until: None,
            #[cfg(feature = "insecure_tamper")]
            insecure_tamper: self.settings.insecure_tamper,
        }
    }

    /// Learns, if it must, and votes, until it is told to stop.
    async fn run(&self, started: Started, part: Part, stop: watch::Receiver<bool>) -> Result<(), Error> {
        let mut started = started;
        if let Part::Learn { until } = part {
            tracing::warn!(
                "there is no write-ahead log that goes with the ledger: this validator does not know what it has voted for, and takes part \
                 without voting until a block of {until} or later is final. At the first start of a new ledger, create the file \
                 `never-voted` in the folder of the log"
            );
            if self.take_part(started, Some(until), stop.clone()).await? == End::Told {
                return Ok(());
            }
            self.metrics.learning.store(false, Ordering::Relaxed);
            let height = self.chain.status().tip.height;
            tracing::warn!(
                height,
                "every height that this validator may have voted for is decided: it votes from now on"
            );
            engine::forget(&self.settings)?;
            // A new engine: the one that learned has no key to sign with.
            started = self.engine(Part::Vote).await?;
        }
        self.take_part(started, None, stop).await.map(|_| ())
    }

    async fn take_part(
        &self,
        (channels, mut engine): Started,
        learn_until: Option<Timestamp>,
        stop: watch::Receiver<bool>,
    ) -> Result<End, Error> {
        let app = App { learn_until, ..self.app(channels.network) };
        let outcome = tokio::select! {
            outcome = app.run(channels.consensus, stop) => outcome,
            _ = &mut engine.handle => return Err(Error::EngineStopped),
        };
        engine::stop(engine).await;
        outcome
    }
}
