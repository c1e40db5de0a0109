//! The file of a profile: plain data with a schema and a version, and reading what may be
//! another's.

use crate::stats::Stat;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Says that a file is a profile.
pub const SCHEMA: &str = "amanat.profile";
/// Counts up with every change that a reader of the file must know of.
pub const VERSION: u32 = 1;

/// The currency of a price in files that name none.
pub const CURRENCY: &str = "USD";

/// [`CURRENCY`], as the default of a file's field.
#[must_use]
pub fn currency() -> String {
    CURRENCY.to_owned()
}

/// Everything that was measured in one run, with where and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`VERSION`].
    pub version: u32,
    /// Where and when.
    pub machine: Machine,
    /// How.
    pub settings: Settings,
    /// What was proved.
    pub subjects: Vec<Subject>,
}

/// Where and when it was measured. No name of the machine: the file may be shown to anyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model; the architecture if the system does not tell.
    pub cpu: String,
    /// Features of this processor that a backend may use.
    pub features: Vec<String>,
    /// Hardware threads this process may use.
    pub threads: u32,
    /// Operating system and architecture.
    pub system: String,
    /// Measured frequency of a core in GHz.
    pub clock_ghz: f64,
    /// Load average of the last minute before the run; `None` if the system does not tell.
    pub load: Option<f64>,
    /// How energy is measured, or why it is not.
    pub energy: String,
    /// Time of the run, UTC.
    pub time: String,
}

/// How it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How to do it again.
    pub command: String,
    /// Rounds: every prover once in each.
    pub rounds: u32,
    /// Money for an hour of one core.
    pub price_per_core_hour: f64,
    /// Its currency.
    #[serde(default = "currency")]
    pub currency: String,
    /// What the limits are counted in.
    pub limit: Limit,
}

/// The model of the physical limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// In one line: which instructions, how many of them a cycle.
    pub model: String,
    /// Cycles of one core for one multiplication in the base field.
    pub cycles_per_product: f64,
}

/// One constraint system with one witness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name: a statement, or `merkle 2^16`.
    pub name: String,
    /// Whether it is one of a series by size.
    pub series: Option<String>,
    /// In one line.
    pub about: String,
    /// Rows, including the rows of the public inputs.
    pub rows: u64,
    /// Size of the domain.
    pub domain: u64,
    /// Length of an assignment.
    pub variables: u64,
    /// Variables that occur in A and in B.
    pub used: [u64; 2],
    /// Mean number of terms in a row of A, B and C.
    pub terms: [f64; 3],
    /// All provers that were measured on it.
    pub provers: Vec<Prover>,
}

/// A prover on one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prover {
    /// Name of our backend, or of the peer with its version.
    pub name: String,
    /// Whether it is another's.
    pub peer: bool,
    /// By number of threads.
    pub runs: Vec<Run>,
    /// Memory; `None` if the system does not tell.
    pub memory: Option<Memory>,
}

/// Memory of a process that makes one proof, in bytes of resident memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// When key and witness are loaded and laid out.
    pub loaded: u64,
    /// At most while it proves.
    pub peak: u64,
}

/// A prover with a number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Threads.
    pub threads: u32,
    /// The whole proof, from the assignment.
    pub whole: Times,
    /// Joules for one proof; `None` if the machine does not tell.
    pub joules: Option<Stat>,
    /// Its parts in order; none for peers.
    pub phases: Vec<PhaseTimes>,
}

/// Seconds by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// By the clock on the wall.
    pub wall: Stat,
    /// Processor time of all threads.
    pub cpu: Stat,
}

/// A part of a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseTimes {
    /// Its label: one of the backend's, `witness` or `rest`.
    pub phase: String,
    /// What it took.
    pub times: Times,
    /// Seconds of one core that the model says it takes at least.
    pub limit: Option<f64>,
}

/// Why a file is not a profile that can be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no JSON.
    #[error("{path} is not JSON; a profile is what `amanat bench profile --out FILE.json` writes")]
    NotJson {
        /// The file.
        path: String,
        /// The place at which it is no longer JSON.
        source: serde_json::Error,
    },
    /// It is JSON of another kind.
    #[error("{path} is JSON, but no profile: its `schema` is {got}, expected \"{SCHEMA}\"")]
    Foreign {
        /// The file.
        path: String,
        /// What is there instead.
        got: String,
    },
    /// Another version of this program wrote it.
    #[error(
        "{path} is a profile of version {got}, this program reads version {VERSION}: measure again with this build"
    )]
    Version {
        /// The file.
        path: String,
        /// The file's version.
        got: String,
    },
    /// It says that it is a profile, and is not.
    #[error(
        "{path} is a profile of version {VERSION} by its `schema`, but a field is missing or wrong: measure again"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What.
        source: serde_json::Error,
    },
}

impl Profile {
    /// As JSON.
    ///
    /// # Errors
    /// If a figure is not a number: a fault of the measurement.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// From JSON; `path` is named in errors.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn from_json(text: &str, path: &str) -> Result<Self, FileError> {
        let path = path.to_owned();
        let value: serde_json::Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(source) => return Err(FileError::NotJson { path, source }),
        };
        let shown = |key: &str| value.get(key).map_or_else(|| "missing".to_owned(), ToString::to_string);
        if value.get("schema").and_then(|s| s.as_str()) != Some(SCHEMA) {
            return Err(FileError::Foreign { path, got: shown("schema") });
        }
        if value.get("version").and_then(serde_json::Value::as_u64) != Some(u64::from(VERSION)) {
            return Err(FileError::Version { path, got: shown("version") });
        }
        // From the text, not from the value: the message then says where.
        serde_json::from_str(text).map_err(|source| FileError::Damaged { path, source })
    }

    /// From a file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_json(&text, &name),
            Err(source) => Err(FileError::Unreadable { path: name, source }),
        }
    }
}

