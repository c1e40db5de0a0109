//! TLS: which clients are admitted, and what a hostile peer can do to the handshake.

use crate::authority::{Authority, Issued, set_mode, trusting, urn, write_secret};
use crate::support::{HOSPITAL, PATIENCE, VISITOR, World, enrol, sign, to_end};
use amanat_api::tls::{ClientTls, TlsError};
use amanat_client::ledger::{AccessError, Http, LedgerAccess};
use amanat_domain::tx::Transaction;
use amanat_node::server::{Acceptor, NodeConfig};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

const HOST: &str = "127.0.0.1";

/// A node that speaks TLS, and the CA of everybody.
struct Secured {
    world: World,
    ca: Authority,
}

fn secured(require: bool) -> Secured {
    let ca = Authority::new("everybody's CA");
    let tls = Some(ca.node(HOST).acceptor(Some(&ca), require));
    Secured { world: World::with(NodeConfig { tls, ..NodeConfig::default() }), ca }
}

impl Secured {
    fn connect(&self, tls: &ClientTls) -> Result<Http, AccessError> {
        connect(&self.world, tls)
    }

    fn organisation(&self, reference: &str) -> Http {
        self.connect(&self.ca.organisation(reference).believing(&self.ca)).expect("a node")
    }

    /// Waits until the node has counted `n` of an outcome.
    fn counted(&self, outcome: &str, least: f64) {
        let line = format!("amanat_tls_handshakes_total{{outcome=\"{outcome}\"}} ");
        let begun = Instant::now();
        // The peer may see the end of a handshake before the node has counted it.
        loop {
            let text = raw(&self.world, &self.ca.organisation(HOSPITAL), &self.ca)
                .exchange("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            // A node with short limits may cut this connection off as well, on a slow machine.
            let count = text.map(|text| {
                let count = text.lines().find_map(|l| l.strip_prefix(&line)?.parse::<f64>().ok());
                count.expect("a count")
            });
            if count.as_ref().is_ok_and(|count| *count >= least) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{outcome}: {count:?}");
        }
    }
}

fn connect(world: &World, tls: &ClientTls) -> Result<Http, AccessError> {
    Http::connect_with(&format!("https://{}", world.address), Some(world.chain()), tls)
}

/// TLS without a client of HTTP in between.
struct Raw(StreamOwned<ClientConnection, TcpStream>);

fn raw(world: &World, client: &Issued, ca: &Authority) -> Raw {
    raw_with(world, client, ca, rustls::ALL_VERSIONS, "http/1.1")
}

fn raw_with(
    world: &World,
    client: &Issued,
    ca: &Authority,
    versions: &[&'static rustls::SupportedProtocolVersion],
    inside: &str,
) -> Raw {
    let mut roots = RootCertStore::empty();
    let read = |path| rustls::pki_types::CertificateDer::from_pem_file(path).expect("a certificate");
    roots.add(read(&ca.file)).expect("a CA");
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(&client.key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![read(&client.certificate)], key)
        .expect("a pair");
    config.alpn_protocols = vec![inside.into()];
    let name = ServerName::try_from(HOST).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    Raw(StreamOwned::new(connection, world.raw("")))
}

impl Raw {
    fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).expect("written");
        self.0.flush().expect("written");
    }

    fn exchange(mut self, request: &str) -> io::Result<String> {
        self.0.write_all(request.as_bytes())?;
        self.0.flush()?;
        let mut answer = Vec::new();
        self.0.read_to_end(&mut answer)?;
        Ok(String::from_utf8(answer).expect("text"))
    }

    /// Begins a submission, and waits until the node asks for its body.
    fn half_submitted(mut self) -> Self {
        self.write(
            "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n\
             content-length: 100\r\nexpect: 100-continue\r\n\r\n",
        );
        let mut head = [0; 25];
        self.0.read_exact(&mut head).expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 100 Continue\r\n\r\n");
        self
    }
}

fn no_tls(result: Result<Http, AccessError>) -> String {
    match result.err().expect("an error") {
        AccessError::Tls { why, .. } => why,
        other => panic!("{other}"),
    }
}

fn code(error: AccessError) -> (u16, String) {
    match error {
        AccessError::Refused(problem) => (problem.status, problem.code.into_owned()),
        other => panic!("{other}"),
    }
}

#[test]
fn a_transaction_goes_over_mutual_tls_and_its_receipt_comes_back() {
    let node = secured(true);
    let http = node.organisation(HOSPITAL);
    let tx = node.world.signed(enrol([1]));
    let acknowledged = http.submit(&tx).expect("a receipt");
    let proof = http.receipt(&tx.id()).expect("an answer").expect("on the ledger");
    assert_eq!((proof.receipt, acknowledged.repeated), (acknowledged.receipt, false));
    node.counted("completed", 1.0);
    assert_eq!(http.status().expect("a status").height, 1);
}

