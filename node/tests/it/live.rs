//! Over time: events, epochs, restarts, shutdown.

use crate::schema;
use crate::support::{PATIENCE, World, enrol, to_end};
use amanat_client::ledger::LedgerAccess;
use amanat_node::server::NodeConfig;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;

/// An open event stream.
struct Events(BufReader<TcpStream>);

impl Events {
    /// Open once the head of the answer is there.
    fn open(world: &World, query: &str, extra: &str) -> Self {
        let request = format!("GET /v1/events{query} HTTP/1.1\r\nhost: x\r\n{extra}\r\n");
        let mut events = Self(BufReader::new(world.raw(&request)));
        let head = events.line();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        while !events.line().is_empty() {}
        events
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    fn next(&mut self) -> (u64, Value) {
        let mut id = None;
        loop {
            let line = self.line();
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().ok();
            } else if let Some(text) = line.strip_prefix("data: ") {
                let data: Value = serde_json::from_str(text).expect("JSON");
                schema::check_event(&data);
                let after = self.line();
                let id = id.or_else(|| after.strip_prefix("id: ").and_then(|text| text.parse().ok()));
                return (id.expect("an id"), data);
            }
        }
    }
}

#[test]
fn an_event_stream_tells_every_block_and_goes_on_where_a_reader_was() {
    let world = World::new();
    let mut events = Events::open(&world, "", "");
    let tx = world.signed(enrol([1]));
    world.post(&tx.to_bytes());
    let (id, data) = events.next();
    assert_eq!((id, &data["height"], &data["epoch"]), (1, &json!(1), &json!(0)));
    assert_eq!(data["txids"], json!([tx.id().to_string()]));
    world.commit(enrol([2]));
    world.commit(enrol([3]));
    assert_eq!([events.next().0, events.next().0], [2, 3]);
    let mut again = Events::open(&world, "", "last-event-id: 1\r\n");
    assert_eq!([again.next().0, again.next().0], [2, 3]);
    let mut from = Events::open(&world, "?from=0", "");
    assert_eq!([from.next().0, from.next().0], [0, 1]);
    let refused = to_end(
        &mut world.raw("GET /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\nlast-event-id: 4\r\n\r\n"),
    );
    assert!(refused.contains("beyond_the_end"), "{refused}");
}

#[test]
fn an_epoch_that_begins_is_sealed_though_nobody_submits() {
    let world = World::new();
    let mut events = Events::open(&world, "", "");
    world.set_next_epoch();
    let (_, data) = events.next();
    assert_eq!((&data["epoch"], &data["txids"]), (&json!(1), &json!([])));
    assert_eq!(world.get("/v1/bundles/latest").json["epoch"], json!(1));
    world.set_next_epoch();
    assert_eq!(events.next().1["epoch"], json!(2));
    assert_eq!(world.height(), 2);
}

#[test]
fn a_restart_keeps_every_receipt() {
    let world = World::new();
    let tx = world.signed(enrol([1]));
    let first = world.post(&tx.to_bytes()).json;
    let proof = world.get(&format!("/v1/receipts/{}", tx.id())).json;
    let folder = world.ended().expect("its folder");
    let world = World::at(folder.path(), NodeConfig::default());
    assert_eq!(world.get(&format!("/v1/receipts/{}", tx.id())).json, proof);
    let again = world.post(&tx.to_bytes()).json;
    assert_eq!((&again["receipt"], &again["repeated"]), (&first["receipt"], &json!(true)));
}

#[test]
fn shutdown_ends_streams_and_loses_nothing_that_was_acknowledged() {
    let mut world = World::with(NodeConfig { drain_timeout: PATIENCE, ..NodeConfig::default() });
    let mut events = Events::open(&world, "", "");
    let url = world.url();
    let txs: Vec<_> = (1..=200).map(|n| world.signed(enrol([n]))).collect();
    let client = world.http();
    let submitter = std::thread::spawn(move || client.submit_all(&txs));
    events.next();
    world.begin_stop();
    let folder = world.ended().expect("its folder");
    let mut rest = String::new();
    while events.0.read_line(&mut rest).is_ok_and(|n| n > 0) {}
    let answers = submitter.join().expect("no panic");
    assert!(TcpStream::connect(url.trim_start_matches("http://")).is_err());
    let world = World::at(folder.path(), NodeConfig::default());
    let access = world.embedded();
    let mut acknowledged = 0;
    for receipt in answers.into_iter().flatten().map(|a| a.receipt) {
        let proof = access.receipt(&receipt.txid).expect("readable").expect("on disk");
        assert_eq!(proof.receipt, receipt);
        acknowledged += 1;
    }
    assert!(acknowledged > 0);
}
