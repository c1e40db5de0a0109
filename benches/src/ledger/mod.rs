//! What proofs cost a ledger and what they buy, beside the same ledger without them and a server of
//! the usual kind.
//!
//! [`run()`] measures and returns a [`file::LedgerReport`], plain data that is kept as JSON;
//! [`page()`] shows it to a person. What is measured implements one trait, in `system`; `load`
//! offers requests at times fixed beforehand; `fixture` keeps the proofs, which are made by the
//! real prover, each of another use; `outage` kills nodes and `attacks` makes attacks. Several
//! validators (`validators`, feature `bft`) are processes of this machine. What is not run is said
//! in the report, and nothing is claimed of it.

mod attacks;
mod central;
mod child;
mod embedded;
pub mod file;
mod fixture;
mod founder;
mod load;
mod open;
mod order;
mod outage;
mod page;
mod steps;
mod system;
mod validators;

pub use child::answer_if_asked;
pub use page::page;

use crate::report::world::rng;
use crate::report::{self, Outcome};
use amanat_domain::statement::Statement;
use amanat_ledger::{Solo, Storage, decode};
use amanat_profile::Watcher;
use amanat_profile::stats::Stat;
use amanat_prover::keys::Keys;
use child::speed;
use file::{
    BackendSpeed, Batch, Burst, Bytes, Kind, LedgerReport, Load, Machine, Memory, Outage, SCHEMA, Scale,
    Settings, Steps, System, VERSION, Validators,
};
use fixture::{Fixture, tell};
use load::{Callers, burst, drive, latency, poisson};
use order::{BackendFigures, Order, Site, ask};
use redb::Database;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Callers that hand in at the same time: while one waits for the disk, another's requests are
/// verified.
const CALLERS: usize = 2;

/// What is measured, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Distinct access proofs; the longest run of a system that takes proofs.
    pub proofs: usize,
    /// The longest run of a system that takes none.
    pub requests: usize,
    /// Runs of each measurement.
    pub rounds: usize,
    /// Most requests handed in together, unless that number is varied.
    pub batch: usize,
    /// Sizes of a batch.
    pub batches: Vec<usize>,
    /// Numbers of organisations.
    pub organisations: Vec<usize>,
    /// Proofs for each number of organisations: a proof is bound to its ledger, so each needs its
    /// own.
    pub proofs_each: usize,
    /// Sizes of a burst.
    pub bursts: Vec<usize>,
    /// Offered load, as shares of the most that was reached.
    pub shares: Vec<f64>,
    /// Numbers of validators, if the build has the consensus for several.
    pub validators: Vec<usize>,
    /// Requests after which memory of validators is measured; 0: it is not.
    pub long: usize,
    /// Only the validators.
    pub only_validators: bool,
    /// Seconds of a run under load, if there are requests enough.
    pub seconds: f64,
    /// How long a killed node stays away.
    pub away: Duration,
    /// Money for an hour of one core.
    pub price: f64,
    /// Its currency.
    pub currency: String,
    /// Whether the runs are fewer and shorter than for published tables.
    pub quick: bool,
    /// Keys are kept below this folder between runs.
    pub dir: PathBuf,
    /// Ledgers and proofs are kept here between runs.
    pub cache: PathBuf,
    /// How to do it again.
    pub command: String,
}

impl Options {
    /// What the published tables are made with.
    #[must_use]
    pub fn full(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        Self {
            proofs: 512,
            requests: 4096,
            rounds: 3,
            batch: 256,
            batches: vec![16, 64, 256, 1024],
            organisations: vec![1, 8, 64, 512],
            proofs_each: 64,
            bursts: vec![64, 256, 1024],
            shares: vec![0.2, 0.5, 0.8, 0.95, 1.1],
            validators: vec![1, 4, 7],
            long: 0,
            only_validators: false,
            seconds: 3.0,
            away: Duration::from_secs(2),
            price: 0.04,
            currency: amanat_profile::CURRENCY.to_owned(),
            quick: false,
            cache: dir.join("ledger-bench"),
            dir,
            command: String::new(),
        }
    }

    /// A first impression.
    #[must_use]
    pub fn quick(dir: impl Into<PathBuf>) -> Self {
        Self {
            proofs: 64,
            requests: 512,
            rounds: 1,
            batches: vec![16, 64],
            organisations: vec![1, 8],
            proofs_each: 32,
            bursts: vec![64],
            shares: vec![0.3, 0.8],
            validators: vec![1, 4],
            seconds: 1.0,
            away: Duration::from_millis(500),
            quick: true,
            ..Self::full(dir)
        }
    }

    fn callers(&self) -> Callers {
        Callers { number: CALLERS, batch: self.batch }
    }

