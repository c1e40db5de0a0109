//! Snapshots of strangers: refused with nothing left behind, or the ledger that was written.

use super::input::Input;
use super::world::world;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::field::Fr;
use amanat_domain::governance::{Capabilities, Change};
use amanat_domain::identity::{RoleInner, SubjectCommitment};
use amanat_domain::quorum::{Certificate, ValidatorKey, VoteKind, vote_bytes};
use amanat_domain::record::{RecordRoot, SupersessionHandle};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Action, KeyVector, SignedTx, Transaction};
use amanat_ledger::{
    AllRoles, CapabilitiesSpec, Chain, Genesis, GenesisSpec, Header, Limits, OrganisationSpec, Profile,
    RestoreOptions, RolesSpec, Storage, ValidatorSpec, Windows,
};
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, OnceLock};

const HOSPITAL: &str = "Organization/hospital";
const CLINIC: &str = "Organization/clinic";
const START: i64 = 1_767_225_600;
const EPOCH: i64 = 60;

/// Kinds of chunks.
const HEAD: u8 = 1;
const ROWS: u8 = 3;
const END: u8 = 4;

/// A ledger's genesis, and a snapshot of it: whole, and in chunks of a kind and a payload.
struct Ledger {
    genesis: Arc<Genesis>,
    snapshot: Vec<u8>,
    chunks: Vec<(u8, Vec<u8>)>,
}

/// A ledger that an operator keeps alone, and a ledger whose validators have changed.
fn ledgers() -> &'static [Ledger; 2] {
    static LEDGERS: OnceLock<[Ledger; 2]> = OnceLock::new();
    LEDGERS.get_or_init(|| [false, true].map(Ledger::new))
}

fn signer(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn public(n: u8) -> [u8; 32] {
    signer(n).verifying_key().to_bytes()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds).expect("a time")
}

