//! Builds nothing: Cargo heeds the build dependencies of a package only if it has this file.

fn main() {}
