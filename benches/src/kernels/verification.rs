//! Verification by the backend in use, beside arkworks: one proof, and 256 in a batch. The verifier
//! takes no backend as an argument, so these rows have one backend only; `AMANAT_BACKEND` changes
//! it.

use super::{Kernel, KernelInputs, Recipe, Timed, timed};
use crate::report::peer::Peer;
use crate::report::verification::{Claim, verify_all};
use crate::report::world::{prove, rng, small, world};
use crate::report::{Outcome, load_keys};
use amanat_accel::{Fr, G1Affine, G1Projective, G2Affine};
use amanat_domain::statement::Statement;
use amanat_domain::tx::Transaction;
use amanat_prover::keys::Keys;
use amanat_verifier::{verify_batch, verify_one};
use ark_bn254::Bn254;
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::Zero;
use rand::Rng;
use std::path::Path;

/// Proofs in a batch.
const BATCH: usize = 256;

/// Keys and four proofs of each statement.
pub(super) struct Proofs {
    keys: Keys,
    txs: Vec<Transaction>,
}

impl Proofs {
    pub(super) fn new(dir: &Path) -> Outcome<Self> {
        let keys = load_keys(dir, &|_| ())?;
        let mut rng = rng(1);
        let world = world(&mut rng)?;
        let registries = small(&world)?;
        let mut txs = Vec::new();
        for _ in 0..4 {
            for statement in Statement::ALL {
                txs.push(prove(statement, &world, &registries, &keys, &mut rng)?);
            }
        }
        Ok(Self { keys, txs })
    }

    fn claims(&self, n: usize) -> Outcome<Vec<Claim<'_>>> {
        self.txs.iter().cycle().take(n).map(|tx| Claim::of(tx, &self.keys)).collect()
    }
}

pub(super) fn recipes(inputs: &KernelInputs) -> Vec<Recipe<'_>> {
    let size = format!("{BATCH} proofs");
    vec![
        Recipe::new("verify one, decoded", "1 proof", move || single(inputs, false)),
        Recipe::new("verify one, from bytes", "1 proof", move || single(inputs, true)),
        Recipe::new("verify a batch, decoded", size.clone(), move || batched(inputs, false)).promised(6.0),
        Recipe::new("verify a batch, from bytes", size, move || batched(inputs, true)).promised(6.0),
    ]
}

/// As arkworks has it: refused proofs are no measurement.
fn held(holds: bool, seconds: f64) -> Outcome<f64> {
    if holds { Ok(seconds) } else { Err("a proof that holds is refused".into()) }
}

fn single(inputs: &KernelInputs, bytes: bool) -> Outcome<Kernel<'_>> {
    let made = inputs.proofs()?;
    let claim = made.claims(1)?.pop().ok_or("one")?;
    let item = claim.item()?;
    let key = made.keys.get(claim.statement).ok_or("a key is missing")?;
    let peer = Peer::new(key.proving_key().verifying_key());
    let (decoded, public, proof) = (Peer::decode(&claim.proof)?, item.public, claim.proof);
    let arkworks: Timed<'_> = Box::new(move || {
        let mut holds = Ok(false);
        let seconds = timed(|| {
            holds = if bytes {
                Peer::decode(&proof).and_then(|proof| peer.verify(&public, &proof))
            } else {
                peer.verify(&public, &decoded)
            };
        });
        held(holds?, seconds)
    });
    let ours: Timed<'_> = Box::new(move || {
        let mut holds = false;
        let seconds = timed(|| {
            holds = if bytes {
                claim.verify().is_ok()
            } else {
                verify_one(item.key, &item.public, &item.proof).is_ok()
            };
        });
        held(holds, seconds)
    });
    let ours = vec![(amanat_accel::default_backend().name(), ours)];
    Ok(Kernel {
        per: 1,
        arkworks,
        ours,
        note: "key prepared; from bytes with decoding and subgroup check".into(),
    })
}

fn batched(inputs: &KernelInputs, bytes: bool) -> Outcome<Kernel<'_>> {
    let made = inputs.proofs()?;
    let (claims, theirs) = (made.claims(BATCH)?, made.claims(BATCH)?);
    let publics = theirs.iter().map(|c| Ok(c.item()?.public)).collect::<Outcome<Vec<_>>>()?;
    let mut proofs = decode_all(&theirs)?;
    let arkworks: Timed<'_> = Box::new(move || {
        let mut holds = Ok(false);
        let seconds = timed(|| {
            let decoded = if bytes { decode_all(&theirs).map(|decoded| proofs = decoded) } else { Ok(()) };
            holds = decoded.map(|()| plain_batch(&made.keys, &theirs, &publics, &proofs));
        });
        held(holds?, seconds)
    });
    let ours: Timed<'_> = Box::new(move || {
        let items = claims.iter().map(Claim::item).collect::<Outcome<Vec<_>>>()?;
        let all: Vec<&Claim<'_>> = claims.iter().collect();
        let mut holds = false;
        let seconds = timed(|| {
            holds = if bytes { verify_all(&all).is_ok() } else { !verify_batch(&items).contains(&false) }
        });
        held(holds, seconds)
    });
    let ours = vec![(amanat_accel::default_backend().name(), ours)];
    let note = "mixed statements, for each proof; arkworks: a plain loop on its API";
    Ok(Kernel { per: u32::try_from(BATCH)?, arkworks, ours, note: note.into() })
}

type ArkProof = ark_groth16::Proof<Bn254>;

fn decode_all(claims: &[Claim<'_>]) -> Outcome<Vec<ArkProof>> {
    claims.iter().map(|c| Peer::decode(&c.proof)).collect()
}

/// The textbook batch: random 128-bit weights, one multi-pairing; alpha, gamma and delta of each
/// key once.
fn plain_batch(keys: &Keys, claims: &[Claim<'_>], publics: &[[Fr; 8]], proofs: &[ArkProof]) -> bool {
    let mut rng = rand::rng();
    let weights: Vec<[u64; 2]> = proofs.iter().map(|_| [rng.next_u64(), rng.next_u64()]).collect();
    let (mut left, mut right): (Vec<G1Affine>, Vec<G2Affine>) = (Vec::new(), Vec::new());
    for (proof, weight) in proofs.iter().zip(&weights) {
        left.push(proof.a.mul_bigint(weight).into_affine());
        right.push(-proof.b);
    }
    for (statement, key) in keys.iter() {
        let points = key.proving_key().verifying_key().points();
        let mut coefficients = vec![Fr::zero(); points.ic.len()];
        let (mut bases, mut factors) = (Vec::new(), Vec::new());
        for (((claim, public), proof), [low, high]) in claims.iter().zip(publics).zip(proofs).zip(&weights) {
            if claim.statement == statement {
                let weight = Fr::from(u128::from(*high) << 64 | u128::from(*low));
                coefficients[0] += weight;
                coefficients[1..].iter_mut().zip(public).for_each(|(c, x)| *c += weight * x);
                bases.push(proof.c);
                factors.push(weight);
            }
        }
        let c: G1Projective = VariableBaseMSM::msm_unchecked(&bases, &factors);
        let ic: G1Projective = VariableBaseMSM::msm_unchecked(&points.ic, &coefficients);
        left.extend([(points.alpha_g1 * coefficients[0]).into_affine(), ic.into_affine(), c.into_affine()]);
        right.extend([points.beta_g2, points.gamma_g2, points.delta_g2]);
    }
    Bn254::multi_pairing(left, right).is_zero()
}
