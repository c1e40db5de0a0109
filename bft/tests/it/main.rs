//! Validators from outside: one suite over every engine, and what a cluster does when some of it
//! fails.

mod clocks;
mod cluster;
mod conformance;
mod crashes;
mod faults;
mod inside;
mod liars;
mod node;
mod partitions;
mod processes;
mod soak;
mod wires;

use amanat_testkit::ledger as world;
