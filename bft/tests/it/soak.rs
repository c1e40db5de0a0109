//! Load and failures of every kind, one after the other, drawn from a seed; everything is held
//! against what was promised at the end.
//!
//! A short one is a test. A longer one is a command:
//!
//! ```sh
//! AMANAT_SOAK_SECONDS=3600 AMANAT_SOAK_SEED=1 cargo test -p amanat-bft --features bft --test it soak::long -- --ignored --nocapture
//! ```

use crate::cluster::*;
use crate::partitions::{agree, measured};
use crate::processes::Processes;
use crate::wires::Mode;
use crate::world::*;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Transaction, TxId};
use amanat_ledger::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const VALIDATORS: u8 = 4;
/// Seconds of the validators' clocks in one real second: epochs begin, and learning ends, within
/// the time of a test.
const FAST: u64 = 10;
const TICK: Duration = Duration::from_millis(20);
/// Transactions a second, about.
const RATE: f64 = 30.0;
/// Transactions that wait at most: a slow machine is handed fewer, and not a queue that only grows.
const MAX_WAITING: usize = 240;
/// Longest time that anything may take, and the extra time for each block that may have to be
/// fetched.
const RECOVERY: Duration = Duration::from_secs(120);
/// Longer than any wait at the end of a run.
const A_DAY: Duration = Duration::from_secs(86_400);
const RECOVERY_OF_A_BLOCK: Duration = Duration::from_millis(50);
const HOUR: i64 = 3600;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Failure {
    OneKilled,
    TwoKilled,
    AllKilled,
    OneFrozen,
    OneCut,
    OneSilent,
    HalvesCut,
    HalvesSilent,
    SlowNetwork,
    SlowAndOneKilled,
    ClockAhead,
    ClockBehind,
    LogLost,
    DiskLost,
    DiskFull,
    DiesAtWork,
}

const FAILURES: [Failure; 16] = [
    Failure::OneKilled,
    Failure::TwoKilled,
    Failure::AllKilled,
    Failure::OneFrozen,
    Failure::OneCut,
    Failure::OneSilent,
    Failure::HalvesCut,
    Failure::HalvesSilent,
    Failure::SlowNetwork,
    Failure::SlowAndOneKilled,
    Failure::ClockAhead,
    Failure::ClockBehind,
    Failure::LogLost,
    Failure::DiskLost,
    Failure::DiskFull,
    Failure::DiesAtWork,
];

/// A transaction whose submitter waits.
struct Sent {
    tx: Arc<Transaction>,
    node: u8,
    seq: u64,
    since: Instant,
}

/// Two that spend the same nullifier, handed in at different validators at the same time.
struct Race {
    txs: [TxId; 2],
    committed: usize,
    refused: Vec<String>,
}

struct Soak {
    cluster: Processes,
    genesis: Arc<Genesis>,
    /// What fails, when and for how long: the same for the same seed, however fast the machine is.
    plan: ChaCha20Rng,
    /// The validator that is asked, and the time.
    rng: ChaCha20Rng,
    begun: Instant,
    /// By how much a clock is wrong, in seconds.
    skew: [i64; VALIDATORS as usize],
    frozen: Option<u8>,
    waiting: Vec<Sent>,
    /// Handed in at a validator that is gone: to be handed in again.
    again: Vec<Arc<Transaction>>,
    promised: BTreeMap<TxId, u64>,
    races: Vec<Race>,
    replica: State,
    subject: u64,
    next: Instant,
    told: Instant,
    /// When the cause of the last failure was gone.
    mended: Instant,
}

fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    rng.next_u32() as usize % n
}

fn seconds(rng: &mut ChaCha20Rng, least: f64, most: f64) -> Duration {
    Duration::from_secs_f64(least + (most - least) * f64::from(rng.next_u32()) / f64::from(u32::MAX))
}

/// Two validators.
fn two(rng: &mut ChaCha20Rng) -> [u8; 2] {
    let one = below(rng, VALIDATORS.into()) as u8;
    [one, (one + 1 + below(rng, usize::from(VALIDATORS) - 1) as u8) % VALIDATORS]
}

impl Soak {
    fn new(seed: u64) -> Self {
        let cluster = Processes::wired(VALIDATORS);
        let genesis = validated_genesis(VALIDATORS);
        let now = Instant::now();
        let mut soak = Self {
            replica: State::genesis(genesis.clone()),
            cluster,
            genesis,
            plan: ChaCha20Rng::seed_from_u64(seed),
            rng: ChaCha20Rng::seed_from_u64(seed ^ u64::MAX),
            begun: now,
            skew: [0; VALIDATORS as usize],
            frozen: None,
            waiting: Vec::new(),
            again: Vec::new(),
            promised: BTreeMap::new(),
            races: Vec::new(),
            subject: 1,
            next: now + A_DAY,
            told: now,
            mended: now,
        };
        for statement in Statement::ALL {
            let tx = key(statement).install(&soak.genesis, 0);
            soak.hand_in(Arc::new(tx), 0);
        }
        soak.until("the keys", |soak| soak.waiting.is_empty());
        // Only now: while more is handed in, something always waits.
        soak.next = Instant::now();
        soak
    }

