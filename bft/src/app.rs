//! What Malachite asks, and what the ledger answers.
//!
//! One message at a time. What takes long (proofs, the disk) runs off the reactor. A block is on
//! disk before this validator says anything about it: its own block before it is proposed, a valid
//! block before the vote, a decided block before its transactions are acknowledged.

mod sync;

use crate::body::{Assembly, MAX_BLOCK_BYTES, most_bytes, split};
use crate::context::{Ctx, Members};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::secret::ValidatorSecret;
use crate::settings::Clock;
use crate::signing::body_signed;
use crate::types::{Address, BlockId, Height, Init, Part, Signature};
use crate::validation;
use amanat_domain::quorum::ValidatorSet;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use amanat_ledger::{Block, BlockHash, Chain, Delta, Fault, Header, Limits};
use arc_malachitebft_app_channel::app::consensus::VoteExtensionError;
use arc_malachitebft_app_channel::app::engine::host::Next;
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_app_channel::app::types::core::{
    CommitCertificate, HeightParams, LinearTimeouts, Round, Validity,
};
use arc_malachitebft_app_channel::app::types::{LocallyProposedValue, MisbehaviorEvidence, ProposedValue};
use arc_malachitebft_app_channel::{AppMsg, NetworkMsg, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

/// Number of heights beyond the next whose complete blocks are kept until they can be validated.
const EARLY_HEIGHTS: u64 = 4;
/// Number of such blocks.
const EARLY_BLOCKS: usize = 8;
/// Number of rounds beyond the present whose proposals are validated.
const EARLY_ROUNDS: u32 = 10;
/// Blocks of one round that are validated: the first, and a second, which shows that its proposer
/// is dishonest.
const BLOCKS_OF_A_ROUND: usize = 2;
/// Validated blocks of the next height that are kept in memory; others are validated again when
/// they are decided.
const VALIDATED_BLOCKS: usize = 8;
/// Most bytes of blocks in an answer to a validator that catches up; one block is always sent.
const ANSWER_BYTES: usize = 2 * MAX_BLOCK_BYTES as usize;

pub(crate) use crate::validation::AHEAD_SECONDS;
/// How long the engine may take to be ready.
const READY: Duration = Duration::from_secs(60);

/// What a validator gives to the loop.
pub(crate) struct App {
    pub(crate) chain: Arc<Chain>,
    pub(crate) secret: ValidatorSecret,
    pub(crate) clock: Clock,
    pub(crate) idle: Duration,
    pub(crate) timeouts: LinearTimeouts,
    pub(crate) network: mpsc::Sender<NetworkMsg<Ctx>>,
    /// Told when a transaction entered the pool.
    pub(crate) arrived: Arc<Notify>,
    /// Announces each block, after its submitters were answered.
    pub(crate) tip: watch::Sender<Header>,
    pub(crate) metrics: Arc<Metrics>,
    /// For a validator that learns: a final block of this time or later ends learning.
    pub(crate) learn_until: Option<Timestamp>,
    #[cfg(feature = "insecure_tamper")]
    pub(crate) insecure_tamper: Option<fn(&mut Block)>,
}

/// Why the loop has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to.
    Told,
    /// It has learned what it had to.
    Learned,
}

/// The host of consensus: the loop's own memory. What must survive a crash is in the ledger's
/// store.
struct ConsensusHost {
    app: App,
    id: ChainId,
    limits: Limits,
    assembly: Assembly,
    /// Blocks of the next height that were validated, with what they change.
    validated: BTreeMap<BlockHash, Delta>,
    /// Complete blocks of heights beyond the next.
    early: BTreeMap<(u64, [u8; 32]), (Init, Vec<u8>)>,
    /// Blocks of the next height that were admitted to validation, by round, so that no proposer
    /// can fill the disk.
    seen: BTreeMap<u32, Vec<BlockHash>>,
    /// The answers to them: a block that is sent again and again costs neither a write nor a
    /// pairing.
    answered: BTreeMap<(u32, BlockHash), Validity>,
    /// The present round.
    round: u32,
    /// Highest height that a validator has begun to propose a block for.
    begun: watch::Sender<u64>,
    /// The last block that was fetched from another validator: more may follow, so there is no
    /// pause after it.
    fetched: Option<(u64, BlockHash)>,
    /// Whether the last block was decided in this run, by votes.
    witnessed: bool,
    streams: u64,
    /// Pauses before a height; given up when the loop ends.
    pauses: JoinSet<()>,
}

