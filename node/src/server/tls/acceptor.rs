//! Handshakes, by rustls.

use super::Outcome;
use amanat_api::tls::{ORGANISATION_URN, TlsError, TlsSettings, pem};
use amanat_domain::consent::OrgId;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, ServerConfig, SignatureScheme,
};
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// This much of a peer's data after a failed handshake is read and dropped, so that the peer can
/// read the reason.
const DISCARDED: u64 = 64 * 1024;

/// Accepts TLS 1.2 and 1.3, over HTTP/1.1. Copies share the files that are in use.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    settings: TlsSettings,
    current: RwLock<Arc<ServerConfig>>,
}

/// What is inside TLS.
pub(in crate::server) type Stream<S> = TlsStream<S>;

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Acceptor").field(&self.0.settings).finish()
    }
}

impl Acceptor {
    /// Accepts TLS with these files.
    ///
    /// # Errors
    /// If a file cannot be read, is not what it should be, or is a key that others can read.
    pub fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        let current = RwLock::new(config(&settings)?);
        Ok(Self(Arc::new(Inner { settings, current })))
    }

    /// Reads the files again, for new connections; open connections do not change.
    ///
    /// # Errors
    /// As [`Acceptor::new`]; then what was read before stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = config(&self.0.settings)?;
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Whether clients are asked for certificates.
    pub(in crate::server) fn asks_for_certificates(&self) -> bool {
        self.0.settings.clients.is_some()
    }

    /// What is inside TLS, and whom the client's certificate names, if it has one.
    pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        time: Duration,
    ) -> Result<(Stream<S>, Option<OrgId>), Outcome> {
        let end = Instant::now() + time;
        let config = self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let accepting = TlsAcceptor::from(config).accept(stream).into_fallible();
        let Ok(ended) = timeout_at(end, accepting).await else {
            tracing::debug!("a handshake did not end in time");
            return Err(Outcome::TimedOut);
        };
        match ended {
            Ok(stream) => {
                let certificates = stream.get_ref().1.peer_certificates();
                // The verifier let none pass that names no organisation.
                let organisation = certificates.and_then(|all| organisation(all.first()?).ok());
                Ok((stream, organisation))
            }
            Err((error, stream)) => {
                tracing::debug!(%error, "a handshake failed");
                let _ = timeout_at(end, part(stream)).await;
                Err(outcome(&error))
            }
        }
    }
}

/// Closes without cutting off the alert that says why: a close with bytes unread would.
async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(DISCARDED), &mut tokio::io::sink()).await?;
    Ok(())
}

fn outcome(error: &io::Error) -> Outcome {
    match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Outcome::Certificate
        }
        Some(rustls::Error::AlertReceived(_)) | None => Outcome::Closed,
        Some(_) => Outcome::Protocol,
    }
}

fn config(settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let TlsSettings { certificate, key, clients, require } = settings;
    let provider = pem::provider();
    let identity = pem::identity(certificate, key, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError::Unfit(certificate.clone(), e.to_string()))?;
    let builder = match clients {
        None if *require => return Err(TlsError::NoClientAuthority),
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(pem::authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = if *require { verifier } else { verifier.allow_unauthenticated() };
            let verifier = verifier.build().map_err(|e| TlsError::Authority(path.clone(), e.to_string()))?;
            builder.with_client_cert_verifier(Arc::new(Organisations(verifier)))
        }
    };
    let resolver = SingleCertAndKey::from(identity.certified);
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session that is taken up again would pass with a certificate that has expired, or whose CA
    // is no longer believed.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Takes the certificates that the CAs signed and that name an organisation.
#[derive(Debug)]
struct Organisations(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Organisations {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now)?;
        organisation(end_entity).map_err(|e| CertificateError::Other(OtherError(Arc::new(e))))?;
        Ok(verified)
    }
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }
    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Why a certificate names no organisation.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
enum Nameless {
    #[error("not a certificate that can be read")]
    Unreadable,
    #[error("no URI {ORGANISATION_URN}ID among its alternative names")]
    None,
    #[error("more than one organisation among its alternative names")]
    BftNode,
    #[error("an organisation's URI without 64 hexadecimal digits of an id")]
    Malformed,
}

/// The one organisation that a certificate names. The certificate may have other URIs.
fn organisation(certificate: &CertificateDer<'_>) -> Result<OrgId, Nameless> {
    let certificate = webpki::EndEntityCert::try_from(certificate).map_err(|_| Nameless::Unreadable)?;
    let mut ids = certificate.valid_uri_names().filter_map(|uri| uri.strip_prefix(ORGANISATION_URN));
    let id = ids.next().ok_or(Nameless::None)?;
    if ids.next().is_some() {
        return Err(Nameless::BftNode);
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(id, &mut bytes).map_err(|_| Nameless::Malformed)?;
    OrgId::from_bytes(&bytes).map_err(|_| Nameless::Malformed)
}
