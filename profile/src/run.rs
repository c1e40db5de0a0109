//! Measuring: all provers in turn on one job after another.

use crate::Outcome;
use crate::clock::{Elapsed, Mark, core_hertz};
use crate::energy::Rapl;
use crate::file::{
    self, Machine, PhaseTimes, Profile, Prover, Run, SCHEMA, Settings, Subject, Times, VERSION,
};
use crate::job::{Job, Loaded, Timed};
use crate::limit::{self, Floor, Model};
use crate::memory;
use crate::peers::{Arkworks, LoadedPeer, Peer};
use crate::stats::Stat;
use crate::subject::{Prepared, Source};
use crate::threads::pool;
use crate::watcher::{Stopped, Watcher};
use amanat_accel::{Backend, TableMemory};
use rayon::ThreadPool;
use std::path::PathBuf;

/// What is measured, and how.
#[derive(Clone)]
pub struct Options {
    /// On what.
    pub sources: Vec<Source>,
    /// With which of our backends.
    pub backends: Vec<&'static dyn Backend>,
    /// Whether arkworks is measured beside them.
    pub arkworks: bool,
    /// Numbers of threads.
    pub threads: Vec<usize>,
    /// Numbers of threads for peers.
    pub peer_threads: Vec<usize>,
    /// Rounds that count; one more comes first.
    pub rounds: usize,
    /// What a backend may spend on tables.
    pub tables: TableMemory,
    /// Whether memory is measured too, in child processes.
    pub memory: bool,
    /// Money for an hour of one core.
    pub price: f64,
    /// Its currency.
    pub currency: String,
    /// Keys are kept below this folder between runs.
    pub dir: PathBuf,
    /// How to do it again.
    pub command: String,
}

/// Measures everything. Peers are given the files of the Merkle subjects.
///
/// ```no_run
/// # struct Quiet;
/// # impl amanat_profile::Watcher for Quiet {
/// #     fn at(&self, _: u64, _: u64, _: &str) {}
/// #     fn stopped(&self) -> bool { false }
/// # }
/// # fn main() -> amanat_profile::Outcome<()> {
/// use amanat_accel::{TableMemory, default_backend};
/// use amanat_profile::{CURRENCY, Options, run, subject::Source};
/// let options = Options {
///     sources: vec![Source::Merkle(15)], backends: vec![default_backend()], arkworks: true,
///     threads: vec![1], peer_threads: vec![1], rounds: 5, tables: TableMemory::Plain,
///     memory: false, price: 0.04, currency: CURRENCY.into(), dir: "keys".into(),
///     command: "my-bench".into(),
/// };
/// let profile = run(&options, &[], &Quiet)?;
/// std::fs::write("profile.json", profile.to_json()?)?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Stopped`]; if a folder cannot be written, a prover fails or a proof does not verify.
pub fn run(options: &Options, peers: &[&dyn Peer], watcher: &dyn Watcher) -> Outcome<Profile> {
    let rapl = Rapl::here();
    let mut plan =
        Plan { options, peers, watcher, done: 0, of: 0, rapl: rapl.as_ref().ok(), hertz: core_hertz() };
    plan.of = options.sources.iter().map(|source| plan.units(*source)).sum();
    let mut machine = machine(&plan);
    if let Err(why) = &rapl {
        machine.energy.clone_from(why);
    }
    let subjects = options.sources.iter().map(|source| plan.subject(*source)).collect::<Outcome<Vec<_>>>()?;
    let model = Model::here();
    Ok(Profile {
        schema: SCHEMA.to_owned(),
        version: VERSION,
        machine,
        settings: Settings {
            command: options.command.clone(),
            rounds: u32::try_from(options.rounds)?,
            price_per_core_hour: options.price,
            currency: options.currency.clone(),
            limit: file::Limit { model: model.name.to_owned(), cycles_per_product: model.product },
        },
        subjects,
    })
}

fn machine(plan: &Plan<'_>) -> Machine {
    let here = crate::machine::Machine::here(&plan.options.command);
    Machine {
        cpu: here.cpu,
        features: limit::features(),
        threads: u32::try_from(here.threads).unwrap_or(u32::MAX),
        system: here.system,
        clock_ghz: (plan.hertz / 1e7).round() / 100.0,
        load: here.load,
        energy: "measured by the processor's own counters, whole packages".to_owned(),
        time: here.time,
    }
}

