//! The proving key and its file.
//!
//! # Trust
//! A proving key holds some hundred thousand points. Reading checks every coordinate (canonical, on
//! its curve), but neither the subgroup of each point nor that the points belong to the circuit:
//! that is what the SHA-256 digest in the manifest stands for, which covers every byte of the file.
//! So a file is believed exactly as far as the manifest that names it. A wrong proving key cannot
//! make a false statement provable (that is the verifying key's affair); what it could do is make
//! proofs that fail, or proofs that leak through maliciously chosen points, hence the digest.
//!
//! # Format
//! Header as in a verifying key (76 bytes, magic `AMNTPK01`), the verifying key (588), number of
//! variables and domain size (u64, little-endian), then uncompressed points: beta and delta in G1,
//! A, B in G1, B in G2, H, L.

use crate::codec::{PointError, Uncompressed};
use crate::groth16::points::IC_POINTS;
use crate::groth16::verifying_key::{VERIFYING_KEY_BYTES, VerifyingKey, VkError};
use crate::header::{HeaderError, KeyHeader, KeyKind};
use amanat_domain::statement::Statement;
use ark_bn254::{G1Affine, G2Affine};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// Header, verifying key, two counts, beta and delta in G1.
const FIXED_BYTES: usize = KeyHeader::BYTES + VERIFYING_KEY_BYTES + 16 + 2 * G1Affine::BYTES;

/// The scalar field has no larger subgroup of two-power order, so no domain is larger.
const MAX_DOMAIN: u64 = 1 << 28;

/// The prover's points.
#[derive(Clone, PartialEq, Eq)]
pub struct Queries {
    /// `beta` in G1.
    pub beta_g1: G1Affine,
    /// `delta` in G1.
    pub delta_g1: G1Affine,
    /// `a_i(tau)` in G1, one for each variable.
    pub a: Vec<G1Affine>,
    /// `b_i(tau)` in G1, one for each variable.
    pub b_g1: Vec<G1Affine>,
    /// `b_i(tau)` in G2, one for each variable.
    pub b_g2: Vec<G2Affine>,
    /// `tau^i Z(tau) / delta` in G1, one less than the domain's size.
    pub h: Vec<G1Affine>,
    /// `(beta a_i(tau) + alpha b_i(tau) + c_i(tau)) / delta` in G1, one for each private variable.
    pub l: Vec<G1Affine>,
}

/// A proving key, with its verifying key.
#[derive(Clone, PartialEq, Eq)]
pub struct ProvingKey {
    vk: VerifyingKey,
    queries: Queries,
    digest: [u8; 32],
}

/// One of the lists of points in a proving key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// beta and delta in G1.
    Fixed,
    /// A.
    A,
    /// B in G1.
    B1,
    /// B in G2.
    B2,
    /// H.
    H,
    /// L.
    L,
}

/// What a caller wants to load; everything else is a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Statement of the circuit.
    pub statement: Statement,
    /// Version of the circuit.
    pub version: u16,
    /// Digest of the constraint system.
    pub r1cs: [u8; 32],
    /// SHA-256 of the whole file, from the manifest.
    pub digest: [u8; 32],
}

