//! What a proof costs, part by part: the prover's profiler.
//!
//! [`run()`] measures our backends and other provers in turn, on the same key and witness, and
//! returns a [`Profile`](file::Profile): plain data that is kept as JSON. [`page()`] shows a
//! profile to a person, [`compare`] sets two of them side by side. `amanat bench profile`,
//! `compare` and `page` are these three.
//!
//! - [`subject`]: what is proved: our statements, or [`merkle`] paths that fill a domain.
//! - [`job`]: the key, circuit and witness that every prover gets; [`peers`]: the other provers.
//! - [`clock`], [`memory`], [`energy`]: what is measured; [`limit`]: the least time the processor
//!   allows.
//! - [`stats`], [`machine`], [`threads`], [`watcher`], [`draw`]: shared with `benches`.
//!
//! The crate measures; it makes no proof that leaves the process. The main program calls
//! [`answer_if_asked`] first, because peak memory is measured in child processes of the same
//! program.

pub mod clock;
pub mod compare;
pub mod draw;
pub mod energy;
pub mod file;
pub mod job;
pub mod limit;
pub mod machine;
pub mod memory;
pub mod merkle;
pub mod page;
pub mod peers;
pub mod run;
pub mod stats;
pub mod subject;
pub mod threads;
pub mod watcher;

pub use file::CURRENCY;
pub use machine::Machine;
pub use memory::answer_if_asked;
pub use page::page;
pub use run::{Options, run};
pub use watcher::{CtrlC, Stopped, Watcher};

/// The errors of a measurement are for a person to read. Only [`Stopped`] is handled by callers.
pub type Outcome<T> = Result<T, Box<dyn core::error::Error + Send + Sync>>;
