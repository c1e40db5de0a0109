//! A node is killed under load and comes back; its clients keep what they cannot hand in, and hand
//! it in then.

use super::file::{Kind, Outage};
use super::load::latency;
use super::open::open;
use super::order::{Order, command};
use crate::report::Outcome;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A client looks so often whether something has come.
const TICK: Duration = Duration::from_millis(1);
/// A node that says nothing for so long is broken.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node in a child process.
struct Node {
    child: Child,
    to: Option<ChildStdin>,
    heard: Receiver<(Instant, String)>,
}

impl Node {
    fn start(kind: Kind, file: &Path, batch: usize) -> Outcome<Self> {
        let order = Order::Node { kind, file: file.to_owned(), batch };
        let mut command = command(&order, None)?;
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let to = child.stdin.take();
        let out = child.stdout.take().ok_or("its output is piped")?;
        let (sender, heard) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, to, heard })
    }

    fn send(&mut self, number: usize, request: &[u8]) -> Outcome<()> {
        let to = self.to.as_mut().ok_or("the node is running")?;
        Ok(writeln!(to, "{number} {}", hex::encode(request))?)
    }

    /// SIGKILL; then what it had said before is all that it will ever have said.
    fn kill(mut self) -> Outcome<Vec<(Instant, String)>> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.heard.iter().collect())
    }

    fn stop(mut self) -> Outcome<()> {
        self.to = None;
        if self.child.wait()?.success() { Ok(()) } else { Err("the node did not end well".into()) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The client: what has come, what is handed in, what is durable.
struct Client<'a> {
    requests: &'a [Vec<u8>],
    times: &'a [Duration],
    begun: Instant,
    come: usize,
    queue: VecDeque<usize>,
    done: Vec<Option<Duration>>,
    answered: usize,
}

impl Client<'_> {
    fn collect(&mut self) {
        let come = self.times.partition_point(|t| *t <= self.begun.elapsed());
        self.queue.extend(self.come..come);
        self.come = come;
    }

    fn hear(&mut self, at: Instant, line: &str) -> Outcome<()> {
        let Some(number) = line.strip_prefix("ack ") else {
            return Err(format!("the node says: {line}").into());
        };
        let slot = self.done.get_mut(number.parse::<usize>()?).ok_or("an answer to nothing")?;
        if slot.is_none() {
            *slot = Some(at.duration_since(self.begun));
            self.answered += 1;
        }
        Ok(())
    }

    /// Hands in what has come and hears answers until `enough`.
    fn work(&mut self, node: &mut Node, enough: impl Fn(&Self) -> bool) -> Outcome<()> {
        let mut last = Instant::now();
        while !enough(self) {
            self.collect();
            while let Some(number) = self.queue.pop_front() {
                node.send(number, &self.requests[number])?;
            }
            if let Ok((at, line)) = node.heard.recv_timeout(TICK) {
                self.hear(at, &line)?;
                last = Instant::now();
            } else if last.elapsed() > PATIENCE {
                return Err("the node says nothing".into());
            }
        }
        Ok(())
    }
}

/// Kills a node when a third of the requests are durable, and starts it again `away` later.
pub(super) fn outage(
    kind: Kind,
    file: &Path,
    requests: &[Vec<u8>],
    times: &[Duration],
    away: Duration,
    batch: usize,
) -> Outcome<Outage> {
    let mut node = Node::start(kind, file, batch)?;
    ready(&node)?;
    let n = requests.len();
    let mut client = Client {
        requests,
        times,
        begun: Instant::now(),
        come: 0,
        queue: VecDeque::new(),
        done: vec![None; n],
        answered: 0,
    };
    client.work(&mut node, |client| client.answered * 3 >= n)?;
    let killed = Instant::now();
    for (at, line) in node.kill()? {
        client.hear(at, &line)?;
    }
    let acknowledged: Vec<usize> = (0..n).filter(|i| client.done[*i].is_some()).collect();
    // What was handed in and not answered may be durable or not: it is handed in again.
    client.queue = (0..client.come).filter(|i| client.done[*i].is_none()).collect();
    thread::sleep(away.saturating_sub(killed.elapsed()));

    let restarted = Instant::now();
    let mut node = Node::start(kind, file, batch)?;
    let healed = ready(&node)?;
    client.collect();
    let (queued, waiting) = (client.queue.len(), client.come);
    client.work(&mut node, |client| client.done[..waiting].iter().all(Option::is_some))?;
    let synchronised = client.done[..waiting].iter().flatten().max().copied().unwrap_or_default();
    client.work(&mut node, |client| client.answered == n)?;
    node.stop()?;

    let system = open(kind, file)?;
    let mut lost = 0;
    for i in &acknowledged {
        lost += u32::from(!system.holds(&requests[*i])?);
    }
    let mut latencies: Vec<f64> = client
        .done
        .iter()
        .zip(times)
        .filter_map(|(at, t)| Some(at.as_ref()?.saturating_sub(*t).as_secs_f64()))
        .collect();
    latencies.sort_by(f64::total_cmp);
    let whole = client.done.iter().flatten().max().copied().unwrap_or_default().as_secs_f64();
    let down = healed.duration_since(killed).as_secs_f64();
    let span = times.last().map_or(0.0, Duration::as_secs_f64);
    Ok(Outage {
        kind,
        offered: n as f64 / span.max(f64::MIN_POSITIVE),
        requests: u32::try_from(n)?,
        acknowledged: u32::try_from(acknowledged.len())?,
        lost,
        queued: u32::try_from(queued)?,
        away: restarted.duration_since(killed).as_secs_f64(),
        opening: healed.duration_since(restarted).as_secs_f64(),
        synchronised: (client.begun + synchronised).saturating_duration_since(healed).as_secs_f64(),
        available: 1.0 - (down / whole.max(down)).min(1.0),
        latency: latency(&latencies),
    })
}

/// When the node says that it takes requests.
fn ready(node: &Node) -> Outcome<Instant> {
    let (at, line) = node.heard.recv_timeout(PATIENCE).map_err(|_| "the node does not start")?;
    if line == "ready" { Ok(at) } else { Err(format!("the node says: {line}").into()) }
}