    /// Steps between two words to the watcher.
    fn steps(&self) -> u64 {
        let each = 3 + self.shares.len() + self.batches.len() + self.bursts.len();
        let others = backends().len() + self.organisations.len() * Kind::ALL.len() + 4;
        let validators = 2 * self.validators.len();
        (if self.only_validators { validators } else { each * Kind::ALL.len() + others + validators }) as u64
    }
}

/// Backends of processors, which verify.
fn backends() -> Vec<&'static str> {
    let all = amanat_accel::all().iter().map(|backend| backend.name());
    all.filter(|name| !matches!(*name, "gpu" | "emulated")).collect()
}

/// Measures everything.
///
/// # Errors
/// [`amanat_profile::Stopped`]; if a folder cannot be written, a good request is refused, or an
/// attack ends otherwise than promised.
pub fn run(options: &Options, watcher: &dyn Watcher) -> Outcome<LedgerReport> {
    let machine = machine(&options.command);
    std::fs::create_dir_all(&options.cache)?;
    let work = tempfile::tempdir_in(&options.cache)?;
    let mut run = Run { options, watcher, work, done: 0, of: options.steps(), keys: Keys::new() };
    for statement in [Statement::Grant, Statement::Access] {
        let key = report::load_key(&options.dir, statement, &|what| watcher.at(run.done, run.of, what))?;
        run.keys.insert(key);
    }
    let settings = |proofs: usize| -> Outcome<Settings> {
        Ok(Settings {
            command: options.command.clone(),
            rounds: u32::try_from(options.rounds)?,
            proofs: u32::try_from(proofs.min(options.proofs))?,
            requests: u32::try_from(options.requests)?,
            batch: u32::try_from(options.batch)?,
            callers: u32::try_from(CALLERS)?,
            validators: 1,
            price_per_core_hour: options.price,
            currency: options.currency.clone(),
            quick: options.quick,
        })
    };
    let mut report = LedgerReport {
        schema: SCHEMA.to_owned(),
        version: VERSION,
        machine,
        settings: settings(options.proofs)?,
        systems: Vec::new(),
        steps: Vec::new(),
        backends: Vec::new(),
        organisations: Vec::new(),
        outages: Vec::new(),
        attacks: Vec::new(),
        validators: Vec::new(),
        not_run: not_run(options),
    };
    if !options.only_validators {
        let fixture = run.fixture(1, options.proofs)?;
        report.settings = settings(fixture.proofs())?;
        let systems = Kind::ALL.into_iter().map(|kind| run.system(kind, &fixture));
        report.systems = systems.collect::<Outcome<Vec<_>>>()?;
        (report.steps, report.backends) = run.backends(&fixture)?;
        report.organisations = run.organisations()?;
        report.outages = run.outages(&fixture, &report.systems)?;
        run.step("attacks")?;
        report.attacks = attacks::attacks(&fixture, run.work.path())?;
    }
    report.validators = run.validators()?;
    Ok(report)
}

fn not_run(options: &Options) -> Vec<String> {
    let mut all = vec![
        "HTTP: requests are handed in by calls in the same process (by a pipe where a node is killed, or there are several).".to_owned(),
        "Accesses by clinicians of several organisations: the proofs are one clinician's. A validator cannot tell, and does the same work."
            .to_owned(),
    ];
    if cfg!(feature = "bft") {
        all.push(
            "Validators on separate machines: here all share the processors and a network without distance."
                .to_owned(),
        );
    } else {
        all.push("Several validators: this build has the backend for one (feature `bft`). Nothing here says what agreement costs.".to_owned());
    }
    if options.only_validators {
        all.push("Everything but the validators: that was asked for.".to_owned());
    }
    all
}

fn machine(command: &str) -> Machine {
    let here = amanat_profile::Machine::here(command);
    Machine {
        cpu: here.cpu,
        threads: u32::try_from(here.threads).unwrap_or(u32::MAX),
        system: here.system,
        backend: here.backend.to_owned(),
        load: here.load,
        time: here.time,
    }
}

struct Run<'a> {
    options: &'a Options,
    watcher: &'a dyn Watcher,
    work: TempDir,
    done: u64,
    of: u64,
    keys: Keys,
}

