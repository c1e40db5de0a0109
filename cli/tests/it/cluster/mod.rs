//! Several validators as an operator runs them: processes, files, exit codes, what is scraped and
//! what is said.
//!
//! No verdict here depends on time: a test waits for a line, an event, readiness or an end, and
//! gives up after [`PATIENCE`].

#[path = "../../../../node/tests/it/authority.rs"]
#[allow(dead_code)] // the node's tests use more of it
mod authority;
mod machines;
mod namespaces;
mod support;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use support::*;

#[test]
fn four_are_founded_run_one_is_killed_and_comes_back() {
    let cluster = Cluster::found();
    let all = cluster.at("");
    assert!(cluster.fails(&["cluster", "init", &all]).contains("exists already"));
    let mut run = Running::start(cluster.command(&["cluster", "run", &all]));
    for _ in 1..=4 {
        run.line("| node of chain");
    }
    (1..=4).for_each(|k| drop(readiness(cluster.http(k), None)));
    cluster.ok(&["probe", &cluster.url(1)]);
    let words = cluster.ok(&["init", "--node", &cluster.url(1)]);
    assert!(words.contains("6 keys installed"), "{words}");
    let txid = cluster.anchor("1", 2);
    cluster.one_tip();

    // Another validator proves what one accepted; a client with the genesis and a block's hash
    // trusts neither.
    (1..=4).for_each(|k| reached(cluster.http(k), height(cluster.http(2))));
    let file = cluster.at("receipt");
    let receipt = cluster.json(&["ledger", "receipt", &txid, "--out", &file, "--node", &cluster.url(4)]);
    let (genesis, block) = (cluster.at("genesis.json"), receipt["block"].as_str().expect("a hash"));
    let checked = cluster.json(&["verify", "receipt", &file, "--genesis", &genesis, "--block", block]);
    assert_eq!(checked["txid"], txid.as_str());

    run.terminate();
    let ends = run.said.iter().filter(|line| line.ends_with("has ended (exit status: 0)")).count();
    assert_eq!(ends, 4, "{:?}", run.said);
    let words = cluster.fails(&["probe", &cluster.url(1)]);
    assert!(words.contains("is not ready: no node answers"), "{words}");
    let words = cluster.fails(&["cluster", "status", &all]);
    assert!(words.contains("4 of 4 validators do not answer"), "{words}");

    // Again, each by itself. One is killed, and three go on.
    let mut nodes: Vec<Running> = (1..=4).map(|k| cluster.node(k)).collect();
    (1..=4).for_each(|k| drop(readiness(cluster.http(k), None)));
    nodes[3].signal("-KILL");
    assert_eq!(nodes[3].end().code(), None, "killed");
    let words = cluster.fails(&["cluster", "status", &all]);
    assert!(words.contains("1 of 4 validators do not answer"), "{words}");
    let before = height(cluster.http(1));
    cluster.anchor("2", 3);
    let tip = height(cluster.http(3));
    assert!(tip > before, "three go on");
    nodes[3] = cluster.node(4);
    reached(cluster.http(4), tip);
    assert_eq!(block_hash(cluster.http(4), tip), block_hash(cluster.http(1), tip));
    assert!(!readiness(cluster.http(4), None).contains("learning"), "its log was not lost");
    cluster.one_tip();
    nodes.iter_mut().for_each(Running::terminate);
}

/// Copies a validator's folder, to be spoilt.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("copied");
        }
    }
}

/// A change to a validator's folder.
type Spoil = fn(&Path);

fn edit(path: PathBuf, change: impl Fn(String) -> String) {
    let text = std::fs::read_to_string(&path).expect("a file");
    let changed = change(text.clone());
    assert_ne!(text, changed);
    std::fs::write(path, changed).expect("written");
}

fn without_last_peer(text: String) -> String {
    text[..text.rfind("[[bft.peers]]").expect("peers")].to_owned()
}

fn config(folder: &Path) -> PathBuf {
    folder.join("node.toml")
}

fn genesis(folder: &Path, change: impl Fn(&mut serde_json::Value)) {
    edit(folder.join("genesis.json"), |text| {
        let mut value = serde_json::from_str(&text).expect("JSON");
        change(&mut value);
        value.to_string()
    });
}

