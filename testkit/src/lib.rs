//! The fixture that tests of all crates share.
