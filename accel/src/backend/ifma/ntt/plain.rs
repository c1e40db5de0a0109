//! Transforms of lists of field elements, natural order both ways.

use super::super::Isa;
use super::super::field::{Norm, R, ark_of, mul};
use super::super::lanes::{from_array, kernel};
use super::loose::Loose;
use super::numbers::known;
use super::order::{Eight, fresh, from_natural, to_natural};
use super::split::{Evaluation, Interpolation, SMALLEST, wipe};
use crate::backend::portable::Portable;
use crate::{Backend, Fr};
use ark_ff::{FftField, Field, One};
use rayon::prelude::*;
use std::sync::OnceLock;

/// Largest size whose numbers are kept from call to call (some 50 bytes a value).
const KEPT: u32 = 18;

/// An interpolation with what its result is multiplied by on the way to arkworks' form.
struct Down {
    transform: Interpolation,
    tail: Vec<Norm<R>>,
}

type Plans<T> = [OnceLock<T>; KEPT as usize + 1];

static DOWN: [Plans<Down>; 2] = [const { [const { OnceLock::new() }; KEPT as usize + 1] }; 2];
static UP: [Plans<Evaluation>; 2] = [const { [const { OnceLock::new() }; KEPT as usize + 1] }; 2];

/// Coefficients to values on the subgroup of order `values.len()`.
pub(crate) fn ntt(isa: Isa, values: &mut Vec<Fr>) {
    match size(values) {
        Some(log) => up(isa, log, false, values),
        None => Portable.ntt(values),
    }
}

/// Values on the subgroup to coefficients.
pub(crate) fn intt(isa: Isa, values: &mut Vec<Fr>) {
    match size(values) {
        Some(log) => down(isa, log, false, values),
        None => Portable.intt(values),
    }
}

/// Coefficients to values on the coset `g * subgroup`.
pub(crate) fn coset_ntt(isa: Isa, values: &mut Vec<Fr>) {
    match size(values) {
        Some(log) => up(isa, log, true, values),
        None => Portable.coset_ntt(values),
    }
}

/// Values on the coset to coefficients.
pub(crate) fn coset_intt(isa: Isa, values: &mut Vec<Fr>) {
    match size(values) {
        Some(log) => down(isa, log, true, values),
        None => Portable.coset_intt(values),
    }
}

/// The logarithm of a size that is transformed in lanes.
fn size(values: &[Fr]) -> Option<u32> {
    let n = values.len();
    (n.is_power_of_two() && (SMALLEST..=Fr::TWO_ADICITY).contains(&n.ilog2())).then(|| n.ilog2())
}

/// Hands `work` the plan of a size, kept or made for this call.
fn with<T>(plans: &Plans<T>, log: u32, make: impl Fn() -> T, work: impl FnOnce(&T)) {
    match plans.get(log as usize) {
        Some(plan) => work(plan.get_or_init(make)),
        None => work(&make()),
    }
}

fn shift(coset: bool) -> Fr {
    if coset { Fr::GENERATOR } else { Fr::one() }
}

fn up(isa: Isa, log: u32, coset: bool, values: &mut [Fr]) {
    with(
        &UP[usize::from(coset)],
        log,
        || Evaluation::new(isa, log, shift(coset)),
        |plan| {
            let mut data = vec![Loose::zero(isa); values.len() / 8];
            from_natural(isa, log, values, &mut data);
            plan.run(isa, &mut data);
            let (eights, _) = values.as_chunks_mut::<8>();
            eights
                .par_iter_mut()
                .zip(&data)
                .with_min_len(512)
                .for_each(|(values, data)| to_ark(isa, data, values));
            wipe(isa, &mut data);
        },
    );
}

fn down(isa: Isa, log: u32, coset: bool, values: &mut [Fr]) {
    with(
        &DOWN[usize::from(coset)],
        log,
        || Down::new(isa, log, shift(coset)),
        |plan| {
            let mut data = vec![Loose::zero(isa); values.len() / 8];
            let (eights, _) = values.as_chunks::<8>();
            data.par_iter_mut()
                .zip(eights)
                .with_min_len(512)
                .for_each(|(data, eight)| *data = fresh(isa, eight));
            plan.transform.run(isa, &mut data);
            let words = |i: usize, out: &mut Eight| {
                words(isa, &data[i], &plan.tail[i % plan.tail.len()], out);
            };
            to_natural(log, values, words, ark_of::<R>);
            wipe(isa, &mut data);
        },
    );
}

impl Down {
    fn new(isa: Isa, log: u32, shift: Fr) -> Self {
        let transform = Interpolation::new(isa, log, shift);
        // A Montgomery multiplication by a plain number leaves plain numbers; arkworks' are times
        // 2^256.
        let factor = Fr::from(1u64 << log).inverse().expect("n is not zero modulo p");
        let to_ark = Fr::from(2u64).pow([256]);
        let tail = plain_lanes(isa, &transform.tail(factor * to_ark));
        Self { transform, tail }
    }
}

/// Numbers in plain form, lane by lane: a Montgomery multiplication by them takes off the factor
/// `2^260`.
pub(crate) fn plain_lanes(isa: Isa, numbers: &[[Fr; 8]]) -> Vec<Norm<R>> {
    let vector = |numbers: &[Fr; 8]| {
        let numbers = numbers.map(|number| known(&number).factor);
        let limb = |i: usize| from_array(isa, &numbers.map(|number| number[i]));
        Norm::from_limbs([limb(0), limb(1), limb(2), limb(3), limb(4)], 1.0)
    };
    numbers.iter().map(vector).collect()
}

kernel! {
    fn to_ark[](isa: Isa, value: &Loose, out: &mut [Fr; 8]) {
        let factor = Norm::<R>::constant(isa, &<R as super::super::field::Prime>::TO_ARK);
        let words = mul(&value.factor(), &factor.lazy()).norm().canonical().to_words();
        let of = ark_of::<R>;
        let w = words;
        *out = [of(w[0]), of(w[1]), of(w[2]), of(w[3]), of(w[4]), of(w[5]), of(w[6]), of(w[7])];
    }

    fn words[](_isa: Isa, value: &Loose, tail: &Norm<R>, out: &mut Eight) {
        *out = mul(&value.factor(), &tail.lazy()).norm().canonical().to_words();
    }
}
