//! From the file to the state, distrusting the file.

use super::tables::*;
use super::{READING, corrupt, fault, governance};
use crate::error::Fault;
use crate::genesis::Genesis;
use crate::state::{SealedBundle, State};
use amanat_domain::block::{BlockHash, Header};
use amanat_domain::bundle::{PerRegistry, Registry, RegistryKind};
use amanat_domain::entry::{Content, Entry};
use amanat_domain::field::{Fr, to_bytes};
use amanat_domain::map::{Key, MerkleMap, Value};
use amanat_domain::quorum::Certificate;
use amanat_domain::statement::Statement;
use amanat_domain::tree::{IndexedTree, Node, RegistryTree, Tree};
use amanat_domain::tx::{KeyDigest, TxId};
use rayon::prelude::*;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Paths recomputed per tree at opening: enough to notice a damaged region, cheap on a large
/// registry.
const SAMPLES: u64 = 64;

pub(super) fn state(db: &Database) -> Result<State, Fault> {
    let tx = db.begin_read().map_err(fault(READING))?;
    let genesis = genesis(&tx)?;
    let mut state = State::genesis(Arc::new(genesis));
    let (tip, hashes) = headers(&tx, &state)?;
    bodies(&tx, tip.height)?;
    state.tip = tip;
    state.registries = PerRegistry::try_from_fn(|registry| match registry.kind() {
        RegistryKind::Dense => tree(&tx, registry).map(RegistryTree::Dense),
        RegistryKind::Indexed => indexed(&tx, registry).map(RegistryTree::Indexed),
    })?;
    credentials(&tx, &mut state)?;
    state.enrolled = state.tree(Registry::Subjects).leaves().iter().map(to_bytes).collect();
    bundles(&tx, &mut state)?;
    governance::read(&tx, &mut state)?;
    certificates(&tx, &state, &hashes)?;
    maps(&tx, &mut state)?;
    check(&state)?;
    Ok(state)
}

fn genesis(tx: &ReadTransaction) -> Result<Genesis, Fault> {
    let meta = tx.open_table(META).map_err(fault(READING))?;
    let format = meta.get(META_FORMAT).map_err(fault(READING))?;
    let format = format.and_then(|v| <[u8; 4]>::try_from(v.value()).ok()).map(u32::from_le_bytes);
    match format {
        None => return Err(corrupt("the format number is missing")),
        Some(got) if got > FORMAT => return Err(Fault::NewerFormat { known: FORMAT, got }),
        Some(got) if got < FORMAT => return Err(Fault::OlderFormat { known: FORMAT, got }),
        Some(_) => {}
    }
    let json = meta.get(META_GENESIS).map_err(fault(READING))?;
    let json = json.ok_or_else(|| corrupt("the genesis is missing"))?;
    Genesis::from_json(json.value()).map_err(corrupt)
}

/// Every header names the one before it, from the genesis to the tip. Gives the tip and all hashes.
fn headers(tx: &ReadTransaction, genesis: &State) -> Result<(Header, Vec<BlockHash>), Fault> {
    let table = tx.open_table(HEADERS).map_err(fault(READING))?;
    let mut last: Option<(Header, BlockHash)> = None;
    let mut hashes = Vec::new();
    for entry in table.iter().map_err(fault(READING))? {
        let (height, bytes) = entry.map_err(fault(READING))?;
        let header = Header::from_bytes(bytes.value()).map_err(corrupt)?;
        let fits = match &last {
            None => header == *genesis.tip(),
            Some((before, hash)) => {
                header.height == before.height + 1
                    && header.parent == *hash
                    && header.chain == before.chain
                    && header.time >= before.time
            }
        };
        if !fits || height.value() != header.height {
            return Err(corrupt(format!("header {} does not follow the one before it", height.value())));
        }
        let hash = header.hash();
        hashes.push(hash);
        last = Some((header, hash));
    }
    last.map(|(header, _)| (header, hashes)).ok_or_else(|| corrupt("there are no headers"))
}

