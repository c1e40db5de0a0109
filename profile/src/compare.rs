//! Two profiles side by side: what became slower beyond the noise, and what faster.
//!
//! A difference counts if it exceeds both a share of the old figure and three standard deviations
//! of the two medians' runs together, estimated from the median distances. Compared is processor
//! time. On a machine whose speed drifts, [`Basis::Peer`] compares the ratio to a peer that was
//! measured in the same rounds instead.

use crate::draw::words::plural;
use crate::file::{Profile, Prover, Run, Subject};
use crate::stats::Stat;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis<'a> {
    /// Processor time.
    Seconds,
    /// Processor time over that of this peer on the same subject and as many threads.
    Peer(&'a str),
}

/// How sure one must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Differences below this share of the old figure are never reported.
    pub share: f64,
    /// Differences below this number of standard deviations are noise.
    pub sigmas: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { share: 0.05, sigmas: 3.0 }
    }
}

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// More than the noise explains.
    Slower,
    /// Less than the noise explains.
    Faster,
    /// No difference that the noise would not explain.
    Same,
}

/// One figure in both files.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Subject, prover, threads, and the part if it is not the whole.
    pub what: String,
    /// Whether it is the whole proof: a part may well shift to another.
    pub whole: bool,
    /// Before.
    pub old: Stat,
    /// After.
    pub new: Stat,
    /// What became of it.
    pub verdict: Verdict,
}

/// All figures that are in both files, and the figures that are in one only.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// In both.
    pub changes: Vec<Change>,
    /// In one alone, or without the peer to compare with.
    pub unmatched: Vec<String>,
    /// What makes the two files hard to compare, in words.
    pub warnings: Vec<String>,
}

impl Comparison {
    /// The whole proofs that became slower. Parts alone do not count: among many some are slower by
    /// chance, and time may well move from one part to another.
    pub fn regressions(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.whole && change.verdict == Verdict::Slower)
    }
}

impl Change {
    /// New over old.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.new.median / self.old.median
    }
}

/// Compares. Figures of peers are compared only by [`Basis::Seconds`].
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_profile::compare::{Basis, Tolerance, compare};
/// use amanat_profile::file::Profile;
/// let (old, new) = (Profile::read("old.json".as_ref())?, Profile::read("new.json".as_ref())?);
/// let comparison = compare(&old, &new, Basis::Seconds, Tolerance::default());
/// for slower in comparison.regressions() {
///     println!("{}: {:.2} times the old time", slower.what, slower.factor());
/// }
/// # Ok(()) }
/// ```
#[must_use]
pub fn compare(old: &Profile, new: &Profile, basis: Basis<'_>, tolerance: Tolerance) -> Comparison {
    let mut out = Comparison { warnings: warnings(old, new, basis), ..Comparison::default() };
    let mut olds = figures(old, basis, &mut out.unmatched);
    for (what, whole, new) in figures(new, basis, &mut out.unmatched) {
        match olds.iter().position(|(name, ..)| *name == what) {
            Some(i) => {
                let (.., old) = olds.remove(i);
                let verdict = compare_medians(&old, &new, tolerance);
                out.changes.push(Change { what, whole, old, new, verdict });
            }
            None => out.unmatched.push(format!("{what}: only in the new file")),
        }
    }
    out.unmatched.extend(olds.into_iter().map(|(what, ..)| format!("{what}: only in the old file")));
    out
}

fn compare_medians(old: &Stat, new: &Stat, tolerance: Tolerance) -> Verdict {
    let noise = (old.sigma().powi(2) + new.sigma().powi(2)).sqrt();
    let threshold = (tolerance.share * old.median).max(tolerance.sigmas * noise);
    match new.median - old.median {
        more if more > threshold => Verdict::Slower,
        less if less < -threshold => Verdict::Faster,
        _ => Verdict::Same,
    }
}

fn warnings(old: &Profile, new: &Profile, basis: Basis<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let (a, b) = (&old.machine, &new.machine);
    if (&a.cpu, a.threads) != (&b.cpu, b.threads) {
        out.push(format!(
            "measured on different machines: {} ({} threads), {} ({})",
            a.cpu, a.threads, b.cpu, b.threads
        ));
    }
    let drift = b.clock_ghz / a.clock_ghz;
    if basis == Basis::Seconds && !(0.95..1.05).contains(&drift) {
        out.push(format!(
            "the core ran at {:.2} GHz before and at {:.2} GHz now: --relative compares with arkworks instead",
            a.clock_ghz, b.clock_ghz
        ));
    }
    for (profile, name) in [(old, "old"), (new, "new")] {
        if profile.settings.rounds < 3 {
            out.push(format!(
                "the {name} file has {} rounds: too few to know the noise",
                profile.settings.rounds
            ));
        }
    }
    out
}

