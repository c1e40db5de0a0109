//! Peak memory of one proof, measured in a child process: what this process has loaded does not
//! count.

use crate::Outcome;
use crate::file::Memory;
use crate::job::Job;
use crate::peers::{LoadedPeer, Peer};
use crate::subject::{Prepared, Source};
use amanat_accel::TableMemory;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In the environment of the child: the [`Order`].
const ORDER: &str = "AMANAT_PROFILE_MEMORY_OF";

#[derive(Serialize, Deserialize)]
struct Order {
    source: String,
    prover: String,
    table_bytes: Option<usize>,
    dir: PathBuf,
    files: Option<(PathBuf, PathBuf)>,
}

/// To be called first in the main program. If this process was started by [`peak`], makes its
/// proof, prints the memory it took and returns true; the program then ends.
///
/// # Errors
/// If the proof fails, or the system does not tell a process's memory.
pub fn answer_if_asked(peers: &[&dyn Peer]) -> Outcome<bool> {
    let Ok(order) = std::env::var(ORDER) else { return Ok(false) };
    let order: Order = serde_json::from_str(&order)?;
    let prove = loaded(&order, peers)?;
    let loaded = status_bytes("VmRSS:").ok_or("this system does not say how much memory a process uses")?;
    // Loading has its own peak. If the mark cannot be reset and that peak is the higher one, it is
    // reported.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    prove()?;
    let peak = status_bytes("VmHWM:").ok_or("this system does not say how much memory a process used")?;
    writeln!(std::io::stdout(), "{loaded} {peak}")?;
    Ok(true)
}

type Prove = Box<dyn FnOnce() -> Outcome<()>>;

fn loaded(order: &Order, peers: &[&dyn Peer]) -> Outcome<Prove> {
    if let (Some(peer), Some((zkey, wtns))) = (peers.iter().find(|p| p.name() == order.prover), &order.files)
    {
        let peer = peer.load(zkey, wtns)?;
        return Ok(Box::new(move || peer.prove().map(drop)));
    }
    let job = match &order.files {
        Some((zkey, wtns)) => Job::read(zkey, wtns)?,
        None => {
            let source = Source::by_name(&order.source).ok_or("no such subject")?;
            Prepared::new(source, &order.dir, &|_| (), &|| false)?.job
        }
    };
    Ok(match amanat_accel::by_name(&order.prover) {
        Some(backend) => {
            let tables = order.table_bytes.map_or(TableMemory::Plain, TableMemory::AtMost);
            let loaded = job.load(backend, tables);
            drop(job);
            Box::new(move || loaded.prove(&|| false).map(drop))
        }
        None => {
            let arkworks = job.arkworks();
            drop(job);
            Box::new(move || arkworks.prove().map(drop))
        }
    })
}

/// Peak memory of one proof on one thread, by a child process of this program; `None` if the system
/// does not tell.
///
/// # Errors
/// If the child fails.
pub fn peak(prepared: &Prepared, prover: &str, tables: TableMemory, dir: &Path) -> Outcome<Option<Memory>> {
    if status_bytes("VmHWM:").is_none() {
        return Ok(None);
    }
    let order = Order {
        source: prepared.source.name(),
        prover: prover.to_owned(),
        table_bytes: match tables {
            TableMemory::Plain => None,
            TableMemory::AtMost(bytes) => Some(bytes),
        },
        dir: dir.to_owned(),
        files: prepared.files.clone(),
    };
    let child = Command::new(std::env::current_exe()?)
        .env(ORDER, serde_json::to_string(&order)?)
        .env("RAYON_NUM_THREADS", "1")
        .output()?;
    if !child.status.success() {
        return Err(format!("measuring memory failed: {}", String::from_utf8_lossy(&child.stderr)).into());
    }
    let text = String::from_utf8(child.stdout)?;
    let (loaded, peak) =
        text.trim().split_once(' ').ok_or("the process that measures memory speaks another language")?;
    Ok(Some(Memory { loaded: loaded.parse()?, peak: peak.parse()? }))
}

/// A field of this process's status, in bytes, such as `VmRSS:`. `None` if the system has no such
/// status.
#[must_use]
pub fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
