//! A cluster of processes in a folder, their lines, and what each serves.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// How long a failed test looks for the last words of a process that runs.
pub(super) const A_MOMENT: Duration = Duration::from_millis(500);
pub(super) const APART: u16 = 100;

/// The first HTTP port of a cluster of four whose twelve ports are free. It is below the system's
/// ephemeral ports.
pub(super) fn ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = (std::process::id() % 1000) as u16 * 7;
    for _ in 0..1000 {
        let slot = (process + NEXT.fetch_add(1, Ordering::Relaxed)) % 750;
        let first = 20_000 + slot / 25 * (4 * APART) + slot % 25 * 4;
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if (0..4).all(|k| [0, APART, 2 * APART].iter().all(|more| free(first + k + more))) {
            return first;
        }
    }
    panic!("no free ports");
}

/// A cluster's folder, thrown away.
pub(super) struct Cluster {
    pub(super) folder: tempfile::TempDir,
    pub(super) port: u16,
    /// Whether each validator has its own address.
    pub(super) apart: bool,
}

impl Cluster {
    pub(super) fn found() -> Self {
        let cluster =
            Self { folder: tempfile::tempdir().expect("a temporary directory"), port: ports(), apart: false };
        let port = cluster.port.to_string();
        cluster.ok(&["cluster", "init", &cluster.at(""), "--port", &port, "--epoch-seconds", "60"]);
        cluster
    }

    /// A path in the cluster's folder.
    pub(super) fn at(&self, name: &str) -> String {
        self.folder.path().join("c").join(name).display().to_string()
    }

    pub(super) fn config(&self, k: u16) -> String {
        self.at(&format!("validator-{k}/node.toml"))
    }

    pub(super) fn http(&self, k: u16) -> SocketAddr {
        match self.apart {
            true => ([10, 77, 0, k as u8], self.port).into(),
            false => ([127, 0, 0, 1], self.port + k - 1).into(),
        }
    }

    pub(super) fn url(&self, k: u16) -> String {
        format!("http://{}", self.http(k))
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = crate::home::command(self.folder.path(), args);
        command.env("AMANAT_HOME", self.at("operator")).env_remove("AMANAT_LOG");
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    pub(super) fn ok(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("UTF-8")
    }

    pub(super) fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).expect("one JSON document")
    }

    /// A command that must end by itself, within our patience, with exit code 1; gives its words.
    pub(super) fn fails(&self, args: &[&str]) -> String {
        let mut running = Running::start(self.command(args));
        let status = running.end();
        let words = running.errors();
        assert_eq!(status.code(), Some(1), "{args:?}: {words}");
        words
    }

    /// Starts a validator and waits until it listens.
    pub(super) fn node(&self, k: u16) -> Running {
        let mut node = Running::start(self.command(&["node", "--config", &self.config(k)]));
        node.line("listens on");
        node
    }

    /// Imports what was generated from a seed: transactions of several kinds. Gives the id of one
    /// that is on the ledger.
    pub(super) fn anchor(&self, seed: &str, at: u16) -> String {
        let data = self.at(&format!("data-{seed}"));
        self.ok(&["generate", &data, "--patients", "1", "--seed", seed]);
        self.ok(&["import", "--anchor", &data, "--node", &self.url(at)]);
        let tip = height(self.http(at));
        let heights = (1..=tip).rev().map(|h| h.to_string());
        let found = heights.into_iter().find_map(|h| {
            let block = self.json(&["ledger", "block", &h, "--node", &self.url(at)]);
            block["transactions"][0]["txid"].as_str().map(str::to_owned)
        });
        found.expect("a transaction was committed")
    }

    /// Waits until all of these have a height at which they are seen at once, and then have one
    /// tip.
    pub(super) fn one_tip(&self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let tip = (1..=4).map(|k| height(self.http(k))).max().expect("four");
            (1..=4).for_each(|k| reached(self.http(k), tip));
            let status = self.json(&["cluster", "status", &self.at("")]);
            let all = status["validators"].as_array().expect("a list");
            let of = |what: &str| all.iter().map(|v| v["status"][what].to_string()).collect::<BTreeSet<_>>();
            assert_eq!(all.len(), 4);
            if of("height").len() == 1 {
                assert_eq!(of("tip").len(), 1, "{status}");
                return;
            }
        }
        panic!("the validators are never seen at one height");
    }
}

