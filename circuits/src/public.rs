//! The public vector's slots, one name each, the same for every statement.

/// Context.
pub const CTX: usize = 0;
/// Root bundle `B_e`.
pub const BUNDLE: usize = 1;
/// Epoch `e`.
pub const EPOCH: usize = 2;
/// Policy hash.
pub const POLICY: usize = 3;
/// First nullifier slot.
pub const NF_0: usize = 4;
/// Second nullifier slot.
pub const NF_1: usize = 5;
/// First output slot.
pub const OUT_0: usize = 6;
/// Second output slot.
pub const OUT_1: usize = 7;
