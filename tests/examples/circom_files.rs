//! Writes what circom would: `cargo run -p amanat-tests --example circom_files -- DIR` makes
//! `DIR/circuit.r1cs`, `DIR/witness.wtns`, `DIR/broken.wtns` (one value changed) and
//! `DIR/ours.zkey` (a key of our own making, for development).
//!
//! The circuit has three public values and 50 rows: a chain `y' = y (y + x + 3)`, bits, and a
//! variable that is in no row.

use amanat_circuits::r1cs::{Form, R1cs, Row, evaluate};
use amanat_domain::field::{Fr, to_bytes};
use amanat_params::{Witness, insecure_dev_zkey};
use ark_ff::{BigInteger, PrimeField};
use core::error::Error;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fs;
use std::path::PathBuf;

const CHAIN: u32 = 40;
const BITS: u32 = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("which folder to write to?")?);
    let (r1cs, mut values) = circuit();
    if let Some(row) = r1cs.first_unsatisfied(&values) {
        return Err(format!("row {row} does not hold: the example is wrong").into());
    }
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("circuit.r1cs"), r1cs_file(&r1cs))?;
    let write = |name: &str, values: &[Fr]| -> Result<(), Box<dyn Error>> {
        let mut file = Vec::new();
        Witness::new(values.to_vec()).write(&mut file)?;
        Ok(fs::write(dir.join(name), file)?)
    };
    write("witness.wtns", &values)?;
    values[10] += Fr::from(1u64);
    write("broken.wtns", &values)?;
    let mut key = Vec::new();
    insecure_dev_zkey(&r1cs, &mut ChaCha20Rng::seed_from_u64(7))?.write(&mut key)?;
    fs::write(dir.join("ours.zkey"), key)?;
    Ok(())
}

/// `[1, last of the chain, number of bits set, x, chain.., bits.., unused]`.
fn circuit() -> (R1cs, Vec<Fr>) {
    let one = Fr::from(1u64);
    let (last, count, x, chain, bits) = (1, 2, 3, 4, 4 + CHAIN);
    let mut values = vec![one, one, one, Fr::from(123_456_789u64), Fr::from(5u64)];
    let mut rows = Vec::new();
    for i in 0..CHAIN {
        let a = vec![(chain + i, one)];
        let b = vec![(0, Fr::from(3u64)), (x, one), (chain + i, one)];
        let product = evaluate(&a, &values) * evaluate(&b, &values);
        let next = if i + 1 == CHAIN { last } else { chain + i + 1 };
        if next == last {
            values[1] = product
        } else {
            values.push(product)
        }
        rows.push(Row { a, b, c: vec![(next, one)] });
    }
    let mut set = 0;
    for i in 0..BITS {
        let bit = u64::from(i % 3 != 1);
        set += bit;
        values.push(Fr::from(bit));
        let a = vec![(bits + i, one)];
        rows.push(Row { a, b: vec![(0, -one), (bits + i, one)], c: vec![] });
    }
    values[2] = Fr::from(set);
    rows.push(Row {
        a: (0..BITS).map(|i| (bits + i, one)).collect(),
        b: vec![(0, one)],
        c: vec![(count, one)],
    });
    values.push(Fr::from(42u64));
    let num_private = values.len() - 4;
    (R1cs { num_public: 3, num_private, rows }, values)
}

/// The constraint system as circom writes it: header, constraints, and for each variable its label.
/// Two of the public values are outputs.
fn r1cs_file(r1cs: &R1cs) -> Vec<u8> {
    let n = r1cs.num_variables() as u32;
    let mut header = 32u32.to_le_bytes().to_vec();
    header.extend_from_slice(&Fr::MODULUS.to_bytes_le());
    for number in [n, 2, r1cs.num_public as u32 - 2, r1cs.num_private as u32] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    header.extend_from_slice(&u64::from(n).to_le_bytes());
    header.extend_from_slice(&(r1cs.rows.len() as u32).to_le_bytes());
    let mut constraints = Vec::new();
    for row in &r1cs.rows {
        [&row.a, &row.b, &row.c].into_iter().for_each(|form| linear(form, &mut constraints));
    }
    let labels: Vec<u8> = (0..u64::from(n)).flat_map(u64::to_le_bytes).collect();
    let mut file = b"r1cs".to_vec();
    file.extend_from_slice(&[1u32, 3].map(u32::to_le_bytes).concat());
    for (number, content) in [(1u32, header), (2, constraints), (3, labels)] {
        file.extend_from_slice(&number.to_le_bytes());
        file.extend_from_slice(&(content.len() as u64).to_le_bytes());
        file.extend_from_slice(&content);
    }
    file
}

fn linear(form: &Form, out: &mut Vec<u8>) {
    out.extend_from_slice(&(form.len() as u32).to_le_bytes());
    for (variable, value) in form {
        out.extend_from_slice(&variable.to_le_bytes());
        out.extend_from_slice(&to_bytes(value));
    }
}
