//! A GPU, checked and timed: what `accel/cuda/check.sh` runs on a machine that has one.
//!
//! First [`check`]: sums, transforms, quotients and whole proofs, bit for bit as the processor's.
//! Then [`times`]: sums, transforms and proofs by size, upload apart from compute, beside the
//! processor, and against what the card could do at best. Last [`throughput`]: access proofs,
//! processor and card together. Figures of a device that has not passed the check are not taken.

pub mod check;
pub mod inputs;
pub mod report;
pub mod throughput;
pub mod times;

use crate::report::Outcome;
use amanat_accel::gpu::{DeviceInfo, Gpu};
use report::Report;
use std::path::PathBuf;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The largest sum and transform, as a power of two.
    pub kernels: u32,
    /// The largest whole proof, as a power of two.
    pub proofs: u32,
    /// Access proofs of the throughput run; 0: none.
    pub batch: usize,
    /// Only the check, and only on small inputs: for a sanitizer, which slows a card down a
    /// hundredfold.
    pub sanitize: bool,
    /// Where keys are kept between runs.
    pub dir: PathBuf,
    /// How to do it again.
    pub command: String,
}

/// Checks and measures. `gpu` is set up so that the device is always asked, `used` as it is in use.
/// `say` hears what is being done.
///
/// # Errors
/// If the device fails or computes wrongly, or a key cannot be made.
pub fn run(gpu: &'static Gpu, used: &'static Gpu, options: &Options, say: &dyn Fn(&str)) -> Outcome<Report> {
    let mut bench = gpu.bench()?;
    let mut report = Report::new(bench.device().clone(), &gpu.report().built, &options.command);
    let largest = if options.sanitize { 12 } else { options.kernels.min(18) };
    report.checks = check::run(gpu, &mut bench, largest, say)?;
    if options.sanitize {
        return Ok(report);
    }
    let card = Card::of(bench.device());
    for log in (14..=options.kernels).step_by(2) {
        say(&format!("sums and transforms of 2^{log}"));
        report.kernels.extend(times::kernels(&mut bench, gpu.processor(), card, log)?);
    }
    for log in 15..=options.proofs {
        say(&format!("whole proofs of 2^{log}"));
        report.proofs.push(times::proof(gpu, &mut bench, &options.dir, log, say)?);
    }
    used.start();
    report.crossover = used.report().calibration.and_then(|pace| pace.crossover());
    if options.batch > 0 {
        say("access proofs, all together");
        report.throughput = Some(throughput::run(used, &options.dir, options.batch, say)?);
    }
    for after in [gpu.report(), used.report()] {
        if after.alarms > 0 || after.failures.iter().any(|(_, count)| *count > 0) {
            return Err(format!("the device failed meanwhile: {after}; {:?}", after.events).into());
        }
    }
    Ok(report)
}

/// What the card can do at best.
#[derive(Debug, Clone, Copy)]
pub struct Card {
    /// Bytes of its memory in a second; 0 if not known.
    pub bytes: f64,
    /// Multiplications of 32-bit words in a second: 64 for each multiprocessor and cycle.
    pub multiplications: f64,
}

impl Card {
    /// By what it says of itself.
    #[must_use]
    pub fn of(device: &DeviceInfo) -> Self {
        Self {
            bytes: device.bytes_per_second as f64,
            multiplications: f64::from(device.multiprocessors) * 64.0 * f64::from(device.clock_khz) * 1e3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_accel::gpu::mock::{Fault, Script, gpu as mock};
    use amanat_accel::gpu::{Calibration, LinearCost, Settings};
    use std::sync::Arc;

    fn eager(script: &Arc<Script>) -> &'static Gpu {
        let line = |fixed| LinearCost { fixed, per_row: 0.0 };
        let calibration = Some(Calibration { device: line(0.0), processor: line(1e9) });
        let settings = Settings { calibration, one_off_unchecked: true, ..Settings::default() };
        Box::leak(Box::new(mock(script, settings)))
    }

    fn options(dir: PathBuf) -> Options {
        // No sizes of kernels and proofs: a mock has no time worth telling, and the loops are the
        // same for one size.
        Options { kernels: 14, proofs: 14, batch: 0, sanitize: false, dir, command: "a test".to_owned() }
    }

    #[test]
    fn a_device_that_is_right_passes_the_check_and_is_told_about() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let gpu = eager(&Arc::new(Script::default()));
        let used = eager(&Arc::new(Script::default()));
        let report = run(gpu, used, &options(dir.path().to_owned()), &|_| ()).expect("all is well");
        assert!(report.checks.len() >= 6 && report.checks.iter().all(|check| check.cases > 0));
        assert_eq!(report.kernels.len(), 3, "both groups and a transform");
        let table = report.table();
        for words in ["mock", "G1", "G2", "transform", "2^14", "Bit for bit"] {
            assert!(table.contains(words), "{words}\n{table}");
        }
        let json: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
        assert!(json["kernels"][0]["device"]["compute"].is_number(), "{json}");
    }

    #[test]
    fn a_device_that_is_wrong_anywhere_does_not_pass() {
        for (entry, after) in [("msm", 3), ("msm", 40), ("ntt", 9), ("transform", 8), ("sum", 5)] {
            let script = Arc::new(Script::default());
            let gpu = eager(&script);
            gpu.start();
            script.fault(entry, after, 1, Fault::Wrong);
            let mut bench = gpu.bench().expect("a stream");
            let error = check::run(gpu, &mut bench, 10, &|_| ())
                .err()
                .unwrap_or_else(|| panic!("{entry}, {after}: not noticed"));
            assert!(error.to_string().contains("not the processor's"), "{entry}, {after}: {error}");
        }
    }

    #[test]
    fn a_whole_proof_and_a_batch_are_measured() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let gpu = eager(&Arc::new(Script::default()));
        let mut bench = gpu.bench().expect("a stream");
        let row = times::proof(gpu, &mut bench, dir.path(), 10, &|_| ()).expect("a proof");
        assert!(row.log == 10 && row.warm > 0.0 && row.processor > 0.0 && row.resident > 0, "{row:?}");
    }
}
