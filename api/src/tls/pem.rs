//! Reading PEM files, within bounds.

use super::TlsError;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// Most bytes of a file: room for hundreds of certificates.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// The cryptography of every connection.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A certificate with what is between it and a CA, and its key.
pub struct Identity {
    /// The certificate, then those between it and a CA.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key's file as it is.
    pub key: Vec<u8>,
    /// Certificate and key, checked to belong together.
    pub certified: Arc<CertifiedKey>,
}

/// A certificate and the key that belongs to it.
pub fn identity(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Identity, TlsError> {
    let (chain, text) = (certificates(certificate)?, private_key(key)?);
    let der = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| TlsError::Malformed(key.to_owned(), "a private key"))?;
    let certified = CertifiedKey::from_der(chain.clone(), der, provider)
        .map_err(|e| TlsError::Unfit(certificate.to_owned(), e.to_string()))?;
    Ok(Identity { chain, key: text, certified: Arc::new(certified) })
}

/// The CAs of a file: at least one, and each of them readable.
pub fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|e| TlsError::Authority(path.to_owned(), e.to_string()))?;
    }
    Ok(store)
}

/// The certificates of a file: at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = contents(File::open(path).map_err(|e| TlsError::Io(path.to_owned(), e))?, path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| TlsError::Malformed(path.to_owned(), "certificates"))
}

fn private_key(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |e| TlsError::Io(path.to_owned(), e);
    let file = File::open(path).map_err(failed)?;
    // Asked of the open file: the name may lead to another one a moment later.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(TlsError::Exposed(path.to_owned()));
        }
    }
    contents(file, path)
}

fn contents(file: File, path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = file.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| TlsError::Io(path.to_owned(), e))?;
    if bytes.len() as u64 > MAX_PEM_BYTES {
        return Err(TlsError::TooLong(path.to_owned(), MAX_PEM_BYTES));
    }
    Ok(bytes)
}
