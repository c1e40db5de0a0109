//! Whether a node takes transactions, asked over one connection: for supervisors and containers.

use amanat_api::problem::{Envelope, Problem, tame};
use amanat_api::tls::{ClientTls, TlsError};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

const HTTP: &str = "http://";
const HTTPS: &str = "https://";
/// Most bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Why a node is not known to take transactions.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum ProbeError {
    #[error("{0} is not a node's address: write http://HOST:PORT or https://HOST:PORT")]
    Address(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("certificates are given for an address without TLS, where they would not be used")]
    UnusedFiles,
    #[error("no node answers ({0}): is it running there?")]
    Unreachable(#[from] io::Error),
    #[error("the node did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("{0}")]
    Refused(Problem),
    #[error("the server that answers is not an Amanat node")]
    NoNode,
}

/// Asks the node at this address, and waits no longer than `patience`.
///
/// ```no_run
/// use amanat_api::tls::ClientTls;
/// use std::time::Duration;
/// let (patience, tls) = (Duration::from_secs(3), ClientTls::default());
/// match amanat_node::probe::ready("http://127.0.0.1:7420", patience, &tls) {
///     Ok(()) => println!("ready"),
///     Err(error) => println!("not ready: {error}"),
/// }
/// ```
///
/// # Errors
/// [`ProbeError`]: why the node is not ready, in its own words if it answers.
pub fn ready(address: &str, patience: Duration, tls: &ClientTls) -> Result<(), ProbeError> {
    let until = Instant::now() + patience;
    let (secured, authority) = match (address.strip_prefix(HTTPS), address.strip_prefix(HTTP)) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => (false, address),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let Some((host, _)) = authority.rsplit_once(':').filter(|_| !authority.contains(['/', ' ', '\r', '\n']))
    else {
        return Err(ProbeError::Address(tame(address)));
    };
    let stream = Timed { stream: connect(authority, until)?, until };
    let answer = if secured {
        exchange(secure::connect(stream, host.trim_matches(['[', ']']), tls)?, authority)
    } else if tls.is_empty() {
        exchange(stream, authority)
    } else {
        return Err(ProbeError::UnusedFiles);
    };
    match answer {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(ProbeError::TimedOut(patience)),
        answer => check_answer(&answer?),
    }
}

fn connect(authority: &str, until: Instant) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A connection on which every read and write ends by one deadline: a slow sender cannot stretch it
/// byte by byte.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

/// What a socket says of a deadline differs between systems.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        self.stream.read(bytes).map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.until)?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The whole answer: the node closes the connection after it.
fn exchange(mut stream: impl Read + Write, authority: &str) -> io::Result<Vec<u8>> {
    write!(
        stream,
        "GET /v1/ready HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    )?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(MAX_ANSWER as u64).read_to_end(&mut answer) {
        // A TLS connection that is closed without its farewell has said all that was said.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(answer),
    }
}

/// What an answer says.
fn check_answer(answer: &[u8]) -> Result<(), ProbeError> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(ProbeError::NoNode)?;
    let (head, body) = (&answer[..end], &answer[end + 4..]);
    let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status: u16 =
        status.and_then(|s| std::str::from_utf8(s).ok()?.parse().ok()).ok_or(ProbeError::NoNode)?;
    if status == 200 {
        return Ok(());
    }
    match serde_json::from_slice::<Envelope>(body) {
        Ok(Envelope { error }) => Err(ProbeError::Refused(error.tamed(status))),
        Err(_) => Err(ProbeError::NoNode),
    }
}

#[cfg(feature = "tls")]
mod secure {
    use super::{ClientTls, ProbeError, TlsError};
    use amanat_api::tls::pem;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, StreamOwned};
    use std::io::{Read, Write};
    use std::sync::Arc;

    /// TLS over a connection, with the CAs and the certificate of these files.
    pub(super) fn connect<S: Read + Write>(
        stream: S,
        host: &str,
        tls: &ClientTls,
    ) -> Result<impl Read + Write, ProbeError> {
        let provider = pem::provider();
        let roots = pem::authorities(tls.ca.as_ref().ok_or(TlsError::NoAuthority)?)?;
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(|_| TlsError::NotBuilt)?;
        let builder = builder.with_root_certificates(roots);
        let config = match (&tls.certificate, &tls.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let identity = pem::identity(certificate, key, &provider)?;
                let resolver = rustls::sign::SingleCertAndKey::from(identity.certified);
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
            (None, Some(_)) => return Err(TlsError::Half("the client's certificate").into()),
            (Some(_), None) => return Err(TlsError::Half("the client's key").into()),
        };
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| ProbeError::Address(amanat_api::problem::tame(host)))?;
        let connection = ClientConnection::new(Arc::new(config), name);
        let connection = connection.map_err(|error| ProbeError::Unreachable(std::io::Error::other(error)))?;
        Ok(StreamOwned::new(connection, stream))
    }
}

#[cfg(not(feature = "tls"))]
mod secure {
    use super::{ClientTls, ProbeError, TlsError};
    use std::io::{Read, Write};

    /// This build has no TLS.
    pub(super) fn connect<S: Read + Write>(_: S, _: &str, _: &ClientTls) -> Result<S, ProbeError> {
        Err(TlsError::NotBuilt.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_no_success_is_told_in_the_nodes_own_words() {
        assert!(check_answer(b"HTTP/1.1 200 OK\r\n\r\n{}").is_ok());
        let body =
            serde_json::to_string(&Envelope { error: Problem::busy("sealing", "not yet") }).expect("JSON");
        let answer = format!("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\n{body}");
        let error = check_answer(answer.as_bytes()).expect_err("not ready");
        assert!(error.to_string().starts_with("not yet. Next:"), "{error}");
        for foreign in
            ["", "220 mail.example ESMTP\r\n", "HTTP/1.1 404 Not Found\r\n\r\n<html>", "HTTP/1.1 ab\r\n\r\n"]
        {
            assert!(matches!(check_answer(foreign.as_bytes()), Err(ProbeError::NoNode)), "{foreign:?}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_before_it_is_dialled() {
        for address in ["", "http://", "http://host", "ftp://host:1/x", "http://a b:1", "http://h:1/v1"] {
            let error = ready(address, Duration::from_secs(1), &ClientTls::default());
            assert!(matches!(error, Err(ProbeError::Address(_))), "{address}: {error:?}");
        }
        let files = ClientTls { ca: Some("ca.pem".into()), ..ClientTls::default() };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let error = ready(&address, Duration::from_secs(60), &files);
        assert!(matches!(error, Err(ProbeError::UnusedFiles)), "{error:?}");
    }
}
