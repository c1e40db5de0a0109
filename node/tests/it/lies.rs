//! A node that lies: something between client and node changes answers, and the client notices.

use crate::members::{MEMBERS, crowded};
use crate::support::{World, anchor, enrol, issue};
use amanat_client::ledger::{AccessError, Http, LedgerAccess};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

type Change = Box<dyn FnMut(&str, Vec<u8>) -> Vec<u8> + Send>;

/// Passes requests on and changes the answers' bodies.
struct Between {
    address: SocketAddr,
    change: Arc<Mutex<Change>>,
}

impl Between {
    fn new(node: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let change: Arc<Mutex<Change>> = Arc::new(Mutex::new(Box::new(|_, body| body)));
        let shared = change.clone();
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                // A client that went away is no matter here.
                let _ = pass(client, node, &shared);
            }
        });
        Self { address, change }
    }

    fn say(&self, change: impl FnMut(&str, Vec<u8>) -> Vec<u8> + Send + 'static) {
        *self.change.lock().expect("no panic") = Box::new(change);
    }

    /// Changes the JSON of one path.
    fn say_json(&self, path: &'static str, mut change: impl FnMut(&mut Value) + Send + 'static) {
        self.say(move |asked, body| {
            if !asked.starts_with(path) {
                return body;
            }
            let mut json: Value = serde_json::from_slice(&body).expect("JSON");
            change(&mut json);
            serde_json::to_vec(&json).expect("JSON")
        });
    }

    fn http(&self) -> Http {
        Http::connect(&format!("http://{}", self.address), None).expect("a node")
    }
}

fn pass(mut client: TcpStream, node: SocketAddr, change: &Mutex<Change>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0u8];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let path = text.split(' ').nth(1).unwrap_or("").to_owned();
    let length = |head: &str| {
        let lower = head.to_lowercase();
        let line = lower.lines().find_map(|l| l.strip_prefix("content-length:").map(str::to_owned));
        line.and_then(|n| n.trim().parse::<usize>().ok()).unwrap_or(0)
    };
    let mut body = vec![0; length(&text)];
    client.read_exact(&mut body)?;
    let mut node = TcpStream::connect(node)?;
    node.write_all(text.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes())?;
    node.write_all(&body)?;
    let mut answer = Vec::new();
    node.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = (change.lock().expect("no panic"))(&path, answer[end..].to_vec());
    let status = head.lines().next().unwrap_or("HTTP/1.1 500 x").to_owned();
    write!(client, "{status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len())?;
    client.write_all(&body)
}

fn world() -> (World, Between) {
    let world = World::new();
    world.commit(enrol([1, 2, 3]));
    world.commit(issue(1));
    world.commit(anchor([5], &[9]));
    world.next_epoch();
    let between = Between::new(world.address);
    (world, between)
}

fn zero_digit(value: &mut Value) {
    let text = value.as_str().expect("hexadecimal").to_owned();
    let first = if text.starts_with('0') { "1" } else { "0" };
    *value = json!(format!("{first}{}", &text[1..]));
}

#[test]
fn leaves_that_are_not_the_bundles_make_no_mirror() {
    let (_world, between) = world();
    let http = between.http();
    assert!(http.mirror().is_ok());
    for registry in ["subjects", "roles", "records"] {
        let path: &'static str = match registry {
            "subjects" => "/v1/registries/subjects",
            "roles" => "/v1/registries/roles",
            _ => "/v1/registries/records",
        };
        between.say_json(path, |page| zero_digit(&mut page["leaves"][0]));
        let error = http.mirror().err().expect("refused");
        assert!(matches!(error, AccessError::Mirror(_)), "{error}");
        assert!(error.to_string().contains(registry), "{error}");
    }
    between.say_json("/v1/registries/revocations", |page| zero_digit(&mut page["leaves"][1]["value"]));
    assert!(matches!(http.mirror(), Err(AccessError::Mirror(_))));
    between.say_json("/v1/registries/subjects", |page| {
        page["leaves"].as_array_mut().expect("a list").pop();
    });
    assert!(matches!(http.mirror(), Err(AccessError::Mirror(_))));
    // x + r: another encoding of the same element.
    between.say_json("/v1/registries/subjects", |page| page["leaves"][0] = json!("f".repeat(64)));
    assert!(matches!(http.mirror(), Err(AccessError::Untrustworthy { .. })));
}

