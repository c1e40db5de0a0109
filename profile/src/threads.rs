//! Pools with a fixed number of threads.

use crate::Outcome;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool of `threads` threads. Work installed in it uses no other threads.
///
/// # Errors
/// If the system refuses to start the threads.
pub fn pool(threads: usize) -> Outcome<ThreadPool> {
    Ok(ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// Powers of two below the number of hardware threads, then that number.
#[must_use]
pub fn counts() -> Vec<usize> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts: Vec<usize> =
        core::iter::successors(Some(1), |n| Some(n * 2)).take_while(|n| *n < all).collect();
    counts.push(all);
    counts
}
