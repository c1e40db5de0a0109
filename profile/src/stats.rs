//! Medians and their spread, and comparing what was measured in turn.

use serde::{Deserialize, Serialize};

/// Several measurements of one quantity: the middle value and how far the others are from it.
///
/// ```
/// use amanat_profile::stats::Stat;
/// // One disturbed run moves neither the median nor the spread far.
/// let stat = Stat::of(&[10.0, 11.0, 9.0, 10.5, 900.0]).expect("five runs");
/// assert_eq!((stat.median, stat.mad, stat.max), (10.5, 0.5, 900.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stat {
    /// The middle value.
    pub median: f64,
    /// Median of the distances from the median: a spread that one disturbed run does not move.
    pub mad: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The number of measurements.
    pub n: u32,
}

impl Stat {
    /// Of finite numbers; `None` if there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let median = middle(&sorted);
        let mut distances: Vec<f64> = sorted.iter().map(|x| (x - median).abs()).collect();
        distances.sort_by(f64::total_cmp);
        Some(Self { median, mad: middle(&distances), min, max, n: u32::try_from(sorted.len()).ok()? })
    }

    /// A standard deviation estimated from the median distance, as for a bell curve.
    #[must_use]
    pub fn sigma(&self) -> f64 {
        1.4826 * self.mad
    }

    /// Everything times a factor.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let Self { median, mad, min, max, n } = *self;
        Self { median: median * factor, mad: mad * factor, min: min * factor, max: max * factor, n }
    }
}

/// Of ascending numbers; of an even count the mean of both in the middle.
fn middle(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2])
}

/// The quotients `a / b`, round by round: both were measured in the same round, so what slowed one
/// slowed the other.
#[must_use]
pub fn ratios(a: &[f64], b: &[f64]) -> Option<Stat> {
    let quotients: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
    Stat::of(&quotients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disturbed_run_moves_neither_median_nor_spread_far() {
        let quiet = Stat::of(&[10.0, 11.0, 9.0, 10.5, 9.5]).expect("some");
        let disturbed = Stat::of(&[10.0, 11.0, 9.0, 10.5, 900.0]).expect("some");
        assert_eq!((quiet.median, quiet.mad, quiet.n), (10.0, 0.5, 5));
        assert_eq!((disturbed.median, disturbed.mad), (10.5, 0.5));
        assert_eq!((disturbed.min, disturbed.max), (9.0, 900.0));
        assert!(Stat::of(&[]).is_none());
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was three times slower in the second round, for both.
        let stat = ratios(&[2.0, 6.0, 2.0], &[1.0, 3.0, 1.0]).expect("some");
        assert_eq!((stat.median, stat.mad), (2.0, 0.0));
    }

    #[test]
    fn scaling_scales_everything_but_the_count() {
        let stat = Stat::of(&[1.0, 2.0, 4.0]).expect("some").scaled(10.0);
        assert_eq!((stat.median, stat.mad, stat.min, stat.max, stat.n), (20.0, 10.0, 10.0, 40.0, 3));
    }
}