impl Subject {
    /// The prover of this name.
    #[must_use]
    pub fn prover(&self, name: &str) -> Option<&Prover> {
        self.provers.iter().find(|prover| prover.name == name)
    }
}

impl Prover {
    /// The run with this number of threads.
    #[must_use]
    pub fn with(&self, threads: u32) -> Option<&Run> {
        self.runs.iter().find(|run| run.threads == threads)
    }
}

impl Run {
    /// Money for a million proofs.
    #[must_use]
    pub fn per_million(&self, price_per_core_hour: f64) -> f64 {
        self.whole.cpu.median / 3600.0 * price_per_core_hour * 1e6
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn stat(median: f64) -> Stat {
        Stat { median, mad: median / 100.0, min: median * 0.9, max: median * 1.3, n: 5 }
    }

    fn times(cpu: f64, threads: u32) -> Times {
        Times { wall: stat(cpu / f64::from(threads) * 1.05), cpu: stat(cpu) }
    }

    fn run(threads: u32, parts: &[(&str, f64, Option<f64>)]) -> Run {
        let part = |(phase, cpu, limit): &(&str, f64, Option<f64>)| PhaseTimes {
            phase: (*phase).to_owned(),
            times: times(*cpu, threads),
            limit: *limit,
        };
        let whole = times(parts.iter().map(|(_, cpu, _)| cpu).sum(), threads);
        Run { threads, whole, joules: None, phases: parts.iter().map(part).collect() }
    }

    /// A small profile with everything in it.
    pub(crate) fn sample() -> Profile {
        let ours = |factor: f64| {
            let runs = [1, 2].map(|threads| {
                run(
                    threads,
                    &[
                        ("witness", 0.02 * factor, None),
                        ("rows", 0.01 * factor, Some(0.002)),
                        ("inverse-a", 0.02 * factor, Some(0.003)),
                        ("recode", 0.01 * factor, None),
                        ("sum-a", 0.2 * factor, Some(0.03)),
                        ("sum-b2", 0.4 * factor, Some(0.08)),
                        ("sum-c", 0.5 * factor, Some(0.07)),
                        ("rest", 0.01 * factor, None),
                    ],
                )
            });
            Prover {
                name: "portable".into(),
                peer: false,
                runs: runs.into(),
                memory: Some(Memory { loaded: (50e6 * factor) as u64, peak: (80e6 * factor) as u64 }),
            }
        };
        let peer = |factor: f64| Prover {
            name: "arkworks 0.6".into(),
            peer: true,
            runs: vec![run(1, &[("proof", 1.5 * factor, None)])],
            memory: None,
        };
        let subject = |log: u32, factor: f64| Subject {
            name: format!("merkle 2^{log}"),
            series: Some("merkle".into()),
            about: "4 paths of depth 32 & <one> root".into(),
            rows: (1 << log) - 1000,
            domain: 1 << log,
            variables: (1 << log) - 900,
            used: [(1 << log) - 950, (1 << log) * 2 / 3],
            terms: [1.7, 2.3, 8.0],
            provers: vec![ours(factor), peer(factor)],
        };
        Profile {
            schema: SCHEMA.into(),
            version: VERSION,
            machine: Machine {
                cpu: "A \"processor\" & more".into(),
                features: vec!["avx512ifma".into()],
                threads: 2,
                system: "linux x86_64".into(),
                clock_ghz: 3.9,
                load: Some(0.5),
                energy: "not measured: no counter".into(),
                time: "2026-11-21T05:45:58Z".into(),
            },
            settings: Settings {
                command: "amanat bench profile".into(),
                rounds: 5,
                price_per_core_hour: 0.04,
                currency: "CHF".into(),
                limit: Limit { model: "two a cycle".into(), cycles_per_product: 6.3125 },
            },
            subjects: vec![subject(15, 1.0), subject(16, 2.0)],
        }
    }

    #[test]
    fn a_profile_is_the_same_after_writing_and_reading() {
        let profile = sample();
        let text = profile.to_json().expect("finite numbers");
        assert_eq!(Profile::from_json(&text, "a.json").expect("our own"), profile);
    }

    #[test]
    fn other_files_are_told_apart() {
        let of = |text: &str| Profile::from_json(text, "x.json").expect_err("no profile");
        assert!(matches!(of("hello"), FileError::NotJson { .. }));
        assert!(matches!(of("[1, 2]"), FileError::Foreign { .. }));
        assert!(of(r#"{"machine": {}, "rows": []}"#).to_string().contains("its `schema` is missing"));
        assert!(of(r#"{"schema": "other", "version": 1}"#).to_string().contains("\"other\""));
        let old = of(r#"{"schema": "amanat.profile", "version": 0}"#);
        assert!(old.to_string().contains("version 0, this program reads version 1"), "{old}");
        assert!(matches!(of(r#"{"schema": "amanat.profile"}"#), FileError::Version { .. }));
        let text = sample().to_json().expect("finite numbers").replacen("\"median\"", "\"medium\"", 1);
        assert!(matches!(of(&text), FileError::Damaged { .. }));
        let missing = Profile::read(Path::new("no/such/file.json")).expect_err("no such file");
        assert!(matches!(missing, FileError::Unreadable { .. }));
    }

    #[test]
    fn a_million_proofs_cost_their_processor_time() {
        let profile = sample();
        let run = profile.subjects[0].prover("portable").and_then(|p| p.with(1)).expect("measured");
        let expected = run.whole.cpu.median * 1e6 / 3600.0 * 0.04;
        assert!((run.per_million(0.04) - expected).abs() < 1e-9);
    }
}