#[test]
fn pages_that_never_end_or_belong_elsewhere_are_refused() {
    let (_world, between) = world();
    let http = between.http();
    let refused = |http: &Http| matches!(http.mirror(), Err(AccessError::Untrustworthy { .. }));
    between.say_json("/v1/registries/subjects", |page| page["next"] = json!(0));
    assert!(refused(&http));
    between.say_json("/v1/registries/subjects", |page| page["next"] = json!(1));
    assert!(refused(&http));
    between.say_json("/v1/registries/subjects", |page| {
        let leaf = page["leaves"][0].clone();
        page["leaves"].as_array_mut().expect("a list").push(leaf);
    });
    assert!(refused(&http), "more than the bundle has");
    for (name, value) in
        [("epoch", json!(0)), ("bundle", json!("0".repeat(64))), ("registry", json!("roles"))]
    {
        between.say_json("/v1/registries/subjects", move |page| page[name] = value.clone());
        assert!(refused(&http), "{name}");
    }
    between.say(|path, body| if path.starts_with("/v1/registries") { vec![b' '; 5 << 20] } else { body });
    assert!(refused(&http), "longer than a page can be");
}

#[test]
fn a_lie_that_is_told_once_is_forgiven() {
    let (_world, between) = world();
    let http = between.http();
    let mut told = false;
    between.say_json("/v1/registries/subjects", move |page| {
        if !std::mem::replace(&mut told, true) {
            zero_digit(&mut page["leaves"][0]);
        }
    });
    assert!(http.mirror().is_ok());
}

#[test]
fn bundles_receipts_blocks_and_headers_must_be_what_they_say() {
    let (world, between) = world();
    let http = between.http();
    let tx = world.signed(enrol([70]));
    http.submit(&tx).expect("committed");
    between.say_json("/v1/bundles/latest", |b| b["registries"][0]["count"] = json!(4));
    assert!(matches!(http.bundle(None), Err(AccessError::Untrustworthy { .. })));
    between.say_json("/v1/bundles/0", |b| b["time"] = json!(0));
    assert!(matches!(http.bundle(Some(0)), Err(AccessError::Untrustworthy { .. })));
    // A sum of active credentials that the bundle does not commit to.
    let pair = json!({ "role": "01".repeat(31) + "00", "organisation": "00".repeat(32), "count": 1_000_000 });
    between.say_json("/v1/bundles/latest", move |b| b["active"] = json!([pair]));
    assert!(matches!(http.bundle(None), Err(AccessError::Untrustworthy { .. })));
    // A node of the previous version does not list them.
    between.say_json("/v1/bundles/latest", |b| {
        b.as_object_mut().expect("an object").remove("active").expect("it is there");
    });
    assert_eq!(http.bundle(None).expect("taken").expect("the newest").active, None);
    let other = world.get("/v1/bundles/1").bytes;
    between.say(move |path, body| if path == "/v1/bundles/0" { other.clone() } else { body });
    assert!(matches!(http.bundle(Some(0)), Err(AccessError::Untrustworthy { .. })));

    between.say_json("/v1/receipts", |r| zero_digit(&mut r["proof"]));
    assert!(matches!(http.receipt(&tx.id()), Err(AccessError::Untrustworthy { .. })));
    let another = world.signed(enrol([71]));
    http.submit(&another).expect("committed");
    let proof = world.get(&format!("/v1/receipts/{}", another.id())).bytes;
    between.say(move |path, body| if path.starts_with("/v1/receipts") { proof.clone() } else { body });
    assert!(matches!(http.receipt(&tx.id()), Err(AccessError::Untrustworthy { .. })));
    between.say_json("/v1/transactions", |r| zero_digit(&mut r["receipt"]["txid"]));
    assert!(matches!(http.submit(&tx), Err(AccessError::Untrustworthy { .. })));

    let second = world.get_bytes("/v1/blocks/2").bytes;
    between.say(move |path, body| if path == "/v1/blocks/1" { second.clone() } else { body });
    assert!(matches!(http.block(1), Err(AccessError::Untrustworthy { .. })));
    between.say(|path, mut body| {
        if path == "/v1/blocks/1"
            && let Some(last) = body.last_mut()
        {
            *last ^= 1;
        }
        body
    });
    assert!(matches!(http.block(1), Err(AccessError::Untrustworthy { .. })));
    between.say(|path, mut body| {
        if path == "/v1/blocks/1" {
            body.truncate(100);
        }
        body
    });
    assert!(matches!(http.block(1), Err(AccessError::Untrustworthy { .. })));
    between.say_json("/v1/blocks?", |page| page["blocks"][1]["header"]["epoch"] = json!(9));
    assert!(matches!(http.headers(0), Err(AccessError::Untrustworthy { .. })));
    between.say_json("/v1/blocks?", |page| {
        page["blocks"].as_array_mut().expect("a list").remove(1);
    });
    assert!(matches!(http.headers(0), Err(AccessError::Untrustworthy { .. })));
    between.say_json("/v1/status", |status| zero_digit(&mut status["chain"]));
    assert!(matches!(http.status(), Err(AccessError::OtherChain { .. })));
}

