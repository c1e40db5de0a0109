//! A validator: the ledger behind HTTP.
//!
//! [`server`] serves a [`Solo`](amanat_ledger::Solo), or another engine, over HTTP: submit, receipts,
//! bundles, leaves for mirrors, blocks, events, metrics. `src/openapi.json` describes it and is served
//! by it.
//!
//! Nothing here decides whether a transaction is valid; that is the ledger's. Nothing here makes a
//! proof. The clock comes in as a [`Clock`](amanat_api::clock::Clock). Logs carry heights, codes and
//! transaction ids, nothing of a transaction's content.

pub mod server;
