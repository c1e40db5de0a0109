//! Other provers, given the same key and the same witness.
//!
//! [`Arkworks`] is here; further ones, which bring other versions of the same dependencies, live in
//! `benches/peers`, a separate workspace, and are handed to the profile through [`Peer`].

mod arkworks;

pub use arkworks::{Arkworks, OddCoset, Reduction, matrices};

use crate::Outcome;
use std::path::Path;

/// Another prover.
pub trait Peer: Sync {
    /// Its name, with its version.
    fn name(&self) -> &'static str;

    /// Reads a key and a witness and does what need not be done for each proof.
    ///
    /// # Errors
    /// If the files are not to its liking.
    fn load(&self, zkey: &Path, wtns: &Path) -> Outcome<Box<dyn LoadedPeer>>;
}

/// A prover that holds a key and a witness.
pub trait LoadedPeer: Send + Sync {
    /// One proof, with fresh blinding, in the threads of the pool it is called from; as 128 bytes
    /// in arkworks' compressed encoding: A, B, C. Encoding is part of no measurement that matters:
    /// some microseconds.
    ///
    /// # Errors
    /// If it fails.
    fn prove(&self) -> Outcome<[u8; 128]>;
}
