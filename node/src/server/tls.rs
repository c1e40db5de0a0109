//! TLS in front of the node: handshakes, and who is at the other end.
//!
//! A handshake counts as a connection from its first byte and must end within the time for a
//! request's head. A failed handshake is the peer's fault: a counter and a debug line record it.

#[cfg_attr(not(feature = "tls"), path = "tls/absent.rs")]
mod acceptor;

pub use acceptor::Acceptor;

use super::Shared;
use amanat_domain::consent::OrgId;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub(super) enum Outcome {
    Completed,
    /// The client's certificate is missing, not valid now, of another CA, or names no organisation.
    Certificate,
    /// What came is no TLS, or a TLS that is not spoken here.
    Protocol,
    /// The peer went away, or refused the node's certificate.
    Closed,
    TimedOut,
}

impl Outcome {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Completed, "completed"),
        (Self::Certificate, "certificate"),
        (Self::Protocol, "protocol"),
        (Self::Closed, "closed"),
        (Self::TimedOut, "timed_out"),
    ];
}

/// How many handshakes ended in which way.
#[derive(Debug, Default)]
pub(super) struct Handshakes([AtomicU64; Outcome::ALL.len()]);

impl Handshakes {
    fn count(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Labels and counts, for the metrics.
    pub(super) fn samples(&self) -> Vec<(String, f64)> {
        let one = |(outcome, label): (Outcome, &str)| {
            let count = self.0[outcome as usize].load(Ordering::Relaxed);
            (format!("{{outcome=\"{label}\"}}"), count as f64)
        };
        Outcome::ALL.into_iter().map(one).collect()
    }
}

/// The stream inside TLS and the organisation that the client's certificate names. `None` if the
/// handshake failed or the node stops.
pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: &Acceptor,
    stream: S,
    shared: &Shared,
) -> Option<(acceptor::Stream<S>, Option<OrgId>)> {
    let mut stop = shared.stop.subscribe();
    let ended = tokio::select! {
        ended = acceptor.handshake(stream, shared.config.header_timeout) => ended,
        _ = stop.wait_for(|stop| *stop) => return None,
    };
    let outcome = ended.as_ref().map_or_else(|outcome| *outcome, |_| Outcome::Completed);
    shared.metrics.handshakes.count(outcome);
    ended.ok()
}

/// Reads the files again at each SIGHUP, for as long as the set is kept. If that fails, the node
/// keeps its files.
pub(super) fn renewing(acceptor: Option<&Acceptor>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    #[cfg(unix)]
    if let Some(acceptor) = acceptor.cloned() {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::hangup()) {
            Ok(mut hangups) => {
                tasks.spawn(async move {
                    while hangups.recv().await.is_some() {
                        match acceptor.reload() {
                            Ok(()) => tracing::info!("certificates and keys of TLS were read again"),
                            Err(error) => {
                                tracing::error!(%error, "certificates and keys of TLS could not be read again: the node keeps those it has");
                            }
                        }
                    }
                });
            }
            Err(error) => tracing::error!(%error, "SIGHUP will not renew the certificates of TLS"),
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_counter() {
        let handshakes = Handshakes::default();
        for (n, (outcome, _)) in (1u8..).zip(Outcome::ALL) {
            (0..n).for_each(|_| handshakes.count(outcome));
        }
        let samples = handshakes.samples();
        let labels = ["completed", "certificate", "protocol", "closed", "timed_out"];
        let expected: Vec<_> = (1u8..)
            .zip(labels)
            .map(|(n, label)| (format!("{{outcome=\"{label}\"}}"), f64::from(n)))
            .collect();
        assert_eq!(samples, expected);
    }
}
