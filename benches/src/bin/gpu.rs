//! Checks and times the GPU of this machine: `cargo run --release -p amanat-benches --bin gpu --
//! [OPTION..]`.
//!
//! `--plugin FILE` (where `AMANAT_GPU_PLUGIN` says without it), `--out PREFIX` (writes PREFIX.json
//! and PREFIX.md), `--kernels LOG` (22), `--proofs LOG` (20), `--batch N` (2000), `--sanitize` (the
//! check alone, on small inputs). `AMANAT_BENCH_DIR` is where keys are kept between runs. Exit code
//! 1 if the device and the processor disagree, 2 if there is no device.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks to a person")]

use amanat_accel::gpu::{Calibration, Gpu, LinearCost, PLUGIN_VARIABLE, Settings, open};
use amanat_benches::gpu::{Options, run};
use amanat_benches::report::Outcome;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let (gpu, used, options, out) = match set_up() {
        Ok(ready) => ready,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let begun = Instant::now();
    let say = |what: &str| eprintln!("{:>5.0} s  {what}", begun.elapsed().as_secs_f64());
    let done = run(gpu, used, &options, &say).and_then(|report| {
        println!("{}", report.table());
        if let Some(prefix) = out {
            std::fs::write(prefix.with_extension("json"), report.json())?;
            std::fs::write(prefix.with_extension("md"), report.table())?;
        }
        Ok(())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Ready = (&'static Gpu, &'static Gpu, Options, Option<PathBuf>);

fn set_up() -> Outcome<Ready> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut plugin = std::env::var_os(PLUGIN_VARIABLE).map(PathBuf::from);
    let mut out = None;
    let mut options = Options {
        kernels: 22,
        proofs: 20,
        batch: 2000,
        sanitize: false,
        dir: std::env::var_os("AMANAT_BENCH_DIR")
            .map_or_else(|| std::env::temp_dir().join("amanat-bench"), PathBuf::from),
        command: format!("cargo run --release -p amanat-benches --bin gpu -- {}", words.join(" ")),
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--plugin" => plugin = Some(value()?.into()),
            "--out" => out = Some(PathBuf::from(value()?)),
            "--kernels" => options.kernels = value()?.parse()?,
            "--proofs" => options.proofs = value()?.parse()?,
            "--batch" => options.batch = value()?.parse()?,
            "--sanitize" => options.sanitize = true,
            _ => return Err(format!("`{word}` is no option; see the head of benches/src/bin/gpu.rs").into()),
        }
    }
    if options.kernels > 24 || options.proofs > 22 {
        return Err("at most --kernels 24 and --proofs 22".into());
    }
    std::fs::create_dir_all(&options.dir)?;
    let path = plugin.ok_or("no plugin: build one (just gpu-plugin) and name it by --plugin")?;
    // The device makes every proof here, whatever its size: that is what is looked at. Access
    // proofs go as they do in use.
    let line = |fixed| LinearCost { fixed, per_row: 0.0 };
    let calibration = Some(Calibration { device: line(0.0), processor: line(1e9) });
    let gpu = open(&path, Settings { calibration, one_off_unchecked: true, ..Settings::default() })?;
    let used = open(&path, Settings::default())?;
    Ok((Box::leak(Box::new(gpu)), Box::leak(Box::new(used)), options, out))
}
