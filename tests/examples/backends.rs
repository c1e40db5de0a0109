//! The backends of this build and machine, one a line, the one that is chosen by itself first.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

fn main() {
    for backend in amanat_accel::all() {
        println!("{}", backend.name());
    }
}
