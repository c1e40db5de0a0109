//! The verifying key: thirteen points and what they are for.

use crate::codec::{self, G1_BYTES, G2_BYTES, PointError};
use crate::groth16::lint::{VkLint, lint_verifying_key};
use crate::groth16::points::{IC_POINTS, VkPart, VkPoints};
use crate::header::{HeaderError, KeyHeader, KeyKind};
use sha2::{Digest, Sha256};

/// Length of an encoded verifying key.
pub const VERIFYING_KEY_BYTES: usize = KeyHeader::BYTES + G1_BYTES + 3 * G2_BYTES + IC_POINTS * G1_BYTES;

/// A verifying key: linted points, their statement, and a digest over both.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_params::VerifyingKey;
/// // Decoding lints: a key with a weak or repeated point is refused here.
/// let key = VerifyingKey::from_bytes(&std::fs::read("access.vk")?)?;
/// println!("of {}, {} bytes", key.header().statement, key.to_bytes().len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    header: KeyHeader,
    points: VkPoints,
    digest: [u8; 32],
}

/// Why bytes are not a verifying key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VkError {
    /// Not the one length all verifying keys have.
    #[error("a verifying key is {expected} bytes, got {got}")]
    Length {
        /// Always [`VERIFYING_KEY_BYTES`].
        expected: usize,
        /// Length of the input.
        got: usize,
    },
    /// The header is refused.
    #[error("verifying key: {0}")]
    Header(#[from] HeaderError),
    /// A point is refused.
    #[error("verifying key, {part}: {reason}")]
    Point {
        /// Which.
        part: VkPart,
        /// Why.
        reason: PointError,
    },
    /// The points are well-formed but the key is not fit for use.
    #[error("verifying key: {0}")]
    Lint(#[from] VkLint),
}

impl VerifyingKey {
    /// Takes points that pass the lint.
    ///
    /// # Errors
    /// The first finding.
    pub fn new(header: KeyHeader, points: VkPoints) -> Result<Self, VkLint> {
        lint_verifying_key(&points, &header.origin)?;
        let digest = Sha256::digest(encode(&header, &points)).into();
        Ok(Self { header, points, digest })
    }

    /// Reads the canonical encoding: exact length, canonical coordinates, on the curve, in the
    /// subgroup, lint clean.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VkError> {
        let length = VkError::Length { expected: VERIFYING_KEY_BYTES, got: bytes.len() };
        if bytes.len() != VERIFYING_KEY_BYTES {
            return Err(length);
        }
        let (head, mut rest) = bytes.split_first_chunk::<{ KeyHeader::BYTES }>().ok_or(length)?;
        let header = KeyHeader::from_bytes(KeyKind::Verifying, head)?;
        let mut g1 = |part| {
            let (chunk, tail) = rest.split_first_chunk::<G1_BYTES>().ok_or(length)?;
            rest = tail;
            codec::g1_decompress(chunk).map_err(|reason| VkError::Point { part, reason })
        };
        let alpha_g1 = g1(VkPart::Alpha)?;
        let mut g2 = |part| {
            let (chunk, tail) = rest.split_first_chunk::<G2_BYTES>().ok_or(length)?;
            rest = tail;
            codec::g2_decompress(chunk).map_err(|reason| VkError::Point { part, reason })
        };
        let (beta_g2, gamma_g2, delta_g2) = (g2(VkPart::Beta)?, g2(VkPart::Gamma)?, g2(VkPart::Delta)?);
        let mut g1 = |part| {
            let (chunk, tail) = rest.split_first_chunk::<G1_BYTES>().ok_or(length)?;
            rest = tail;
            codec::g1_decompress(chunk).map_err(|reason| VkError::Point { part, reason })
        };
        let ic = (0..IC_POINTS).map(|i| g1(VkPart::Ic(i))).collect::<Result<_, _>>()?;
        Ok(Self::new(header, VkPoints { alpha_g1, beta_g2, gamma_g2, delta_g2, ic })?)
    }

    /// The canonical encoding: header, alpha, beta, gamma, delta, IC, all points compressed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&self.header, &self.points)
    }

    /// Statement, version, constraint system and origin.
    #[must_use]
    pub fn header(&self) -> &KeyHeader {
        &self.header
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &VkPoints {
        &self.points
    }

    /// SHA-256 over the canonical encoding. The ledger and every proof's context name a key by it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

fn encode(header: &KeyHeader, points: &VkPoints) -> Vec<u8> {
    let mut out = Vec::with_capacity(VERIFYING_KEY_BYTES);
    out.extend_from_slice(&header.to_bytes(KeyKind::Verifying));
    out.extend_from_slice(&codec::g1_compress(&points.alpha_g1));
    for point in [&points.beta_g2, &points.gamma_g2, &points.delta_g2] {
        out.extend_from_slice(&codec::g2_compress(point));
    }
    for point in &points.ic {
        out.extend_from_slice(&codec::g1_compress(point));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dev_keys;
    use ark_bn254::G2Affine;

    #[test]
    fn a_verifying_key_comes_back_from_its_bytes() {
        let vk = &dev_keys().1;
        let bytes = vk.to_bytes();
        assert_eq!(bytes.len(), VERIFYING_KEY_BYTES);
        let back = VerifyingKey::from_bytes(&bytes).expect("own bytes");
        assert_eq!(&back, vk);
        assert_eq!(back.digest(), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn short_long_and_changed_bytes_are_refused_or_name_another_key() {
        let vk = &dev_keys().1;
        let bytes = vk.to_bytes();
        for n in [0, 1, bytes.len() - 1] {
            assert!(matches!(VerifyingKey::from_bytes(&bytes[..n]), Err(VkError::Length { .. })));
        }
        let mut long = bytes.clone();
        long.push(0);
        assert!(matches!(VerifyingKey::from_bytes(&long), Err(VkError::Length { .. })));
        for at in 0..bytes.len() {
            for bit in [0, 6, 7] {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok(other) = VerifyingKey::from_bytes(&changed) {
                    assert_ne!(other.digest(), vk.digest());
                    assert_eq!(other.to_bytes(), changed);
                }
            }
        }
    }

    #[test]
    fn a_key_that_fails_the_lint_cannot_be_read() {
        let vk = &dev_keys().1;
        let mut points = vk.points().clone();
        points.delta_g2 = points.gamma_g2;
        assert_eq!(VerifyingKey::from_bytes(&encode(vk.header(), &points)), Err(VkLint::DeltaIsGamma.into()));
        points.delta_g2 = G2Affine::identity();
        assert_eq!(
            VerifyingKey::from_bytes(&encode(vk.header(), &points)),
            Err(VkError::Point { part: VkPart::Delta, reason: PointError::Infinity })
        );
    }
}
