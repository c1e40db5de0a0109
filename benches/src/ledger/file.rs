//! The file of a run: plain data with a schema and a version.

use amanat_profile::stats::Stat;
use serde::{Deserialize, Serialize};

/// Says that a file is one of these.
pub const SCHEMA: &str = "amanat.ledger";
/// Counts up with every change that a reader of the file must know of.
pub const VERSION: u32 = 1;

/// What is measured: the same requests, kept in the same kind of file, handed in through the same
/// calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A server that checks who asks and what it has been told is allowed, and keeps a log.
    Central,
    /// The ledger, each access a commitment that an organisation signs.
    Signed,
    /// The ledger, each access a proof, verified on arrival together with the proofs that arrive at
    /// the same time.
    Proofs,
    /// The ledger, each access a proof, verified a block at a time: what a validator does with
    /// others' blocks.
    Blocks,
}

impl Kind {
    /// In the order of the report.
    pub const ALL: [Self; 4] = [Self::Central, Self::Signed, Self::Proofs, Self::Blocks];

    /// For a person.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Central => "central server",
            Self::Signed => "ledger, signed",
            Self::Proofs => "ledger, proofs",
            Self::Blocks => "proofs, by block",
        }
    }

    /// In a sentence.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Central => {
                "a server that looks up a rule for each signed request and appends to a log; no proof, no hash chain"
            }
            Self::Signed => {
                "the ledger as it is, each access one commitment that an organisation signs and anchors"
            }
            Self::Proofs => {
                "the ledger as it is, each access a proof, verified when it is handed in, with those that come together"
            }
            Self::Blocks => {
                "ProcessProposal and Commit of a validator that gets whole blocks: the proofs of a block in one batch"
            }
        }
    }
}

/// Everything that was measured in one run, with where and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`VERSION`].
    pub version: u32,
    /// Where and when.
    pub machine: Machine,
    /// How.
    pub settings: Settings,
    /// Speed of each.
    pub systems: Vec<System>,
    /// Processor time of each step.
    #[serde(rename = "gates")]
    pub steps: Vec<Steps>,
    /// Speed with each backend.
    #[serde(rename = "engines")]
    pub backends: Vec<BackendSpeed>,
    /// Speed by the number of organisations.
    pub organisations: Vec<Scale>,
    /// A node killed while its clients go on.
    pub outages: Vec<Outage>,
    /// What was tried against each, and what it lost.
    pub attacks: Vec<Attack>,
    /// The ledger kept by several validators, if the build has the consensus for them.
    #[serde(default)]
    pub validators: Vec<Validators>,
    /// What one might look for here and was not run, with the reason.
    pub not_run: Vec<String>,
}

/// Where and when it was measured. No name of the machine: the file may be shown to anyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Hardware threads this process may use.
    pub threads: u32,
    /// Operating system and architecture.
    pub system: String,
    /// Backend of all figures that do not name another.
    #[serde(rename = "engine")]
    pub backend: String,
    /// Load average of the last minute before the run; `None` if the system does not tell.
    pub load: Option<f64>,
    /// Time of the run, UTC.
    pub time: String,
}

/// How it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How to do it again.
    pub command: String,
    /// Runs of each measurement, each on a new copy of the ledger.
    pub rounds: u32,
    /// Distinct proofs, each of another use of the consent, in another context.
    pub proofs: u32,
    /// Most requests of a run of a system that needs no proofs.
    pub requests: u32,
    /// Most requests handed in together.
    pub batch: u32,
    /// Callers that hand in at the same time.
    pub callers: u32,
    /// Validators.
    pub validators: u32,
    /// Money for an hour of one core.
    pub price_per_core_hour: f64,
    /// Its currency.
    #[serde(default = "amanat_profile::file::currency")]
    pub currency: String,
    /// Whether the runs were fewer and shorter than for published tables.
    #[serde(default)]
    pub quick: bool,
}

/// The speed of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Which.
    pub kind: Kind,
    /// At most: the next batch is handed in as soon as the last is durable.
    pub most: Speed,
    /// Under offered load.
    pub load: Vec<Load>,
    /// At most, by the size of a batch.
    pub batches: Vec<Batch>,
    /// Many requests at once after a silence.
    pub bursts: Vec<Burst>,
    /// Memory of a process that does nothing else; `None` if the system does not tell.
    pub memory: Option<Memory>,
    /// Bytes of a request.
    pub bytes: Bytes,
}

