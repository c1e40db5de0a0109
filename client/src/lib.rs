//! What a party does that is not proving, verifying or keeping a ledger.
//!
//! [`ledger`] is a ledger as its clients see it: [`LedgerAccess`](ledger::LedgerAccess) over a ledger
//! in this process or over a node's address. A client believes nothing a node says that it can
//! recompute.

pub mod ledger;
