//! A validator's key: its file, its signatures, and Ed25519 as Malachite's scheme.

use crate::types::{PublicKey, Signature};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::wire::WireError;
use arc_malachitebft_app_channel::app::types::Keypair;
use arc_malachitebft_app_channel::app::types::core as engine;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A validator's private key. Wiped from memory when the last copy goes; has no `Debug`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_bft::ValidatorSecret;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("validator.key");
/// # let random = [7; 32];
/// let secret = ValidatorSecret::from_bytes(&random);
/// secret.write(&path)?; // a new file, which only its owner can read
/// // The public half: what a genesis and the other validators' peers name.
/// assert_eq!(ValidatorSecret::read(&path)?.key(), secret.key());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ValidatorSecret(Arc<SigningKey>);

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum SecretError {
    #[error("validator key {0}: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    #[error("validator key {0}: not 64 hex digits")]
    Malformed(PathBuf),
    #[error(
        "validator key {0} can be read by others: set its mode to 600, and replace it if anyone may have read it"
    )]
    Exposed(PathBuf),
}

impl ValidatorSecret {
    /// From its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Arc::new(SigningKey::from_bytes(bytes)))
    }

    /// Reads a key file: 64 hex digits, readable by its owner alone.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let failed = |e| SecretError::Io(path.to_path_buf(), e);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(SecretError::Exposed(path.to_path_buf()));
            }
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice())
            .map_err(|_| SecretError::Malformed(path.to_path_buf()))?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Writes a key file that only the owner can read. A file that exists is left alone.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn write(&self, path: &Path) -> Result<(), SecretError> {
        let failed = |e| SecretError::Io(path.to_path_buf(), e);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let text = Zeroizing::new(hex::encode(self.0.as_bytes()));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// The public half: what a genesis names.
    #[must_use]
    pub fn key(&self) -> ValidatorKey {
        ValidatorKey(self.0.verifying_key().to_bytes())
    }

    /// The same key for the network's handshake. libp2p signs under its own tags
    /// ("noise-libp2p-static-key:", "libp2p-pubsub:"), which no message of ours begins with.
    pub(crate) fn keypair(&self) -> Keypair {
        Keypair::ed25519_from_bytes(self.0.to_bytes()).expect("32 bytes are an Ed25519 secret")
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

/// Ed25519 with strict verification, as everywhere on this ledger: all validators come to the same
/// result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ed25519;

impl engine::SigningScheme for Ed25519 {
    type DecodingError = WireError;
    type Signature = Signature;
    type PublicKey = PublicKey;
    type PrivateKey = ValidatorSecret;

    fn decode_signature(bytes: &[u8]) -> Result<Signature, WireError> {
        bytes.try_into().map(Signature).map_err(|_| WireError::Invalid("a signature has 64 bytes"))
    }
    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }
    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, WireError> {
        let key = bytes.try_into().map_err(|_| WireError::Invalid("a public key has 32 bytes"))?;
        Ok(PublicKey(ValidatorKey(key)))
    }
    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.0.0.to_vec()
    }
}

/// Whether this key signed the message.
pub(crate) fn verified(key: ValidatorKey, message: &[u8], signature: &Signature) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("validator.key");
        let secret = ValidatorSecret::from_bytes(&[5; 32]);
        secret.write(&path).expect("written");
        let mode = || std::fs::metadata(&path).expect("there").permissions();
        assert_eq!(mode().mode() & 0o777, 0o600);
        assert_eq!(ValidatorSecret::read(&path).expect("read").key(), secret.key());
        assert!(matches!(secret.write(&path), Err(SecretError::Io(..))), "never written over");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("changed");
        assert!(matches!(ValidatorSecret::read(&path), Err(SecretError::Exposed(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changed");
        std::fs::write(&path, "05").expect("written");
        assert!(matches!(ValidatorSecret::read(&path), Err(SecretError::Malformed(_))));
    }
}
