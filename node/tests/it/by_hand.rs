//! A node for development: its epochs begin when it is told, and it serves this machine alone.

use crate::support::{PATIENCE, World, enrol, genesis, to_end};
use amanat_api::clock::{ByHandError, EpochClock};
use amanat_client::ledger::{Embedded, Http, LedgerAccess};
use amanat_ledger::{Solo, Storage};
use amanat_node::server::{Node, NodeConfig};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A ledger in a folder that goes with it.
fn solo() -> (tempfile::TempDir, Arc<Solo>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = Storage::File(folder.path().join("ledger.redb"));
    let solo = Solo::create(file, Arc::new(genesis("by-hand"))).expect("a ledger");
    (folder, Arc::new(solo))
}

fn node(solo: &Arc<Solo>) -> Node {
    let clock = EpochClock::new(&solo.genesis(), solo.status().tip.time).expect("a development chain");
    Node::by_hand(solo.clone(), Arc::new(clock), NodeConfig::default()).expect("its own clock")
}

/// Runs `test` while a node on this machine serves the ledger.
fn while_served(solo: &Arc<Solo>, test: impl FnOnce(SocketAddr)) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a local port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let served = runtime.spawn(node(solo).serve(listener, async {
        let _ = stopped.await;
    }));
    test(address);
    drop(stop);
    runtime.block_on(served).expect("no panic").expect("no error");
}

#[test]
fn a_clock_of_another_chain_moves_no_ledger() {
    let (_folder, solo) = solo();
    let other = EpochClock::new(&genesis("elsewhere"), solo.status().tip.time).expect("a development chain");
    let refused = Node::by_hand(solo.clone(), Arc::new(other), NodeConfig::default()).err();
    assert!(matches!(refused, Some(ByHandError::OtherChain { .. })), "{refused:?}");
    assert_eq!(solo.status().tip.height, 0);
}

#[test]
fn an_epoch_begins_when_the_node_is_told_and_never_by_itself() {
    let (_folder, solo) = solo();
    while_served(&solo, |address| {
        let access = Http::connect(&format!("http://{address}"), None).expect("a node");
        let newest = || access.bundle(None).expect("an answer").expect("a bundle").bundle.epoch;
        assert_eq!(newest(), 0);
        for epoch in 1..=3 {
            assert_eq!(access.next_epoch().expect("told"), epoch);
            assert_eq!(newest(), epoch, "sealed before the answer");
            assert!(access.status().expect("an answer").ready);
        }
    });
}

#[test]
fn a_request_that_a_web_page_could_send_moves_no_time() {
    const JSON: &str = "content-type: application/json\r\n";
    let (_folder, solo) = solo();
    while_served(&solo, |address| {
        let answer = |headers: &str| {
            let mut stream = TcpStream::connect(address).expect("a connection");
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            let head = format!("POST /v1/dev/epoch HTTP/1.1\r\n{headers}connection: close\r\n");
            stream.write_all(format!("{head}content-length: 2\r\n\r\n{{}}").as_bytes()).expect("written");
            to_end(&mut stream)
        };
        let refused = |headers: &str, status: &str, code: &str| {
            let answer = answer(headers);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(code), "{answer}");
            assert_eq!(solo.latest_bundle().bundle.epoch, 0, "{headers}");
        };
        let host = format!("host: {address}\r\n");
        refused(&host, "415", "wrong_content_type");
        refused(&format!("{host}content-type: text/plain\r\n"), "415", "wrong_content_type");
        refused(&format!("host: evil.example\r\n{JSON}"), "403", "foreign_host");
        refused(&format!("{host}{JSON}origin: http://evil.example\r\n"), "403", "foreign_origin");
        refused(&format!("{host}{JSON}origin: null\r\n"), "403", "foreign_origin");
        let moved = answer(&format!("{host}{JSON}"));
        assert!(moved.starts_with("HTTP/1.1 200 "), "{moved}");
        assert_eq!(solo.latest_bundle().bundle.epoch, 1);
    });
}

#[test]
fn a_node_that_goes_by_the_clock_has_no_such_path() {
    let world = World::new();
    let error = world.http().next_epoch().expect_err("by the clock");
    assert_eq!(error.problem().map(|problem| &*problem.code), Some("epochs_by_clock"));
    let error = world.embedded().next_epoch().expect_err("by the clock");
    assert_eq!(error.problem().map(|problem| &*problem.code), Some("epochs_by_clock"));
    assert!(!world.embedded().epochs_by_hand());
    assert_eq!(world.get("/v1/bundles/latest").json["epoch"], 0);
}

#[test]
fn a_node_for_development_is_not_offered_to_other_machines() {
    let (_folder, solo) = solo();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("0.0.0.0:0")).expect("a port");
    let refused = runtime.block_on(node(&solo).serve(listener, async {})).expect_err("other machines");
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    assert!(refused.to_string().contains("127.0.0.1"), "{refused}");
}

#[test]
fn a_ledger_in_this_process_keeps_its_time_in_its_last_block() {
    let (_folder, solo) = solo();
    let first = Embedded::by_hand(solo.clone()).expect("a development chain");
    assert!(first.epochs_by_hand());
    first.submit(&crate::support::signed_for(&solo, enrol([1]))).expect("a receipt");
    assert_eq!(first.next_epoch().expect("told"), 1);
    assert_eq!(first.next_epoch().expect("told"), 2);
    let again = Embedded::by_hand(solo).expect("a development chain");
    assert_eq!(again.tick().expect("no fault"), None, "no time has passed");
    assert_eq!(again.next_epoch().expect("told"), 3);
}
