//! The JSON of snarkjs: `verification_key.json`, `proof.json`, `public.json`, so that tools we did not write can check
//! our proofs, and we theirs.
//!
//! Numbers are decimal strings; points are projective with `z = 1`; coordinates in Fq2 are `[c0, c1]`. Reading is
//! strict: known fields only, plain decimal without sign or leading zero, below the modulus, on the curve, in the
//! subgroup. `vk_alphabeta_12` is not written (verifiers compute it) and not believed when read.

use crate::header::KeyHeader;
use crate::lint::VkLint;
use crate::proof::{Proof, ProofError};
use crate::verifying_key::{VerifyingKey, VkPoints};
use amanat_domain::statement::PUBLIC_INPUTS;
use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, One, PrimeField, Zero};
use serde::{Deserialize, Serialize};

/// Why JSON is not what snarkjs writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnarkjsError {
    /// Not JSON of this shape.
    #[error("not a snarkjs {file}: {reason}")]
    Json {
        /// Which kind of file.
        file: &'static str,
        /// What the reader found.
        reason: String,
    },
    /// Another proof system or curve.
    #[error("{field} is not \"{expected}\"")]
    Kind {
        /// Which field.
        field: &'static str,
        /// The one value it may have.
        expected: &'static str,
    },
    /// A string is not a plain decimal number below the modulus.
    #[error("{field}: not a plain decimal number below the field's modulus")]
    Number {
        /// Which field.
        field: &'static str,
    },
    /// A point's last coordinate is not one.
    #[error("{field}: z is not 1 (infinity and unnormalised points are refused)")]
    NotAffine {
        /// Which field.
        field: &'static str,
    },
    /// Not eight public inputs.
    #[error("{expected} public inputs expected, got {got}")]
    PublicInputs {
        /// Always eight.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// The points are not a proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The points are not a verifying key.
    #[error(transparent)]
    VerifyingKey(#[from] VkLint),
}

type G1Json = [String; 3];
type G2Json = [[String; 2]; 3];

const GROTH16: &str = "groth16";
const BN128: &str = "bn128";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofJson {
    pi_a: G1Json,
    pi_b: G2Json,
    pi_c: G1Json,
    protocol: String,
    curve: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyingKeyJson {
    protocol: String,
    curve: String,
    #[serde(rename = "nPublic")]
    n_public: usize,
    vk_alpha_1: G1Json,
    vk_beta_2: G2Json,
    vk_gamma_2: G2Json,
    vk_delta_2: G2Json,
    #[serde(default, skip_serializing)]
    #[allow(
        dead_code,
        reason = "accepted, because snarkjs writes it; not believed, because it follows from the rest"
    )]
    vk_alphabeta_12: Option<serde::de::IgnoredAny>,
    #[serde(rename = "IC")]
    ic: Vec<G1Json>,
}

/// `verification_key.json`.
#[must_use]
pub fn export_verifying_key(vk: &VerifyingKey) -> String {
    let points = vk.points();
    pretty(&VerifyingKeyJson {
        protocol: GROTH16.to_owned(),
        curve: BN128.to_owned(),
        n_public: PUBLIC_INPUTS,
        vk_alpha_1: g1_json(&points.alpha_g1),
        vk_beta_2: g2_json(&points.beta_g2),
        vk_gamma_2: g2_json(&points.gamma_g2),
        vk_delta_2: g2_json(&points.delta_g2),
        vk_alphabeta_12: None,
        ic: points.ic.iter().map(g1_json).collect(),
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
        curve: BN128.to_owned(),
    })
}

/// `public.json`; of a statement, or of any circuit.
#[must_use]
pub fn export_public(inputs: &[Fr]) -> String {
    pretty(&inputs.iter().map(decimal).collect::<Vec<_>>())
}

