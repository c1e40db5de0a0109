//! Every route where all is well.

use crate::support::{VISITOR, World, anchor, enrol, issue, key, sign};
use amanat_client::ledger::{Http, LedgerAccess};
use amanat_domain::consent::OrgId;
use amanat_domain::governance::{Capabilities, Change};
use amanat_domain::tx::{Action, Transaction};
use amanat_ledger::{Block, Chain, RestoreOptions, Storage};
use serde_json::json;

const SECOND: &str = "Organization/second-board";

#[test]
fn a_signed_transaction_is_committed_and_its_receipt_comes_with_a_proof() {
    let world = World::new();
    let tx = world.signed(enrol([1, 2, 3]));
    let reply = world.post(&tx.to_bytes());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json["repeated"], json!(false));
    let receipt = &reply.json["receipt"];
    assert_eq!(receipt["effect"], json!({"appended": {"registry": "subjects", "first": 0, "count": 3}}));
    assert_eq!(receipt["height"], json!(1));

    let again = world.post(&tx.to_bytes());
    assert_eq!((again.status, &again.json["repeated"]), (200, &json!(true)));
    assert_eq!(&again.json["receipt"], receipt);
    assert_eq!(world.height(), 1);

    let proved = world.get(&format!("/v1/receipts/{}", tx.id()));
    assert_eq!(proved.status, 200);
    assert_eq!(&proved.json["receipt"], receipt);
    assert_eq!(proved.json["header"]["height"], json!(1));

    let entry = |kind: &str, name: &str| world.get(&format!("/v1/entries/{kind}/{name}"));
    let there = entry("transaction", &tx.id().to_string()).json;
    assert_eq!((&there["present"], &there["header"]["height"]), (&json!(true), &json!(1)));
    let absent = entry("nullifier", &"07".repeat(32)).json;
    assert_eq!(absent["present"], json!(false));
    for shown in [there, absent] {
        let bytes = hex::decode(shown["proof"].as_str().expect("hex")).expect("hex");
        let proof = amanat_ledger::EntryProof::from_bytes(&bytes).expect("a proof");
        assert_eq!(proof.verify(proof.header.hash()), Ok(()));
    }
    entry("nullifier", "7").refused(400, "bad_entry");
    entry("nullifiers", "7").refused(404, "no_such_kind");
}

#[test]
fn every_read_route_answers_as_the_document_says() {
    let world = World::new();
    world.commit(enrol([1, 2]));
    world.commit(issue(7));
    world.commit(anchor([10, 11], &[99]));
    world.next_epoch();
    world.commit(Action::RetireRole { index: 0 });
    world.commit(anchor([12], &[50]));

    let status = world.get("/v1/status").json;
    assert_eq!((&status["height"], &status["epoch"]), (&json!(6), &json!(1)));
    assert_eq!((&status["ready"], &status["mempool"]), (&json!(true), &json!(0)));
    assert_eq!(status["chain"], json!(world.chain().to_string()));
    assert_eq!(world.get("/v1/genesis").bytes, world.solo.genesis().to_json());

    let latest = world.get("/v1/bundles/latest").json;
    assert_eq!(latest, world.get("/v1/bundles/1").json);
    assert_eq!(latest["superseded"], json!(null));
    assert_eq!(world.get("/v1/bundles/0").json["superseded"], json!(1));

    let height = |n: u64| world.get(&format!("/v1/blocks/{n}")).json;
    assert_eq!(height(0)["header"]["count"], json!(0));
    let block = height(1);
    assert_eq!(block["transactions"][0]["kind"], json!("signed"));
    let bytes = world.get_bytes("/v1/blocks/1").bytes;
    let canonical = Block::from_bytes(&bytes, 10).expect("canonical bytes");
    assert_eq!(block["header"]["hash"], json!(canonical.header.hash().to_string()));
    let listed = world.get("/v1/blocks?from=2&limit=3").json;
    assert_eq!(listed["blocks"].as_array().map(Vec::len), Some(3));
    assert_eq!((&listed["next"], &listed["tip"]), (&json!(5), &json!(6)));
    assert_eq!(world.get("/v1/blocks?from=5").json["next"], json!(null));
    assert_eq!(world.get("/v1/blocks?from=7").json["blocks"], json!([]));
    assert_eq!(world.get("/v1/keys").json, json!({"keys": []}));
    assert_eq!(world.get("/v1/governance").json["quorum"], json!(1));
    assert_eq!(world.get("/v1/health").json, json!({"status": "ok"}));
    assert_eq!(world.get("/v1/ready").json, json!({"status": "ready"}));
    assert_eq!(world.get("/openapi.json").bytes, amanat_node::server::OPENAPI.as_bytes());
}

