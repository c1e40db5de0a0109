//! Points and coefficients, read in chunks.

use super::{Counts, Reader, ZkeyError};
use crate::binfile::{Container, Section, SectionId};
use crate::codec::PointError;
use crate::wtns::integer;
use amanat_accel::{Matrices, SparseMatrix};
use ark_bn254::{Fq, Fq2, Fr};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use ark_ff::{BigInt, BigInteger, PrimeField, Zero};
use rayon::prelude::*;
use std::io::{self, Read, Seek, Write};

/// Bytes read at a time, at least.
const CHUNK_BYTES: usize = 1 << 20;

/// Bytes of a coefficient: matrix, row, variable, value.
pub(super) const COEFFICIENT: u64 = 3 * 4 + 32;

/// A point of section 5 to 9: affine, Montgomery form, infinity all zeros.
pub(super) trait Raw: AffineRepr + Send + Sync {
    /// Length of the encoding.
    const BYTES: usize;

    /// The point, on its curve.
    fn decode(bytes: &[u8]) -> Result<Self, PointError>;

    /// Of points on the curve, which lie outside the group, if any: the first.
    fn first_outside(points: &[Self]) -> Option<usize>;

    /// The encoding.
    fn encode(&self, out: &mut Vec<u8>);
}

fn coordinate(bytes: &[u8], index: usize) -> Result<Fq, PointError> {
    let raw = integer(bytes.as_chunks::<32>().0.get(index).ok_or(PointError::NotCanonical)?);
    if raw < Fq::MODULUS { Ok(Fq::new_unchecked(raw)) } else { Err(PointError::NotCanonical) }
}

impl Raw for Affine<ark_bn254::g1::Config> {
    const BYTES: usize = 64;

    fn decode(bytes: &[u8]) -> Result<Self, PointError> {
        let (x, y) = (coordinate(bytes, 0)?, coordinate(bytes, 1)?);
        if x.is_zero() && y.is_zero() {
            return Ok(Self::identity());
        }
        let point = Self::new_unchecked(x, y);
        if point.is_on_curve() { Ok(point) } else { Err(PointError::NotOnCurve) }
    }

    /// The curve has no points outside the group.
    fn first_outside(_: &[Self]) -> Option<usize> {
        None
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let (x, y) = self.xy().unwrap_or_default();
        [x, y].iter().for_each(|c| out.extend_from_slice(&c.0.to_bytes_le()));
    }
}

impl Raw for Affine<ark_bn254::g2::Config> {
    const BYTES: usize = 128;

    fn decode(bytes: &[u8]) -> Result<Self, PointError> {
        let x = Fq2::new(coordinate(bytes, 0)?, coordinate(bytes, 1)?);
        let y = Fq2::new(coordinate(bytes, 2)?, coordinate(bytes, 3)?);
        if x.is_zero() && y.is_zero() {
            return Ok(Self::identity());
        }
        let point = Self::new_unchecked(x, y);
        if point.is_on_curve() { Ok(point) } else { Err(PointError::NotOnCurve) }
    }

    fn first_outside(points: &[Self]) -> Option<usize> {
        let backend = amanat_accel::default_backend();
        let inside = points.par_chunks(256).flat_map_iter(|points| backend.in_subgroup_g2(points));
        inside.collect::<Vec<bool>>().iter().position(|inside| !inside)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let (x, y) = self.xy().unwrap_or_default();
        [x.c0, x.c1, y.c0, y.c1].iter().for_each(|c| out.extend_from_slice(&c.0.to_bytes_le()));
    }
}

/// One point of the header, which may not be infinity.
pub(super) fn point<P: Raw, S: Read>(
    section: &mut Section<'_, S>,
    what: SectionId,
    index: usize,
) -> Result<P, ZkeyError> {
    let offset = section.offset();
    let mut bytes = [0; 128];
    section.fill(&mut bytes[..P::BYTES])?;
    let refused = |reason| ZkeyError::Point { what, offset, index, reason };
    let point = P::decode(&bytes[..P::BYTES]).map_err(refused)?;
    match () {
        () if point.is_zero() => Err(refused(PointError::Infinity)),
        () if P::first_outside(&[point]).is_some() => Err(refused(PointError::NotInSubgroup)),
        () => Ok(point),
    }
}

/// All points of a section, whose length is a multiple of the encoding's.
pub(super) fn points<P: Raw, S: Read>(
    section: &mut Section<'_, S>,
    what: SectionId,
    reader: &mut Reader<'_>,
) -> Result<Vec<P>, ZkeyError> {
    let first = section.offset();
    let count = usize::try_from(section.length()).unwrap_or(usize::MAX) / P::BYTES;
    let per_chunk = CHUNK_BYTES / P::BYTES;
    let mut points = Vec::with_capacity(count);
    let mut buffer = vec![0; per_chunk.min(count) * P::BYTES];
    while points.len() < count {
        let (done, taken) = (points.len(), per_chunk.min(count - points.len()));
        let bytes = &mut buffer[..taken * P::BYTES];
        section.fill(bytes)?;
        let refused = |index: usize, reason| {
            let index = done + index;
            ZkeyError::Point { what, offset: first + (index * P::BYTES) as u64, index, reason }
        };
        let decode =
            |(index, bytes): (usize, &[u8])| P::decode(bytes).map_err(|reason| refused(index, reason));
        // Collected in two steps, so that of several errors the first is reported.
        let decoded: Vec<Result<P, ZkeyError>> =
            bytes.par_chunks_exact(P::BYTES).with_min_len(256).enumerate().map(decode).collect();
        let chunk = decoded.into_iter().collect::<Result<Vec<P>, _>>()?;
        if let Some(index) = P::first_outside(&chunk) {
            return Err(refused(index, PointError::NotInSubgroup));
        }
        points.extend_from_slice(&chunk);
        reader.advance(bytes.len() as u64)?;
    }
    Ok(points)
}

