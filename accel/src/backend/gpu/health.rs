//! What is known about a device, and the events reported about it.

use super::failure::{Failure, FailureKind};
use super::plugin::DeviceInfo;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Internal failures in a row after which the device is not used any more.
const PATIENCE: u32 = 3;

/// Whether a device is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is.
    Ready,
    /// It failed, and cannot be used in this process any more.
    Lost {
        /// What it said.
        why: String,
    },
    /// It answered something wrong, and is not asked any more.
    Quarantined {
        /// What was wrong.
        why: String,
    },
}

impl State {
    /// A short name in lower case, for metrics.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Lost { .. } => "lost",
            Self::Quarantined { .. } => "quarantined",
        }
    }
}

/// How serious an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Slower than it could be.
    Warning,
    /// A device computed wrongly. Nothing wrong was released, but an operator must examine the
    /// machine.
    Alarm,
}

/// Something that happened, in words. No witness data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// How serious.
    pub severity: Severity,
    /// What.
    pub words: String,
}

type Listener = Box<dyn Fn(&Event) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Calls `listener` for each event of the machine's device, on the thread where it happens. For a
/// program's log; set once, by the binary, before any work. Earlier events are in the
/// [`report`](super::report).
///
/// # Errors
/// [`AlreadyHeard`] if there is a listener.
pub fn listen(listener: impl Fn(&Event) + Send + Sync + 'static) -> Result<(), AlreadyHeard> {
    LISTENER.set(Box::new(listener)).map_err(|_| AlreadyHeard)
}

/// There is a listener already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the GPU's events already have a listener")]
pub struct AlreadyHeard;

/// Counters and state of one device.
pub(super) struct Health {
    state: Mutex<(State, u32)>,
    /// Events from before there was a listener, and for tests.
    said: Mutex<Vec<Event>>,
    alarms: AtomicU64,
    by_device: AtomicU64,
    by_processor: AtomicU64,
    again: AtomicU64,
    failures: [AtomicU64; FailureKind::ALL.len()],
}

/// The most events kept.
const KEPT: usize = 64;