struct Plan<'a> {
    options: &'a Options,
    peers: &'a [&'a dyn Peer],
    watcher: &'a dyn Watcher,
    done: u64,
    of: u64,
    rapl: Option<&'a Rapl>,
    hertz: f64,
}

/// A prover with its threads, and what was measured of it.
struct Contender<'a> {
    name: String,
    peer: bool,
    work: Work<'a>,
    entries: Vec<Entry>,
}

enum Work<'a> {
    Ours(Box<Loaded>),
    Peer(Box<dyn LoadedPeer + 'a>),
}

/// The samples of one prover with a number of threads.
struct Entry {
    threads: usize,
    whole: Vec<Elapsed>,
    phases: Vec<(String, Option<amanat_accel::Phase>, Vec<Elapsed>)>,
    joules: Vec<f64>,
}

impl Plan<'_> {
    /// Units of work: a proof of arkworks for each row of the domain.
    fn units(&self, source: Source) -> u64 {
        let proofs = (self.options.rounds as u64 + 1) * self.entries(source) as u64;
        // Making a key is worth some proofs.
        (proofs + 4) * source.domain()
    }

    fn entries(&self, source: Source) -> usize {
        let peers = usize::from(self.options.arkworks)
            + if matches!(source, Source::Merkle(_)) { self.peers.len() } else { 0 };
        self.options.backends.len() * self.options.threads.len() + peers * self.options.peer_threads.len()
    }

    fn tell(&self, now: &str) -> Outcome<()> {
        self.watcher.at(self.done, self.of, now);
        if self.watcher.stopped() { Err(Stopped.into()) } else { Ok(()) }
    }

    fn subject(&mut self, source: Source) -> Outcome<Subject> {
        let say = |what: &str| self.watcher.at(self.done, self.of, &format!("{}: {what}", source.name()));
        let prepared = Prepared::new(source, &self.options.dir, &say, &|| self.watcher.stopped())?;
        self.tell(&format!("{}: laying it out", source.name()))?;
        self.done += 4 * source.domain();
        let job = &prepared.job;
        let floor = Floor::of(job);
        let mut contenders = self.contenders(&prepared)?;
        let witness = self.witness(&prepared)?;
        self.rounds(source, job, &mut contenders)?;
        let model = Model::here();
        let provers = contenders
            .into_iter()
            .map(|c| {
                let memory = self.memory(&prepared, &c)?;
                let limit = |phase| floor.seconds(phase, &model, self.hertz);
                let runs =
                    c.entries.iter().map(|e| e.finish(&witness, c.peer, &limit)).collect::<Option<Vec<_>>>();
                Ok(Prover { name: c.name, peer: c.peer, runs: runs.ok_or("nothing was measured")?, memory })
            })
            .collect::<Outcome<Vec<_>>>()?;
        Ok(Subject {
            name: source.name(),
            series: source.series(),
            about: prepared.about.clone(),
            rows: prepared.rows,
            domain: job.matrices.domain_size as u64,
            variables: job.matrices.num_variables as u64,
            used: prepared.density.used.map(|n| n as u64),
            terms: prepared.density.terms,
            provers,
        })
    }

    fn contenders<'p>(&self, prepared: &'p Prepared) -> Outcome<Vec<Contender<'p>>> {
        let entries = |threads: &[usize]| threads.iter().map(|n| Entry::new(*n)).collect::<Vec<_>>();
        let mut out = Vec::new();
        for backend in &self.options.backends {
            let loaded = prepared.job.load(*backend, self.options.tables);
            let entries = entries(&self.options.threads);
            out.push(Contender {
                name: backend.name().to_owned(),
                peer: false,
                work: Work::Ours(Box::new(loaded)),
                entries,
            });
        }
        if self.options.arkworks {
            let work = Work::Peer(Box::new(prepared.job.arkworks()));
            let entries = entries(&self.options.peer_threads);
            out.push(Contender { name: Arkworks::NAME.to_owned(), peer: true, work, entries });
        }
        for peer in self.peers {
            // A peer that takes no such key is not measured on it.
            let Some((zkey, wtns)) = &prepared.files else { continue };
            let work = Work::Peer(peer.load(zkey, wtns)?);
            let entries = entries(&self.options.peer_threads);
            out.push(Contender { name: peer.name().to_owned(), peer: true, work, entries });
        }
        Ok(out)
    }

    /// The assignment by one thread.
    fn witness(&self, prepared: &Prepared) -> Outcome<Vec<Elapsed>> {
        (0..=self.options.rounds)
            .map(|_| {
                let mark = Mark::now();
                let assignment = (prepared.assign)();
                let elapsed = mark.elapsed();
                let same = assignment == prepared.job.assignment;
                if same { Ok(elapsed) } else { Err("two walks over one witness differ".into()) }
            })
            .skip(1)
            .collect()
    }

    fn rounds(&mut self, source: Source, job: &Job, contenders: &mut [Contender<'_>]) -> Outcome<()> {
        let mut all: Vec<usize> =
            contenders.iter().flat_map(|c| c.entries.iter().map(|e| e.threads)).collect();
        all.sort_unstable();
        all.dedup();
        let pools = all.iter().map(|n| pool(*n)).collect::<Outcome<Vec<_>>>()?;
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (i, contender) in contenders.iter().enumerate() {
            order.extend((0..contender.entries.len()).map(|k| (i, k)));
        }
        for round in 0..=self.options.rounds {
            let turn = round % order.len().max(1);
            for (i, k) in order[turn..].iter().chain(&order[..turn]).copied() {
                let contender = &mut contenders[i];
                let (threads, rounds) = (contender.entries[k].threads, self.options.rounds);
                let what = format!(
                    "{}: {}, {threads} threads, round {round} of {rounds}",
                    source.name(),
                    contender.name
                );
                self.tell(&what)?;
                let pool = &pools[all.iter().position(|n| *n == threads).unwrap_or(0)];
                let before = self.rapl.and_then(Rapl::read);
                let timed = contender.work.prove(pool, self.watcher)?;
                let after = self.rapl.and_then(Rapl::read);
                if round == 0 && !job.verifies(&timed.proof)? {
                    return Err(format!(
                        "{} made a proof of {} that does not verify",
                        contender.name,
                        source.name()
                    )
                    .into());
                }
                if round > 0 {
                    contender.entries[k].push(&timed);
                    if let (Some(rapl), Some(before), Some(after)) = (self.rapl, before, after) {
                        contender.entries[k].joules.push(rapl.joules(&before, &after));
                    }
                }
                self.done += source.domain();
            }
        }
        Ok(())
    }

    fn memory(&self, prepared: &Prepared, contender: &Contender<'_>) -> Outcome<Option<file::Memory>> {
        if !self.options.memory {
            return Ok(None);
        }
        self.tell(&format!("{}: memory of {}", prepared.source.name(), contender.name))?;
        memory::peak(prepared, &contender.name, self.options.tables, &self.options.dir)
    }
}

