//! What is proved: honest samples of our statements, and Merkle paths that fill a domain.

use crate::Outcome;
use crate::job::Job;
use crate::merkle::{Density, Forest, Shape, density, rng};
use crate::watcher::Stopped;
use amanat_accel::Fr;
use amanat_circuits::r1cs::R1cs;
use amanat_circuits::world::World;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::{Relation, circuit, with_relation};
use amanat_domain::statement::Statement;
use amanat_params::{KeyStore, Witness, Zkey, insecure_dev_zkey};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// A constraint system with a witness.
///
/// ```
/// use amanat_profile::subject::Source;
/// assert_eq!(Source::by_name("16"), Some(Source::Merkle(16)));
/// assert_eq!(Source::by_name("merkle 2^16"), Some(Source::Merkle(16)));
/// assert!(matches!(Source::by_name("access"), Some(Source::Statement(_))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One of ours, under a key of ours.
    Statement(Statement),
    /// Merkle paths that fill a domain of `2^n` rows, under a key in snarkjs' form.
    Merkle(u32),
}

impl Source {
    /// Its name in tables and files.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Statement(statement) => statement.to_string(),
            Self::Merkle(log) => format!("merkle 2^{log}"),
        }
    }

    /// The source of this name: a statement, or `merkle 2^16`, or `16` for short.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let log = name.trim_start_matches("merkle").trim().trim_start_matches("2^");
        match log.parse() {
            Ok(log) => Some(Self::Merkle(log)),
            Err(_) => name.parse().ok().map(Self::Statement),
        }
    }

    /// Its series, if it is one of several sizes.
    #[must_use]
    pub fn series(self) -> Option<String> {
        matches!(self, Self::Merkle(_)).then(|| "merkle".to_owned())
    }

    /// Rows of the domain.
    #[must_use]
    pub fn domain(self) -> u64 {
        match self {
            Self::Statement(statement) => circuit(statement).domain_size() as u64,
            Self::Merkle(log) => 1 << log.min(28),
        }
    }
}

/// Computes an assignment.
pub type Assign = Box<dyn Fn() -> Vec<Fr>>;

/// A source with its key.
pub struct Prepared {
    /// What it is.
    pub source: Source,
    /// In one line.
    pub about: String,
    /// Rows, including the rows of the public inputs.
    pub rows: u64,
    /// How dense.
    pub density: Density,
    /// What provers are given.
    pub job: Job,
    /// Computes the assignment.
    pub assign: Assign,
    /// Key and witness as files, for peers.
    pub files: Option<(PathBuf, PathBuf)>,
}

impl Prepared {
    /// Makes or reads the key, and computes the witness.
    ///
    /// # Errors
    /// If the folder cannot be written; [`Stopped`].
    pub fn new(source: Source, dir: &Path, say: &dyn Fn(&str), stopped: &dyn Fn() -> bool) -> Outcome<Self> {
        match source {
            Source::Statement(statement) => Self::statement(statement, dir, say),
            Source::Merkle(log) => Self::merkle(log, dir, say, stopped),
        }
    }

    fn statement(statement: Statement, dir: &Path, say: &dyn Fn(&str)) -> Outcome<Self> {
        say("key");
        let r1cs = circuit(statement);
        let store = KeyStore::open(dir.join("keys"))?;
        let version = statement.version();
        let key = store.get_or_make_insecure_dev(statement, version, r1cs, &mut rand::rng(), &|_| ())?;
        let assign = sample(statement);
        let job = Job::native(&key, r1cs, assign());
        let about = format!("statement `{statement}` of version {version}, under a key of our own form");
        Ok(Self::of(Source::Statement(statement), about, r1cs, job, assign, None))
    }

    fn merkle(log: u32, dir: &Path, say: &dyn Fn(&str), stopped: &dyn Fn() -> bool) -> Outcome<Self> {
        let shape = Shape::filling(log)?;
        say("witness");
        let forest = Forest::new(shape, &mut rng(u64::from(log)));
        let (r1cs, assignment) = (forest.circuit(), forest.assign());
        let files = MerkleFiles::below(dir, log, &r1cs)?;
        let job = match files.read() {
            Some(mut job) if job.matrices.num_variables == assignment.len() => {
                job.assignment = assignment;
                job
            }
            _ => {
                if stopped() {
                    return Err(Stopped.into());
                }
                say("making a key");
                let key = insecure_dev_zkey(&r1cs, &mut rng(1))?;
                let witness = Witness::new(assignment);
                files.write(&key, &witness)?;
                Job::circom(key, witness.values().to_vec())
            }
        };
        let (paths, depth) = (shape.paths, shape.depth);
        let about =
            format!("{paths} Merkle paths of depth {depth}, Poseidon of two, under a key in snarkjs' form");
        let files = Some((files.zkey, files.wtns));
        Ok(Self::of(Source::Merkle(log), about, &r1cs, job, Box::new(move || forest.assign()), files))
    }

    fn of(
        source: Source,
        about: String,
        r1cs: &R1cs,
        job: Job,
        assign: Assign,
        files: Option<(PathBuf, PathBuf)>,
    ) -> Self {
        Self { source, about, rows: r1cs.qap_rows() as u64, density: density(r1cs), job, assign, files }
    }
}

/// Computes the assignment of a statement's honest sample: the same in every run.
fn sample(statement: Statement) -> Assign {
    with_relation!(statement, |Witness| {
        let case = Witness::case(&World::new(1));
        Box::new(move || case.witness.assign(&case.public))
    })
}

/// Key and witness of a size, named by the circuit they belong to.
struct MerkleFiles {
    zkey: PathBuf,
    wtns: PathBuf,
}

impl MerkleFiles {
    fn below(dir: &Path, log: u32, r1cs: &R1cs) -> Outcome<Self> {
        let dir = dir.join("profile");
        fs::create_dir_all(&dir)?;
        let digest = hex::encode(&r1cs.digest()[..6]);
        let file = |kind: &str| dir.join(format!("merkle-{log}-{digest}.{kind}"));
        Ok(Self { zkey: file("zkey"), wtns: file("wtns") })
    }

    fn read(&self) -> Option<Job> {
        Job::read(&self.zkey, &self.wtns).ok()
    }

    fn write(&self, key: &Zkey, witness: &Witness) -> Outcome<()> {
        whole(&self.zkey, |out| key.write(out))?;
        whole(&self.wtns, |out| witness.write(out))
    }
}

/// A file that is there whole or not at all.
fn whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Outcome<()> {
    let part = path.with_extension("part");
    let mut out = BufWriter::new(File::create(&part)?);
    write(&mut out)?;
    out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    Ok(fs::rename(&part, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_by_their_names() {
        for source in [Source::Merkle(16), Source::Statement(Statement::Access)] {
            assert_eq!(Source::by_name(&source.name()), Some(source));
        }
        assert_eq!(Source::by_name("15"), Some(Source::Merkle(15)));
        assert_eq!(Source::by_name("no such"), None);
    }
}
