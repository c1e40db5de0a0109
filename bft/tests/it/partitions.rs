//! Networks that part and heal, validators that come late, and validators that lost what they knew.

use crate::cluster::*;
use crate::faults::{holds, load};
use crate::processes::Processes;
use crate::wires::Mode;
use crate::world::*;
use amanat_domain::tx::TxId;
use amanat_ledger::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// So long nothing may happen before a test believes that nothing does.
const LOOK: Duration = Duration::from_secs(3);

/// Kills all, and holds every file against the others' and against what was promised. What the
/// longest has nobody contradicts.
pub(crate) fn agree(mut cluster: Processes, promised: &BTreeMap<TxId, u64>) {
    let n = cluster.nodes.len() as u8;
    let running: Vec<u8> = (0..n).filter(|k| cluster.nodes[*k as usize].is_some()).collect();
    running.into_iter().for_each(|k| drop(cluster.kill(k)));
    let histories: Vec<Vec<Header>> = (0..n).map(|k| audit(&cluster.path(k), n)).collect();
    let longest = histories.iter().max_by_key(|h| h.len()).expect("some");
    for (k, history) in (0..n).zip(&histories) {
        assert_eq!(history[..], longest[..history.len()], "validator {k}: no fork, the same app hashes");
        if history.len() == longest.len() {
            holds(&cluster.path(k), promised);
        }
    }
}

/// Shown with `--nocapture`; nothing depends on it.
#[allow(clippy::print_stdout, reason = "what was measured on the way")]
pub(crate) fn measured(words: &str) {
    println!("{words}");
}

fn told(what: &str, begun: Instant) {
    measured(&format!("{what}: {:.2} s", begun.elapsed().as_secs_f64()));
}

#[test]
fn halves_that_do_not_hear_each_other_decide_nothing_and_go_on_when_they_do() {
    let cluster = Processes::wired(4);
    let genesis = validated_genesis(4);
    let mut promised = load(&cluster, &[0, 1, 2, 3], 1..9);
    for (round, mode) in [Mode::Silent, Mode::Cut].into_iter().enumerate() {
        cluster.wait_level();
        cluster.part(&[0, 1], &[2, 3], mode);
        let from = 100 * (round as u64 + 1);
        let waiting: Vec<(u8, u64)> =
            [0, 2].map(|n| (n, cluster.send(n, &enrol(&genesis, from + u64::from(n)).to_bytes()))).into();
        for (n, seq) in &waiting {
            // A block may have been on its way when they were parted.
            let early = cluster.node(*n).answer_within(*seq, LOOK);
            let height = cluster.node(*n).height();
            assert!(early.is_none(), "{mode:?}: two of four decided {early:?} at {height}");
        }
        let heights: Vec<u64> = (0..4).map(|n| cluster.node(n).height()).collect();
        let (least, most) = (heights.iter().min().expect("four"), heights.iter().max().expect("four"));
        assert!(most - least <= 1, "{heights:?}");
        let healed = Instant::now();
        cluster.part(&[0, 1], &[2, 3], Mode::Through);
        for (n, seq) in waiting {
            match cluster.node(n).answer(seq) {
                Answer::Committed { txid, height } => promised.insert(txid, height),
                other => panic!("{other:?}"),
            };
        }
        told(&format!("two and two, {mode:?}, after the heal until what waited is durable"), healed);
        promised.extend(load(&cluster, &[0, 1, 2, 3], from + 10..from + 18));
    }
    agree(cluster, &promised);
}

#[test]
fn three_go_on_without_one_that_is_not_heard_and_it_catches_up_after() {
    let cluster = Processes::wired(4);
    let mut promised = load(&cluster, &[0, 1, 2, 3], 1..9);
    for (round, mode) in [Mode::Silent, Mode::Cut].into_iter().enumerate() {
        cluster.part(&[0, 1, 2], &[3], mode);
        let from = 100 * (round as u64 + 1);
        let alone = cluster.send(3, &enrol(&validated_genesis(4), from).to_bytes());
        promised.extend(load(&cluster, &[0, 1, 2], from + 1..from + 21));
        let (height, behind) = (cluster.node(0).height(), cluster.node(3).height());
        assert!(behind < height, "it heard of nothing");
        let healed = Instant::now();
        cluster.part(&[0, 1, 2], &[3], Mode::Through);
        cluster.wait_height(height);
        told(&format!("one of four, {mode:?}, {} blocks behind, until it has them", height - behind), healed);
        match cluster.node(3).answer(alone) {
            Answer::Committed { txid, height } => promised.insert(txid, height),
            other => panic!("{other:?}"),
        };
        told("and until what it was given alone is durable", healed);
        promised.extend(load(&cluster, &[3, 0], from + 50..from + 54));
    }
    agree(cluster, &promised);
}

