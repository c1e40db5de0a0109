//! Proofs on a GPU: by a plugin, never trusted, never required.
//!
//! The plugin is a shared object with a small C interface (`accel/cuda/amanat_gpu.h`), loaded at
//! run time. Read [`presence`](presence()) for how it is found, `abi.rs` and `plugin.rs` for the
//! border, `shared.rs` for what runs where, `key.rs` for a whole proof. What goes wrong on a device
//! ends on the processor: a device that fails is left, one that answers wrongly is quarantined and
//! an alarm is raised. This module prints nothing: it reports ([`report`]) and tells a listener
//! ([`listen`]).
//!
//! `unsafe` is in `abi.rs`, `plugin.rs` and the mock.

mod abi;
mod backend;
mod bench;
mod calibration;
mod circuit;
mod failure;
mod health;
mod key;
pub mod memory;
#[cfg(any(test, feature = "mock-gpu"))]
pub mod mock;
mod plans;
mod plugin;
mod points;
mod present;
mod residency;
mod self_test;
mod shared;
mod slots;
#[cfg(test)]
mod tests;

pub use backend::Gpu;
pub use bench::Bench;
pub use calibration::{Calibration, LinearCost};
pub use failure::{Failure, FailureKind};
pub use health::{AlreadyHeard, Event, Report, Severity, State, listen};
pub use plugin::{DeviceInfo, DeviceTimes, LoadError};
pub use present::{PLUGIN_FILE, PLUGIN_VARIABLE, Presence, open, presence, report};
pub use shared::{Settings, as_hand};
