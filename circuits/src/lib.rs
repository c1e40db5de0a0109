//! What must hold: per statement a native check and the constraints side by side.
//!
//! [`r1cs`] is the constraint system as plain data; the rest builds it.

pub mod r1cs;
