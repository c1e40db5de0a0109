//! The JSON of snarkjs: `verification_key.json`, `proof.json`, `public.json`, so that tools we did
//! not write can check our proofs, and we theirs, for circuits with any number of public inputs.
//!
//! Numbers are decimal strings; points are projective with `z = 1`; coordinates in Fq2 are
//! `[c0, c1]`. Reading is strict: known fields only, plain decimal without sign or leading zero,
//! below the modulus, on the curve, in the subgroup. `vk_alphabeta_12` is not written (verifiers
//! compute it) and not believed when read. A proof need not name its curve (rapidsnark's do not),
//! for its key does. A refusal names the file and the element.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use amanat_domain::field::Fr;
//! use amanat_params::snarkjs;
//! let inputs = [3u64, 5].map(Fr::from);
//! assert_eq!(snarkjs::import_public(&snarkjs::export_public(&inputs))?, inputs);
//! let refused = snarkjs::import_public(r#"["03"]"#).expect_err("a leading zero");
//! println!("{refused}");
//! # Ok(()) }
//! ```

mod json;

use crate::codec::PointError;
use crate::groth16::circuit_key::CircuitKey;
use crate::groth16::lint::VkLint;
use crate::groth16::points::{VkPart, VkPoints};
use crate::groth16::proof::{Proof, ProofError, ProofPart};
use crate::groth16::verifying_key::VerifyingKey;
use crate::header::KeyHeader;
use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, One, PrimeField, Zero};
use json::{List, Raw};
use serde::{Deserialize, Serialize};

/// Public inputs a circuit may have; far more than any verifier on a chain could take.
pub const MAX_PUBLIC_INPUTS: usize = 1 << 16;

/// Length of a file of that many, as snarkjs lays it out, and some room.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// Why JSON is not what snarkjs writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnarkjsError {
    /// Not JSON of this shape.
    #[error("{file}: not what snarkjs writes: {reason}")]
    Json {
        /// Which kind of file.
        file: &'static str,
        /// What the reader found.
        reason: String,
    },
    /// Another proof system or curve.
    #[error("{file}: {field} {got}; Amanat verifies {expected}")]
    Kind {
        /// Which kind of file.
        file: &'static str,
        /// Which field.
        field: &'static str,
        /// What it says.
        got: String,
        /// What it may say.
        expected: &'static str,
    },
    /// A number or a point is refused.
    #[error("{file}: {element}: {fault}")]
    Element {
        /// Which kind of file.
        file: &'static str,
        /// Where in it, as in `IC[3].y` or `pi_b.x[0]`.
        element: String,
        /// What is wrong with it.
        fault: ElementFault,
    },
    /// The key contradicts itself.
    #[error("{FILE_KEY}: nPublic is {inputs}, the length of IC is {points}: it must be one more")]
    IcLength {
        /// Public inputs that the file claims.
        inputs: u64,
        /// IC points that it has.
        points: usize,
    },
    /// More public inputs than are read.
    #[error("{file}: {got} public inputs, at most {MAX_PUBLIC_INPUTS} are read")]
    TooMany {
        /// Which kind of file.
        file: &'static str,
        /// Found.
        got: usize,
    },
    /// The points are no verifying key of a statement of ours.
    #[error("{FILE_KEY}: {0}")]
    VerifyingKey(#[from] VkLint),
}

/// What is wrong with one element of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ElementFault {
    /// A JSON number or something else where text belongs.
    #[error("not a decimal number in quotes")]
    NotText,
    /// A sign, a leading zero, a space, another base.
    #[error("not a plain decimal number (digits alone, no leading zero)")]
    NotDecimal,
    /// The modulus or more: another name of a smaller number.
    #[error("not below the modulus of BN254's {0}")]
    TooLarge(&'static str),
    /// A point with too few or too many coordinates.
    #[error("{expected} coordinates are expected, not {got}")]
    Coordinates {
        /// Three, or two for each of a point in G2.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// The last coordinate is not one.
    #[error("z is not 1: the point at infinity and unnormalised points are refused")]
    NotAffine,
    /// No point of the group.
    #[error(transparent)]
    Point(PointError),
}

const FILE_KEY: &str = "verification_key.json";
const FILE_PROOF: &str = "proof.json";
const FILE_PUBLIC: &str = "public.json";

const GROTH16: &str = "groth16";
const BN128: &str = "bn128";

/// The longest plain number below either modulus.
const DIGITS: usize = 77;

/// Of such words as a file's text has a part in, this many characters are told.
const ECHO: usize = 240;

type G1Read = List<Raw, 3>;
type G2Read = List<List<Raw, 2>, 3>;
type G1Written = [String; 3];
type G2Written = [[String; 2]; 3];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofJson<G1, G2> {
    pi_a: G1,
    pi_b: G2,
    pi_c: G1,
    protocol: String,
    #[serde(default)]
    curve: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson<G1, G2, Ic> {
    protocol: String,
    curve: String,
    #[serde(rename = "nPublic")]
    n_public: u64,
    vk_alpha_1: G1,
    vk_beta_2: G2,
    vk_gamma_2: G2,
    vk_delta_2: G2,
    #[serde(default, skip_serializing)]
    #[allow(
        dead_code,
        reason = "accepted, because snarkjs writes it; not believed, because it follows from the rest"
    )]
    vk_alphabeta_12: Option<serde::de::IgnoredAny>,
    #[serde(rename = "IC")]
    ic: Ic,
}