#[test]
fn a_bad_start_says_what_is_wrong_where_and_what_to_do() {
    let cluster = Cluster::found();
    let sound = PathBuf::from(cluster.at("validator-1"));
    let spoils: [(&str, Spoil, &[&str]); 15] = [
        ("an unknown key", |f| edit(config(f), |t| format!("colour = \"red\"\n{t}")), &["colour", "line 1"]),
        (
            "no key",
            |f| std::fs::remove_file(f.join("validator.key")).expect("gone"),
            &["validator.key", "No such file", "amanat-node key"],
        ),
        (
            "a key for others to read",
            |f| {
                let mode = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(f.join("validator.key"), mode).expect("changed");
            },
            &["validator.key", "can be read by others", "600"],
        ),
        (
            "no key in the key file",
            |f| edit(f.join("validator.key"), |_| "12".into()),
            &["validator.key", "64 hex digits"],
        ),
        (
            "a stranger's key",
            |f| edit(f.join("validator.key"), |_| "5a".repeat(32)),
            &["is not among the validators", "follow"],
        ),
        (
            "a peer missing",
            |f| edit(config(f), without_last_peer),
            &["no address is given for validator", "give the address of every other"],
        ),
        (
            "a peer twice",
            |f| {
                edit(config(f), |t| {
                    let last = t[t.rfind("[[bft.peers]]").expect("peers")..].to_owned();
                    t + &last
                });
            },
            &["is named twice as a peer"],
        ),
        (
            "a peer with a bad key",
            |f| {
                edit(config(f), |t| {
                    let at = t.rfind("key = \"").expect("a key") + 7;
                    format!("{}xyz{}", &t[..at], &t[at + 64..])
                });
            },
            &["bft.peers", "64 hexadecimal digits"],
        ),
        (
            "a peer nowhere",
            |f| edit(config(f), |t| t.replacen("transactions = \"127", "transactions = \"nowhere", 1)),
            &["transactions", "socket address"],
        ),
        (
            "a time of nothing",
            |f| edit(config(f), |t| t.replacen("vote_ms = 150", "vote_ms = 0", 1)),
            &["bft.vote_ms is 0"],
        ),
        (
            "the consensus solo with peers",
            |f| edit(config(f), |t| t.replace("consensus = \"bft\"", "consensus = \"solo\"")),
            &["bft.peers", "set consensus = \"bft\""],
        ),
        (
            "no genesis",
            |f| std::fs::remove_file(f.join("genesis.json")).expect("gone"),
            &["genesis.json", "No such file"],
        ),
        (
            "no genesis in the genesis file",
            |f| edit(f.join("genesis.json"), |_| "{}".into()),
            &["genesis.json is not a genesis", "chain"],
        ),
        (
            "a genesis that names none",
            |f| genesis(f, |g| drop(g.as_object_mut().expect("an object").remove("validators"))),
            &["names no validators", "solo"],
        ),
        (
            "a ledger that is none",
            |f| std::fs::write(f.join("ledger.redb"), "no ledger").expect("written"),
            &["ledger.redb"],
        ),
    ];
    for (what, spoil, words) in spoils {
        let folder = cluster.folder.path().join("spoilt");
        copy(&sound, &folder);
        spoil(&folder);
        let said = cluster.fails(&["node", "--config", &config(&folder).display().to_string()]);
        assert!(said.contains("node.toml"), "{what}: {said}");
        for word in words {
            assert!(said.contains(word), "{what}: no {word:?} in {said}");
        }
        std::fs::remove_dir_all(folder).expect("gone");
    }

    let words = cluster.fails(&["node", "--consensus", "solo", "--config", &cluster.config(1)]);
    assert!(words.contains("--consensus says solo, the configuration bft"), "{words}");
    let words = cluster.fails(&["node", "--consensus", "bft"]);
    assert!(words.contains("cluster init") && words.contains("--config FILE"), "{words}");
    let words = cluster.fails(&["node", "--config", &cluster.at("nothing.toml")]);
    assert!(words.contains("cannot read") && words.contains("nothing.toml"), "{words}");
    let words = cluster.fails(&["cluster", "run", &cluster.at("operator")]);
    assert!(words.contains("validator-1/node.toml") && words.contains("cluster init"), "{words}");
    let words = cluster.fails(&["cluster", "init", &cluster.at("new"), "--hosts", "10.0.0.1"]);
    assert!(words.contains("4 addresses expected, got 1"), "{words}");
    assert!(!Path::new(&cluster.at("new")).exists(), "nothing is left behind");
}

