//! The home directory: private files, written whole, changed by one process at a time.
//!
//! On one machine for development. In a deployment each file is kept by its party and by nobody
//! else: wallets on phones, the vault at the hospital, the secrets of holders with the holders.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A home directory.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::Home;
/// # let dir = tempfile::tempdir()?;
/// let home = Home::open(Some(dir.path()))?;
/// home.write("notes.json", &vec![1, 2, 3])?;
/// assert_eq!(home.read::<Vec<u32>>("notes.json")?, Some(vec![1, 2, 3]));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

/// The right to change a home directory, until it is dropped or the process ends.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

/// Why a home directory or a file in it is no use.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Neither a directory nor `HOME` is given.
    #[error("no HOME in the environment: give a home directory with --home")]
    NoHome,
    /// The directory cannot be made.
    #[error("cannot make the home directory {}: give another with --home", root.display())]
    Make {
        /// The directory.
        root: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A file is not JSON of the expected form. The text of the parser may quote secrets: only the
    /// place is told.
    #[error("{} is damaged at line {line}, column {column}: restore it from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A value in a file is not what it must be.
    #[error("{what}: {why}")]
    Malformed {
        /// Which value.
        what: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another process changes the directory.
    #[error("another amanat process is changing {}: wait for it, or give another --home", root.display())]
    Busy {
        /// The directory.
        root: PathBuf,
    },
    /// A value has no JSON form: a fault of this program.
    #[error("internal error, please report: a file of the home directory cannot be encoded")]
    Encode(#[source] serde_json::Error),
}

impl Home {
    /// The given directory, or `amanat` in the data directory of the user (`$XDG_DATA_HOME`, else
    /// `~/.local/share`). Made if it is not there.
    ///
    /// # Errors
    /// [`HomeError::NoHome`], [`HomeError::Make`].
    pub fn open(given: Option<&Path>) -> Result<Self, HomeError> {
        let root = match given {
            Some(dir) => dir.to_path_buf(),
            None => data_directory()?.join("amanat"),
        };
        let new = !root.is_dir();
        // A new directory's own name is durable before the first secret in it is.
        let made = fs::create_dir_all(&root).and_then(|()| if new { sync_folder_of(&root) } else { Ok(()) });
        match made {
            Ok(()) => Ok(Self { root }),
            Err(source) => Err(HomeError::Make { root, source }),
        }
    }

    /// The path of a file or folder in it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the file exists.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Reads a JSON file; `None` if it does not exist.
    ///
    /// # Errors
    /// [`HomeError::Read`], [`HomeError::Damaged`].
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, HomeError> {
        let path = self.path(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => zeroize::Zeroizing::new(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(HomeError::Read { path, source }),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|e| HomeError::Damaged {
            path,
            line: e.line(),
            column: e.column(),
        })
    }

    /// Writes a JSON file whole, readable by its owner only: under a temporary name, synced,
    /// renamed, and the folder synced. It outlasts a loss of power when this returns.
    ///
    /// # Errors
    /// [`HomeError::Write`].
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), HomeError> {
        let mut bytes = zeroize::Zeroizing::new(serde_json::to_vec_pretty(value).map_err(HomeError::Encode)?);
        bytes.push(b'\n');
        let path = self.path(name);
        write_private(&path, &bytes).map_err(|source| HomeError::Write { path, source })
    }

    /// Takes the right to change the files.
    ///
    /// # Errors
    /// [`HomeError::Busy`] while another process has it.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        let path = self.path("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| HomeError::Write { path, source })?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock { _file: file }),
            Err(_) => Err(HomeError::Busy { root: self.root.clone() }),
        }
    }
}

/// `$XDG_DATA_HOME`, or `~/.local/share`.
fn data_directory() -> Result<PathBuf, HomeError> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_user = || variable("HOME").map(|home| home.join(".local/share"));
    variable("XDG_DATA_HOME").or_else(of_user).ok_or(HomeError::NoHome)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder_of(path)
    };
    write().inspect_err(|_| {
        // What is left of it is no use; that it cannot be removed is not the error to tell.
        let _ = fs::remove_file(&temporary);
    })
}

/// Makes a new name in a folder durable: a synced file has its old name, or none, after a loss of
/// power until its folder is synced too. A ledger must not have the leaf of a secret before that.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    // Other systems do not open a folder as a file, and sync names with the file.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // Some network and user-space file systems refuse to sync a folder, and a folder that
            // may be written and not read cannot be opened. The file itself is synced, and the new
            // name is there: an error now would deny a write that happened.
            Err(error) if matches!(error.kind(), InvalidInput | Unsupported | PermissionDenied) => {}
            done => done?,
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Home, HomeError};

    #[test]
    fn one_process_changes_a_home_at_a_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::open(Some(dir.path())).expect("a home");
        let lock = home.lock().expect("the first");
        assert!(matches!(home.lock(), Err(HomeError::Busy { .. })));
        drop(lock);
        home.lock().expect("free again");
    }

    #[test]
    fn a_written_file_replaces_the_one_before_and_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::open(Some(dir.path())).expect("a home");
        for n in [1, 2] {
            home.write("x.json", &n).expect("written");
            assert_eq!(home.read::<u32>("x.json").expect("readable"), Some(n));
        }
        let names: Vec<_> = std::fs::read_dir(dir.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["x.json"]);
    }

    #[test]
    fn a_damaged_file_is_told_by_its_place_and_not_quoted() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::open(Some(dir.path())).expect("a home");
        assert_eq!(home.read::<u32>("x.json").expect("no file"), None);
        std::fs::write(home.path("x.json"), "\"a secret\"").expect("written");
        let said = home.read::<u32>("x.json").expect_err("no number").to_string();
        assert!(said.contains("x.json is damaged at line 1") && !said.contains("a secret"), "{said}");
    }
}
