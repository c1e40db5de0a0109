//! Groth16 proving keys as snarkjs writes them: `.zkey`, over BN254.
//!
//! | section | holds |
//! |---|---|
//! | 1 | the proof system: 1 for Groth16 |
//! | 2 | both moduli with their lengths, number of variables, of public inputs, domain size; alpha, beta in G1 and G2, gamma, delta in G1 and G2 |
//! | 3 | IC: one point for the constant and each public input |
//! | 4 | coefficients of A and B: matrix (0 or 1), row, variable, value times R^2 |
//! | 5, 6, 7 | A, B in G1, B in G2: one point for each variable |
//! | 8 | L, "C" in snarkjs: one point for each private variable |
//! | 9 | H: one point for each point of the domain |
//! | 10 | contributions to the ceremony; not read |
//!
//! Points are affine in Montgomery form (R = 2^256), infinity is all zeros. Coefficients are
//! multiplied by R once more, so that a plain product with a canonical witness comes out in
//! Montgomery form. There is no C: see [`amanat_accel::Matrices::c`]. A's last rows are those for
//! the constant and the public inputs.
//!
//! # Trust
//! Reading checks form: every coordinate canonical, every point on its curve and in its group,
//! every index in range. That a key belongs to a circuit, and that nobody knows its trapdoor, only
//! its ceremony can say (`snarkjs zkey verify`).

mod decode;

use crate::binfile::{BinaryError, Container, Section, SectionId, write_head, write_section};
use crate::codec::PointError;
use crate::groth16::points::VkPoints;
use crate::groth16::proving_key::Queries;
use amanat_accel::Matrices;
use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, PrimeField};
use core::ops::ControlFlow;
use decode::{Raw, matrices, point, points, write_points};
use std::io::{self, Read, Seek, Write};

const KIND: &str = "zkey";
const NEWEST: u32 = 2;
const GROTH16: u32 = 1;

const fn part(number: u32, name: &'static str) -> SectionId {
    SectionId { number, name }
}

const PROTOCOL: SectionId = part(1, "proof system");
const HEADER: SectionId = part(2, "Groth16 header");
const IC: SectionId = part(3, "IC points");
const COEFFICIENTS: SectionId = part(4, "coefficients");
const A: SectionId = part(5, "A points");
const B1: SectionId = part(6, "B points in G1");
const B2: SectionId = part(7, "B points in G2");
const L: SectionId = part(8, "L points");
const H: SectionId = part(9, "H points");
const CONTRIBUTIONS: SectionId = part(10, "contributions");
const PARTS: [SectionId; 10] = [PROTOCOL, HEADER, IC, COEFFICIENTS, A, B1, B2, L, H, CONTRIBUTIONS];

const G1: u64 = G1Affine::BYTES as u64;
const G2: u64 = G2Affine::BYTES as u64;
const HEADER_BYTES: u64 = 2 * (4 + 32) + 3 * 4 + 3 * G1 + 3 * G2;

/// The prover needs a root of unity of twice the domain's order; the scalar field has none above
/// 2^28.
const MAX_DOMAIN: u32 = 1 << 27;

/// A proving key of any circuit over BN254.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_params::Zkey;
/// use std::{fs::File, io::BufReader, ops::ControlFlow};
/// let file = BufReader::new(File::open("circuit.zkey")?);
/// let key = Zkey::read(file, &|_, _| ControlFlow::Continue(()))?;
/// println!("{} public inputs", key.num_public);
/// if !key.has_contributions() {
///     println!("anyone can forge proofs under this key");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Zkey {
    /// Public inputs (circom's outputs first), without the constant.
    pub num_public: usize,
    /// A and B, with the rows for the public inputs. No C.
    pub matrices: Matrices,
    /// The verifying key.
    pub vk: VkPoints,
    /// The prover's points; H has one for each point of the domain.
    pub queries: Queries,
}

