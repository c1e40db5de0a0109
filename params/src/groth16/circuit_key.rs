//! The verifying key of any circuit over BN254.

use crate::groth16::lint::{VkLint, findings, sound_points};
use crate::groth16::points::VkPoints;

/// A verifying key of any circuit, for any number of public inputs. Every point is on its curve, in
/// its subgroup and not infinity; there is an IC point for the constant and for each public input.
///
/// Whether proofs under it can be forged is another question: [`warnings`](Self::warnings) says
/// what can be seen. Amanat's own statements have a [`VerifyingKey`](crate::VerifyingKey), for
/// which every such finding is a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitKey(VkPoints);

impl CircuitKey {
    /// Takes points that are what they should be.
    ///
    /// # Errors
    /// The first point that is not, or the lack of any IC point.
    pub fn new(points: VkPoints) -> Result<Self, VkLint> {
        if points.ic.is_empty() {
            return Err(VkLint::IcLength { expected: 1, got: 0 });
        }
        sound_points(&points)?;
        Ok(Self(points))
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &VkPoints {
        &self.0
    }

    /// Number of public inputs, without the constant.
    #[must_use]
    pub fn num_public(&self) -> usize {
        self.0.ic.len() - 1
    }

    /// What makes proofs under this key worth little, as far as its points show. `gamma` at the
    /// generator is no finding: snarkjs puts it there by design.
    #[must_use]
    pub fn warnings(&self) -> Vec<VkLint> {
        findings(&self.0, false).collect()
    }
}
