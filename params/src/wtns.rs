//! Witnesses as circom's calculators and snarkjs write them: `.wtns`.
//!
//! Section 1: length of a number in bytes (32), the field's modulus, how many numbers. Section 2:
//! the numbers, canonical, little-endian: one, the outputs, the public inputs, everything else.

use crate::binfile::{BinaryError, Container, SectionId, write_head, write_section};
use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, One, PrimeField};
use std::io::{self, Read, Seek, Write};
use zeroize::{Zeroize, Zeroizing};

const KIND: &str = "wtns";
const VERSION: u32 = 2;
const HEADER: SectionId = SectionId { number: 1, name: "header" };
const VALUES: SectionId = SectionId { number: 2, name: "witness values" };
const PARTS: [SectionId; 2] = [HEADER, VALUES];

const HEADER_BYTES: u64 = 4 + 32 + 4;

/// Numbers read at a time.
const CHUNK: usize = 1 << 14;

/// An assignment of a circuit's variables. Wiped on drop, never printed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_domain::field::Fr;
/// use amanat_params::Witness;
/// let mut file = Vec::new();
/// Witness::new([1u64, 49, 7].map(Fr::from).to_vec()).write(&mut file)?;
/// let witness = Witness::read(std::io::Cursor::new(file))?;
/// assert_eq!(witness.values()[1], Fr::from(49u64));
/// # Ok(()) }
/// ```
pub struct Witness(Zeroizing<Vec<Fr>>);

/// Why a file is not a witness for BN254.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The container is refused.
    #[error(transparent)]
    File(#[from] BinaryError),
    /// Made for another curve.
    #[error(
        "section 1 (header), offset {offset}: the witness is over another field than BN254's scalars; compile the circuit with `--prime bn128`"
    )]
    Field {
        /// The place of the modulus, or its length.
        offset: u64,
    },
    /// A number is not below the modulus.
    #[error(
        "section 2 (witness values), offset {offset}: value {index} is not below the field's modulus; make the witness again"
    )]
    Value {
        /// Which number.
        index: usize,
        /// Its place.
        offset: u64,
    },
    /// The first number is not one.
    #[error(
        "section 2 (witness values), offset {offset}: the first value is not one; make the witness again"
    )]
    NotOne {
        /// Its place.
        offset: u64,
    },
}

impl Witness {
    /// Takes values as they are.
    #[must_use]
    pub fn new(values: Vec<Fr>) -> Self {
        Self(Zeroizing::new(values))
    }

    /// Reads a file. Takes no more memory than the file has bytes, and a buffer.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn read(source: impl Read + Seek) -> Result<Self, WitnessError> {
        let mut file = Container::open(source, KIND, VERSION, &PARTS)?;
        let mut header = file.section_of(HEADER, HEADER_BYTES, " by the format")?;
        let offset = header.offset();
        let (size, modulus, count) = (header.number()?, header.array::<32>()?, header.number()?);
        if size != 32 || modulus[..] != Fr::MODULUS.to_bytes_le()[..] {
            return Err(WitnessError::Field { offset });
        }
        let why = ", 32 for each value the header counts";
        let mut section = file.section_of(VALUES, 32 * u64::from(count), why)?;
        let count = count as usize;
        let mut values = Zeroizing::new(Vec::with_capacity(count));
        let mut buffer = Zeroizing::new(vec![0; 32 * CHUNK.min(count)]);
        let first = section.offset();
        while values.len() < count {
            let taken = CHUNK.min(count - values.len());
            section.fill(&mut buffer[..32 * taken])?;
            for bytes in buffer[..32 * taken].as_chunks::<32>().0 {
                let index = values.len();
                let value = Fr::from_bigint(integer(bytes));
                values.push(value.ok_or(WitnessError::Value { index, offset: first + 32 * index as u64 })?);
            }
        }
        match values.first() {
            Some(one) if one.is_one() => Ok(Self(values)),
            _ => Err(WitnessError::NotOne { offset: first }),
        }
    }

    /// Writes a file.
    ///
    /// # Errors
    /// The writer's; [`io::ErrorKind::InvalidInput`] where there are 2^32 values or more.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let count = u32::try_from(self.0.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        write_head(out, KIND, VERSION, 2)?;
        write_section(out, HEADER, HEADER_BYTES)?;
        out.write_all(&32u32.to_le_bytes())?;
        out.write_all(&Fr::MODULUS.to_bytes_le())?;
        out.write_all(&count.to_le_bytes())?;
        write_section(out, VALUES, 32 * u64::from(count))?;
        for value in self.0.iter() {
            let mut bytes = value.into_bigint().to_bytes_le();
            let written = out.write_all(&bytes);
            bytes.zeroize();
            written?;
        }
        Ok(())
    }

    /// The values: one, public, private.
    #[must_use]
    pub fn values(&self) -> &[Fr] {
        &self.0
    }
}

