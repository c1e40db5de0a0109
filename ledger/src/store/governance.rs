//! The tables of members, validators and proposals.

use super::{READING, corrupt, fault};
use crate::error::Fault;
use crate::state::{Member, Proposal, State, ValidatorSets};
use amanat_domain::consent::OrgId;
use amanat_domain::tx::TxId;
use amanat_domain::wire::{Reader, WireError, Writer};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use std::collections::BTreeMap;

const ORGANISATIONS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("organisations");
const VALIDATORS: TableDefinition<'_, (), &[u8]> = TableDefinition::new("validators");
const PROPOSALS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("proposals");

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
    if let Some(sets) = validators {
        table.insert((), bytes(|w| sets.write(w)).as_slice())?;
    }
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
        let member = value(bytes.value(), Member::read).map_err(corrupt)?;
        let own = OrgId::from_reference(&member.organisation.reference);
        if own.to_bytes() != *id.value() {
            return Err(corrupt(format!("organisation {own} is filed as another")));
        }
        state.members.insert(own, member);
    }
    let table = tx.open_table(VALIDATORS).map_err(fault(READING))?;
    let sets = table.get(()).map_err(fault(READING))?;
    state.validators =
        sets.map(|bytes| value(bytes.value(), ValidatorSets::read)).transpose().map_err(corrupt)?;
    for entry in tx.open_table(PROPOSALS).map_err(fault(READING))?.iter().map_err(fault(READING))? {
        let (txid, bytes) = entry.map_err(fault(READING))?;
        let proposal = value(bytes.value(), Proposal::read).map_err(corrupt)?;
        state.proposals.insert(TxId(*txid.value()), proposal);
    }
    Ok(())
}

fn bytes(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    write(&mut w);
    w.finish()
}

fn value<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    let mut r = Reader::new(bytes);
    let value = read(&mut r)?;
    r.finish()?;
    Ok(value)
}
