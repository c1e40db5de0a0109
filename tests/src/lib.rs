//! What holds across crates.
//!
//! - [`costs`] counts the constraints of every statement as the book prints them.
//! - [`declarations`] are the tables of what each statement is declared to be.
//! - [`fuzz`] is what the fuzz targets run; `tests/it/fuzz.rs` runs it over a seeded corpus.
//! - `tests/second/` is a second evaluator of the statements, written from the book, and compares
//!   three verdicts.
//! - `tests/backends.rs`: proofs and verdicts do not depend on the backend.
//! - `tests/it/workspace.rs`: the direction of dependencies, the place of `unsafe`, clause ids in
//!   code and book.
//! - `tests/it/modules/`: no modules of a crate use each other in a circle.
//! - `tests/it/poseidon.rs`: the hash against vectors that circomlibjs made.
//! - `tests/it/book.rs`: the tables in the book against the code.
//! - `tests/it/words.rs`: pages and comments use no word of the list in `docs/style.md`.
//! - `scripts/snarkjs.sh`: proofs checked by a verifier that is not ours. Run by `.ci/run`.
//!
//! Vectors name their source and how to remake them. Nothing here is linked into another crate.

pub mod costs;
pub mod declarations;
pub mod fuzz;
