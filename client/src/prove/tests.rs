//! Each audience makes its request, and checks by it what a client of this library sends.

use super::*;
use crate::consent::permits;
use crate::devnet::{DevNet, write_data};
use crate::holder::Holder;
use crate::home::Home;
use crate::import::ImportRequest;
use crate::keys::store;
use crate::ledger::LedgerAccess as _;
use crate::role::{NURSE, PHYSICIAN, Role};
use crate::vault::{Supersession, VaultRecord};
use crate::verify::verify_transaction_insecure_dev;
use amanat_domain::field::Fr;
use amanat_domain::policy::{AccessPolicy, ConsentRequest, RecordRequest, RolePolicy};
use amanat_domain::preset::TREATMENT;
use amanat_domain::record::Leaf;
use amanat_domain::secret::Secret;
use amanat_domain::time::Period;
use amanat_domain::tx::ProofTx;
use amanat_verifier::Verified;
use amanat_verifier::audience::{Asked, AudienceReject, CommittedTx, LedgerEvidence};
use rand::Rng as _;
use std::path::Path;

const CLINICIAN: &str = "Practitioner/dr-saima";

/// Patients with records, consents that permit the clinician treatment, and the first of these.
fn network(dir: &Path) -> (DevNet, u32) {
    let data = [dir.join("fhir")];
    write_data(&data[0], 1, 12).expect("written");
    let home = Home::open(Some(&dir.join("home"))).expect("a home");
    let mut net = DevNet::start(home).expect("a network");
    net.client.import(ImportRequest::of(&data).expect("files")).expect("imported");
    net.ledger.next_epoch().expect("sealed");
    let holders = net.client.holders().expect("holders");
    let found = permits(&data, &holders, net.client.now()).expect("consents");
    let mut granted = Vec::new();
    for permits in found.iter().filter(|p| p.clinicians.iter().any(|name| name == CLINICIAN)) {
        let entry = Some(permits.place.clone());
        let request = crate::GrantRequest { entry, ..crate::GrantRequest::of(&permits.file) };
        granted.push(net.client.grant(&request).expect("granted").number);
    }
    net.ledger.next_epoch().expect("sealed");
    (net, *granted.first().expect("a consent that permits treatment"))
}

/// What an audience keeps of its request, and what it tells the prover about itself.
fn asks<P>(net: &DevNet, name: &str, policy: P) -> (Asked<P>, AudienceRequest) {
    let mut nonce = [0; 32];
    rand::rng().fill_bytes(&mut nonce);
    let newest = net.ledger.access().bundle(None).expect("answers").expect("a bundle");
    let audience = Audience::from_name(name).to_bytes();
    let asked =
        Asked { chain: net.client.chain(), audience, nonce, oldest_epoch: newest.bundle.epoch, policy };
    (asked, AudienceRequest { name: name.to_owned(), nonce: Some(nonce) })
}

/// The same question about something else.
fn instead<P: Clone>(asked: &Asked<P>, policy: P) -> Asked<P> {
    Asked { policy, ..asked.clone() }
}

/// The proof, which verifies.
fn valid(net: &DevNet, receipt: &Receipt) -> Verified<ProofTx> {
    let store = store(net.client.home()).expect("a store");
    verify_transaction_insecure_dev(&store, &receipt.transaction.to_bytes()).expect("valid").tx
}

/// What the audience reads on the ledger itself.
fn committed(net: &DevNet, tx: &Verified<ProofTx>) -> CommittedTx {
    let ledger = net.ledger.access();
    let inclusion = ledger.receipt(&tx.get().id()).expect("answers").expect("committed");
    let headers = ledger.headers(inclusion.header.height).expect("answers");
    CommittedTx::in_block(net.client.chain(), &inclusion, headers[0].hash()).expect("in its block")
}

fn sealed(net: &DevNet, tx: &Verified<ProofTx>) -> LedgerEvidence {
    let epoch = tx.get().epoch;
    let bundle = net.ledger.access().bundle(Some(epoch)).expect("answers").expect("a bundle");
    amanat_verifier::audience::SealedBundle::believed(net.client.chain(), epoch, bundle.hash).into()
}

fn roles(net: &DevNet, role: &Role) -> RolePolicy {
    let organisations = net.client.organisations().expect("organisations");
    let hospitals = organisations[..2].iter().map(|o| o.id()).collect();
    RolePolicy::new(vec![role.code()], hospitals).expect("a policy")
}

