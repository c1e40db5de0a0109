//! A cluster of processes on this machine.

use crate::cluster::*;
use crate::node::NODE;
use crate::wires::{Mode, Wire};
use crate::world::*;
use amanat_domain::quorum::Certificate;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::TxId;
use amanat_ledger::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Validators as processes.
pub(crate) struct Processes {
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    /// The route from one validator to another, for consensus and for transactions. `None` if they
    /// reach each other directly.
    wires: BTreeMap<(u8, u8), [Wire; 2]>,
    now: AtomicU64,
    next: AtomicU64,
    pub(crate) nodes: Vec<Option<Process>>,
}

/// A validator's process.
pub(crate) struct Process {
    n: u8,
    log: PathBuf,
    child: Child,
    input: Mutex<ChildStdin>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

/// What a process has said.
#[derive(Default)]
pub(crate) struct Heard {
    height: u64,
    epoch: u64,
    answers: BTreeMap<u64, Answer>,
    replies: BTreeMap<u64, Option<Vec<u8>>>,
    ended: bool,
}

impl Processes {
    pub(crate) fn new(n: u8) -> Self {
        Self::of(n, &(0..n).collect::<Vec<u8>>())
    }

    /// Of n validators only these are started.
    pub(crate) fn of(n: u8, started: &[u8]) -> Self {
        let mut cluster = Self::stopped(n);
        started.iter().for_each(|n| cluster.start(*n));
        cluster
    }

    /// With a wire from each to each.
    pub(crate) fn wired(n: u8) -> Self {
        let mut cluster = Self::stopped(n);
        for (from, to) in (0..n).flat_map(|from| (0..n).map(move |to| (from, to))).filter(|(a, b)| a != b) {
            let at = 2 * to as usize;
            cluster.wires.insert((from, to), [at, at + 1].map(|port| Wire::to(cluster.ports[port])));
        }
        (0..n).for_each(|n| cluster.start(n));
        cluster
    }