#[test]
fn a_pruned_block_is_gone_in_words_and_its_header_and_receipts_are_not() {
    let world = World::new();
    let receipt = world.commit(enrol([1, 2]));
    world.commit(issue(7));
    let before = world.get("/v1/blocks?from=0&limit=3").json;
    assert_eq!(world.get("/v1/status").json["history_from"], json!(0));
    world.solo.prune(1, &mut |_, _| ()).expect("no fault");
    assert_eq!(world.get("/v1/status").json["history_from"], json!(2));
    let views = [world.http().status(), world.embedded().status()];
    assert!(views.iter().all(|view| view.as_ref().is_ok_and(|view| view.history_from == 2)), "{views:?}");
    for answer in [world.get("/v1/blocks/1"), world.get_bytes("/v1/blocks/1")] {
        let error = answer.refused(410, "pruned").clone();
        assert_eq!((&error["expected"], &error["got"]), (&json!("at least 2"), &json!("1")));
        assert!(error["next"].as_str().expect("words").contains("another node or an archive"), "{error}");
    }
    assert_eq!(world.get("/v1/blocks/2").json["header"]["height"], json!(2));
    let listed = world.get("/v1/blocks?from=0&limit=3").json;
    for height in 0..=2 {
        assert_eq!(listed["blocks"][height]["header"], before["blocks"][height]["header"]);
    }
    let tx = &listed["blocks"][1]["transactions"][0];
    assert_eq!(tx["kind"], json!("pruned"));
    assert_eq!(tx["txid"], before["blocks"][1]["transactions"][0]["txid"]);
    let shown = world.get(&format!("/v1/receipts/{}", receipt["txid"].as_str().expect("an id")));
    assert_eq!((shown.status, &shown.json["receipt"]), (200, &receipt));
    world.solo.prune(0, &mut |_, _| ()).expect("no fault");
    let status = world.get("/v1/status").json;
    assert_eq!((&status["height"], &status["history_from"]), (&json!(2), &json!(3)));
}

#[test]
fn a_running_node_gives_a_snapshot_that_a_ledger_begins_from() {
    let world = World::new();
    let receipt = world.commit(enrol([1, 2]));
    world.commit(issue(7));
    let node = Http::connect(&format!("http://{}", world.address), Some(world.chain())).expect("a node");
    let (mut file, told) = (Vec::new(), std::cell::Cell::new(0));
    let got = node.snapshot(&mut file, &|got| told.set(got)).expect("a snapshot");
    assert_eq!((got, told.get()), (file.len() as u64, got));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    let demands = RestoreOptions { at_least: Some(2), signed_by: None };
    let restore =
        |bytes: &[u8]| Chain::restore(&path, &world.solo.genesis(), &mut &*bytes, &demands, &mut |_, _| ());
    // Cut short it is no snapshot, and leaves nothing behind.
    assert!(restore(&file[..file.len() - 1]).is_err() && !path.exists());
    let info = restore(&file).expect("as sent");
    assert_eq!((info.height, info.block), (2, world.solo.status().tip.hash()));
    let chain = Chain::open(Storage::File(path)).expect("a ledger");
    assert_eq!((chain.status().tip, chain.history_from()), (world.solo.status().tip, 3));
    let txid = receipt["txid"].as_str().expect("an id").parse().expect("an id");
    assert!(chain.receipt(&txid).expect("no fault").is_some());
}

#[test]
fn leaves_are_those_of_the_bundle_though_the_registries_have_moved_on() {
    let world = World::new();
    world.commit(enrol([1, 2]));
    world.commit(issue(7));
    world.commit(anchor([10, 11], &[99]));
    world.next_epoch();
    let registries = ["subjects", "roles", "consents", "revocations", "records"];
    let all = |query: &str| {
        registries.map(|r| world.get(&format!("/v1/registries/{r}/leaves{query}")).json["leaves"].clone())
    };
    let sealed = all("");
    assert_eq!(sealed.each_ref().map(|l| l.as_array().map(Vec::len)), [2, 1, 0, 2, 2].map(Some));
    world.commit(enrol([3]));
    world.commit(issue(8));
    world.commit(Action::RetireRole { index: 0 });
    world.commit(anchor([12], &[50]));
    assert_eq!(all(""), sealed);
    world.next_epoch();
    let later = all("");
    assert_eq!(later.each_ref().map(|l| l.as_array().map(Vec::len)), [3, 2, 0, 3, 3].map(Some));
    assert_eq!(later[1][0], json!("0".repeat(64)), "a retired credential is zero");
    assert_eq!(all("?epoch=1"), sealed, "an older bundle's leaves are still there");
    assert_eq!(all("?epoch=0")[3].as_array().map(Vec::len), Some(1), "the initial leaf");

    let page = world.get("/v1/registries/subjects/leaves?from=1&limit=1").json;
    assert_eq!((&page["leaves"], &page["next"]), (&json!([later[0][1]]), &json!(2)));
    let page = world.get("/v1/registries/subjects/leaves?from=3").json;
    assert_eq!((&page["leaves"], &page["next"]), (&json!([]), &json!(null)));
}

