//! A hospital's work from the first ledger to a revocation, and the ledger's upkeep.

use crate::home::Home;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

fn consent(home: &Home, name: &str, patient: &str, organisation: &str) -> String {
    let path = home.path(name);
    let text = format!(
        r#"{{"resourceType":"Consent","status":"active",
        "scope":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}}]}},
        "category":[{{"coding":[{{"system":"http://loinc.org","code":"59284-0"}}]}}],
        "patient":{{"reference":"{patient}"}},
        "policyRule":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}}]}},
        "provision":{{"type":"permit",
          "actor":[{{"role":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}}]}},
                    "reference":{{"reference":"{organisation}"}}}}],
          "purpose":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}}]}}}}"#
    );
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn a_hospital_anchors_a_patient_consents_a_clinician_proves_and_a_revocation_ends_it() {
    let home = Home::with_ledger();
    let again = home.fails(1, &["init"]);
    assert!(again.contains("holds a ledger already"), "{again}");
    let data = home.path("fhir").display().to_string();
    home.ok(&["generate", &data, "--patients", "4"]);
    home.ok(&["import", "--anchor", &data]);
    home.next_epoch();

    for n in 0..2 {
        let patient = format!("Patient/patient-00000001-{n}");
        let file = consent(&home, &format!("consent-{n}.json"), &patient, "Organization/hospital-lahore");
        home.ok(&["consent", "grant", "--patient", &patient, &file, "--uses", "1"]);
    }
    home.next_epoch();

    let tx = home.path("tx.bin").display().to_string();
    let snarkjs = home.path("snarkjs").display().to_string();
    let access = ["prove", "access", "--holder", "dr-saima", "--consent", "0"];
    let mut with_files = access.to_vec();
    with_files.extend(["--out", &tx, "--snarkjs", &snarkjs]);
    let done = home.json(&with_files);
    assert!(done["height"].as_u64().is_some(), "{done}");
    let out = home.run(&["verify", &tx]);
    let words = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && words.contains("of origin insecure-dev: its maker can forge"), "{words}");
    assert!(home.json(&["verify", &tx])["origin"] == "insecure-dev");
    home.ok(&["verify", "--snarkjs", &snarkjs]);
    let receipt = home.json(&["ledger", "receipt", done["txid"].as_str().expect("an id")]);
    assert_eq!(receipt["height"], done["height"]);
    let proof = home.path("receipt.bin").display().to_string();
    home.ok(&["ledger", "receipt", done["txid"].as_str().expect("an id"), "--out", &proof]);
    let genesis = home.path("genesis.json").display().to_string();
    let check = ["verify", "receipt", &proof, "--genesis", &genesis];
    let words = home.fails(1, &check);
    assert!(words.contains("--block"), "nobody signed it: {words}");
    let mut in_block = check.to_vec();
    in_block.extend(["--block", receipt["block"].as_str().expect("a hash")]);
    assert_eq!(home.json(&in_block)["txid"], done["txid"]);
    let other = "00".repeat(32);
    in_block[6] = &other;
    home.fails(5, &in_block);
    // An entry that is there, and one that is not.
    for (kind, name, present) in
        [("transaction", done["txid"].as_str().expect("an id"), true), ("nullifier", &other, false)]
    {
        let entry = home.path("entry.bin").display().to_string();
        let shown = home.json(&["ledger", "entry", kind, name, "--out", &entry]);
        assert_eq!(shown["present"], present);
        let block = shown["block"].as_str().expect("a hash");
        let checked = home.json(&["verify", "entry", &entry, "--genesis", &genesis, "--block", block]);
        assert_eq!((&checked["present"], &checked["name"]), (&shown["present"], &shown["name"]));
        home.fails(5, &["verify", "entry", &entry, "--genesis", &genesis, "--block", &other]);
    }
    let words = home.fails(1, &["ledger", "entry", "nullifer", &other]);
    assert!(words.contains("nullifier, transaction"), "{words}");
    home.ok(&["ledger", "block", &done["height"].to_string()]);

    // A changed nullifier no longer verifies; cut short it is no transaction.
    let mut bytes = std::fs::read(&tx).expect("the file");
    let at = bytes.len() - 128 - 4 * 32;
    bytes[at] ^= 1;
    std::fs::write(&tx, &bytes).expect("the file");
    home.fails(5, &["verify", &tx]);
    std::fs::write(&tx, &bytes[..100]).expect("the file");
    home.fails(5, &["verify", &tx]);

    let words = home.fails(3, &access);
    assert!(words.contains("ACC-14"), "{words}");
    let words = home.fails(3, &["prove", "access", "--holder", "dr-omar", "--consent", "1"]);
    assert!(words.contains("ACC-13"), "{words}");
    let words =
        home.fails(3, &["prove", "consent", "--holder", "dr-saima", "--consent", "1", "--purpose", "HRESCH"]);
    assert!(words.contains("CON-7"), "{words}");

    home.ok(&["consent", "revoke", "1"]);
    home.next_epoch();
    let words = home.fails(3, &["prove", "access", "--holder", "dr-saima", "--consent", "1"]);
    assert!(words.contains("ACC-5"), "{words}");
    assert_eq!(home.json(&["consent", "list"])[1]["revoked"], true);
}

