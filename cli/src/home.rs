//! The home directory: what each actor keeps, in files.
//!
//! On one machine for development: in a deployment each of these files lives with its actor and with nobody else (wallets on
//! phones, the vault at the hospital, holders' secrets with the holders).

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A home directory.
#[derive(Clone)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// The given directory, `$AMANAT_HOME`, or `amanat` under the user's data directory.
    pub(crate) fn open(given: Option<&Path>) -> Result<Self> {
        let root = match given {
            Some(dir) => dir.to_path_buf(),
            None => data_directory()?.join("amanat"),
        };
        fs::create_dir_all(&root).with_context(|| {
            format!("cannot make the home directory {}: give another with --home", root.display())
        })?;
        Ok(Self { root })
    }

    /// A file or folder in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the file exists.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Reads a JSON file; none where there is none.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.path(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            // serde's text may quote the file, and the file holds secrets: only the place is told.
            .map_err(|e| {
                anyhow::anyhow!(
                    "{} is damaged at line {}, column {}: restore it from a copy",
                    path.display(),
                    e.line(),
                    e.column()
                )
            })
    }

    /// Writes a JSON file whole, readable by its owner alone: under a temporary name, synced, renamed.
    pub(crate) fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let mut bytes = zeroize::Zeroizing::new(serde_json::to_vec_pretty(value)?);
        bytes.push(b'\n');
        write_private(&self.path(name), &bytes)
    }

    /// Holds the home directory for one process that changes its files.
    pub(crate) fn lock(&self) -> Result<fs::File> {
        let path = self.path("lock");
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        if file.try_lock().is_err() {
            bail!(
                "another amanat process is changing {}: wait for it, or give another --home",
                self.root.display()
            );
        }
        Ok(file)
    }
}

/// `$XDG_DATA_HOME`, or `~/.local/share`.
fn data_directory() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XDG_DATA_HOME").filter(|d| !d.is_empty()) {
        return Ok(dir.into());
    }
    match std::env::var_os("HOME").filter(|d| !d.is_empty()) {
        Some(home) => Ok(Path::new(&home).join(".local/share")),
        None => bail!("no HOME in the environment: give a home directory with --home"),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        anyhow::Error::new(e).context(format!("cannot write {}", path.display()))
    })
}