impl Work<'_> {
    fn prove(&self, pool: &ThreadPool, watcher: &dyn Watcher) -> Outcome<Timed> {
        match self {
            Self::Ours(loaded) => pool
                .install(|| loaded.prove(&|| watcher.stopped()))
                .map_err(|error| if watcher.stopped() { Stopped.into() } else { error }),
            Self::Peer(peer) => {
                let (proof, whole) = pool.install(|| {
                    let mark = Mark::now();
                    let proof = peer.prove();
                    (proof, mark.elapsed())
                });
                Ok(Timed { proof: proof?, whole, phases: Vec::new() })
            }
        }
    }
}

impl Entry {
    fn new(threads: usize) -> Self {
        Self { threads, whole: Vec::new(), phases: Vec::new(), joules: Vec::new() }
    }

    fn push(&mut self, timed: &Timed) {
        self.whole.push(timed.whole);
        for (phase, elapsed) in &timed.phases {
            let label = phase.map_or("rest", |phase| phase.label());
            match self.phases.iter_mut().find(|(name, ..)| name == label) {
                Some((.., samples)) => samples.push(*elapsed),
                None => self.phases.push((label.to_owned(), *phase, vec![*elapsed])),
            }
        }
    }

    fn finish(
        &self,
        witness: &[Elapsed],
        peer: bool,
        limit: &dyn Fn(amanat_accel::Phase) -> Option<f64>,
    ) -> Option<Run> {
        let mut phases = Vec::new();
        if !peer {
            phases.push(PhaseTimes { phase: "witness".into(), times: times(witness)?, limit: None });
            for (label, phase, samples) in &self.phases {
                let limit = phase.and_then(limit);
                phases.push(PhaseTimes { phase: label.clone(), times: times(samples)?, limit });
            }
        }
        let threads = u32::try_from(self.threads).ok()?;
        Some(Run { threads, whole: times(&self.whole)?, joules: Stat::of(&self.joules), phases })
    }
}