impl Run<'_> {
    fn step(&mut self, now: &str) -> Outcome<()> {
        tell(self.watcher, self.done, self.of, now)?;
        self.done += 1;
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.work.path().join("run.redb")
    }

    fn site(&self, fixture: &Fixture) -> Site {
        Site {
            folder: fixture.folder().to_owned(),
            organisations: fixture.organisations(),
            file: self.work.path().join("child.redb"),
        }
    }

    fn fixture(&self, organisations: usize, proofs: usize) -> Outcome<Fixture> {
        let say = |now: &str| tell(self.watcher, self.done, self.of, now);
        Fixture::prepare((organisations, 0), proofs, &self.keys, &self.options.cache, &say)
    }

    /// Most requests of a run.
    fn supply(&self, kind: Kind) -> usize {
        match kind {
            Kind::Central | Kind::Signed => self.options.requests,
            Kind::Proofs | Kind::Blocks => self.options.proofs,
        }
    }

    fn system(&mut self, kind: Kind, fixture: &Fixture) -> Outcome<System> {
        let (options, name) = (self.options, kind.name());
        let requests = fixture.requests(kind, self.supply(kind));
        self.step(&format!("{name}: at most"))?;
        let most = speed(kind, fixture, &requests, options.callers(), options.rounds, &self.file())?;
        let mut load = Vec::new();
        for share in &options.shares {
            let rate = most.per_second.median * share;
            self.step(&format!("{name}: {rate:.0} a second"))?;
            load.push(self.load(kind, fixture, &requests, rate)?);
        }
        let mut batches = Vec::new();
        for size in &options.batches {
            self.step(&format!("{name}: batches of {size}"))?;
            // At least four batches, so that it is not the first alone that is measured.
            if size * 2 > requests.len() && batches.len() > 1 {
                continue;
            }
            let callers = Callers { number: 1, batch: *size };
            let speed = speed(kind, fixture, &requests, callers, options.rounds, &self.file())?;
            batches.push(Batch { size: u32::try_from(*size)?, per_second: speed.per_second });
        }
        let mut bursts = Vec::new();
        for size in &options.bursts {
            self.step(&format!("{name}: {size} at once"))?;
            if let Some(some) = requests.get(..*size) {
                bursts.push(self.burst(kind, fixture, some)?);
            }
        }
        self.step(&format!("{name}: memory"))?;
        let memory = self.memory(kind, fixture)?;
        self.step(&format!("{name}: bytes"))?;
        let bytes = self.bytes(kind, fixture, &requests)?;
        Ok(System { kind, most, load, batches, bursts, memory, bytes })
    }

    fn load(&self, kind: Kind, fixture: &Fixture, requests: &[Vec<u8>], rate: f64) -> Outcome<Load> {
        let n = ((rate * self.options.seconds) as usize).clamp(1, requests.len());
        let (mut latencies, mut achieved) = (Vec::new(), Vec::new());
        for round in 0..self.options.rounds {
            fixture.copy(kind, &self.file())?;
            let system = open::open(kind, &self.file())?;
            let times = poisson(rate, n, &mut rng(round as u64));
            let driven = drive(&*system, &requests[..n], &times, self.options.callers())?;
            achieved.push(n as f64 / driven.wall);
            latencies.extend(driven.latencies);
        }
        latencies.sort_by(f64::total_cmp);
        let achieved = Stat::of(&achieved).ok_or("at least one round")?.median;
        Ok(Load { offered: rate, achieved, requests: u32::try_from(n)?, latency: latency(&latencies) })
    }

    fn burst(&self, kind: Kind, fixture: &Fixture, requests: &[Vec<u8>]) -> Outcome<Burst> {
        let (mut latencies, mut drained) = (Vec::new(), Vec::new());
        for _ in 0..self.options.rounds {
            fixture.copy(kind, &self.file())?;
            let system = open::open(kind, &self.file())?;
            // Devices are silent, then all speak.
            std::thread::sleep(Duration::from_millis(200));
            let driven = drive(&*system, requests, &burst(requests.len()), self.options.callers())?;
            drained.push(driven.wall);
            latencies.extend(driven.latencies);
        }
        latencies.sort_by(f64::total_cmp);
        let drained = Stat::of(&drained).ok_or("at least one round")?;
        Ok(Burst { size: u32::try_from(requests.len())?, drained, latency: latency(&latencies) })
    }

    fn memory(&self, kind: Kind, fixture: &Fixture) -> Outcome<Option<Memory>> {
        ask(
            &Order::Memory {
                kind,
                site: self.site(fixture),
                requests: self.supply(kind),
                callers: CALLERS,
                batch: self.options.batch,
            },
            None,
        )
    }

    fn bytes(&self, kind: Kind, fixture: &Fixture, requests: &[Vec<u8>]) -> Outcome<Bytes> {
        let file = self.file();
        fixture.copy(kind, &file)?;
        let before = stored(&file)?;
        let system = open::open(kind, &file)?;
        drive(&*system, requests, &burst(requests.len()), Callers { number: 1, batch: self.options.batch })?;
        drop(system);
        let grown = stored(&file)?.saturating_sub(before) as f64 / requests.len() as f64;
        let first = requests.first().ok_or("some requests")?;
        let (receipt, inclusion) = match kind {
            // The number of its row.
            Kind::Central => (8, None),
            Kind::Signed | Kind::Proofs | Kind::Blocks => {
                let solo = Solo::open(Storage::File(file))?;
                let txid = decode(first)?.id();
                let receipt = solo.receipt(&txid)?.ok_or("it is on the ledger")?;
                let inclusion = solo.inclusion(&txid)?.ok_or("it is on the ledger")?;
                (receipt.to_bytes().len() as u64, Some(inclusion.to_bytes().len() as u64))
            }
        };
        Ok(Bytes { request: first.len() as u64, receipt, inclusion, stored: grown })
    }

    fn backends(&mut self, fixture: &Fixture) -> Outcome<(Vec<Steps>, Vec<BackendSpeed>)> {
        let (mut steps, mut speeds) = (Vec::new(), Vec::new());
        let own = amanat_accel::default_backend().name();
        for backend in backends() {
            self.step(&format!("steps with {backend}"))?;
            // Signatures and rules are the same with every backend.
            let kinds = if backend == own { Kind::ALL.to_vec() } else { vec![Kind::Proofs, Kind::Blocks] };
            let order = Order::Backend {
                kinds,
                site: self.site(fixture),
                block: self.options.batch.min(self.options.proofs),
                rounds: self.options.rounds,
            };
            let figures: BackendFigures = ask(&order, Some(backend))?;
            steps.extend(figures.steps);
            speeds.extend(figures.speeds);
        }
        Ok((steps, speeds))
    }

    fn organisations(&mut self) -> Outcome<Vec<Scale>> {
        let mut scales = Vec::new();
        for organisations in &self.options.organisations {
            let n = self.options.proofs_each;
            let fixture = self.fixture(*organisations, n)?;
            for kind in Kind::ALL {
                self.step(&format!("{}: {organisations} organisations", kind.name()))?;
                let requests = fixture.requests(kind, n);
                let speed = speed(
                    kind,
                    &fixture,
                    &requests,
                    self.options.callers(),
                    self.options.rounds,
                    &self.file(),
                )?;
                scales.push(Scale {
                    kind,
                    organisations: u32::try_from(*organisations)?,
                    requests: u32::try_from(n)?,
                    speed,
                });
            }
        }
        Ok(scales)
    }

    #[cfg(feature = "bft")]
    fn validators(&mut self) -> Outcome<Vec<Validators>> {
        let mut all = Vec::new();
        for validators in self.options.validators.clone() {
            let say = |now: &str| tell(self.watcher, self.done, self.of, now);
            let proofs = self.options.proofs;
            let fixture = Fixture::prepare((1, validators), proofs, &self.keys, &self.options.cache, &say)?;
            for kind in [Kind::Signed, Kind::Proofs] {
                self.step(&format!("{validators} validators: {}", kind.name()))?;
                let folder = self.work.path().join("validators");
                let watcher = (self.watcher, self.done, self.of);
                all.push(validators::measure(kind, validators, &fixture, self.options, &folder, watcher)?);
            }
        }
        Ok(all)
    }

    #[cfg(not(feature = "bft"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with the consensus for several")]
    fn validators(&mut self) -> Outcome<Vec<Validators>> {
        Ok(Vec::new())
    }

    /// The same load for all, so that what waits is the same: a tenth of what the ledger with
    /// proofs can take, or so little that the run outlasts the outage.
    fn outages(&mut self, fixture: &Fixture, systems: &[System]) -> Outcome<Vec<Outage>> {
        let proofs = systems.iter().find(|s| s.kind == Kind::Proofs).ok_or("it was measured")?;
        let n = self.options.proofs;
        let lasting = n as f64 / (3.0 * self.options.away.as_secs_f64());
        let rate = lasting.min(proofs.most.per_second.median / 4.0);
        let times = poisson(rate, n, &mut rng(7));
        let mut outages = Vec::new();
        for kind in [Kind::Central, Kind::Signed, Kind::Proofs] {
            self.step(&format!("{}: outage", kind.name()))?;
            let file = self.work.path().join("node.redb");
            fixture.copy(kind, &file)?;
            let requests = fixture.requests(kind, n);
            let outage =
                outage::outage(kind, &file, &requests, &times, self.options.away, self.options.batch)?;
            if outage.lost > 0 {
                return Err(
                    format!("{}: {} acknowledged requests were lost", kind.name(), outage.lost).into()
                );
            }
            outages.push(outage);
        }
        Ok(outages)
    }
}

/// Bytes in the tables of a closed file, without free pages.
fn stored(file: &Path) -> Outcome<u64> {
    let db = Database::open(file)?;
    let tx = db.begin_write()?;
    let bytes = tx.stats()?.stored_bytes();
    tx.abort()?;
    Ok(bytes)
}