#[test]
fn a_server_that_is_no_node_is_seen_at_once_and_its_words_cannot_steer_a_terminal() {
    let (world, between) = world();
    let address = format!("http://{}", between.address);
    between.say(|_, _| b"<html>hello</html>".to_vec());
    assert!(matches!(Http::connect(&address, None), Err(AccessError::Untrustworthy { .. })));
    between.say(|_, body| body);
    let http = between.http();
    between.say(|path, body| if path.starts_with("/v1/blocks/99") { b"gone".to_vec() } else { body });
    let error = http.block(99).expect_err("no shape");
    assert!(matches!(error, AccessError::Untrustworthy { .. }), "{error}");
    between.say(|path, body| {
        if path != "/v1/transactions" {
            return body;
        }
        let error = json!({"kind": "reject", "code": "x", "message": "\u{1b}[2J", "next": "\u{7}"});
        serde_json::to_vec(&json!({ "error": error })).expect("JSON")
    });
    let tx = world.signed(enrol([1]));
    let error = http.submit(&tx).expect_err("refused");
    assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
}

#[test]
fn pages_of_members_must_go_on_where_they_ended_in_order_and_be_of_one_block() {
    let world = crowded();
    let between = Between::new(world.address);
    let http = between.http();
    assert_eq!(http.governance().expect("as it is").organisations.len(), MEMBERS);
    let refused = |lie: fn(&mut Value)| {
        between.say_json("/v1/governance?after", lie);
        match http.governance() {
            Err(AccessError::Untrustworthy { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };
    let why = refused(|page| page["height"] = json!(7));
    assert!(why.contains("of different blocks"), "{why}");
    let why = refused(|page| page["organisations"] = json!([]));
    assert!(why.contains("without an end"), "{why}");
    let why = refused(|page| page["organisations"].as_array_mut().expect("a list").swap(0, 1));
    assert!(why.contains("not in order"), "{why}");
    let why = refused(|page| page["next"] = page["organisations"][0]["id"].clone());
    assert!(why.contains("where it did not end"), "{why}");
    // The same page for ever.
    let why = refused(|page| page["next"] = page["organisations"][43]["id"].clone());
    assert!(why.contains("not in order") || why.contains("without an end"), "{why}");
}
