//! Offering load. Requests are due at times that are fixed beforehand. The latency of a request
//! counts from the time it was due, even if the system was too busy to take it then: a slow answer
//! delays no later request.

use super::file::Latency;
use super::system::{Done, System};
use crate::report::Outcome;
use amanat_profile::clock::Mark;
use rand::CryptoRng;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How requests are handed in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Callers {
    /// The number of callers that hand in at the same time.
    pub(super) number: usize,
    /// The most requests that a caller hands in together: those that are due by then.
    pub(super) batch: usize,
}

/// The time since a run began.
trait Clock: Sync {
    fn now(&self) -> Duration;
    /// Returns at this time or later.
    fn wait_until(&self, at: Duration);
}

/// The machine's clock.
struct Machine {
    begun: Instant,
}

impl Clock for Machine {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn wait_until(&self, at: Duration) {
        thread::sleep(at.saturating_sub(self.begun.elapsed()));
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub(super) struct Driven {
    /// Seconds from the time a request was due to its answer, in ascending order.
    pub(super) latencies: Vec<f64>,
    /// Seconds from the time the first request was due to the last answer.
    pub(super) wall: f64,
    /// Processor time of this process.
    pub(super) cpu: f64,
}

/// Times at which requests come by themselves, `rate` a second on average.
pub(super) fn poisson(rate: f64, n: usize, rng: &mut impl CryptoRng) -> Vec<Duration> {
    let mut at = 0.0;
    let mut next = || {
        let mut bytes = [0; 8];
        rng.fill_bytes(&mut bytes);
        // In (0, 1]: its logarithm is finite.
        let uniform = ((u64::from_le_bytes(bytes) >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let before = at;
        at -= uniform.ln() / rate;
        Duration::from_secs_f64(before)
    };
    (0..n).map(|_| next()).collect()
}

/// All at once.
pub(super) fn burst(n: usize) -> Vec<Duration> {
    vec![Duration::ZERO; n]
}

/// Hands in every request when it is due, as soon as a caller is free.
///
/// # Errors
/// If a request is refused, or was there before: then this is no measurement.
pub(super) fn drive(
    system: &dyn System,
    requests: &[Vec<u8>],
    times: &[Duration],
    callers: Callers,
) -> Outcome<Driven> {
    drive_by(&Machine { begun: Instant::now() }, system, requests, times, callers)
}

fn drive_by(
    clock: &dyn Clock,
    system: &dyn System,
    requests: &[Vec<u8>],
    times: &[Duration],
    callers: Callers,
) -> Outcome<Driven> {
    assert_eq!(requests.len(), times.len(), "a time for each request");
    let next = Mutex::new(0);
    let mark = Mark::now();
    let call = || -> Result<(Vec<f64>, f64), String> {
        let (mut latencies, mut last) = (Vec::new(), 0.0f64);
        loop {
            let (from, to) = {
                let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(first) = times.get(*next) else { return Ok((latencies, last)) };
                // Another free caller waits for the lock meanwhile, and takes the requests after
                // these.
                clock.wait_until(*first);
                let now = clock.now();
                let due = times.partition_point(|t| *t <= now);
                let from = *next;
                *next = due.clamp(from + 1, from + callers.batch);
                (from, *next)
            };
            let batch: Vec<&[u8]> = requests[from..to].iter().map(Vec::as_slice).collect();
            let answers = system.submit(&batch);
            let now = clock.now();
            for (answer, time) in answers.iter().zip(&times[from..to]) {
                match answer {
                    Ok(Done::Now) => latencies.push(now.saturating_sub(*time).as_secs_f64()),
                    Ok(Done::Before) => return Err("a request was there before".to_owned()),
                    Err(refused) => return Err(format!("a good request was refused: {refused}")),
                }
            }
            last = last.max(now.as_secs_f64());
        }
    };
    let results: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..callers.number).map(|_| scope.spawn(call)).collect();
        callers.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut driven =
        Driven { latencies: Vec::with_capacity(times.len()), wall: 0.0, cpu: mark.elapsed().cpu };
    for result in results {
        let (latencies, last) = result.map_err(|_| "a caller panicked")??;
        driven.latencies.extend(latencies);
        driven.wall = driven.wall.max(last);
    }
    if driven.latencies.len() != times.len() {
        return Err("some requests got no answer".into());
    }
    driven.latencies.sort_by(f64::total_cmp);
    driven.wall -= times.first().map_or(0.0, Duration::as_secs_f64);
    Ok(driven)
}

/// The value that `share` of ascending values do not exceed: the nearest rank.
pub(super) fn percentile(ascending: &[f64], share: f64) -> f64 {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.clamp(1, ascending.len().max(1)) - 1).copied().unwrap_or(0.0)
}

/// Of ascending seconds.
pub(super) fn latency(ascending: &[f64]) -> Latency {
    Latency {
        p50: percentile(ascending, 0.5),
        p99: percentile(ascending, 0.99),
        max: percentile(ascending, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::world::rng;

    /// A clock that moves only if somebody waits or works.
    #[derive(Default)]
    struct ByHand(Mutex<Duration>);

    impl ByHand {
        fn pass(&self, time: Duration) {
            *self.0.lock().expect("no panic") += time;
        }
    }

    impl Clock for ByHand {
        fn now(&self) -> Duration {
            *self.0.lock().expect("no panic")
        }

        fn wait_until(&self, at: Duration) {
            let mut now = self.0.lock().expect("no panic");
            *now = at.max(*now);
        }
    }

    /// Takes the same time for each batch, whatever its size.
    struct Slow<'a> {
        clock: &'a ByHand,
        each: Duration,
        batches: Mutex<Vec<usize>>,
    }

    impl<'a> Slow<'a> {
        fn new(clock: &'a ByHand, each: Duration) -> Self {
            Self { clock, each, batches: Mutex::default() }
        }

        fn batches(&self) -> Vec<usize> {
            self.batches.lock().expect("no panic").clone()
        }
    }

    impl System for Slow<'_> {
        fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>> {
            self.clock.pass(self.each);
            self.batches.lock().expect("no panic").push(requests.len());
            requests.iter().map(|r| if r.is_empty() { Err("empty".into()) } else { Ok(Done::Now) }).collect()
        }
        fn height(&self) -> u64 {
            0
        }
        fn holds(&self, _: &[u8]) -> Outcome<bool> {
            Ok(true)
        }
    }

    const ONE: Callers = Callers { number: 1, batch: 4 };

    #[test]
    fn ranks_are_the_nearest_at_or_above() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([0.5, 0.99, 1.0, 0.001].map(|p| percentile(&hundred, p)), [50.0, 99.0, 100.0, 1.0]);
        assert_eq!((percentile(&[7.0], 0.99), percentile(&[], 0.5)), (7.0, 0.0));
    }

