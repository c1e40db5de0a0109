//! Everything that is not as it must be: a clear error with the next step, and nothing lost.

use crate::support::{HOSPITAL, PATIENCE, VISITOR, World, enrol, genesis, issue, sign, to_end};
use amanat_domain::tx::{Action, MAX_TX_BYTES, Transaction};
use amanat_node::server::NodeConfig;
use serde_json::json;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn bytes(tx: amanat_domain::tx::SignedTx) -> Vec<u8> {
    Transaction::Signed(Box::new(tx)).to_bytes()
}

/// Writes until the other end closes; that it merely takes nothing more is not enough.
fn until_closed(stream: &mut TcpStream, bytes: &[u8]) {
    let begun = Instant::now();
    loop {
        match stream.write_all(bytes) {
            Ok(()) => assert!(begun.elapsed() < PATIENCE, "it takes everything"),
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => return,
            Err(e) => panic!("the connection stayed open: {e}"),
        }
    }
}

#[test]
fn a_transaction_cut_short_anywhere_is_refused_and_nothing_is_lost() {
    let world = World::new();
    let whole = world.signed(enrol([1, 2])).to_bytes();
    for length in 0..whole.len() {
        let reply = world.post(&whole[..length]);
        let error = reply.refused(400, "truncated");
        assert_eq!(error["kind"], json!("reject"));
    }
    assert_eq!(world.height(), 0);
    assert_eq!(world.post(&whole).status, 200);
}

#[test]
fn bytes_that_are_no_transaction_of_this_ledger_are_refused_with_the_reason() {
    let world = World::new();
    let chain = world.chain();
    let good = world.signed(enrol([1])).to_bytes();
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        world.post(&bytes)
    };
    changed(&|b| b.push(0)).refused(400, "trailing_bytes");
    let version = changed(&|b| b[0] = 2);
    let error = version.refused(400, "unknown_version");
    assert_eq!((&error["expected"], &error["got"]), (&json!("1"), &json!("2")));
    changed(&|b| b[1] = 200).refused(400, "unknown_value");
    // The signer's id, 32 bytes from offset 34, made larger than the modulus.
    changed(&|b| b[34..66].fill(0xff)).refused(400, "not_canonical");
    changed(&|b| *b.last_mut().expect("bytes") ^= 1).refused(400, "bad_signature");
    // A subject exchanged under the signature.
    let at = good.len() - 64 - 32;
    changed(&|b| b[at] ^= 2).refused(400, "bad_signature");

    let foreign = genesis("elsewhere").chain_id();
    let reply = world.post(&bytes(sign(foreign, HOSPITAL, enrol([1]))));
    let error = reply.refused(400, "foreign_chain");
    assert_eq!(error["expected"], json!(chain.to_string()));
    assert_eq!(error["got"], json!(foreign.to_string()));
    world.post(&bytes(sign(chain, VISITOR, enrol([1])))).refused(400, "not_entitled");
    world.post(&bytes(sign(chain, "Organization/nobody", enrol([1])))).refused(400, "unknown_organisation");
    let mut stolen = sign(chain, VISITOR, enrol([1]));
    stolen.organisation = sign(chain, HOSPITAL, enrol([1])).organisation;
    world.post(&bytes(stolen)).refused(400, "bad_signature");
    world.post(&world.signed(enrol([0])).to_bytes()).refused(400, "empty_leaf");
    world.post(&world.signed(enrol([4, 4])).to_bytes()).refused(400, "repeated_entry");
    world.post(&world.signed(enrol([])).to_bytes()).refused(400, "bad_length");
    world.post(&world.signed(Action::RetireRole { index: 0 }).to_bytes()).refused(400, "no_such_credential");
    assert_eq!(world.height(), 0);
    world.commit(enrol([1]));
    world.post(&world.signed(enrol([1])).to_bytes()).refused(409, "already_enrolled");
    world.commit(issue(3));
    world.post(&world.signed(issue(3)).to_bytes()).refused(409, "already_issued");
}