fn genesis(validated: bool) -> Genesis {
    let capabilities = CapabilitiesSpec {
        enrol: true,
        anchor: true,
        govern: true,
        issue_roles: RolesSpec::All(AllRoles::All),
    };
    let key = hex(&public(1));
    let hospital = OrganisationSpec { id: HOSPITAL.into(), name: HOSPITAL.into(), key, capabilities };
    let validator = ValidatorSpec { organisation: HOSPITAL.into(), key: hex(&public(2)) };
    Genesis::new(GenesisSpec {
        chain: "fuzz".into(),
        profile: Profile::Dev,
        time: START,
        epoch_seconds: EPOCH as u32,
        windows: Windows::default(),
        floors: None,
        limits: Limits::default(),
        organisations: vec![hospital],
        validators: if validated { vec![validator] } else { Vec::new() },
    })
    .expect("a valid genesis")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The signatures of the block's validators.
fn certify(chain: &Chain, header: &Header) -> Option<Certificate> {
    let state = chain.state();
    let set = &state.validators()?.at(header.height).set;
    let block = header.hash().0;
    let vote = vote_bytes(header.chain, VoteKind::Precommit, header.height, 0, Some(block));
    let mut signatures: Vec<_> = [2, 3]
        .map(|n| (ValidatorKey(public(n)), signer(n).sign(&vote).to_bytes()))
        .into_iter()
        .filter(|(key, _)| set.contains(key))
        .collect();
    signatures.sort_unstable_by_key(|(key, _)| *key);
    Some(Certificate { height: header.height, round: 0, block, signatures })
}

impl Ledger {
    fn new(validated: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let genesis = Arc::new(genesis(validated));
        let medium = Storage::File(folder.path().join("ledger"));
        let chain = Chain::create(medium, genesis.clone()).expect("a ledger");
        for (time, actions) in actions(validated) {
            for (action, n) in actions.into_iter().zip(0..) {
                let (organisation, chain_id) = (OrgId::from_reference(HOSPITAL), genesis.chain_id());
                let mut tx =
                    SignedTx { chain: chain_id, organisation, nonce: [n; 16], action, signature: [0; 64] };
                tx.signature = signer(1).sign(&tx.signing_bytes()).to_bytes();
                let tx = Transaction::Signed(Box::new(tx)).to_bytes();
                chain.admit(&tx, time).unwrap_or_else(|e| panic!("{e}"));
            }
            let delta = chain.prepare_proposal(time).expect("no fault");
            let certificate = certify(&chain, &delta.block().header);
            chain.commit(delta, certificate.as_ref()).expect("a block");
        }
        let mut snapshot = Vec::new();
        chain.write_snapshot(&mut snapshot, |_| None, &mut |_, _| ()).expect("written");
        let chunks = chunks(&snapshot);
        assert_eq!(forged(&chunks), snapshot);
        Self { genesis, snapshot, chunks }
    }
}

/// What the blocks do, and when.
fn actions(validated: bool) -> Vec<(Timestamp, Vec<Action>)> {
    let role = RoleCode::from_coding("urn:roles", "nurse");
    let issue = |n: u64| Action::IssueRole { role, inner: RoleInner::new(Fr::from(n)) };
    let mut handles = (0u64..).map(|n| SupersessionHandle::new(Fr::from(n)));
    let handle = handles.find(|h| h.revocation_id().is_some()).expect("one in six");
    let (vk, (inputs, proof)) = (&world().vk, &world().honest[0]);
    let positive = KeyVector { public: *inputs, proof: (*proof).into() };
    let mut negative = positive.clone();
    negative.public[3] += Fr::from(1u64);
    let propose = |change| Action::Propose(Box::new(change));
    let mut changes = vec![propose(Change::AddOrganisation {
        reference: CLINIC.into(),
        name: "Clinic".into(),
        key: public(4),
        capabilities: Capabilities { enrol: true, ..Capabilities::none() },
    })];
    if validated {
        let (organisation, key) = (OrgId::from_reference(HOSPITAL), ValidatorKey(public(3)));
        changes.push(propose(Change::AddValidator { organisation, key }));
    }
    let (positive, negative) = (Box::new(positive), Box::new(negative));
    vec![
        (
            at(1),
            vec![
                Action::Enrol((1..=5u64).map(|n| SubjectCommitment::new(Fr::from(n))).collect()),
                issue(1),
                issue(2),
                Action::Anchor {
                    records: vec![RecordRoot::new(Fr::from(9u64)), RecordRoot::new(Fr::from(10u64))],
                    superseded: vec![handle],
                },
                Action::InstallKey { key: vk.to_bytes(), activate_at: 0, positive, negative },
            ],
        ),
        (at(2), changes),
        (at(EPOCH), vec![Action::RetireRole { index: 1 }]),
        (at(EPOCH + 1), vec![issue(3), propose(Change::RemoveOrganisation(OrgId::from_reference(CLINIC)))]),
        (at(2 * EPOCH), Vec::new()),
    ]
}

/// Kinds and payloads of a snapshot that is whole.
fn chunks(snapshot: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let (mut rest, mut all) = (&snapshot[19..], Vec::new());
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[1..5].try_into().expect("four")) as usize;
        all.push((rest[0], rest[5..5 + length].to_vec()));
        rest = &rest[5 + length + 32..];
    }
    all
}

/// A snapshot of these chunks whose hashes and digest hold: anyone who knows the format can make
/// it.
fn forged(chunks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"amanat/snapshot\x01\0\0\0".to_vec();
    for (index, (kind, payload)) in (0u64..).zip(chunks) {
        let mut payload = payload.clone();
        if *kind == END && payload.len() >= 32 {
            payload[..32].copy_from_slice(&Sha256::digest(&bytes));
        }
        bytes.push(*kind);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(&payload);
        let hash = Sha256::new()
            .chain_update(b"amanat/snapshot-chunk/v1")
            .chain_update(index.to_le_bytes())
            .chain_update([*kind])
            .chain_update((payload.len() as u64).to_le_bytes())
            .chain_update(&payload);
        bytes.extend(hash.finalize());
    }
    bytes
}

