//! What holds across crates.
//!
//! - [`costs`] counts the constraints of every statement as the book prints them.
//! - [`fuzz`] is what the fuzz targets run; `tests/fuzz.rs` runs it over a seeded corpus.
//! - [`declarations`] are the tables of what each statement is declared to be.
//! - `tests/engines.rs`: proofs and verdicts do not depend on the engine.
//! - `tests/workspace.rs`: who may depend on whom, where `unsafe` may stand, clause ids in code and book.
//! - `tests/poseidon.rs`: the hash against vectors that circomlibjs made.
//! - `tests/book.rs`: the tables in the book against the code.
//! - `scripts/snarkjs.sh`: proofs checked by a verifier that none of us wrote. Run by `.ci/run`.
//!
//! Vectors name their source and how to remake them. Nothing here is linked into another crate.

pub mod costs;
pub mod declarations;
pub mod fuzz;
