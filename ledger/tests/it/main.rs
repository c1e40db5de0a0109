//! The ledger from outside: rules, blocks, epochs, keys, the solo engine, the store, crashes.

mod blocks;
mod certified;
mod crash;
mod entries;
mod epochs;
mod forged;
mod genesis;
mod governance;
mod governed_keys;
mod governed_store;
mod keys;
mod kill;
mod one_block;
mod pool;
mod proofs;
mod prune;
mod signed;
mod snapshot;
mod solo;
mod speed;
mod store;
mod validators;

use amanat_testkit::ledger as world;