    fn stopped(n: u8) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            ports: ports(2 * n as usize),
            wires: BTreeMap::new(),
            now: AtomicU64::new(at(1).seconds()),
            next: AtomicU64::new(1),
            nodes: (0..n).map(|_| None).collect(),
        }
    }

    /// Faults between two sets of validators, in both directions.
    pub(crate) fn part(&self, these: &[u8], those: &[u8], mode: Mode) {
        for ((from, to), wires) in &self.wires {
            let apart = |a, b| these.contains(a) && those.contains(b);
            if apart(from, to) || apart(to, from) {
                wires.iter().for_each(|wire| wire.set(mode));
            }
        }
    }

    /// What happens everywhere.
    pub(crate) fn each_way(&self, mode: Mode) {
        self.wires.values().flatten().for_each(|wire| wire.set(mode));
    }

    /// Takes away what a stopped validator has written of its votes.
    pub(crate) fn lose_log(&self, n: u8) {
        let folder = self.folder.path().join(format!("wal-{n}"));
        for entry in std::fs::read_dir(folder).expect("its log's folder") {
            std::fs::remove_file(entry.expect("a file").path()).expect("removed");
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::new(self.now.load(Ordering::SeqCst)).expect("was one")
    }

    pub(crate) fn path(&self, n: u8) -> PathBuf {
        self.folder.path().join(format!("ledger-{n}.redb"))
    }

    pub(crate) fn start(&mut self, n: u8) {
        self.start_with(n, None);
    }

    /// With a variable in its environment.
    pub(crate) fn start_with(&mut self, n: u8, variable: Option<(&str, &str)>) {
        self.launch(n, variable, None);
    }

    /// On a disk where no file can become larger than this, up to half a KiB.
    pub(crate) fn start_limited(&mut self, n: u8, bytes: u64) {
        self.launch(n, None, Some(bytes));
    }

    fn launch(&mut self, n: u8, variable: Option<(&str, &str)>, most: Option<u64>) {
        let words = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let mut via = self.ports.clone();
        for ((_, to), wires) in self.wires.iter().filter(|((from, _), _)| *from == n) {
            let at = 2 * *to as usize;
            (via[at], via[at + 1]) = (wires[0].port, wires[1].port);
        }
        let now = self.now.load(Ordering::SeqCst);
        let folder = self.folder.path().display();
        let args = format!("{n} {} {} {now} {folder}", words(&self.ports), words(&via));
        let log = self.folder.path().join(format!("node-{n}.log"));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let this = std::env::current_exe().expect("this binary");
        let mut command = match most {
            None => Command::new(this),
            Some(bytes) => {
                // A write beyond the limit fails, as on a full disk, if the signal for it is
                // ignored.
                let mut shell = Command::new("sh");
                let blocks = bytes.div_ceil(512).to_string();
                shell.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &blocks]).arg(this);
                shell
            }
        };
        let mut child = command
            .args(["--exact", "node::node", "--nocapture", "--test-threads=1"])
            .env(NODE, args)
            .envs(variable)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .expect("the validator starts");
        let input = Mutex::new(child.stdin.take().expect("piped"));
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let ears = heard.clone();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                ears.0.lock().unwrap_or_else(PoisonError::into_inner).hear(&line);
                ears.1.notify_all();
            }
            ears.0.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
            ears.1.notify_all();
        });
        self.nodes[n as usize] = Some(Process { n, log, child, input, heard });
    }

    pub(crate) fn node(&self, n: u8) -> &Process {
        self.nodes[n as usize].as_ref().expect("it runs")
    }

    fn running(&self) -> impl Iterator<Item = &Process> {
        self.nodes.iter().flatten()
    }

    /// SIGKILL. Gives what it had acknowledged.
    pub(crate) fn kill(&mut self, n: u8) -> Vec<(TxId, u64)> {
        let mut process = self.nodes[n as usize].take().expect("it runs");
        process.child.kill().expect("SIGKILL");
        process.child.wait().expect("reaped");
        process.wait("its end", |heard| heard.ended.then_some(()));
        process.acknowledged()
    }

    /// Waits until a process has ended by itself. Gives how, and what it had acknowledged.
    pub(crate) fn wait_end(&mut self, n: u8) -> (ExitStatus, Vec<(TxId, u64)>) {
        self.node(n).wait("its end", |heard| heard.ended.then_some(()));
        let mut process = self.nodes[n as usize].take().expect("it ran");
        (process.child.wait().expect("reaped"), process.acknowledged())
    }

    /// What a validator has logged, over all its starts.
    pub(crate) fn log(&self, n: u8) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("node-{n}.log"))).expect("it was started")
    }

    /// Sends a transaction to a validator that may be dying; gives the number of its answer.
    pub(crate) fn throw(&self, n: u8, tx: &[u8]) -> u64 {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        self.node(n).whisper(&format!("tx {seq} {}", hex::encode(tx)));
        seq
    }

    /// The clock of one, which may be dying.
    pub(crate) fn set_clock_of(&self, n: u8, now: Timestamp) {
        self.node(n).whisper(&format!("clock {}", now.seconds()));
    }

    /// The clock of validators that are started from now on.
    pub(crate) fn remember_clock(&self, now: Timestamp) {
        self.now.store(now.seconds(), Ordering::SeqCst);
    }

    /// Sends a transaction to a validator without waiting; gives the number of its answer.
    pub(crate) fn send(&self, n: u8, tx: &[u8]) -> u64 {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        self.node(n).tell(&format!("tx {seq} {}", hex::encode(tx)));
        seq
    }

    pub(crate) fn wait_height(&self, height: u64) {
        for process in self.running() {
            process.wait(&format!("height {height}"), |heard| (heard.height >= height).then_some(()));
        }
    }

    /// Waits until all have what any has. A block needs three of four: an answer does not
    /// say that the fourth has the block as well.
    pub(crate) fn wait_level(&self) {
        let highest = self.running().map(|process| process.height()).max();
        self.wait_height(highest.expect("one runs"));
    }

    fn ask(&self, what: &str, about: &str) -> Option<Vec<u8>> {
        let process = self.running().next().expect("one runs");
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        process.tell(&format!("{what} {seq} {about}"));
        process.wait(what, |heard| heard.replies.remove(&seq))
    }
}

impl Heard {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u64>().expect("a number");
        match words.as_slice() {
            ["tip", height, epoch] => (self.height, self.epoch) = (number(height), number(epoch)),
            ["answer", seq, how, rest @ ..] => {
                let at = || (rest[0].parse().expect("an id"), number(rest[1]));
                let answer = match *how {
                    "committed" => {
                        let (txid, height) = at();
                        Answer::Committed { txid, height }
                    }
                    "before" => {
                        let (txid, height) = at();
                        Answer::Before { txid, height }
                    }
                    _ => Answer::Refused(rest.join(" ")),
                };
                self.answers.insert(number(seq), answer);
            }
            ["reply", seq, bytes] => {
                let bytes = (*bytes != "-").then(|| hex::decode(bytes).expect("hex"));
                self.replies.insert(number(seq), bytes);
            }
            _ => {}
        }
    }
}

