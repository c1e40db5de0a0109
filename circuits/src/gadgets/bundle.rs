//! Opening the root bundle.

use crate::cs::{Cs, Num};
use crate::gadgets::poseidon;
use crate::public;
use amanat_domain::bundle::{Bundle, PerRegistry, Registry};
use amanat_domain::field::Fr;
use amanat_domain::poseidon::Tag;

/// The opened bundle: its time, and what it must hash to once the roots are known.
pub struct OpenBundle {
    epoch: Num,
    time: Num,
    /// What the prover says the roots are.
    claimed: PerRegistry<Fr>,
    /// Roots that other gadgets computed or asked for. A computed root has no wire: it would be in
    /// no row.
    roots: PerRegistry<Option<Num>>,
    counts: PerRegistry<Num>,
}

impl OpenBundle {
    /// Allocates time and counts; the epoch is the public one.
    pub fn new(cs: &mut Cs, bundle: &Bundle) -> Self {
        Self {
            epoch: cs.public(public::EPOCH),
            time: cs.hint(Fr::from(bundle.time.seconds())),
            claimed: bundle.registries.map(|_, r| r.root.to_field()),
            roots: PerRegistry::default(),
            counts: bundle.registries.map(|_, r| cs.hint(Fr::from(r.count))),
        }
    }

    /// Time of the bundle: `now`. The ledger sealed it, so it fits 40 bits.
    #[must_use]
    pub fn time(&self) -> &Num {
        &self.time
    }

    /// The committed root of a registry.
    pub fn root(&mut self, cs: &mut Cs, registry: Registry) -> Num {
        self.roots[registry].get_or_insert_with(|| cs.hint(self.claimed[registry])).clone()
    }

    /// The root of a registry is this computed one.
    pub fn set_root(&mut self, registry: Registry, root: Num) {
        self.roots[registry] = Some(root);
    }

    /// `B_e` is the hash of epoch, time and the registries' roots and counts.
    pub fn bind(mut self, cs: &mut Cs) {
        let roots = PerRegistry::from_fn(|registry| self.root(cs, registry));
        let mut words = vec![&self.epoch, &self.time];
        words.extend(roots.iter().flat_map(|(registry, root)| [root, &self.counts[registry]]));
        let hash = poseidon::hash(cs, Tag::Bundle, &words);
        cs.bind_public(public::BUNDLE, &hash);
    }
}