/// Height of the first block whose transactions are in the file.
pub(super) fn history_from(tx: &ReadTransaction) -> Result<u64, Fault> {
    let meta = tx.open_table(META).map_err(fault(READING))?;
    let Some(from) = meta.get(META_HISTORY).map_err(fault(READING))? else { return Ok(0) };
    let from = <[u8; 8]>::try_from(from.value()).map_err(|_| corrupt("where history begins is no height"))?;
    Ok(u64::from_le_bytes(from))
}

/// From where history begins to the tip every block has a body, and no other has; what is in them
/// is looked at when one asks.
fn bodies(tx: &ReadTransaction, tip: u64) -> Result<(), Fault> {
    let from = history_from(tx)?;
    let table = tx.open_table(BLOCKS).map_err(fault(READING))?;
    let (first, last) = (table.first().map_err(fault(READING))?, table.last().map_err(fault(READING))?);
    let ends = first.zip(last).map(|((first, _), (last, _))| (first.value(), last.value()));
    let (expected, got) = ((tip + 1).checked_sub(from), table.len().map_err(fault(READING))?);
    let fits = match ends {
        None => expected == Some(0),
        Some(ends) => ends == (from, tip) && expected == Some(got),
    };
    if fits {
        Ok(())
    } else {
        Err(corrupt(format!("the bodies of blocks {from} to {tip} are not all there")))
    }
}

/// If there are validators, a quorum of its height's validators signed every block after the
/// genesis; otherwise blocks are not signed.
fn certificates(tx: &ReadTransaction, state: &State, hashes: &[BlockHash]) -> Result<(), Fault> {
    let table = tx.open_table(CERTIFICATES).map_err(fault(READING))?;
    let mut stored = Vec::new();
    for entry in table.iter().map_err(fault(READING))? {
        let (height, bytes) = entry.map_err(fault(READING))?;
        stored.push((height.value(), Certificate::from_bytes(bytes.value()).map_err(corrupt)?));
    }
    let blocks = hashes.len() - 1;
    let expected = if state.validators.is_some() { blocks } else { 0 };
    if stored.len() != expected {
        return Err(corrupt(format!("{} certificates for {blocks} blocks", stored.len())));
    }
    let (sets, chain) = (governance::sets(tx)?, state.genesis.chain_id());
    let wrong = (1u64..).zip(&hashes[1..]).zip(&stored).collect::<Vec<_>>().into_par_iter().find_map_first(
        |((height, hash), (filed, certificate))| {
            let fits = (*filed, certificate.height, certificate.block) == (height, height, hash.0);
            let of_height = sets.partition_point(|(from, _)| *from <= height).checked_sub(1);
            let verdict = match of_height.and_then(|at| sets.get(at)) {
                Some((_, set)) => certificate.verify(chain, set).map_err(|e| e.to_string()),
                None => Err("nobody agreed on that height".to_owned()),
            };
            let verdict = if fits { verdict } else { Err("it is for another block".to_owned()) };
            verdict.err().map(|why| corrupt(format!("certificate of block {height}: {why}")))
        },
    );
    wrong.map_or(Ok(()), Err)
}

fn tree(tx: &ReadTransaction, registry: Registry) -> Result<Tree, Fault> {
    let (len, nodes) = nodes(tx, registry)?;
    let tree = Tree::from_nodes(len, nodes).map_err(|e| corrupt(format!("{}: {e}", registry.name())))?;
    sample(&tree, registry)?;
    Ok(tree)
}

