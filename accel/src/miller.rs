//! Miller loops with one accumulator: the squarings are paid once for all pairs.

use crate::{Fq12, G1Affine, G2Prepared};
use ark_bn254::Config;
use ark_ec::AffineRepr;
use ark_ec::bn::BnConfig;
use ark_ff::Field;

/// The product of the Miller loops of all pairs; a pair with infinity on either side counts as one.
pub(crate) fn multi_miller_loop(pairs: &[(G1Affine, &G2Prepared)]) -> Fq12 {
    let mut pairs: Vec<_> = pairs
        .iter()
        .filter(|(p, q)| !p.is_zero() && !q.infinity)
        .map(|(p, q)| (p, q.ell_coeffs.iter()))
        .collect();
    if pairs.is_empty() {
        return Fq12::ONE;
    }
    let mut f = Fq12::ONE;
    let mut step = |f: &mut Fq12| {
        for (p, lines) in &mut pairs {
            let (c0, c1, c2) = lines.next().expect("a prepared point has one line for each step of the loop");
            let (mut c0, mut c1) = (*c0, *c1);
            c0.mul_assign_by_fp(&p.y);
            c1.mul_assign_by_fp(&p.x);
            f.mul_by_034(&c0, &c1, c2);
        }
    };
    // Digits of 6x + 2 from the second highest down; then the two Frobenius lines. x is positive
    // for BN254.
    for (i, digit) in Config::ATE_LOOP_COUNT.iter().rev().skip(1).enumerate() {
        if i > 0 {
            f.square_in_place();
        }
        step(&mut f);
        if *digit != 0 {
            step(&mut f);
        }
    }
    step(&mut f);
    step(&mut f);
    f
}
