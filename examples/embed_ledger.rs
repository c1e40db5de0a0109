//! A ledger in this process: made from a genesis, fed with signed transactions, closed and opened
//! again.
//!
//! `cargo run -p amanat --example embed_ledger`
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use amanat::domain::bundle::Registry;
use amanat::domain::tx::Action;
use amanat::ledger::Solo;
use amanat::prelude::*;
use std::error::Error;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let (file, start) = (dir.path().join("ledger.redb"), machine_clock());
    let mut rng = rand::rng();

    // The last organisation governs; the others may enrol, anchor and issue roles.
    let organisations = devnet::organisations(devnet::HOSPITALS, &mut rng);
    let genesis = Arc::new(devnet::genesis("example", start, 60, &organisations)?);
    let ledger = Solo::open_or_create(&file, Arc::clone(&genesis))?;

    // A hospital enrols three patients. The receipt comes when the block is on disk.
    let wallets: Vec<Wallet> = (0..3).map(|n| Wallet::new(format!("Patient/{n}"), &mut rng)).collect();
    let subjects = wallets.iter().map(|w| w.secrets().subject().commitment()).collect();
    let tx = organisations[0].sign(genesis.chain_id(), Action::Enrol(subjects), &mut rng);
    let submitted = ledger.submit(&tx.to_bytes(), start)?;
    println!("committed in block {}", submitted.receipt().height);

    // The regulator may not enrol: the ledger says so.
    let regulator = organisations.last().ok_or("a regulator")?;
    let other = Wallet::new("Patient/3".to_owned(), &mut rng).secrets().subject().commitment();
    let refused = regulator.sign(genesis.chain_id(), Action::Enrol(vec![other]), &mut rng);
    if let Err(error) = ledger.submit(&refused.to_bytes(), start) {
        println!("refused: {error}");
    }

    // When the next epoch begins, its bundle is sealed: proofs are made about bundles.
    let later = Timestamp::new(start.seconds() + 60).ok_or("the end of time")?;
    ledger.tick(later)?;
    let bundle = ledger.latest_bundle().bundle;
    println!("epoch {}: {} subjects", bundle.epoch, bundle.registry(Registry::Subjects).count);

    let tip = ledger.status().tip;
    drop(ledger);
    let again = Solo::open_or_create(&file, genesis)?;
    println!("opened again at the same tip: {}", again.status().tip == tip);
    Ok(())
}
