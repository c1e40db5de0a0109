//! Bytes of curve points, strict both ways: one encoding for each point, one point for each
//! encoding.
//!
//! Compressed: arkworks' form. `x`, little-endian, with the two highest bits of the last byte as
//! flags: bit 7, `y` is the larger of the two roots; bit 6, infinity. Infinity is never accepted
//! here: no part of a proof or a verifying key may be it. Uncompressed (proving keys only): `x`
//! then `y`, little-endian; all zeros is infinity, since `(0, 0)` is on neither curve.

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, PrimeField};

/// Why 32 or 64 bytes are not a point we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// A coordinate is not below the base field's modulus.
    #[error("a coordinate is not below the base field modulus")]
    NotCanonical,
    /// Both flag bits are set.
    #[error("both flag bits are set")]
    Flags,
    /// The point at infinity.
    #[error("the point at infinity is not allowed")]
    Infinity,
    /// No point of the curve has this x coordinate, or y does not belong to x.
    #[error("not on the curve")]
    NotOnCurve,
    /// On the twist but outside the subgroup of order r.
    #[error("not in the subgroup of order r")]
    NotInSubgroup,
    /// The bytes are not the ones this point is encoded as.
    #[error("not the canonical encoding of its point")]
    NotReencoded,
}

pub(crate) const G1_BYTES: usize = 32;
pub(crate) const G2_BYTES: usize = 64;

const NEGATIVE: u8 = 1 << 7;
const INFINITY: u8 = 1 << 6;

pub(crate) fn fq_to_bytes(x: &Fq) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(&x.into_bigint().to_bytes_le());
    out
}

pub(crate) fn fq_from_bytes(bytes: &[u8; 32]) -> Option<Fq> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*chunk);
    }
    Fq::from_bigint(BigInt::new(limbs))
}

/// Splits the flags off the last byte.
fn take_flags(last: &mut u8) -> Result<bool, PointError> {
    let flags = *last & (NEGATIVE | INFINITY);
    *last &= !(NEGATIVE | INFINITY);
    match flags {
        0 => Ok(false),
        NEGATIVE => Ok(true),
        INFINITY => Err(PointError::Infinity),
        _ => Err(PointError::Flags),
    }
}

fn is_negative<P: SWCurveConfig>(point: &Affine<P>) -> bool {
    point.y > -point.y
}

/// The compressed encoding; infinity (which no decoder here accepts) is its flag alone.
pub(crate) fn g1_compress(point: &G1Affine) -> [u8; G1_BYTES] {
    if point.is_zero() {
        let mut out = [0; G1_BYTES];
        out[31] = INFINITY;
        return out;
    }
    let mut out = fq_to_bytes(&point.x);
    if is_negative(point) {
        out[31] |= NEGATIVE;
    }
    out
}

/// A coordinate x, and whether y is the larger of the two roots that belong to it.
pub(crate) type Lift<F> = (F, bool);

/// The bytes of a point of G1, all but the root.
pub(crate) fn g1_parse(bytes: &[u8; G1_BYTES]) -> Result<Lift<Fq>, PointError> {
    let mut x = *bytes;
    let negative = take_flags(&mut x[31])?;
    Ok((fq_from_bytes(&x).ok_or(PointError::NotCanonical)?, negative))
}

/// The bytes of a point of G2, all but the root.
pub(crate) fn g2_parse(bytes: &[u8; G2_BYTES]) -> Result<Lift<Fq2>, PointError> {
    let (mut c0, mut c1) = ([0; 32], [0; 32]);
    c0.copy_from_slice(&bytes[..32]);
    c1.copy_from_slice(&bytes[32..]);
    let negative = take_flags(&mut c1[31])?;
    match (fq_from_bytes(&c0), fq_from_bytes(&c1)) {
        (Some(c0), Some(c1)) => Ok((Fq2::new(c0, c1), negative)),
        _ => Err(PointError::NotCanonical),
    }
}

