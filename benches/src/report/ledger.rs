//! What a block of proofs costs a validator, and how many commits a second are durable.

use super::chain::{Chain, at, enrol, genesis};
use super::measure::{Samples, Work, in_turn, repeated, seconds, thread_counts};
use super::world::rng;
use super::{Options, Outcome, Row};
use amanat_ledger::{Solo, check_tx, finalize_block, validate_transactions};
use amanat_profile::draw::words::plural;
use amanat_profile::threads::pool;
use amanat_prover::keys::Keys;
use std::hint::black_box;

/// Transactions committed together.
const GROUP: usize = 256;

pub(super) fn rows(options: &Options, keys: &Keys, say: &dyn Fn(&str)) -> Outcome<Vec<Row>> {
    say(&format!("{} proofs for one block", options.proofs));
    let mut rows = blocks(options, keys)?;
    say("durable commits");
    rows.extend(commits(options)?);
    Ok(rows)
}

fn blocks(options: &Options, keys: &Keys) -> Outcome<Vec<Row>> {
    let n = options.proofs;
    let group = &format!("A block of {n} proofs of all statements");
    let mut rng = rng(1);
    let chain = Chain::new(keys, n, &mut rng)?;
    let (state, now) = (&chain.state, chain.now()?);
    let txs = chain.proofs(n, keys, &mut rng)?;
    let one = txs.first().ok_or("at least one proof")?.to_bytes();
    let check_tx = pool(1)?.install(|| {
        repeated(options.many(), &mut || {
            black_box(check_tx(state, &one, now)?);
            Ok(())
        })
    })?;
    let counts = thread_counts();
    let pools = counts.iter().map(|n| pool(*n)).collect::<Outcome<Vec<_>>>()?;
    let mut works: Vec<Work<'_>> = Vec::new();
    for pool in &pools {
        works.push(Box::new(|| {
            let txs = txs.clone();
            black_box(
                pool.install(|| validate_transactions(state, now, txs, &|_| None).map(finalize_block))?,
            );
            Ok(())
        }));
    }
    let samples = in_turn(options.runs, &mut works)?;
    drop(works);
    let bytes: usize = txs.iter().map(|tx| tx.to_bytes().len()).sum();
    let note = "one transaction, by one thread: decoded, admitted, verified";
    let mut rows = vec![
        Row::fixed(group, "size", bytes as f64 / 1e3, "kB"),
        Row::time(group, "CheckTx", &check_tx).note(note),
    ];
    for (threads, samples) in counts.iter().zip(&samples) {
        let with = format!("{threads} thread{}", plural(*threads));
        let note = "rules, one batch of proofs, the delta with all new roots";
        rows.push(Row::time(group, format!("validate and apply, {with}"), samples).note(note));
        rows.push(Row::time(group, format!("per transaction, {with}"), &samples.per(n)));
    }
    Ok(rows)
}

fn commits(options: &Options) -> Outcome<Vec<Row>> {
    let group = "Durable commits of signed transactions";
    let genesis = genesis()?;
    let dir = options.dir.join("ledgers");
    std::fs::create_dir_all(&dir)?;
    let path = dir.join(format!("{}.redb", std::process::id()));
    // Left over from an earlier process of this number that was killed.
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let solo = Solo::open_or_create(&path, genesis.clone())?;
    let now = at(0, 1)?;
    let (mut next, rounds) = (0, options.many().max(50));
    let mut one = Vec::new();
    for _ in 0..rounds {
        let tx = enrol(&genesis, next).to_bytes();
        next += 1;
        one.push(seconds(&mut || Ok(black_box(solo.submit(&tx, now)).map(|_| ())?))?);
    }
    let mut together = Vec::new();
    for _ in 0..options.runs.max(4) {
        let txs: Vec<Vec<u8>> = (next..next + GROUP as u64).map(|n| enrol(&genesis, n).to_bytes()).collect();
        next += GROUP as u64;
        together.push(seconds(&mut || {
            for outcome in solo.submit_all(&txs, now) {
                outcome?;
            }
            Ok(())
        })?);
    }
    drop(solo);
    std::fs::remove_file(&path)?;
    let (one, together) = (Samples::new(one), Samples::new(together));
    let disk = "one durable write each, on the disk that holds the keys";
    let grouped = format!("{GROUP} submitted together, verified by all threads, one durable write");
    Ok(vec![
        Row::time(group, "one by one: from bytes to receipt", &one).note(disk),
        Row::samples(group, "one by one", &one, |s| 1.0 / s, "tx/s"),
        Row::time(group, format!("{GROUP} together: to the last receipt"), &together).note(grouped),
        Row::samples(group, "together", &together, |s| GROUP as f64 / s, "tx/s"),
    ])
}
