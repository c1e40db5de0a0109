//! Identities that transactions, governance and validators share: of ledgers, transactions and
//! verifying keys, and the test vectors that a key is installed with.

use crate::field::Fr;
use crate::proof::ProofBytes;
use crate::statement::PUBLIC_INPUTS;
use crate::wire::{Reader, WireError, Writer};

/// Most bytes of a verifying key on the wire.
pub const MAX_KEY_BYTES: usize = 4096;

/// Identity of a ledger: SHA-256 of its genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainId(pub [u8; 32]);

/// Identity of a transaction: SHA-256 of its canonical bytes. For proof transactions without the
/// proof: re-randomising a proof does not make another transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub [u8; 32]);

/// Digest of a verifying key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest(pub [u8; 32]);

macro_rules! hex_display {
    ($($t:ident),*) => { $(
        impl core::fmt::Display for $t {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl core::str::FromStr for $t {
            type Err = hex::FromHexError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                let mut out = [0u8; 32];
                hex::decode_to_slice(s, &mut out)?;
                Ok(Self(out))
            }
        }
    )* };
}
hex_display!(ChainId, TxId, KeyDigest);

/// A test vector installed with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVector {
    /// Public inputs.
    pub public: [Fr; PUBLIC_INPUTS],
    /// The proof.
    pub proof: ProofBytes,
}

pub(crate) fn write_vector(w: &mut Writer, vector: &KeyVector) {
    vector.public.iter().for_each(|x| w.field(*x));
    vector.proof.write_v1(w);
}

pub(crate) fn read_vector(r: &mut Reader<'_>) -> Result<KeyVector, WireError> {
    let mut public = [Fr::from(0u64); PUBLIC_INPUTS];
    for x in &mut public {
        *x = r.field("public input")?;
    }
    Ok(KeyVector { public, proof: ProofBytes::read_v1(r)? })
}