/// Why a file is not a Groth16 key over BN254.
#[derive(Debug, thiserror::Error)]
pub enum ZkeyError {
    /// The container is refused.
    #[error(transparent)]
    File(#[from] BinaryError),
    /// A key of another proof system.
    #[error(
        "section 1 (proof system), offset {offset}: the key is for {}, not for Groth16; make one with `snarkjs groth16 setup`",
        protocol(*.got)
    )]
    Protocol {
        /// The place of the number.
        offset: u64,
        /// snarkjs' number of the system.
        got: u32,
    },
    /// A key over another curve.
    #[error(
        "section 2 (Groth16 header), offset {offset}: the {which} is not BN254's; only keys over BN254 (bn128) can be used"
    )]
    Field {
        /// Which modulus.
        which: &'static str,
        /// Where its length stands.
        offset: u64,
    },
    /// The counts contradict each other or every possible circuit.
    #[error(
        "section 2 (Groth16 header), offset {offset}: impossible sizes ({variables} variables, {public} public inputs, domain {domain}): {reason}"
    )]
    Counts {
        /// Their place.
        offset: u64,
        /// Number of variables claimed.
        variables: u32,
        /// Number of public inputs claimed.
        public: u32,
        /// Domain size claimed.
        domain: u32,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// A point is refused.
    #[error("{what}, offset {offset}: point {index}: {reason}; the file is damaged, fetch or make it again")]
    Point {
        /// In which section.
        what: SectionId,
        /// Where in the file.
        offset: u64,
        /// Where in the section.
        index: usize,
        /// Why.
        reason: PointError,
    },
    /// A coefficient is refused.
    #[error(
        "section 4 (coefficients), offset {offset}: coefficient {index}: {reason}; the file is damaged, fetch or make it again"
    )]
    Coefficient {
        /// Where in the file.
        offset: u64,
        /// Which.
        index: usize,
        /// Why.
        reason: &'static str,
    },
    /// The caller said stop.
    #[error("cancelled")]
    Cancelled,
}

fn protocol(number: u32) -> String {
    match number {
        2 => "PLONK".to_owned(),
        10 => "FFLONK".to_owned(),
        other => format!("an unknown proof system (number {other})"),
    }
}

/// Hears how many bytes of how many have been read, and may stop the reading.
pub type Progress<'a> = &'a dyn Fn(u64, u64) -> ControlFlow<()>;

/// The counts of a header.
struct Counts {
    variables: u32,
    public: u32,
    domain: u32,
}

impl Zkey {
    /// Reads a file. Takes no more memory than about one and a half times the file's length:
    /// nothing is allocated that the file does not back.
    ///
    /// # Errors
    /// What is wrong first: sections, header, lengths, then contents.
    pub fn read(source: impl Read + Seek, progress: Progress<'_>) -> Result<Self, ZkeyError> {
        let mut file = Container::open(source, KIND, NEWEST, &PARTS)?;
        let mut reader = Reader { total: file.total(), done: 0, progress };
        let mut section = file.section_of(PROTOCOL, 4, " by the format")?;
        let offset = section.offset();
        let got = section.number()?;
        if got != GROTH16 {
            return Err(ZkeyError::Protocol { offset, got });
        }
        let (counts, fixed) = header(&mut file.section_of(HEADER, HEADER_BYTES, " by the format")?)?;
        let Counts { variables, public, domain } = counts;
        // All lengths are checked before anything is allocated: they bound the counts by the file's
        // own size.
        let (n, ic) = (u64::from(variables), u64::from(public) + 1);
        let why = " by the counts in section 2";
        for (what, length) in [
            (IC, ic * G1),
            (A, n * G1),
            (B1, n * G1),
            (B2, n * G2),
            (L, (n - ic) * G1),
            (H, u64::from(domain) * G1),
        ] {
            file.section_of(what, length, why)?;
        }
        let matrices = matrices(&mut file, COEFFICIENTS, &counts, &mut reader)?;
        let ic = points(&mut file.section(IC)?, IC, &mut reader)?;
        if let Some(index) = ic.iter().position(G1Affine::is_zero) {
            let offset = file.section(IC)?.offset() + index as u64 * G1;
            return Err(ZkeyError::Point { what: IC, offset, index, reason: PointError::Infinity });
        }
        let queries = Queries {
            beta_g1: fixed.beta_g1,
            delta_g1: fixed.delta_g1,
            a: points(&mut file.section(A)?, A, &mut reader)?,
            b_g1: points(&mut file.section(B1)?, B1, &mut reader)?,
            b_g2: points(&mut file.section(B2)?, B2, &mut reader)?,
            h: points(&mut file.section(H)?, H, &mut reader)?,
            l: points(&mut file.section(L)?, L, &mut reader)?,
        };
        let vk = VkPoints { ic, ..fixed.vk };
        Ok(Self { num_public: public as usize, matrices, vk, queries })
    }

    /// Writes a file of version 1, without contributions.
    ///
    /// # Errors
    /// The writer's; [`io::ErrorKind::InvalidInput`] where a count does not fit the format, or the
    /// matrices have a C, which the format has no place for.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { num_public, matrices, vk, queries: q } = self;
        let number = |n: usize| u32::try_from(n).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
        if matrices.c.is_some() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        write_head(out, KIND, 1, 10)?;
        write_section(out, PROTOCOL, 4)?;
        out.write_all(&GROTH16.to_le_bytes())?;

