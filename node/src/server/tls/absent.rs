//! In a build without TLS nothing accepts any.

use super::Outcome;
use amanat_api::tls::{TlsError, TlsSettings};
use amanat_domain::consent::OrgId;
use std::convert::Infallible;
use std::time::Duration;

/// Accepts TLS. This build has none, so there is no value of it.
#[derive(Debug, Clone)]
pub struct Acceptor(Infallible);

/// What would be inside TLS.
pub(in crate::server) type Stream<S> = S;

impl Acceptor {
    /// Accepts TLS with these files.
    ///
    /// # Errors
    /// [`TlsError::NotBuilt`].
    pub fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        drop(settings);
        Err(TlsError::NotBuilt)
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// None: there is no value to call it on.
    pub fn reload(&self) -> Result<(), TlsError> {
        match self.0 {}
    }

    pub(in crate::server) fn asks_for_certificates(&self) -> bool {
        match self.0 {}
    }

    pub(super) async fn handshake<S>(
        &self,
        _: S,
        _: Duration,
    ) -> Result<(Stream<S>, Option<OrgId>), Outcome> {
        match self.0 {}
    }
}
