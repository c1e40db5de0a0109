//! Files that claim to be large must not make us take the memory they claim. One test, alone in its
//! process: it looks at how far the process' address space ever grew, which counts memory that was
//! asked for and never touched.
#![cfg(target_os = "linux")]

use amanat_circuits::r1cs::{R1cs, Row};
use amanat_domain::field::Fr;
use amanat_params::{Witness, Zkey, insecure_dev_zkey};
use core::ops::ControlFlow;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::io::Cursor;

/// The most address space this process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).expect("Linux says it");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib * 1024
}

fn read(bytes: &[u8]) -> bool {
    Zkey::read(Cursor::new(bytes), &|_, _| ControlFlow::Continue(())).is_ok()
}

#[test]
fn no_claim_of_a_length_or_a_count_takes_more_memory_than_the_file_backs() {
    let one = Fr::from(1u64);
    let rows = vec![Row { a: vec![(2, one)], b: vec![(2, one)], c: vec![(1, one)] }];
    let r1cs = R1cs { num_public: 1, num_private: 1, rows };
    let key = insecure_dev_zkey(&r1cs, &mut ChaCha20Rng::seed_from_u64(1)).expect("a key");
    let (mut zkey, mut wtns) = (Vec::new(), Vec::new());
    key.write(&mut zkey).expect("a vector takes every write");
    Witness::new(vec![one, one, one]).write(&mut wtns).expect("a vector takes every write");
    assert!(read(&zkey), "threads and tables are started here, not below");

    let before = peak();
    // Every number of the file, wherever it may stand, raised to large values: counts and lengths
    // among them.
    for at in 4..zkey.len() - 4 {
        for claim in [u32::MAX, 1 << 31, 1 << 27, 1 << 24] {
            let mut changed = zkey.clone();
            changed[at..at + 4].copy_from_slice(&claim.to_le_bytes());
            read(&changed);
        }
    }
    for at in 4..wtns.len() - 4 {
        for claim in [u32::MAX, 1 << 31, 1 << 27] {
            let mut changed = wtns.clone();
            changed[at..at + 4].copy_from_slice(&claim.to_le_bytes());
            let _ = Witness::read(Cursor::new(&changed));
        }
    }
    let grown = peak() - before;
    assert!(grown < 64 << 20, "{} MiB for files of {} bytes", grown >> 20, zkey.len());
}
