//! The binary `amanat` as its users run it: separate processes, files, exit codes.
//!
//! No verdict depends on how fast the machine is. Epochs are advanced by hand
//! ([`home::Home::next_epoch`]); a test that waits for a process waits for its line, its event or
//! its end.

mod backend;
mod bench;
mod circuit;
#[cfg(feature = "bft")]
mod cluster;
#[cfg(target_os = "linux")]
mod gpu;
mod home;
mod import;
mod story;