#[test]
fn metrics_count_what_happened() {
    let world = World::new();
    let tx = world.signed(enrol([1]));
    world.post(&tx.to_bytes());
    world.post(&tx.to_bytes());
    world.post(b"");
    world.post(&world.signed(enrol([1])).to_bytes()).refused(409, "already_enrolled");
    let text = String::from_utf8(world.get("/metrics").bytes).expect("text");
    for line in [
        "amanat_height 1",
        "amanat_epoch 0",
        "amanat_mempool_transactions 0",
        "amanat_ready 1",
        "amanat_registry_leaves{registry=\"subjects\"} 1",
        "amanat_submissions_total{outcome=\"committed\"} 1",
        "amanat_submissions_total{outcome=\"repeated\"} 1",
        "amanat_refused_total{kind=\"reject\",code=\"truncated\"} 1",
        "amanat_refused_total{kind=\"conflict\",code=\"already_enrolled\"} 1",
        "amanat_commit_seconds_count 1",
        "amanat_http_answers_total{status=\"200\"} 2",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    let gpu = format!("amanat_gpu_info{{state=\"{}\"}} 1", amanat_accel::gpu::presence().label());
    assert!(text.lines().any(|l| l == gpu), "{gpu}\n{text}");
    let engine = format!("amanat_engine_info{{name=\"{}\"}} 1", amanat_accel::default_backend().name());
    assert_eq!(text.lines().filter(|l| l.starts_with("amanat_engine_info")).collect::<Vec<_>>(), [engine]);
}

#[test]
fn many_clients_at_once_share_blocks_and_each_gets_its_receipt() {
    let world = World::new();
    let txs: Vec<Transaction> = (0..64).map(|n| world.signed(enrol([100 + n]))).collect();
    let start = std::sync::Barrier::new(16);
    std::thread::scope(|scope| {
        for mine in txs.chunks(4) {
            let (world, start) = (&world, &start);
            scope.spawn(move || {
                start.wait();
                for tx in mine {
                    let reply = world.post(&tx.to_bytes());
                    assert_eq!(reply.status, 200, "{}", reply.json);
                    assert_eq!(reply.json["receipt"]["txid"], json!(tx.id().to_string()));
                }
            });
        }
    });
    assert!(world.height() <= 64);
    assert_eq!(world.solo.status().transactions, 64);
}

#[test]
fn a_change_is_proposed_listed_and_made_and_a_second_governor_must_approve_the_next() {
    let world = World::new();
    let list = || world.get("/v1/governance").json;
    let before = list();
    assert_eq!((&before["governors"], &before["validators"]), (&json!(1), &json!(null)));
    let second = Change::AddOrganisation {
        reference: SECOND.into(),
        name: "A second board".into(),
        key: key(SECOND).verifying_key().to_bytes(),
        capabilities: Capabilities { govern: true, ..Capabilities::none() },
    };
    let reply = world.post(&world.signed(Action::Propose(Box::new(second.clone()))).to_bytes());
    let effect = json!({"proposed": {"approvals": 1, "needed": 1, "expires": 168, "holds_from": 2}});
    assert_eq!(reply.json["receipt"]["effect"], effect, "one governs alone: made at once");
    let after = list();
    assert_eq!(
        (&after["governors"], &after["quorum"], &after["proposals"]),
        (&json!(2), &json!(2), &json!([]))
    );
    let organisations = after["organisations"].as_array().expect("a list");
    let new = organisations.iter().find(|o| o["reference"] == SECOND).expect("taken in");
    assert_eq!((&new["since"], &new["capabilities"]["govern"]), (&json!(1), &json!(true)));

    let again = world.signed(Action::Propose(Box::new(second)));
    world.post(&again.to_bytes()).refused(409, "member_already");
    let removal = Change::RemoveOrganisation(OrgId::from_reference(VISITOR));
    let proposed = world.signed(Action::Propose(Box::new(removal)));
    world.post(&proposed.to_bytes());
    let open = list()["proposals"].clone();
    assert_eq!(open[0]["id"], json!(proposed.id().to_string()));
    assert_eq!((&open[0]["counted"], &open[0]["expires"]), (&json!(1), &json!(168)));
    let visitor = json!(OrgId::from_reference(VISITOR).to_string());
    assert_eq!(open[0]["change"], json!({"remove_organisation": {"organisation": visitor}}));
    world.post(&world.signed(Action::Approve(proposed.id())).to_bytes()).refused(409, "already_approved");
    let approval = Transaction::Signed(Box::new(sign(world.chain(), SECOND, Action::Approve(proposed.id()))));
    let reply = world.post(&approval.to_bytes());
    let id = proposed.id().to_string();
    let effect = json!({"approved": {"proposal": id, "approvals": 2, "needed": 2, "holds_from": 4}});
    assert_eq!(reply.json["receipt"]["effect"], effect);
    let gone =
        list()["organisations"].as_array().expect("a list").iter().find(|o| o["id"] == visitor).cloned();
    assert_eq!(gone.expect("its past stays")["removed"], json!(3));
    let late = Transaction::Signed(Box::new(sign(world.chain(), VISITOR, enrol([1]))));
    world.post(&late.to_bytes()).refused(400, "unknown_organisation");
}
