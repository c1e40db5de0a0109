//! A second reader of FHIR, written from the documents alone, against the library's; and the import
//! under every order.
//!
//! Nothing here knows how the library reads. If the two disagree, one of them or the document is
//! wrong.

#![allow(clippy::print_stderr)]

mod agree;
#[allow(dead_code)]
#[path = "../fhir/archive.rs"]
mod archive;
mod change;
mod feed;
mod library;
mod make;
mod number;
mod people;
mod read;
mod table;
mod who;