    #[test]
    fn arrivals_are_in_order_and_as_many_a_second_as_asked_for() {
        let times = poisson(1000.0, 20_000, &mut rng(1));
        assert!(times.is_sorted());
        assert_eq!(times[0], Duration::ZERO);
        let seconds = times[times.len() - 1].as_secs_f64();
        assert!((19.0..21.0).contains(&seconds), "{seconds}");
        // Gaps as of a memoryless source: their spread is their mean.
        let gaps: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]).as_secs_f64()).collect();
        let variance = gaps.iter().map(|g| (g - 1e-3).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((0.9e-6..1.1e-6).contains(&variance), "{variance}");
    }

    #[test]
    fn latency_counts_from_the_time_a_request_was_due_even_if_the_system_is_busy() -> Outcome<()> {
        let clock = ByHand::default();
        let slow = Slow::new(&clock, Duration::from_millis(20));
        let driven = drive_by(&clock, &slow, &vec![vec![1]; 12], &burst(12), ONE)?;
        assert_eq!(slow.batches(), [4, 4, 4]);
        // The last of three batches has waited for two others.
        let expected: Vec<f64> = [0.02, 0.04, 0.06].into_iter().flat_map(|s| [s; 4]).collect();
        assert_eq!(driven.latencies, expected);
        assert_eq!(driven.wall, 0.06);
        Ok(())
    }

    #[test]
    fn nothing_is_handed_in_before_its_time() -> Outcome<()> {
        let clock = ByHand::default();
        let slow = Slow::new(&clock, Duration::ZERO);
        let times = [0, 30, 60].map(Duration::from_millis);
        let driven = drive_by(&clock, &slow, &vec![vec![1]; 3], &times, Callers { number: 2, batch: 4 })?;
        assert_eq!(slow.batches(), [1, 1, 1]);
        assert_eq!(driven.wall, 0.06);
        Ok(())
    }

    #[test]
    fn the_machines_clock_waits_at_least_as_long_as_asked() {
        let clock = Machine { begun: Instant::now() };
        clock.wait_until(Duration::from_millis(5));
        assert!(clock.now() >= Duration::from_millis(5));
        clock.wait_until(Duration::ZERO);
    }

    #[test]
    fn a_refusal_is_no_measurement() {
        let clock = ByHand::default();
        let slow = Slow::new(&clock, Duration::ZERO);
        let refused = drive_by(&clock, &slow, &[vec![1], vec![]], &burst(2), ONE).expect_err("one is empty");
        assert!(refused.to_string().contains("a good request was refused: empty"), "{refused}");
    }
}
