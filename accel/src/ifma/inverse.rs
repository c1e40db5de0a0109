//! Inverses of eight elements of the base field.

use super::field::{Norm, Q};
use super::lanes::{Isa, kernel};
use ark_bn254::Fq;
use ark_ff::{AdditiveGroup, Field};

kernel! {
    /// The inverse of every lane, or none where a lane is zero. For values below 4p.
    pub(crate) fn invert_lanes [] (isa: Isa, x: &Norm<Q>) -> Option<Norm<Q>> {
        let mut values = x.to_ark();
        let mut before = [Fq::ONE; 8];
        let mut product = Fq::ONE;
        for i in 0..8 {
            before[i] = product;
            product *= values[i];
        }
        if product == Fq::ZERO {
            return None;
        }
        let mut inverse = product.inverse()?;
        for i in (0..8).rev() {
            let this = inverse * before[i];
            inverse *= values[i];
            values[i] = this;
        }
        Some(Norm::from_ark(isa, &values))
    }
}