        write_section(out, HEADER, HEADER_BYTES)?;
        for modulus in [Fq::MODULUS, Fr::MODULUS] {
            out.write_all(&32u32.to_le_bytes())?;
            out.write_all(&modulus.to_bytes_le())?;
        }
        for count in [matrices.num_variables, *num_public, matrices.domain_size] {
            out.write_all(&number(count)?.to_le_bytes())?;
        }
        write_points(out, &[vk.alpha_g1, q.beta_g1])?;
        write_points(out, &[vk.beta_g2, vk.gamma_g2])?;
        write_points(out, &[q.delta_g1])?;
        write_points(out, &[vk.delta_g2])?;

        let count = number(matrices.a.terms().len() + matrices.b.terms().len())?;
        write_section(out, COEFFICIENTS, 4 + u64::from(count) * decode::COEFFICIENT)?;
        out.write_all(&count.to_le_bytes())?;
        // A value times R^2 is the raw form of the value times R.
        let r = Fr::from(2u64).pow([256]);
        for row in 0..matrices.a.rows().max(matrices.b.rows()) {
            for (matrix, rows) in [(0u32, &matrices.a), (1, &matrices.b)] {
                if row >= rows.rows() {
                    continue;
                }
                for (variable, value) in rows.row(row) {
                    for number in [matrix, row as u32, *variable] {
                        out.write_all(&number.to_le_bytes())?;
                    }
                    out.write_all(&(*value * r).0.to_bytes_le())?;
                }
            }
        }
        for (part, points) in [(IC, &vk.ic), (H, &q.h), (L, &q.l), (A, &q.a), (B1, &q.b_g1)] {
            write_section(out, part, points.len() as u64 * G1)?;
            write_points(out, points)?;
        }
        write_section(out, B2, q.b_g2.len() as u64 * G2)?;
        write_points(out, &q.b_g2)?;
        // The hash of the circuit (of nothing, here) and no contributions.
        write_section(out, CONTRIBUTIONS, 64 + 4)?;
        out.write_all(&[0; 68])
    }

    /// Whether a contribution has put a secret into delta, which `snarkjs zkey new` leaves at the
    /// generator. Without a secret, anybody can prove anything under this key.
    #[must_use]
    pub fn has_contributions(&self) -> bool {
        self.vk.delta_g2 != G2Affine::generator() && self.vk.delta_g2 != self.vk.gamma_g2
    }
}

/// Counts the bytes read, and tells.
struct Reader<'a> {
    total: u64,
    done: u64,
    progress: Progress<'a>,
}

impl Reader<'_> {
    fn advance(&mut self, bytes: u64) -> Result<(), ZkeyError> {
        self.done += bytes;
        match (self.progress)(self.done.min(self.total), self.total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ZkeyError::Cancelled),
        }
    }
}

/// What section 2 holds beside the counts.
struct FixedPoints {
    vk: VkPoints,
    beta_g1: G1Affine,
    delta_g1: G1Affine,
}

fn header<S: Read>(section: &mut Section<'_, S>) -> Result<(Counts, FixedPoints), ZkeyError> {
    for (which, modulus) in [("base field", Fq::MODULUS), ("scalar field", Fr::MODULUS)] {
        let offset = section.offset();
        if section.number()? != 32 || section.array::<32>()?[..] != modulus.to_bytes_le()[..] {
            return Err(ZkeyError::Field { which, offset });
        }
    }
    let offset = section.offset();
    let counts =
        Counts { variables: section.number()?, public: section.number()?, domain: section.number()? };
    let Counts { variables, public, domain } = counts;
    let reason = if variables.checked_sub(1).is_none_or(|others| others < public) {
        Some("there must be a variable for the constant and each public input")
    } else if !domain.is_power_of_two() || !(2..=MAX_DOMAIN).contains(&domain) {
        Some("a domain is a power of two from 2 to 2^27")
    } else if domain <= public {
        Some("the domain has no room for a row for each public input")
    } else {
        None
    };
    if let Some(reason) = reason {
        return Err(ZkeyError::Counts { offset, variables, public, domain, reason });
    }
    let (alpha_g1, beta_g1) = (point(section, HEADER, 0)?, point(section, HEADER, 1)?);
    let (beta_g2, gamma_g2) = (point(section, HEADER, 2)?, point(section, HEADER, 3)?);
    let (delta_g1, delta_g2) = (point(section, HEADER, 4)?, point(section, HEADER, 5)?);
    let vk = VkPoints { alpha_g1, beta_g2, gamma_g2, delta_g2, ic: Vec::new() };
    Ok((counts, FixedPoints { vk, beta_g1, delta_g1 }))
}

#[cfg(test)]
mod tests;