/// The points of all that was parsed, on their curve: `roots` finds each x its point, if it has
/// one.
///
/// The bytes are then the ones their point is encoded as: the coordinate was canonical, the flag is
/// that of the root taken. But for y = 0, which has no larger root.
pub(crate) fn lift<P: SWCurveConfig>(
    parsed: Vec<Result<Lift<P::BaseField>, PointError>>,
    roots: impl Fn(&[Lift<P::BaseField>]) -> Vec<Option<Affine<P>>>,
) -> Vec<Result<Affine<P>, PointError>> {
    let xs: Vec<_> = parsed.iter().flatten().copied().collect();
    let mut points = roots(&xs).into_iter();
    let lifted = parsed.into_iter().map(|parsed| {
        let (_, negative) = parsed?;
        let point = points.next().flatten().ok_or(PointError::NotOnCurve)?;
        if negative && point.y == P::BaseField::ZERO { Err(PointError::NotReencoded) } else { Ok(point) }
    });
    lifted.collect()
}

pub(crate) fn g1_decompress(bytes: &[u8; G1_BYTES]) -> Result<G1Affine, PointError> {
    one(lift(vec![g1_parse(bytes)], |xs| amanat_accel::default_backend().lift_g1(xs)))
}

/// Accepts points on the twist that are in the subgroup of order r; the others are refused.
pub(crate) fn in_subgroup(points: Vec<Result<G2Affine, PointError>>) -> Vec<Result<G2Affine, PointError>> {
    let on_curve: Vec<G2Affine> = points.iter().flatten().copied().collect();
    let mut members = amanat_accel::default_backend().in_subgroup_g2(&on_curve).into_iter();
    let checked = points.into_iter().map(|point| {
        let point = point?;
        if members.next() == Some(true) { Ok(point) } else { Err(PointError::NotInSubgroup) }
    });
    checked.collect()
}

fn one<T>(results: Vec<Result<T, PointError>>) -> Result<T, PointError> {
    results.into_iter().next().unwrap_or(Err(PointError::NotOnCurve))
}

/// The compressed encoding; infinity (which no decoder here accepts) is its flag alone.
pub(crate) fn g2_compress(point: &G2Affine) -> [u8; G2_BYTES] {
    let mut out = [0; G2_BYTES];
    if point.is_zero() {
        out[63] = INFINITY;
        return out;
    }
    out[..32].copy_from_slice(&fq_to_bytes(&point.x.c0));
    out[32..].copy_from_slice(&fq_to_bytes(&point.x.c1));
    if is_negative(point) {
        out[63] |= NEGATIVE;
    }
    out
}

pub(crate) fn g2_decompress(bytes: &[u8; G2_BYTES]) -> Result<G2Affine, PointError> {
    one(in_subgroup(lift(vec![g2_parse(bytes)], |xs| amanat_accel::default_backend().lift_g2(xs))))
}

/// A point in uncompressed form: curve membership is checked on reading, subgroup membership is
/// not.
pub(crate) trait Uncompressed: Sized + Send {
    /// Length of the encoding.
    const BYTES: usize;
    /// Appends the encoding.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads exactly [`BYTES`](Self::BYTES) bytes.
    fn read(bytes: &[u8]) -> Result<Self, PointError>;
}

fn fq_at(bytes: &[u8], index: usize) -> Result<Fq, PointError> {
    let chunk = bytes.as_chunks::<32>().0.get(index).ok_or(PointError::NotCanonical)?;
    fq_from_bytes(chunk).ok_or(PointError::NotCanonical)
}

fn on_curve<P: SWCurveConfig>(x: P::BaseField, y: P::BaseField) -> Result<Affine<P>, PointError> {
    if x == P::BaseField::ZERO && y == P::BaseField::ZERO {
        return Ok(Affine::identity());
    }
    let point = Affine::new_unchecked(x, y);
    if point.is_on_curve() { Ok(point) } else { Err(PointError::NotOnCurve) }
}