#[test]
fn what_another_process_or_version_holds_is_named() {
    let cluster = Cluster::found();
    let sound = PathBuf::from(cluster.at("validator-1"));
    let folder = cluster.folder.path().join("other");
    let start = || cluster.fails(&["node", "--config", &config(&folder).display().to_string()]);

    // Ports: taken before anything is decided.
    for more in [0, APART, 2 * APART] {
        copy(&sound, &folder);
        let taken = TcpListener::bind(("127.0.0.1", cluster.port + more)).expect("free");
        let words = start();
        assert!(words.contains(&format!("cannot listen on {}", taken.local_addr().expect("one"))), "{words}");
        std::fs::remove_dir_all(&folder).expect("gone");
    }

    // A ledger's file: held by a node, then another chain's, then of a format to come.
    copy(&sound, &folder);
    let mut node =
        Running::start(cluster.command(&["node", "--config", &config(&folder).display().to_string()]));
    node.line("listens on");
    let words = start();
    assert!(words.contains("ledger.redb") && words.contains("is in use by another process"), "{words}");
    node.terminate();
    let kept = std::fs::read(folder.join("genesis.json")).expect("a genesis");
    genesis(&folder, |g| g["epoch_seconds"] = 61.into());
    let words = start();
    assert!(
        words.contains("belongs to chain") && words.contains("another ledger's file or genesis"),
        "{words}"
    );
    std::fs::write(folder.join("genesis.json"), kept).expect("written");
    {
        let database = redb::Database::open(folder.join("ledger.redb")).expect("a database");
        let write = database.begin_write().expect("a write");
        let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
        let format = (amanat_ledger::FORMAT + 1).to_le_bytes();
        write.open_table(meta).expect("there").insert("format", format.as_slice()).expect("written");
        write.commit().expect("committed");
    }
    let words = start();
    assert!(words.contains("newer version") && words.contains("ledger.redb"), "{words}");
}

#[test]
fn a_ledger_can_be_founded_from_public_halves() {
    let cluster = Cluster::found();
    // A key is its owner's alone, and never written over.
    let file = cluster.at("new.key");
    let made = cluster.json(&["cluster", "key", "--out", &file]);
    assert_eq!(made["key"].as_str().map(str::len), Some(64));
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read(&file).expect("a key");
    let words = cluster.fails(&["cluster", "key", "--out", &file]);
    assert!(words.contains("never overwritten"), "{words}");
    assert_eq!(std::fs::read(&file).expect("a key"), kept);

    // A genesis with that key in place of another is another chain, and says so.
    let said = |genesis: &str| cluster.json(&["cluster", "check", genesis]);
    let before = said(&cluster.at("genesis.json"));
    let sound = PathBuf::from(cluster.at("validator-1"));
    genesis(&sound, |g| g["validators"][0]["key"] = made["key"].clone());
    let after = said(&cluster.at("validator-1/genesis.json"));
    assert_ne!(before["chain"], after["chain"]);
    assert_eq!(after["genesis"]["validators"][0]["key"], made["key"]);
    let words = cluster.fails(&["cluster", "check", &cluster.at("operator/organisations.json")]);
    assert!(words.contains("is not a genesis"), "{words}");

    // The new key votes with it: the node takes the printed configuration, once it has peers.
    let printed = cluster.ok(&["node", "--print-config", "--config", &cluster.config(1)]);
    assert_eq!(printed, std::fs::read_to_string(config(&sound)).expect("as it was written"));
    std::fs::rename(&file, sound.join("validator.key")).expect("moved");
    let mut node = cluster.node(1);
    assert_eq!(value(cluster.http(1), "/v1/status")["chain"], after["chain"]);
    node.terminate();
}