    fn now(&self) -> u64 {
        epoch(1).seconds() + self.begun.elapsed().as_secs() * FAST
    }

    /// The validators that take transactions.
    fn open(&self) -> Vec<u8> {
        let open = |n: &u8| {
            self.frozen != Some(*n)
                && self.cluster.nodes[*n as usize].as_ref().is_some_and(|node| !node.has_ended())
        };
        (0..VALIDATORS).filter(open).collect()
    }

    fn hand_in(&mut self, tx: Arc<Transaction>, node: u8) {
        let seq = self.cluster.throw(node, &tx.to_bytes());
        self.waiting.push(Sent { tx, node, seq, since: Instant::now() });
    }

    /// A moment: clocks go on, answers are taken, transactions handed in.
    fn tick(&mut self) {
        std::thread::sleep(TICK);
        if self.told.elapsed() > Duration::from_millis(200) {
            self.told = Instant::now();
            self.cluster.remember_clock(Timestamp::new(self.now()).expect("a time"));
            for n in self.open() {
                let now = self.now().checked_add_signed(self.skew[n as usize]).expect("after 1970");
                self.cluster.set_clock_of(n, Timestamp::new(now).expect("a time"));
            }
        }
        let open = self.open();
        self.take_answers();
        if open.is_empty() {
            return;
        }
        for tx in std::mem::take(&mut self.again) {
            let node = open[below(&mut self.rng, open.len())];
            self.hand_in(tx, node);
        }
        if self.waiting.len() >= MAX_WAITING {
            self.next = self.next.max(Instant::now());
        }
        while self.next <= Instant::now() && self.waiting.len() < MAX_WAITING {
            let pause = seconds(&mut self.rng, 0.0, 2.0 / RATE);
            self.next += pause;
            let tx = enrol(&self.genesis, self.subject);
            self.subject += 1;
            let node = open[below(&mut self.rng, open.len())];
            self.hand_in(Arc::new(tx), node);
        }
    }

    fn take_answers(&mut self) {
        let mut still = Vec::new();
        for sent in std::mem::take(&mut self.waiting) {
            let Some(node) = self.cluster.nodes[sent.node as usize].as_ref() else {
                self.again.push(sent.tx);
                continue;
            };
            // In this order: what was said before the end counts.
            let ended = node.has_ended();
            match node.answer_within(sent.seq, Duration::ZERO) {
                Some(Answer::Committed { txid, height } | Answer::Before { txid, height }) => {
                    let before = self.promised.insert(txid, height);
                    assert!(before.is_none_or(|before| before == height), "{txid} is promised twice");
                    if let Some(race) = self.races.iter_mut().find(|race| race.txs.contains(&txid)) {
                        race.committed += usize::from(before.is_none());
                    }
                }
                Some(Answer::Refused(why)) => {
                    let id = sent.tx.id();
                    if let Some(race) = self.races.iter_mut().find(|race| race.txs.contains(&id)) {
                        race.refused.push(why);
                    } else {
                        // A validator that has stopped by itself takes nothing; others take
                        // everything.
                        assert!(
                            why.contains("reopen") || why.contains("stopped"),
                            "validator {}: {why}",
                            sent.node
                        );
                        self.again.push(sent.tx);
                    }
                }
                None if ended => self.again.push(sent.tx),
                None => still.push(sent),
            }
        }
        still.append(&mut self.waiting);
        self.waiting = still;
    }