fn times(samples: &[Elapsed]) -> Option<Times> {
    let of = |figure: fn(&Elapsed) -> f64| Stat::of(&samples.iter().map(figure).collect::<Vec<_>>());
    Some(Times { wall: of(|e| e.wall)?, cpu: of(|e| e.cpu)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Notes how far it came, and stops after `calls` calls.
    struct Noting {
        last: Mutex<(u64, u64)>,
        calls_left: AtomicU64,
    }

    impl Noting {
        fn new(calls: u64) -> Self {
            Self { last: Mutex::new((0, 0)), calls_left: AtomicU64::new(calls) }
        }
    }

    impl Watcher for Noting {
        fn at(&self, done: u64, of: u64, _: &str) {
            let mut last = self.last.lock().expect("no thread panics");
            assert!(done >= last.0 && done <= of, "{done} of {of} after {last:?}");
            *last = (done, of);
        }

        fn stopped(&self) -> bool {
            let take = |n: u64| n.checked_sub(1);
            self.calls_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err()
        }
    }

    fn tiny(dir: &std::path::Path) -> Options {
        Options {
            sources: vec![Source::Merkle(10)],
            backends: amanat_accel::all().to_vec(),
            arkworks: true,
            threads: vec![1, 2],
            peer_threads: vec![1],
            rounds: 2,
            tables: TableMemory::Plain,
            // Its child process would be this test program.
            memory: false,
            price: 0.04,
            currency: "USD".into(),
            dir: dir.to_owned(),
            command: "test".to_owned(),
        }
    }

    #[test]
    fn a_tiny_profile_is_whole_and_its_parts_add_up() -> Outcome<()> {
        let dir = tempfile::tempdir()?;
        let watcher = Noting::new(u64::MAX);
        let profile = run(&tiny(dir.path()), &[], &watcher)?;
        assert_eq!(Profile::from_json(&profile.to_json()?, "test")?, profile);
        let subject = &profile.subjects[0];
        assert_eq!((subject.name.as_str(), subject.domain), ("merkle 2^10", 1024));
        assert_eq!(subject.provers.len(), amanat_accel::all().len() + 1);
        for prover in &subject.provers {
            assert_eq!(prover.runs.len(), if prover.peer { 1 } else { 2 });
            for run in &prover.runs {
                assert_eq!(run.whole.cpu.n, 2);
                assert!(run.whole.cpu.min > 0.0 && run.whole.wall.min > 0.0);
                assert_eq!(run.phases.is_empty(), prover.peer);
                let parts: f64 = run.phases.iter().skip(1).map(|p| p.times.wall.min).sum();
                assert!(parts <= run.whole.wall.max * 1.01, "{run:?}");
            }
        }
        let ours = subject.prover("portable").and_then(|p| p.with(1)).ok_or("portable is everywhere")?;
        let labels: Vec<&str> = ours.phases.iter().map(|p| p.phase.as_str()).collect();
        assert_eq!((labels[0], labels[1], labels[labels.len() - 1]), ("witness", "rows", "rest"));
        assert!(ours.phases.iter().any(|p| p.phase == "sum-a" && p.limit.is_some_and(|l| l > 0.0)));
        assert!(page(&profile).contains("merkle 2\u{b9}\u{2070}"));
        let (done, of) = *watcher.last.lock().map_err(|e| e.to_string())?;
        assert!(done <= of && of > 0);
        Ok(())
    }

    #[test]
    fn a_run_that_is_told_to_stop_says_so() -> Outcome<()> {
        let dir = tempfile::tempdir()?;
        for calls in [0, 3, 9] {
            let error = run(&tiny(dir.path()), &[], &Noting::new(calls)).err().ok_or("stopped")?;
            assert!(error.is::<Stopped>(), "{error}");
        }
        Ok(())
    }
}
