//! Machines that are lost, and machines that are far.

use super::*;

#[test]
fn a_snapshot_of_a_running_validator_starts_one_whose_disk_is_lost() {
    let cluster = Cluster::found();
    let mut nodes: Vec<Running> = (1..=4).map(|k| cluster.node(k)).collect();
    (1..=4).for_each(|k| drop(readiness(cluster.http(k), None)));
    cluster.ok(&["init", "--node", &cluster.url(1)]);
    cluster.anchor("1", 2);

    // One loses its ledger and its log, and begins from what a running one hands over.
    nodes[3].terminate();
    let (ledger, genesis) = (cluster.at("validator-4/ledger.redb"), cluster.at("validator-4/genesis.json"));
    std::fs::remove_file(&ledger).expect("gone");
    std::fs::remove_dir_all(cluster.at("validator-4/consensus")).expect("gone");
    let (file, least) = (cluster.at("snapshot"), height(cluster.http(1)));
    cluster.ok(&["ledger", "snapshot", "--node", &cluster.url(1), "--out", &file]);
    let least = least.to_string();
    let restore = |file: &str| {
        ["ledger", "restore", file, "--genesis", &genesis, "--ledger", &ledger].map(str::to_owned)
    };
    let with = |args: &[String], more: &[&str]| -> Vec<String> {
        args.iter().cloned().chain(more.iter().map(|&m| m.to_owned())).collect()
    };
    fn words(args: &[String]) -> Vec<&str> {
        args.iter().map(String::as_str).collect()
    }

    // Not from a changed snapshot, nor from an old one; and nothing is left behind.
    let mut bytes = std::fs::read(&file).expect("a snapshot");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = cluster.at("changed");
    std::fs::write(&changed, bytes).expect("written");
    let said = cluster.fails(&words(&restore(&changed)));
    assert!(said.contains("no ledger was made from"), "{said}");
    let said = cluster.fails(&words(&with(&restore(&file), &["--at-least", "1000000"])));
    assert!(said.contains("no ledger was made from"), "{said}");
    assert!(!Path::new(&ledger).exists(), "nothing is left behind");
    let asked = with(&restore(&file), &["--at-least", &least]);
    let restored = cluster.json(&words(&asked));
    let from = restored["height"].as_u64().expect("a height");
    assert_eq!(restored["block"], block_hash(cluster.http(1), from).as_str());
    let kept = std::fs::metadata(&ledger).expect("a ledger").len();
    let said = cluster.fails(&words(&asked));
    assert!(said.contains("ledger.redb"), "{said}");
    assert_eq!(std::fs::metadata(&ledger).expect("a ledger").len(), kept, "never written over");

    // It learns, has the others' history, and none of the transactions from before the snapshot.
    nodes[3] = cluster.node(4);
    assert!(readiness(cluster.http(4), None).contains("learning"), "its log was lost");
    cluster.one_tip();
    let listed =
        |k| value(cluster.http(k), &format!("/v1/blocks?from={from}&limit=1"))["blocks"][0]["header"].clone();
    assert_eq!(listed(4), listed(2), "its transactions are not here, its header is");
    let gone = get(cluster.http(4), "/v1/blocks/1").expect("an answer");
    assert_eq!(gone.0, 410, "{}", gone.1);

    // It votes: without it there would be no quorum.
    nodes[0].terminate();
    let before = height(cluster.http(2));
    cluster.anchor("2", 4);
    assert!(height(cluster.http(4)) > before);

    // The validator that is down is pruned, which a running one refuses; it catches up afterwards.
    let of = |k: u16| cluster.at(&format!("validator-{k}/ledger.redb"));
    let said = cluster.fails(&["ledger", "prune", "--keep", "2", "--ledger", &of(2)]);
    assert!(said.contains("is in use by another process"), "{said}");
    let pruned = cluster.json(&["ledger", "prune", "--keep", "2", "--ledger", &of(1)]);
    let tip = pruned["height"].as_u64().expect("a height");
    assert_eq!(pruned["history_from"].as_u64(), Some(tip - 1), "{pruned}");
    nodes[0] = cluster.node(1);
    assert!(!readiness(cluster.http(1), None).contains("learning"), "its log was not lost");
    cluster.one_tip();
    assert_eq!(get(cluster.http(1), "/v1/blocks/1").expect("an answer").0, 410);
    assert_eq!(get(cluster.http(2), "/v1/blocks/1").expect("an answer").0, 200);
    nodes.iter_mut().for_each(Running::terminate);
}

#[test]
fn validators_on_machines_of_their_own_have_their_addresses_and_no_others_keys() {
    let cluster = Cluster::found();
    let new = cluster.at("new");
    let hosts = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4";
    cluster.ok(&["cluster", "init", &new, "--hosts", hosts, "--port", "7420"]);
    let mut secrets = BTreeSet::new();
    for k in 1..=4 {
        let folder = Path::new(&new).join(format!("validator-{k}"));
        let text = std::fs::read_to_string(config(&folder)).expect("a configuration");
        assert!(text.contains("listen = \"127.0.0.1:7420\""), "clients are let in by the operator: {text}");
        for j in 1..=4 {
            for port in [7520, 7620] {
                let address = format!("\"10.0.0.{j}:{port}\"");
                assert_eq!(text.matches(&address).count(), 1, "{address} in {text}");
            }
        }
        assert_eq!(text.matches("[[bft.peers]]").count(), 3, "{text}");
        secrets.insert(std::fs::read(folder.join("validator.key")).expect("a key"));
        assert!(folder.join("consensus/never-voted").exists());
    }
    assert_eq!(secrets.len(), 4);
}
