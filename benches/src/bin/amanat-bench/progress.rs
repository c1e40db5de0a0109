//! Progress on standard error, and Ctrl-C: the work stops after the piece at hand.

use amanat_profile::{CtrlC, Watcher};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Prints each new piece of work with the time and the share that is done.
pub(crate) struct Progress {
    begun: Instant,
    last: Mutex<String>,
    stop: CtrlC,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), last: Mutex::default(), stop: CtrlC::heard() }
    }
}

impl Watcher for Progress {
    fn at(&self, done: u64, of: u64, now: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != now {
            let share = 100 * done / of.max(1);
            eprintln!("{:>5.0} s {share:>3} %  {now}", self.begun.elapsed().as_secs_f64());
            now.clone_into(&mut last);
        }
    }

    fn stopped(&self) -> bool {
        self.stop.is_pressed()
    }
}
