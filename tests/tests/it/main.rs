//! The tests of this crate that need no separate process.

mod book;
mod features;
mod fuzz;
mod licences;
mod modules;
mod poseidon;
mod words;
mod workspace;
