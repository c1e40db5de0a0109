//! A disk that fills up under a running node.

use crate::support::{PATIENCE, World, enrol, genesis};
use amanat_api::problem::Kind;
use amanat_client::ledger::{AccessError, LedgerAccess};
use amanat_ledger::{Solo, Storage};
use amanat_node::server::NodeConfig;
use redb::StorageBackend;
use serde_json::json;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Condvar, Mutex};

#[derive(Debug, Default)]
struct Disk {
    bytes: Mutex<Vec<u8>>,
    /// Whether nothing can be written.
    full: Mutex<bool>,
    changed: Condvar,
    opened: Mutex<u32>,
}

#[derive(Debug)]
struct Handle(Arc<Disk>);

impl Disk {
    fn writable(&self) -> Result<(), Error> {
        if *self.full.lock().expect("no panic") { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn set_full(&self, full: bool) {
        *self.full.lock().expect("no panic") = full;
    }

    /// Waits until the ledger was opened `times` times.
    fn opened(&self, times: u32) {
        let opened = self.opened.lock().expect("no panic");
        let (opened, late) =
            self.changed.wait_timeout_while(opened, PATIENCE, |opened| *opened < times).expect("no panic");
        drop(opened);
        assert!(!late.timed_out(), "the ledger was not reopened");
    }
}

impl StorageBackend for Handle {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.0.bytes.lock().expect("no panic").len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let bytes = self.0.bytes.lock().expect("no panic");
        let from = offset as usize;
        out.copy_from_slice(bytes.get(from..from + out.len()).ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.0.writable()?;
        self.0.bytes.lock().expect("no panic").resize(len as usize, 0);
        Ok(())
    }
    fn sync_data(&self) -> Result<(), Error> {
        self.0.writable()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.0.writable()?;
        let from = offset as usize;
        self.0.bytes.lock().expect("no panic")[from..from + data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[test]
fn a_full_disk_is_a_fault_that_acknowledges_nothing_and_the_node_goes_on_when_there_is_room() {
    let disk = Arc::new(Disk::default());
    let of = disk.clone();
    let medium = Storage::Custom(Box::new(move || {
        let db = redb::Database::builder().create_with_backend(Handle(of.clone()))?;
        *of.opened.lock().expect("no panic") += 1;
        of.changed.notify_all();
        Ok(db)
    }));
    let solo = Solo::create(medium, Arc::new(genesis("test"))).expect("a ledger");
    let world = World::over(solo, NodeConfig::default());
    world.commit(enrol([1]));
    let before = *disk.opened.lock().expect("no panic");

    disk.set_full(true);
    let tx = world.signed(enrol([2]));
    let reply = world.post(&tx.to_bytes());
    let error = reply.refused(500, "disk");
    assert_eq!(error["kind"], json!("fault"));
    assert_eq!(error["message"], json!("the node cannot do this at the moment"), "nothing about the machine");
    // Reading what is in memory goes on.
    assert_eq!(world.get("/v1/status").json["height"], json!(1));
    assert_eq!(world.get("/v1/registries/subjects/leaves").status, 200);

    disk.set_full(false);
    disk.opened(before + 1);
    // The same bytes again: committed once, now or then. Until the reopening is done the node says
    // so.
    let http = world.http();
    let receipt = loop {
        match http.submit(&tx) {
            Ok(acknowledged) => break acknowledged.receipt,
            Err(AccessError::Refused(p)) if p.kind == Kind::Fault && p.status == 503 => {}
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(receipt.height, 2);
    assert_eq!(http.receipt(&tx.id()).expect("readable").expect("there").receipt, receipt);
    assert_eq!(world.solo.status().transactions, 2);
}