#[test]
fn a_hospital_brings_its_own_organisations_and_clinicians() {
    let home = Home::new();
    let file = home.path("organisations.toml");
    let text = r#"
[[organisation]]
reference = "Organization/city"
name = "City Hospital"
may = ["enrol", "anchor", "issue-roles"]

[[organisation]]
reference = "Organization/authority"
may = ["govern"]

[[clinician]]
reference = "Practitioner/amina"
organisation = "Organization/city"
role = "physician"
"#;
    let file = file.display().to_string();
    std::fs::write(&file, text.replace("\"physician\"", "\"surgeon of sorts\"")).expect("a file");
    let words = home.fails(1, &["init", "--organisations", &file]);
    assert!(words.contains("organisations.toml is refused") && words.contains("line 14"), "{words}");
    std::fs::write(&file, text).expect("a file");
    let made = home.json(&["init", "--epochs-by-hand", "--organisations", &file]);
    assert_eq!(made["organisations"], serde_json::json!(["Organization/city", "Organization/authority"]));
    assert_eq!(made["clinicians"], serde_json::json!(["Practitioner/amina"]));

    // A consent that names a clinician: not known, and what makes it known.
    let consent = consent(&home, "c.json", "Patient/1", "Practitioner/basit");
    let out = home.run(&["consent", "permits", &consent]);
    let words = String::from_utf8(out.stdout).expect("UTF-8");
    assert!(words.contains("refused") && words.contains("amanat clinician add"), "{words}");
    let add = ["clinician", "add", "Practitioner/basit", "--role", "nurse", "--organisation"];
    let to = |organisation| [&add[..], &[organisation]].concat();
    let words = home.fails(1, &to("town"));
    assert!(
        words.contains("there are: Organization/city (City Hospital), Organization/authority"),
        "{words}"
    );
    let words = home.fails(4, &to("authority"));
    assert!(!words.is_empty(), "it issues no roles");
    home.ok(&to("City Hospital"));
    // Another role: the name is taken.
    let physician =
        ["clinician", "add", "Practitioner/basit", "--role", "physician", "--organisation", "city"];
    let words = home.fails(1, &physician);
    assert!(words.contains("exists already"), "{words}");
    let list = home.json(&["clinician", "list"]);
    assert_eq!((&list[1]["clinician"], &list[1]["role"]), (&"Practitioner/basit".into(), &"nurse".into()));
    assert_eq!(home.json(&["consent", "permits", &consent])[0]["permits"], "basit");

    // What was submitted is waited for, and then there is nothing more to wait for.
    let before = home.epoch();
    assert!(home.json(&["ledger", "wait"])["epoch"].as_u64() > Some(before));
    let words = home.ok(&["ledger", "wait"]);
    assert!(words.contains("nothing to wait for"), "{words}");
    let words = home.fails(1, &to("city"));
    assert!(words.contains("exists already"), "{words}");
    let words = home.fails(1, &["prove", "role", "--holder", "nobody"]);
    assert!(words.contains("there are: Practitioner/amina, Practitioner/basit"), "{words}");
    // One nurse has nobody to hide among, two have each other.
    let words = home.fails(1, &["prove", "role", "--holder", "basit", "--dry-run"]);
    assert!(words.contains("too few to hide among in roles: 1"), "{words}");
    home.ok(&["clinician", "add", "Practitioner/hina", "--role", "nurse", "--organisation", "city"]);
    home.ok(&["ledger", "wait"]);
    home.ok(&["prove", "role", "--holder", "basit", "--dry-run"]);
}