fn indexed(tx: &ReadTransaction, registry: Registry) -> Result<IndexedTree, Fault> {
    let table = tx.open_table(REVOCATIONS).map_err(fault(READING))?;
    let mut leaves = Vec::new();
    for entry in table.iter().map_err(fault(READING))? {
        let (index, bytes) = entry.map_err(fault(READING))?;
        if index.value() as usize != leaves.len() {
            return Err(corrupt(format!("revocation {} is missing", leaves.len())));
        }
        leaves.push(indexed_leaf(bytes.value()).map_err(corrupt)?);
    }
    let (_, nodes) = nodes(tx, registry)?;
    let tree = IndexedTree::from_nodes(leaves, nodes).map_err(corrupt)?;
    sample(tree.tree(), registry)?;
    let last = tree.leaves().len() - 1;
    for (i, leaf) in tree.leaves().iter().enumerate() {
        let sampled = i % (last / SAMPLES as usize + 1) == 0 || i == last;
        if sampled && tree.tree().leaf(i as u32) != Some(leaf.hash()) {
            return Err(corrupt(format!("revocation {i} is not the one in the tree")));
        }
    }
    Ok(tree)
}

fn nodes(tx: &ReadTransaction, registry: Registry) -> Result<(u64, Vec<Node>), Fault> {
    let table = tx.open_table(NODES).map_err(fault(READING))?;
    let r = registry as u8;
    let mut nodes = Vec::new();
    let mut len = 0;
    for entry in table.range((r, 0, 0)..(r + 1, 0, 0)).map_err(fault(READING))? {
        let (key, value) = entry.map_err(fault(READING))?;
        let (_, level, index) = key.value();
        len += u64::from(level == 0);
        nodes.push(Node { level, index, value: field(value.value()).map_err(corrupt)? });
    }
    Ok((len, nodes))
}

fn sample(tree: &Tree, registry: Registry) -> Result<(), Fault> {
    let Some(last) = tree.len().checked_sub(1) else { return Ok(()) };
    let step = (last / SAMPLES).max(1);
    let indices = (0..=last).step_by(usize::try_from(step).unwrap_or(usize::MAX)).chain([last]);
    for index in indices {
        tree.check_leaf(index as u32).map_err(|e| corrupt(format!("{}: {e}", registry.name())))?;
    }
    Ok(())
}

fn credentials(tx: &ReadTransaction, state: &mut State) -> Result<(), Fault> {
    let table = tx.open_table(CREDENTIALS).map_err(fault(READING))?;
    for entry in table.iter().map_err(fault(READING))? {
        let (index, bytes) = entry.map_err(fault(READING))?;
        if index.value() as usize != state.credentials.len() {
            return Err(corrupt(format!("credential {} is missing", state.credentials.len())));
        }
        state.credentials.push(credential(bytes.value()).map_err(corrupt)?);
    }
    let roles = &state.registries[Registry::Roles];
    let (credentials, leaves) = (state.credentials.len() as u64, roles.len());
    if credentials != leaves {
        return Err(corrupt(format!("{credentials} credentials, but {leaves} leaves in roles")));
    }
    for ((index, leaf), c) in (0..).zip(roles.tree().leaves()).zip(&state.credentials) {
        let expected = if c.retired.is_none() { c.leaf } else { Fr::from(0u64) };
        if *leaf != expected {
            return Err(corrupt(format!("credential {index} is not the one in the tree")));
        }
        if c.retired.is_none() {
            state.active_leaves.insert(to_bytes(leaf), index);
            state.active.issue(c.role, c.organisation);
        }
    }
    Ok(())
}

fn bundles(tx: &ReadTransaction, state: &mut State) -> Result<(), Fault> {
    let table = tx.open_table(BUNDLES).map_err(fault(READING))?;
    let mut bundles = BTreeMap::new();
    for entry in table.iter().map_err(fault(READING))? {
        let (epoch, bytes) = entry.map_err(fault(READING))?;
        let sealed = bundle(bytes.value()).map_err(corrupt)?;
        if sealed.bundle.epoch != epoch.value() {
            return Err(corrupt(format!(
                "bundle {} says it is of epoch {}",
                epoch.value(),
                sealed.bundle.epoch
            )));
        }
        bundles.insert(epoch.value(), sealed);
    }
    if bundles.is_empty() {
        return Err(corrupt("there are no bundles"));
    }
    let next = bundles.keys().skip(1).map(|epoch| Some(*epoch)).chain([None]);
    if let Some((sealed, _)) = bundles.values().zip(next).find(|(sealed, next)| sealed.superseded != *next) {
        return Err(corrupt(format!("bundle {} is not superseded by the next", sealed.bundle.epoch)));
    }
    state.bundles = bundles;
    Ok(())
}

