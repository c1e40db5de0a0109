//! A node over real HTTP on a local port: every route, every refusal, and the ways in which clients
//! misbehave.

mod access;
#[cfg(feature = "tls")]
mod authority;
mod bad_input;
mod by_hand;
mod callers;
mod disk;
mod entries;
mod lies;
mod live;
mod members;
mod process;
mod routes;
mod schema;
mod support;
#[cfg(feature = "tls")]
mod tls;

use amanat_testkit::ledger as world;