impl Health {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new((State::Ready, 0)),
            said: Mutex::new(Vec::new()),
            alarms: AtomicU64::new(0),
            by_device: AtomicU64::new(0),
            by_processor: AtomicU64::new(0),
            again: AtomicU64::new(0),
            failures: [const { AtomicU64::new(0) }; FailureKind::ALL.len()],
        }
    }

    pub(super) fn state(&self) -> State {
        lock(&self.state).0.clone()
    }

    pub(super) fn ready(&self) -> bool {
        lock(&self.state).0 == State::Ready
    }

    pub(super) fn made(&self, device: bool) {
        let counter = if device { &self.by_device } else { &self.by_processor };
        counter.fetch_add(1, Ordering::Relaxed);
        if device {
            // why: only failures in a row end the device's use, and this proof ends the row.
            lock(&self.state).1 = 0;
        }
    }

    /// Notes a failure; whether the device is out of use from now on.
    pub(super) fn failed(&self, failure: &Failure) -> bool {
        let place = FailureKind::ALL.iter().position(|kind| *kind == failure.kind).unwrap_or(0);
        let count = self.failures[place].fetch_add(1, Ordering::Relaxed) + 1;
        let words = format!("the GPU failed ({failure}); the processor makes the proof");
        match failure.kind {
            FailureKind::Malformed => {
                self.quarantine(&failure.to_string());
                // why: no failure but a wrong answer. The first one ends the device's use.
                return true;
            }
            FailureKind::OutOfMemory => {
                // why: a full device stays full for many proofs. The first is reported in words,
                // the counter has the rest.
                if count == 1 {
                    self.say(Severity::Warning, words);
                }
                return false;
            }
            FailureKind::Internal => {
                let mut state = lock(&self.state);
                state.1 += 1;
                if state.1 < PATIENCE {
                    drop(state);
                    self.say(Severity::Warning, words);
                    return false;
                }
            }
            // Neither comes back in this process, so the device is out of use at once.
            FailureKind::NoDevice | FailureKind::Lost => {}
        }
        self.leave(State::Lost { why: failure.to_string() }, || {
            let words = format!("the GPU is lost ({failure}); the processor makes all proofs from now on");
            self.say(Severity::Warning, words);
        });
        true
    }

    /// The device computed wrongly.
    pub(super) fn quarantine(&self, why: &str) {
        self.alarms.fetch_add(1, Ordering::Relaxed);
        let words = format!(
            "the GPU computed wrongly ({why}); nothing of it was released, the processor makes all proofs from now on"
        );
        self.leave(State::Quarantined { why: why.to_owned() }, || ());
        self.say(Severity::Alarm, words);
    }

    /// A proof was made again on the processor.
    pub(super) fn made_again(&self) {
        self.again.fetch_add(1, Ordering::Relaxed);
    }

    /// Quarantine outranks loss; the first reason stays.
    fn leave(&self, new: State, first: impl FnOnce()) {
        let mut state = lock(&self.state);
        let changes = match (&state.0, &new) {
            (State::Ready, _) | (State::Lost { .. }, State::Quarantined { .. }) => true,
            (State::Lost { .. } | State::Quarantined { .. }, _) => false,
        };
        if changes {
            state.0 = new;
            // Released first: a listener may ask for the report, which takes this lock.
            drop(state);
            first();
        }
    }

    pub(super) fn say(&self, severity: Severity, words: String) {
        let event = Event { severity, words };
        if let Some(listener) = LISTENER.get() {
            listener(&event);
        }
        let mut said = lock(&self.said);
        if said.len() < KEPT {
            said.push(event);
        }
    }

    pub(super) fn fill(&self, report: &mut Report) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        report.state = self.state();
        report.alarms = count(&self.alarms);
        report.by_device = count(&self.by_device);
        report.by_processor = count(&self.by_processor);
        report.made_again = count(&self.again);
        for (place, kind) in FailureKind::ALL.into_iter().enumerate() {
            report.failures[place] = (kind, count(&self.failures[place]));
        }
        report.events.clone_from(&lock(&self.said));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All that is to be said about a device, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The device.
    pub device: DeviceInfo,
    /// How its plugin was built.
    pub built: String,
    /// Whether it is used.
    pub state: State,
    /// Whether the known-answer test has passed; none before the first proof asked for it.
    pub tested: Option<bool>,
    /// Devices and processor as measured; none before the first proof, or where the device failed
    /// before.
    pub calibration: Option<super::Calibration>,
    /// Bytes that keys and circuits may take.
    pub budget: u64,
    /// Bytes they take.
    pub resident: u64,
    /// How many of them there are.
    pub values: usize,
    /// How many had to give way.
    pub evictions: u64,
    /// Proofs whose sums the device made.
    pub by_device: u64,
    /// Proofs whose sums the processor made.
    pub by_processor: u64,
    /// Proofs of the device that were wrong and made again.
    pub made_again: u64,
    /// How often the device computed wrongly.
    pub alarms: u64,
    /// Failures by kind.
    pub failures: [(FailureKind, u64); FailureKind::ALL.len()],
    /// What happened, the first ones.
    pub events: Vec<Event>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.device.compute;
        let gib = self.device.total_bytes as f64 / f64::from(1u32 << 30);
        write!(f, "{}, {gib:.0} GiB, compute {major}.{minor}, plugin {}: ", self.device.name, self.built)?;
        match &self.state {
            State::Ready => match (self.tested, self.calibration) {
                (Some(true), Some(calibration)) => match calibration.crossover() {
                    Some(rows) => write!(f, "ready, worth asking from {rows} rows on"),
                    None => f.write_str("ready, but slower than the processor at every size"),
                },
                _ => f.write_str("found; it is tested and measured before the first proof"),
            },
            State::Lost { why } => write!(f, "lost ({why}); the processor makes all proofs"),
            State::Quarantined { why } => {
                write!(f, "quarantined, it computed wrongly ({why}); the processor makes all proofs")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind) -> Failure {
        Failure { kind, entry: "sum", words: "said so".to_owned() }
    }

    fn said(health: &Health) -> Vec<Event> {
        lock(&health.said).clone()
    }

    #[test]
    fn a_full_device_stays_in_use_and_is_spoken_of_once() {
        let health = Health::new();
        for _ in 0..5 {
            assert!(!health.failed(&failure(FailureKind::OutOfMemory)));
        }
        assert!(health.ready());
        assert_eq!(said(&health).len(), 1);
    }

    #[test]
    fn failures_in_a_row_end_its_use_and_a_proof_between_forgives_them() {
        let health = Health::new();
        for _ in 0..PATIENCE - 1 {
            assert!(!health.failed(&failure(FailureKind::Internal)));
        }
        health.made(true);
        for _ in 0..PATIENCE - 1 {
            assert!(!health.failed(&failure(FailureKind::Internal)));
        }
        assert!(health.failed(&failure(FailureKind::Internal)));
        assert_eq!(health.state().label(), "lost");
        assert!(said(&health).iter().all(|event| event.severity == Severity::Warning));
    }

    #[test]
    fn a_wrong_answer_is_an_alarm_and_outranks_a_loss() {
        let health = Health::new();
        assert!(health.failed(&failure(FailureKind::Lost)));
        assert!(health.failed(&failure(FailureKind::Lost)));
        assert_eq!(said(&health).len(), 1, "once");
        assert!(health.failed(&failure(FailureKind::Malformed)));
        assert_eq!(health.state().label(), "quarantined");
        health.quarantine("again");
        assert_eq!(
            health.state(),
            State::Quarantined { why: "sum: said so".to_owned() },
            "the first reason stays"
        );
        let alarms = said(&health).iter().filter(|event| event.severity == Severity::Alarm).count();
        assert_eq!((alarms, health.alarms.load(Ordering::Relaxed)), (2, 2));
    }
}
