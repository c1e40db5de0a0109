//! One caller's flood leaves room for others. Without certificates a caller is an address.

use crate::support::{PATIENCE, World, enrol};
use amanat_node::server::NodeConfig;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// Begins a submission, and waits until the node asks for its body.
fn half_submitted(world: &World) -> TcpStream {
    let mut stream = world.raw(
        "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n\
         content-length: 100\r\nexpect: 100-continue\r\n\r\n",
    );
    let mut head = [0; 25];
    stream.read_exact(&mut head).expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Submits from another address of this machine.
#[cfg(target_os = "linux")]
fn submitted_from(address: &str, world: &World, bytes: &[u8]) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(format!("{address}:0").parse().expect("an address")).expect("bound");
        socket.connect(world.address).await.expect("a connection").into_std().expect("a stream")
    });
    stream.set_nonblocking(false).expect("a mode");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut stream = stream;
    let head = format!(
        "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        bytes.len()
    );
    stream.write_all(&[head.as_bytes(), bytes].concat()).expect("written");
    crate::support::to_end(&mut stream)
}

#[test]
fn the_flood_of_one_address_leaves_room_for_another() {
    let world = World::with(NodeConfig { requests_per_caller: 2, ..NodeConfig::default() });
    let held = [half_submitted(&world), half_submitted(&world)];
    let tx = world.signed(enrol([1])).to_bytes();
    world.post(&tx).refused(503, "overloaded");
    assert_eq!(world.get("/v1/status").status, 200, "reading is not counted");
    #[cfg(target_os = "linux")]
    {
        let answer = submitted_from("127.0.0.2", &world, &tx);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    drop(held);
    // The node sees at some moment that they are gone.
    let begun = Instant::now();
    while world.post(&tx).status == 503 {
        assert!(begun.elapsed() < PATIENCE, "the places were not given back");
    }
}
