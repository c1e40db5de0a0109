//! A disk that fails or loses power at every single operation.
//!
//! The backend remembers what was synced and what was not. For every operation of a script of
//! blocks, the run is cut there: by an error (once, or from then on), or by a loss of power after
//! which unsynced writes have reached the disk in part, some torn at a sector. Reopening must give
//! a prefix of history that contains every acknowledged block, and the script must be able to go on
//! from there to the same end.

use crate::world::*;
use amanat_domain::tx::Transaction;
use amanat_ledger::*;
use redb::{Database, StorageBackend};
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex};

const SECTOR: usize = 512;

#[derive(Debug, Clone)]
enum Op {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The operation fails, later ones do not.
    ErrorOnce,
    /// It and all later ones fail: a disk that is gone.
    ErrorFromThen,
    /// Nothing after the last sync is certain.
    PowerLoss(u64),
}

#[derive(Debug, Default)]
struct Disk {
    durable: Vec<u8>,
    current: Vec<u8>,
    unsynced: Vec<Op>,
    operations: u64,
    cut_at: Option<(u64, Cut)>,
    dead: bool,
    full: bool,
}

impl Op {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write(at, data) => {
                let end = *at as usize + data.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*at as usize..end].copy_from_slice(data);
            }
            Self::SetLen(len) => image.resize(*len as usize, 0),
        }
    }
}

impl Disk {
    fn step(&mut self) -> Result<(), Error> {
        if self.dead {
            return Err(Error::other("the disk is gone"));
        }
        if self.full {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        self.operations += 1;
        match self.cut_at {
            Some((at, cut)) if at == self.operations => {
                self.dead = cut != Cut::ErrorOnce;
                Err(Error::other("cut here"))
            }
            _ => Ok(()),
        }
    }

    /// What a restart finds.
    fn after(&self, cut: Cut) -> Vec<u8> {
        let Cut::PowerLoss(mut seed) = cut else { return self.current.clone() };
        let mut image = self.durable.clone();
        let mut draw = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        for op in &self.unsynced {
            match (op, draw(3)) {
                (_, 0) => {}
                (Op::Write(at, data), 1) if data.len() > SECTOR => {
                    // Torn: some sectors of it.
                    for (i, sector) in data.chunks(SECTOR).enumerate() {
                        if draw(2) == 0 {
                            Op::Write(at + (i * SECTOR) as u64, sector.to_vec()).apply(&mut image);
                        }
                    }
                }
                _ => op.apply(&mut image),
            }
        }
        image
    }
}

#[derive(Debug, Clone, Default)]
struct Flaky(Arc<Mutex<Disk>>);

impl Flaky {
    fn over(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Disk { durable: image.clone(), current: image, ..Disk::default() })))
    }

    fn cut(self, at: u64, cut: Cut) -> Self {
        self.disk(|d| d.cut_at = Some((at, cut)));
        self
    }

    fn disk<T>(&self, run: impl FnOnce(&mut Disk) -> T) -> T {
        run(&mut self.0.lock().expect("no panic under this lock"))
    }

    fn medium(&self) -> Storage {
        let disk = self.clone();
        Storage::Custom(Box::new(move || Database::builder().create_with_backend(disk.clone())))
    }
}

impl StorageBackend for Flaky {
    fn len(&self) -> Result<u64, Error> {
        self.disk(|d| if d.dead { Err(Error::other("the disk is gone")) } else { Ok(d.current.len() as u64) })
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.disk(|d| {
            let (from, to) = (offset as usize, offset as usize + out.len());
            if d.dead || to > d.current.len() {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
            out.copy_from_slice(&d.current[from..to]);
            Ok(())
        })
    }
    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.disk(|d| {
            d.step()?;
            let op = Op::SetLen(len);
            op.apply(&mut d.current);
            d.unsynced.push(op);
            Ok(())
        })
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.disk(|d| {
            let op = Op::Write(offset, data.to_vec());
            let cut = d.step();
            // The write that was under way when the power went may have reached the disk, too.
            if cut.is_ok() || matches!(d.cut_at, Some((at, Cut::PowerLoss(_))) if at == d.operations) {
                op.apply(&mut d.current);
                d.unsynced.push(op);
            }
            cut
        })
    }
    fn sync_data(&self) -> Result<(), Error> {
        self.disk(|d| {
            d.step()?;
            d.durable = d.current.clone();
            d.unsynced.clear();
            Ok(())
        })
    }
}

fn script() -> Vec<Vec<Transaction>> {
    let chain = genesis();
    vec![
        vec![enrol(&chain, 1), enrol(&chain, 2)],
        vec![issue(&chain, 1), anchor(&chain, 1, &[5])],
        vec![],
        vec![anchor(&chain, 2, &[3, 9]), enrol(&chain, 3)],
        vec![sign(&chain, HOSPITAL, 0, amanat_domain::tx::Action::RetireRole { index: 0 })],
    ]
}

/// Runs the script from where the state stands. Gives the height acknowledged last.
fn run(store: &Store, state: &mut State, script: &[Vec<Transaction>]) -> u64 {
    let mut acknowledged = state.tip().height;
    for txs in &script[acknowledged as usize..] {
        let time = epoch(acknowledged as i64 + 1);
        let delta = block(state, time, txs).expect("a valid block");
        match store.commit(&delta, None) {
            Ok(receipts) => assert_eq!(receipts.len(), txs.len()),
            Err(_) => break,
        }
        state.commit(delta);
        acknowledged = state.tip().height;
    }
    acknowledged
}