/// An ordinary record of the patient of a consent.
fn record(net: &DevNet, consent: u32) -> VaultRecord {
    let consents = net.client.consents().expect("consents");
    let patient = &consents.iter().find(|c| c.number == consent).expect("the consent").patient;
    let mut found = None;
    let vault = net.client.vault().expect("a vault");
    vault
        .each_record(|record| {
            let latest = record.supersession == Supersession::Latest;
            if record.patient == *patient && latest && record.record.labels().is_ordinary() {
                found = Some(record);
            }
            found.is_none()
        })
        .expect("reads");
    found.expect("an ordinary record")
}

#[test]
fn each_audience_believes_the_answer_to_its_own_request_and_to_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut net, consent) = network(dir.path());
    a_resource_server_asks_for_a_consent(&mut net, consent);
    a_pharmacy_asks_for_a_role(&mut net);
    an_insurer_asks_for_a_record(&mut net, consent);
    a_custodian_asks_for_an_access(&mut net, consent);
    a_proof_that_cannot_be_kept_uses_nothing_up(&mut net, consent);
    a_use_that_cannot_be_written_loses_no_receipt(&mut net, consent);
}

fn a_resource_server_asks_for_a_consent(net: &mut DevNet, consent: u32) {
    let holders = net.client.holders().expect("holders");
    let recipient = Holder::find(holders, CLINICIAN).expect("the clinician").recipient();
    let request =
        ConsentRequest { scope: TREATMENT, data_period: Period::ALWAYS, recipient, salt: Fr::from(7u64) };
    let (asked, audience) = asks(net, "resource server", request.clone());
    let proof = ConsentProofRequest { consent, asked: request.clone(), audience };
    let receipt = net.client.prove_consent(&proof).expect("committed");
    let (tx, other) = (valid(net, &receipt), ConsentRequest { salt: Fr::from(8u64), ..request });
    let committed = committed(net, &tx);
    assert_eq!(tx.consent(&asked, &committed).map(drop), Ok(()));
    let refused = tx.consent(&instead(&asked, other), &committed).map(drop);
    assert_eq!(refused, Err(AudienceReject::Policy));
}

fn a_pharmacy_asks_for_a_role(net: &mut DevNet) {
    let (physicians, nurses) = (roles(net, &PHYSICIAN), roles(net, &NURSE));
    let (asked, audience) = asks(net, "pharmacy", physicians.clone());
    let proof = RoleProofRequest { holder: CLINICIAN.to_owned(), policy: Some(physicians), audience };
    let receipt = net.client.prove_role(&proof).expect("committed");
    let tx = valid(net, &receipt);
    let sealed = sealed(net, &tx);
    assert_eq!(tx.role(&asked, &sealed).map(drop), Ok(()));
    assert_eq!(tx.role(&instead(&asked, nurses), &sealed).map(drop), Err(AudienceReject::Policy));
}

fn an_insurer_asks_for_a_record(net: &mut DevNet, consent: u32) {
    let record = record(net, consent);
    let newest = net.ledger.access().bundle(None).expect("answers").expect("a bundle");
    let request = RecordRequest {
        resource_type: None,
        code: Some(record.record.open(Leaf::Code).values[0]),
        unit: None,
        status: None,
        value: None,
        period: Period::ALWAYS,
        custodian: None,
        anchored_by: newest.bundle.epoch,
        latest: true,
        disclosed: 1 << Leaf::Status as u16,
        salt: Fr::from(7u64),
    };
    let another = RecordRequest { code: Some(Fr::from(1u64)), ..request.clone() };
    let (asked, audience) = asks(net, "insurer", request.clone());
    let proof = RecordProofRequest { record: RecordChoice::Number(record.number), asked: request, audience };
    let receipt = net.client.prove_record(&proof).expect("committed");
    let (tx, openings) = (valid(net, &receipt), receipt.openings.as_ref().expect("openings"));
    let sealed = sealed(net, &tx);
    let read = tx.disclosure(&asked, &sealed, openings).map(|disclosed| disclosed.get().value(Leaf::Status));
    assert_eq!(read, Ok(Some(record.record.open(Leaf::Status).values)));

    // A proof about the record's own code is no answer to an insurer that asks about another, and
    // the record answers no such request.
    let refused = tx.disclosure(&instead(&asked, another.clone()), &sealed, openings).map(drop);
    assert_eq!(refused, Err(AudienceReject::Policy));
    let dishonest = RecordProofRequest { asked: another, ..proof };
    let denied = net.client.prove_record(&dishonest).expect_err("the record has another code");
    assert!(denied.denied().is_some(), "{denied}");
}

