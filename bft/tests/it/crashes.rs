//! A validator that dies at each point of its work.

use crate::cluster::*;
use crate::faults::{holds, load};
use crate::processes::Processes;
use crate::world::*;
use amanat_ledger::Header;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::Instant;

/// While it catches up, after a decided block was fetched and kept. Then in the order of a block's
/// way: after CheckTx; a proposal that was made, not kept; kept, not published; published, not
/// signed; another proposer's block kept, not voted for; decided, not committed; committed, not
/// acknowledged.
const POINTS: [&str; 8] =
    ["fetched", "checked", "made", "kept", "published", "validated", "decided", "committed"];
const ABORTED: i32 = 6;

#[test]
fn a_validator_that_dies_at_any_point_of_its_work_comes_back_to_the_same_history() {
    let mut cluster = Processes::new(4);
    let genesis = validated_genesis(4);
    let mut promised = load(&cluster, &[0, 1, 2, 3], 1..5);
    for (i, point) in (0_u8..).zip(POINTS) {
        // Each of the four has its turns to die.
        let (dies, subjects) = (i % 4, 1000 * (u64::from(i) + 1)..);
        let others: Vec<u8> = (0..4).filter(|n| *n != dies).collect();
        promised.extend(cluster.kill(dies));
        // It has something to fetch. At most points it dies after that.
        let mut subjects = subjects.step_by(10);
        let n = subjects.next().expect("they do not end");
        promised.extend(load(&cluster, &others, n..n + 8));
        let later = if point == "fetched" { 1 } else { cluster.height() + 2 };
        // And once more, as soon as it comes there again: over a log and a ledger that a death has
        // left.
        for from in [later, 1] {
            cluster.start_with(dies, Some(("AMANAT_BFT_INSECURE_CRASH", &format!("{point}:{from}"))));
            let begun = Instant::now();
            while !cluster.node(dies).has_ended() {
                assert!(begun.elapsed() < PATIENCE, "it does not come to {point}: {}", cluster.log(dies));
                let n = subjects.next().expect("they do not end");
                cluster.throw(dies, &enrol(&genesis, n).to_bytes());
                promised.extend(load(&cluster, &others, n + 1..n + 4));
            }
            let (status, acknowledged) = cluster.wait_end(dies);
            assert_eq!(status.signal(), Some(ABORTED), "{point}: {}", cluster.log(dies));
            promised.extend(acknowledged.iter().copied());
            // What it had acknowledged is in its own file before anybody helps it.
            holds(&cluster.path(dies), &acknowledged.into_iter().collect::<BTreeMap<_, _>>());
        }
        let height = others.iter().map(|n| cluster.node(*n).height()).max().expect("three");
        cluster.start(dies);
        cluster.wait_height(height);
        let n = subjects.next().expect("they do not end");
        promised.extend(load(&cluster, &[dies, others[0], others[1], others[2]], n..n + 4));
    }
    let height = promised.values().copied().max().expect("some");
    cluster.wait_height(height);
    (0..4).for_each(|n| drop(cluster.kill(n)));
    let histories: Vec<Vec<Header>> = (0..4).map(|n| audit(&cluster.path(n), 4)).collect();
    for (n, history) in (0..).zip(&histories) {
        assert!(history.len() as u64 > height, "validator {n}");
        let common = history.len().min(histories[0].len());
        assert_eq!(history[..common], histories[0][..common], "validator {n}: same blocks, same app hashes");
        holds(&cluster.path(n), &promised);
        // A proposer that dies between a block and its signature signs the same block again.
        let log = cluster.log(n);
        assert!(!log.contains("signed two"), "validator {n} caught somebody: {log}");
    }
}
