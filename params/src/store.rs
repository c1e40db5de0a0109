//! A directory of keys: `manifest.json` says which key serves which circuit, `keys/` holds them by
//! digest.
//!
//! Every file is written under a unique name, synced, and renamed, so that a reader sees a whole
//! file or none. A process that changes the manifest holds an exclusive lock on `manifest.lock`:
//! two processes that start on an empty directory end up with the same keys.

use crate::groth16::proving_key::{Expected, KeyError, ProvingKey};
use crate::groth16::setup::{SetupError, SetupStage, insecure_dev_setup};
use crate::groth16::verifying_key::{VERIFYING_KEY_BYTES, VerifyingKey, VkError};
use crate::header::{KeyHeader, Origin};
use amanat_circuits::r1cs::R1cs;
use amanat_domain::proof::ProofSystem;
use amanat_domain::statement::Statement;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const LOCK: &str = "manifest.lock";
/// A manifest of six statements is some 3 kB; one of this size is not ours.
const MAX_MANIFEST: u64 = 1 << 20;

/// Keys on disk.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_domain::{statement::Statement, tx::KeyDigest};
/// use amanat_params::KeyStore;
/// let (statement, store) = (Statement::Access, KeyStore::open("keys")?);
/// let key = store.verifying_key(statement, statement.version())?;
/// println!("proofs of {statement} verify under {}", KeyDigest(key.digest()));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct KeyStore {
    dir: PathBuf,
}

/// What the manifest says of one circuit's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Statement of the circuit.
    pub statement: Statement,
    /// Version of the circuit.
    pub version: u16,
    /// Digest of the constraint system.
    #[serde(with = "hex::serde")]
    pub r1cs: [u8; 32],
    /// Where the keys come from.
    pub origin: Origin,
    /// SHA-256 of the proving key file.
    #[serde(with = "hex::serde")]
    pub proving_key: [u8; 32],
    /// Length of the proving key file.
    pub proving_key_bytes: u64,
    /// SHA-256 of the verifying key file.
    #[serde(with = "hex::serde")]
    pub verifying_key: [u8; 32],
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    keys: Vec<Entry>,
}

/// What [`KeyStore::get_or_make_insecure_dev`] is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreStage {
    /// Reads a key from disk.
    Loading,
    /// Another process is changing the store; waits for it.
    Waiting,
    /// Makes a key: this takes a while, once.
    Making(SetupStage),
    /// Writes the new key.
    Writing,
}

