//! The points of a verifying key, by name: what a lint looks at and a key is made of.

use amanat_domain::statement::PUBLIC_INPUTS;
use ark_bn254::{G1Affine, G2Affine};

/// IC points: one for the constant, one for each public input.
pub const IC_POINTS: usize = PUBLIC_INPUTS + 1;

/// The bare points, as they come from a setup or a file; nothing is known of them yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VkPoints {
    /// `alpha` in G1.
    pub alpha_g1: G1Affine,
    /// `beta` in G2.
    pub beta_g2: G2Affine,
    /// `gamma` in G2.
    pub gamma_g2: G2Affine,
    /// `delta` in G2.
    pub delta_g2: G2Affine,
    /// `(beta a_i(tau) + alpha b_i(tau) + c_i(tau)) / gamma` in G1, for the constant and each
    /// public input.
    pub ic: Vec<G1Affine>,
}

/// A point of a verifying key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VkPart {
    /// `alpha` in G1.
    Alpha,
    /// `beta` in G2.
    Beta,
    /// `gamma` in G2.
    Gamma,
    /// `delta` in G2.
    Delta,
    /// The entry for public input `i - 1`; 0 is the constant's.
    Ic(usize),
}

impl core::fmt::Display for VkPart {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Alpha => f.write_str("alpha"),
            Self::Beta => f.write_str("beta"),
            Self::Gamma => f.write_str("gamma"),
            Self::Delta => f.write_str("delta"),
            Self::Ic(i) => write!(f, "IC[{i}]"),
        }
    }
}
