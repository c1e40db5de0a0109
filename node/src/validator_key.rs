//! The key of a validator, made where it stays.

use amanat_bft::{SecretError, ValidatorSecret};
use amanat_domain::quorum::ValidatorKey;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Another key may be in that file.
    #[error("{} exists already: a key is never overwritten; give another --out", .0.display())]
    Present(PathBuf),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] SecretError),
}

/// A new secret from the system's randomness.
pub(crate) fn random() -> ValidatorSecret {
    let mut seed = Zeroizing::new([0u8; 32]);
    rand::Rng::fill_bytes(&mut rand::rng(), seed.as_mut());
    ValidatorSecret::from_bytes(&seed)
}

/// Makes a key, writes its secret half to a file that only the owner can read, and returns the
/// public half.
///
/// # Errors
/// [`KeyError`]; a file that exists is left alone.
pub fn create(out: &Path) -> Result<ValidatorKey, KeyError> {
    if out.exists() {
        return Err(KeyError::Present(out.to_path_buf()));
    }
    let secret = random();
    secret.write(out)?;
    Ok(secret.key())
}