pub(super) fn write_points<P: Raw>(out: &mut impl Write, points: &[P]) -> io::Result<()> {
    let mut bytes = Vec::new();
    for chunk in points.chunks(CHUNK_BYTES / P::BYTES) {
        bytes.clear();
        chunk.iter().for_each(|point| point.encode(&mut bytes));
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// A coefficient as the file has it.
struct Coefficient {
    matrix: usize,
    row: usize,
    variable: u32,
    value: Fr,
}

impl Coefficient {
    fn decode(bytes: &[u8; COEFFICIENT as usize], counts: &Counts) -> Result<Self, &'static str> {
        let (numbers, value) = bytes.split_at(12);
        let number =
            |i: usize| numbers.as_chunks::<4>().0.get(i).map_or(u32::MAX, |n| u32::from_le_bytes(*n));
        let (matrix, row, variable) = (number(0), number(1), number(2));
        let raw = value.as_chunks::<32>().0.first().map_or(BigInt::new([u64::MAX; 4]), integer);
        match () {
            () if matrix > 1 => Err("it belongs to neither A nor B"),
            () if row >= counts.domain => Err("its row is outside the domain"),
            () if variable >= counts.variables => Err("its variable does not exist"),
            () if raw >= Fr::MODULUS => Err("its value is not below the scalar field's modulus"),
            () => Ok(Self {
                matrix: matrix as usize,
                row: row as usize,
                variable,
                // The file has the value times R^2: the raw form of value * R. Its integer
                // is the value's raw form.
                value: Fr::new_unchecked(Fr::new_unchecked(raw).into_bigint()),
            }),
        }
    }
}

/// Section 4, read twice: once to count the terms of each row, once to put them in their places.
pub(super) fn matrices<S: Read + Seek>(
    file: &mut Container<S>,
    what: SectionId,
    counts: &Counts,
    reader: &mut Reader<'_>,
) -> Result<Matrices, ZkeyError> {
    let mut section = file.section(what)?;
    let count = section.number()?;
    let expected = 4 + u64::from(count) * COEFFICIENT;
    if section.length() != expected {
        return Err(section
            .wrong_length(expected, ", by the number of coefficients at its beginning")
            .into());
    }
    // The domain is bounded by the file's size: section 9 has a point for each of its points.
    let rows = counts.domain as usize;
    let mut starts = [vec![0u32; rows + 1], vec![0u32; rows + 1]];
    each(&mut section, count, counts, |c| starts[c.matrix][c.row + 1] += 1)?;
    for starts in &mut starts {
        let mut sum = 0;
        for start in starts.iter_mut() {
            sum += *start;
            *start = sum;
        }
    }
    let mut terms = [0, 1].map(|m| vec![(0u32, Fr::zero()); starts[m][rows] as usize]);
    let mut next = starts.clone();
    let mut section = file.section(what)?;
    section.number()?;
    each(&mut section, count, counts, |c| {
        let place = &mut next[c.matrix][c.row];
        terms[c.matrix][*place as usize] = (c.variable, c.value);
        *place += 1;
    })?;
    drop(next);
    reader.advance(expected)?;
    let [a, b] = starts.map(trimmed);
    let [a_terms, b_terms] = terms;
    Ok(Matrices {
        num_variables: counts.variables as usize,
        domain_size: rows,
        a: SparseMatrix::new(a, a_terms),
        b: SparseMatrix::new(b, b_terms),
        c: None,
    })
}

/// Without the empty rows at the end.
fn trimmed(mut starts: Vec<u32>) -> Vec<u32> {
    let end = starts.last().copied().unwrap_or(0);
    let rows = starts.partition_point(|start| *start < end);
    starts.truncate(rows + 1);
    starts.shrink_to_fit();
    starts
}

/// Calls `take` with each of `count` coefficients.
fn each<S: Read>(
    section: &mut Section<'_, S>,
    count: u32,
    counts: &Counts,
    mut take: impl FnMut(&Coefficient),
) -> Result<(), ZkeyError> {
    const SIZE: usize = COEFFICIENT as usize;
    let first = section.offset();
    let count = count as usize;
    let per_chunk = CHUNK_BYTES / SIZE;
    let mut buffer = vec![0; per_chunk.min(count) * SIZE];
    let mut done = 0;
    while done < count {
        let taken = per_chunk.min(count - done);
        let bytes = &mut buffer[..taken * SIZE];
        section.fill(bytes)?;
        let refused = |index: usize, reason| {
            let index = done + index;
            ZkeyError::Coefficient { offset: first + (index * SIZE) as u64, index, reason }
        };
        let decode = |(index, bytes): (usize, &[u8; SIZE])| {
            Coefficient::decode(bytes, counts).map_err(|reason| refused(index, reason))
        };
        let chunks = bytes.as_chunks::<SIZE>().0.par_iter().with_min_len(1024);
        let decoded: Vec<Result<Coefficient, ZkeyError>> = chunks.enumerate().map(decode).collect();
        for coefficient in decoded {
            take(&coefficient?);
        }
        done += taken;
    }
    Ok(())
}
