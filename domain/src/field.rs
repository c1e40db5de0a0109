//! The BN254 scalar field as Amanat uses it: canonical bytes, hashing into the field, uniform
//! sampling.
//!
//! A number that came from outside is a field element only after [`from_bytes`]: 32 bytes,
//! little-endian, below the modulus. `x` and `x + r` are two encodings of one element; accepting
//! both would let one nullifier be spent twice.

use ark_ff::{BigInteger, PrimeField};
use rand::CryptoRng;
use sha2::{Digest, Sha512};

pub use ark_bn254::Fr;

/// Length of the canonical encoding of a field element.
pub const FIELD_BYTES: usize = 32;

/// The bytes are not the canonical encoding of a field element: as a number they are not below the
/// modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical field element: the 32 bytes (little-endian) are not below the BN254 scalar modulus")]
pub struct NotCanonical;

/// Canonical encoding: 32 bytes, little-endian.
#[must_use]
pub fn to_bytes(x: &Fr) -> [u8; FIELD_BYTES] {
    let mut out = [0u8; FIELD_BYTES];
    out.copy_from_slice(&x.into_bigint().to_bytes_le());
    out
}

/// Reads a canonical encoding; refuses every value that is not below the modulus.
///
/// # Errors
/// [`NotCanonical`] if the number is the modulus or more.
pub fn from_bytes(bytes: &[u8; FIELD_BYTES]) -> Result<Fr, NotCanonical> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        *limb = u64::from_le_bytes(word);
    }
    Fr::from_bigint(ark_ff::BigInt::new(limbs)).ok_or(NotCanonical)
}

/// Bytes into the field: SHA-512 over the domain and the length-framed parts, reduced modulo r.
///
/// 512 bits reduced modulo a 254-bit prime are within 2^-258 of uniform. Each part is preceded by
/// its length (u64, little-endian), so that no two lists of parts give the same input.
#[must_use]
pub fn hash_to_field(domain: &str, parts: &[&[u8]]) -> Fr {
    let mut hash = Sha512::new();
    hash.update((domain.len() as u64).to_le_bytes());
    hash.update(domain.as_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    Fr::from_le_bytes_mod_order(&hash.finalize())
}

/// A uniform field element from 64 random bytes.
pub fn random(rng: &mut impl CryptoRng) -> Fr {
    let mut bytes = zeroize::Zeroizing::new([0u8; 64]);
    rng.fill_bytes(bytes.as_mut());
    Fr::from_le_bytes_mod_order(bytes.as_ref())
}

/// `2^k` in the field, for k < 254.
#[must_use]
pub fn pow2(k: u32) -> Fr {
    debug_assert!(k < 254);
    let mut limbs = [0u64; 4];
    limbs[(k / 64) as usize] = 1 << (k % 64);
    Fr::from_bigint(ark_ff::BigInt::new(limbs)).expect("2^k < r for k < 254")
}

/// Declares a newtype over one field element with a canonical encoding.
///
/// The value is public by construction (a commitment, a root, a nullifier); secrets have their own
/// types.
#[macro_export]
macro_rules! field_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) $crate::field::Fr);

        impl $name {
            /// Wraps a field element.
            #[must_use]
            pub const fn new(value: $crate::field::Fr) -> Self {
                Self(value)
            }
            /// The field element.
            #[must_use]
            pub const fn to_field(self) -> $crate::field::Fr {
                self.0
            }
            /// Canonical 32 bytes, little-endian.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 32] {
                $crate::field::to_bytes(&self.0)
            }
            /// Reads the canonical encoding.
            ///
            /// # Errors
            /// [`NotCanonical`](crate::field::NotCanonical) where the bytes are not below the
            /// modulus.
            pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, $crate::field::NotCanonical> {
                $crate::field::from_bytes(bytes).map(Self)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({})", stringify!($name), hex::encode(self.to_bytes()))
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&hex::encode(self.to_bytes()))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{Field, UniformRand};

    #[test]
    fn bytes_round_trip_and_x_plus_r_is_refused() {
        let mut rng = ark_std::test_rng();
        for _ in 0..200 {
            let x = Fr::rand(&mut rng);
            let bytes = to_bytes(&x);
            assert_eq!(from_bytes(&bytes), Ok(x));
            // x + r, when it still fits 256 bits, is another encoding of x and must be refused.
            let mut sum = x.into_bigint();
            if !sum.add_with_carry(&Fr::MODULUS) {
                let mut alias = [0u8; 32];
                alias.copy_from_slice(&sum.to_bytes_le());
                assert_eq!(from_bytes(&alias), Err(NotCanonical));
            }
        }
        let mut modulus = [0u8; 32];
        modulus.copy_from_slice(&Fr::MODULUS.to_bytes_le());
        assert_eq!(from_bytes(&modulus), Err(NotCanonical));
        assert_eq!(from_bytes(&[0xff; 32]), Err(NotCanonical));
    }

    #[test]
    fn hash_to_field_frames_its_parts() {
        assert_ne!(hash_to_field("t", &[b"ab", b"c"]), hash_to_field("t", &[b"a", b"bc"]));
        assert_ne!(hash_to_field("t", &[b"abc"]), hash_to_field("t", &[b"abc", b""]));
        assert_ne!(hash_to_field("t", &[b"abc"]), hash_to_field("u", &[b"abc"]));
    }

    #[test]
    fn pow2_is_a_power_of_two() {
        for k in [0u32, 1, 63, 64, 127, 200, 253] {
            assert_eq!(pow2(k), Fr::from(2u64).pow([u64::from(k)]));
        }
    }
}