impl App {
    /// Answers the engine until it stops, `stop` is set, or what was to be learned is.
    pub(crate) async fn run(
        self,
        mut messages: mpsc::Receiver<AppMsg<Ctx>>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<End, Error> {
        let mut host = ConsensusHost::new(self);
        // Malachite first says that it is ready. It may also fail silently, so the wait for that
        // has an end.
        let late = || Error::Start("it does not say that it is ready".into());
        let (mut ready, deadline) = (false, tokio::time::Instant::now() + READY);
        loop {
            let message = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return Ok(End::Told),
                message = messages.recv() => message.ok_or(Error::EngineStopped)?,
                () = tokio::time::sleep_until(deadline), if !ready => return Err(late()),
            };
            ready = true;
            host.answer(message).await?;
            if host.learned() {
                return Ok(End::Learned);
            }
        }
    }
}

/// The validators that agree on a height. They exist: a validator of a ledger without them does not
/// start.
fn agreeing(chain: &Chain, height: u64) -> ValidatorSet {
    let state = chain.state();
    state.validators().expect("the ledger has validators").at(height).set.clone()
}

impl ConsensusHost {
    fn new(app: App) -> Self {
        let genesis = app.chain.genesis();
        let (id, limits) = (genesis.chain_id(), genesis.limits());
        Self {
            id,
            limits,
            assembly: Assembly::new(most_bytes(&limits)),
            validated: BTreeMap::new(),
            early: BTreeMap::new(),
            seen: BTreeMap::new(),
            answered: BTreeMap::new(),
            round: 0,
            begun: watch::Sender::new(0),
            fetched: None,
            witnessed: false,
            // From the clock, so that a restarted proposer does not reuse the ids of streams that
            // peers still gather.
            streams: (app.clock)().seconds() << 20,
            pauses: JoinSet::new(),
            app,
        }
    }

    async fn answer(&mut self, message: AppMsg<Ctx>) -> Result<(), Error> {
        match message {
            AppMsg::ConsensusReady { reply } => send(reply, (self.next(), self.params())),
            AppMsg::StartedRound { height, round, reply_value, .. } => {
                send(reply_value, self.proposed(height, round).await?);
            }
            AppMsg::GetValue { height, round, reply, .. } => {
                if let Some(block) = self.value(height, round).await? {
                    send(reply, LocallyProposedValue::new(height, round, BlockId(block)));
                }
            }
            AppMsg::ReceivedProposalPart { from, published_by, part, reply } => {
                let publisher = published_by.unwrap_or(from).to_bytes();
                send(reply, self.part(&publisher, part).await?);
            }
            AppMsg::RestreamProposal { height, round, valid_round, address, value_id } => {
                self.restream(height, round, valid_round, address, value_id.0).await?;
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                send(reply, self.fetched(height, round, proposer, value_bytes).await?);
            }
            AppMsg::Decided { certificate, reply, .. } => {
                self.decided(certificate).await?;
                send(reply, ());
            }
            AppMsg::Finalized { certificate, evidence, reply, .. } => {
                self.report(&evidence);
                self.go_on(certificate.height, reply);
            }
            // There is nothing to fetch of the genesis. A pruned ledger has less.
            AppMsg::GetHistoryMinHeight { reply } => {
                send(reply, Height(self.app.chain.history_from().max(1)))
            }
            AppMsg::GetDecidedValues { range, reply } => send(reply, self.history(range).await?),
            // There are no vote extensions.
            AppMsg::ExtendVote { reply, .. } => send(reply, None),
            AppMsg::VerifyVoteExtensions { extensions, reply, .. } => {
                let refuse = |(address, ())| (address, Err(VoteExtensionError::InvalidVoteExtension));
                send(reply, extensions.into_iter().map(refuse).collect());
            }
        }
        Ok(())
    }

