//! How a long measurement reports its progress, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Hears how far a run is, and says whether it should end.
pub trait Watcher: Sync {
    /// `done` of `of` units of work are done; `now` names the next one.
    fn at(&self, done: u64, of: u64, now: &str);
    /// Whether the run should end.
    fn stopped(&self) -> bool;
}

/// Ctrl-C, heard by a [`Watcher`]: the work stops after the piece at hand.
#[derive(Debug)]
pub struct CtrlC(Arc<AtomicBool>);

impl CtrlC {
    /// Hears Ctrl-C from now on. The process no longer ends by it, unless this system does not let
    /// it be heard.
    #[must_use]
    pub fn heard() -> Self {
        let pressed = Arc::new(AtomicBool::new(false));
        // Without a handler Ctrl-C ends the process, as it does by itself.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, pressed.clone());
        Self(pressed)
    }

    /// Whether it was pressed.
    #[must_use]
    pub fn is_pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The run was stopped by its [`Watcher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;