/// Requests a second, and what each costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Durable requests a second.
    pub per_second: Stat,
    /// Seconds of processor time for one, all threads together.
    pub cpu: Stat,
}

/// Requests come at random times, independently of earlier requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Requests a second that were meant to come.
    pub offered: f64,
    /// Requests a second that became durable, from the first meant time to the last answer.
    pub achieved: f64,
    /// How many.
    pub requests: u32,
    /// From the time a request was meant to come to its durable answer.
    pub latency: Latency,
}

/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: f64,
    /// One in a hundred is slower.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// Speed with batches of one size, one caller.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Requests in a batch.
    pub size: u32,
    /// Durable requests a second.
    pub per_second: Stat,
}

/// Many at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Burst {
    /// How many.
    pub size: u32,
    /// Seconds until all are durable.
    pub drained: Stat,
    /// Latency over all rounds.
    pub latency: Latency,
}

/// A ledger of several validators, each in its own process, all on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validators {
    /// How many.
    pub validators: u32,
    /// What requests are: signed, or with proofs.
    pub kind: Kind,
    /// At most; processor time of all validators together.
    pub most: Speed,
    /// Requests of a run at most.
    pub requests: u32,
    /// Requests in a block then, on average.
    pub block: f64,
    /// Bytes that validators sent each other for a request then; `None` if the system does not
    /// tell.
    pub wire: Option<f64>,
    /// At a load at which nothing waits.
    pub light: Load,
    /// The same after the process of one of them was killed.
    pub one_dead: Option<Load>,
    /// That one comes back with nothing but what all began with.
    pub late: Option<Late>,
    /// Of the largest process, at the start and after many requests.
    pub memory: Option<Memory>,
    /// At most, by how many requests are handed in together: what blocks are made of.
    #[serde(default)]
    pub sizes: Vec<Size>,
    /// Heights under light load whose first round did not do.
    #[serde(default)]
    pub late_heights: u32,
}

/// Speed by the number of requests handed in together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// How many.
    pub together: u32,
    /// Durable requests a second.
    pub per_second: Stat,
    /// Requests in a block then, on average.
    pub block: f64,
    /// Seconds of processor time for one, all validators together.
    pub cpu: f64,
}

/// How long catching up takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// Blocks that were fetched and validated.
    pub blocks: u64,
    /// Seconds from the start of the process.
    pub seconds: f64,
}

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// When it is open.
    pub open: u64,
    /// At most, after this number of requests.
    pub peak: u64,
    /// How many.
    pub requests: u32,
}

/// Bytes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bytes {
    /// As it is handed in.
    pub request: u64,
    /// What says that it is durable.
    pub receipt: u64,
    /// What shows that to an auditor who keeps only block hashes; `None` if nothing does.
    pub inclusion: Option<u64>,
    /// What the tables grow by, without the free pages of the file.
    pub stored: f64,
}

/// Processor time by step, on one thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// Of which.
    pub kind: Kind,
    /// With which backend.
    #[serde(rename = "engine")]
    pub backend: String,
    /// Requests in a block.
    pub block: u32,
    /// In the order a request passes them.
    #[serde(rename = "gates")]
    pub steps: Vec<Step>,
}

/// A step between bytes and durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Seconds of processor time for one request.
    pub cpu: Stat,
    /// Seconds by the clock on the wall for one request. Beyond the processor time it waits for the
    /// disk.
    pub wall: Stat,
}

/// Speed with a backend, in a child process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendSpeed {
    /// The backend.
    #[serde(rename = "engine")]
    pub backend: String,
    /// Which.
    pub kind: Kind,
    /// Requests in a batch.
    pub batch: u32,
    /// Its speed.
    pub speed: Speed,
}

/// Speed by the number of organisations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Which.
    pub kind: Kind,
    /// Organisations.
    pub organisations: u32,
    /// How many requests.
    pub requests: u32,
    /// Its speed.
    pub speed: Speed,
}

/// A node is killed, stays away, and comes back; its client keeps what comes meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// Which.
    pub kind: Kind,
    /// Requests a second that the client is given throughout.
    pub offered: f64,
    /// Requests in all.
    pub requests: u32,
    /// Acknowledged before the node was killed.
    pub acknowledged: u32,
    /// Of these, not there afterwards.
    pub lost: u32,
    /// Waiting at the client when the node was there again.
    pub queued: u32,
    /// Seconds from the kill to the restart: chosen.
    pub away: f64,
    /// Seconds from the restart until the node takes requests: opening and checking its file.
    pub opening: f64,
    /// Seconds from then until all that had waited is durable.
    pub synchronised: f64,
    /// Share of the run's seconds in which the node took requests.
    pub available: f64,
    /// Latency over the run, the outage included.
    pub latency: Latency,
}

