//! What a node does for development alone: its epochs are advanced by hand, so a test decides when
//! one begins.
//!
//! A caller that moves time can expire every consent. A web page that the developer looks at is not
//! told apart by its address, so a request must be one that a browser sends for no foreign page:
//! its body is JSON, it names no origin, and its host is this machine by a loopback name, which a
//! name that an attacker's DNS leads to 127.0.0.1 is not. Other programs and users of this machine
//! can ask.

use super::refusal::HttpRefusal;
use super::{Shared, blocking, faulty};
use amanat_api::problem::{Problem, tame};
use amanat_api::view::EpochView;
use amanat_ledger::Fault;
use axum::Json;
use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, header};
use std::net::IpAddr;
use std::sync::Arc;

/// `POST /v1/dev/epoch`: answers when the bundle of the next epoch is sealed.
pub(super) async fn next_epoch(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Json<EpochView>, HttpRefusal> {
    no_web_page(&headers)?;
    blocking(&shared, |shared| {
        let absent = || faulty(&Fault::Bug("a path for development without its clock".into()));
        let clock = shared.by_hand.as_ref().ok_or_else(absent)?;
        let epoch = clock.next_epoch()?;
        shared.consensus.settle(shared.clock.now()).map_err(|why| faulty(&Fault::Bug(why)))?;
        shared.announce();
        Ok(Json(EpochView { epoch }))
    })
    .await
}

const JSON: &str = "application/json";

/// Whether the request is one that no web page can make a browser send.
fn no_web_page(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("not text"));
    if let Some(origin) = text(header::ORIGIN) {
        let next = "ask with `amanat ledger next-epoch`, not from a web page";
        let problem = Problem::request(403, "foreign_origin", "a web page may not advance the epoch", next);
        return Err(problem.disagree("no header `Origin`", tame(origin)));
    }
    let host = text(header::HOST).unwrap_or("none");
    if !is_loopback(host) {
        let next = "ask this machine by its own name: 127.0.0.1, [::1] or localhost";
        let problem =
            Problem::request(403, "foreign_host", "the epoch is advanced from this machine alone", next);
        return Err(problem.disagree("a loopback name in the header `Host`", tame(host)));
    }
    let kind = text(header::CONTENT_TYPE).unwrap_or("none");
    if kind.split(';').next().map(str::trim) != Some(JSON) {
        let next = "send `{}` and name its type";
        let problem =
            Problem::request(415, "wrong_content_type", "the body's type is not the one expected", next);
        return Err(problem.disagree(JSON, tame(kind)));
    }
    Ok(())
}

/// Whether a header `Host` names this machine, with or without a port.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_name_is_told_from_others() {
        for host in ["127.0.0.1", "127.0.0.1:7420", "[::1]:7420", "[::1]", "localhost:1", "LOCALHOST"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "none",
            "not text",
            "evil.example:7420",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1:7420",
            "0.0.0.0:7420",
            "[::2]:7420",
            "localhost@evil.example",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