/// What a file of any proof system says of itself.
#[derive(Deserialize)]
struct Kind {
    protocol: Option<Raw>,
    curve: Option<Raw>,
}

/// `verification_key.json` of a statement of ours.
#[must_use]
pub fn export_verifying_key(vk: &VerifyingKey) -> String {
    export_key_points(vk.points())
}

/// `verification_key.json` of any circuit; of a [`Zkey`](crate::Zkey)'s points, for example.
#[must_use]
pub fn export_key_points(points: &VkPoints) -> String {
    pretty(&KeyJson {
        protocol: GROTH16.to_owned(),
        curve: BN128.to_owned(),
        n_public: points.ic.len().saturating_sub(1) as u64,
        vk_alpha_1: g1_json(&points.alpha_g1),
        vk_beta_2: g2_json(&points.beta_g2),
        vk_gamma_2: g2_json(&points.gamma_g2),
        vk_delta_2: g2_json(&points.delta_g2),
        vk_alphabeta_12: None,
        ic: points.ic.iter().map(g1_json).collect::<Vec<_>>(),
    })
}

/// `proof.json`.
#[must_use]
pub fn export_proof(proof: &Proof) -> String {
    pretty(&ProofJson {
        pi_a: g1_json(proof.a()),
        pi_b: g2_json(proof.b()),
        pi_c: g1_json(proof.c()),
        protocol: GROTH16.to_owned(),
        curve: Some(BN128.to_owned()),
    })
}

/// `public.json`; of a statement, or of any circuit.
#[must_use]
pub fn export_public(inputs: &[Fr]) -> String {
    pretty(&inputs.iter().map(decimal).collect::<Vec<_>>())
}

/// Reads `verification_key.json` of a circuit with any number of public inputs, up to
/// [`MAX_PUBLIC_INPUTS`].
///
/// # Errors
/// What is wrong first.
pub fn import_circuit_key(json: &str) -> Result<CircuitKey, SnarkjsError> {
    const FILE: &str = FILE_KEY;
    kind(FILE, json)?;
    let file: KeyJson<G1Read, G2Read, List<G1Read, { MAX_PUBLIC_INPUTS + 1 }>> = parse(FILE, json)?;
    if file.ic.length > MAX_PUBLIC_INPUTS + 1 {
        return Err(SnarkjsError::TooMany { file: FILE, got: file.ic.length - 1 });
    }
    if file.ic.length.checked_sub(1).map(|n| n as u64) != Some(file.n_public) {
        return Err(SnarkjsError::IcLength { inputs: file.n_public, points: file.ic.length });
    }
    let ic = file.ic.kept.iter().enumerate();
    let points = VkPoints {
        alpha_g1: g1(FILE, || name(VkPart::Alpha), &file.vk_alpha_1)?,
        beta_g2: g2(FILE, || name(VkPart::Beta), &file.vk_beta_2)?,
        gamma_g2: g2(FILE, || name(VkPart::Gamma), &file.vk_gamma_2)?,
        delta_g2: g2(FILE, || name(VkPart::Delta), &file.vk_delta_2)?,
        ic: ic.map(|(i, p)| g1(FILE, || name(VkPart::Ic(i)), p)).collect::<Result<_, _>>()?,
    };
    CircuitKey::new(points).map_err(|lint| {
        let (part, fault) = match lint {
            VkLint::Infinity(part) => (part, PointError::Infinity),
            VkLint::NotOnCurve(part) => (part, PointError::NotOnCurve),
            VkLint::NotInSubgroup(part) => (part, PointError::NotInSubgroup),
            other => return other.into(),
        };
        SnarkjsError::Element { file: FILE, element: name(part), fault: ElementFault::Point(fault) }
    })
}

