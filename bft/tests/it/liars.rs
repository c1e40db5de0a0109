//! A proposer that lies, one way after the other.

use crate::cluster::*;
use crate::conformance::committed;
use crate::inside::Inside;
use crate::world::*;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Transaction, TxId};
use amanat_ledger::*;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What is wrong with a block; the rest of its header is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Each proof's bytes are those of another.
    BadProof,
    /// A transaction is in it twice.
    Twice,
    /// Two proofs spend one nullifier.
    DoubleSpend,
    /// A transaction is in it that is on the ledger already.
    Committed,
    /// The state after it is said to be another.
    AppHash,
    /// It is a minute ahead of all clocks.
    Time,
    /// It follows another block.
    Parent,
    /// More transactions than the genesis allows.
    TooMany,
}

const LIES: [(Lie, &str); 8] = [
    (Lie::BadProof, "does not verify"),
    (Lie::Twice, "transaction 1"),
    (Lie::DoubleSpend, "nullifier"),
    (Lie::Committed, "committed"),
    (Lie::AppHash, "app hash"),
    (Lie::Time, "ahead of"),
    (Lie::Parent, "parent"),
    (Lie::TooMany, ""),
];

/// The lie to tell, by its place in [`LIES`]; none where it is told already.
static LIE: Mutex<Option<Lie>> = Mutex::new(None);
static TOLD: AtomicU64 = AtomicU64::new(0);
/// Something that is on the ledger.
static KNOWN: Mutex<Option<Transaction>> = Mutex::new(None);

fn lie(block: &mut Block) {
    let mut lie = LIE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(first) = block.transactions.first().cloned() else { return };
    let spends = block.transactions.iter().find_map(|tx| match tx {
        Transaction::Proof(tx) if tx.statement == Statement::Access => Some(tx.clone()),
        _ => None,
    });
    match (*lie, spends) {
        (None, _) => return,
        (Some(Lie::BadProof), Some(_)) => {
            for tx in &mut block.transactions {
                if let Transaction::Proof(tx) = tx {
                    tx.proof = key(tx.statement).prove(&[f(1); 8], 3).to_bytes();
                }
            }
        }
        (Some(Lie::Twice), _) => block.transactions.insert(1, first),
        (Some(Lie::DoubleSpend), Some(mut spend)) => {
            spend.out[1] += f(1);
            spend.nonce = [99; 32];
            block.transactions.push(proved(*spend));
        }
        (Some(Lie::Committed), _) => {
            let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
            block.transactions.extend(known);
        }
        (Some(Lie::AppHash), _) => block.header.app_hash.0[0] ^= 1,
        (Some(Lie::Time), _) => {
            block.header.time = Timestamp::new(block.header.time.seconds() + 60).expect("a time");
        }
        (Some(Lie::Parent), _) => block.header.parent.0[0] ^= 1,
        (Some(Lie::TooMany), _) => {
            let more = Limits::default().transactions as usize + 1;
            block.transactions.resize(more, first);
        }
        // There is nothing to spoil in this block.
        (Some(Lie::BadProof | Lie::DoubleSpend), None) => return,
    }
    block.header.tx_root = tx_root(&block.transactions);
    block.header.count = u32::try_from(block.transactions.len()).expect("few");
    *lie = None;
    TOLD.fetch_add(1, Ordering::SeqCst);
}

#[derive(Clone, Copy)]
struct Log;
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Lines of the audit log in which a proposal is refused, for what reason and whose.
fn refusals() -> Vec<String> {
    let log = String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    let refused = |line: &&str| line.contains("proposal refused") || line.contains("not the announced block");
    log.lines().filter(refused).map(str::to_owned).collect()
}

#[test]
fn a_proposer_that_lies_is_refused_and_named_and_the_chain_goes_on() {
    let log = tracing_subscriber::fmt().with_env_filter("audit=info").with_ansi(false);
    log.with_writer(|| Log).init();
    let mut cluster = Inside::with(4, |n, settings| {
        if n == 0 {
            settings.insecure_tamper = Some(lie);
        }
    });
    let genesis = cluster.genesis();
    let keys: Vec<Vec<u8>> = Statement::ALL.iter().map(|s| key(*s).install(&genesis, 0).to_bytes()).collect();
    committed(&cluster.submit_all(&keys));
    cluster.set_clock(epoch(1));
    cluster.wait_epoch(1);
    let known = enrol(&genesis, 1);
    committed(&cluster.submit_all(&[known.to_bytes()]));
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    let named = format!("proposer={}", secret(0).key());
    let (mut good, mut number) = (BTreeSet::<TxId>::new(), 0);
    for (told, (lie, reason)) in (1..).zip(LIES) {
        let before = refusals().len();
        *LIE.lock().unwrap_or_else(PoisonError::into_inner) = Some(lie);
        for _ in 0..40 {
            number += 1;
            let mut spend = claim(&cluster.validators[1].chain().state(), Statement::Access, number);
            (spend.nf[0], spend.out[1]) = (f(number), f(10 * number));
            let txs = [enrol(&genesis, 100 + number), proved(spend)];
            committed(&cluster.submit_all(&txs.each_ref().map(Transaction::to_bytes)));
            good.extend(txs.iter().map(Transaction::id));
            if TOLD.load(Ordering::SeqCst) >= told {
                break;
            }
        }
        assert_eq!(TOLD.load(Ordering::SeqCst), told, "{lie:?}: it was the liar's turn in forty blocks");
        // The block that came instead is everywhere, so everyone has judged the lie.
        cluster.wait_height(cluster.validators[0].status().tip.height);
        let refused = refusals().split_off(before);
        let honest = refused.iter().filter(|line| line.contains(&named)).count();
        assert!(honest >= 3, "{lie:?}: three honest validators refuse it: {refused:#?}");
        assert_eq!(honest, refused.len(), "{lie:?}: and nobody else's: {refused:#?}");
        assert!(refused.iter().all(|line| line.contains(reason)), "{lie:?}: {refused:#?}");
    }
    let height = cluster.height();
    cluster.stop();
    for n in 0..4 {
        // Every block again through the doors: no lie is in any, the liar's own file included.
        assert!(audit(&cluster.path(n), 4).len() as u64 > height);
        let (store, _) = Store::open(Medium::File(cluster.path(n))).expect("good");
        assert!(good.iter().all(|id| store.receipt(id).expect("no fault").is_some()));
    }
}