/// A child process whose lines are read as they come. Killed when it is dropped.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) lines: Receiver<String>,
    pub(super) said: Vec<String>,
    pub(super) errors: Receiver<String>,
}

pub(super) fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let (out, err) = (child.stdout.take().expect("its output"), child.stderr.take().expect("its log"));
        Self { child, lines: lines(out), said: Vec::new(), errors: lines(err) }
    }

    /// Waits for a line with these words.
    pub(super) fn line(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let line = self.lines.recv_timeout(until.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| {
                panic!("no {words:?} in {:?}\n{}", self.said, self.errors_within(A_MOMENT))
            });
            let found = line.contains(words);
            self.said.push(line);
            if found {
                return;
            }
        }
    }

    /// Waits until it has said nothing for so long. Whether it still runs then.
    pub(super) fn falls_silent(&mut self, time: Duration) -> bool {
        loop {
            match self.lines.recv_timeout(time) {
                Ok(line) => self.said.push(line),
                Err(why) => return why == std::sync::mpsc::RecvTimeoutError::Timeout,
            }
        }
    }

    pub(super) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end. Its pipes close with it, and nothing else has them.
    pub(super) fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.said.push(line);
        }
        assert!(Instant::now() < until, "it does not end: {:?}\n{}", self.said, self.errors_within(A_MOMENT));
        self.child.wait().expect("its end")
    }

    pub(super) fn terminate(&mut self) {
        self.signal("-TERM");
        let status = self.end();
        assert!(status.success(), "{status}: {:?}\n{}", self.said, self.errors());
    }

    /// All that it wrote to standard error, once it has ended: the pipe closes with it.
    pub(super) fn errors(&self) -> String {
        self.errors_within(PATIENCE)
    }

    /// What it has written to standard error, until it writes nothing for so long.
    pub(super) fn errors_within(&self, silence: Duration) -> String {
        let mut words = String::new();
        while let Ok(line) = self.errors.recv_timeout(silence) {
            words += &line;
            words.push('\n');
        }
        words
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request whose answer ends the connection; `None` without an answer.
pub(super) fn get(at: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(at).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

pub(super) fn value(at: SocketAddr, path: &str) -> serde_json::Value {
    let (_, body) = get(at, path).expect("an answer");
    serde_json::from_str(&body).expect("JSON")
}

pub(super) fn height(at: SocketAddr) -> u64 {
    value(at, "/v1/status")["height"].as_u64().expect("a height")
}

pub(super) fn block_hash(at: SocketAddr, height: u64) -> String {
    value(at, &format!("/v1/blocks/{height}"))["header"]["hash"].as_str().expect("a hash").to_owned()
}

/// Waits until a validator has a block of this height: its events tell.
pub(super) fn reached(at: SocketAddr, height: u64) {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    write!(stream, "GET /v1/events?from=0 HTTP/1.1\r\nhost: {at}\r\n\r\n").expect("asked");
    let (began, mut seen) = (Instant::now(), None);
    for line in BufReader::new(stream).lines() {
        seen = line.expect("an event in time").strip_prefix("id: ").and_then(|id| id.parse().ok()).or(seen);
        if seen.is_some_and(|seen: u64| seen >= height) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{at} does not come to {height}: {seen:?}");
    }
    panic!("{at} ended its events at {seen:?}, not {height}");
}

/// Asks until readiness is as expected: 200, or 503 with this code. Gives the codes seen before.
pub(super) fn readiness(at: SocketAddr, expected: Option<&str>) -> BTreeSet<String> {
    let (began, mut seen) = (Instant::now(), BTreeSet::new());
    loop {
        let (status, body) = get(at, "/v1/ready").expect("an answer");
        let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let code = answer["error"]["code"].as_str();
        match (status, code, expected) {
            (200, _, None) => return seen,
            (503, Some(code), Some(expected)) if code == expected => return seen,
            (200, ..) => seen.insert("ready".to_owned()),
            (503, Some(code), _) => seen.insert(code.to_owned()),
            _ => panic!("{status} {body}"),
        };
        assert!(began.elapsed() < PATIENCE, "{at}: {seen:?}, expected {expected:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
