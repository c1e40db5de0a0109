//! The one binary (being built).
fn main() {}