/// Reads `verification_key.json` of a statement of ours: eight public inputs, linted. What the key
/// is for is not in the file, so the caller says it.
///
/// # Errors
/// What is wrong first.
pub fn import_verifying_key(header: KeyHeader, json: &str) -> Result<VerifyingKey, SnarkjsError> {
    Ok(VerifyingKey::new(header, import_circuit_key(json)?.points().clone())?)
}

/// Reads `proof.json`.
///
/// # Errors
/// What is wrong first.
pub fn import_proof(json: &str) -> Result<Proof, SnarkjsError> {
    const FILE: &str = FILE_PROOF;
    kind(FILE, json)?;
    let file: ProofJson<G1Read, G2Read> = parse(FILE, json)?;
    let element = |name: &'static str| move || name.to_owned();
    let a = g1(FILE, element("pi_a"), &file.pi_a)?;
    let b = g2(FILE, element("pi_b"), &file.pi_b)?;
    let c = g1(FILE, element("pi_c"), &file.pi_c)?;
    Proof::from_points(a, b, c).map_err(|error| match error {
        ProofError::Point { part, reason } => {
            let element = match part {
                ProofPart::A => "pi_a",
                ProofPart::B => "pi_b",
                ProofPart::C => "pi_c",
            };
            SnarkjsError::Element {
                file: FILE,
                element: element.to_owned(),
                fault: ElementFault::Point(reason),
            }
        }
        length @ ProofError::Length { .. } => SnarkjsError::Json { file: FILE, reason: length.to_string() },
    })
}

/// Reads `public.json`, of any length up to [`MAX_PUBLIC_INPUTS`]. How many a key takes, the
/// verifier checks.
///
/// # Errors
/// What is wrong first; a number that is not below the modulus is refused, not reduced.
pub fn import_public(json: &str) -> Result<Vec<Fr>, SnarkjsError> {
    const FILE: &str = FILE_PUBLIC;
    let list: List<Raw, MAX_PUBLIC_INPUTS> = parse(FILE, json)?;
    if list.length > MAX_PUBLIC_INPUTS {
        return Err(SnarkjsError::TooMany { file: FILE, got: list.length });
    }
    let numbers = list.kept.iter().enumerate();
    numbers.map(|(i, raw)| number(FILE, || format!("[{i}]"), raw)).collect()
}

/// A point's name in `verification_key.json`.
fn name(part: VkPart) -> String {
    match part {
        VkPart::Alpha => "vk_alpha_1".to_owned(),
        VkPart::Beta => "vk_beta_2".to_owned(),
        VkPart::Gamma => "vk_gamma_2".to_owned(),
        VkPart::Delta => "vk_delta_2".to_owned(),
        VkPart::Ic(i) => format!("IC[{i}]"),
    }
}

fn parse<'a, T: Deserialize<'a>>(file: &'static str, json: &'a str) -> Result<T, SnarkjsError> {
    serde_json::from_str(json).map_err(|e| SnarkjsError::Json { file, reason: echo(&e.to_string()) })
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings and lists of strings are always JSON")
}

/// Text that a stranger's file had a part in: short, and nothing in it that a terminal would obey.
fn echo(text: &str) -> String {
    let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let mut short: String = text.chars().take(ECHO).map(plain).collect();
    if text.chars().nth(ECHO).is_some() {
        short.push_str("..");
    }
    short
}

/// Checks system and curve before anything else, for files of other systems have other fields.
fn kind(file: &'static str, json: &str) -> Result<(), SnarkjsError> {
    // To serde a list of the fields' values would do as well as an object.
    if !json.trim_start().starts_with('{') {
        return Err(SnarkjsError::Json { file, reason: "an object is expected".to_owned() });
    }
    let Kind { protocol, curve } = parse(file, json)?;
    for (field, expected, words, got) in
        [("protocol", GROTH16, GROTH16, protocol), ("curve", BN128, "bn128 (BN254)", curve)]
    {
        // What is missing, or no text, is for the reader of the whole.
        if let Some(Raw::Text(got)) = got
            && got != expected
        {
            return Err(SnarkjsError::Kind { file, field, got: echo(&got), expected: words });
        }
    }
    Ok(())
}

