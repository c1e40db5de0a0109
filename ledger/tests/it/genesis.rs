//! Genesis files.

use crate::world::*;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::OrgId;
use amanat_domain::statement::Statement;
use amanat_domain::wire::Writer;
use amanat_ledger::*;
use sha2::{Digest, Sha256};

fn refused(json: &str) -> String {
    Genesis::from_json(json.as_bytes()).expect_err("refused").to_string()
}

fn changed(change: impl FnOnce(&mut GenesisSpec)) -> Result<Genesis, GenesisError> {
    let mut spec = spec();
    change(&mut spec);
    Genesis::new(spec)
}

#[test]
fn a_written_genesis_reads_back_as_the_same_chain() {
    let genesis = genesis();
    let again = Genesis::from_json(&genesis.to_json()).expect("own file");
    assert_eq!(again.chain_id(), genesis.chain_id());
    assert_eq!(again.spec(), genesis.spec());
}

#[test]
fn a_minimal_file_takes_the_defaults() {
    let key = hex::encode(signer(1).verifying_key().to_bytes());
    let json = format!(
        r#"{{"chain":"dev-1","profile":"production","time":1795000000,"epoch_seconds":600,"organisations":[
            {{"id":"Organization/a","name":"A","key":"{key}","capabilities":{{"govern":true,"issue_roles":"all"}}}}]}}"#
    );
    let genesis = Genesis::from_json(json.as_bytes()).expect("a good file");
    let windows = Statement::ALL.map(|statement| genesis.windows().of(statement));
    assert_eq!(windows[..6], [24, 24, 1, 1, 24, 1]);
    assert_eq!(genesis.floors().of(Registry::Subjects), 20);
    let organisation = &genesis.organisations()[&OrgId::from_reference("Organization/a")];
    assert_eq!(organisation.capabilities.roles, RoleGrant::All);
    assert!(!organisation.capabilities.enrol);
}

#[test]
fn unknown_and_missing_fields_are_refused_by_name() {
    let json = String::from_utf8(genesis().to_json()).expect("JSON");
    assert!(refused(&json.replacen("\"chain\"", "\"chian\"", 1)).contains("chian"));
    assert!(refused(&json.replacen("\"enrol\"", "\"enroll\"", 1)).contains("enroll"));
    assert!(refused(&json.replacen("\"epoch_seconds\": 3600,", "", 1)).contains("epoch_seconds"));
    assert!(refused(&json.replacen("\"dev\"", "\"test\"", 1)).contains("test"));
    assert!(refused("{}").contains("chain"));
    assert!(refused("").starts_with("genesis file"));
    let large = vec![b' '; MAX_GENESIS_BYTES + 1];
    assert!(matches!(Genesis::from_json(&large), Err(GenesisError::TooLong { .. })));
}