#[test]
fn a_body_longer_than_a_transaction_is_refused_however_it_is_framed() {
    let world = World::new();
    let long = vec![0u8; MAX_TX_BYTES + 1];
    let reply = world.post(&long);
    let error = reply.refused(413, "too_large");
    assert_eq!(error["expected"], json!(format!("at most {MAX_TX_BYTES} bytes")));
    let mut chunked = world.raw(
        "POST /v1/transactions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    for part in long.chunks(4096) {
        write!(chunked, "{:x}\r\n", part.len()).expect("written");
        chunked.write_all(part).expect("written");
        chunked.write_all(b"\r\n").expect("written");
    }
    chunked.write_all(b"0\r\n\r\n").expect("written");
    let answer = to_end(&mut chunked);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // A request that never ends is cut off and not kept.
    let mut endless = world.raw(
        "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n\
         content-length: 1000000000000\r\n\r\n",
    );
    until_closed(&mut endless, &long);
    assert_eq!(world.get("/v1/health").status, 200);
}

#[test]
fn the_body_must_say_what_it_is() {
    let world = World::new();
    let tx = world.signed(enrol([1])).to_bytes();
    world.post_as("application/json", &tx).refused(415, "wrong_content_type");
    world.post_as("text/plain", &tx).refused(415, "wrong_content_type");
    assert_eq!(world.post_as("application/octet-stream; x=y", &tx).status, 200);
}

#[test]
fn pages_beyond_the_end_or_too_long_and_parameters_nobody_knows_are_refused() {
    let world = World::new();
    world.commit(enrol([1, 2]));
    world.commit(issue(1));
    world.next_epoch();
    let refused = |path: &str, code: &str| world.get(path).refused(400, code).clone();
    let error = refused("/v1/registries/subjects/leaves?from=3", "beyond_the_end");
    assert_eq!((&error["expected"], &error["got"]), (&json!("at most 2"), &json!("3")));
    let error = refused("/v1/registries/roles/leaves?from=18446744073709551615", "beyond_the_end");
    assert_eq!(error["expected"], json!("at most 1"));
    let error = refused("/v1/registries/revocations/leaves?from=2", "beyond_the_end");
    assert_eq!(error["expected"], json!("at most 1"));
    refused("/v1/blocks?from=5", "beyond_the_end");
    refused("/v1/events?from=5", "beyond_the_end");
    let error = refused("/v1/registries/subjects/leaves?limit=99999999999", "bad_limit");
    assert_eq!(error["expected"], json!("1 to 8192"));
    refused("/v1/registries/subjects/leaves?limit=0", "bad_limit");
    refused("/v1/blocks?limit=257", "bad_limit");
    refused("/v1/governance?limit=1025", "bad_limit");
    refused("/v1/governance?from=1", "unknown_parameter");
    for bad in ["", "7", &"ff".repeat(32), &"0".repeat(66)] {
        refused(&format!("/v1/governance?after={bad}"), "bad_organisation");
    }
    for bad in ["-1", "1.5", "+1", "", "0x10", "18446744073709551616", "%31"] {
        refused(&format!("/v1/registries/subjects/leaves?from={bad}"), "not_a_number");
    }
    refused("/v1/registries/subjects/leaves?index=1", "unknown_parameter");
    refused("/v1/blocks?from=1&from=2", "repeated_parameter");
}