/// Why a file is not the proving key that was asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file is shorter or longer than its own header says, or than any key.
    #[error(
        "a key file of {expected} bytes was expected, got {got}: it is truncated or damaged; delete it and fetch or make it again"
    )]
    Length {
        /// Bytes, by the file's own counts.
        expected: u64,
        /// Bytes there are.
        got: u64,
    },
    /// The counts contradict each other or every possible circuit.
    #[error(
        "impossible sizes ({variables} variables, domain {domain}): the file is damaged; delete it and fetch or make it again"
    )]
    Counts {
        /// Number of variables claimed.
        variables: u64,
        /// Domain size claimed.
        domain: u64,
    },
    /// The header is refused.
    #[error("proving key: {0}")]
    Header(#[from] HeaderError),
    /// Made for another statement.
    #[error("the key is for statement {got}, expected {expected}")]
    Statement {
        /// Asked for.
        expected: Statement,
        /// Found.
        got: Statement,
    },
    /// Made for another version of the circuit.
    #[error("the key is for circuit version {got}, expected {expected}: install the key of that version")]
    Version {
        /// Asked for.
        expected: u16,
        /// Found.
        got: u16,
    },
    /// Made for another constraint system.
    #[error(
        "the key was made for the constraint system {}, expected {}: it belongs to another build of the circuit",
        hex::encode(got),
        hex::encode(expected)
    )]
    R1cs {
        /// Asked for.
        expected: [u8; 32],
        /// Found.
        got: [u8; 32],
    },
    /// Not the file the manifest names.
    #[error(
        "the key file's SHA-256 is {}, expected {}: it was changed or damaged; delete it and fetch or make it again",
        hex::encode(got),
        hex::encode(expected)
    )]
    Digest {
        /// Asked for.
        expected: [u8; 32],
        /// Found.
        got: [u8; 32],
    },
    /// The verifying key inside is refused.
    #[error(transparent)]
    VerifyingKey(#[from] VkError),
    /// The verifying key inside is of another statement, version, circuit or origin than the file
    /// around it.
    #[error("the verifying key inside the file belongs to another key")]
    Mixed,
    /// A point is refused.
    #[error("query {query:?}: point {index}: {reason}")]
    Point {
        /// In which list.
        query: Query,
        /// Where in it.
        index: usize,
        /// Why.
        reason: PointError,
    },
    /// The lists do not fit each other.
    #[error("query {query:?} has {got} points, expected {expected}")]
    QueryLength {
        /// Which list.
        query: Query,
        /// By the number of variables and the domain.
        expected: usize,
        /// Found.
        got: usize,
    },
}

impl ProvingKey {
    /// Puts a key together from its parts, for example after a ceremony.
    ///
    /// # Errors
    /// [`KeyError::QueryLength`] or [`KeyError::Counts`] if the lists do not fit each other.
    pub fn new(vk: VerifyingKey, queries: Queries) -> Result<Self, KeyError> {
        let variables = queries.a.len();
        let domain = queries.h.len() + 1;
        file_bytes(variables as u64, domain as u64)?;
        for (query, expected, got) in [
            (Query::B1, variables, queries.b_g1.len()),
            (Query::B2, variables, queries.b_g2.len()),
            (Query::L, variables - IC_POINTS, queries.l.len()),
        ] {
            if expected != got {
                return Err(KeyError::QueryLength { query, expected, got });
            }
        }
        let mut key = Self { vk, queries, digest: [0; 32] };
        key.digest = Sha256::digest(key.to_bytes()).into();
        Ok(key)
    }

