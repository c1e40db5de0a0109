//! The verifier's tests over whole transactions, as one program.

mod stored;
