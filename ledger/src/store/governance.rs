//! The tables of members, validators and proposals.

use super::{READING, corrupt, fault};
use crate::error::Fault;
use crate::state::{Member, Proposal, State, ValidatorSets};
use amanat_domain::consent::OrgId;
use amanat_domain::entry::EntryProof;
use amanat_domain::quorum::ValidatorSet;
use amanat_domain::tx::TxId;
use amanat_domain::wire::{Reader, Writer};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use std::collections::BTreeMap;

pub(super) const ORGANISATIONS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("organisations");
pub(super) const VALIDATORS: TableDefinition<'_, (), &[u8]> = TableDefinition::new("validators");
/// Every set there ever was, by the first height it agrees on.
pub(super) const VALIDATOR_SETS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("validator_sets");
/// For each set but the genesis' the proof that the block which made it says so.
pub(super) const SUCCESSIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("successions");
pub(super) const PROPOSALS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("proposals");

pub(super) fn write(
    tx: &WriteTransaction,
    members: &BTreeMap<OrgId, Member>,
    validators: Option<&ValidatorSets>,
    proposals: &BTreeMap<TxId, Proposal>,
) -> Result<(), redb::Error> {
    let mut table = tx.open_table(ORGANISATIONS)?;
    for (id, member) in members {
        table.insert(&id.to_bytes(), bytes(|w| member.write(w)).as_slice())?;
    }
    let mut table = tx.open_table(VALIDATORS)?;
    let mut every = tx.open_table(VALIDATOR_SETS)?;
    if let Some(sets) = validators {
        table.insert((), bytes(|w| sets.write(w)).as_slice())?;
        every.insert(sets.from, bytes(|w| sets.latest.set.write(w)).as_slice())?;
    }
    tx.open_table(SUCCESSIONS)?;
    let mut table = tx.open_table(PROPOSALS)?;
    for (txid, proposal) in proposals {
        table.insert(&txid.0, bytes(|w| proposal.write(w)).as_slice())?;
    }
    Ok(())
}

/// What is read takes the place of what the genesis began with; the app hash covers all of it.
pub(super) fn read(tx: &ReadTransaction, state: &mut State) -> Result<(), Fault> {
    state.members.clear();
    for entry in tx.open_table(ORGANISATIONS).map_err(fault(READING))?.iter().map_err(fault(READING))? {
        let (id, bytes) = entry.map_err(fault(READING))?;
        let member = Reader::whole(bytes.value(), Member::read).map_err(corrupt)?;
        let own = OrgId::from_reference(&member.organisation.reference);
        if own.to_bytes() != *id.value() {
            return Err(corrupt(format!("organisation {own} is filed as another")));
        }
        state.members.insert(own, member);
    }
    let table = tx.open_table(VALIDATORS).map_err(fault(READING))?;
    let sets = table.get(()).map_err(fault(READING))?;
    state.validators =
        sets.map(|bytes| Reader::whole(bytes.value(), ValidatorSets::read)).transpose().map_err(corrupt)?;
    let newest = state.validators.as_ref().map(|sets| (sets.from, sets.latest.set.clone()));
    let every = self::sets(tx)?;
    let founders = state.genesis.validators().map(|validators| (0, validators.set.clone()));
    if every.last() != newest.as_ref() || every.first() != founders.as_ref() {
        return Err(corrupt("the sets of validators do not lead from the genesis to the newest"));
    }
    for entry in tx.open_table(PROPOSALS).map_err(fault(READING))?.iter().map_err(fault(READING))? {
        let (txid, bytes) = entry.map_err(fault(READING))?;
        let proposal = Reader::whole(bytes.value(), Proposal::read).map_err(corrupt)?;
        state.proposals.insert(TxId(*txid.value()), proposal);
    }
    Ok(())
}

/// Files the proof by which clients follow a change of the validators.
pub(super) fn write_succession(
    tx: &WriteTransaction,
    from: u64,
    proof: &EntryProof,
) -> Result<(), redb::Error> {
    tx.open_table(SUCCESSIONS)?.insert(from, proof.to_bytes().as_slice())?;
    Ok(())
}

/// Every set of validators with the first height it agrees on, in that order.
pub(super) fn sets(tx: &ReadTransaction) -> Result<Vec<(u64, ValidatorSet)>, Fault> {
    let table = tx.open_table(VALIDATOR_SETS).map_err(fault(READING))?;
    let mut sets = Vec::new();
    for entry in table.iter().map_err(fault(READING))? {
        let (from, bytes) = entry.map_err(fault(READING))?;
        sets.push((from.value(), Reader::whole(bytes.value(), ValidatorSet::read).map_err(corrupt)?));
    }
    Ok(sets)
}

/// The changes of validators that hold at a height, in order: what was proved of each, and the set.
pub(super) fn successions(
    tx: &ReadTransaction,
    height: u64,
) -> Result<Vec<(EntryProof, ValidatorSet)>, Fault> {
    let table = tx.open_table(SUCCESSIONS).map_err(fault(READING))?;
    let after_genesis = sets(tx)?.into_iter().filter(|(from, _)| (1..=height).contains(from));
    let proved = after_genesis.map(|(from, set)| {
        let bytes = table.get(from).map_err(fault(READING))?;
        let bytes = bytes.ok_or_else(|| corrupt(format!("the validators from {from} on are not proved")))?;
        Ok((EntryProof::from_bytes(bytes.value()).map_err(corrupt)?, set))
    });
    proved.collect()
}

fn bytes(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    write(&mut w);
    w.finish()
}
