//! The tables of the file, and how their values are written.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | name | format, genesis, height of the first block whose transactions are here (none: all are) |
//! | `headers` | height | header |
//! | `blocks` | height | transactions; of old blocks they may be gone |
//! | `receipts` | height | receipts |
//! | `transactions` | transaction id | height, position |
//! | `nodes` | registry, level, index | node of a tree |
//! | `revocations` | leaf index | value, next |
//! | `credentials` | leaf index | role, organisation, leaf, issued in, retired in |
//! | `bundles` | epoch | bundle, sealed in, superseded in, active credentials |
//! | `nullifiers` | nullifier | height |
//! | `contexts` | ctx | transaction id |
//! | `keys` | statement, digest | active from, frozen from, sunset from, key |
//! | `organisations` | organisation | member since, removed in, reference, name, key, capabilities |
//! | `validators` | - | newest set and operators, first height, those before |
//! | `validator_sets` | first height | set |
//! | `successions` | first height | proof that the block which made the set says so |
//! | `proposals` | transaction id | change, proposer, height, expiry, approvals, enacted in |
//! | `certificates` | height | certificate, where the genesis names validators |
//! | `undecided` | height, block hash | block that was proposed; gone once its height is decided |
//! | `rounds` | height, round, block hash | the engine's note on a proposed block; gone likewise |

use crate::state::{KeyEntry, SealedBundle};
use amanat_domain::bundle::{Bundle, PerRegistry, RegistryState};
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::entry::Credential;
use amanat_domain::field::{Fr, from_bytes, to_bytes};
use amanat_domain::floors::ActiveCredentials;
use amanat_domain::receipt::ReceiptData;
use amanat_domain::time::Timestamp;
use amanat_domain::tree::{IndexedLeaf, Root};
use amanat_domain::wire::{Reader, WireError, Writer};
use amanat_params::VerifyingKey;
use redb::TableDefinition;

/// Version of the tables. A reader refuses any other.
pub const FORMAT: u32 = 3;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const HEADERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("headers");
pub(super) const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
pub(super) const RECEIPTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("receipts");
pub(super) const TRANSACTIONS: TableDefinition<'_, &[u8; 32], (u64, u32)> =
    TableDefinition::new("transactions");
pub(super) const NODES: TableDefinition<'_, (u8, u8, u32), &[u8; 32]> = TableDefinition::new("nodes");
pub(super) const REVOCATIONS: TableDefinition<'_, u32, &[u8; 64]> = TableDefinition::new("revocations");
pub(super) const CREDENTIALS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("credentials");
pub(super) const BUNDLES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bundles");
pub(super) const NULLIFIERS: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("nullifiers");
pub(super) const CONTEXTS: TableDefinition<'_, &[u8; 32], &[u8; 32]> = TableDefinition::new("contexts");
pub(super) const KEYS: TableDefinition<'_, (u8, &[u8; 32]), &[u8]> = TableDefinition::new("keys");
pub(super) const CERTIFICATES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("certificates");
pub(super) const UNDECIDED: TableDefinition<'_, (u64, &[u8; 32]), &[u8]> = TableDefinition::new("undecided");
pub(super) const ROUNDS: TableDefinition<'_, (u64, u32, &[u8; 32]), &[u8]> = TableDefinition::new("rounds");

/// Names in `meta`.
pub(super) const META_FORMAT: &str = "format";
pub(super) const META_GENESIS: &str = "genesis";
pub(super) const META_HISTORY: &str = "history_from";

pub(super) fn pair(a: Fr, b: Fr) -> [u8; 64] {
    let mut out = [0; 64];
    out[..32].copy_from_slice(&to_bytes(&a));
    out[32..].copy_from_slice(&to_bytes(&b));
    out
}

fn unpair(bytes: &[u8; 64]) -> Result<(Fr, Fr), WireError> {
    let mut r = Reader::new(bytes);
    Ok((r.field("first")?, r.field("second")?))
}

pub(super) fn indexed_leaf(bytes: &[u8; 64]) -> Result<IndexedLeaf, WireError> {
    unpair(bytes).map(|(value, next)| IndexedLeaf { value, next })
}

pub(super) fn credential_bytes(c: &Credential) -> Vec<u8> {
    let mut w = Writer::new();
    c.write(&mut w);
    w.finish()
}

