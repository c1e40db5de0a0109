//! Which keys and circuits are in a device's memory: under a budget, the least recently used are
//! evicted. Pure: it keeps values and bytes, and knows nothing of devices.

use std::collections::BTreeMap;

/// Values under a budget of bytes, each under its number.
pub(super) struct Residency<T> {
    budget: u64,
    /// Bytes of the values.
    used: u64,
    /// Kept free for the proofs under way: the largest that any value has asked for.
    reserved: u64,
    clock: u64,
    evictions: u64,
    entries: BTreeMap<u64, Entry<T>>,
}

struct Entry<T> {
    value: T,
    bytes: u64,
    last_use: u64,
    pins: usize,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// Not even on an empty device.
    TooLarge,
    /// Too much is in use by proofs under way; later perhaps.
    Busy,
}

impl<T> Residency<T> {
    pub(super) const fn new(budget: u64) -> Self {
        Self { budget, used: 0, reserved: 0, clock: 0, evictions: 0, entries: BTreeMap::new() }
    }

    /// The value under this number, pinned: it stays until [`unpin`](Self::unpin).
    pub(super) fn pin(&mut self, id: u64) -> Option<&T> {
        self.clock += 1;
        let entry = self.entries.get_mut(&id)?;
        entry.last_use = self.clock;
        entry.pins += 1;
        Some(&entry.value)
    }

    pub(super) fn unpin(&mut self, id: u64) {
        // It may have been removed while it was pinned: `remove` and `clear` do not wait for
        // proofs.
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.pins -= 1;
        }
    }

    /// Makes room for `bytes` more, with `reserve` free for the proofs under way. Returns what was
    /// evicted. Changes nothing if there is no place.
    pub(super) fn make_room(&mut self, bytes: u64, reserve: u64) -> Result<Vec<T>, NoPlace> {
        // why: the reserve never falls. A value loaded with a small reserve must not use the room
        // that a larger value's proofs need.
        let reserved = self.reserved.max(reserve);
        let needed = bytes.saturating_add(reserved);
        if needed > self.budget {
            return Err(NoPlace::TooLarge);
        }
        let room = self.budget - needed;
        let mut free: Vec<(u64, u64, u64)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.pins == 0)
            .map(|(id, entry)| (entry.last_use, *id, entry.bytes))
            .collect();
        free.sort_unstable();
        let (mut left, mut going) = (self.used, Vec::new());
        for (_, id, bytes) in free {
            if left <= room {
                break;
            }
            left -= bytes;
            going.push(id);
        }
        // why: decided before anything is evicted, so that a load that cannot succeed costs nobody
        // their key.
        if left > room {
            return Err(NoPlace::Busy);
        }
        self.reserved = reserved;
        self.evictions += going.len() as u64;
        Ok(going.into_iter().filter_map(|id| self.remove(id)).collect())
    }

    /// Puts a value in the room made for it, pinned once.
    pub(super) fn insert(&mut self, id: u64, value: T, bytes: u64) {
        self.clock += 1;
        self.used += bytes;
        let entry = Entry { value, bytes, last_use: self.clock, pins: 1 };
        if let Some(old) = self.entries.insert(id, entry) {
            self.used -= old.bytes;
        }
    }

    /// Takes a value out, pinned or not.
    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        let entry = self.entries.remove(&id)?;
        self.used -= entry.bytes;
        Some(entry.value)
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) -> Vec<T> {
        self.used = 0;
        core::mem::take(&mut self.entries).into_values().map(|entry| entry.value).collect()
    }

    /// The device reported that it is full: from now on the budget is what is there now and `more`.
    pub(super) fn shrink(&mut self, more: u64) {
        self.budget = self.budget.min(self.used.saturating_add(more));
    }

    pub(super) const fn budget(&self) -> u64 {
        self.budget
    }

    pub(super) const fn used(&self) -> u64 {
        self.used
    }

    pub(super) const fn evictions(&self) -> u64 {
        self.evictions
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A step of a history: which value is wanted, its size, and whether its proof stays under way.
    fn steps() -> impl Strategy<Value = Vec<(u64, u64, bool)>> {
        prop::collection::vec((0..12u64, 1..60u64, any::<bool>()), 1..200)
    }

    proptest! {
        #[test]
        fn the_budget_is_never_exceeded_and_the_least_recently_used_goes_first(
            steps in steps(),
            budget in 1..200u64,
            reserve in 0..40u64,
        ) {
            let mut residency = Residency::new(budget);
            let sizes: BTreeMap<u64, u64> = steps.iter().map(|(id, bytes, _)| (*id, *bytes)).collect();
            // The oracle: in order of use, with pins.
            let mut order: Vec<u64> = Vec::new();
            let mut pins: BTreeMap<u64, usize> = BTreeMap::new();
            for (id, _, stays) in steps {
                let bytes = sizes[&id];
                if residency.pin(id).is_some() {
                    prop_assert!(order.contains(&id));
                    order.retain(|other| *other != id);
                    order.push(id);
                } else {
                    prop_assert!(!order.contains(&id));
                    match residency.make_room(bytes, reserve) {
                        Err(NoPlace::TooLarge) => {
                            prop_assert!(bytes + reserve > budget);
                            continue;
                        }
                        Err(NoPlace::Busy) => {
                            let pinned: u64 = order.iter().filter(|o| pins[o] > 0).map(|o| sizes[o]).sum();
                            prop_assert!(pinned + bytes + reserve > budget);
                            continue;
                        }
                        Ok(gone) => {
                            for gone in gone {
                                let oldest = order.iter().copied().find(|o| pins[o] == 0);
                                prop_assert_eq!(Some(gone), oldest, "the oldest that is not in use");
                                order.retain(|other| *other != gone);
                            }
                            residency.insert(id, id, bytes);
                            order.push(id);
                            pins.insert(id, 0);
                        }
                    }
                }
                if stays {
                    *pins.entry(id).or_default() += 1;
                } else {
                    residency.unpin(id);
                }
                prop_assert!(residency.used() + reserve <= budget);
                prop_assert_eq!(residency.used(), order.iter().map(|o| sizes[o]).sum::<u64>());
                prop_assert_eq!(residency.len(), order.len());
            }
        }
    }

    #[test]
    fn a_full_device_shrinks_the_budget_to_what_stands_there() {
        let mut residency = Residency::new(100);
        residency.insert(1, "one", 40);
        residency.unpin(1);
        residency.shrink(10);
        assert_eq!(residency.budget(), 50);
        assert_eq!(residency.make_room(60, 0), Err(NoPlace::TooLarge));
        assert_eq!(residency.make_room(50, 0), Ok(vec!["one"]));
        assert_eq!((residency.used(), residency.evictions()), (0, 1));
        residency.shrink(1000);
        assert_eq!(residency.budget(), 50, "never grows");
    }

    #[test]
    fn what_is_too_large_or_in_use_changes_nothing() {
        let mut residency = Residency::new(100);
        residency.insert(1, 1, 60);
        assert_eq!(residency.make_room(50, 0), Err(NoPlace::Busy));
        assert_eq!(residency.make_room(10, 95), Err(NoPlace::TooLarge));
        assert_eq!((residency.used(), residency.len()), (60, 1));
        residency.unpin(1);
        assert_eq!(residency.make_room(50, 0), Ok(vec![1]));
        assert_eq!(residency.clear(), Vec::<i32>::new());
    }
}
