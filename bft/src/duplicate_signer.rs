//! Whether one key runs on two machines.
//!
//! libp2p treats two machines with the same key as one peer, so no node may ever receive both
//! machines' votes for a round. Therefore each process regularly sends its random name and its
//! time, signed with its key. Two processes run at once if both names continue after both are
//! known, each with a time after the other's start. A process that was stopped before the next
//! started does not continue, so a restart or a change of machines raises no alarm.
//!
//! This prevents nothing: the quorum does. It tells the operator before the two say different
//! things.

use crate::secret::{ValidatorSecret, verified};
use crate::types::Signature;
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::ChainId;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Key, name, number, seconds, signature.
pub(crate) const BEACON_BYTES: usize = 32 + NAME_BYTES + 8 + 8 + 64;
const NAME_BYTES: usize = 16;
/// Names of one key that are remembered.
const NAMES: usize = 4;
/// Said before what is signed: no message of another kind begins with it.
const TAG: &[u8] = b"amanat/instance/v1";

/// What a process says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beacon {
    key: ValidatorKey,
    name: [u8; NAME_BYTES],
    /// Counts up.
    number: u64,
    /// By its clock, since 1970.
    seconds: u64,
    signature: Signature,
}

impl Beacon {
    fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
        let numbers = [self.number.to_be_bytes(), self.seconds.to_be_bytes()].concat();
        [TAG, &chain.0, &self.key.0, &self.name, &numbers].concat()
    }

    fn to_bytes(self) -> Bytes {
        let numbers = [self.number.to_be_bytes(), self.seconds.to_be_bytes()].concat();
        [&self.key.0[..], &self.name, &numbers, &self.signature.0].concat().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BEACON_BYTES] = bytes.try_into().ok()?;
        let (key, rest) = bytes.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (seconds, rest) = rest.split_first_chunk()?;
        let (signature, _) = rest.split_first_chunk()?;
        Some(Self {
            key: ValidatorKey(*key),
            name: *name,
            number: u64::from_be_bytes(*number),
            seconds: u64::from_be_bytes(*seconds),
            signature: Signature(*signature),
        })
    }
}

/// One process, as far as it was heard.
#[derive(Debug, Clone, Copy)]
struct Heard {
    last: Beacon,
    /// By its own clock, when it was heard first.
    since: u64,
    /// When it was heard first, and when it went on, by what was taken in this process.
    known: u64,
    went_on: u64,
    caught: bool,
}

/// Which process runs under which key, as far as this process has heard.
pub(crate) struct DuplicateSigners {
    chain: ChainId,
    secret: ValidatorSecret,
    own: Beacon,
    /// By key, including this process's; in the order in which they were first heard.
    heard: BTreeMap<ValidatorKey, Vec<Heard>>,
    taken: u64,
}

impl DuplicateSigners {
    /// Of this process and the other keys of the allow-list.
    pub(crate) fn new(
        chain: ChainId,
        secret: ValidatorSecret,
        others: impl Iterator<Item = ValidatorKey>,
        name: [u8; NAME_BYTES],
    ) -> Self {
        let key = secret.key();
        let own = Beacon { key, name, number: 0, seconds: 0, signature: Signature([0; 64]) };
        let heard = others.chain([key]).map(|key| (key, Vec::new())).collect();
        Self { chain, secret, own, heard, taken: 0 }
    }

    /// This process's.
    pub(crate) const fn key(&self) -> ValidatorKey {
        self.own.key
    }

    /// What this process says at this time. Also whether that shows that its own key runs
    /// elsewhere: it was heard meanwhile.
    pub(crate) fn beacon(&mut self, seconds: u64) -> (Bytes, bool) {
        self.own.number += 1;
        self.own.seconds = seconds;
        self.own.signature = self.secret.sign(&self.own.signed_bytes(self.chain));
        let own = self.own;
        (own.to_bytes(), self.take(&own))
    }

    /// The last beacons of this beacon's key under other names: the answer to its sender.
    pub(crate) fn others(&self, bytes: &[u8]) -> Bytes {
        let Some(beacon) = Beacon::from_bytes(bytes) else { return Bytes::new() };
        let heard = self.heard.get(&beacon.key).into_iter().flatten();
        heard.filter(|heard| heard.last.name != beacon.name).flat_map(|heard| heard.last.to_bytes()).collect()
    }

