//! The tests of this crate that need no process of their own.

mod book;
mod fuzz;
mod licences;
mod modules;
mod poseidon;
mod words;
mod workspace;
