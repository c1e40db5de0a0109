//! What a proof costs, part by part.
//!
//! [`run()`] measures all provers in turn and returns a [`Profile`](file::Profile), plain data that is kept as JSON;
//! [`compare`] sets two of them side by side, [`page()`] shows one to a person. [`subject`] says on what is measured,
//! [`job`] is what all provers are given, [`limit`] how fast the processor could be, [`energy`] and [`memory`] what else a
//! proof costs. The main program calls [`memory::answer_if_asked`] first.

pub mod compare;
pub mod energy;
pub mod file;
pub mod job;
pub mod limit;
pub mod memory;
pub(crate) mod page;
pub mod run;
pub mod subject;

pub use file::CURRENCY;
pub use page::page;
pub use run::{Options, Stopped, Watcher, run};