    /// Whether a block that was voted on after the start is final, as far as can be told: it came
    /// by votes since then, not from history, and its time is not ahead of the clock that the start
    /// was read from.
    fn learned(&self) -> bool {
        let Some(until) = self.app.learn_until else { return false };
        let tip = *self.app.tip.borrow();
        let latest = (self.app.clock)().seconds().saturating_add(AHEAD_SECONDS);
        self.witnessed && tip.time >= until && tip.time.seconds() <= latest
    }

    /// The height that is to be decided next.
    fn next(&self) -> Height {
        Height(self.app.chain.state().tip().height + 1)
    }

    fn params(&self) -> HeightParams<Ctx> {
        HeightParams::new(Members::new(&agreeing(&self.app.chain, self.next().0)), self.app.timeouts, None)
    }

    /// Valid blocks that were proposed in this round, from before a crash or before their height
    /// began.
    async fn proposed(&mut self, height: Height, round: Round) -> Result<Vec<ProposedValue<Ctx>>, Error> {
        let mut values = Vec::new();
        // Malachite may start a round of a height that was committed meanwhile: nothing is proposed
        // there any more.
        if height != self.next() {
            return Ok(values);
        }
        self.round = round.as_u32().unwrap_or(0);
        self.app.metrics.round.store(self.round.into(), Ordering::Relaxed);
        // Counted once a height, at its second round: later rounds are of the same height.
        if self.round == 1 {
            Metrics::one(&self.app.metrics.late_rounds);
        }
        // Noted without waking the pause of `go_on`: that one waits for another validator to begin,
        // not for us.
        self.begun.send_if_modified(|begun| {
            *begun = height.0.max(*begun);
            false
        });
        let now: Vec<_> = self.early.keys().filter(|(h, _)| *h == height.0).copied().collect();
        for key in now {
            if let Some((init, bytes)) = self.early.remove(&key)
                && let Some(value) = self.process_proposal(&init, &bytes).await?
                // A valid block of this round was written by `process_proposal`: it is in the list
                // below, and not twice.
                && (value.round != round || value.validity.is_invalid())
            {
                values.push(value);
            }
        }
        let chain = self.app.chain.clone();
        let kept = blocking(move || chain.proposals(height.0)).await??;
        let members = Members::new(&agreeing(&self.app.chain, height.0));
        for proposal in kept.into_iter().filter(|p| Round::new(p.round) == round) {
            let valid_round = Init::from_bytes(&proposal.note).map_or(Round::Nil, |init| init.valid_round);
            values.push(ProposedValue {
                height,
                round,
                valid_round,
                proposer: members.proposer(height, round).address(),
                value: BlockId(proposal.block),
                validity: Validity::Valid,
            });
        }
        Ok(values)
    }

    /// The block this validator proposes in a round: always the same one, also after a crash.
    async fn value(&mut self, height: Height, round: Round) -> Result<Option<BlockHash>, Error> {
        // The height was committed meanwhile: a block for it would be proposed in vain.
        let Some(n) = round.as_u32().filter(|_| height == self.next()) else { return Ok(None) };
        let chain = self.app.chain.clone();
        let kept = blocking(move || -> Result<_, Fault> {
            let before = chain.proposals(height.0)?.into_iter().find(|p| p.round == n);
            Ok(before.map(|p| chain.undecided(height.0, p.block)).transpose()?.flatten())
        });
        // A second, different block in one round would be double signing, so after a crash the
        // first is proposed again.
        let block = match kept.await?? {
            Some(block) => block,
            None => self.make().await?,
        };
        let hash = block.header.hash();
        let (init, bytes) = self.announce(height, round, Round::Nil, &block);
        #[cfg(feature = "insecure_tamper")]
        crate::crash::crash_at("made", height.0);
        self.keep(&block, n, init.to_bytes()).await?;
        #[cfg(feature = "insecure_tamper")]
        crate::crash::crash_at("kept", height.0);
        self.publish(init, &bytes).await;
        #[cfg(feature = "insecure_tamper")]
        crate::crash::crash_at("published", height.0);
        Metrics::one(&self.app.metrics.proposed);
        Ok(Some(hash))
    }

