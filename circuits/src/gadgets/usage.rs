//! Uses of a consent.

use crate::cs::{Cs, Num};
use crate::gadgets::bits::{self, word};
use crate::gadgets::poseidon;
use amanat_domain::field::Fr;
use amanat_domain::poseidon::Tag;

/// `H(Use; nonce, subject, i)` for a use index of 64 bits; enforces that `i < limit` where there is
/// a limit (32 bits, 0 is none).
///
/// An unlimited consent is used under a random index, so that the slot does not say which kind it
/// is.
pub fn nullifier(cs: &mut Cs, [nonce, subject]: [&Num; 2], index: u64, limit: &Num) -> Num {
    cs.gadget("use", |cs| {
        let index = word(cs, Fr::from(index), 64);
        let unlimited = bits::is_zero(cs, limit);
        let within = bits::less_or_equal(cs, &index.num.plus(Fr::from(1u64)), limit, 65);
        cs.enforce(unlimited.not().num(), within.not().num(), &Num::zero());
        poseidon::hash(cs, Tag::Use, &[nonce, subject, &index.num])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::harness::{agrees, forged, run};
    use amanat_domain::consent::use_nullifier;

    fn walk(cs: &mut Cs, index: u64, limit: u32) -> Num {
        let [nonce, subject] = [3u64, 4].map(|n| cs.hint(Fr::from(n)));
        let limit = cs.hint(Fr::from(limit));
        nullifier(cs, [&nonce, &subject], index, &limit)
    }

    #[test]
    fn an_index_is_used_below_the_limit_and_any_where_there_is_none() {
        let most = u32::MAX;
        for (index, limit, wanted) in [
            (0, 0, true),
            (u64::MAX, 0, true),
            (0, 1, true),
            (1, 1, false),
            (4, 5, true),
            (5, 5, false),
            (u64::from(most) - 1, most, true),
            (u64::from(most), most, false),
            (u64::from(most) + 1, most, false),
            (u64::MAX, most, false),
            (u64::MAX, 1, false),
        ] {
            assert_eq!(run(|cs| walk(cs, index, limit)).holds(), wanted, "use {index} of {limit}");
            if wanted {
                agrees(use_nullifier(Fr::from(3u64), Fr::from(4u64), index), |cs| walk(cs, index, limit));
            }
        }
    }

    /// The index is 64 bits: the number i + r, which hashes like i, cannot be written, nor can -1.
    #[test]
    fn a_spent_index_has_no_other_writing() {
        // Wires: 9, 10 nonce and subject, 11 limit, 12.. the index, 76 whether there is no limit,
        // 77 its inverse.
        assert!(forged(&[], |cs| walk(cs, 2, 3)).holds());
        for (bit, value) in [(0, Fr::from(2u64)), (1, Fr::from(3u64)), (5, -Fr::from(1u64))] {
            assert!(!forged(&[(12 + bit, value)], |cs| walk(cs, 2, 3)).holds());
        }
        for lie in [Fr::from(1u64), Fr::from(2u64)] {
            assert!(!forged(&[(76, lie)], |cs| walk(cs, 3, 3)).holds(), "a limit is not talked away");
        }
    }
}