/// Reads `verification_key.json`; what the key is for is not in the file, so the caller says it. Linted.
///
/// # Errors
/// What is wrong first.
pub fn import_verifying_key(header: KeyHeader, json: &str) -> Result<VerifyingKey, SnarkjsError> {
    let file: VerifyingKeyJson = parse("verification_key.json", json)?;
    kind(&file.protocol, &file.curve)?;
    if file.n_public != PUBLIC_INPUTS {
        return Err(SnarkjsError::PublicInputs { expected: PUBLIC_INPUTS, got: file.n_public });
    }
    let points = VkPoints {
        alpha_g1: g1("vk_alpha_1", &file.vk_alpha_1)?,
        beta_g2: g2("vk_beta_2", &file.vk_beta_2)?,
        gamma_g2: g2("vk_gamma_2", &file.vk_gamma_2)?,
        delta_g2: g2("vk_delta_2", &file.vk_delta_2)?,
        ic: file.ic.iter().map(|p| g1("IC", p)).collect::<Result<_, _>>()?,
    };
    Ok(VerifyingKey::new(header, points)?)
}

/// Reads `proof.json`.
///
/// # Errors
/// What is wrong first.
pub fn import_proof(json: &str) -> Result<Proof, SnarkjsError> {
    let file: ProofJson = parse("proof.json", json)?;
    kind(&file.protocol, &file.curve)?;
    Ok(Proof::from_points(g1("pi_a", &file.pi_a)?, g2("pi_b", &file.pi_b)?, g1("pi_c", &file.pi_c)?)?)
}

/// Reads `public.json`.
///
/// # Errors
/// What is wrong first; a number that is not below the modulus is refused, not reduced.
pub fn import_public(json: &str) -> Result<[Fr; PUBLIC_INPUTS], SnarkjsError> {
    let numbers: Vec<String> = parse("public.json", json)?;
    let got = numbers.len();
    let numbers: [String; PUBLIC_INPUTS] =
        numbers.try_into().map_err(|_| SnarkjsError::PublicInputs { expected: PUBLIC_INPUTS, got })?;
    let mut inputs = [Fr::zero(); PUBLIC_INPUTS];
    for (input, text) in inputs.iter_mut().zip(&numbers) {
        *input = number("public input", text)?;
    }
    Ok(inputs)
}

fn parse<'a, T: Deserialize<'a>>(file: &'static str, json: &'a str) -> Result<T, SnarkjsError> {
    serde_json::from_str(json).map_err(|e| SnarkjsError::Json { file, reason: e.to_string() })
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings and lists of strings are always JSON")
}

fn kind(protocol: &str, curve: &str) -> Result<(), SnarkjsError> {
    for (field, expected, got) in [("protocol", GROTH16, protocol), ("curve", BN128, curve)] {
        if got != expected {
            return Err(SnarkjsError::Kind { field, expected });
        }
    }
    Ok(())
}

fn decimal<F: PrimeField>(x: &F) -> String {
    x.into_bigint().to_string()
}

/// A plain decimal number below the modulus: no sign, no leading zero, no overflow.
fn number<F: PrimeField<BigInt = BigInt<4>>>(field: &'static str, text: &str) -> Result<F, SnarkjsError> {
    let wrong = SnarkjsError::Number { field };
    let plain = !text.is_empty()
        && text.len() <= 77
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if !plain {
        return Err(wrong);
    }
    let mut limbs = [0u64; 4];
    for digit in text.bytes() {
        // limbs = 10 * limbs + digit; 77 digits stay below 10^77 < 2^256, so the last carry is zero.
        let mut carry = u128::from(digit - b'0');
        for limb in &mut limbs {
            let wide = u128::from(*limb) * 10 + carry;
            *limb = wide as u64;
            carry = wide >> 64;
        }
    }
    F::from_bigint(BigInt::new(limbs)).ok_or(wrong)
}

fn g1_json(p: &G1Affine) -> G1Json {
    match p.xy() {
        Some((x, y)) => [decimal(&x), decimal(&y), "1".to_owned()],
        None => ["0".to_owned(), "1".to_owned(), "0".to_owned()],
    }
}

fn g2_json(p: &G2Affine) -> G2Json {
    let fq2 = |x: &Fq2| [decimal(&x.c0), decimal(&x.c1)];
    match p.xy() {
        Some((x, y)) => [fq2(&x), fq2(&y), fq2(&Fq2::one())],
        None => [fq2(&Fq2::zero()), fq2(&Fq2::one()), fq2(&Fq2::zero())],
    }
}

