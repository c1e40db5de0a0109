//! Snapshots of strangers: refused with nothing left behind, or the ledger that was written.

use super::input::Input;
use super::world::world;
use amanat_domain::governance::{Capabilities, Change};
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::quorum::{Certificate, ValidatorKey};
use amanat_domain::record::RecordRoot;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Action, KeyVector, Transaction};
use amanat_ledger::{Chain, Genesis, GenesisSpec, Header, RestoreOptions, Storage};
use amanat_testkit::ledger::{self, EPOCH, HOSPITAL, at, epoch, f, handle, issue, public, sign};
use amanat_testkit::snapshot::{HEAD, ROWS, chunks, forge};
use std::path::Path;
use std::sync::{Arc, OnceLock};

const CLINIC: (&str, u8) = ("Organization/clinic", 4);

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

/// The hospital alone, governing.
fn genesis(validated: bool) -> Genesis {
    let mut spec = ledger::validated_spec(u8::from(validated));
    spec.organisations.truncate(1);
    spec.organisations[0].capabilities.govern = true;
    Genesis::new(GenesisSpec { floors: None, ..spec }).expect("a valid genesis")
}

fn validator(n: u8) -> ValidatorKey {
    ledger::validator_key(&ledger::validator(n))
}

/// The signatures of the block's validators.
fn certify(chain: &Chain, header: &Header) -> Option<Certificate> {
    let state = chain.state();
    let set = &state.validators()?.at(header.height).set;
    let signers: Vec<u8> = (0..2).filter(|n| set.contains(&validator(*n))).collect();
    Some(ledger::certify(header, 0, &signers))
}

impl Ledger {
    fn new(validated: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let genesis = Arc::new(genesis(validated));
        let medium = Storage::File(folder.path().join("ledger"));
        let chain = Chain::create(medium, genesis.clone()).expect("a ledger");
        for (time, txs) in blocks(&genesis, validated) {
            for tx in txs {
                chain.admit(&tx.to_bytes(), time).unwrap_or_else(|e| panic!("{e}"));
            }
            let delta = chain.prepare_proposal(time).expect("no fault");
            let certificate = certify(&chain, &delta.block().header);
            chain.commit(delta, certificate.as_ref()).expect("a block");
        }
        let mut snapshot = Vec::new();
        chain.write_snapshot(&mut snapshot, |_| None, &mut |_, _| ()).expect("written");
        let chunks = chunks(&snapshot);
        assert_eq!(forge(&chunks), snapshot);
        Self { genesis, snapshot, chunks }
    }
}

/// What the blocks do, and when.
fn blocks(genesis: &Genesis, validated: bool) -> Vec<(Timestamp, Vec<Transaction>)> {
    let (vk, (inputs, proof)) = (&world().vk, &world().honest[0]);
    let positive = KeyVector { public: *inputs, proof: (*proof).into() };
    let mut negative = positive.clone();
    negative.public[3] += f(1);
    let (positive, negative) = (Box::new(positive), Box::new(negative));
    let signed = |nonce, action| sign(genesis, HOSPITAL, nonce, action);
    let propose = |nonce, change| signed(nonce, Action::Propose(Box::new(change)));
    let mut changes = vec![propose(
        0,
        Change::AddOrganisation {
            reference: CLINIC.0.into(),
            name: "Clinic".into(),
            key: public(CLINIC.1),
            capabilities: Capabilities { enrol: true, ..Capabilities::none() },
        },
    )];
    if validated {
        let (organisation, key) = (ledger::org(HOSPITAL), validator(1));
        changes.push(propose(1, Change::AddValidator { organisation, key }));
    }
    vec![
        (
            at(1),
            vec![
                signed(0, Action::Enrol((1..=5).map(|n| SubjectCommitment::new(f(n))).collect())),
                issue(genesis, 1),
                issue(genesis, 2),
                signed(
                    3,
                    Action::Anchor {
                        records: vec![RecordRoot::new(f(9)), RecordRoot::new(f(10))],
                        superseded: vec![handle(0)],
                    },
                ),
                signed(4, Action::InstallKey { key: vk.to_bytes(), activate_at: 0, positive, negative }),
            ],
        ),
        (at(2), changes),
        (epoch(1), vec![signed(0, Action::RetireRole { index: 1 })]),
        (
            at(i64::from(EPOCH) + 1),
            vec![issue(genesis, 3), propose(0, Change::RemoveOrganisation(ledger::org(CLINIC)))],
        ),
        (epoch(2), Vec::new()),
    ]
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
    forge(&chunks)
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