fn decimal<F: PrimeField>(x: &F) -> String {
    x.into_bigint().to_string()
}

/// A field of BN254, by name.
trait Named: PrimeField<BigInt = BigInt<4>> {
    const NAME: &'static str;
}

impl Named for Fq {
    const NAME: &'static str = "base field";
}

impl Named for Fr {
    const NAME: &'static str = "scalar field";
}

/// A plain decimal number below the modulus: no sign, no leading zero, no overflow.
fn number<F: Named>(file: &'static str, element: impl Fn() -> String, raw: &Raw) -> Result<F, SnarkjsError> {
    let refuse = |fault| SnarkjsError::Element { file, element: element(), fault };
    let text = match raw {
        Raw::Text(text) => text,
        Raw::NotText => return Err(refuse(ElementFault::NotText)),
    };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.starts_with('0') && text != "0") {
        return Err(refuse(ElementFault::NotDecimal));
    }
    if text.len() > DIGITS {
        return Err(refuse(ElementFault::TooLarge(F::NAME)));
    }
    let mut limbs = [0u64; 4];
    for digit in text.bytes() {
        // limbs = 10 * limbs + digit; 77 digits stay below 10^77 < 2^256, so the last carry is
        // zero.
        let mut carry = u128::from(digit - b'0');
        for limb in &mut limbs {
            let wide = u128::from(*limb) * 10 + carry;
            *limb = wide as u64;
            carry = wide >> 64;
        }
    }
    F::from_bigint(BigInt::new(limbs)).ok_or_else(|| refuse(ElementFault::TooLarge(F::NAME)))
}

fn g1_json(p: &G1Affine) -> G1Written {
    match p.xy() {
        Some((x, y)) => [decimal(&x), decimal(&y), "1".to_owned()],
        None => ["0".to_owned(), "1".to_owned(), "0".to_owned()],
    }
}

fn g2_json(p: &G2Affine) -> G2Written {
    let fq2 = |x: &Fq2| [decimal(&x.c0), decimal(&x.c1)];
    match p.xy() {
        Some((x, y)) => [fq2(&x), fq2(&y), fq2(&Fq2::one())],
        None => [fq2(&Fq2::zero()), fq2(&Fq2::one()), fq2(&Fq2::zero())],
    }
}

/// The elements of a list that has exactly `N`.
fn exactly<'a, T, const N: usize>(
    file: &'static str,
    element: impl Fn() -> String,
    list: &'a List<T, N>,
) -> Result<&'a [T; N], SnarkjsError> {
    let wrong = ElementFault::Coordinates { expected: N, got: list.length };
    match <&[T; N]>::try_from(list.kept.as_slice()) {
        Ok(all) if list.length == N => Ok(all),
        _ => Err(SnarkjsError::Element { file, element: element(), fault: wrong }),
    }
}

/// Affine coordinates; whether they are a point is checked by the proof or key they go into.
fn g1(file: &'static str, element: impl Fn() -> String, point: &G1Read) -> Result<G1Affine, SnarkjsError> {
    let [x, y, z] = exactly(file, &element, point)?;
    let coordinate = |axis: &str, raw| number::<Fq>(file, || format!("{}.{axis}", element()), raw);
    let (x, y, z) = (coordinate("x", x)?, coordinate("y", y)?, coordinate("z", z)?);
    if !z.is_one() {
        return Err(SnarkjsError::Element { file, element: element(), fault: ElementFault::NotAffine });
    }
    Ok(G1Affine::new_unchecked(x, y))
}

/// Affine coordinates; whether they are a point is checked by the proof or key they go into.
fn g2(file: &'static str, element: impl Fn() -> String, point: &G2Read) -> Result<G2Affine, SnarkjsError> {
    let [x, y, z] = exactly(file, &element, point)?;
    let coordinate = |axis: &str, pair| {
        let name = || format!("{}.{axis}", element());
        let [c0, c1] = exactly(file, name, pair)?;
        let half = |i: usize, raw| number::<Fq>(file, || format!("{}[{i}]", name()), raw);
        Ok::<_, SnarkjsError>(Fq2::new(half(0, c0)?, half(1, c1)?))
    };
    let (x, y, z) = (coordinate("x", x)?, coordinate("y", y)?, coordinate("z", z)?);
    if !z.is_one() {
        return Err(SnarkjsError::Element { file, element: element(), fault: ElementFault::NotAffine });
    }
    Ok(G2Affine::new_unchecked(x, y))
}

#[cfg(test)]
mod tests;
