//! Validators as processes of this machine, and a client that hands requests to all of them.

use super::super::file::Kind;
use super::super::fixture::Fixture;
use super::super::order::{Order, Seat, command};
use super::super::system::{Done, System};
use super::node::Stats;
use crate::report::Outcome;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A cluster that does nothing for so long is broken.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Cluster {
    folder: PathBuf,
    ports: Vec<(u16, u16)>,
    batch: usize,
    nodes: Vec<Option<Node>>,
    next: AtomicUsize,
}

struct Node {
    child: Child,
    to: Mutex<ChildStdin>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

#[derive(Default)]
struct Heard {
    ready: bool,
    ended: bool,
    height: u64,
    stats: Option<Stats>,
    answers: BTreeMap<usize, Result<Done, String>>,
}

impl Cluster {
    /// Every validator over a copy of the same ledger.
    pub(super) fn start(fixture: &Fixture, validators: usize, folder: &Path, batch: usize) -> Outcome<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let mut cluster = Self {
            folder: folder.to_owned(),
            ports: free(validators)?,
            batch,
            nodes: (0..validators).map(|_| None).collect(),
            next: AtomicUsize::new(0),
        };
        for n in 0..validators {
            fixture.copy(Kind::Proofs, &cluster.file(n))?;
            cluster.launch(n, 0)?;
        }
        cluster.wait_all("readiness", |heard| heard.ready)?;
        Ok(cluster)
    }

    pub(super) fn file(&self, n: usize) -> PathBuf {
        self.folder.join(format!("ledger-{n}.redb"))
    }

    fn log(&self, n: usize) -> PathBuf {
        self.folder.join(format!("log-{n}"))
    }

    fn launch(&mut self, n: usize, ahead: i64) -> Outcome<()> {
        let seat = Seat {
            number: n,
            ports: self.ports.clone(),
            file: self.file(n),
            folder: self.log(n),
            batch: self.batch,
            ahead,
        };
        let mut child = command(&Order::Validator { seat }, None)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let to = Mutex::new(child.stdin.take().ok_or("its input is piped")?);
        let out = BufReader::new(child.stdout.take().ok_or("its output is piped")?);
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let ears = heard.clone();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                lock(&ears.0).hear(&line);
                ears.1.notify_all();
            }
            lock(&ears.0).ended = true;
            ears.1.notify_all();
        });
        self.nodes[n] = Some(Node { child, to, heard });
        Ok(())
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self, n: usize) -> Outcome<()> {
        let mut node = self.nodes[n].take().ok_or("it runs")?;
        node.child.kill()?;
        node.child.wait()?;
        Ok(())
    }

    /// Starts one over an empty disk, or rather over what all began with. Gives the seconds until
    /// it has what the others have, and the blocks.
    pub(super) fn join_late(&mut self, fixture: &Fixture, n: usize) -> Outcome<(u64, f64)> {
        fixture.copy(Kind::Proofs, &self.file(n))?;
        std::fs::remove_dir_all(self.log(n))?;
        let goal = self.height();
        let begun = Instant::now();
        self.launch(n, 1)?;
        let node = self.nodes[n].as_ref().ok_or("it was started")?;
        let from = node.wait("readiness", |heard| heard.ready.then_some(heard.height))?;
        node.wait("the others' height", |heard| (heard.height >= goal).then_some(()))?;
        Ok((goal.saturating_sub(from), begun.elapsed().as_secs_f64()))
    }

    fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flatten()
    }

    fn wait_all(&self, what: &str, there: impl Fn(&Heard) -> bool) -> Outcome<()> {
        self.running().try_for_each(|node| node.wait(what, |heard| there(heard).then_some(())))
    }

    /// Waits until all have the same height.
    pub(super) fn settle(&self) -> Outcome<u64> {
        let height = self.running().map(|node| lock(&node.heard.0).height).max().unwrap_or(0);
        self.wait_all("the same height", |heard| heard.height >= height)?;
        Ok(height)
    }

    /// Heights whose first round did not do, as the first of them counts.
    pub(super) fn late(&self) -> Outcome<u64> {
        Ok(self.stats()?.first().map_or(0, |stats| stats.late_heights))
    }

    /// What each has used.
    pub(super) fn stats(&self) -> Outcome<Vec<Stats>> {
        self.running()
            .map(|node| {
                lock(&node.heard.0).stats = None;
                node.tell("stats\n")?;
                node.wait("figures", |heard| heard.stats.take())
            })
            .collect()
    }
}

impl Node {
    fn tell(&self, words: &str) -> Outcome<()> {
        Ok(lock(&self.to).write_all(words.as_bytes())?)
    }

    fn wait<T>(&self, what: &str, mut look: impl FnMut(&mut Heard) -> Option<T>) -> Outcome<T> {
        let end = Instant::now() + PATIENCE;
        let mut heard = lock(&self.heard.0);
        loop {
            if let Some(seen) = look(&mut heard) {
                return Ok(seen);
            }
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|_| !heard.ended) else {
                return Err(format!("a validator at height {} does not come to {what}", heard.height).into());
            };
            heard = self.heard.1.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn submit(
        &self,
        numbers: std::ops::Range<usize>,
        requests: &[&[u8]],
    ) -> Outcome<Vec<Result<Done, String>>> {
        let mut words = String::new();
        for (number, request) in numbers.clone().zip(requests) {
            words.push_str(&format!("{number} {}\n", hex::encode(request)));
        }
        self.tell(&words)?;
        numbers.map(|number| self.wait("an answer", |heard| heard.answers.remove(&number))).collect()
    }
}

impl Heard {
    fn hear(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let (what, second, rest) = (words.next(), words.next(), words.next());
        let number = second.and_then(|word| word.parse().ok());
        match (what, number) {
            (Some("ready"), _) => self.ready = true,
            (Some("tip"), Some(height)) => self.height = height as u64,
            (Some("ack"), Some(number)) => drop(self.answers.insert(number, Ok(Done::Now))),
            (Some("before"), Some(number)) => drop(self.answers.insert(number, Ok(Done::Before))),
            (Some("no"), Some(number)) => {
                self.answers.insert(number, Err(rest.unwrap_or_default().to_owned()));
            }
            (Some("stats"), None) => {
                self.stats = line.strip_prefix("stats ").and_then(|text| serde_json::from_str(text).ok());
            }
            _ => {}
        }
    }
}

impl System for Cluster {
    /// Each call goes to another validator.
    fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>> {
        let nodes: Vec<&Node> = self.running().collect();
        let first = self.next.fetch_add(requests.len(), Ordering::Relaxed);
        let turn = first / requests.len().max(1);
        match nodes[turn % nodes.len()].submit(first..first + requests.len(), requests) {
            Ok(answers) => answers,
            Err(why) => vec![Err(why.to_string()); requests.len()],
        }
    }

    fn height(&self) -> u64 {
        self.running().map(|node| lock(&node.heard.0).height).max().unwrap_or(0)
    }

    fn holds(&self, _: &[u8]) -> Outcome<bool> {
        Err("the files are the validators'".into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in self.nodes.iter_mut().flatten() {
            drop(node.child.kill());
            drop(node.child.wait());
        }
    }
}

/// Ports that are free now.
fn free(validators: usize) -> Outcome<Vec<(u16, u16)>> {
    let listeners = (0..2 * validators).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    let ports = listeners.iter().map(|l| Ok(l.local_addr()?.port())).collect::<Outcome<Vec<_>>>()?;
    Ok(ports.chunks(2).map(|pair| (pair[0], pair[1])).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
