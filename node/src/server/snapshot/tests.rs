use super::*;
use crate::server::{Node, NodeConfig};
use amanat_domain::consent::OrgId;
use amanat_domain::field::Fr;
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Action, MAX_BATCH, SignedTx, Transaction};
use amanat_ledger::{
    CapabilitiesSpec, Genesis, GenesisSpec, Limits, OrganisationSpec, Profile, Solo, Windows,
};
use ed25519_dalek::{Signer, SigningKey};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

const START: i64 = 1_767_225_600;
const HOSPITAL: &str = "Organization/hospital";
/// Nothing here takes long; a test that hangs ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long sending may take at the first node. No verdict depends on what a reader gets in it.
const SHORT: Duration = Duration::from_secs(2);
/// Bytes that a socket holds at each end.
const SOCKET: u32 = 16 * 1024;
/// Subjects enrolled, 1024 at a time: their snapshot is more than pieces, buffers and sockets hold
/// together.
const BATCHES: u64 = 48;

fn now() -> Timestamp {
    Timestamp::from_unix(START + 5).expect("a time")
}

fn ledger(folder: &std::path::Path) -> Solo {
    let key = SigningKey::from_bytes(&[1; 32]);
    let hospital = OrganisationSpec {
        id: HOSPITAL.into(),
        name: HOSPITAL.into(),
        key: hex::encode(key.verifying_key().to_bytes()),
        capabilities: CapabilitiesSpec { enrol: true, govern: true, ..CapabilitiesSpec::default() },
    };
    let genesis = Genesis::new(GenesisSpec {
        chain: "test".into(),
        profile: Profile::Dev,
        time: START,
        epoch_seconds: 60,
        windows: Windows::default(),
        floors: None,
        limits: Limits::default(),
        organisations: vec![hospital],
        validators: Vec::new(),
    });
    let genesis = Arc::new(genesis.expect("a valid genesis"));
    let chain = genesis.chain_id();
    let solo = Solo::open_or_create(&folder.join("ledger.redb"), genesis).expect("a ledger");
    let batch = MAX_BATCH as u64;
    let enrol = |n: u64| {
        let subjects = (n * batch..(n + 1) * batch).map(|s| SubjectCommitment::new(Fr::from(s + 1)));
        let (organisation, action) = (OrgId::from_reference(HOSPITAL), Action::Enrol(subjects.collect()));
        let mut tx = SignedTx { chain, organisation, nonce: [0; 16], action, signature: [0; 64] };
        tx.signature = key.sign(&tx.signing_bytes()).to_bytes();
        Transaction::Signed(Box::new(tx)).to_bytes()
    };
    let all: Vec<Vec<u8>> = (0..BATCHES).map(enrol).collect();
    assert!(solo.submit_all(&all, now()).iter().all(Result::is_ok));
    solo
}

/// Asks with a socket that holds little.
fn ask(runtime: &Runtime, node: SocketAddr) -> TcpStream {
    let connected = runtime.block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(SOCKET).expect("a small one");
        socket.connect(node).await
    });
    let mut stream = connected.and_then(tokio::net::TcpStream::into_std).expect("a connection");
    stream.set_nonblocking(false).expect("it blocks");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"GET /v1/snapshot HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("asked");
    stream
}

/// A node at work.
struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<io::Result<()>>,
}

/// Serves with sockets that hold little.
fn serve(runtime: &Runtime, node: Node) -> Serving {
    let listener = runtime.block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_send_buffer_size(SOCKET).expect("a small one");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        socket.listen(16).expect("it listens")
    });
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let served = runtime.spawn(node.serve(listener, async {
        let _ = stopped.await;
    }));
    Serving { address, stop, served }
}

/// What comes until the connection ends; a reset counts as its end.
fn to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let read = stream.read_to_end(&mut got);
    assert!(
        read.as_ref().is_ok() || read.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset),
        "{read:?}"
    );
    got
}

/// Whether an answer in chunks has its last one.
fn whole(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"\r\n0\r\n\r\n")
}

#[test]
fn who_stops_reading_a_snapshot_is_cut_off_and_another_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let solo = Arc::new(ledger(folder.path()));
    // Only the limit of snapshots cuts off here.
    let config =
        NodeConfig { stall_timeout: 10 * PATIENCE, drain_timeout: PATIENCE, ..NodeConfig::default() };
    let mut node = Node::new(solo.clone(), Arc::new(now), config.clone());
    Arc::get_mut(&mut node.shared).expect("nobody has it yet").snapshot_time = SHORT;
    let snapshots = node.shared.snapshots.clone();
    // The same ledger and the same place, with the usual time: for a reader on a slow machine.
    let mut patient = Node::new(solo, Arc::new(now), config);
    Arc::get_mut(&mut patient.shared).expect("nobody has it yet").snapshots = snapshots.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let first_node = serve(&runtime, node);
    let second_node = serve(&runtime, patient);
    let address = first_node.address;

    let begun = Instant::now();
    let mut first = ask(&runtime, address);
    let mut head = [0; 16];
    let begins = first.read_exact(&mut head).is_ok() && head.starts_with(b"HTTP/1.1 200 ");
    assert!(begins || begun.elapsed() >= SHORT, "it begins, unless its time ended before");
    let refused = String::from_utf8_lossy(&to_end(ask(&runtime, address))).into_owned();
    assert!(refused.starts_with("HTTP/1.1 503 ") || begun.elapsed() >= SHORT, "{refused}");
    // Its place is free again though it still holds the connection.
    let place = runtime.block_on(async { timeout(PATIENCE, snapshots.acquire_owned()).await });
    assert!(begun.elapsed() >= SHORT, "it had its time");
    drop(place.expect("it is cut off"));
    let second = to_end(ask(&runtime, second_node.address));
    assert!(whole(&second), "{} bytes", second.len());
    // What it was sent until then breaks off.
    let rest = to_end(first);
    assert!(!whole(&[&head[..], &rest].concat()) && rest.len() < second.len(), "{}", rest.len());
    for Serving { stop, served, .. } in [first_node, second_node] {
        drop(stop);
        let ended = runtime.block_on(async { timeout(PATIENCE, served).await });
        ended.expect("it stops").expect("no panic").expect("no error");
    }
}

#[test]
fn a_snapshot_is_not_sent_for_ever() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (pieces, mut body) = mpsc::channel(WAITING);
    let now = Instant::now();
    let pipe = |until| Pipe { pieces: pieces.clone(), until, runtime: runtime.handle().clone() };
    assert!(pipe(now + LONGEST).write_all(b"in time").is_ok());
    assert!(matches!(body.try_recv(), Ok(Ok(piece)) if piece == b"in time"));
    let before = now.checked_sub(Duration::from_millis(1)).expect("the machine has run for a while");
    let late = pipe(before).write_all(b"late").expect_err("too slow");
    assert_eq!(late.kind(), io::ErrorKind::TimedOut);
    assert!(body.try_recv().is_err(), "nothing more is sent");
}
