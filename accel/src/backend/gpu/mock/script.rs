//! What a mock device is told to do, and what it has seen.

use super::super::abi;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An entry that a script can name.
pub const ENTRIES: [&str; 12] = [
    "open",
    "stream_new",
    "circuit_load",
    "key_load",
    "assign",
    "rows",
    "transform",
    "quotient_read",
    "sum",
    "msm",
    "ntt",
    "stream_wipe",
];

/// What goes wrong at an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The answer is of the right form, and wrong.
    Wrong,
    /// The answer is no number or no point.
    Garbage,
    /// The call fails with this code and these words.
    Fail(i32, String),
    /// An exception, which the plugin catches.
    Panic,
}

/// What a device does, and what it has seen.
#[derive(Default)]
pub struct Script {
    faults: Mutex<Vec<Planned>>,
    /// After this number of calls each call says that the device is lost; 0: never.
    lost_after: AtomicU64,
    calls: AtomicU64,
    /// Bytes that circuits and keys may take; 0: any.
    capacity: AtomicU64,
    pub(super) bytes: AtomicU64,
    peak: AtomicU64,
    pub(super) circuits: AtomicUsize,
    pub(super) keys: AtomicUsize,
    loads: AtomicUsize,
    pub(super) streams: AtomicUsize,
    /// Streams used again or freed with a proof's data in them.
    pub(super) unwiped: AtomicUsize,
    /// Sums that wait at the gate, and whether it is open.
    gate: Mutex<Gate>,
    turn: Condvar,
}

struct Planned {
    entry: &'static str,
    /// Calls of this entry that go well first, and how many go wrong then.
    after: u64,
    times: u64,
    fault: Fault,
}

/// How long a test waits for what must happen: far longer than it takes on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until this holds.
///
/// # Panics
/// If it does not within [`PATIENCE`].
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

#[derive(Default)]
struct Gate {
    closed: bool,
    waiting: usize,
}

impl Script {
    /// Plans a fault: after a number of good calls of the entry, a number of times.
    ///
    /// # Panics
    /// If the mock knows no such entry.
    pub fn fault(&self, entry: &str, after: u64, times: u64, fault: Fault) {
        let entry = ENTRIES.into_iter().find(|known| *known == entry).expect("an entry of the mock");
        lock(&self.faults).push(Planned { entry, after, times, fault });
    }

    /// Each call after `calls` more fails: the device is lost.
    pub fn lose_after(&self, calls: u64) {
        self.lost_after.store(self.calls.load(Ordering::SeqCst) + calls.max(1), Ordering::SeqCst);
    }

    /// Circuits and keys fit into `bytes` bytes.
    pub fn hold(&self, bytes: u64) {
        self.capacity.store(bytes, Ordering::SeqCst);
    }

    /// From now on sums wait until [`open_gate`](Self::open_gate).
    pub fn close_gate(&self) {
        lock(&self.gate).closed = true;
    }

    /// Lets all sums pass.
    pub fn open_gate(&self) {
        lock(&self.gate).closed = false;
        self.turn.notify_all();
    }

    /// Waits until this number of sums wait at the gate.
    ///
    /// # Panics
    /// If they do not come within [`PATIENCE`]: a test that waits for what will not happen fails,
    /// it does not hang.
    pub fn wait_for_waiting(&self, sums: usize) {
        let gate = lock(&self.gate);
        let waited = self.turn.wait_timeout_while(gate, PATIENCE, |gate| gate.waiting < sums);
        let (gate, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        let waiting = gate.waiting;
        drop(gate);
        assert!(!timeout.timed_out(), "{waiting} of {sums} sums came to the gate");
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Circuits, keys and streams that are alive.
    #[must_use]
    pub fn alive(&self) -> [usize; 3] {
        [&self.circuits, &self.keys, &self.streams].map(|count| count.load(Ordering::SeqCst))
    }

    /// How often a circuit or a key was put on the device.
    #[must_use]
    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// The most bytes that circuits and keys took at one time.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::SeqCst)
    }

    /// How often a stream was used again or freed with a proof's data in it.
    #[must_use]
    pub fn unwiped(&self) -> usize {
        self.unwiped.load(Ordering::SeqCst)
    }

    /// From words: `wrong=ENTRY`, `garbage=ENTRY`, `fail=ENTRY`, `full`, `panic=ENTRY`, each with
    /// `@N` to let N calls go well first; `lost=N`; comma-separated. What is not understood is left
    /// out.
    #[must_use]
    pub fn parse(words: &str) -> Self {
        let script = Self::default();
        for word in words.split(',').map(str::trim) {
            let (what, rest) = word.split_once('=').unwrap_or((word, ""));
            let (entry, after) = rest.split_once('@').unwrap_or((rest, "0"));
            let after = after.parse().unwrap_or(0);
            let fault = match what {
                "wrong" => Fault::Wrong,
                "garbage" => Fault::Garbage,
                "fail" => Fault::Fail(abi::INTERNAL, "the script says so".to_owned()),
                "panic" => Fault::Panic,
                "lost" => {
                    script.lose_after(entry.parse().unwrap_or(1));
                    continue;
                }
                "full" => {
                    script.hold(1);
                    continue;
                }
                _ => continue,
            };
            if ENTRIES.contains(&entry) {
                script.fault(entry, after, u64::MAX, fault);
            }
        }
        script
    }

    /// Counts a call; what goes wrong with it.
    pub(super) fn enter(&self, entry: &'static str) -> Result<Option<Fault>, (i32, String)> {
        let calls = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let lost = self.lost_after.load(Ordering::SeqCst);
        if lost != 0 && calls >= lost {
            return Err((abi::DEVICE_LOST, "cudaErrorLaunchFailure: the mock's device is gone".to_owned()));
        }
        let mut faults = lock(&self.faults);
        let Some(planned) = faults.iter_mut().find(|planned| planned.entry == entry && planned.times > 0)
        else {
            return Ok(None);
        };
        if planned.after > 0 {
            planned.after -= 1;
            return Ok(None);
        }
        planned.times -= 1;
        match planned.fault.clone() {
            Fault::Fail(code, words) => Err((code, words)),
            Fault::Panic => {
                drop(faults);
                // Not `panic!`: no message in a test's output, and nothing of the hook.
                std::panic::resume_unwind(Box::new("the script says so"))
            }
            fault => Ok(Some(fault)),
        }
    }

    pub(super) fn pass_gate(&self) {
        let mut gate = lock(&self.gate);
        if !gate.closed {
            return;
        }
        gate.waiting += 1;
        self.turn.notify_all();
        while gate.closed {
            gate = self.turn.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        gate.waiting -= 1;
    }

    pub(super) fn take(&self, bytes: u64) -> Result<(), (i32, String)> {
        let capacity = self.capacity.load(Ordering::SeqCst);
        let used = self.bytes.fetch_add(bytes, Ordering::SeqCst) + bytes;
        if capacity != 0 && used > capacity {
            self.bytes.fetch_sub(bytes, Ordering::SeqCst);
            return Err((abi::OUT_OF_MEMORY, "cudaErrorMemoryAllocation: the mock is full".to_owned()));
        }
        self.peak.fetch_max(used, Ordering::SeqCst);
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