fn figures(profile: &Profile, basis: Basis<'_>, unmatched: &mut Vec<String>) -> Vec<(String, bool, Stat)> {
    let mut out = Vec::new();
    for subject in &profile.subjects {
        for prover in &subject.provers {
            if prover.peer && basis != Basis::Seconds {
                continue;
            }
            for run in &prover.runs {
                let name = name(subject, prover, run);
                let Some(factor) = factor(subject, run, basis) else {
                    unmatched.push(format!("{name}: no peer measured beside it"));
                    continue;
                };
                for part in run.phases.iter().filter(|_| !prover.peer) {
                    out.push((format!("{name}, {}", part.phase), false, part.times.cpu.scaled(factor)));
                }
                out.push((name, true, run.whole.cpu.scaled(factor)));
            }
        }
    }
    out
}

fn name(subject: &Subject, prover: &Prover, run: &Run) -> String {
    format!("{}, {}, {} thread{}", subject.name, prover.name, run.threads, plural(run.threads))
}

fn factor(subject: &Subject, run: &Run, basis: Basis<'_>) -> Option<f64> {
    match basis {
        Basis::Seconds => Some(1.0),
        Basis::Peer(peer) => Some(1.0 / subject.prover(peer)?.with(run.threads)?.whole.cpu.median),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::tests::sample;

    fn slow(profile: &mut Profile, prover: &str, by: f64) {
        for subject in &mut profile.subjects {
            for prover in subject.provers.iter_mut().filter(|p| p.name == prover) {
                for run in &mut prover.runs {
                    run.whole.cpu = run.whole.cpu.scaled(by);
                    run.phases.iter_mut().for_each(|part| part.times.cpu = part.times.cpu.scaled(by));
                }
            }
        }
    }

    #[test]
    fn a_profile_does_not_differ_from_itself() {
        let profile = sample();
        let comparison = compare(&profile, &profile, Basis::Seconds, Tolerance::default());
        // Two subjects: eight parts and the whole on one and two threads, and the peer's whole.
        assert_eq!(comparison.changes.len(), 2 * (2 * 9 + 1));
        assert!(comparison.changes.iter().all(|c| c.verdict == Verdict::Same));
        assert_eq!((comparison.unmatched.len(), comparison.warnings.len()), (0, 0), "{comparison:?}");
    }

    #[test]
    fn a_regression_beyond_the_noise_is_found_and_one_within_it_is_not() {
        let (old, mut new) = (sample(), sample());
        // The sample's spread is one percent each: three sigma of both are 6.3 %.
        slow(&mut new, "portable", 1.06);
        assert_eq!(compare(&old, &new, Basis::Seconds, Tolerance::default()).regressions().count(), 0);
        slow(&mut new, "portable", 1.02);
        let comparison = compare(&old, &new, Basis::Seconds, Tolerance::default());
        assert_eq!(comparison.regressions().count(), 4);
        assert_eq!(comparison.changes.iter().filter(|c| c.verdict == Verdict::Slower).count(), 4 * 9);
        assert!(comparison.regressions().all(|c| c.what.contains("portable")));
        let faster = compare(&new, &old, Basis::Seconds, Tolerance::default());
        assert_eq!(faster.regressions().count(), 0);
        assert_eq!(faster.changes.iter().filter(|c| c.whole && c.verdict == Verdict::Faster).count(), 4);
    }

    #[test]
    fn a_slower_machine_is_no_regression_relative_to_a_peer() {
        let (old, mut new) = (sample(), sample());
        slow(&mut new, "portable", 1.5);
        slow(&mut new, "arkworks 0.6", 1.5);
        let basis = Basis::Peer("arkworks 0.6");
        assert_ne!(compare(&old, &new, Basis::Seconds, Tolerance::default()).regressions().count(), 0);
        let comparison = compare(&old, &new, basis, Tolerance::default());
        assert_eq!(comparison.regressions().count(), 0);
        // The sample has the peer on one thread only.
        assert_eq!(comparison.unmatched.len(), 4, "{:?}", comparison.unmatched);
        slow(&mut new, "portable", 1.2);
        assert_ne!(compare(&old, &new, basis, Tolerance::default()).regressions().count(), 0);
    }

    #[test]
    fn what_is_in_one_file_alone_is_named() {
        let (old, mut new) = (sample(), sample());
        new.subjects.pop();
        new.subjects[0].name = "merkle 2^14".into();
        let comparison = compare(&old, &new, Basis::Seconds, Tolerance::default());
        assert!(comparison.changes.is_empty());
        assert!(comparison.unmatched.iter().any(|u| u.starts_with("merkle 2^14") && u.ends_with("new file")));
        assert!(comparison.unmatched.iter().any(|u| u.starts_with("merkle 2^16") && u.ends_with("old file")));
    }

    #[test]
    fn another_machine_another_clock_and_too_few_rounds_are_warned_of() {
        let (old, mut new) = (sample(), sample());
        new.machine.cpu = "another".into();
        new.machine.clock_ghz = 3.0;
        new.settings.rounds = 1;
        let warnings = compare(&old, &new, Basis::Seconds, Tolerance::default()).warnings;
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }
}