#[test]
fn a_ledger_is_pruned_and_another_begins_from_its_snapshot() {
    let home = Home::with_ledger();
    let [snapshot, genesis, copy] =
        ["ledger.snapshot", "genesis.json", "copy.redb"].map(|name| home.path(name).display().to_string());
    let block = home.json(&["ledger", "block", "2"]);
    let txid = block["transactions"][0]["txid"].as_str().expect("an id").to_owned();
    let tip = home.json(&["ledger", "inspect"])["height"].as_u64().expect("a height");

    // Signed by nobody: said, not refused.
    let out = home.run(&["ledger", "snapshot", "--out", &snapshot]);
    assert!(
        out.status.success()
            && String::from_utf8_lossy(&out.stderr).contains("nobody vouches for this snapshot")
    );
    let said = home.fails(1, &["ledger", "snapshot", "--out", &snapshot]);
    assert!(said.contains("exists already"), "{said}");
    std::fs::remove_file(&snapshot).expect("removed");
    let by = "Organization/hospital-lahore";
    let written = home.json(&["ledger", "snapshot", "--out", &snapshot, "--by", by]);
    assert_eq!(written["height"], tip);
    let key = written["signed_by"].as_str().expect("a key");

    let restore = |more: &[&str]| {
        let mut all = vec!["ledger", "restore", &snapshot, "--genesis", &genesis, "--ledger", &copy];
        all.extend_from_slice(more);
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    fn words(all: &[String]) -> Vec<&str> {
        all.iter().map(String::as_str).collect()
    }
    let late = (tip + 1).to_string();
    let said = home.fails(1, &words(&restore(&["--at-least", &late])));
    assert!(said.contains("take a newer one"), "{said}");
    let said = home.fails(1, &words(&restore(&["--signed-by", &"00".repeat(32)])));
    assert!(said.contains("must be signed by"), "{said}");
    let said = home.fails(1, &words(&restore(&["--signed-by", "me"])));
    assert!(said.contains("64 hexadecimal digits"), "{said}");
    let bytes = std::fs::read(&snapshot).expect("a file");
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    std::fs::write(&snapshot, &changed).expect("written");
    let said = home.fails(1, &words(&restore(&[])));
    assert!(said.contains("damaged"), "{said}");
    assert!(!home.path("copy.redb").exists(), "nothing is left behind");
    std::fs::write(&snapshot, &bytes).expect("written");
    let restored = home.json(&words(&restore(&["--at-least", &tip.to_string(), "--signed-by", key])));
    assert_eq!((&restored["block"], &restored["digest"]), (&written["block"], &written["digest"]));
    let said = home.fails(1, &words(&restore(&[])));
    assert!(said.contains("there is a ledger at"), "{said}");
    let foreign = Home::new();
    foreign.ok(&["init", "--chain", "elsewhere"]);
    let theirs = foreign.path("genesis.json").display().to_string();
    let said = home.fails(
        1,
        &[
            "ledger",
            "restore",
            &snapshot,
            "--genesis",
            &theirs,
            "--ledger",
            &foreign.path("l").display().to_string(),
        ],
    );
    assert!(said.contains("another ledger's"), "{said}");

    // The copy in the place of the original shows receipts and goes on; of old blocks it has no
    // transactions.
    std::fs::rename(&copy, home.path("ledger.redb")).expect("renamed");
    assert_eq!(home.json(&["ledger", "receipt", &txid])["height"], 2);
    let said = home.fails(4, &["ledger", "block", "2"]);
    assert!(said.contains("another node or an archive"), "{said}");
    let data = home.path("fhir").display().to_string();
    home.ok(&["generate", &data, "--patients", "2"]);
    home.ok(&["import", "--anchor", &data]);
    let next = (tip + 1).to_string();
    home.ok(&["ledger", "block", &next]);
    let pruned = home.json(&["ledger", "prune", "--keep", "0"]);
    assert_eq!(pruned["pruned"], pruned["height"].as_u64().expect("a height") - tip);
    home.fails(4, &["ledger", "block", &next]);
    assert_eq!(home.json(&["ledger", "prune", "--keep", "0"])["pruned"], 0);
    let said = home.fails(1, &["ledger", "prune", "--keep", "0", "--ledger", &genesis]);
    assert!(said.contains("cannot open the ledger"), "{said}");
}

#[test]
fn a_node_serves_a_second_process_and_stops_when_told() {
    let home = Home::with_ledger();
    let before = home.json(&["ledger", "inspect"])["height"].as_u64().expect("a height");
    let mut node = home.command(&["--json", "node", "--listen", "127.0.0.1:0"]);
    // It has much to log and, if there is such a device, nowhere to write it: it serves all the
    // same.
    if let Some(full) = full() {
        node.env("AMANAT_LOG", "trace").stderr(full);
    }
    let mut node = node.stdout(Stdio::piped()).spawn().expect("the node starts");
    let mut text = String::new();
    let mut lines = BufReader::new(node.stdout.take().expect("its output"));
    while serde_json::from_str::<serde_json::Value>(&text).is_err() {
        assert_ne!(lines.read_line(&mut text).expect("a line"), 0, "the node ended: {text}");
    }
    let said: serde_json::Value = serde_json::from_str(&text).expect("one JSON document");
    let url = format!("http://{}", said["listen"].as_str().expect("an address"));
    let status = home.json(&["ledger", "inspect", "--node", &url]);
    assert!(status["height"].as_u64().expect("a height") >= before);
    // The ledger's file is the node's alone.
    let words = home.fails(1, &["ledger", "inspect"]);
    assert!(
        words.contains("cannot open the ledger") && words.contains("--node http://127.0.0.1:7420"),
        "{words}"
    );
    for command in [["ledger", "prune", "--keep", "1"], ["ledger", "snapshot", "--out", "nowhere"]] {
        let words = home.fails(1, &command);
        assert!(words.contains("in use by another process: stop that process first"), "{words}");
    }
    let stopped = Command::new("kill").arg(node.id().to_string()).status().expect("kill runs");
    assert!(stopped.success());
    assert!(node.wait().expect("the node ends").success());
    home.ok(&["ledger", "inspect"]);
    let words = home.fails(1, &["ledger", "inspect", "--node", &url]);
    assert!(words.contains("no node answers"), "{words}");
}

/// A file that takes nothing.
fn full() -> Option<std::fs::File> {
    std::fs::OpenOptions::new().write(true).open("/dev/full").ok()
}

#[test]
fn output_that_cannot_be_written_is_told_and_a_reader_that_left_stops_nothing() {
    let home = Home::new();
    let folder = home.path("patients").display().to_string();
    let printed = ["node", "--print-config"];
    if let Some(to) = full() {
        let out = home.command(&printed).stdout(to).output().expect("it runs");
        let words = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{words}");
        assert!(words.contains("could be written to standard output: No space left"), "{words}");
        // The words are lost, the exit code is not.
        let out = home.command(&["ledger", "inspect"]).stderr(full().expect("as before")).output();
        assert_eq!(out.expect("it runs").status.code(), Some(1));
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = home.command(&["generate", &folder, "--patients", "1"]).stdout(writer).status();
    assert!(status.expect("it runs").success());
    assert!(Path::new(&folder).read_dir().expect("a folder").next().is_some(), "the work was done");
}

#[test]
fn a_probe_a_key_and_a_configuration_need_no_ledger() {
    let home = Home::new();
    let words = home.fails(1, &["probe", "http://127.0.0.1:1"]);
    assert!(words.contains("is not ready: no node answers at http://127.0.0.1:1"), "{words}");
    let words = home.fails(1, &["probe", "ftp://somewhere"]);
    assert!(words.contains("http://HOST:PORT"), "{words}");

    // A key is made once; its private half is for its owner alone.
    let reference = "Organization/clinic";
    let made = home.json(&["governance", "key", reference, "--name", "Clinic"]);
    assert_eq!((&made["new"], &made["name"]), (&true.into(), &"Clinic".into()));
    assert_eq!(made["key"].as_str().map(str::len), Some(64));
    let again = home.json(&["governance", "key", reference]);
    assert_eq!((&again["new"], &again["key"]), (&false.into(), &made["key"]));

    // What is printed can be followed, with or without a file to begin with.
    let printed = home.ok(&["node", "--print-config", "--consensus", "bft"]);
    assert!(printed.contains("consensus = \"bft\"") && printed.contains("vote_ms = 150"), "{printed}");
    let file = home.path("node.toml");
    std::fs::write(&file, "consensus = \"bft\"\nledger = \"other.redb\"\n").expect("a file");
    let whole = home.ok(&["node", "--print-config", "--config", &file.display().to_string()]);
    assert_eq!(whole, printed.replace("ledger.redb", "other.redb"));
}

#[cfg(not(feature = "bft"))]
#[test]
fn several_validators_need_a_build_that_has_them() {
    let home = Home::new();
    let file = home.path("node.toml");
    std::fs::write(&file, home.ok(&["node", "--print-config", "--consensus", "bft"])).expect("a file");
    let (file, folder) = (file.display().to_string(), home.path("cluster").display().to_string());
    for args in [&["cluster", "init", &folder][..], &["cluster", "key"], &["node", "--config", &file]] {
        let words = home.fails(1, args);
        assert!(words.contains("build with `cargo build --release --features bft`"), "{args:?}: {words}");
    }
    assert!(!home.path("cluster").exists());
}

#[test]
fn bad_input_is_refused_in_words_and_nothing_is_lost() {
    let home = Home::new();
    let words = home.fails(1, &["ledger", "inspect"]);
    assert!(words.contains("amanat init"), "{words}");
    let words = home.fails(1, &["import", "/no/such/folder"]);
    assert!(words.contains("cannot read"), "{words}");
    let file = home.path("broken.ndjson");
    std::fs::write(
        &file,
        "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\n{\"resourceType\":\"Patient\",\"id\":\"b\"}\n",
    )
    .expect("a file");
    let file = file.display().to_string();
    let out = home.run(&["--json", "import", &file]);
    assert_eq!(out.status.code(), Some(6), "some was not understood");
    let read: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one JSON document");
    assert_eq!(read["by_type"]["Patient"], 2, "{read}");
    assert_eq!(read["resources"]["refused"], 1, "{read}");
    let words = home.fails(1, &["import", "--strict", &file]);
    assert!(words.contains("line 2"), "{words}");
    assert_eq!(home.run(&["prove", "nonsense"]).status.code(), Some(2));
    assert!(home.ok(&["completions", "bash"]).contains("amanat"));
    let key = home.path("key.vk");
    std::fs::write(&key, [7u8; 588]).expect("a file");
    home.fails(1, &["keys", "lint", &key.display().to_string()]);
}

fn proposing<'a>(change: &[&'a str]) -> Vec<&'a str> {
    [&["governance", "propose"], change].concat()
}