/// An access to the record that a custodian serves, and what the custodian asks.
fn access_request(net: &DevNet, consent: u32) -> (AccessRequest, Asked<AccessPolicy>, VaultRecord) {
    let (record, roles) = (record(net, consent), roles(net, &PHYSICIAN));
    let (asked, audience) =
        asks(net, "record server", AccessPolicy { scope: TREATMENT, roles: roles.clone() });
    let request = AccessRequest {
        record: Some(record.number),
        policy: Some(roles),
        audience,
        ..AccessRequest::new(CLINICIAN, consent)
    };
    (request, asked, record)
}

fn a_custodian_asks_for_an_access(net: &mut DevNet, consent: u32) {
    let (request, asked, record) = access_request(net, consent);
    let receipt = net.client.access(&request).expect("committed");
    let tx = valid(net, &receipt);
    let committed = committed(net, &tx);
    let judge = |key: Fr| tx.access(&asked, &committed, &Secret::new(key)).map(drop);
    let [key, _] = record.record.open(Leaf::Storage).values;
    assert_eq!(judge(key), Ok(()));
    assert_eq!(judge(key + Fr::from(1u64)), Err(AudienceReject::Token));
    let nurses = AccessPolicy { scope: TREATMENT, roles: roles(net, &NURSE) };
    let refused = tx.access(&instead(&asked, nurses), &committed, &Secret::new(key)).map(drop);
    assert_eq!(refused, Err(AudienceReject::Policy));
}

/// Uses of a consent, counted or reserved.
fn uses(client: &Client, consent: u32) -> u64 {
    let all = client.consents().expect("consents");
    all.iter().find(|c| c.number == consent).expect("the consent").uses()
}

fn a_proof_that_cannot_be_kept_uses_nothing_up(net: &mut DevNet, consent: u32) {
    let before = uses(&net.client, consent);
    let request = ProofRequest::Access(access_request(net, consent).0);
    let failed = net.client.prove_and_submit_after(&request, |client, _| {
        assert_eq!(uses(client, consent), before + 1, "reserved while the proof is kept");
        Err(ProofError::NoRecord)
    });
    assert!(matches!(failed, Err(ProofError::NoRecord)), "what the caller said");
    assert_eq!(uses(&net.client, consent), before, "released");
}

fn a_use_that_cannot_be_written_loses_no_receipt(net: &mut DevNet, consent: u32) {
    let before = uses(&net.client, consent);
    let request = ProofRequest::Access(access_request(net, consent).0);
    let file = net.client.home().path("consents.json");
    let mut kept = Vec::new();
    let done = net.client.prove_and_submit_after(&request, |_, _| {
        kept = std::fs::read(&file).expect("consents");
        std::fs::write(&file, "damaged").expect("written");
        Ok::<(), ProofError>(())
    });
    let Err(ProofError::Uncounted { receipt, .. }) = done else { panic!("the file cannot be read") };
    let there = net.ledger.access().receipt(&receipt.txid()).expect("answers");
    assert_eq!(there.expect("committed").receipt, receipt.receipt);
    std::fs::write(&file, kept).expect("mended");
    assert_eq!(uses(&net.client, consent), before + 1, "reserved still");
    net.client.access(&access_request(net, consent).0).expect("the use before is settled first");
    assert_eq!(uses(&net.client, consent), before + 2);
}

#[test]
fn a_use_is_free_only_after_a_refusal_that_is_not_about_its_nullifier() {
    use amanat_api::problem::{Kind, Problem};
    let refused =
        |kind, code| AccessError::Refused(Problem::new(kind, 409, code, "the test says so", "nothing to do"));
    assert!(is_unused(&refused(Kind::Reject, "proof_invalid")));
    // The same bytes may pass later, and nobody submits them.
    assert!(is_unused(&refused(Kind::Conflict, "key_not_active")));
    assert!(is_unused(&refused(Kind::Conflict, "aged_bundle")));
    let reserved = [
        // The queue of the node has the transaction yet.
        refused(Kind::Request, "timeout"),
        refused(Kind::Fault, "internal"),
        refused(Kind::Busy, "pool_full"),
        refused(Kind::Conflict, "pending"),
        // The entry says whether it is.
        refused(Kind::Conflict, "nullifier_spent"),
        AccessError::TimedOut { node: "http://localhost:1".to_owned() },
    ];
    for error in reserved {
        assert!(!is_unused(&error), "{error}");
    }
}