/// Affine coordinates; whether they are a point is judged by the proof or the key they go into.
fn g1(field: &'static str, [x, y, z]: &G1Json) -> Result<G1Affine, SnarkjsError> {
    if z != "1" {
        return Err(SnarkjsError::NotAffine { field });
    }
    Ok(G1Affine::new_unchecked(number::<Fq>(field, x)?, number(field, y)?))
}

/// Affine coordinates; whether they are a point is judged by the proof or the key they go into.
fn g2(field: &'static str, [x, y, z]: &G2Json) -> Result<G2Affine, SnarkjsError> {
    if z[0] != "1" || z[1] != "0" {
        return Err(SnarkjsError::NotAffine { field });
    }
    let fq2 = |c: &[String; 2]| Ok::<_, SnarkjsError>(Fq2::new(number(field, &c[0])?, number(field, &c[1])?));
    Ok(G2Affine::new_unchecked(fq2(x)?, fq2(y)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dev_keys;
    use ark_bn254::{G1Projective, G2Projective};
    use ark_ec::CurveGroup;
    use ark_ff::UniformRand;

    fn some_proof() -> Proof {
        let mut rng = ark_std::test_rng();
        let (a, c) = (G1Projective::rand(&mut rng), G1Projective::rand(&mut rng));
        let b = G2Projective::rand(&mut rng);
        Proof::from_points(a.into_affine(), b.into_affine(), c.into_affine()).expect("points")
    }

    #[test]
    fn keys_proofs_and_inputs_come_back_from_their_json() {
        let vk = &dev_keys().1;
        assert_eq!(import_verifying_key(*vk.header(), &export_verifying_key(vk)).as_ref(), Ok(vk));
        let proof = some_proof();
        assert_eq!(import_proof(&export_proof(&proof)), Ok(proof));
        let inputs = [0u64, 1, 2, 3, u64::MAX, 5, 6, 7].map(|x| Fr::from(x) - Fr::from(3u64));
        assert_eq!(import_public(&export_public(&inputs)), Ok(inputs));
    }

    #[test]
    fn the_alphabeta_of_snarkjs_is_accepted_and_other_unknown_fields_are_not() {
        let vk = &dev_keys().1;
        let json = export_verifying_key(vk);
        let more = json.replacen('{', "{ \"vk_alphabeta_12\": [[[\"1\",\"2\"]]],", 1);
        assert_eq!(import_verifying_key(*vk.header(), &more).as_ref(), Ok(vk));
        let more = json.replacen('{', "{ \"note\": 1,", 1);
        assert!(matches!(import_verifying_key(*vk.header(), &more), Err(SnarkjsError::Json { .. })));
    }

    #[test]
    fn numbers_are_plain_decimal_and_below_the_modulus() {
        let modulus = Fr::MODULUS.to_string();
        let below = (-Fr::one()).into_bigint().to_string();
        let with = |x: &str| import_public(&format!("[\"{x}\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\"]"));
        assert_eq!(with(&below).map(|v| v[0]), Ok(-Fr::one()));
        let huge = "9".repeat(78);
        for bad in
            [&modulus[..], "", "-1", "+1", "00", "01", " 1", "1 ", "0x1", "1e3", "1.0", &huge, &huge[1..]]
        {
            assert_eq!(with(bad), Err(SnarkjsError::Number { field: "public input" }), "{bad}");
        }
        assert_eq!(import_public("[\"1\"]"), Err(SnarkjsError::PublicInputs { expected: 8, got: 1 }));
        assert!(matches!(import_public("[1,2,3,4,5,6,7,8]"), Err(SnarkjsError::Json { .. })));
    }

    #[test]
    fn other_systems_curves_infinity_and_non_points_are_refused() {
        let json = export_proof(&some_proof());
        let with = |from: &str, to: &str| import_proof(&json.replacen(from, to, 1));
        assert!(matches!(with("groth16", "plonk"), Err(SnarkjsError::Kind { field: "protocol", .. })));
        assert!(matches!(with("bn128", "bls12381"), Err(SnarkjsError::Kind { field: "curve", .. })));
        assert!(matches!(with("\"1\"\n", "\"0\"\n"), Err(SnarkjsError::NotAffine { field: "pi_a" })));
        let x = decimal(&some_proof().a().x);
        assert!(matches!(with(&x, "5"), Err(SnarkjsError::Proof(ProofError::Point { .. }))));
    }
}