fn maps(tx: &ReadTransaction, state: &mut State) -> Result<(), Fault> {
    let mut entries: Vec<(Key, Value)> = Vec::new();
    let mut put = |entry: Entry, content: Content| entries.push((entry.key(), content.value()));
    for entry in tx.open_table(RECEIPTS).map_err(fault(READING))?.iter().map_err(fault(READING))? {
        let (height, bytes) = entry.map_err(fault(READING))?;
        for receipt in receipts(bytes.value()).map_err(corrupt)? {
            put(Entry::Transaction(receipt.txid), Content::Receipt(receipt));
            state.transactions.insert(receipt.txid, (height.value(), receipt.index));
        }
    }
    let table = tx.open_table(TRANSACTIONS).map_err(fault(READING))?;
    for entry in table.iter().map_err(fault(READING))? {
        let (txid, at) = entry.map_err(fault(READING))?;
        let txid = TxId(*txid.value());
        if state.transactions.get(&txid) != Some(&at.value()) {
            return Err(corrupt(format!("transaction {txid} is filed where its receipt is not")));
        }
    }
    let (expected, got) = (state.transactions.len() as u64, table.len().map_err(fault(READING))?);
    if expected != got {
        return Err(corrupt(format!("{got} transactions are filed, but there are {expected} receipts")));
    }
    for entry in tx.open_table(NULLIFIERS).map_err(fault(READING))?.iter().map_err(fault(READING))? {
        let (nullifier, height) = entry.map_err(fault(READING))?;
        put(Entry::Nullifier(*nullifier.value()), Content::SpentAt(height.value()));
        state.nullifiers += 1;
    }
    for entry in tx.open_table(CONTEXTS).map_err(fault(READING))?.iter().map_err(fault(READING))? {
        let (ctx, txid) = entry.map_err(fault(READING))?;
        put(Entry::Context(*ctx.value()), Content::UsedBy(TxId(*txid.value())));
    }
    for entry in tx.open_table(KEYS).map_err(fault(READING))?.iter().map_err(fault(READING))? {
        let (at, bytes) = entry.map_err(fault(READING))?;
        let (statement, digest) = at.value();
        let statement =
            Statement::from_u8(statement).ok_or_else(|| corrupt("a key of an unknown statement"))?;
        let entry = key(bytes.value()).map_err(corrupt)?;
        if entry.key.digest() != *digest || entry.key.header().statement != statement {
            return Err(corrupt(format!("key {} is not the one it is filed as", hex::encode(digest))));
        }
        put(Entry::VerifyingKey(statement, KeyDigest(*digest)), entry.content());
        state.keys.insert((statement, KeyDigest(*digest)), entry);
    }
    for (index, credential) in (0..).zip(&state.credentials) {
        put(Entry::Credential(index), Content::Credential(*credential));
    }
    // The bundles' hashes are computed from their contents.
    entries.extend(state.bundles.values().map(SealedBundle::entry));
    entries.extend(state.governance_entries());
    state.entries = MerkleMap::new().with(entries);
    Ok(())
}

/// Everything together gives the app hash of the last header.
fn check(state: &State) -> Result<(), Fault> {
    let (expected, got) = (state.tip.app_hash, state.commitments().app_hash());
    if expected != got {
        return Err(corrupt(format!(
            "app hash {got} of the stored state is not {expected} of block {}",
            state.tip.height
        )));
    }
    Ok(())
}
