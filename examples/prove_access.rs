//! From a folder of FHIR to a verified access, on a ledger in this process.
//!
//! `AMANAT_KEYS=DIR cargo run --release -p amanat --example prove_access`: with a folder for the
//! keys the second run is quick.
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use amanat::prelude::*;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let data = [dir.path().join("fhir")];
    devnet::write_data(&data[0], 1, 12)?;

    // Two hospitals, a regulator, four clinicians. Epochs pass when we say so.
    let DevNet { mut client, ledger } = DevNet::start(Home::open(Some(&dir.path().join("home")))?)?;

    // The hospital enrols the patients and anchors their records.
    let imported = client.import(ImportRequest::of(&data)?)?;
    println!("{} records anchored by {}", imported.anchored.anchored, imported.custodian);
    ledger.next_epoch()?;

    // Patients grant the consents that permit Dr Saima treatment.
    let permits = consent::permits(&data, &client.holders()?, client.now())?;
    let mut granted = Vec::new();
    for found in permits.iter().filter(|p| p.clinicians.iter().any(|c| c == "Practitioner/dr-saima")) {
        let entry = Some(found.place.clone());
        granted.push(client.grant(&GrantRequest { entry, ..GrantRequest::of(&found.file) })?.number);
    }
    ledger.next_epoch()?;

    // Dr Saima proves an access. The ledger learns neither who, nor whose record, nor which
    // consent.
    let consent = *granted.first().ok_or("no consent of the data permits it")?;
    let receipt = client.access(&AccessRequest::new("dr-saima", consent))?;
    println!("proved in {:?}, committed in block {}", receipt.proving, receipt.height());

    // Anyone with the key can verify the transaction, without the ledger. The keys here are for
    // development, whose maker could forge proofs; `verify_transaction` refuses them.
    let (store, bytes) = (keys::store(client.home())?, receipt.transaction.to_bytes());
    let valid = verify::verify_transaction_insecure_dev(&store, &bytes)?;
    println!("valid: {} as of epoch {}", valid.tx.get().statement, valid.tx.get().epoch);
    Ok(())
}