    /// The whole file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let q = &self.queries;
        let mut out = Vec::new();
        out.extend_from_slice(&self.vk.header().to_bytes(KeyKind::Proving));
        out.extend_from_slice(&self.vk.to_bytes());
        out.extend_from_slice(&(q.a.len() as u64).to_le_bytes());
        out.extend_from_slice(&(q.h.len() as u64 + 1).to_le_bytes());
        q.beta_g1.write(&mut out);
        q.delta_g1.write(&mut out);
        out.reserve_exact(
            (q.a.len() + q.b_g1.len() + 2 * q.b_g2.len() + q.h.len() + q.l.len()) * G1Affine::BYTES,
        );
        q.a.iter().for_each(|p| p.write(&mut out));
        q.b_g1.iter().for_each(|p| p.write(&mut out));
        q.b_g2.iter().for_each(|p| p.write(&mut out));
        q.h.iter().for_each(|p| p.write(&mut out));
        q.l.iter().for_each(|p| p.write(&mut out));
        out
    }

    /// Reads a whole file, if it is the expected one. Header, sizes and digest are checked before
    /// any point.
    ///
    /// # Errors
    /// What differs first: header, statement, version, constraint system, length, digest, points.
    pub fn from_bytes(bytes: &[u8], expected: &Expected) -> Result<Self, KeyError> {
        let got = bytes.len() as u64;
        let too_short = || KeyError::Length { expected: FIXED_BYTES as u64, got };
        let (head, rest) = bytes.split_first_chunk::<{ KeyHeader::BYTES }>().ok_or_else(too_short)?;
        let header = KeyHeader::from_bytes(KeyKind::Proving, head)?;
        expected.check(&header)?;
        let (vk_bytes, rest) = rest.split_at_checked(VERIFYING_KEY_BYTES).ok_or_else(too_short)?;
        let (variables, rest) = rest.split_first_chunk::<8>().ok_or_else(too_short)?;
        let (domain, rest) = rest.split_first_chunk::<8>().ok_or_else(too_short)?;
        let (variables, domain) = (u64::from_le_bytes(*variables), u64::from_le_bytes(*domain));
        let needed = file_bytes(variables, domain)?;
        if got != needed {
            return Err(KeyError::Length { expected: needed, got });
        }
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        if digest != expected.digest {
            return Err(KeyError::Digest { expected: expected.digest, got: digest });
        }
        let vk = VerifyingKey::from_bytes(vk_bytes)?;
        if *vk.header() != header {
            return Err(KeyError::Mixed);
        }
        // No overflow: `file_bytes` has bounded both by 2^28, and the sum of all parts is the
        // file's length.
        let (variables, domain) = (variables as usize, domain as usize);
        let mut rest = rest;
        let fixed: Vec<G1Affine> = points(Query::Fixed, &mut rest, 2)?;
        let queries = Queries {
            beta_g1: fixed[0],
            delta_g1: fixed[1],
            a: points(Query::A, &mut rest, variables)?,
            b_g1: points(Query::B1, &mut rest, variables)?,
            b_g2: points(Query::B2, &mut rest, variables)?,
            h: points(Query::H, &mut rest, domain - 1)?,
            l: points(Query::L, &mut rest, variables - IC_POINTS)?,
        };
        Ok(Self { vk, queries, digest })
    }

    /// Statement, version, constraint system and origin.
    #[must_use]
    pub fn header(&self) -> &KeyHeader {
        self.vk.header()
    }

    /// The verifying key.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.vk
    }

    /// The points.
    #[must_use]
    pub fn queries(&self) -> &Queries {
        &self.queries
    }

    /// Number of variables of the constraint system, with the constant.
    #[must_use]
    pub fn num_variables(&self) -> usize {
        self.queries.a.len()
    }

    /// Size of the evaluation domain.
    #[must_use]
    pub fn domain_size(&self) -> usize {
        self.queries.h.len() + 1
    }

    /// SHA-256 of the whole file.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

impl core::fmt::Debug for ProvingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ProvingKey")
            .field("header", self.header())
            .field("variables", &self.num_variables())
            .field("domain", &self.domain_size())
            .field("digest", &hex::encode(self.digest))
            .finish()
    }
}

impl Expected {
    fn check(&self, header: &KeyHeader) -> Result<(), KeyError> {
        if header.statement != self.statement {
            return Err(KeyError::Statement { expected: self.statement, got: header.statement });
        }
        if header.version != self.version {
            return Err(KeyError::Version { expected: self.version, got: header.version });
        }
        if header.r1cs != self.r1cs {
            return Err(KeyError::R1cs { expected: self.r1cs, got: header.r1cs });
        }
        Ok(())
    }
}

/// Length of a file with these counts; refuses counts no circuit has.
fn file_bytes(variables: u64, domain: u64) -> Result<u64, KeyError> {
    let possible = (IC_POINTS as u64..=MAX_DOMAIN).contains(&variables)
        && domain.is_power_of_two()
        && (2..=MAX_DOMAIN).contains(&domain);
    if !possible {
        return Err(KeyError::Counts { variables, domain });
    }
    let (g1, g2) = (G1Affine::BYTES as u64, G2Affine::BYTES as u64);
    // At most 2^28 * 320 + 2^28 * 64: far below 2^64.
    Ok(FIXED_BYTES as u64
        + variables * (2 * g1 + g2)
        + (variables - IC_POINTS as u64) * g1
        + (domain - 1) * g1)
}

