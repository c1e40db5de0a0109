//! What a statement is, in one value: everything that ledger, client, node and tools ask about it.

use crate::registry::Registry;

/// A statement's declaration. Each statement has exactly one, in its own file beside this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Number on the wire, in contexts and in keys. 0 marks a signed transaction.
    pub number: u8,
    /// Lower-case name: in JSON, on the command line, and the file name of its page in the book.
    pub name: &'static str,
    /// Title of its page in the book.
    pub title: &'static str,
    /// Version of the circuit. A change of layout, clause or key is a new version.
    pub version: u16,
    /// What a transaction carries as the policy.
    pub policy: PolicyKind,
    /// What the slots `nf_0`, `nf_1`, `out_0` and `out_1` hold. `None`: the slot is not used and
    /// zero.
    pub slots: [Option<&'static str>; 4],
    /// Index of the nullifier slot that the ledger spends. `None`: a proof spends nothing.
    pub spends: Option<usize>,
    /// Registry that takes the first output: a dense registry as a leaf, an indexed one as an id.
    /// `None`: the ledger records the proof and changes no registry.
    pub appends: Option<Registry>,
    /// Registries that must have reached their anonymity floor, in the order in which they are
    /// checked.
    pub hides_in: &'static [Registry],
    /// Whether the statement is about the bundle's time, such as a consent that permits now. A
    /// proof of such a statement is also bound to the age of its bundle.
    pub speaks_of_now: bool,
    /// Default acceptance window: epochs for which a superseded bundle is still accepted. A genesis
    /// may set another.
    pub window: u32,
}

/// What a proof transaction carries as its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// Nothing; the public input is zero.
    None,
    /// The salted hash of a request. Only its audience holds the opening.
    Sealed,
    /// A [`RolePolicy`](crate::scope::RolePolicy) in the clear.
    Role,
    /// An [`AccessPolicy`](super::access::AccessPolicy) in the clear.
    Access,
}

impl Spec {
    /// Whether these declarations fit together. It runs at compile time, over all of them.
    pub(super) const fn are_sound(specs: &[Self]) -> bool {
        let mut i = 0;
        while i < specs.len() {
            let spec = &specs[i];
            // Numbers run from 1 without a gap, so that a number minus one indexes a table.
            let numbered = spec.number as usize == i + 1;
            let spends_a_slot = match spec.spends {
                Some(slot) => slot < 2 && spec.slots[slot].is_some(),
                None => true,
            };
            let appends_an_output = spec.appends.is_none() || spec.slots[2].is_some();
            // A window of 0 would refuse a proof as soon as the next bundle is sealed.
            if !numbered || !spends_a_slot || !appends_an_output || spec.window == 0 || spec.name.is_empty() {
                return false;
            }
            i += 1;
        }
        true
    }
}