/// Why the store has no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk said no.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The manifest is not one of ours.
    #[error("{} is not a key manifest of format {FORMAT} ({reason}); restore it, or move the directory aside to start afresh", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no key for this circuit.
    #[error("no key for {statement} version {version} in {}: install one, or make one for development", dir.display())]
    Missing {
        /// Asked for.
        statement: Statement,
        /// Asked for.
        version: u16,
        /// Where.
        dir: PathBuf,
    },
    /// The key on disk is not the expected one.
    #[error("{}: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// The verifying key on disk is not one.
    #[error("{}: {source}", path.display())]
    VerifyingKey {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: VkError,
    },
    /// A ceremony's key is in place but belongs to another constraint system; it is not replaced by
    /// a development key.
    #[error(
        "the ceremony key for {statement} version {version} was made for the constraint system {}, this build has {}: raise the circuit version or restore the circuit",
        hex::encode(got),
        hex::encode(expected)
    )]
    CeremonyMismatch {
        /// Statement.
        statement: Statement,
        /// Version.
        version: u16,
        /// This build's circuit.
        expected: [u8; 32],
        /// The key's circuit.
        got: [u8; 32],
    },
    /// No key could be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl KeyStore {
    /// Opens a directory, and makes it where there is none.
    ///
    /// # Errors
    /// If it cannot be made, or holds a manifest that is not ours.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        let keys = dir.join("keys");
        fs::create_dir_all(&keys).map_err(|source| io_error("create", &keys, source))?;
        let store = Self { dir };
        store.entries()?;
        Ok(store)
    }

    /// Everything the manifest names, by statement and version.
    ///
    /// # Errors
    /// If the manifest cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let path = self.dir.join(MANIFEST);
        let bad = |reason: String| StoreError::Manifest { path: path.clone(), reason };
        let bytes = match read_at_most(&path, MAX_MANIFEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("read", &path, error)),
        };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        if manifest.format != FORMAT {
            return Err(bad(format!("it is of format {}", manifest.format)));
        }
        Ok(manifest.keys)
    }

    /// The manifest's entry for a circuit.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is none.
    pub fn entry(&self, statement: Statement, version: u16) -> Result<Entry, StoreError> {
        let missing = StoreError::Missing { statement, version, dir: self.dir.clone() };
        self.entries()?.into_iter().find(|e| e.statement == statement && e.version == version).ok_or(missing)
    }

    /// The proving key of a circuit, if it was made for this constraint system.
    ///
    /// # Errors
    /// If there is none, it belongs to another circuit, or its file is damaged.
    pub fn proving_key(
        &self,
        statement: Statement,
        version: u16,
        r1cs: [u8; 32],
    ) -> Result<ProvingKey, StoreError> {
        let entry = self.entry(statement, version)?;
        self.load(&entry, r1cs)
    }

    /// The verifying key of a circuit.
    ///
    /// # Errors
    /// If there is none or its file is damaged.
    pub fn verifying_key(&self, statement: Statement, version: u16) -> Result<VerifyingKey, StoreError> {
        let entry = self.entry(statement, version)?;
        let path = self.file(&entry.verifying_key, "vk");
        let bytes =
            read_at_most(&path, VERIFYING_KEY_BYTES as u64).map_err(|e| io_error("read", &path, e))?;
        let wrong = |source| StoreError::VerifyingKey { path: path.clone(), source };
        let vk = VerifyingKey::from_bytes(&bytes).map_err(wrong)?;
        let stranger = |source| StoreError::Key { path: path.clone(), source };
        if vk.digest() != entry.verifying_key {
            let (expected, got) = (entry.verifying_key, vk.digest());
            return Err(stranger(KeyError::Digest { expected, got }));
        }
        // The manifest of format 1 lists Groth16 keys alone.
        let (system, r1cs, origin) = (ProofSystem::Groth16, entry.r1cs, entry.origin);
        let named = KeyHeader { system, statement, version, r1cs, origin };
        if *vk.header() != named {
            return Err(stranger(KeyError::Mixed));
        }
        Ok(vk)
    }

    /// Puts a key (for example a ceremony's) in the place of its statement and version.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn install(&self, key: &ProvingKey) -> Result<Entry, StoreError> {
        let _lock = self.lock()?;
        self.install_locked(key)
    }

    /// The proving key of a circuit; makes one for development where there is none, or where the
    /// one there is was made for development too and for another constraint system. A second
    /// process that asks meanwhile waits.
    ///
    /// # Errors
    /// If the disk refuses, a file is damaged, or a ceremony's key of another constraint system is
    /// in place.
    pub fn get_or_make_insecure_dev(
        &self,
        statement: Statement,
        version: u16,
        r1cs: &R1cs,
        rng: &mut impl CryptoRng,
        progress: &dyn Fn(StoreStage),
    ) -> Result<ProvingKey, StoreError> {
        let digest = r1cs.digest();
        if let Some(entry) = self.usable(statement, version, digest)? {
            progress(StoreStage::Loading);
            return self.load(&entry, digest);
        }
        progress(StoreStage::Waiting);
        let _lock = self.lock()?;
        if let Some(entry) = self.usable(statement, version, digest)? {
            progress(StoreStage::Loading);
            return self.load(&entry, digest);
        }
        let (key, _) =
            insecure_dev_setup(statement, version, r1cs, rng, &|stage| progress(StoreStage::Making(stage)))?;
        progress(StoreStage::Writing);
        self.install_locked(&key)?;
        Ok(key)
    }

    /// The entry for this very circuit, if there is one.
    fn usable(
        &self,
        statement: Statement,
        version: u16,
        r1cs: [u8; 32],
    ) -> Result<Option<Entry>, StoreError> {
        match self.entry(statement, version) {
            Ok(entry) if entry.r1cs == r1cs => Ok(Some(entry)),
            Ok(entry) if entry.origin == Origin::InsecureDev => Ok(None),
            Ok(Entry { r1cs: got, .. }) => {
                Err(StoreError::CeremonyMismatch { statement, version, expected: r1cs, got })
            }
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn load(&self, entry: &Entry, r1cs: [u8; 32]) -> Result<ProvingKey, StoreError> {
        let path = self.file(&entry.proving_key, "pk");
        let wrong = |source| StoreError::Key { path: path.clone(), source };
        if entry.r1cs != r1cs {
            return Err(wrong(KeyError::R1cs { expected: r1cs, got: entry.r1cs }));
        }
        let length = fs::metadata(&path).map_err(|e| io_error("read", &path, e))?.len();
        if length != entry.proving_key_bytes {
            return Err(wrong(KeyError::Length { expected: entry.proving_key_bytes, got: length }));
        }
        let bytes = read_at_most(&path, length).map_err(|e| io_error("read", &path, e))?;
        let (statement, version) = (entry.statement, entry.version);
        let expected = Expected { statement, version, r1cs, digest: entry.proving_key };
        ProvingKey::from_bytes(&bytes, &expected).map_err(wrong)
    }

    /// The caller holds the lock. Keys first, manifest last: a manifest never names a file that is
    /// not there.
    fn install_locked(&self, key: &ProvingKey) -> Result<Entry, StoreError> {
        let (header, vk, bytes) = (*key.header(), key.verifying_key(), key.to_bytes());
        let entry = Entry {
            statement: header.statement,
            version: header.version,
            r1cs: header.r1cs,
            origin: header.origin,
            proving_key: key.digest(),
            proving_key_bytes: bytes.len() as u64,
            verifying_key: vk.digest(),
        };
        self.write(&self.file(&entry.proving_key, "pk"), &bytes)?;
        self.write(&self.file(&entry.verifying_key, "vk"), &vk.to_bytes())?;
        let same = |e: &Entry| e.statement == entry.statement && e.version == entry.version;
        let (replaced, mut keys): (Vec<Entry>, Vec<Entry>) = self.entries()?.iter().partition(|e| same(e));
        keys.push(entry);
        keys.sort_by_key(|e| (e.statement, e.version));
        let path = self.dir.join(MANIFEST);
        let bad = |e: serde_json::Error| StoreError::Manifest { path: path.clone(), reason: e.to_string() };
        let mut json = serde_json::to_vec_pretty(&Manifest { format: FORMAT, keys }).map_err(bad)?;
        json.push(b'\n');
        self.write(&path, &json)?;
        for old in replaced
            .iter()
            .filter(|old| old.origin == Origin::InsecureDev && old.proving_key != entry.proving_key)
        {
            // A development key nobody names any more; if it cannot be removed it only takes room.
            let _ = fs::remove_file(self.file(&old.proving_key, "pk"));
            let _ = fs::remove_file(self.file(&old.verifying_key, "vk"));
        }
        Ok(entry)
    }

    fn file(&self, digest: &[u8; 32], extension: &str) -> PathBuf {
        self.dir.join("keys").join(format!("{}.{extension}", hex::encode(digest)))
    }

    fn lock(&self) -> Result<File, StoreError> {
        let path = self.dir.join(LOCK);
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|e| io_error("open", &path, e))?;
        file.lock().map_err(|e| io_error("lock", &path, e))?;
        Ok(file)
    }

    /// Writes a whole file or none: unique name, sync, rename, sync of the directory.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = self.dir.join(format!("writing-{}-{unique}", std::process::id()));
        let attempt = || {
            let mut file = File::options().create(true).truncate(true).write(true).open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            drop(file);
            fs::rename(&temporary, path)?;
            if cfg!(unix) {
                File::open(path.parent().unwrap_or(&self.dir))?.sync_all()?;
            }
            Ok(())
        };
        attempt().map_err(|source| {
            let _ = fs::remove_file(&temporary);
            io_error("write", path, source)
        })
    }
}

