//! Many validators: the ledger under Malachite, a BFT consensus engine of the Tendermint family.
//!
//! A [`Validator`] runs one of the validators of a ledger. It votes for a block only after
//! ProcessProposal: the ledger has validated all of it, every signature and every proof included. A
//! block is final when more than two thirds of the validators have signed it. The certificate of
//! that is written with the block, in one write, before a transaction is acknowledged.
//!
//! All of this is behind the feature `bft`, off by default: Malachite brings some three hundred
//! crates. Without the feature the crate is empty. Start with [`Validator`], then `app`, the loop
//! that answers the engine.
#![cfg_attr(not(feature = "bft"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "bft")]
mod app;
#[cfg(feature = "bft")]
mod body;
#[cfg(feature = "bft")]
mod codec;
#[cfg(feature = "bft")]
mod context;
#[cfg(all(feature = "bft", feature = "insecure_tamper"))]
mod crash;
#[cfg(feature = "bft")]
mod duplicate_signer;
#[cfg(feature = "bft")]
mod engine;
#[cfg(feature = "bft")]
mod error;
#[cfg(feature = "bft")]
mod gossip;
#[cfg(feature = "bft")]
mod metrics;
#[cfg(feature = "bft")]
mod node;
#[cfg(feature = "bft")]
mod peers;
#[cfg(feature = "bft")]
mod secret;
#[cfg(feature = "bft")]
mod settings;
#[cfg(feature = "bft")]
mod signing;
#[cfg(feature = "bft")]
mod types;
#[cfg(feature = "bft")]
mod validation;

#[cfg(feature = "bft")]
pub use error::Error;
#[cfg(feature = "bft")]
pub use metrics::{Report, engine_metrics};
#[cfg(feature = "bft")]
pub use node::Validator;
#[cfg(feature = "bft")]
pub use peers::Peer;
#[cfg(feature = "bft")]
pub use secret::{SecretError, ValidatorSecret};
#[cfg(feature = "bft")]
pub use settings::{Clock, Settings};
