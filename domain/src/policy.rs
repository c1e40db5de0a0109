//! What a proof is asked to show, under one name: the requests and policies of all statements, and
//! what they are made of.
//!
//! A request is sealed: the ledger sees its salted hash and the audience holds the opening. A
//! policy is in the clear.

pub use crate::scope::{MAX_ORGS, MAX_ROLES, MalformedPolicy, Recipient, RolePolicy, Scope};
pub use crate::statement::access::AccessPolicy;
pub use crate::statement::consent::ConsentRequest;
pub use crate::statement::record::{RecordRequest, ValueRange, disclosure};