#[test]
fn what_is_not_there_is_said_in_the_same_shape() {
    let world = World::new();
    let unknown = "ab".repeat(32);
    world.get(&format!("/v1/receipts/{unknown}")).refused(404, "unknown_txid");
    for bad in ["xyz", "ab", &format!("{unknown}00"), &unknown.replace('a', "g")] {
        world.get(&format!("/v1/receipts/{bad}")).refused(400, "bad_txid");
    }
    let error = world.get("/v1/blocks/1").refused(404, "no_such_block").clone();
    assert_eq!(error["expected"], json!("at most 0"));
    world.get("/v1/blocks/18446744073709551615").refused(404, "no_such_block");
    world.get("/v1/blocks/one").refused(400, "not_a_number");
    world.get("/v1/bundles/7").refused(404, "no_such_bundle");
    world.get("/v1/bundles/newest").refused(400, "not_a_number");
    world.get("/v1/registries/patients/leaves").refused(404, "no_such_registry");
    world.get("/v1/registries/subjects/leaves?epoch=9").refused(404, "no_such_bundle");
    world.get("/v1/blocks/%ff").refused(400, "bad_path");
    world.get("/").refused(404, "no_such_path");
    world.get("/v1/nothing").refused(404, "no_such_path");
    world.get("/v1/status/").refused(404, "no_such_path");
    let wrong = world.get("/v1/transactions");
    wrong.refused(405, "wrong_method");
    assert_eq!(wrong.allow.as_deref(), Some("POST"));
    let wrong = world.post_to("/v1/status");
    wrong.refused(405, "wrong_method");
    assert_eq!(wrong.allow.as_deref(), Some("GET,HEAD"));
}

#[test]
fn slow_clients_are_cut_off() {
    let short = Duration::from_millis(150);
    // One limit is short at a time: on a slow machine the others must not cut off before it.
    let patient = || NodeConfig {
        header_timeout: PATIENCE,
        body_timeout: PATIENCE,
        request_timeout: PATIENCE,
        stall_timeout: PATIENCE,
        ..NodeConfig::default()
    };
    // A head that does not end.
    let world = World::with(NodeConfig { header_timeout: short, ..patient() });
    let begun = Instant::now();
    to_end(&mut world.raw("GET /v1/status HTTP/1.1\r\nhost: x\r\n"));
    assert!(begun.elapsed() >= short, "it had its time");
    // A body that does not come.
    let world = World::with(NodeConfig { body_timeout: short, ..patient() });
    let head = "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n\
                content-length: 100\r\n\r\nab";
    let answer = to_end(&mut world.raw(head));
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("slow_body"), "{answer}");
    // A reader that asks and asks and never reads.
    let world = World::with(NodeConfig { stall_timeout: short, ..patient() });
    let mut silent = world.raw("");
    until_closed(&mut silent, b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n");
    // A body that breaks off, at a node that would wait for it.
    let world = World::new();
    let mut broken = world.raw(head);
    broken.shutdown(std::net::Shutdown::Write).expect("half closed");
    let answer = to_end(&mut broken);
    assert!(answer.is_empty() || answer.contains("broken_body"), "{answer}");
    assert_eq!(world.get("/v1/health").status, 200);
}

#[test]
fn a_node_without_room_says_so_and_still_tells_how_it_is() {
    let world = World::with(NodeConfig { requests: 0, streams: 0, ..NodeConfig::default() });
    let error = world.get("/v1/status").refused(503, "overloaded").clone();
    assert_eq!(error["kind"], json!("busy"));
    world.post(b"x").refused(503, "overloaded");
    world.get("/v1/events").refused(503, "too_many_streams");
    assert_eq!(world.get("/v1/health").status, 200);
    assert_eq!(world.get("/metrics").status, 200);
}

#[test]
fn rubbish_instead_of_http_is_answered_or_closed_but_harms_nobody() {
    let world = World::new();
    for rubbish in ["\r\n\r\n\r\n", "GET\r\n\r\n", "\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let mut stream = world.raw(rubbish);
        stream.shutdown(std::net::Shutdown::Write).expect("half closed");
        to_end(&mut stream);
    }
    let long = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(1 << 20));
    let mut stream = TcpStream::connect(world.address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let _ = stream.write_all(long.as_bytes());
    to_end(&mut stream);
    assert_eq!(world.get("/v1/health").status, 200);
}