pub(super) fn credential(bytes: &[u8]) -> Result<Credential, WireError> {
    Reader::whole(bytes, Credential::read)
}

pub(super) fn field(bytes: &[u8; 32]) -> Result<Fr, WireError> {
    from_bytes(bytes).map_err(|_| WireError::NotCanonical("node"))
}

pub(super) fn receipts_bytes(receipts: &[ReceiptData]) -> Vec<u8> {
    let mut w = Writer::new();
    w.u32(receipts.len() as u32);
    receipts.iter().for_each(|r| r.write(&mut w));
    w.finish()
}

pub(super) fn receipts(bytes: &[u8]) -> Result<Vec<ReceiptData>, WireError> {
    let mut r = Reader::new(bytes);
    let n = r.count(0, u32::MAX as usize, "receipts")?;
    let receipts = (0..n).map(|_| ReceiptData::read(&mut r)).collect::<Result<_, _>>()?;
    r.finish()?;
    Ok(receipts)
}

pub(super) fn bundle_bytes(sealed: &SealedBundle) -> Vec<u8> {
    let mut w = Writer::new();
    w.u64(sealed.bundle.epoch);
    w.u64(sealed.bundle.time.seconds());
    for (_, r) in sealed.bundle.registries.iter() {
        w.field(r.root.to_field());
        w.u64(r.count);
    }
    w.u64(sealed.height);
    // Zero: not superseded. No bundle is superseded in epoch 0.
    w.u64(sealed.superseded.unwrap_or(0));
    w.u32(sealed.active.len() as u32);
    for (role, organisation, n) in sealed.active.iter() {
        w.field(role.to_field());
        w.field(organisation.to_field());
        w.u64(n);
    }
    w.finish()
}

pub(super) fn bundle(bytes: &[u8]) -> Result<SealedBundle, WireError> {
    let mut r = Reader::new(bytes);
    let epoch = r.u64("epoch")?;
    let time = Timestamp::new(r.u64("time")?).ok_or(WireError::Invalid("bundle time"))?;
    let registries = PerRegistry::try_from_fn(|_| {
        Ok::<_, WireError>(RegistryState { root: Root::new(r.field("root")?), count: r.u64("count")? })
    })?;
    let height = r.u64("sealed in")?;
    let superseded = Some(r.u64("superseded")?).filter(|e| *e != 0);
    let n = r.count(0, u32::MAX as usize, "active credentials")?;
    let mut count = |_| {
        let (role, organisation) = (RoleCode::new(r.field("role")?), OrgId::new(r.field("organisation")?));
        Ok((role, organisation, r.u64("count")?))
    };
    let active = (0..n).map(&mut count).collect::<Result<ActiveCredentials, WireError>>()?;
    r.finish()?;
    let bundle = Bundle { epoch, time, registries };
    Ok(SealedBundle { hash: bundle.hash(), bundle, height, superseded, active })
}

pub(super) fn key_bytes(entry: &KeyEntry) -> Vec<u8> {
    let mut w = Writer::new();
    w.u64(entry.active_from);
    // Zero: not frozen, not over. No key is from height 0.
    w.u64(entry.frozen_from.unwrap_or(0));
    w.u64(entry.sunset_from.unwrap_or(0));
    w.bytes(&entry.key.to_bytes());
    w.finish()
}

pub(super) fn key(bytes: &[u8]) -> Result<KeyEntry, String> {
    let parts = |r: &mut Reader<'_>| -> Result<_, WireError> {
        let active_from = r.u64("active from")?;
        let mut end = |what| r.u64(what).map(|height| Some(height).filter(|height| *height != 0));
        let (frozen_from, sunset_from) = (end("frozen from")?, end("sunset from")?);
        let key = r.bytes(amanat_domain::tx::MAX_KEY_BYTES, "key")?.to_vec();
        Ok((active_from, frozen_from, sunset_from, key))
    };
    let mut r = Reader::new(bytes);
    let (active_from, frozen_from, sunset_from, key) = parts(&mut r).map_err(|e| e.to_string())?;
    r.finish().map_err(|e| e.to_string())?;
    let key = VerifyingKey::from_bytes(&key).map_err(|e| e.to_string())?;
    Ok(KeyEntry { frozen_from, sunset_from, ..KeyEntry::new(key, active_from) })
}
