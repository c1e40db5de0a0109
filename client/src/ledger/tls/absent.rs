//! The client's end in a build without TLS.

use amanat_api::tls::{ClientTls, TlsError};
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

/// No agent can be made to speak it.
pub(crate) fn secured(
    _: ConfigBuilder<AgentScope>,
    _: &ClientTls,
) -> Result<ConfigBuilder<AgentScope>, TlsError> {
    Err(TlsError::NotBuilt)
}

/// TLS cannot fail where it is not spoken.
pub(crate) const fn trouble(_: &ureq::Error) -> Option<String> {
    None
}
