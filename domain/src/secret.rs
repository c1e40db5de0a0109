//! Secret field elements: zeroized on drop, never printed, never compared by accident.

use crate::field::{Fr, NotCanonical, from_bytes, random, to_bytes};
use rand::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// A secret field element. No `Debug`, no `PartialEq`; zeroized on drop.
#[derive(Clone)]
pub struct Secret(Fr);

impl Secret {
    /// A fresh one.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self(random(rng))
    }

    /// Wraps a field element that is to be kept secret.
    #[must_use]
    pub const fn new(value: Fr) -> Self {
        Self(value)
    }

    /// The value, for hashing and for a witness.
    #[must_use]
    pub const fn expose(&self) -> Fr {
        self.0
    }

    /// Canonical bytes, zeroized on drop.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(to_bytes(&self.0))
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// [`NotCanonical`] if the bytes are not below the modulus.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NotCanonical> {
        from_bytes(bytes).map(Self)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