#[test]
fn the_older_version_of_tls_is_spoken_and_an_unknown_protocol_over_it_is_not() {
    let node = secured(true);
    let client = node.ca.organisation(HOSPITAL);
    let request = "GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut connection = raw_with(&node.world, &client, &node.ca, &[version], "http/1.1");
        connection.write(request);
        assert_eq!(connection.0.conn.protocol_version(), Some(version.version));
        assert_eq!(connection.0.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut answer = String::new();
        connection.0.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let mut other = raw_with(&node.world, &client, &node.ca, rustls::ALL_VERSIONS, "h2");
    let error = other.0.write_all(b"x").expect_err("refused");
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[test]
fn without_a_certificate_one_may_read_but_not_submit() {
    let node = secured(false);
    let http = node.connect(&trusting(&node.ca)).expect("a node");
    assert_eq!(http.status().expect("a status").height, 0);
    let error = http.submit(&node.world.signed(enrol([1]))).expect_err("refused");
    assert_eq!(code(error), (403, "certificate_required".to_owned()));
    assert_eq!(node.world.height(), 0);
    node.organisation(HOSPITAL).submit(&node.world.signed(enrol([1]))).expect("a receipt");
}

#[test]
fn where_nobody_asks_for_certificates_none_is_needed() {
    let ca = Authority::new("a CA");
    let tls = Some(ca.node(HOST).acceptor(None, false));
    let world = World::with(NodeConfig { tls, ..NodeConfig::default() });
    let http = connect(&world, &trusting(&ca)).expect("a node");
    http.submit(&world.signed(enrol([1]))).expect("a receipt");
}

#[test]
fn where_a_certificate_is_required_nothing_is_answered_without_one() {
    let node = secured(true);
    let why = no_tls(node.connect(&trusting(&node.ca)));
    assert!(why.contains("CertificateRequired"), "{why}");
    node.counted("certificate", 1.0);
}

#[test]
fn a_bad_certificate_is_refused_whether_one_is_required_or_not() {
    let node = secured(false);
    let (ca, other) = (&node.ca, Authority::new("another CA"));
    let both = [&*urn(HOSPITAL), &*urn(VISITOR)];
    let short = urn(HOSPITAL);
    let beyond = format!("urn:amanat:organisation:{}", "f".repeat(64));
    for (what, client) in [
        ("of another CA", other.organisation(HOSPITAL)),
        ("expired", ca.expired(HOSPITAL)),
        ("a node's own", ca.node(HOST)),
        ("without an organisation", ca.client("nobody", &["urn:example:1"])),
        ("with two", ca.client("both", &both)),
        ("with a short id", ca.client("short", &[&short[..short.len() - 1]])),
        ("with an id that is no number of the field", ca.client("beyond", &[&beyond])),
    ] {
        let why = no_tls(node.connect(&client.believing(ca)));
        assert!(why.contains("received fatal alert"), "{what}: {why}");
    }
    node.counted("certificate", 7.0);
    let beside = ca.client("beside", &["urn:example:1", &urn(HOSPITAL)]);
    node.connect(&beside.believing(ca)).expect("another URI does no harm");
}

#[test]
fn an_organisation_cannot_submit_what_another_signed() {
    let node = secured(true);
    let tx = node.world.signed(enrol([1]));
    let error = node.organisation(VISITOR).submit(&tx).expect_err("refused");
    let problem = error.problem().expect("in the node's words").clone();
    assert_eq!(code(error), (403, "wrong_organisation".to_owned()));
    let name = |reference| amanat_domain::consent::OrgId::from_reference(reference).to_string();
    assert_eq!(problem.expected.as_deref(), Some(&*name(VISITOR)));
    assert_eq!(problem.got.as_deref(), Some(&*name(HOSPITAL)));
    assert_eq!(node.world.height(), 0);
    // Its own goes on to the ledger's rules.
    let own = sign(node.world.chain(), VISITOR, enrol([1]));
    let error = node.organisation(VISITOR).submit(&Transaction::Signed(Box::new(own))).expect_err("no right");
    assert_ne!(code(error).1, "wrong_organisation");
    // A proof names nobody: it goes on to be verified.
    let proof = Transaction::Proof(Box::new(crate::access::proof_tx(&node.world.solo.genesis(), 1)));
    let error = node.organisation(VISITOR).submit(&proof).expect_err("not a proof");
    assert!(!["wrong_organisation", "certificate_required"].contains(&&*code(error).1));
}

#[test]
fn a_client_refuses_a_node_that_cannot_show_who_it_is() {
    let (ca, other) = (Authority::new("a CA"), Authority::new("another CA"));
    for (node, believed, why) in [
        (ca.node(HOST), &other, "UnknownIssuer"),
        (ca.node("elsewhere.example"), &ca, "not valid for name"),
        (ca.expired_node(), &ca, "expired"),
    ] {
        let tls = Some(node.acceptor(None, false));
        let world = World::with(NodeConfig { tls, ..NodeConfig::default() });
        let got = no_tls(connect(&world, &trusting(believed)));
        assert!(got.contains(why), "{got}");
    }
    // A peer that speaks no TLS gets no answer at all.
    no_tls(connect(&World::new(), &trusting(&ca)));
}

#[test]
fn what_is_no_tls_is_closed_and_counted_and_harms_nobody() {
    let node = secured(false);
    let answer = to_end(&mut node.world.raw("GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"));
    assert!(!answer.contains("HTTP"), "{answer}");
    let error = Http::connect(&node.world.url(), None).err().expect("no HTTP here");
    assert!(error.to_string().contains("https://"), "{error}");
    for garbage in [&[0xff; 4096][..], &[0x16; 1 << 18], b"\x16\x03\x01\x01\x00\x01"] {
        let mut stream = node.world.raw("");
        // The node may close before it has everything.
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(Shutdown::Write);
        to_end(&mut stream);
    }
    node.counted("protocol", 4.0);
    // The last was the beginning of a message, and its sender went away.
    node.counted("closed", 1.0);
    node.organisation(HOSPITAL).submit(&node.world.signed(enrol([1]))).expect("a receipt");
}

#[test]
fn a_handshake_that_stalls_is_cut_off_and_gives_its_place_back() {
    let ca = Authority::new("a CA");
    let short = Duration::from_secs(2);
    let tls = Some(ca.node(HOST).acceptor(Some(&ca), true));
    let config = NodeConfig { tls, connections: 1, header_timeout: short, ..NodeConfig::default() };
    let node = Secured { world: World::with(config), ca };
    let begun = Instant::now();
    // The one place is taken by a peer that says nothing, then by one that says half; the third is
    // served after them.
    let mut silent = node.world.raw("");
    let mut half = node.world.raw("\u{16}\u{3}\u{1}");
    let submitted = || {
        let tls = node.ca.organisation(HOSPITAL).believing(&node.ca);
        connect(&node.world, &tls)?.submit(&node.world.signed(enrol([1])))
    };
    // On a slow machine an honest handshake may take too long as well: then it is tried again.
    while let Err(error) = submitted() {
        assert!(begun.elapsed() < PATIENCE, "{error}");
    }
    assert!(begun.elapsed() >= 2 * short, "both had their time");
    assert_eq!((to_end(&mut silent), to_end(&mut half)), (String::new(), String::new()));
    node.counted("timed_out", 2.0);
}

#[test]
fn a_node_stops_though_a_handshake_stalls() {
    let ca = Authority::new("a CA");
    let tls = Some(ca.node(HOST).acceptor(Some(&ca), true));
    // Longer than the test may take: a node that waited for the handshake would not stop in time.
    let config = NodeConfig { tls, header_timeout: 10 * PATIENCE, ..NodeConfig::default() };
    let mut node = Secured { world: World::with(config), ca };
    let mut silent = node.world.raw("");
    node.organisation(HOSPITAL);
    node.world.begin_stop();
    to_end(&mut silent);
    node.world.ended();
}

#[test]
fn the_flood_of_one_organisation_leaves_room_for_another() {
    let ca = Authority::new("a CA");
    let tls = Some(ca.node(HOST).acceptor(Some(&ca), true));
    let config = NodeConfig { tls, requests_per_caller: 2, ..NodeConfig::default() };
    let node = Secured { world: World::with(config), ca };
    let visitor = node.ca.organisation(VISITOR);
    let flood = || raw(&node.world, &visitor, &node.ca).half_submitted();
    let held = [flood(), flood()];
    let own = || Transaction::Signed(Box::new(sign(node.world.chain(), VISITOR, enrol([1]))));
    let visitor = node.organisation(VISITOR);
    let error = visitor.submit(&own()).expect_err("too many");
    assert_eq!(code(error), (503, "overloaded".to_owned()));
    assert!(visitor.status().is_ok(), "reading is not counted");
    node.organisation(HOSPITAL).submit(&node.world.signed(enrol([1]))).expect("a receipt");
    drop(held);
    // The node sees at some moment that they are gone.
    let begun = Instant::now();
    while code(visitor.submit(&own()).expect_err("no right")).1 == "overloaded" {
        assert!(begun.elapsed() < PATIENCE, "the places were not given back");
    }
}

fn refused(settings: amanat_api::tls::TlsSettings) -> TlsError {
    Acceptor::new(settings).expect_err("no use")
}

#[test]
fn files_that_are_no_use_are_named() {
    let ca = Authority::new("a CA");
    let (node, other) = (ca.node(HOST), ca.organisation(HOSPITAL));
    let good = node.settings(Some(&ca), true);
    set_mode(&node.key, 0o640);
    let error = refused(good.clone());
    assert!(matches!(&error, TlsError::Exposed(path) if *path == node.key), "{error}");
    assert!(error.to_string().contains("set its mode to 600"), "{error}");
    set_mode(&node.key, 0o600);
    Acceptor::new(good.clone()).expect("good again");

    let mut bad = good.clone();
    bad.key = other.key.clone();
    assert!(matches!(refused(bad), TlsError::Unfit(path, _) if path == node.certificate));
    let mut bad = good.clone();
    bad.certificate = node.key.clone();
    assert!(matches!(refused(bad), TlsError::Malformed(path, "certificates") if path == node.key));
    let mut bad = good.clone();
    bad.key = ca.file.with_file_name("absent.key");
    assert!(matches!(refused(bad), TlsError::Io(..)));
    let mut bad = good.clone();
    bad.clients = None;
    assert!(matches!(refused(bad), TlsError::NoClientAuthority));
    let huge = ca.file.with_file_name("huge.pem");
    fs::write(&huge, vec![b'\n'; (1 << 20) + 1]).expect("written");
    let bad = amanat_api::tls::TlsSettings { clients: Some(huge), ..good };
    assert!(matches!(refused(bad), TlsError::TooLong(..)));
}

#[test]
fn a_client_s_files_that_are_no_use_are_named_before_it_connects() {
    let ca = Authority::new("a CA");
    let (one, other) = (ca.organisation(HOSPITAL), ca.organisation(VISITOR));
    let error = |tls: &ClientTls| match Http::connect_with("https://127.0.0.1:1", None, tls).err() {
        Some(AccessError::Files(error)) => error.to_string(),
        other => panic!("{:?}", other.map(|e| e.to_string())),
    };
    assert!(error(&ClientTls::default()).contains("no CA is named"));
    let good = one.believing(&ca);
    assert!(error(&ClientTls { key: None, ..good.clone() }).contains("the client's key is missing"));
    assert!(
        error(&ClientTls { certificate: None, ..good.clone() })
            .contains("the client's certificate is missing")
    );
    let crossed = ClientTls { key: Some(other.key), ..good.clone() };
    assert!(error(&crossed).contains("cannot be used with its key"));
    set_mode(&one.key, 0o644);
    assert!(error(&good).contains("can be read by others"));
    let plain = Http::connect_with("http://127.0.0.1:1", None, &good).err().expect("an error");
    assert!(matches!(plain, AccessError::Address { .. }), "{plain}");
}

/// Puts the files of one certificate in the place of another's.
fn replace(old: &Issued, new: &Issued) {
    fs::copy(&new.certificate, &old.certificate).expect("copied");
    write_secret(&old.key, &fs::read_to_string(&new.key).expect("a key"));
}

#[test]
fn new_files_are_taken_and_bad_ones_leave_the_old() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let files = old.node(HOST);
    let acceptor = files.acceptor(None, false);
    let world = World::with(NodeConfig { tls: Some(acceptor.clone()), ..NodeConfig::default() });
    connect(&world, &trusting(&old)).expect("the old certificate");
    fs::write(&files.key, "not a key").expect("written");
    assert!(matches!(acceptor.reload(), Err(TlsError::Malformed(path, _)) if path == files.key));
    connect(&world, &trusting(&old)).expect("still the old certificate");
    replace(&files, &new.node(HOST));
    acceptor.reload().expect("good files");
    connect(&world, &trusting(&new)).expect("the new certificate");
    no_tls(connect(&world, &trusting(&old)));
}

#[test]
fn a_hangup_renews_the_certificates() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let files = old.node(HOST);
    let world = World::with(NodeConfig { tls: Some(files.acceptor(None, false)), ..NodeConfig::default() });
    // A node that answers listens for the signal.
    connect(&world, &trusting(&old)).expect("the old certificate");
    replace(&files, &new.node(HOST));
    let kill = std::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status();
    assert!(kill.expect("a program").success());
    let begun = Instant::now();
    while connect(&world, &trusting(&new)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "the old certificate stays");
    }
}