    /// Takes what came from the network. The key, where this shows that it runs twice and nothing
    /// has before.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Option<ValidatorKey> {
        let beacon = Beacon::from_bytes(bytes)?;
        // What is known, or about a stranger, costs no signature.
        let known = self.heard.get(&beacon.key)?;
        let mine = beacon.name == self.own.name;
        if mine
            || known.iter().any(|heard| heard.last.name == beacon.name && heard.last.number >= beacon.number)
        {
            return None;
        }
        if !verified(beacon.key, &beacon.signed_bytes(self.chain), &beacon.signature) {
            return None;
        }
        self.take(&beacon).then_some(beacon.key)
    }

    fn take(&mut self, beacon: &Beacon) -> bool {
        self.taken += 1;
        let Some(all) = self.heard.get_mut(&beacon.key) else { return false };
        let Some(at) = all.iter().position(|heard| heard.last.name == beacon.name) else {
            // The oldest name goes: a process that restarts often takes no more memory.
            if all.len() == NAMES {
                all.remove(0);
            }
            let (since, known) = (beacon.seconds, self.taken);
            all.push(Heard { last: *beacon, since, known, went_on: 0, caught: false });
            return false;
        };
        (all[at].last, all[at].went_on) = (*beacon, self.taken);
        let mut caught = false;
        for other in (0..all.len()).filter(|other| *other != at) {
            let (older, newer) = (all[at.min(other)], &mut all[at.max(other)]);
            let at_once = older.went_on > newer.known && newer.went_on > 0;
            let after = older.last.seconds > newer.since && newer.last.seconds > older.since;
            if at_once && after && !newer.caught {
                newer.caught = true;
                caught = true;
            }
        }
        caught
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: ChainId = ChainId([7; 32]);

    fn process(key: u8, name: u8) -> DuplicateSigners {
        let secret = |n| ValidatorSecret::from_bytes(&[n; 32]);
        let others = [1, 2, 3].into_iter().filter(|n| *n != key).map(|n| secret(n).key());
        DuplicateSigners::new(CHAIN, secret(key), others, [name; NAME_BYTES])
    }

    fn key(n: u8) -> ValidatorKey {
        ValidatorSecret::from_bytes(&[n; 32]).key()
    }

    #[test]
    fn two_processes_at_once_are_told_of_once() {
        let (mut one, mut two, mut watcher) = (process(1, 1), process(1, 2), process(2, 3));
        assert_eq!(watcher.hear(&one.beacon(10).0), None);
        assert_eq!(watcher.hear(&two.beacon(12).0), None, "it may have been moved");
        assert_eq!(watcher.hear(&two.beacon(13).0), None);
        assert_eq!(watcher.hear(&one.beacon(11).0), None, "said before the other began");
        assert_eq!(watcher.hear(&one.beacon(14).0), Some(key(1)));
        assert_eq!(watcher.hear(&two.beacon(15).0), None);
        assert_eq!(watcher.hear(&one.beacon(16).0), None, "once is enough");
    }

    #[test]
    fn each_of_the_two_finds_out_by_itself() {
        let (mut one, mut two) = (process(1, 1), process(1, 2));
        let first = one.beacon(10);
        assert!(!first.1);
        assert_eq!(two.hear(&first.0), None);
        let second = two.beacon(12);
        assert!(!second.1);
        assert_eq!(one.hear(&second.0), None);
        assert!(!one.beacon(13).1, "the other may be gone by now");
        assert_eq!(one.hear(&two.beacon(14).0), Some(key(1)));
        assert_eq!(two.hear(&one.beacon(15).0), Some(key(1)));
    }

    #[test]
    fn a_peer_tells_each_of_the_two_of_the_other() {
        let (mut one, mut two, mut watcher) = (process(1, 1), process(1, 2), process(2, 3));
        let first = one.beacon(10).0;
        watcher.hear(&first);
        assert!(watcher.others(&first).is_empty(), "nobody else has this key");
        let mut found = (false, false);
        for seconds in 12..15 {
            let second = two.beacon(seconds);
            watcher.hear(&second.0);
            let told = watcher.others(&second.0);
            found.1 |= second.1 | two.hear(&told).is_some();
            let first = one.beacon(seconds);
            watcher.hear(&first.0);
            let told = watcher.others(&first.0);
            found.0 |= first.1 | one.hear(&told).is_some();
        }
        assert_eq!(found, (true, true));
        assert!(watcher.others(b"not a beacon").is_empty());
        assert!(watcher.others(&process(9, 9).beacon(10).0).is_empty());
    }

    #[test]
    fn a_restart_is_no_second_machine_and_old_words_said_again_are_none() {
        let (mut before, mut after, mut watcher) = (process(1, 1), process(1, 2), process(2, 3));
        let said: Vec<Bytes> = (10..20).map(|seconds| before.beacon(seconds).0).collect();
        // Some of it is held back and comes after the restart.
        for held in said.iter().take(5) {
            assert_eq!(watcher.hear(held), None);
        }
        for (seconds, again) in (20..).zip(&said) {
            let (now, caught) = after.beacon(seconds);
            assert_eq!((watcher.hear(&now), caught), (None, false));
            // A peer hands over the last it has of the old name.
            assert_eq!(after.hear(&watcher.others(&now)), None);
            assert_eq!(watcher.hear(again), None);
        }
    }

    #[test]
    fn what_was_not_signed_by_the_key_on_this_ledger_is_nothing() {
        let (mut one, mut two, mut watcher) = (process(1, 1), process(1, 2), process(2, 3));
        watcher.hear(&one.beacon(10).0);
        watcher.hear(&two.beacon(11).0);
        watcher.hear(&two.beacon(12).0);
        let good = one.beacon(12).0;
        for at in 0..BEACON_BYTES {
            let mut bytes = good.to_vec();
            bytes[at] ^= 1;
            assert_eq!(watcher.hear(&bytes), None, "byte {at}");
        }
        for length in 0..BEACON_BYTES {
            assert_eq!(watcher.hear(&good[..length]), None);
        }
        assert_eq!(watcher.hear(&[&good[..], &[0]].concat()), None);
        let secret = ValidatorSecret::from_bytes(&[1; 32]);
        let mut elsewhere =
            DuplicateSigners::new(ChainId([8; 32]), secret, std::iter::empty(), [1; NAME_BYTES]);
        (0..3).for_each(|_| drop(elsewhere.beacon(12)));
        assert_eq!(watcher.hear(&elsewhere.beacon(12).0), None, "another ledger's");
        assert_eq!(watcher.hear(&process(9, 9).beacon(12).0), None, "a stranger");
        assert_eq!(watcher.hear(&good), Some(key(1)), "nothing of that has spoiled it");
    }

    #[test]
    fn names_do_not_fill_the_memory() {
        let mut watcher = process(2, 3);
        for name in 10..100 {
            assert_eq!(watcher.hear(&process(1, name).beacon(10).0), None);
        }
        assert_eq!(watcher.heard[&key(1)].len(), NAMES);
    }
}
