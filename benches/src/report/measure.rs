//! Clocks, medians, threads.

use super::Outcome;
use std::time::Instant;

/// The seconds of several runs, in ascending order; at least one.
#[derive(Debug, Clone)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// From the seconds of at least one run.
    ///
    /// # Panics
    /// On none.
    #[must_use]
    pub fn new(mut seconds: Vec<f64>) -> Self {
        assert!(!seconds.is_empty(), "something was measured");
        seconds.sort_by(f64::total_cmp);
        Self(seconds)
    }

    /// The middle one; of an even number the mean of both in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        let n = self.0.len();
        f64::midpoint(self.0[(n - 1) / 2], self.0[n / 2])
    }

    /// The least.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.0[0]
    }

    /// The greatest.
    #[must_use]
    pub fn greatest(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// The middle half's width over the median: how much one run differs from another.
    #[must_use]
    pub fn noise(&self) -> f64 {
        let n = self.0.len();
        (self.0[n * 3 / 4] - self.0[n / 4]) / self.median()
    }

    /// Number of runs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Every run divided by `n`: the share of each of `n` things done in it.
    #[must_use]
    pub fn per(&self, n: usize) -> Self {
        Self(self.0.iter().map(|s| s / n as f64).collect())
    }
}

/// Something to be measured.
pub type Work<'a> = Box<dyn FnMut() -> Outcome<()> + Send + 'a>;

/// Seconds of one call.
///
/// # Errors
/// The work's.
pub fn seconds(work: &mut (impl FnMut() -> Outcome<()> + ?Sized)) -> Outcome<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Several runs of one thing, after one that is not counted.
///
/// # Errors
/// The work's.
pub fn repeated(runs: usize, work: &mut (impl FnMut() -> Outcome<()> + ?Sized)) -> Outcome<Samples> {
    work()?;
    Ok(Samples::new((0..runs).map(|_| seconds(work)).collect::<Outcome<_>>()?))
}

/// Things that are compared, run in turn, each round beginning with another one; a first round is
/// not counted.
///
/// # Errors
/// The first work's that fails.
pub fn in_turn(runs: usize, works: &mut [Work<'_>]) -> Outcome<Vec<Samples>> {
    let n = works.len();
    let mut all = vec![Vec::with_capacity(runs); n];
    for round in 0..=runs {
        for i in (0..n).map(|i| (i + round) % n) {
            let taken = seconds(&mut works[i])?;
            if round > 0 {
                all[i].push(taken);
            }
        }
    }
    Ok(all.into_iter().map(Samples::new).collect())
}

/// Numbers of threads worth a row: 1, 2, and all there are.
#[must_use]
pub fn thread_counts() -> Vec<usize> {
    let all = rayon::current_num_threads();
    if all > 2 { vec![1, 2, all] } else { vec![1, 2] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_runs_lies_between_two() {
        assert_eq!(Samples::new(vec![4.0, 1.0, 2.0, 8.0]).median(), 3.0);
        assert_eq!(Samples::new(vec![5.0]).median(), 5.0);
    }

    #[test]
    fn works_are_run_in_turn_and_once_more_than_counted() -> Outcome<()> {
        let log = std::sync::Mutex::new(Vec::new());
        let note = |what: u8| log.lock().map(|mut log| log.push(what)).map_err(|e| e.to_string().into());
        let mut works: [Work<'_>; 2] = [Box::new(|| note(1)), Box::new(|| note(2))];
        let samples = in_turn(2, &mut works)?;
        assert_eq!(samples.iter().map(Samples::len).collect::<Vec<_>>(), [2, 2]);
        drop(works);
        assert_eq!(log.into_inner()?, [1, 2, 2, 1, 1, 2]);
        Ok(())
    }
}
