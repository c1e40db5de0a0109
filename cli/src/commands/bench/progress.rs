//! A bar that also hears Ctrl-C: the work stops after the piece at hand.

use crate::ui::Ui;
use amanat_profile::{CtrlC, Watcher};
use indicatif::ProgressBar;

pub(super) struct Progress {
    bar: ProgressBar,
    stop: CtrlC,
}

impl Progress {
    pub(super) fn new(ui: Ui) -> Self {
        Self { bar: ui.bar(0, ""), stop: CtrlC::heard() }
    }
}

impl Watcher for Progress {
    fn at(&self, done: u64, of: u64, now: &str) {
        self.bar.set_length(of);
        self.bar.set_position(done);
        self.bar.set_message(if self.stopped() { "stopping".to_owned() } else { now.to_owned() });
    }

    fn stopped(&self) -> bool {
        self.stop.is_pressed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
