//! A proof: three points, 128 bytes, one encoding.

use crate::codec::{self, PointError};
use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;

/// Length of an encoded proof: A (G1, 32), B (G2, 64), C (G1, 32).
pub const PROOF_BYTES: usize = 128;

/// A Groth16 proof whose points are on their curves, in their subgroups and not infinity.
///
/// Whether it proves anything is for the verifier to say. The bytes are not the proof's identity: anyone can turn a
/// valid proof into other valid bytes for the same public inputs, so replay is judged by nullifier or context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    a: G1Affine,
    b: G2Affine,
    c: G1Affine,
}

/// A part of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofPart {
    /// First point, G1, bytes 0..32.
    A,
    /// Second point, G2, bytes 32..96.
    B,
    /// Third point, G1, bytes 96..128.
    C,
}

impl core::fmt::Display for ProofPart {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}

/// Why bytes or points are not a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not 128 bytes.
    #[error("a proof is {expected} bytes, got {got}")]
    Length {
        /// Always [`PROOF_BYTES`].
        expected: usize,
        /// Length of the input.
        got: usize,
    },
    /// One of the points is refused.
    #[error("proof part {part}: {reason}")]
    Point {
        /// Which.
        part: ProofPart,
        /// Why.
        reason: PointError,
    },
}

impl Proof {
    /// Takes points from elsewhere (the prover, snarkjs); checks curve, subgroup and infinity.
    ///
    /// # Errors
    /// [`ProofError::Point`] with the first part that is refused.
    pub fn from_points(a: G1Affine, b: G2Affine, c: G1Affine) -> Result<Self, ProofError> {
        let check = |part, infinity: bool, on_curve: bool, in_subgroup: bool| {
            let reason = match (infinity, on_curve, in_subgroup) {
                (true, _, _) => PointError::Infinity,
                (_, false, _) => PointError::NotOnCurve,
                (_, _, false) => PointError::NotInSubgroup,
                _ => return Ok(()),
            };
            Err(ProofError::Point { part, reason })
        };
        for (part, p) in [(ProofPart::A, &a), (ProofPart::C, &c)] {
            check(part, p.is_zero(), p.is_on_curve(), p.is_in_correct_subgroup_assuming_on_curve())?;
        }
        check(ProofPart::B, b.is_zero(), b.is_on_curve(), b.is_in_correct_subgroup_assuming_on_curve())?;
        Ok(Self { a, b, c })
    }

    /// Reads the canonical encoding. Total: every input is a proof or an error, and a proof encodes to its input.
    ///
    /// # Errors
    /// The length, or the first part that is refused and why.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        let bytes: &[u8; PROOF_BYTES] =
            bytes.try_into().map_err(|_| ProofError::Length { expected: PROOF_BYTES, got: bytes.len() })?;
        let (mut a, mut b, mut c) = ([0; 32], [0; 64], [0; 32]);
        a.copy_from_slice(&bytes[..32]);
        b.copy_from_slice(&bytes[32..96]);
        c.copy_from_slice(&bytes[96..]);
        let at = |part| move |reason| ProofError::Point { part, reason };
        Ok(Self {
            a: codec::g1_decompress(&a).map_err(at(ProofPart::A))?,
            b: codec::g2_decompress(&b).map_err(at(ProofPart::B))?,
            c: codec::g1_decompress(&c).map_err(at(ProofPart::C))?,
        })
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
        let mut out = [0; PROOF_BYTES];
        out[..32].copy_from_slice(&codec::g1_compress(&self.a));
        out[32..96].copy_from_slice(&codec::g2_compress(&self.b));
        out[96..].copy_from_slice(&codec::g1_compress(&self.c));
        out
    }

    /// The point A.
    pub fn a(&self) -> &G1Affine {
        &self.a
    }

    /// The point B.
    pub fn b(&self) -> &G2Affine {
        &self.b
    }

    /// The point C.
    pub fn c(&self) -> &G1Affine {
        &self.c
    }
}

impl core::fmt::Debug for Proof {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Proof({PROOF_BYTES} bytes)")
    }
}