#[test]
fn values_out_of_bounds_are_refused() {
    type Change = fn(&mut GenesisSpec);
    let changes: [(&str, Change); 12] = [
        ("chain", |s| s.chain = "Upper".into()),
        ("chain", |s| s.chain.clear()),
        ("time", |s| s.time = i64::MAX),
        ("epoch_seconds", |s| s.epoch_seconds = 0),
        ("windows", |s| s.windows = s.windows.with(Statement::Access, 0)),
        ("limits", |s| s.limits.transactions = 0),
        ("limits", |s| s.limits.bytes = 10),
        ("organisations", |s| s.organisations.retain(|o| !o.capabilities.govern)),
        ("64 hex digits", |s| s.organisations[0].key = "ab".into()),
        ("small order", |s| s.organisations[0].key = format!("01{}", "00".repeat(31))),
        ("has this key", |s| s.organisations[1].key = s.organisations[0].key.clone()),
        ("named twice", |s| s.organisations[1].id = s.organisations[0].id.clone()),
    ];
    for (word, change) in changes {
        let error = changed(change).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn the_chain_id_covers_everything_but_the_order_of_members() {
    let id = genesis().chain_id();
    assert_eq!(changed(|s| s.organisations.reverse()).expect("good").chain_id(), id);
    type Change = fn(&mut GenesisSpec);
    let changes: [Change; 11] = [
        |s| s.chain = "test2".into(),
        |s| s.profile = Profile::Production,
        |s| s.time += 1,
        |s| s.epoch_seconds += 1,
        |s| s.windows = s.windows.with(Statement::Role, 2),
        |s| s.floors = None,
        |s| s.limits.transactions += 1,
        |s| s.organisations[0].name.push('x'),
        |s| s.organisations[0].capabilities.anchor = false,
        |s| s.organisations[0].capabilities.issue_roles = RolesSpec::default(),
        |s| s.organisations[1].key = hex::encode(signer(200).verifying_key().to_bytes()),
    ];
    for change in changes {
        assert_ne!(changed(change).expect("good").chain_id(), id);
    }
}

#[test]
fn an_epoch_is_the_time_since_the_beginning_divided_by_its_length() {
    let genesis = genesis();
    assert_eq!(genesis.epoch_of(at(-1)), None);
    assert_eq!(genesis.epoch_of(at(0)), Some(0));
    assert_eq!(genesis.epoch_of(at(3599)), Some(0));
    assert_eq!(genesis.epoch_of(at(3600)), Some(1));
}

#[test]
fn validators_belong_to_organisations_and_are_part_of_the_chain() {
    let key = |n| hex::encode(signer(n).verifying_key().to_bytes());
    let validator = |n, (id, _): (&str, u8)| ValidatorSpec { organisation: id.into(), key: key(n) };
    let with = |list: Vec<ValidatorSpec>| changed(|s| s.validators = list);
    let two = with(vec![validator(50, HOSPITAL), validator(51, BOARD)]).expect("good");
    let validators = two.validators().expect("two");
    assert_eq!((validators.set.keys().len(), validators.operators.len()), (2, 2));
    let again = Genesis::from_json(&two.to_json()).expect("own file");
    assert_eq!(again.chain_id(), two.chain_id());
    // Not the order, but who, and whose.
    let turned = with(vec![validator(51, BOARD), validator(50, HOSPITAL)]).expect("good");
    assert_eq!(turned.chain_id(), two.chain_id());
    let others = [
        with(Vec::new()),
        with(vec![validator(50, HOSPITAL)]),
        with(vec![validator(50, HOSPITAL), validator(52, BOARD)]),
        with(vec![validator(50, HOSPITAL), validator(51, HOSPITAL)]),
    ];
    for other in others {
        assert_ne!(other.expect("good").chain_id(), two.chain_id());
    }
    assert!(changed(|_| ()).expect("good").validators().is_none());

    let refused = |list| with(list).expect_err("refused").to_string();
    assert!(refused(vec![validator(50, HOSPITAL), validator(50, BOARD)]).contains("twice"));
    assert!(refused(vec![validator(50, ("Organization/nobody", 0))]).contains("not among"));
    assert!(refused(vec![validator(BOARD.1, BOARD)]).contains("a validator needs a separate key"));
    let bad = ValidatorSpec { organisation: BOARD.0.into(), key: "zz".into() };
    assert!(refused(vec![bad]).contains("64 hex digits"));
}

/// The canonical form, written here a second time with every number in its place: a genesis that
/// exists keeps its chain id.
#[test]
fn the_chain_id_is_the_hash_of_the_canonical_form_byte_by_byte() {
    let key = signer(1).verifying_key().to_bytes();
    let file = |profile: &str, more: &str| {
        format!(
            r#"{{"chain":"dev-1","profile":"{profile}","time":1795000000,"epoch_seconds":600,{more}"organisations":[
                {{"id":"Organization/a","name":"A","key":"{}","capabilities":{{"govern":true,"issue_roles":"all"}}}}]}}"#,
            hex::encode(key)
        )
    };
    let canonical = |profile: u8, windows: [u32; 6], floors: [u64; 5]| {
        let mut w = Writer::new();
        w.fixed(b"amanat/genesis/v1");
        w.bytes(b"dev-1");
        w.u8(profile);
        w.fixed(&1_795_000_000i64.to_le_bytes());
        w.u32(600);
        // Grant, revoke, consent, role, record, access.
        windows.into_iter().for_each(|window| w.u32(window));
        // Subjects, roles, consents, revocations, records.
        floors.into_iter().for_each(|floor| w.u64(floor));
        w.u32(1024);
        w.u32(2 * 1024 * 1024);
        w.u32(1);
        w.field(OrgId::from_reference("Organization/a").to_field());
        w.bytes(b"Organization/a");
        w.bytes(b"A");
        w.fixed(&key);
        // May govern; issues all roles.
        w.u8(4);
        w.u32(u32::MAX);
        <[u8; 32]>::from(Sha256::digest(w.finish()))
    };
    let chain = |json: &str| Genesis::from_json(json.as_bytes()).expect("a good file").chain_id().0;
    let production = canonical(1, [24, 24, 1, 1, 24, 1], [20, 20, 20, 0, 20]);
    assert_eq!(chain(&file("production", "")), production);
    assert_eq!(chain(&file("dev", "")), canonical(0, [24, 24, 1, 1, 24, 1], [2, 2, 2, 0, 2]));
    let set =
        r#""windows":{"role":2,"record":48},"floors":{"subjects":3,"roles":4,"consents":5,"records":6},"#;
    assert_eq!(chain(&file("dev", set)), canonical(0, [24, 24, 1, 2, 48, 1], [3, 4, 5, 0, 6]));
}
