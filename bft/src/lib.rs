//! Many validators: the ledger's gates behind Malachite, a BFT consensus engine of the Tendermint family.
//!
//! A [`Validator`] runs one of the validators of a ledger. It votes for a block only after the ledger's own doors let it
//! pass, every signature and every proof included; a block is final when more than two thirds of the validators have signed it,
//! and the certificate that says so is written with the block, in one write, before anything is acknowledged.
//!
//! All of this is behind the feature `bft`, off by default: the engine brings some three hundred crates. Without it the crate is
//! empty. Start with [`Validator`], then `app`, the loop that answers the engine.
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
mod engine;
#[cfg(feature = "bft")]
mod error;
#[cfg(feature = "bft")]
mod gossip;
#[cfg(feature = "bft")]
mod judge;
#[cfg(feature = "bft")]
mod meters;
#[cfg(feature = "bft")]
mod node;
#[cfg(feature = "bft")]
mod peers;
#[cfg(feature = "bft")]
mod signing;
#[cfg(feature = "bft")]
mod twins;

#[cfg(feature = "bft")]
pub use error::Error;
#[cfg(feature = "bft")]
pub use meters::{Report, engine_metrics};
#[cfg(feature = "bft")]
pub use node::{Clock, Settings, Validator};
#[cfg(feature = "bft")]
pub use peers::Peer;
#[cfg(feature = "bft")]
pub use signing::{SecretError, ValidatorSecret};
