//! How fast, beside arkworks:
//! `cargo test --release -p amanat-accel timing -- --ignored --nocapture --test-threads 1`.
//!
//! Processor time of the thread, both sides by turns, the ratio of the medians: what a shared
//! machine can tell.
#![allow(clippy::print_stdout)]

use super::super::Isa;
use super::*;
use crate::Fr;
use ark_ff::{FftField, Field, UniformRand};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};

/// Processor time of this thread, in milliseconds.
pub(crate) fn now() -> f64 {
    #[repr(C)]
    struct Time(i64, i64);
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    let mut time = Time(0, 0);
    // SAFETY: clock 3 is the thread's processor time on Linux; the call writes two 64-bit words to
    // ours.
    unsafe { clock_gettime(3, &mut time) };
    time.0 as f64 * 1e3 + time.1 as f64 * 1e-6
}

/// Median milliseconds of each piece of work, all by turns.
pub(crate) fn by_turns<const N: usize>(rounds: usize, mut work: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (work, times) in work.iter_mut().zip(&mut times) {
            let start = now();
            work();
            times.push(now() - start);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

fn one_thread(work: impl FnOnce() + Send) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool").install(work);
}

#[test]
#[ignore = "a measurement"]
fn timing_of_transforms() {
    let Some(isa) = Isa::detect() else { return };
    one_thread(|| {
        for log in [10, 12, 14, 15, 16, 18, 20] {
            let n = 1usize << log;
            let mut rng = ark_std::test_rng();
            let values: Vec<Fr> = (0..n).map(|_| Fr::rand(&mut rng)).collect();
            let domain = Radix2EvaluationDomain::<Fr>::new(n).expect("a domain");
            let down = Interpolation::new(isa, log, Fr::ONE);
            let up = Evaluation::new(isa, log, Fr::GENERATOR);
            let unit_up = Evaluation::new(isa, log, Fr::ONE);
            let fresh = super::tests::natural(isa, &values);
            let [mut z, mut a, mut b, mut c] = [0; 4].map(|_| fresh.clone());
            let mut ark = values.clone();
            let [ark, copy, down, up, unit_up] = by_turns(
                if log < 16 { 201 } else { 41 },
                [
                    &mut || domain.fft_in_place(&mut ark),
                    &mut || z.copy_from_slice(&fresh),
                    &mut || {
                        a.copy_from_slice(&fresh);
                        down.run(isa, &mut a);
                    },
                    &mut || {
                        b.copy_from_slice(&fresh);
                        up.run(isa, &mut b);
                    },
                    &mut || {
                        c.copy_from_slice(&fresh);
                        unit_up.run(isa, &mut c);
                    },
                ],
            );
            let [down, up, unit_up] = [down - copy, up - copy, unit_up - copy];
            let per = |ms: f64| ms * 1e6 / (n as f64 * f64::from(log));
            println!(
                "2^{log}: arkworks {ark:.3} ms, down {down:.3} ({:.1}x, {:.2} ns), coset up {up:.3} ({:.1}x), up {unit_up:.3} ({:.1}x)",
                ark / down,
                per(down),
                ark / up,
                ark / unit_up
            );
        }
    });
}
