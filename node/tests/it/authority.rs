//! A CA, and the certificates it signs, made for one test. Keys are Ed25519 and signed with here,
//! so that tests of a build without TLS need no C compiler for them.

use amanat_api::tls::{ClientTls, ORGANISATION_URN, TlsSettings};
use amanat_domain::consent::OrgId;
use amanat_node::server::Acceptor;
use ed25519_dalek::{Signer, SigningKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, PublicKeyData, SanType, SerialNumber,
    SignatureAlgorithm, date_time_ymd,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A certificate authority with a folder for its files.
pub(crate) struct Authority {
    issuer: Issuer<'static, Key>,
    folder: tempfile::TempDir,
    /// Its own certificate.
    pub(crate) file: PathBuf,
}

/// A certificate's file and its key's.
pub(crate) struct Issued {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

struct Key {
    secret: SigningKey,
    public: [u8; 32],
}

impl Key {
    /// Another one each time.
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let secret = SigningKey::from_bytes(&seed);
        let public = secret.verifying_key().to_bytes();
        Self { secret, public }
    }

    fn pem(&self) -> String {
        // RFC 8410: PKCS#8 of an Ed25519 key is this and its 32 bytes, 48 in all.
        let mut der = hex::decode("302e020100300506032b657004220420").expect("hexadecimal");
        der.extend(self.secret.to_bytes());
        let words = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for three in der.chunks_exact(3) {
            let bits = three.iter().fold(0usize, |bits, byte| bits << 8 | usize::from(*byte));
            text.extend([18, 12, 6, 0].map(|shift| char::from(words[bits >> shift & 63])));
        }
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.secret.sign(message).to_bytes().to_vec())
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(&[1]));
    params
}

/// The URI that names an organisation.
pub(crate) fn urn(reference: &str) -> String {
    format!("{ORGANISATION_URN}{}", OrgId::from_reference(reference))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    set_mode(path, 0o600);
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = Key::new();
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("ca.pem");
        fs::write(&file, certificate).expect("written");
        Self { issuer: Issuer::new(params, key), folder, file }
    }

    fn issue(&self, file: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let key = Key::new();
        let mut params = named(file);
        change(&mut params);
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        let path = |end: &str| self.folder.path().join(format!("{file}.{end}"));
        let issued = Issued { certificate: path("pem"), key: path("key") };
        fs::write(&issued.certificate, signed.pem()).expect("written");
        write_secret(&issued.key, &key.pem());
        issued
    }

    /// For a node at a host or an address.
    pub(crate) fn node(&self, host: &str) -> Issued {
        let names = CertificateParams::new([host.to_owned()]).expect("a name").subject_alt_names;
        self.issue("node", |params| params.subject_alt_names = names)
    }

    /// For a node here, a quarter of a century too old.
    pub(crate) fn expired_node(&self) -> Issued {
        let names = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name").subject_alt_names;
        self.issue("old", |params| {
            params.subject_alt_names = names;
            params.not_after = date_time_ymd(2001, 1, 1);
        })
    }

    /// For a client, with these URIs.
    pub(crate) fn client(&self, file: &str, uris: &[&str]) -> Issued {
        let uri = |uri: &&str| SanType::URI((*uri).try_into().expect("a URI"));
        let names = uris.iter().map(uri).collect();
        self.issue(file, |params| params.subject_alt_names = names)
    }

    /// For an organisation.
    pub(crate) fn organisation(&self, reference: &str) -> Issued {
        self.client(&reference.replace('/', "-"), &[&urn(reference)])
    }

    /// For an organisation, a quarter of a century too old.
    pub(crate) fn expired(&self, reference: &str) -> Issued {
        let name = SanType::URI(urn(reference).try_into().expect("a URI"));
        self.issue("expired", |params| {
            params.subject_alt_names = vec![name];
            params.not_after = date_time_ymd(2001, 1, 1);
        })
    }
}

impl Issued {
    /// The settings of a node with this certificate.
    pub(crate) fn settings(&self, clients: Option<&Authority>, require: bool) -> TlsSettings {
        TlsSettings {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            clients: clients.map(|ca| ca.file.clone()),
            require,
        }
    }

    pub(crate) fn acceptor(&self, clients: Option<&Authority>, require: bool) -> Acceptor {
        Acceptor::new(self.settings(clients, require)).expect("good files")
    }

    /// A client with this certificate that believes a CA.
    pub(crate) fn believing(&self, ca: &Authority) -> ClientTls {
        ClientTls { certificate: Some(self.certificate.clone()), key: Some(self.key.clone()), ..trusting(ca) }
    }
}

/// A client without a certificate that believes a CA.
pub(crate) fn trusting(ca: &Authority) -> ClientTls {
    ClientTls { ca: Some(ca.file.clone()), ..ClientTls::default() }
}
