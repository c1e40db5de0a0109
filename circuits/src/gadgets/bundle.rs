//! Opening the root bundle.

use crate::cs::{Cs, Num};
use crate::gadgets::poseidon;
use crate::public;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::poseidon::Tag;

/// The opened bundle: its time, and what it must hash to once the roots are known.
pub struct OpenBundle {
    words: Vec<Num>,
}

impl OpenBundle {
    /// Allocates the words; the epoch is the public one.
    pub fn new(cs: &mut Cs, bundle: &Bundle) -> Self {
        let mut words = vec![cs.public(public::EPOCH)];
        words.extend(bundle.to_words()[1..].iter().map(|w| cs.hint(*w)));
        Self { words }
    }

    /// Time of the bundle: `now`. The ledger sealed it, so it fits 40 bits.
    #[must_use]
    pub fn time(&self) -> &Num {
        &self.words[1]
    }

    /// The committed root of a registry.
    #[must_use]
    pub fn root(&self, registry: Registry) -> Num {
        self.words[2 + 2 * registry as usize].clone()
    }

    /// The root of a registry is this computed one.
    pub fn set_root(&mut self, registry: Registry, root: Num) {
        self.words[2 + 2 * registry as usize] = root;
    }

    /// `B_e` is the hash of epoch, time and the registries' roots and counts.
    pub fn bind(self, cs: &mut Cs) {
        let hash = poseidon::hash(cs, Tag::Bundle, &self.words.iter().collect::<Vec<_>>());
        cs.bind_public(public::BUNDLE, &hash);
    }
}