#[test]
fn a_board_takes_in_another_and_then_both_must_agree() {
    let home = Home::with_ledger();
    let list = home.json(&["governance", "list"]);
    assert_eq!((&list["governors"], &list["quorum"]), (&1.into(), &1.into()));
    let second = "Organization/second-board";
    let done = home.json(&proposing(&["add-organisation", second, "--name", "Second board", "--govern"]));
    assert!(done["holds_from"].as_u64().is_some(), "one governs alone: {done}");

    let capabilities =
        ["set-capabilities", "Organization/hospital-lahore", "--anchor", "--issue-roles", "all"];
    let proposed = home.json(&proposing(&capabilities));
    assert_eq!((&proposed["approvals"], &proposed["needed"]), (&1.into(), &2.into()));
    assert!(proposed["holds_from"].is_null());
    let id = proposed["proposal"].as_str().expect("an id");
    let words = home.ok(&["governance", "list"]);
    assert!(words.contains(id) && words.contains("hospital-lahore may from then on: anchor"), "{words}");
    let words = home.fails(4, &["governance", "approve", id, "--yes"]);
    assert!(words.contains("approved proposal"), "{words}");
    let words = home.ok(&["governance", "approve", id, "--by", second]);
    assert!(words.contains("--yes"), "{words}");
    let words = home.ok(&["governance", "approve", id, "--by", second, "--yes"]);
    assert!(words.contains("decided by 2"), "{words}");

    let words = home.fails(1, &proposing(&["remove-organisation", "Organization/nobody"]));
    assert!(words.contains("is not a member"), "{words}");
    let words = home.fails(4, &proposing(&["add-validator", second, &"58".repeat(32)]));
    assert!(!words.is_empty(), "{words}");
    // Keys are proposed now, and one stops a key alone.
    let keys = home.ok(&["ledger", "inspect"]);
    let digest = keys.lines().find(|l| l.trim_start().starts_with("grant")).expect("a key");
    let digest = digest.split_whitespace().nth(1).expect("its digest").to_owned();
    let sunset = home.json(&proposing(&["sunset-key", "grant", &digest, "--from", "1000"]));
    assert!(sunset["holds_from"].is_null());
    let frozen = home.json(&["governance", "freeze", "grant", &digest, "--by", second]);
    assert!(frozen["frozen_from"].as_u64().is_some());
    let words = home.fails(
        4,
        &["governance", "approve", sunset["proposal"].as_str().expect("an id"), "--by", second, "--yes"],
    );
    assert!(words.contains("is frozen since block"), "{words}");
}