#[test]
fn cut_at_every_operation_the_ledger_reopens_with_every_acknowledged_block() {
    let script = script();
    // The whole run: what each height must look like, and how many operations there are.
    let disk = Flaky::default();
    let (store, mut state) = Store::create(disk.medium(), genesis()).expect("a good disk");
    let created = disk.disk(|d| d.operations);
    let mut tips = vec![*state.tip()];
    for n in 1..=script.len() {
        assert_eq!(run(&store, &mut state, &script[..n]), n as u64);
        tips.push(*state.tip());
    }
    drop(store);
    let operations = disk.disk(|d| d.operations);
    assert!(operations > created + 30, "{created} to {operations}");

    let (mut cut_short, mut kept_unacknowledged) = (0, 0);
    let cuts = [Cut::ErrorOnce, Cut::ErrorFromThen, Cut::PowerLoss(1), Cut::PowerLoss(2), Cut::PowerLoss(3)];
    for at in 1..=operations {
        for cut in cuts {
            let disk = Flaky::default().cut(at, cut);
            let Ok((store, mut state)) = Store::create(disk.medium(), genesis()) else {
                // Never created: nothing was acknowledged. A file gets its name only after this.
                assert!(at <= created + 20, "creation failed at {at}");
                continue;
            };
            let acknowledged = run(&store, &mut state, &script);
            drop((store, state));
            cut_short += u64::from((acknowledged as usize) < script.len());

            let disk = Flaky::over(disk.disk(|d| d.after(cut)));
            let (store, mut state) = Store::open(disk.medium())
                .unwrap_or_else(|e| panic!("{cut:?} at {at}, {acknowledged} acknowledged: {e}"));
            let height = state.tip().height;
            assert!(
                height == acknowledged || height == acknowledged + 1,
                "{cut:?} at {at}: {acknowledged} acknowledged, {height} found"
            );
            kept_unacknowledged += height - acknowledged;
            assert_eq!(*state.tip(), tips[height as usize], "{cut:?} at {at}");
            assert_eq!(run(&store, &mut state, &script), script.len() as u64);
            assert_eq!(Some(state.tip()), tips.last(), "{cut:?} at {at}");
        }
    }
    assert!(cut_short > 100, "{cut_short}");
    // It happens that a block reaches the disk and its acknowledgement does not get out.
    assert!(kept_unacknowledged > 0);
}

#[test]
fn a_full_disk_acknowledges_nothing_and_the_ledger_goes_on_once_there_is_space() {
    let chain = genesis();
    let disk = Flaky::default();
    let solo = Solo::create(disk.medium(), chain.clone()).expect("a good disk");
    let (first, second) = (enrol(&chain, 1).to_bytes(), enrol(&chain, 2).to_bytes());
    assert!(solo.submit(&first, at(1)).is_ok());
    disk.disk(|d| d.full = true);
    let fault = solo.submit(&second, at(1)).expect_err("no space");
    assert!(matches!(&fault, SubmitError::Fault(f) if matches!(**f, Fault::Io { .. })), "{fault}");
    assert!(fault.to_string().contains("free space"), "{fault}");
    assert_eq!(solo.status().tip.height, 1);
    assert!(solo.status().broken);
    // Until it is reopened it says so; what is committed can be read all the same, or is a fault,
    // never a wrong answer.
    let fault = solo.submit(&second, at(1)).expect_err("not reopened");
    assert!(matches!(&fault, SubmitError::Fault(f) if matches!(**f, Fault::Reopen)), "{fault}");
    assert!(solo.reopen().is_err(), "still full");
    disk.disk(|d| d.full = false);
    solo.reopen().expect("space again");
    assert_eq!(solo.status().tip.height, 1);
    assert!(matches!(solo.submit(&first, at(1)), Ok(Submitted::AlreadyCommitted(_))));
    assert!(matches!(solo.submit(&second, at(1)), Ok(Submitted::Committed(_))));
    assert!(!solo.status().broken);
}

#[test]
fn pruning_that_is_cut_short_leaves_a_ledger_that_is_pruned_or_is_not() {
    let script = script();
    let disk = Flaky::default();
    let (store, mut state) = Store::create(disk.medium(), genesis()).expect("a good disk");
    let tip = run(&store, &mut state, &script);
    drop(store);
    let image = disk.disk(|d| d.after(Cut::ErrorOnce));
    let disk = Flaky::over(image.clone());
    let (store, _) = Store::open(disk.medium()).expect("good");
    let opened = disk.disk(|d| d.operations);
    store.prune(2, &mut |_, _| ()).expect("a good disk");
    let pruned = disk.disk(|d| d.operations);
    drop(store);
    assert!(pruned > opened, "it writes");
    let mut seen = [0, 0];
    for at in opened + 1..=pruned {
        for cut in [Cut::ErrorOnce, Cut::ErrorFromThen, Cut::PowerLoss(1), Cut::PowerLoss(2)] {
            let disk = Flaky::over(image.clone()).cut(at, cut);
            let (store, _) = Store::open(disk.medium()).expect("the cut comes later");
            let done = store.prune(2, &mut |_, _| ());
            drop(store);
            let disk = Flaky::over(disk.disk(|d| d.after(cut)));
            let (store, state) =
                Store::open(disk.medium()).unwrap_or_else(|e| panic!("{cut:?} at {at}: {e}"));
            assert_eq!(state.tip().height, tip);
            let from = store.history_from();
            assert!(from == tip - 1 || (from == 0 && done.is_err()), "{cut:?} at {at}: {from}");
            seen[usize::from(from == 0)] += 1;
            for height in 0..=tip {
                let block = store.block(height);
                let gone = matches!(block, Err(Fault::Pruned { .. }));
                assert!(gone == (height < from) && (gone || block.is_ok()), "{height}: {cut:?} at {at}");
            }
        }
    }
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
}
