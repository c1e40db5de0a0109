//! Proofs on a GPU: by a plugin, never trusted, never required.
//!
//! The plugin is a shared object with a small C interface (`accel/cuda/amanat_gpu.h`), loaded at run time. Read
//! [`presence`](presence()) for how it is found, `abi.rs` and `plugin.rs` for the border, `engine.rs` for who does what, `key.rs` for a
//! whole proof. What goes wrong on a device ends on the processor: a device that fails is left, one that answers wrongly is
//! quarantined and an alarm is raised. This module prints nothing: it reports ([`report`]) and tells a listener ([`listen`]).
//!
//! `unsafe` is in `abi.rs`, `plugin.rs` and the mock.

mod abi;
mod bench;
mod circuit;
mod engine;
mod failure;
mod health;
mod key;
mod lanes;
pub mod memory;
#[cfg(any(test, feature = "mock-gpu"))]
pub mod mock;
mod pace;
mod plugin;
mod points;
mod present;
mod residency;
mod self_test;
#[cfg(test)]
mod tests;

pub use bench::Bench;
pub use engine::{Gpu, Settings, as_hand};
pub use failure::{Failure, FailureKind};
pub use health::{AlreadyHeard, Event, Gravity, Report, State, listen};
pub use pace::{Line, Pace};
pub use plugin::{DeviceInfo, DeviceTimes, LoadError};
pub use present::{PLUGIN_FILE, PLUGIN_VARIABLE, Presence, open, presence, report};
