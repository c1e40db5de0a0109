//! What the fuzz targets run: each takes any bytes, makes an input of them, and panics where
//! something disagrees.
//!
//! libFuzzer drives these from `fuzz/`; `tests/tests/it/fuzz.rs` runs the same bodies over a seeded
//! corpus with every `cargo test`, so that they build, hold and never rot. Backends are compared
//! with each other, with arkworks, and with what is known of the input: points come with their
//! logarithms, so a sum of points is one multiplication.

mod backends;
mod fhir;
mod formats;
mod input;
mod snapshot;
mod world;

pub use backends::{decode, msm, pairing, quotient, sums, transform};
pub use fhir::fhir;
pub use formats::{proof, transaction, verify, verifying_key, wtns, zkey};
pub use snapshot::snapshot;

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its binary in `fuzz/`.
    pub name: &'static str,
    /// What it runs.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 14] = [
    Target { name: "msm", run: msm },
    Target { name: "sums", run: sums },
    Target { name: "transform", run: transform },
    Target { name: "quotient", run: quotient },
    Target { name: "pairing", run: pairing },
    Target { name: "decode", run: decode },
    Target { name: "verify", run: verify },
    Target { name: "zkey", run: zkey },
    Target { name: "wtns", run: wtns },
    Target { name: "proof", run: proof },
    Target { name: "transaction", run: transaction },
    Target { name: "verifying_key", run: verifying_key },
    Target { name: "fhir", run: fhir },
    Target { name: "snapshot", run: snapshot },
];
