//! `H(tag; x_1, .., x_n)` by arkworks' Poseidon: its permutation, and its own Grain LFSR for the
//! constants.

use super::sheet::{F, Num};
use ark_crypto_primitives::sponge::CryptographicSponge;
use ark_crypto_primitives::sponge::constraints::CryptographicSpongeVar;
use ark_crypto_primitives::sponge::poseidon::constraints::PoseidonSpongeVar;
use ark_crypto_primitives::sponge::poseidon::{PoseidonConfig, PoseidonSponge, find_poseidon_ark_and_mds};
use ark_relations::gr1cs::{ConstraintSystemRef, SynthesisError};
use std::sync::OnceLock;

const MAX_INPUTS: usize = 16;
const FIELD_BITS: u64 = 254;
const FULL_ROUNDS: usize = 8;
const ALPHA: u64 = 5;
/// circomlib's partial rounds for 1 to 16 inputs (`N_ROUNDS_P` of its `poseidon.circom`).
const PARTIAL_ROUNDS: [usize; MAX_INPUTS] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

/// The parameters for `n` inputs: the tag is the capacity, the inputs fill the rate.
fn config(n: usize) -> &'static PoseidonConfig<F> {
    static CONFIGS: [OnceLock<PoseidonConfig<F>>; MAX_INPUTS] = [const { OnceLock::new() }; MAX_INPUTS];
    CONFIGS[n - 1].get_or_init(|| {
        let partial = PARTIAL_ROUNDS[n - 1];
        let (ark, mds) = find_poseidon_ark_and_mds(FIELD_BITS, n, FULL_ROUNDS as u64, partial as u64, 0);
        PoseidonConfig::new(FULL_ROUNDS, partial, ALPHA, mds, ark, n, 1)
    })
}

/// The hash as constraints: the capacity element before and after one permutation.
pub(super) fn hash(cs: &ConstraintSystemRef<F>, tag: u64, inputs: &[Num]) -> Result<Num, SynthesisError> {
    let mut sponge = PoseidonSpongeVar::new(cs.clone(), config(inputs.len()));
    sponge.state[0] = Num::Constant(F::from(tag));
    sponge.absorb(&inputs.to_vec())?;
    sponge.squeeze_field_elements(1)?;
    Ok(sponge.state[0].clone())
}

/// The same hash on plain values.
pub(crate) fn permute(tag: F, inputs: &[F]) -> F {
    let mut sponge = PoseidonSponge::new(config(inputs.len()));
    sponge.state[0] = tag;
    sponge.absorb(&inputs.to_vec());
    sponge.squeeze_field_elements::<F>(1);
    sponge.state[0]
}
