//! What opening a file does not look at, since it is our own: all of it must hold in what a
//! stranger sent.
//!
//! Opening recomputes some paths of each tree, and believes what the app hash does not cover: where
//! receipts are filed, what a bundle hid its provers among. Here every node is hashed, and the rest
//! is worked out again from what the app hash covers.

use super::tables::*;
use super::{READING, corrupt, fault};
use crate::error::Fault;
use crate::state::State;
use amanat_domain::block::Header;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::floors::ActiveCredentials;
use amanat_domain::receipt::receipts_root;
use rayon::prelude::*;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use std::collections::BTreeMap;

/// Checks a file that [`load::state`](super::load::state) made a state of.
pub(super) fn check(tx: &ReadTransaction, state: &State) -> Result<(), Fault> {
    trees(tx, state)?;
    let sealing = receipts(tx)?;
    bundles(state, &sealing)
}

fn trees(tx: &ReadTransaction, state: &State) -> Result<(), Fault> {
    let mut nodes = 0;
    for registry in Registry::ALL {
        let tree = state.tree(registry);
        tree.check().map_err(|e| corrupt(format!("{}: {e}", registry.name())))?;
        nodes += tree.nodes().count() as u64;
    }
    let leaves = state.revocations().leaves();
    let wrong = leaves
        .par_iter()
        .zip(state.revocations().tree().leaves())
        .position_first(|(leaf, hash)| leaf.hash() != *hash);
    if let Some(index) = wrong {
        return Err(corrupt(format!("revocation {index} is not the one in the tree")));
    }
    let filed = tx.open_table(NODES).map_err(fault(READING))?.len().map_err(fault(READING))?;
    if filed == nodes {
        Ok(())
    } else {
        Err(corrupt(format!("{filed} nodes are filed, the trees have {nodes}")))
    }
}

/// Checks each block's receipts against its header. Returns the headers that begin an epoch.
fn receipts(tx: &ReadTransaction) -> Result<Vec<Header>, Fault> {
    let headers = tx.open_table(HEADERS).map_err(fault(READING))?;
    let filed = tx.open_table(RECEIPTS).map_err(fault(READING))?;
    if headers.len().map_err(fault(READING))? != filed.len().map_err(fault(READING))? {
        return Err(corrupt("there is not one list of receipts for each block"));
    }
    let mut sealing: Vec<Header> = Vec::new();
    let both = headers.iter().map_err(fault(READING))?.zip(filed.iter().map_err(fault(READING))?);
    for (header, filed) in both {
        let ((_, header), (height, filed)) =
            (header.map_err(fault(READING))?, filed.map_err(fault(READING))?);
        let header = Header::from_bytes(header.value()).map_err(corrupt)?;
        let list = super::tables::receipts(filed.value()).map_err(corrupt)?;
        let fits = height.value() == header.height
            && list.len() as u64 == u64::from(header.count)
            && receipts_root(&list) == header.receipts_root;
        if !fits {
            return Err(corrupt(format!(
                "the receipts of block {} are not those of its header",
                header.height
            )));
        }
        if sealing.last().is_none_or(|last| last.epoch < header.epoch) {
            sealing.push(header);
        }
    }
    Ok(sealing)
}

/// What bundles count credentials by.
type Kind = (RoleCode, OrgId);

/// A bundle is sealed by the first block of its epoch, over the credentials that were active before
/// it.
fn bundles(state: &State, sealing: &[Header]) -> Result<(), Fault> {
    let mut changes: BTreeMap<u64, Vec<(Kind, bool)>> = BTreeMap::new();
    for c in &state.credentials {
        let at = (c.role, c.organisation);
        changes.entry(c.issued).or_default().push((at, true));
        if let Some(retired) = c.retired {
            changes.entry(retired).or_default().push((at, false));
        }
    }
    let mut changes = changes.into_iter().peekable();
    let mut active = ActiveCredentials::default();
    let wrong = |epoch| corrupt(format!("bundle {epoch} is not what the blocks before it give"));
    if state.bundles.len() != sealing.len() {
        return Err(corrupt(format!(
            "{} bundles for {} epochs with a block",
            state.bundles.len(),
            sealing.len()
        )));
    }
    for (sealed, header) in state.bundles.values().zip(sealing) {
        let epoch = sealed.bundle.epoch;
        while let Some((_, list)) = changes.next_if(|(height, _)| *height < sealed.height) {
            // Within a block one may be retired and another of its kind issued: issued ones first,
            // so that none is below zero.
            for ((role, organisation), _) in list.iter().filter(|(_, issued)| *issued) {
                active.issue(*role, *organisation);
            }
            for ((role, organisation), _) in list.iter().filter(|(_, issued)| !issued) {
                if !active.retire(*role, *organisation) {
                    return Err(wrong(epoch));
                }
            }
        }
        let header_fits =
            (sealed.height, epoch, sealed.bundle.time) == (header.height, header.epoch, header.time);
        if !header_fits || sealed.active != active {
            return Err(wrong(epoch));
        }
    }
    Ok(())
}