/// Reads a file that is no longer than it should be; allocates no more than there is.
fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{length} bytes, at most {limit} expected"),
        ));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{dev_keys, random_r1cs, rng};
    use std::sync::Barrier;

    fn quiet(_: StoreStage) {}

    #[test]
    fn a_key_is_made_once_and_then_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let (r1cs, _) = random_r1cs(1, 6, 5);
        let store = KeyStore::open(dir.path().join("a/b")).expect("opens");
        let made =
            store.get_or_make_insecure_dev(Statement::Role, 1, &r1cs, &mut rng(1), &quiet).expect("made");
        let again = KeyStore::open(dir.path().join("a/b")).expect("opens");
        let found =
            again.get_or_make_insecure_dev(Statement::Role, 1, &r1cs, &mut rng(2), &quiet).expect("found");
        assert!(made == found);
        assert_eq!(again.verifying_key(Statement::Role, 1).expect("found"), *made.verifying_key());
        assert!(matches!(again.verifying_key(Statement::Grant, 1), Err(StoreError::Missing { .. })));
        assert!(matches!(
            again.proving_key(Statement::Role, 2, r1cs.digest()),
            Err(StoreError::Missing { .. })
        ));
    }

    #[test]
    fn processes_that_start_together_end_up_with_one_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let (r1cs, _) = random_r1cs(1, 6, 5);
        let barrier = Barrier::new(4);
        let digests: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|seed| {
                    let (barrier, r1cs, dir) = (&barrier, &r1cs, dir.path());
                    scope.spawn(move || {
                        let store = KeyStore::open(dir).expect("opens");
                        barrier.wait();
                        let key =
                            store.get_or_make_insecure_dev(Statement::Role, 1, r1cs, &mut rng(seed), &quiet);
                        key.expect("one key").digest()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().expect("no panic")).collect()
        });
        assert!(digests.iter().all(|d| *d == digests[0]));
        let left: Vec<_> =
            fs::read_dir(dir.path()).expect("reads").flatten().map(|e| e.file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("writing-")), "{left:?}");
    }

    #[test]
    fn a_changed_circuit_gets_a_new_development_key_but_never_replaces_a_ceremony_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = KeyStore::open(dir.path()).expect("opens");
        let ((one, _), (two, _)) = (random_r1cs(1, 6, 5), random_r1cs(2, 6, 5));
        let make =
            |r1cs: &R1cs| store.get_or_make_insecure_dev(Statement::Access, 1, r1cs, &mut rng(1), &quiet);
        let old = make(&one).expect("made");
        assert_ne!(make(&two).expect("made").digest(), old.digest());
        assert!(!store.file(&old.digest(), "pk").exists());

        let (dev, _) = dev_keys();
        let header = KeyHeader { origin: Origin::Ceremony { transcript: [3; 32] }, ..*dev.header() };
        let vk = VerifyingKey::new(header, dev.verifying_key().points().clone()).expect("clean");
        let ceremony = ProvingKey::new(vk, dev.queries().clone()).expect("fits");
        let entry = store.install(&ceremony).expect("installed");
        assert_eq!(store.entry(Statement::Access, 1).expect("there"), entry);
        assert!(matches!(make(&one), Err(StoreError::CeremonyMismatch { .. })));
        let loaded = store.proving_key(Statement::Access, 1, header.r1cs).expect("loads");
        assert_eq!(loaded.header().origin, header.origin);
        let other = store.proving_key(Statement::Access, 1, [0; 32]);
        assert!(matches!(other, Err(StoreError::Key { source: KeyError::R1cs { .. }, .. })));
    }

    #[test]
    fn damaged_files_are_refused_with_their_path_and_what_to_do() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = KeyStore::open(dir.path()).expect("opens");
        let (r1cs, _) = random_r1cs(1, 6, 5);
        let key =
            store.get_or_make_insecure_dev(Statement::Role, 1, &r1cs, &mut rng(1), &quiet).expect("made");
        let path = store.file(&key.digest(), "pk");
        let mut bytes = fs::read(&path).expect("reads");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).expect("writes");
        let text = store.proving_key(Statement::Role, 1, r1cs.digest()).expect_err("damaged").to_string();
        assert!(text.contains("delete it") && text.contains(".pk"), "{text}");
        fs::write(&path, &bytes[..middle]).expect("writes");
        let text = store.proving_key(Statement::Role, 1, r1cs.digest()).expect_err("short").to_string();
        assert!(text.contains("truncated"), "{text}");

        let vk_path = store.file(&key.verifying_key().digest(), "vk");
        let mut vk_bytes = fs::read(&vk_path).expect("reads");
        vk_bytes.push(0);
        fs::write(&vk_path, &vk_bytes).expect("writes");
        assert!(matches!(store.verifying_key(Statement::Role, 1), Err(StoreError::Io { .. })));
        let (_, other) = dev_keys();
        fs::write(&vk_path, other.to_bytes()).expect("writes");
        let swapped = store.verifying_key(Statement::Role, 1);
        assert!(matches!(swapped, Err(StoreError::Key { source: KeyError::Digest { .. }, .. })));

        fs::write(dir.path().join(MANIFEST), b"{\"format\":2,\"keys\":[]}").expect("writes");
        assert!(matches!(KeyStore::open(dir.path()), Err(StoreError::Manifest { .. })));
        fs::write(dir.path().join(MANIFEST), b"not json").expect("writes");
        assert!(matches!(KeyStore::open(dir.path()), Err(StoreError::Manifest { .. })));
    }
}