    fn go_on(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.tick();
        }
    }

    fn until(&mut self, what: &str, there: impl Fn(&Self) -> bool) {
        let (begun, height) = (Instant::now(), self.heights().max().unwrap_or(0));
        let most = RECOVERY + RECOVERY_OF_A_BLOCK * u32::try_from(height).expect("not that high");
        while !there(self) {
            let waits =
                self.waiting.iter().map(|sent| (sent.node, sent.since.elapsed())).max_by_key(|(_, t)| *t);
            assert!(begun.elapsed() < most, "{what}: not after {most:?}; the oldest waits at {waits:?}");
            self.tick();
        }
    }

    fn heights(&self) -> impl Iterator<Item = u64> {
        self.cluster.nodes.iter().map(|node| node.as_ref().map_or(0, |node| node.height()))
    }

    fn kill(&mut self, n: u8) {
        // Answers that came before are promises, and not forgotten with the process.
        self.take_answers();
        let kept = self.cluster.kill(n);
        for (txid, height) in kept {
            let before = self.promised.insert(txid, height);
            assert!(before.is_none_or(|before| before == height), "{txid} is promised twice");
        }
    }

    /// One failure from its beginning to its end.
    fn fail(&mut self, failure: Failure) {
        let (time, who) = (seconds(&mut self.plan, 0.5, 6.0), two(&mut self.plan));
        let (one, other) = (who[0], who[1]);
        let rest: Vec<u8> = (0..VALIDATORS).filter(|n| *n != one).collect();
        let halves: Vec<u8> = rest.iter().copied().filter(|n| *n != other).collect();
        let before = self.mended;
        match failure {
            Failure::OneKilled => self.down(&[one], time),
            Failure::TwoKilled => self.down(&[one, other], time),
            Failure::AllKilled => self.down(&[0, 1, 2, 3], time / 4),
            Failure::OneFrozen => {
                self.cluster.node(one).signal("STOP");
                self.frozen = Some(one);
                self.go_on(time);
                self.frozen = None;
                self.cluster.node(one).signal("CONT");
            }
            Failure::OneCut => self.part(&[one], &rest, Mode::Cut, time),
            Failure::OneSilent => self.part(&[one], &rest, Mode::Silent, time),
            Failure::HalvesCut => self.part(&who, &halves, Mode::Cut, time),
            Failure::HalvesSilent => self.part(&who, &halves, Mode::Silent, time),
            Failure::SlowNetwork | Failure::SlowAndOneKilled => {
                self.cluster.each_way(Mode::Slow { least_ms: 10, most_ms: 60, bytes: 300_000 });
                match failure {
                    Failure::SlowNetwork => self.go_on(time),
                    _ => self.down(&[one], time),
                }
                self.cluster.each_way(Mode::Through);
            }
            Failure::ClockAhead | Failure::ClockBehind => {
                self.skew[one as usize] = if failure == Failure::ClockAhead { HOUR } else { -HOUR };
                self.go_on(time);
                self.skew[one as usize] = 0;
            }
            Failure::LogLost | Failure::DiskLost => {
                self.kill(one);
                self.go_on(time / 2);
                self.cluster.lose_log(one);
                if failure == Failure::DiskLost {
                    std::fs::remove_file(self.cluster.path(one)).expect("its ledger");
                }
                let votes = |soak: &Self| soak.cluster.log(one).matches("it votes from now on").count();
                let before = votes(self);
                self.cluster.start(one);
                self.mended = Instant::now();
                self.until("voting again", |soak| votes(soak) > before);
            }
            Failure::DiskFull => {
                self.kill(one);
                let used = std::fs::metadata(self.cluster.path(one)).expect("its ledger").len();
                self.cluster.start_limited(one, used);
                self.go_on(time);
                self.down(&[one], time / 4);
            }
            Failure::DiesAtWork => {
                const POINTS: [&str; 6] = ["checked", "made", "kept", "validated", "decided", "committed"];
                let point = POINTS[below(&mut self.plan, POINTS.len())];
                self.kill(one);
                self.cluster.start_with(one, Some(("AMANAT_BFT_INSECURE_CRASH", &format!("{point}:1"))));
                self.until("its death", |soak| soak.cluster.node(one).has_ended());
                self.kill(one);
                self.go_on(time / 4);
                self.cluster.start(one);
            }
        }
        if self.mended == before {
            self.mended = Instant::now();
        }
    }

    fn down(&mut self, who: &[u8], time: Duration) {
        who.iter().for_each(|n| self.kill(*n));
        self.go_on(time);
        who.iter().for_each(|n| self.cluster.start(*n));
    }

    fn part(&mut self, these: &[u8], those: &[u8], mode: Mode, time: Duration) {
        self.cluster.part(these, those, mode);
        self.go_on(time);
        self.cluster.part(these, those, Mode::Through);
    }

    /// Until everybody has what anybody has, and answers. Gives the seconds since the cause was
    /// gone.
    fn recover(&mut self, failure: Failure) -> f64 {
        let goal = self.heights().max().expect("four");
        for n in 0..VALIDATORS {
            let tx = enrol(&self.genesis, self.subject);
            self.subject += 1;
            self.hand_in(Arc::new(tx), n);
        }
        let handed_in = Instant::now();
        self.until(&format!("after {failure:?}"), |soak| {
            soak.heights().all(|height| height >= goal)
                && soak.waiting.iter().all(|sent| sent.since > handed_in)
        });
        self.mended.elapsed().as_secs_f64()
    }

    /// Validates every new block, and lets two accesses race that spend the same nullifier.
    fn race(&mut self) {
        let height = self.cluster.height();
        while self.replica.tip().height < height {
            let block = self.cluster.block(self.replica.tip().height + 1);
            let delta = process_proposal(&self.replica, &block, &unknown).expect("every block is valid");
            self.replica.commit(delta);
        }
        if self.replica.latest_bundle().bundle.epoch == 0 {
            return;
        }
        let n = 2 * self.races.len() as u64;
        let spend = |request: u64| {
            let mut tx = claim(&self.replica, Statement::Access, request);
            tx.nf[0] = f(1_000_000 + n);
            tx.out[1] = f(2_000_000 + request);
            Arc::new(proved(tx))
        };
        let txs = [spend(n), spend(n + 1)];
        self.races.push(Race { txs: txs.each_ref().map(|tx| tx.id()), committed: 0, refused: Vec::new() });
        for (tx, node) in txs.into_iter().zip(two(&mut self.rng)) {
            self.hand_in(tx, node);
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Each failure once, and then whatever the seed says, for so long.
fn soak(seed: u64, time: Duration, failures: &[Failure]) {
    let mut soak = Soak::new(seed);
    let mut recoveries: BTreeMap<Failure, Vec<f64>> = BTreeMap::new();
    let mut first = failures.to_vec();
    while soak.begun.elapsed() < time || !first.is_empty() {
        let failure = match first.is_empty() {
            true => failures[below(&mut soak.plan, failures.len())],
            false => first.remove(below(&mut soak.plan, first.len())),
        };
        soak.race();
        soak.fail(failure);
        let took = soak.recover(failure);
        recoveries.entry(failure).or_default().push(took);
        measured(&format!(
            "{:>6.0} s  {failure:<18?} recovered in {took:>5.1} s, height {}",
            soak.begun.elapsed().as_secs_f64(),
            soak.cluster.height()
        ));
        let calm = seconds(&mut soak.plan, 0.2, 1.5);
        soak.go_on(calm);
    }
    // Nothing more is handed in, so every answer can be waited for, however long each one takes.
    soak.next = Instant::now() + A_DAY;
    soak.until("every answer", |soak| soak.again.is_empty() && soak.waiting.is_empty());
    let (height, handed_in) = (soak.cluster.height(), soak.subject - 1);
    for n in 0..VALIDATORS {
        soak.kill(n);
        let log = soak.cluster.log(n);
        for word in ["signed two", "runs on two machines", "runs on another machine"] {
            assert!(!log.contains(word), "validator {n} caught somebody: {word}");
        }
    }
    let (store, _) = Store::open(Storage::File(soak.cluster.path(0))).expect("it opens");
    let there = |id: &&TxId| store.receipt(id).expect("no fault").is_some();
    let mut raced = 0;
    for race in &soak.races {
        // A transaction that was refused because another waits may find that the other went no
        // further.
        let won = race.txs.iter().filter(there).count();
        raced += won;
        assert!(
            won <= 1 && race.committed <= won,
            "a nullifier is spent twice, or not at all: {:?}",
            race.txs
        );
        // Otherwise their epoch ended first.
        assert!(won == 1 || race.refused.iter().all(|why| why.contains("epoch")), "{:?}", race.refused);
    }
    drop(store);
    measured(&format!(
        "seed {seed}: {:.0} s, {height} blocks, {handed_in} transactions handed in, {} promised, {raced} races with one winner of {}",
        soak.begun.elapsed().as_secs_f64(),
        soak.promised.len(),
        soak.races.len()
    ));
    measured("failure              times  median s  longest s");
    for (failure, seconds) in &recoveries {
        let most = seconds.iter().copied().fold(0.0, f64::max);
        measured(&format!(
            "{:<20} {:>5}  {:>8.1}  {most:>9.1}",
            format!("{failure:?}"),
            seconds.len(),
            median(seconds)
        ));
    }
    let promised = std::mem::take(&mut soak.promised);
    agree(soak.cluster, &promised);
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}

#[test]
fn a_short_one() {
    use Failure::*;
    soak(1, Duration::ZERO, &[TwoKilled, HalvesCut, OneFrozen, ClockAhead, LogLost, DiskFull]);
}

#[test]
#[ignore = "takes as long as it is told to"]
fn long() {
    let seconds = number("AMANAT_SOAK_SECONDS", 600);
    soak(number("AMANAT_SOAK_SEED", 1), Duration::from_secs(seconds), &FAILURES);
}
