//! The prover's tests over whole circuits and keys, as one program.

mod audience;
mod gpu;
mod plans;
mod stored;
mod zkey;