impl Process {
    pub(crate) fn tell(&self, line: &str) {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(input, "{line}").expect("it listens");
    }

    /// To one that may be dying.
    fn whisper(&self, line: &str) {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(input, "{line}");
    }

    /// A signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("a command of every Unix").success());
    }

    pub(crate) fn height(&self) -> u64 {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).height
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    pub(crate) fn answer(&self, seq: u64) -> Answer {
        self.wait("an answer", |heard| heard.answers.get(&seq).cloned())
    }

    /// The answer, if it comes within this.
    pub(crate) fn answer_within(&self, seq: u64, most: Duration) -> Option<Answer> {
        self.wait_within(most, |heard| heard.answers.get(&seq).cloned())
    }

    pub(crate) fn acknowledged(&self) -> Vec<(TxId, u64)> {
        let heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = heard.answers.values().filter_map(|answer| match answer {
            Answer::Committed { txid, height } | Answer::Before { txid, height } => Some((*txid, *height)),
            Answer::Refused(_) => None,
        });
        known.collect()
    }

    pub(crate) fn wait<T>(&self, what: &str, look: impl FnMut(&mut Heard) -> Option<T>) -> T {
        self.wait_within(PATIENCE, look).unwrap_or_else(|| {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let from = log.len().saturating_sub(4000);
            let tail = log.get(from..).unwrap_or_default();
            panic!(
                "validator {} at height {} does not come to {what}; its log ends:\n{tail}",
                self.n,
                self.height()
            )
        })
    }

    fn wait_within<T>(&self, most: Duration, mut look: impl FnMut(&mut Heard) -> Option<T>) -> Option<T> {
        let end = Instant::now() + most;
        let mut heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(seen) = look(&mut heard) {
                return Some(seen);
            }
            let left = end.checked_duration_since(Instant::now())?;
            let waited = self.heard.1.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in self.nodes.iter_mut().flatten() {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Ledger for Processes {
    fn genesis(&self) -> Arc<Genesis> {
        validated_genesis(self.nodes.len() as u8)
    }
    fn submit_all(&self, txs: &[Vec<u8>]) -> Vec<Answer> {
        let at = |i: usize| (i % self.nodes.len()) as u8;
        let sent: Vec<(u8, u64)> = (0..).zip(txs).map(|(i, tx)| (at(i), self.send(at(i), tx))).collect();
        sent.into_iter().map(|(n, seq)| self.node(n).answer(seq)).collect()
    }
    fn height(&self) -> u64 {
        self.running().map(Process::height).min().expect("some run")
    }
    fn block(&self, height: u64) -> Block {
        let bytes = self.ask("block", &height.to_string()).expect("there");
        Block::from_bytes(&bytes, usize::MAX).expect("a block")
    }
    fn certificate(&self, height: u64) -> Option<Certificate> {
        let bytes = self.ask("certificate", &height.to_string());
        bytes.map(|bytes| Certificate::from_bytes(&bytes).expect("a certificate"))
    }
    fn inclusion(&self, txid: &TxId) -> InclusionProof {
        let bytes = self.ask("inclusion", &txid.to_string()).expect("committed");
        InclusionProof::from_bytes(&bytes).expect("a proof")
    }
    fn prove(&self, entry: Entry) -> EntryProof {
        let Entry::Transaction(txid) = entry else { panic!("only transactions are asked for") };
        let bytes = self.ask("prove", &txid.to_string()).expect("a proof");
        EntryProof::from_bytes(&bytes).expect("a proof")
    }
    fn set_clock(&self, now: Timestamp) {
        self.now.store(now.seconds(), Ordering::SeqCst);
        self.running().for_each(|process| process.tell(&format!("clock {}", now.seconds())));
    }
    fn wait_epoch(&self, epoch: u64) {
        for process in self.running() {
            process.wait(&format!("epoch {epoch}"), |heard| (heard.epoch >= epoch).then_some(()));
        }
    }
    /// By SIGKILL: nothing else may be needed.
    fn restart(&mut self) {
        let n = self.nodes.len() as u8;
        (0..n).for_each(|n| drop(self.kill(n)));
        (0..n).for_each(|n| self.start(n));
    }
}
