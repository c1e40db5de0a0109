//! Validators whose clocks differ.

use crate::cluster::*;
use crate::conformance::committed;
use crate::inside::Inside;
use crate::world::*;
use amanat_ledger::Header;

const HOUR: i64 = 3600;
/// How far a block's time may be ahead of a validator's clock.
const AHEAD: u64 = 10;
/// Two with the right time; one is an hour ahead, one behind.
const FAST: u8 = 2;
const SLOW: u8 = 3;

fn set(cluster: &Inside, now: i64) {
    for (n, hand) in (0..).zip(&cluster.hands) {
        hand.set(at(match n {
            FAST => now + HOUR,
            SLOW => now - HOUR,
            _ => now,
        }));
    }
}

#[test]
fn a_clock_an_hour_ahead_and_one_an_hour_behind_neither_stop_the_ledger_nor_move_its_time() {
    let mut cluster = Inside::new(4);
    let genesis = cluster.genesis();
    // Everyone has the right time first: the clocks go wrong while the ledger runs.
    let begins = 5 * HOUR;
    cluster.set_clock(at(begins));
    committed(&cluster.submit_all(&[enrol(&genesis, 1).to_bytes()]));
    cluster.wait_height(1);
    set(&cluster, begins);
    let mut txs = vec![enrol(&genesis, 1)];
    for round in 1..=6 {
        let now = begins + 60 * round;
        set(&cluster, now);
        let some: Vec<_> = (0..4).map(|n| enrol(&genesis, 100 * round as u64 + n)).collect();
        // To each of them, the fast one and the slow one too: all four are answered.
        let height = committed(&cluster.submit_all(&some.iter().map(|tx| tx.to_bytes()).collect::<Vec<_>>()));
        cluster.wait_height(height);
        txs.extend(some);
        let tip = cluster.block(height).header;
        assert!(tip.time.seconds() <= at(now).seconds() + AHEAD, "{} at {}", tip.time, at(now));
    }
    let last = begins + 360;
    let height = cluster.height();
    let reports: Vec<_> = cluster.validators.iter().map(|v| v.report()).collect();
    let log = cluster.log.text();
    cluster.stop();
    let histories: Vec<Vec<Header>> = (0..4).map(|n| audit(&cluster.path(n), 4)).collect();
    for (n, history) in (0..).zip(&histories) {
        assert!(history.len() as u64 > height, "validator {n}");
        let common = history.len().min(histories[0].len());
        assert_eq!(history[..common], histories[0][..common], "validator {n}");
        assert!(history.iter().skip(1).is_sorted_by_key(|h| h.time), "validator {n}: time goes on");
        assert!(history.iter().all(|h| h.time.seconds() <= at(last).seconds() + AHEAD));
        // The fast one is in the next epoch, which is not begun.
        assert!(history.iter().all(|h| h.epoch <= (last / HOUR) as u64), "validator {n}");
        for tx in &txs {
            let (store, _) =
                amanat_ledger::Store::open(amanat_ledger::Storage::File(cluster.path(n))).expect("good");
            assert!(store.receipt(&tx.id()).expect("no fault").is_some(), "validator {n}");
        }
    }
    // The fast one's proposals are refused and it is named. Nobody refuses the slow one's.
    let refused = |of: u8| {
        let named = format!("proposer={}", secret(of).key());
        log.lines().filter(|l| l.contains("proposal refused") && l.contains(&named)).collect::<Vec<_>>()
    };
    let fast = refused(FAST);
    assert!(fast.len() >= 2 && fast.iter().all(|l| l.contains("ahead")), "{log}");
    assert!(refused(SLOW).is_empty(), "a block of an early time is a block: {log}");
    // The fast one finds nothing wrong. The slow one votes for nobody of the right time, and
    // follows by fetching.
    assert_eq!(reports[FAST as usize].refused_proposals, 0);
    assert!(
        reports[SLOW as usize].refused_proposals >= 1 && reports[SLOW as usize].fetched >= 1,
        "{reports:?}"
    );
    assert!(reports.iter().all(|r| r.two_votes == 0 && r.two_proposals == 0), "{reports:?}");
}