#[test]
fn a_slow_network_that_breaks_connections_decides_slowly() {
    let cluster = Processes::wired(4);
    let mut promised = load(&cluster, &[0, 1, 2, 3], 1..5);
    cluster.each_way(Mode::Slow { least_ms: 20, most_ms: 80, bytes: 200_000 });
    let begun = Instant::now();
    promised.extend(load(&cluster, &[0, 1, 2, 3], 100..124));
    told("24 transactions, four at a time, at 20 to 80 ms each way with connections that break", begun);
    cluster.each_way(Mode::Through);
    promised.extend(load(&cluster, &[0, 1, 2, 3], 200..208));
    agree(cluster, &promised);
}

#[test]
fn one_that_begins_with_an_empty_disk_catches_up() {
    let mut cluster = Processes::of(4, &[0, 1, 2]);
    let mut promised = BTreeMap::new();
    // One at a time: a block for each.
    for n in 1..=200 {
        promised.extend(load(&cluster, &[(n % 3) as u8], n..n + 1));
    }
    let height = cluster.node(0).height();
    let begun = Instant::now();
    cluster.start(3);
    cluster.wait_height(height);
    let seconds = begun.elapsed().as_secs_f64();
    measured(&format!(
        "late joiner: {height} blocks in {seconds:.2} s, {:.0} a second",
        height as f64 / seconds
    ));
    promised.extend(load(&cluster, &[3], 1000..1004));
    agree(cluster, &promised);
}

/// Whether the last validator signed the block of this height.
fn signed_by_last(cluster: &Processes, height: u64) -> bool {
    let certificate = cluster.certificate(height).expect("certified");
    certificate.signatures.iter().any(|(key, _)| *key == secret(3).key())
}

#[test]
fn one_that_lost_its_votes_signs_nothing_until_they_cannot_matter() {
    // Its log; its whole disk; its ledger, with a log beside it that does not go with the new one.
    for (log, ledger) in [(true, false), (true, true), (false, true)] {
        let mut cluster = Processes::new(4);
        let mut promised = load(&cluster, &[0, 1, 2, 3], 1..9);
        promised.extend(cluster.kill(3));
        if log {
            cluster.lose_log(3);
        }
        if ledger {
            std::fs::remove_file(cluster.path(3)).expect("its ledger");
        }
        let at_restart = cluster.node(0).height();
        cluster.start(3);
        // By its clock no time has passed: it follows all of these, and votes on none.
        promised.extend(load(&cluster, &[0, 1, 2, 3], 100..116));
        let learned = cluster.node(0).height();
        cluster.wait_height(learned);
        for height in at_restart + 1..=learned {
            assert!(!signed_by_last(&cluster, height), "block {height} of {learned}, {log} {ledger}");
        }
        // Blocks of a later time were voted on after its start.
        let now = cluster.now().seconds() + 20;
        cluster.set_clock(amanat_domain::time::Timestamp::new(now).expect("a time"));
        let begun = Instant::now();
        let mut n = 200;
        while !(learned..=cluster.node(0).height()).any(|h| h > 0 && signed_by_last(&cluster, h)) {
            assert!(begun.elapsed() < PATIENCE, "it does not vote again");
            promised.extend(load(&cluster, &[0, 1, 2], n..n + 3));
            n += 3;
        }
        told("until it votes again", begun);
        // And it is needed again: with another one down, three are all there are.
        promised.extend(cluster.kill(0));
        promised.extend(load(&cluster, &[1, 2, 3], 1000..1006));
        agree(cluster, &promised);
    }
}

#[test]
fn half_of_them_without_their_votes_decide_nothing() {
    let mut cluster = Processes::new(4);
    let promised = load(&cluster, &[0, 1, 2, 3], 1..5);
    for n in [2, 3] {
        cluster.kill(n);
        cluster.lose_log(n);
        cluster.start(n);
    }
    let height = cluster.node(0).height();
    let seq = cluster.send(0, &enrol(&validated_genesis(4), 50).to_bytes());
    let later = cluster.now().seconds() + 20;
    cluster.set_clock(amanat_domain::time::Timestamp::new(later).expect("a time"));
    assert_eq!(cluster.node(0).answer_within(seq, LOOK), None, "two voters of four are no quorum");
    assert!(cluster.node(0).height() <= height + 1);
    agree(cluster, &promised);
}