/// Takes `count` points off the front of `rest`, which the caller has found long enough.
fn points<P: Uncompressed>(query: Query, rest: &mut &[u8], count: usize) -> Result<Vec<P>, KeyError> {
    let missing = KeyError::Length { expected: (count * P::BYTES) as u64, got: rest.len() as u64 };
    let (mine, tail) = rest.split_at_checked(count * P::BYTES).ok_or(missing)?;
    *rest = tail;
    mine.par_chunks_exact(P::BYTES)
        .enumerate()
        .map(|(index, chunk)| P::read(chunk).map_err(|reason| KeyError::Point { query, index, reason }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Origin;
    use crate::testing::dev_keys;

    fn expected(pk: &ProvingKey) -> Expected {
        let header = pk.header();
        Expected {
            statement: header.statement,
            version: header.version,
            r1cs: header.r1cs,
            digest: pk.digest(),
        }
    }

    #[test]
    fn a_proving_key_comes_back_from_its_file() {
        let (pk, vk) = dev_keys();
        let back = ProvingKey::from_bytes(&pk.to_bytes(), &expected(pk)).expect("own bytes");
        assert!(back == *pk);
        assert_eq!(back.verifying_key(), vk);
        assert_eq!(back.header().origin, Origin::InsecureDev);
    }

    #[test]
    fn a_key_of_another_statement_version_circuit_or_digest_is_refused_by_name() {
        let pk = &dev_keys().0;
        let (bytes, right) = (pk.to_bytes(), expected(pk));
        let read =
            |wrong: Expected| ProvingKey::from_bytes(&bytes, &wrong).expect_err("a stranger").to_string();
        let text = read(Expected { statement: Statement::Role, ..right });
        assert_eq!(text, format!("the key is for statement {}, expected role", right.statement));
        let text = read(Expected { version: 2, ..right });
        assert!(text.starts_with("the key is for circuit version 1, expected 2"), "{text}");
        let text = read(Expected { r1cs: [9; 32], ..right });
        assert!(text.contains(&hex::encode([9; 32])) && text.contains(&hex::encode(right.r1cs)), "{text}");
        let text = read(Expected { digest: [9; 32], ..right });
        assert!(text.contains(&hex::encode([9; 32])) && text.contains(&hex::encode(right.digest)), "{text}");
    }

    #[test]
    fn truncated_extended_and_damaged_files_are_refused() {
        let pk = &dev_keys().0;
        let (bytes, right) = (pk.to_bytes(), expected(pk));
        for n in [0, 7, 75, 76, 300, FIXED_BYTES - 1, FIXED_BYTES, bytes.len() / 2, bytes.len() - 1] {
            assert!(
                matches!(ProvingKey::from_bytes(&bytes[..n], &right), Err(KeyError::Length { .. })),
                "{n}"
            );
        }
        let mut long = bytes.clone();
        long.push(0);
        assert!(matches!(ProvingKey::from_bytes(&long, &right), Err(KeyError::Length { .. })));
        for at in (0..bytes.len()).step_by(37) {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            assert!(ProvingKey::from_bytes(&changed, &right).is_err(), "byte {at}");
        }
    }

    #[test]
    fn absurd_counts_are_refused_before_anything_is_allocated() {
        let pk = &dev_keys().0;
        let right = expected(pk);
        let at = KeyHeader::BYTES + VERIFYING_KEY_BYTES;
        for (variables, domain) in
            [(u64::MAX, 8), (20, u64::MAX), (8, 8), (20, 24), (20, 1), (1 << 29, 2), (20, 0)]
        {
            let mut changed = pk.to_bytes();
            changed[at..at + 8].copy_from_slice(&variables.to_le_bytes());
            changed[at + 8..at + 16].copy_from_slice(&domain.to_le_bytes());
            let result = ProvingKey::from_bytes(&changed, &right);
            assert_eq!(result.err(), Some(KeyError::Counts { variables, domain }));
        }
        let mut changed = pk.to_bytes();
        changed[at..at + 8].copy_from_slice(&(1u64 << 28).to_le_bytes());
        assert!(matches!(ProvingKey::from_bytes(&changed, &right), Err(KeyError::Length { .. })));
    }

    #[test]
    fn a_point_off_its_curve_is_refused_even_where_the_digest_is_right() {
        let pk = &dev_keys().0;
        let mut bytes = pk.to_bytes();
        let last = bytes.len() - 32;
        bytes[last] ^= 1;
        let right = Expected { digest: Sha256::digest(&bytes).into(), ..expected(pk) };
        let result = ProvingKey::from_bytes(&bytes, &right);
        assert!(matches!(
            result,
            Err(KeyError::Point { query: Query::L, reason: PointError::NotOnCurve, .. })
        ));
    }
}
