//! The public inputs, the same eight for every statement.

use crate::field::Fr;

/// Number of public inputs of every statement.
pub const PUBLIC_INPUTS: usize = 8;

/// The public inputs of every statement, in the order of the circuit.
///
/// One length for all: one verification cost, batches across statements, and nothing to learn from
/// lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicVector {
    /// Context: binds the proof to one transaction.
    pub ctx: Fr,
    /// Root bundle `B_e`.
    pub bundle: Fr,
    /// Epoch of the bundle.
    pub epoch: u64,
    /// Policy hash, or zero if the statement has none.
    pub policy: Fr,
    /// First and second nullifier slot; unused slots are zero.
    pub nf: [Fr; 2],
    /// First and second output slot; unused slots are zero.
    pub out: [Fr; 2],
}

impl PublicVector {
    /// `[ctx, B_e, e, policy, nf_0, nf_1, out_0, out_1]`.
    #[must_use]
    pub fn to_field_elements(&self) -> [Fr; PUBLIC_INPUTS] {
        [
            self.ctx,
            self.bundle,
            Fr::from(self.epoch),
            self.policy,
            self.nf[0],
            self.nf[1],
            self.out[0],
            self.out[1],
        ]
    }
}
