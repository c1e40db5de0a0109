//! More members than a page holds.

use crate::support::{HOSPITAL, VISITOR, World, enrol, genesis, key};
use amanat_client::ledger::LedgerAccess;
use amanat_domain::consent::OrgId;
use amanat_domain::governance::Change;
use amanat_domain::tx::Action;
use amanat_ledger::{CapabilitiesSpec, Genesis, OrganisationSpec, Solo};
use amanat_node::server::NodeConfig;
use serde_json::{Value, json};
use std::sync::Arc;

/// Organisations of [`crowded`].
pub(crate) const MEMBERS: usize = 300;

/// A ledger with many members, two of which govern.
pub(crate) fn crowded() -> World {
    let mut spec = genesis("crowded").spec().clone();
    for n in spec.organisations.len()..MEMBERS {
        let (id, mut seed) = (format!("Organization/{n}"), [201; 32]);
        seed[..8].copy_from_slice(&(n as u64).to_le_bytes());
        let key = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        let capabilities = CapabilitiesSpec::default();
        spec.organisations.push(OrganisationSpec {
            name: id.clone(),
            id,
            key: hex::encode(key),
            capabilities,
        });
    }
    spec.organisations[1].capabilities.govern = true;
    assert_eq!((&*spec.organisations[0].id, &*spec.organisations[1].id), (HOSPITAL, VISITOR));
    assert_eq!(spec.organisations[0].key, hex::encode(key(HOSPITAL).verifying_key().to_bytes()));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let genesis = Arc::new(Genesis::new(spec).expect("a valid genesis"));
    let solo = Solo::open_or_create(&folder.path().join("ledger.redb"), genesis).expect("a ledger");
    let mut world = World::over(solo, NodeConfig::default());
    world.folder = Some(folder);
    world
}

fn organisations(page: &Value) -> Vec<Value> {
    page["organisations"].as_array().expect("a list").iter().map(|o| o["id"].clone()).collect()
}

#[test]
fn the_pages_of_members_together_are_all_of_them_once() {
    let world = crowded();
    world.commit(Action::Propose(Box::new(Change::RemoveOrganisation(OrgId::from_reference(VISITOR)))));
    let mut expected: Vec<OrgId> = world.solo.state().members().keys().copied().collect();
    expected.sort_unstable();
    let expected: Vec<Value> = expected.iter().map(|id| json!(id.to_string())).collect();
    assert_eq!(expected.len(), MEMBERS);

    let first = world.get("/v1/governance").json;
    assert_eq!(organisations(&first), expected[..256]);
    assert_eq!((&first["next"], first["proposals"].as_array().map(Vec::len)), (&expected[255], Some(1)));
    let after = |id: &Value, limit: &str| {
        world.get(&format!("/v1/governance?after={}{limit}", id.as_str().expect("an id"))).json
    };
    let second = after(&expected[255], "");
    assert_eq!((organisations(&second), &second["next"]), (expected[256..].to_vec(), &Value::Null));
    assert_eq!((&second["proposals"], &second["quorum"]), (&json!([]), &first["quorum"]));
    let one = after(&expected[9], "&limit=1");
    assert_eq!((organisations(&one), &one["next"]), (vec![expected[10].clone()], &expected[10]));
    let all = world.get("/v1/governance?limit=1024").json;
    assert_eq!((organisations(&all), &all["next"]), (expected.clone(), &Value::Null));
    let last = after(&expected[MEMBERS - 1], "&limit=1");
    assert_eq!((organisations(&last).len(), &last["next"]), (0, &Value::Null));
    // An id of nobody's has a place among them, too.
    assert_eq!(organisations(&after(&json!("0".repeat(64)), "&limit=1")), expected[..1]);

    let whole = world.http().governance().expect("all pages");
    assert_eq!(whole, world.embedded().governance().expect("all"));
    assert_eq!((whole.organisations.len(), whole.proposals.len(), whole.next), (MEMBERS, 1, None));
    world.commit(enrol([1]));
    assert_eq!(world.http().governance().expect("all pages").height, 2);
}
