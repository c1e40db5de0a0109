//! Clocks: wall, processor time, and the core's own frequency.
//!
//! On a machine that others use too, the wall clock measures the others. Processor time of the
//! whole process is what is compared here: it counts every thread, so work handed to a helper
//! thread is not free, and it stops while others run.

use std::hint::black_box;
use std::time::Instant;

/// A point in time by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    wall: Instant,
    cpu: f64,
}

/// What passed between two marks, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Elapsed {
    /// By the clock on the wall.
    pub wall: f64,
    /// Processor time of all threads of this process together.
    pub cpu: f64,
}

impl Mark {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self { cpu: process_seconds(), wall: Instant::now() }
    }

    /// From this mark to a later one.
    #[must_use]
    pub fn until(&self, later: &Self) -> Elapsed {
        Elapsed { wall: later.wall.duration_since(self.wall).as_secs_f64(), cpu: later.cpu - self.cpu }
    }

    /// From this mark to now.
    #[must_use]
    pub fn elapsed(&self) -> Elapsed {
        self.until(&Self::now())
    }
}

/// Processor time of this process so far. If the system has no such clock: wall time since the
/// first call.
#[must_use]
pub fn process_seconds() -> f64 {
    #[cfg(unix)]
    {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
    }
    #[cfg(not(unix))]
    {
        static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64()
    }
}

/// The core's frequency in Hz, from a chain of dependent multiplications of three cycles each (so
/// on every x86-64 core since 2008 and on most 64-bit Arm cores). The best of several chains: a
/// disturbed one seems slower, none faster.
#[must_use]
pub fn core_hertz() -> f64 {
    const STEPS: u32 = 3_000_000;
    const CYCLES: f64 = 3.0;
    let chain = || {
        let begun = process_seconds();
        let mut x = black_box(0x9e37_79b9_7f4a_7c15u64);
        for _ in 0..STEPS / 10 {
            // Squares: a compiler cannot gather them as it gathers factors or sums.
            for _ in 0..10 {
                x = x.wrapping_mul(x);
            }
        }
        black_box(x);
        f64::from(STEPS) * CYCLES / (process_seconds() - begun)
    };
    (0..7).map(|_| chain()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_passes_while_work_is_done_and_is_counted_for_every_thread() {
        let mark = Mark::now();
        let work = || {
            let begun = process_seconds();
            let mut x = black_box(3u64);
            while process_seconds() - begun < 0.02 {
                x = black_box(x.wrapping_mul(x));
            }
        };
        std::thread::scope(|s| {
            s.spawn(work);
            s.spawn(work);
        });
        let elapsed = mark.elapsed();
        assert!(elapsed.cpu >= 0.02, "{elapsed:?}");
        assert!(elapsed.wall > 0.0);
    }

    #[test]
    fn the_core_has_a_frequency_that_cores_have() {
        let hertz = core_hertz();
        // Tests are built with little optimisation: only that it is a frequency at all.
        assert!((1e7..1e10).contains(&hertz), "{hertz}");
    }
}
