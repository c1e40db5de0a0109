//! Records: their leaves, their root, their anchor.

use crate::cs::{Cs, Num};
use crate::gadgets::poseidon;
use amanat_domain::field::Fr;
use amanat_domain::poseidon::{Tag, record_leaf_tag};
use amanat_domain::record::{Leaf, LeafOpening, RECORD_LEAVES};

/// An opened leaf.
pub struct LeafVar {
    /// First value.
    pub first: Num,
    /// Second value.
    pub second: Num,
    /// `H(RecordLeaf + i; v1, v2, salt)`.
    pub commitment: Num,
}

impl LeafVar {
    /// Opens leaf `leaf` with values that other gadgets made.
    pub fn from_values(cs: &mut Cs, leaf: Leaf, first: Num, second: Num, salt: Fr) -> Self {
        cs.gadget("record leaf", |cs| {
            let salt = cs.hint(salt);
            let commitment =
                poseidon::hash_with(cs, record_leaf_tag(leaf as usize), &[&first, &second, &salt]);
            Self { first, second, commitment }
        })
    }

    /// Opens leaf `leaf` with values that only the leaf constrains.
    pub fn open(cs: &mut Cs, leaf: Leaf, opening: &LeafOpening) -> Self {
        let first = cs.hint(opening.values[0]);
        let second = cs.hint(opening.values[1]);
        Self::from_values(cs, leaf, first, second, opening.salt.expose())
    }
}

/// `H(Node; four leaves)`.
pub fn node(cs: &mut Cs, leaves: &[Num]) -> Num {
    cs.gadget("record tree", |cs| poseidon::hash(cs, Tag::Node, &leaves.iter().collect::<Vec<_>>()))
}

/// `H(RecordTop; four nodes, root salt)`.
pub fn top(cs: &mut Cs, nodes: [&Num; 4], root_salt: &Num) -> Num {
    let [a, b, c, d] = nodes;
    cs.gadget("record tree", |cs| poseidon::hash(cs, Tag::RecordTop, &[a, b, c, d, root_salt]))
}

/// The root over sixteen leaves.
pub fn root(cs: &mut Cs, leaves: &[Num; RECORD_LEAVES], root_salt: &Num) -> Num {
    let nodes: Vec<Num> = leaves.chunks_exact(4).map(|four| node(cs, four)).collect();
    top(cs, [&nodes[0], &nodes[1], &nodes[2], &nodes[3]], root_salt)
}

/// `H(Anchor; record root, organisation, epoch)`.
pub fn anchor(cs: &mut Cs, root: &Num, organisation: &Num, epoch: &Num) -> Num {
    cs.gadget("anchor", |cs| poseidon::hash(cs, Tag::Anchor, &[root, organisation, epoch]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::harness::{agrees, rng};
    use amanat_domain::consent::OrgId;
    use amanat_domain::field::random;
    use amanat_domain::record::{anchor_leaf, leaf_commitment, record_root};
    use amanat_domain::secret::Secret;

    #[test]
    fn leaves_root_and_anchor_agree_with_the_native_record() {
        let mut rng = rng(9);
        for leaf in Leaf::ALL {
            let values = [random(&mut rng), random(&mut rng)];
            let salt = random(&mut rng);
            agrees(leaf_commitment(leaf as usize, values, salt), |cs| {
                LeafVar::open(cs, leaf, &LeafOpening { values, salt: Secret::new(salt) }).commitment
            });
        }
        let leaves: [Fr; RECORD_LEAVES] = core::array::from_fn(|_| random(&mut rng));
        let salt = random(&mut rng);
        let native = record_root(&leaves, salt);
        agrees(native.to_field(), |cs| {
            let leaves = leaves.map(|leaf| cs.hint(leaf));
            let salt = cs.hint(salt);
            root(cs, &leaves, &salt)
        });
        let organisation = OrgId::new(random(&mut rng));
        agrees(anchor_leaf(native, organisation, u64::MAX).to_field(), |cs| {
            let [root, organisation, epoch] =
                [native.to_field(), organisation.to_field(), Fr::from(u64::MAX)].map(|x| cs.hint(x));
            anchor(cs, &root, &organisation, &epoch)
        });
    }
}
