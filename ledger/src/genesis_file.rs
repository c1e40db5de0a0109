//! A genesis in a file.

use crate::genesis::{Genesis, GenesisError, MAX_GENESIS_BYTES};
use std::io;
use std::path::{Path, PathBuf};

/// Why a file gives no genesis.
#[derive(Debug, thiserror::Error)]
pub enum GenesisFileError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Io(PathBuf, #[source] io::Error),
    /// The file is longer than a genesis may be.
    #[error("{path} is too long for a genesis: {got} bytes, at most {MAX_GENESIS_BYTES}")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        got: u64,
    },
    /// What the file says is no genesis.
    #[error("{0} is not a genesis")]
    Genesis(PathBuf, #[source] GenesisError),
}

impl Genesis {
    /// Reads the genesis in a file.
    ///
    /// # Errors
    /// [`GenesisFileError`], which names the file.
    pub fn read(path: &Path) -> Result<Self, GenesisFileError> {
        let failed = |error| GenesisFileError::Io(path.to_path_buf(), error);
        // The length first: a wrong name may be a file of gigabytes.
        let got = std::fs::metadata(path).map_err(failed)?.len();
        if got > MAX_GENESIS_BYTES as u64 {
            return Err(GenesisFileError::TooLong { path: path.to_path_buf(), got });
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        Self::from_json(&bytes).map_err(|error| GenesisFileError::Genesis(path.to_path_buf(), error))
    }
}