/// Reads Prometheus' text format as strictly as it is written down. Gives what each sample says.
fn scraped(at: SocketAddr) -> BTreeMap<String, f64> {
    let (status, text) = get(at, "/metrics").expect("an answer");
    assert_eq!(status, 200);
    assert!(text.ends_with('\n'));
    let (mut described, mut typed) = (BTreeSet::new(), BTreeSet::new());
    let (mut family, mut kind, mut samples) = (String::new(), String::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let (what, rest) = comment.split_once(' ').expect("a comment of the format");
            let (name, says) = rest.split_once(' ').expect("something is said");
            match what {
                "HELP" => {
                    assert!(described.insert(name.to_owned()), "HELP of {name} twice");
                    name.clone_into(&mut family);
                }
                "TYPE" => {
                    assert!(typed.insert(name.to_owned()), "TYPE of {name} twice");
                    assert_eq!(name, family, "beside its HELP");
                    assert!(
                        ["counter", "gauge", "histogram", "summary", "untyped"].contains(&says),
                        "{line}"
                    );
                    says.clone_into(&mut kind);
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, number) = line.rsplit_once(' ').expect("a sample");
        let name = sample.split('{').next().expect("a name");
        let name_is_well_formed = name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
        assert!(name_is_well_formed && !name.is_empty(), "{line}");
        let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(suffixes.iter().any(|s| name == format!("{family}{s}")), "{name} among {family}");
        let number: f64 = number.parse().expect("a number");
        assert!(samples.insert(sample.to_owned(), number).is_none(), "{sample} twice");
    }
    assert_eq!(described, typed);
    samples
}

#[test]
fn what_is_scraped_is_well_formed_and_readiness_tells_of_a_lost_log_and_of_no_quorum() {
    let cluster = Cluster::found();
    let mut nodes: Vec<Running> = (1..=4).map(|k| cluster.node(k)).collect();
    (1..=4).for_each(|k| drop(readiness(cluster.http(k), None)));
    cluster.ok(&["init", "--node", &cluster.url(1)]);
    let samples = scraped(cluster.http(1));
    for name in [
        "amanat_height",
        "amanat_validators",
        "amanat_consensus_round",
        "amanat_consensus_learning",
        "amanat_seconds_without_block",
        "amanat_late_heights_total",
        "amanat_proposals_total",
        "amanat_refused_proposals_total",
        "amanat_refused_parts_total",
        "amanat_fetched_blocks_total",
        "amanat_double_votes_total",
        "amanat_double_proposals_total",
        "amanat_gossip_sent_total",
        "amanat_gossip_received_total",
        "amanat_gossip_refused_total",
        "amanat_gossip_dropped_total",
        "amanat_ready",
        "amanat_commit_seconds_count",
        "amanat_gate_seconds_count{gate=\"check\"}",
        "amanat_gate_seconds_count{gate=\"validate\"}",
        "amanat_gate_seconds_count{gate=\"commit\"}",
    ] {
        assert!(samples.contains_key(name), "{name}");
    }
    assert!(samples.keys().any(|name| name.starts_with("malachitebft_")), "those of consensus");
    assert_eq!((samples["amanat_validators"], samples["amanat_ready"]), (4.0, 1.0));
    assert!(samples["amanat_height"] >= 1.0 && samples["amanat_gossip_sent_total"] >= 1.0);

    // One loses its log: it learns, says so, and votes again. It learns until a block is final, and
    // with another down none is before that one is back.
    nodes[3].terminate();
    nodes[1].terminate();
    std::fs::remove_dir_all(cluster.at("validator-2/consensus")).expect("gone");
    nodes[1] = cluster.node(2);
    readiness(cluster.http(2), Some("learning"));
    assert_eq!(scraped(cluster.http(2))["amanat_consensus_learning"], 1.0);
    let words = cluster.fails(&["probe", &cluster.url(2)]);
    assert!(words.contains("no write-ahead log"), "{words}");
    nodes[3] = cluster.node(4);
    readiness(cluster.http(2), None);
    assert_eq!(scraped(cluster.http(2))["amanat_consensus_learning"], 0.0);

    // Two of four are down: the ledger halts, the others say why, and goes on when one is back.
    for k in [2, 3] {
        nodes[k].terminate();
    }
    readiness(cluster.http(1), Some("no_quorum"));
    let halted = scraped(cluster.http(1));
    assert_eq!(halted["amanat_ready"], 0.0);
    assert!(halted["amanat_seconds_without_block"] >= 20.0);
    nodes[2] = cluster.node(3);
    reached(cluster.http(1), height(cluster.http(1)) + 1);
    readiness(cluster.http(1), None);
    for k in [0, 1, 2] {
        nodes[k].terminate();
    }
}
