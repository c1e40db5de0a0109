//! The client's end, by ureq over rustls.

use amanat_api::tls::{ClientTls, TlsError, pem};
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};
use ureq::typestate::AgentScope;

/// An agent that speaks TLS with these files. What this gives cannot fail later but by what the
/// node says: certificates are readable, and a key is its certificate's.
pub(crate) fn secured(
    agent: ConfigBuilder<AgentScope>,
    tls: &ClientTls,
) -> Result<ConfigBuilder<AgentScope>, TlsError> {
    let provider = pem::provider();
    let ca = tls.ca.as_ref().ok_or(TlsError::NoAuthority)?;
    pem::authorities(ca)?;
    let certificate = |der: &CertificateDer<'_>| Certificate::from_der(der).to_owned();
    let roots: Vec<_> = pem::certificates(ca)?.iter().map(certificate).collect();
    let identity = match (&tls.certificate, &tls.key) {
        (None, None) => None,
        (Some(path), Some(key)) => {
            let identity = pem::identity(path, key, &provider)?;
            let chain: Vec<_> = identity.chain.iter().map(certificate).collect();
            let key = PrivateKey::from_pem(&identity.key);
            let key = key.map_err(|e| TlsError::Unfit(path.clone(), e.to_string()))?;
            Some(ClientCert::new_with_certs(&chain, key))
        }
        (None, Some(_)) => return Err(TlsError::Half("the client's certificate")),
        (Some(_), None) => return Err(TlsError::Half("the client's key")),
    };
    let config = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .client_cert(identity)
        .unversioned_rustls_crypto_provider(provider);
    Ok(agent.tls_config(config.build()))
}

/// What TLS said, if TLS failed.
pub(crate) fn trouble(error: &ureq::Error) -> Option<String> {
    match error {
        ureq::Error::Rustls(e) => Some(e.to_string()),
        ureq::Error::Tls(why) => Some((*why).to_owned()),
        ureq::Error::Io(e) => Some(e.get_ref()?.downcast_ref::<rustls::Error>()?.to_string()),
        _ => None,
    }
}
