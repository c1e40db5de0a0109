//! A proof: three points, 128 bytes, one encoding.

use crate::codec::{self, PointError};
use amanat_domain::proof::{GROTH16_PROOF_BYTES, ProofBytes};
use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;

/// Length of an encoded proof: A (G1, 32), B (G2, 64), C (G1, 32).
pub const PROOF_BYTES: usize = GROTH16_PROOF_BYTES;

/// A Groth16 proof whose points are on their curves, in their subgroups and not infinity.
///
/// Whether it proves anything is for the verifier to say. The bytes are not the proof's identity:
/// anyone can turn a valid proof into other valid bytes for the same public inputs, so replay is
/// detected by nullifier or context.
///
/// ```
/// use amanat_params::{PROOF_BYTES, Proof, ProofError};
/// // Decoding checks length, encoding, curve and subgroup.
/// assert!(matches!(Proof::from_bytes(&[0; 9]), Err(ProofError::Length { got: 9, .. })));
/// assert!(Proof::from_bytes(&[0xff; PROOF_BYTES]).is_err());
/// ```
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
        // The order of G1 is r: every point of the curve is in the subgroup.
        for (part, p) in [(ProofPart::A, &a), (ProofPart::C, &c)] {
            check(part, p.is_zero(), p.is_on_curve(), true)?;
        }
        let on_curve = b.is_on_curve();
        let member = on_curve && amanat_accel::default_backend().in_subgroup_g2(&[b]) == [true];
        check(ProofPart::B, b.is_zero(), on_curve, member)?;
        Ok(Self { a, b, c })
    }

    /// Reads the canonical encoding. Total: every input is a proof or an error, and a proof encodes
    /// to its input.
    ///
    /// # Errors
    /// The length, or the first part that is refused and why.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut proofs = Self::from_bytes_many(&[bytes]).into_iter();
        proofs.next().unwrap_or(Err(ProofError::Length { expected: PROOF_BYTES, got: bytes.len() }))
    }

    /// [`from_bytes`](Self::from_bytes) of many, with the same result for each: together they cost
    /// far less.
    #[must_use]
    pub fn from_bytes_many(all: &[&[u8]]) -> Vec<Result<Self, ProofError>> {
        let unchecked = UncheckedProof::from_bytes_many(all);
        let points = unchecked.iter().map(|proof| proof.map(|p| p.b).map_err(|_| PointError::NotOnCurve));
        let checked = codec::in_subgroup(points.collect());
        let strict = unchecked.into_iter().zip(checked).map(|(proof, b)| {
            let UncheckedProof { a, c, .. } = proof?;
            Ok(Self { a, b: b.map_err(|reason| ProofError::Point { part: ProofPart::B, reason })?, c })
        });
        strict.collect()
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

/// A proof that was read but for one check: its points are on their curves and not infinity and its
/// bytes are canonical, but B may lie outside the subgroup of order r.
///
/// For a batch verifier, whose Miller loops find that out on the way. All other code takes a
/// [`Proof`].
#[derive(Clone, Copy)]
pub struct UncheckedProof {
    a: G1Affine,
    b: G2Affine,
    c: G1Affine,
}

impl UncheckedProof {
    /// Reads many encodings. An error here is the error of [`Proof::from_bytes`]; without one, only
    /// B's subgroup is left to check.
    #[must_use]
    pub fn from_bytes_many(all: &[&[u8]]) -> Vec<Result<Self, ProofError>> {
        let sized: Vec<Option<&[u8; PROOF_BYTES]>> =
            all.iter().map(|bytes| (*bytes).try_into().ok()).collect();
        let parts = || sized.iter().flatten();
        let part = |bytes: &[u8; PROOF_BYTES], from: usize| {
            let mut out = [0; codec::G1_BYTES];
            out.copy_from_slice(&bytes[from..from + codec::G1_BYTES]);
            codec::g1_parse(&out)
        };
        let backend = amanat_accel::default_backend();
        let parsed = parts().map(|bytes| part(bytes, 0)).chain(parts().map(|bytes| part(bytes, 96)));
        let mut a = codec::lift(parsed.collect(), |xs| backend.lift_g1(xs));
        let mut c = a.split_off(a.len() / 2).into_iter();
        let mut a = a.into_iter();
        let parsed = parts().map(|bytes| {
            let mut out = [0; codec::G2_BYTES];
            out.copy_from_slice(&bytes[32..96]);
            codec::g2_parse(&out)
        });
        let mut b = codec::lift(parsed.collect(), |xs| backend.lift_g2(xs)).into_iter();

        let missing = || Err(PointError::NotOnCurve);
        let at = |part| move |reason| ProofError::Point { part, reason };
        let read = sized.iter().zip(all).map(|(bytes, given)| {
            bytes.ok_or(ProofError::Length { expected: PROOF_BYTES, got: given.len() })?;
            let mut next = || (a.next().unwrap_or_else(missing), c.next().unwrap_or_else(missing));
            let ((a, c), b) = (next(), b.next().unwrap_or(Err(PointError::NotOnCurve)));
            let (a, b) = (a.map_err(at(ProofPart::A))?, b.map_err(at(ProofPart::B))?);
            match c {
                Ok(c) => Ok(Self { a, b, c }),
                // why: the first part refused is named, so C may be blamed only after B's subgroup
                // was checked.
                Err(reason) => match codec::in_subgroup(vec![Ok(b)]).pop() {
                    Some(Ok(_)) => Err(at(ProofPart::C)(reason)),
                    _ => Err(at(ProofPart::B)(PointError::NotInSubgroup)),
                },
            }
        });
        read.collect()
    }

    /// The point A.
    pub fn a(&self) -> &G1Affine {
        &self.a
    }

    /// The point B, perhaps outside the subgroup.
    pub fn b(&self) -> &G2Affine {
        &self.b
    }

    /// The point C.
    pub fn c(&self) -> &G1Affine {
        &self.c
    }
}

impl From<Proof> for ProofBytes {
    fn from(proof: Proof) -> Self {
        Self::Groth16(proof.to_bytes())
    }
}

impl TryFrom<&ProofBytes> for Proof {
    type Error = ProofError;

    fn try_from(bytes: &ProofBytes) -> Result<Self, ProofError> {
        // Irrefutable as long as Groth16 is the one system: a proof of a second one does not get
        // here unseen.
        let ProofBytes::Groth16(bytes) = bytes;
        Self::from_bytes(bytes)
    }
}

impl core::fmt::Debug for Proof {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Proof({PROOF_BYTES} bytes)")
    }
}