/// Something that was tried against each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attack {
    /// In a few words.
    pub name: String,
    /// What was done.
    pub tried: String,
    /// What came of it.
    pub outcomes: Vec<AttackOutcome>,
}

/// What came of an attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttackOutcome {
    /// Against which.
    pub kind: Kind,
    /// Whether anything was lost.
    pub verdict: Verdict,
    /// What was lost, or what stopped it.
    pub what: String,
}

/// How an attack ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Refused, found out, or nothing to be had.
    Held,
    /// Something was lost, but less, or not unseen.
    Partly,
    /// It worked.
    Lost,
}

impl Verdict {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Partly => "partly",
            Self::Lost => "lost",
        }
    }
}

/// Why a text is no such file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is JSON of another kind, or none.
    #[error("not a file of `amanat-bench ledger`: its `schema` is {got}, expected \"{SCHEMA}\"")]
    Foreign {
        /// What is there instead.
        got: String,
    },
    /// Another version of this program wrote it.
    #[error(
        "a file of `amanat-bench ledger` of version {got}, this program reads {VERSION}: measure again with this build"
    )]
    Version {
        /// The file's version.
        got: String,
    },
    /// It says that it is one, and is not.
    #[error("its `schema` is that of `amanat-bench ledger`, but a field is missing or wrong: measure again")]
    Damaged(#[source] serde_json::Error),
}

