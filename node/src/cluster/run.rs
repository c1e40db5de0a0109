//! Every validator of a cluster's folder in a separate process.

use super::{ClusterError, configurations};
use crate::{VERSION, stop};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// The validator's program, where it is installed beside the program that founds clusters.
const NODE: &str = "amanat-node";

/// Why validators do not run, or ended badly.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum RunError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("cannot find this program")]
    Program(#[source] io::Error),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot start {0}")]
    Start(String, #[source] io::Error),
    #[error("cannot wait for a validator to end")]
    Wait(#[source] tokio::task::JoinError),
    #[error("{failed} of {all} validators failed: see their messages above")]
    Ended { failed: usize, all: usize },
}

/// Runs every validator of a folder until Ctrl-C or SIGTERM, or until all have ended. `notify`
/// hears each line that they write, and each end.
///
/// # Errors
/// [`RunError`].
pub fn run(dir: &Path, notify: impl Fn(&str) + Copy + Send + 'static) -> Result<(), RunError> {
    let configurations = configurations(dir)?;
    let (program, first) = program().map_err(RunError::Program)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(RunError::Runtime)?.block_on(async {
        let (mut ends, mut ids) = (JoinSet::new(), Vec::new());
        for (name, config) in &configurations {
            let mut child = Command::new(&program)
                .args(first)
                .arg("--config")
                .arg(config)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .map_err(|error| RunError::Start(name.clone(), error))?;
            ids.extend(child.id());
            let (out, err) = (child.stdout.take(), child.stderr.take());
            tokio::spawn(pass_on(name.clone(), out, notify));
            tokio::spawn(pass_on(name.clone(), err, notify));
            ends.spawn(ended(name.clone(), child));
        }
        let failed = wait(ends, &ids, notify).await?;
        let all = configurations.len();
        if failed == 0 { Ok(()) } else { Err(RunError::Ended { failed, all }) }
    })
}

/// `amanat-node` if it is installed beside this program and is of this version, else this program's
/// command `node`.
fn program() -> io::Result<(PathBuf, Option<&'static str>)> {
    let this = std::env::current_exe()?;
    let node = this.with_file_name(NODE);
    // A node of another version, or built without bft, would not run what was founded here.
    let version = std::process::Command::new(&node).arg("--version").stdin(Stdio::null()).output();
    let same = version.is_ok_and(|out| out.status.success() && out.stdout.trim_ascii() == VERSION.as_bytes());
    if same && node != this {
        return Ok((node, None));
    }
    Ok(if this.file_stem().is_some_and(|stem| stem == NODE) { (this, None) } else { (this, Some("node")) })
}

/// Until all have ended; the number of those that failed.
async fn wait(
    mut ends: JoinSet<(String, Option<ExitStatus>)>,
    ids: &[u32],
    notify: impl Fn(&str),
) -> Result<usize, RunError> {
    let (mut stopping, mut failed) = (false, 0);
    let told = stop();
    tokio::pin!(told);
    loop {
        tokio::select! {
            () = &mut told, if !stopping => {
                stopping = true;
                ids.iter().copied().for_each(terminate);
            }
            end = ends.join_next() => match end {
                None => return Ok(failed),
                Some(Ok((name, status))) => {
                    failed += usize::from(!status.is_some_and(|status| status.success()));
                    let how = status.map_or_else(|| "lost".to_owned(), |status| status.to_string());
                    notify(&format!("{name} has ended ({how})"));
                }
                Some(Err(error)) => return Err(RunError::Wait(error)),
            },
        }
    }
}

async fn ended(name: String, mut child: Child) -> (String, Option<ExitStatus>) {
    (name, child.wait().await.ok())
}

/// Every line of a validator's output, with its name before it.
async fn pass_on(name: String, stream: Option<impl AsyncRead + Unpin>, notify: impl Fn(&str)) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        notify(&format!("{name} | {line}"));
    }
}

/// SIGTERM: the node answers what is in flight and stops.
fn terminate(id: u32) {
    #[cfg(unix)]
    if let Some(pid) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}