    /// A new block from the pool.
    async fn make(&mut self) -> Result<Block, Error> {
        let (chain, clock) = (self.app.chain.clone(), self.app.clock.clone());
        let delta = blocking(move || chain.prepare_proposal(clock())).await??;
        #[allow(unused_mut)]
        let mut block = delta.block().clone();
        #[cfg(feature = "insecure_tamper")]
        if let Some(tamper) = self.app.insecure_tamper {
            tamper(&mut block);
        }
        self.remember(block.header.hash(), delta);
        Ok(block)
    }

    fn remember(&mut self, hash: BlockHash, delta: Delta) {
        // A test may have tampered with the block: its delta belongs to another hash.
        if self.validated.len() < VALIDATED_BLOCKS && delta.block().header.hash() == hash {
            self.validated.insert(hash, delta);
        }
    }

    fn announce(&self, height: Height, round: Round, valid_round: Round, block: &Block) -> (Init, Vec<u8>) {
        let bytes = block.to_bytes();
        let mut init = Init {
            height,
            round,
            valid_round,
            proposer: Address(self.app.secret.key()),
            block: block.header.hash(),
            bytes: u32::try_from(bytes.len()).expect("a block's limits are 32-bit"),
            signature: Signature([0; 64]),
        };
        init.signature = self.app.secret.sign_body(self.id, &init);
        (init, bytes)
    }

    async fn keep(&self, block: &Block, round: u32, note: Vec<u8>) -> Result<(), Error> {
        let (chain, block) = (self.app.chain.clone(), block.clone());
        Ok(blocking(move || chain.keep(&block, round, &note)).await??)
    }

    async fn publish(&mut self, init: Init, bytes: &[u8]) {
        // Alone, there is nobody to send to, and the network reports an error.
        if agreeing(&self.app.chain, init.height.0).keys().len() == 1 {
            return;
        }
        self.streams += 1;
        let id = [&init.height.0.to_be_bytes()[..], &self.streams.to_be_bytes()].concat();
        for message in split(&StreamId::new(id.into()), init, bytes) {
            // A closed channel shows at the next message from the engine.
            let _ = self.app.network.send(NetworkMsg::PublishProposalPart(message)).await;
        }
    }