impl Uncompressed for Affine<ark_bn254::g1::Config> {
    const BYTES: usize = 64;
    fn write(&self, out: &mut Vec<u8>) {
        match self.xy() {
            Some((x, y)) => [x, y].iter().for_each(|c| out.extend_from_slice(&fq_to_bytes(c))),
            None => out.extend_from_slice(&[0; 64]),
        }
    }
    fn read(bytes: &[u8]) -> Result<Self, PointError> {
        on_curve(fq_at(bytes, 0)?, fq_at(bytes, 1)?)
    }
}

impl Uncompressed for Affine<ark_bn254::g2::Config> {
    const BYTES: usize = 128;
    fn write(&self, out: &mut Vec<u8>) {
        match self.xy() {
            Some((x, y)) => {
                [x.c0, x.c1, y.c0, y.c1].iter().for_each(|c| out.extend_from_slice(&fq_to_bytes(c)));
            }
            None => out.extend_from_slice(&[0; 128]),
        }
    }
    fn read(bytes: &[u8]) -> Result<Self, PointError> {
        let (x, y) =
            (Fq2::new(fq_at(bytes, 0)?, fq_at(bytes, 1)?), Fq2::new(fq_at(bytes, 2)?, fq_at(bytes, 3)?));
        on_curve(x, y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::g2_outside_the_subgroup;
    use ark_bn254::{G1Projective, G2Projective};
    use ark_ec::CurveGroup;
    use ark_ff::UniformRand;
    use ark_serialize::CanonicalSerialize;

    #[test]
    fn compressed_points_are_those_of_arkworks_and_come_back() {
        let mut rng = ark_std::test_rng();
        for _ in 0..50 {
            let (p, q) =
                (G1Projective::rand(&mut rng).into_affine(), G2Projective::rand(&mut rng).into_affine());
            let mut theirs = Vec::new();
            p.serialize_compressed(&mut theirs).expect("a vector takes every write");
            assert_eq!(theirs, g1_compress(&p));
            assert_eq!(g1_decompress(&g1_compress(&p)), Ok(p));
            theirs.clear();
            q.serialize_compressed(&mut theirs).expect("a vector takes every write");
            assert_eq!(theirs, g2_compress(&q));
            assert_eq!(g2_decompress(&g2_compress(&q)), Ok(q));
        }
        assert_eq!(g1_decompress(&g1_compress(&G1Affine::identity())), Err(PointError::Infinity));
        assert_eq!(g2_decompress(&g2_compress(&G2Affine::identity())), Err(PointError::Infinity));
    }

    #[test]
    fn uncompressed_points_come_back_with_infinity_and_strangers_are_refused() {
        let mut rng = ark_std::test_rng();
        let mut bytes = Vec::new();
        for p in [G1Affine::identity(), G1Projective::rand(&mut rng).into_affine()] {
            bytes.clear();
            p.write(&mut bytes);
            assert_eq!(G1Affine::read(&bytes), Ok(p));
        }
        for q in [G2Affine::identity(), G2Projective::rand(&mut rng).into_affine()] {
            bytes.clear();
            q.write(&mut bytes);
            assert_eq!(G2Affine::read(&bytes), Ok(q));
        }
        bytes[0] ^= 1;
        assert_eq!(G2Affine::read(&bytes), Err(PointError::NotOnCurve));
        assert_eq!(G1Affine::read(&[0xff; 64]), Err(PointError::NotCanonical));
        assert_eq!(G1Affine::read(&[0; 3]), Err(PointError::NotCanonical));
    }

    #[test]
    fn a_point_of_the_twist_outside_the_subgroup_is_refused() {
        for q in g2_outside_the_subgroup().take(5) {
            assert!(q.is_on_curve());
            assert_eq!(g2_decompress(&g2_compress(&q)), Err(PointError::NotInSubgroup));
        }
    }
}
