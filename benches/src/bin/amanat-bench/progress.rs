//! Progress on standard error, and Ctrl-C: the work stops after the piece at hand.

use amanat_profile::Watcher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Prints each new piece of work with the time and the share that is done.
pub(crate) struct Progress {
    begun: Instant,
    last: Mutex<String>,
    stop: Arc<AtomicBool>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let heard = stop.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            if let Ok(runtime) = runtime
                && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
            {
                heard.store(true, Ordering::Relaxed);
            }
        });
        Self { begun: Instant::now(), last: Mutex::default(), stop }
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
        self.stop.load(Ordering::Relaxed)
    }
}
