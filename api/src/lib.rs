//! What a node and its clients both say.
//!
//! - [`view`] is the JSON of both sides, [`problem`] the one shape of a refusal, [`schema`] their
//!   description.
//! - [`tls`] names the files for TLS and, with the feature `tls`, reads them.
//! - [`clock`] is how time comes in.
//!
//! Nothing here opens a connection: `amanat-node` serves, `amanat-client` asks.

pub mod clock;
pub mod problem;
pub mod schema;
pub mod tls;
pub mod view;

/// Most leaves of a registry that a node sends at a time.
pub const MAX_LEAVES: usize = 8192;

/// Most blocks that a node sends at a time.
pub const MAX_BLOCKS: usize = 256;

/// Most members and proposals that a node sends at a time.
pub const MAX_MEMBERS: usize = 1024;

/// Most pairs of a role and an organisation whose active credentials a node counts with a bundle.
///
/// A bundle with more is sent without the list, so it stays far below the megabytes that a client
/// reads. The client then takes all active credentials for qualified, and the ledger decides.
pub const MAX_ACTIVE: usize = 8192;