    /// A part of a proposal. Returns whether the block is valid once it is complete.
    async fn part(
        &mut self,
        publisher: &[u8],
        message: StreamMessage<Part>,
    ) -> Result<Option<ProposedValue<Ctx>>, Error> {
        let next = self.next().0;
        if let StreamContent::Data(Part::Init(init)) = &message.content
            && !(next..=next + EARLY_HEIGHTS).contains(&init.height.0)
        {
            // Decided already, or so far ahead that catching up will bring the block: gathering it
            // would only take memory.
            return Ok(None);
        }
        let (id, chain) = (self.id, self.app.chain.clone());
        let begun = &self.begun;
        let signed = |init: &Init| {
            // For later heights this is a guess from what was decided so far; `process_proposal`
            // asks again.
            let members = Members::new(&agreeing(&chain, init.height.0));
            let own = members.proposer(init.height, init.round).address() == init.proposer;
            let signed = own && init.round.is_defined() && body_signed(id, init);
            // A proposal of the next height, or of the one after, shows that its proposer went on.
            // One of the second round does, too: the proposer of the first round may itself be
            // waiting. Later ones are too easily made up.
            if signed && init.round <= Round::new(1) && init.height.0 <= next + 1 {
                begun.send_if_modified(|begun| {
                    let more = init.height.0 > *begun;
                    *begun = init.height.0.max(*begun);
                    more
                });
            }
            signed
        };
        match self.assembly.add(publisher, message, signed) {
            Err(refusal) => {
                Metrics::one(&self.app.metrics.refused_parts);
                tracing::warn!(target: "audit", publisher = hex::encode(publisher), %refusal, "part of a proposal refused");
                Ok(None)
            }
            Ok(None) => Ok(None),
            Ok(Some((init, bytes))) if init.height.0 == next => self.process_proposal(&init, &bytes).await,
            Ok(Some((init, bytes))) => {
                // An honest proposer is early only in a first round, and with one block a height.
                // Bytes that are no block take no room.
                let key = (init.height.0, init.block.0);
                let same = self.early.values().filter(|(other, _)| other.proposer == init.proposer).count();
                if init.round == Round::new(0)
                    && self.early.len() < EARLY_BLOCKS
                    && same < BLOCKS_OF_A_ROUND
                    && !self.early.contains_key(&key)
                    && validation::read_block(&bytes, Some(init.block), self.limits.transactions).is_ok()
                {
                    self.early.insert(key, (init, bytes));
                }
                Ok(None)
            }
        }
    }

    /// ProcessProposal: validates a proposed block of the next height. `None`: these bytes are not
    /// the block that the proposer announced.
    async fn process_proposal(
        &mut self,
        init: &Init,
        bytes: &[u8],
    ) -> Result<Option<ProposedValue<Ctx>>, Error> {
        let Some(round) = init.round.as_u32() else { return Ok(None) };
        let proposer = init.proposer;
        // An early announcement was checked against the validators known then; a change of
        // validators may lie between.
        let members = Members::new(&agreeing(&self.app.chain, init.height.0));
        if members.proposer(init.height, init.round).address() != proposer {
            return Ok(None);
        }
        if !self.admissible(round, init.block) {
            tracing::warn!(target: "audit", %proposer, height = init.height.0, round, "a proposer sent more proposals than an honest proposer sends");
            return Ok(None);
        }
        let value = |validity| ProposedValue {
            height: init.height,
            round: init.round,
            valid_round: init.valid_round,
            proposer,
            value: BlockId(init.block),
            validity,
        };
        if let Some(validity) = self.answered.get(&(round, init.block)) {
            return Ok(Some(value(*validity)));
        }
        let block = match validation::read_block(bytes, Some(init.block), self.limits.transactions) {
            Ok(block) => block,
            // No verdict on the proposal: the sender may have made these bytes up, and the right
            // ones may still come.
            Err(reason) => {
                Metrics::one(&self.app.metrics.refused_parts);
                tracing::warn!(target: "audit", %proposer, height = init.height.0, round, %reason, "the parts are not the announced block");
                return Ok(None);
            }
        };
        let validity = match self.validate(&block, true).await? {
            Ok(()) => {
                self.keep(&block, round, init.to_bytes()).await?;
                #[cfg(feature = "insecure_tamper")]
                crate::crash::crash_at("validated", init.height.0);
                Validity::Valid
            }
            Err(reason) => {
                Metrics::one(&self.app.metrics.refused_proposals);
                tracing::warn!(target: "audit", %proposer, height = init.height.0, round, block = %init.block, reason, "proposal refused");
                Validity::Invalid
            }
        };
        // By round as well: a block ahead of our clock may be valid when it is proposed again in a
        // later round.
        self.answered.insert((round, init.block), validity);
        Ok(Some(value(validity)))
    }

