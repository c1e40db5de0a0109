//! Peak memory of one proof, measured in a child process.

use super::world::{NO_CHAIN, plan, rng, small, world};
use super::{Outcome, load_key};
use amanat_domain::statement::Statement;
use amanat_profile::memory::status_bytes;
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::Keys;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In the environment of the child: the statement.
const STATEMENT: &str = "AMANAT_BENCH_MEMORY_OF";
/// In the environment of the child: where the keys are.
const DIR: &str = "AMANAT_BENCH_DIR";

/// Peaks of resident memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// Up to the point where key and circuit are loaded.
    pub loaded: u64,
    /// Up to the end of one proof.
    pub proved: u64,
}

/// To be called first in the main program: if this process was started by [`peak`], makes its proof
/// and prints what it took; the program then ends.
///
/// # Errors
/// As [`super::run`].
pub fn answer_if_asked() -> Outcome<bool> {
    let (Ok(name), Some(dir)) = (std::env::var(STATEMENT), std::env::var_os(DIR)) else { return Ok(false) };
    let statement: Statement = name.parse()?;
    let mut keys = Keys::new();
    keys.insert(load_key(&PathBuf::from(dir), statement, &|_| ())?);
    let mut rng = rng(1);
    let world = world(&mut rng)?;
    let registries = small(&world)?;
    let plan = plan(statement, &world, &registries, (NO_CHAIN, &keys), &mut rng)?;
    let loaded = high_water().ok_or("this system does not say how much memory a process used")?;
    plan.prove_any(&keys, &no_progress)?;
    let proved = high_water().ok_or("this system does not say how much memory a process used")?;
    writeln!(std::io::stdout(), "{loaded} {proved}")?;
    Ok(true)
}

/// Peak memory of one proof of a statement, by a child process of this program; `None` if the
/// system does not tell. The key must be in the directory.
///
/// # Errors
/// If the child fails.
pub fn peak(dir: &Path, statement: Statement) -> Outcome<Option<Peak>> {
    if high_water().is_none() {
        return Ok(None);
    }
    let child =
        Command::new(std::env::current_exe()?).env(STATEMENT, statement.name()).env(DIR, dir).output()?;
    if !child.status.success() {
        return Err(format!("the child failed: {}", String::from_utf8_lossy(&child.stderr)).into());
    }
    let text = String::from_utf8(child.stdout)?;
    let (loaded, proved) = text.trim().split_once(' ').ok_or("the child speaks another language")?;
    Ok(Some(Peak { loaded: loaded.parse()?, proved: proved.parse()? }))
}

/// The highest resident memory of this process so far.
fn high_water() -> Option<u64> {
    status_bytes("VmHWM:")
}
