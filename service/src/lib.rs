//! The outside world: a node's HTTP interface, and how everybody else reaches a ledger.
//!
//! - [`node`] serves a [`Solo`](amanat_ledger::Solo) over HTTP: submit, receipts, bundles, leaves for mirrors, blocks,
//!   events, metrics. `src/openapi.json` describes it and is served by it.
//! - [`access`] is the other side: [`LedgerAccess`](access::LedgerAccess) over a ledger in this process or over a node's
//!   address. It believes nothing a node says that can be recomputed.
//! - [`view`] is the JSON both sides speak, [`problem`] the one shape of a refusal.
//!
//! Nothing here decides whether a transaction is valid; that is the ledger's. No proofs are made here. The clock comes in as
//! a [`Clock`](clock::Clock). Logs carry heights, codes and transaction ids, nothing of a transaction's content.

pub mod access;
pub mod clock;
pub mod node;
pub mod problem;
pub mod tls;
pub mod view;
