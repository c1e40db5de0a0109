//! Uses of a consent.

use crate::cs::{Cs, Num};
use crate::gadgets::bits::{self, word};
use crate::gadgets::poseidon;
use amanat_domain::field::Fr;
use amanat_domain::poseidon::Tag;

/// `H(Use; nonce, subject, i)` for a use index of 64 bits; enforces that `i < limit` where there is a limit (32 bits, 0 is none).
///
/// An unlimited consent is used under a random index, so that the slot does not say which kind it is.
pub fn nullifier(cs: &mut Cs, [nonce, subject]: [&Num; 2], index: u64, limit: &Num) -> Num {
    cs.gadget("use", |cs| {
        let index = word(cs, Fr::from(index), 64);
        let unlimited = bits::is_zero(cs, limit);
        let within = bits::less_or_equal(cs, &index.num.plus(Fr::from(1u64)), limit, 65);
        cs.enforce(unlimited.not().num(), within.not().num(), &Num::zero());
        poseidon::hash(cs, Tag::Use, &[nonce, subject, &index.num])
    })
}