    /// Whether a block of this round is validated. A block that was admitted once is admitted
    /// again.
    fn admissible(&mut self, round: u32, block: BlockHash) -> bool {
        if round > self.round.saturating_add(EARLY_ROUNDS) {
            // Each further round would be an entry of `seen`: a proposer must not choose how many
            // there are.
            return false;
        }
        let seen = self.seen.entry(round).or_default();
        let known = seen.contains(&block);
        let room = seen.len() < BLOCKS_OF_A_ROUND;
        if !known && room {
            seen.push(block);
        }
        known || room
    }

    /// Validates a block by the ledger's rules and remembers what a valid one changes. The error is
    /// why it is refused.
    async fn validate(&mut self, block: &Block, proposed: bool) -> Result<Result<(), String>, Error> {
        let hash = block.header.hash();
        if self.validated.contains_key(&hash) {
            return Ok(Ok(()));
        }
        let (chain, block) = (self.app.chain.clone(), block.clone());
        let now = proposed.then(|| (self.app.clock)());
        match blocking(move || validation::validate_proposal(&chain, &block, now)).await? {
            Ok(delta) => {
                self.remember(hash, delta);
                Ok(Ok(()))
            }
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// FinalizeBlock and Commit. Returns once block and certificate are durable.
    async fn decided(&mut self, decided: CommitCertificate<Ctx>) -> Result<(), Error> {
        let (height, hash) = (decided.height.0, decided.value_id.0);
        match self.next().0 {
            // Told again after a restart: it is on disk.
            next if height < next => return Ok(()),
            next if height > next => {
                return Err(Error::Bug(format!("height {height} is decided before {next}")));
            }
            _ => {}
        }
        let certificate = validation::certificate(&decided, self.id, &agreeing(&self.app.chain, height))
            .map_err(|reason| Error::BadCertificate { height, reason })?;
        if !self.validated.contains_key(&hash) {
            let chain = self.app.chain.clone();
            let block = blocking(move || chain.undecided(height, hash)).await??;
            let block = block.ok_or(Error::MissingBlock { height, block: hash })?;
            // Room for this one: it is decided, and no other of this height can be.
            self.validated.clear();
            // The clock is not asked: a quorum has decided, and a block that was ahead of this
            // clock is final all the same.
            let outcome = self.validate(&block, false).await?;
            outcome.map_err(|reason| Error::DecidedInvalid { height, reason })?;
        }
        let delta =
            self.validated.remove(&hash).ok_or_else(|| Error::Bug("a validated block is gone".into()))?;
        #[cfg(feature = "insecure_tamper")]
        crate::crash::crash_at("decided", height);
        let chain = self.app.chain.clone();
        let header = blocking(move || {
            let before = chain.state().tip().epoch;
            let header = chain.commit(delta, Some(&certificate))?;
            // Proofs expire with the epoch. A proposer drops them from its pool when it proposes; a
            // validator that does not propose for long would keep them for ever.
            if header.epoch > before {
                chain.prune_pool(header.time);
            }
            Ok::<_, Arc<Fault>>(header)
        })
        .await??;
        #[cfg(feature = "insecure_tamper")]
        crate::crash::crash_at("committed", height);
        // A fetched block may have been decided before this validator started, so it does not end
        // learning.
        self.witnessed = self.fetched != Some((height, hash));
        self.validated.clear();
        self.seen.clear();
        self.answered.clear();
        self.round = 0;
        self.app.metrics.round.store(0, Ordering::Relaxed);
        self.early.retain(|(h, _), _| *h > height);
        self.assembly.forget(height);
        self.app.tip.send_replace(header);
        tracing::debug!(height, round = %decided.round, block = %hash, transactions = header.count, "block committed");
        Ok(())
    }

    /// Reports validators that were caught signing two votes or two proposals.
    fn report(&self, evidence: &MisbehaviorEvidence<Ctx>) {
        for (validator, pairs) in &evidence.votes {
            Metrics::one(&self.app.metrics.two_votes);
            tracing::error!(target: "audit", %validator, times = pairs.len(), "a validator signed two votes in one round");
        }
        for (validator, pairs) in &evidence.proposals {
            Metrics::one(&self.app.metrics.two_proposals);
            tracing::error!(target: "audit", %validator, times = pairs.len(), "a validator signed two proposals in one round");
        }
    }

    /// The next height begins when there is something to decide, when another validator has begun,
    /// or after a pause: an idle ledger makes a block now and then, not a hundred a second.
    fn go_on(&mut self, height: Height, reply: Reply<Next<Ctx>>) {
        while self.pauses.try_join_next().is_some() {}
        let next = self.next();
        // The block was decided but not committed here: Malachite begins the height again.
        if next <= height {
            send(reply, Next::Restart(height, self.params()));
            return;
        }
        let tip = *self.app.tip.borrow();
        // The next block may have been fetched before Malachite is done with this one.
        let after = |(fetched, hash)| fetched > tip.height || hash == tip.hash();
        let catching_up = self.fetched.is_some_and(after);
        let (chain, clock, arrived) =
            (self.app.chain.clone(), self.app.clock.clone(), self.app.arrived.clone());
        let (mut begun, pause, params) = (self.begun.subscribe(), self.app.idle, self.params());
        self.pauses.spawn(async move {
            // Not past the beginning of an epoch: its bundle needs a block, whether or not a
            // transaction waits.
            let pause = tokio::time::sleep(pause.min(until_epoch(&chain, &clock)));
            tokio::pin!(pause);
            while !catching_up && !chain.due(clock()) && *begun.borrow_and_update() < next.0 {
                tokio::select! {
                    () = arrived.notified() => {}
                    // The loop has ended, and with it the task that the answer is for.
                    changed = begun.changed() => if changed.is_err() { return },
                    () = &mut pause => break,
                }
            }
            send(reply, Next::Start(next, params));
        });
    }

    /// Sends a block again: an earlier block as our own proposal, or another validator's with its
    /// proposer's signature.
    async fn restream(
        &mut self,
        height: Height,
        round: Round,
        valid_round: Round,
        proposer: Address,
        hash: BlockHash,
    ) -> Result<(), Error> {
        let chain = self.app.chain.clone();
        let kept = blocking(move || -> Result<_, Fault> {
            Ok((chain.undecided(height.0, hash)?, chain.proposals(height.0)?))
        });
        let (Some(block), proposals) = kept.await?? else { return Ok(()) };
        if proposer.0 == self.app.secret.key() {
            // The announcement names the round and the valid round, so it is signed for these.
            let (init, bytes) = self.announce(height, round, valid_round, &block);
            if let Some(n) = round.as_u32() {
                self.keep(&block, n, init.to_bytes()).await?;
            }
            self.publish(init, &bytes).await;
            return Ok(());
        }
        // Only its proposer can sign an announcement: the kept one is sent as it came.
        let note = proposals.iter().find(|p| Round::new(p.round) == round && p.block == hash);
        if let Some(init) = note.and_then(|p| Init::from_bytes(&p.note).ok()) {
            self.publish(init, &block.to_bytes()).await;
        }
        Ok(())
    }
}

/// Time until the next epoch begins.
fn until_epoch(chain: &Chain, clock: &Clock) -> Duration {
    let (genesis, now) = (chain.genesis(), clock());
    let length = u64::from(genesis.spec().epoch_seconds);
    // Before the genesis starts there is no epoch: the first one begins at the start.
    let next = genesis.epoch_of(now).map_or(0, |epoch| epoch.saturating_add(1));
    let begins = genesis.start().seconds().saturating_add(next.saturating_mul(length));
    Duration::from_secs(begins.saturating_sub(now.seconds()))
}

/// Answers Malachite. If the asking task has gone, the next message says whether all of Malachite
/// has.
fn send<T>(reply: Reply<T>, value: T) {
    let _ = reply.send(value);
}

/// Runs what takes long off the reactor.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    Ok(tokio::task::spawn_blocking(run).await?)
}

#[cfg(test)]
mod tests;
