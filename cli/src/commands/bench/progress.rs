//! A bar that also hears Ctrl-C: the work stops after the piece at hand.

use crate::ui::Ui;
use amanat_profile::Watcher;
use indicatif::ProgressBar;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) struct Progress {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl Progress {
    pub(super) fn new(ui: Ui) -> Self {
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
        Self { bar: ui.bar(0, ""), stop }
    }
}

impl Watcher for Progress {
    fn at(&self, done: u64, of: u64, now: &str) {
        self.bar.set_length(of);
        self.bar.set_position(done);
        self.bar.set_message(if self.stopped() { "stopping".to_owned() } else { now.to_owned() });
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