/// 32 little-endian bytes as an integer.
pub(crate) fn integer(bytes: &[u8; 32]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*chunk);
    }
    BigInt::new(limbs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sections, small_circuit, unsections};
    use std::io::Cursor;

    fn bytes(values: &[Fr]) -> Vec<u8> {
        let mut out = Vec::new();
        Witness::new(values.to_vec()).write(&mut out).expect("a vector takes every write");
        out
    }

    fn read(bytes: &[u8]) -> Result<Witness, WitnessError> {
        Witness::read(Cursor::new(bytes))
    }

    fn error(bytes: &[u8]) -> WitnessError {
        read(bytes).err().expect("refused")
    }

    fn with(number: u32, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut all = sections(&bytes(&small_circuit(2, 3, 6).1));
        change(&mut all.iter_mut().find(|(n, _)| *n == number).expect("both are there").1);
        unsections(b"wtns", 2, &all)
    }

    #[test]
    fn a_witness_comes_back_from_its_file() {
        // One of them longer than a chunk.
        for values in [vec![Fr::one()], small_circuit(2, 3, 6).1, vec![Fr::one(); CHUNK + 5]] {
            assert!(read(&bytes(&values)).expect("own bytes").values() == values);
        }
        let mut reversed = sections(&bytes(&[Fr::one()]));
        reversed.reverse();
        reversed.push((9, vec![1]));
        assert!(read(&unsections(b"wtns", 1, &reversed)).is_ok());
    }

    #[test]
    fn files_cut_continued_and_of_other_kinds_are_refused() {
        let good = bytes(&small_circuit(2, 3, 6).1);
        for end in 0..good.len() {
            assert!(
                matches!(error(&good[..end]), WitnessError::File(BinaryError::Truncated { .. })),
                "cut at {end}"
            );
        }
        let longer = [&good[..], &[0]].concat();
        assert!(matches!(error(&longer), WitnessError::File(BinaryError::Trailing { extra: 1, .. })));
        assert!(matches!(error(b"zkey\x01\0\0\0\0\0\0\0"), WitnessError::File(BinaryError::Magic { .. })));
        let versions = [0u32, 3].map(|v| [b"wtns", &v.to_le_bytes()[..], &[0; 4]].concat());
        assert!(versions.iter().all(|v| matches!(error(v), WitnessError::File(BinaryError::Version { .. }))));
        for number in [1, 2] {
            let mut fewer = sections(&good);
            fewer.retain(|(n, _)| *n != number);
            let missing = error(&unsections(b"wtns", 2, &fewer)).to_string();
            assert!(missing.starts_with(&format!("section {number} (")), "{missing}");
            let mut more = sections(&good);
            more.push((number, Vec::new()));
            assert!(matches!(
                error(&unsections(b"wtns", 2, &more)),
                WitnessError::File(BinaryError::Twice { .. })
            ));
        }
    }

    #[test]
    fn counts_other_fields_and_values_that_are_none_are_refused_with_their_place() {
        for count in [0u32, 5, 7, u32::MAX] {
            let error = error(&with(1, |header| header[36..].copy_from_slice(&count.to_le_bytes())));
            assert!(matches!(error, WitnessError::File(BinaryError::Length { .. })), "{count}: {error}");
        }
        for at in [0, 4, 35] {
            let error = error(&with(1, |header| header[at] ^= 1));
            assert!(matches!(error, WitnessError::Field { .. }), "{error}");
        }
        let modulus = Fr::MODULUS.to_bytes_le();
        for index in [0usize, 3, 5] {
            let bytes = with(2, |values| values[32 * index..][..32].copy_from_slice(&modulus));
            let error = error(&bytes);
            let WitnessError::Value { index: i, offset } = error else { panic!("{error}") };
            assert_eq!(i, index);
            assert_eq!(bytes[offset as usize..][..32], modulus);
        }
        let error = error(&with(2, |values| values[0] = 2));
        assert!(matches!(error, WitnessError::NotOne { .. }), "{error}");
        let mut none = sections(&bytes(&[Fr::one()]));
        none[0].1[36] = 0;
        none[1].1.clear();
        assert!(matches!(read(&unsections(b"wtns", 2, &none)), Err(WitnessError::NotOne { .. })));
    }
}