/// The ledger's chunks, one or more of them changed, dropped, doubled or moved; the head announces
/// as many rows as there are.
fn changed(ledger: &Ledger, mut input: Input<'_>) -> Vec<u8> {
    let mut chunks = ledger.chunks.clone();
    for _ in 0..1 + input.byte() % 4 {
        let at = input.below(chunks.len());
        match input.byte() % 16 {
            0 if chunks.len() > 1 => drop(chunks.remove(at)),
            1 => chunks.insert(at, chunks[at].clone()),
            2 => {
                let other = input.below(chunks.len());
                chunks.swap(at, other);
            }
            3 => chunks[at].0 = input.byte() % 6,
            _ => edit(&mut chunks[at].1, &mut input),
        }
    }
    let counted = |(kind, payload): &(u8, Vec<u8>)| {
        let count = payload.get(1..5).filter(|_| *kind == ROWS)?;
        Some(u64::from(u32::from_le_bytes(count.try_into().expect("four"))))
    };
    let rows: u64 = chunks.iter().filter_map(counted).sum();
    for (_, head) in chunks.iter_mut().filter(|(kind, payload)| *kind == HEAD && payload.len() >= 8) {
        let end = head.len() - 8;
        head[end..].copy_from_slice(&rows.to_le_bytes());
    }
    forged(&chunks)
}

fn edit(payload: &mut Vec<u8>, input: &mut Input<'_>) {
    let at = input.below(payload.len() + 1);
    match input.byte() % 8 {
        0 => payload.truncate(at),
        1 => payload.insert(at, input.byte()),
        2 => drop((at < payload.len()).then(|| payload.remove(at))),
        3 => payload[at..].iter_mut().take(8).for_each(|b| *b = 0xff),
        4 => payload[at..].iter_mut().take(8).zip(input.array::<8>()).for_each(|(f, b)| *f = b),
        // Table and number of rows.
        5 => payload.iter_mut().take(1).for_each(|b| *b = input.byte() % 17),
        6 => payload.iter_mut().skip(1).take(1).for_each(|b| *b = input.byte()),
        _ => payload[at..].iter_mut().take(1).for_each(|b| *b ^= 1 << (input.byte() % 8)),
    }
}

/// A snapshot, edited anywhere or in chunks whose hashes hold: an error and no file, or the ledger
/// it was written from.
pub fn snapshot(data: &[u8]) {
    let mut input = Input::new(data);
    let ledger = &ledgers()[usize::from(input.flag())];
    let bytes = if input.flag() { input.file(&ledger.snapshot) } else { changed(ledger, input) };
    let folder = tempfile::tempdir().expect("a folder");
    restored(ledger, &bytes, &folder.path().join("ledger"));
}

fn restored(ledger: &Ledger, bytes: &[u8], path: &Path) {
    let outcome =
        Chain::restore(path, &ledger.genesis, &mut &*bytes, &RestoreOptions::default(), &mut |_, _| ());
    let Ok(info) = outcome else {
        let folder = path.parent().expect("it has one");
        assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0, "nothing is left behind");
        return;
    };
    assert_eq!(info.bytes, bytes.len() as u64);
    let chain = Chain::open(Storage::File(path.to_path_buf())).expect("what was restored opens");
    let tip = chain.status().tip;
    assert_eq!((tip.height, tip.hash(), tip.app_hash), (info.height, info.block, info.app_hash));
    assert_eq!(chain.history_from(), tip.height + 1);
    let mut again = Vec::new();
    let written = chain.write_snapshot(&mut again, |_| None, &mut |_, _| ()).expect("written");
    assert_eq!((written.app_hash, written.rows), (info.app_hash, info.rows));
    // Chunks may be cut elsewhere and the end be signed, but what validators signed is one state.
    if ledger.genesis.validators().is_some() {
        assert_eq!(again, ledger.snapshot);
    }
}
