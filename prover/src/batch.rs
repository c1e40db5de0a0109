//! Many plans: throughput instead of the time of one proof.
//!
//! One proof over several threads waits for its slowest thread after every phase. Several proofs at
//! a time, each on its own threads, wait for nothing but the last one: so a batch gives each place
//! its share of the threads (one, where there are as many places as threads).

use crate::keys::{AnyPlan, Keys, PlanError};
use amanat_accel::gpu::as_hand;
use amanat_domain::tx::Transaction;
use core::ops::ControlFlow;
use rayon::ThreadPoolBuilder;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

type Plan = Box<dyn AnyPlan>;
type Proved = Result<Transaction, PlanError>;

/// Proves many plans, at most `in_flight` at a time, so that memory is bounded by that and not by
/// the number of plans: a plan is drawn from the iterator when a place becomes free, on the
/// caller's thread.
///
/// If a backend has a device, processor and device work on different proofs: there is one more
/// place for each proof that the device takes at a time.
///
/// `done` hears each result in the plans' order, on the caller's thread. It may stop the batch:
/// then no further plan is drawn, and running proofs are cancelled at their next phase. Results
/// that wait for an earlier one are at most as many as there are places; after that, drawing waits
/// too.
///
/// The current rayon pool's number of threads is shared out among the places; each has at least
/// one.
///
/// # Panics
/// If `in_flight` is zero.
pub fn prove_batch(
    plans: impl IntoIterator<Item = Plan>,
    keys: &Keys,
    in_flight: usize,
    mut done: impl FnMut(Proved) -> ControlFlow<()>,
) {
    assert!(in_flight > 0, "a batch needs at least one place");
    let threads = (rayon::current_num_threads() / in_flight).max(1);
    let hands = keys.iter().map(|(_, key)| key.proving_key().loaded().hands()).max().unwrap_or(0);
    let stopped = AtomicBool::new(false);
    let (to_places, work) = channel();
    let work = Arc::new(Mutex::new(work));
    let (answers, results) = channel();
    thread::scope(|scope| {
        let mut places = 0;
        for i in 0..in_flight + hands {
            let (work, answers, hand) = (work.clone(), answers.clone(), i >= in_flight);
            let place = Place { work, answers, stopped: &stopped, keys, threads, hand };
            let name = format!("prover-{i}");
            // A system without room for another thread has fewer places.
            places +=
                usize::from(thread::Builder::new().name(name).spawn_scoped(scope, || place.run()).is_ok());
        }
        drop(answers);
        let order = Order { plans: plans.into_iter().fuse(), to_places, results, places };
        order.run(keys, &stopped, &mut done);
    });
}

/// The caller's side: draws plans, hands on results.
struct Order<I> {
    plans: I,
    to_places: Sender<(usize, Plan)>,
    results: Receiver<(usize, Proved)>,
    places: usize,
}

impl<I: Iterator<Item = Plan>> Order<I> {
    fn run(mut self, keys: &Keys, stopped: &AtomicBool, done: &mut dyn FnMut(Proved) -> ControlFlow<()>) {
        if self.places == 0 {
            // No thread but this one.
            for plan in self.plans {
                if done(plan.prove_any(keys, &crate::groth16::no_progress)).is_break() {
                    return;
                }
            }
            return;
        }
        let (mut drawn, mut answered) = (0, 0);
        let mut proving = 0;
        let mut waiting = BTreeMap::new();
        loop {
            while proving < self.places && waiting.len() < self.places {
                let Some(plan) = self.plans.next() else { break };
                if self.to_places.send((drawn, plan)).is_err() {
                    // Every place is gone: one of them panicked, and the scope says so.
                    return;
                }
                drawn += 1;
                proving += 1;
            }
            if proving == 0 {
                return;
            }
            let Ok((i, result)) = self.results.recv() else { return };
            proving -= 1;
            waiting.insert(i, result);
            while let Some(result) = waiting.remove(&answered) {
                answered += 1;
                if done(result).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    }
}

/// One place: takes plans until there are no more.
struct Place<'a> {
    work: Arc<Mutex<Receiver<(usize, Plan)>>>,
    answers: Sender<(usize, Proved)>,
    stopped: &'a AtomicBool,
    keys: &'a Keys,
    threads: usize,
    /// Whether it costs no thread of the processor's, but waits for a device.
    hand: bool,
}

impl Place<'_> {
    fn run(self) {
        // This thread is the pool's first one. Without a pool the proof is spread as the system
        // sees fit.
        let pool = ThreadPoolBuilder::new().num_threads(self.threads).use_current_thread().build().ok();
        let progress = |_| match self.stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        loop {
            // The lock is held while waiting: the other places wait for the same thing.
            let next = self.work.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((i, plan)) = next else { return };
            let prove = || match self.hand {
                true => as_hand(|| plan.prove_any(self.keys, &progress)),
                false => plan.prove_any(self.keys, &progress),
            };
            let result = match &pool {
                Some(pool) => pool.install(prove),
                None => prove(),
            };
            if self.answers.send((i, result)).is_err() {
                return;
            }
        }
    }
}