impl LedgerReport {
    /// As JSON.
    ///
    /// # Errors
    /// If a figure is not a number: a fault of the measurement.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// From JSON.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn from_json(text: &str) -> Result<Self, FileError> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let shown = |key: &str| value.get(key).map_or_else(|| "missing".to_owned(), ToString::to_string);
        if value.get("schema").and_then(|s| s.as_str()) != Some(SCHEMA) {
            return Err(FileError::Foreign { got: shown("schema") });
        }
        if value.get("version").and_then(serde_json::Value::as_u64) != Some(u64::from(VERSION)) {
            return Err(FileError::Version { got: shown("version") });
        }
        // From the text, not from the value: the message then says where.
        serde_json::from_str(text).map_err(FileError::Damaged)
    }

    /// The one of a kind.
    #[must_use]
    pub fn system(&self, kind: Kind) -> Option<&System> {
        self.systems.iter().find(|s| s.kind == kind)
    }

    /// Money for a million requests.
    #[must_use]
    pub fn per_million(&self, speed: &Speed) -> f64 {
        speed.cpu.median / 3600.0 * self.settings.price_per_core_hour * 1e6
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn stat(median: f64) -> Stat {
        Stat { median, mad: median / 100.0, min: median * 0.9, max: median * 1.1, n: 3 }
    }

    fn speed(per_second: f64) -> Speed {
        Speed { per_second: stat(per_second), cpu: stat(1.5 / per_second) }
    }

    fn latency(p50: f64) -> Latency {
        Latency { p50, p99: p50 * 4.0, max: p50 * 6.0 }
    }

    fn system(kind: Kind, most: f64) -> System {
        let load = [0.2, 0.5, 0.8, 1.2].map(|share| Load {
            offered: most * share,
            achieved: most * share.min(0.95),
            requests: 500,
            latency: latency(if share > 1.0 { 0.4 } else { 0.003 }),
        });
        System {
            kind,
            most: speed(most),
            load: load.into(),
            batches: [16, 64]
                .map(|size| Batch { size, per_second: stat(most * f64::from(size) / 64.0) })
                .into(),
            bursts: [64, 256]
                .map(|size| Burst { size, drained: stat(f64::from(size) / most), latency: latency(0.05) })
                .into(),
            memory: Some(Memory { open: 30_000_000, peak: 50_000_000, requests: 500 }),
            bytes: Bytes { request: 560, receipt: 53, inclusion: Some(600), stored: 1900.5 },
        }
    }

    /// A small report with everything in it.
    pub(in crate::ledger) fn sample() -> LedgerReport {
        let steps = |kind, backend: &str| Steps {
            kind,
            backend: backend.to_owned(),
            block: 256,
            steps: ["precheck", "verify", "propose", "apply", "commit"]
                .map(|name| Step { name: name.to_owned(), cpu: stat(0.0002), wall: stat(0.0003) })
                .into(),
        };
        let outcome = |kind, verdict| AttackOutcome { kind, verdict, what: "a <name> & more".into() };
        LedgerReport {
            schema: SCHEMA.into(),
            version: VERSION,
            machine: Machine {
                cpu: "A \"processor\" & more".into(),
                threads: 2,
                system: "linux x86_64".into(),
                backend: "portable".into(),
                load: Some(0.3),
                time: "2026-11-26T10:00:00Z".into(),
            },
            settings: Settings {
                command: "amanat-bench ledger".into(),
                rounds: 3,
                proofs: 512,
                requests: 4096,
                batch: 256,
                callers: 2,
                validators: 1,
                price_per_core_hour: 0.04,
                currency: "CHF".into(),
                quick: false,
            },
            systems: [20_000.0, 5_000.0, 1_000.0, 2_500.0]
                .into_iter()
                .zip(Kind::ALL)
                .map(|(most, kind)| system(kind, most))
                .collect(),
            steps: vec![steps(Kind::Central, "portable"), steps(Kind::Proofs, "portable")],
            backends: vec![BackendSpeed {
                backend: "portable".into(),
                kind: Kind::Blocks,
                batch: 256,
                speed: speed(900.0),
            }],
            organisations: [1, 8]
                .map(|organisations| Scale {
                    kind: Kind::Proofs,
                    organisations,
                    requests: 64,
                    speed: speed(1000.0),
                })
                .into(),
            outages: vec![Outage {
                kind: Kind::Proofs,
                offered: 100.0,
                requests: 300,
                acknowledged: 100,
                lost: 0,
                queued: 120,
                away: 1.0,
                opening: 0.1,
                synchronised: 0.3,
                available: 0.7,
                latency: latency(0.01),
            }],
            attacks: vec![Attack {
                name: "a theft".into(),
                tried: "the <file> was read".into(),
                outcomes: vec![
                    outcome(Kind::Central, Verdict::Lost),
                    outcome(Kind::Signed, Verdict::Partly),
                    outcome(Kind::Proofs, Verdict::Held),
                ],
            }],
            validators: [1, 4]
                .map(|validators| Validators {
                    validators,
                    kind: Kind::Proofs,
                    most: speed(800.0),
                    requests: 512,
                    block: 90.0,
                    wire: Some(4000.0),
                    light: Load { offered: 20.0, achieved: 20.0, requests: 200, latency: latency(0.02) },
                    one_dead: Some(Load {
                        offered: 20.0,
                        achieved: 20.0,
                        requests: 200,
                        latency: latency(0.2),
                    }),
                    late: Some(Late { blocks: 300, seconds: 3.0 }),
                    memory: Some(Memory { open: 60_000_000, peak: 250_000_000, requests: 200_000 }),
                    sizes: vec![Size {
                        together: 64,
                        per_second: speed(700.0).per_second,
                        block: 80.0,
                        cpu: 0.0012,
                    }],
                    late_heights: 2,
                })
                .into(),
            not_run: vec!["HTTP".into()],
        }
    }

    #[test]
    fn a_report_is_the_same_after_writing_and_reading() {
        let report = sample();
        let text = report.to_json().expect("finite numbers");
        assert_eq!(LedgerReport::from_json(&text).expect("our own"), report);
    }

    #[test]
    fn other_files_are_told_apart() {
        let of = |text: &str| LedgerReport::from_json(text).expect_err("no report");
        assert!(matches!(of("hello"), FileError::Foreign { .. }));
        assert!(of(r#"{"schema": "amanat.profile", "version": 1}"#).to_string().contains("amanat.profile"));
        assert!(matches!(of(r#"{"schema": "amanat.ledger", "version": 0}"#), FileError::Version { .. }));
        let text = sample().to_json().expect("finite numbers").replacen("\"offered\"", "\"offended\"", 1);
        assert!(matches!(of(&text), FileError::Damaged(_)));
    }

    #[test]
    fn a_million_requests_cost_their_processor_time() {
        let report = sample();
        let speed = report.system(Kind::Proofs).expect("measured").most;
        let expected = speed.cpu.median * 1e6 / 3600.0 * 0.04;
        assert!((report.per_million(&speed) - expected).abs() < 1e-9);
    }
}
