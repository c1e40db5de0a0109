//! How many proofs are on a device at a time. Further threads wait in order of arrival, and none
//! overtakes another.

use super::plugin::Stream;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

/// The slots of a device. Each has its stream, made when it is first needed and kept.
pub(super) struct Slots {
    state: Mutex<State>,
    turn: Condvar,
}

struct State {
    queue: Queue,
    spare: Vec<Stream>,
    open: bool,
}

/// `places` slots and the queue for them. Pure.
#[derive(Debug)]
pub(super) struct Queue {
    places: usize,
    running: usize,
    next: u64,
    waiting: VecDeque<u64>,
}

impl Queue {
    pub(super) const fn new(places: usize) -> Self {
        Self { places, running: 0, next: 0, waiting: VecDeque::new() }
    }

    /// Number of proofs that would be finished before a new one.
    pub(super) fn before(&self) -> usize {
        self.running + self.waiting.len()
    }

    /// Joins the queue.
    pub(super) fn join(&mut self) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.push_back(ticket);
        ticket
    }

    /// Takes a slot if one is free and this ticket is the first in the queue.
    pub(super) fn enter(&mut self, ticket: u64) -> bool {
        if self.running >= self.places || self.waiting.front() != Some(&ticket) {
            return false;
        }
        self.waiting.pop_front();
        self.running += 1;
        true
    }

    /// Gives up waiting.
    pub(super) fn leave(&mut self, ticket: u64) {
        self.waiting.retain(|other| *other != ticket);
    }

    pub(super) fn done(&mut self) {
        self.running -= 1;
    }
}

/// A slot, until it is dropped.
pub(super) struct Place<'a> {
    slots: &'a Slots,
    /// `None` until a stream is made. A stream that is taken out and not put back is not used
    /// again.
    pub(super) stream: Option<Stream>,
}

impl Slots {
    pub(super) fn new(places: usize) -> Self {
        let state = State { queue: Queue::new(places), spare: Vec::new(), open: true };
        Self { state: Mutex::new(state), turn: Condvar::new() }
    }

    /// Waits for a slot. `None` if `take`, given the number of proofs before this one, returns
    /// false, or if the slots are closed meanwhile.
    pub(super) fn enter(&self, take: impl FnOnce(usize) -> bool) -> Option<Place<'_>> {
        let mut state = self.lock();
        // why: `take` decides once, before the thread queues. A thread that waits would otherwise
        // change its mind whenever the queue moves, and its place in the order would mean nothing.
        if !state.open || !take(state.queue.before()) {
            return None;
        }
        let ticket = state.queue.join();
        while state.open && !state.queue.enter(ticket) {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.open {
            // why: a ticket left in the queue would count as a proof before others in `before`.
            state.queue.leave(ticket);
            return None;
        }
        Some(Place { slots: self, stream: state.spare.pop() })
    }

    #[cfg(test)]
    pub(super) fn before(&self) -> usize {
        self.lock().queue.before()
    }

    /// From now on no thread enters; waiting threads leave, and streams are freed as they come
    /// back.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.open = false;
        let spare = core::mem::take(&mut state.spare);
        // why: freeing a stream is a call into the plugin and may block. It must not block the
        // threads that need the lock.
        drop(state);
        drop(spare);
        self.turn.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut stream = self.stream.take();
        let mut state = self.slots.lock();
        state.queue.done();
        if state.open
            && let Some(stream) = stream.take()
        {
            state.spare.push(stream);
        }
        drop(state);
        // why: without the lock, as in `close`.
        drop(stream);
        // why: all and not one, because only the first of the queue may enter, and the one woken
        // could be another.
        self.slots.turn.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::mpsc;

    proptest! {
        #[test]
        fn places_are_given_in_order_of_arrival_and_never_too_many(
            places in 1..5usize,
            steps in prop::collection::vec(0..4u8, 1..200),
        ) {
            let mut queue = Queue::new(places);
            let (mut waiting, mut running, mut entered) = (VecDeque::new(), 0usize, 0u64);
            for step in steps {
                match step {
                    0 | 1 => waiting.push_back(queue.join()),
                    2 if running > 0 => {
                        queue.done();
                        running -= 1;
                    }
                    3 => {
                        if let Some(ticket) = waiting.pop_back() {
                            queue.leave(ticket);
                        }
                    }
                    _ => {}
                }
                // Only the first in line enters, as soon as there is a place.
                for ticket in waiting.iter().skip(1) {
                    prop_assert!(!queue.enter(*ticket));
                }
                while let Some(first) = waiting.front() {
                    let may = running < places;
                    prop_assert_eq!(queue.enter(*first), may);
                    if !may {
                        break;
                    }
                    waiting.pop_front();
                    running += 1;
                    entered += 1;
                }
                prop_assert!(running <= places);
                prop_assert_eq!(queue.before(), running + waiting.len());
            }
            // Nobody starves: when the proofs inside leave, all waiting proofs get in.
            while running > 0 || !waiting.is_empty() {
                if let Some(first) = waiting.front().copied()
                    && queue.enter(first)
                {
                    waiting.pop_front();
                    running += 1;
                    entered += 1;
                } else {
                    prop_assert!(running > 0);
                    queue.done();
                    running -= 1;
                }
            }
            prop_assert!(entered <= queue.next);
            prop_assert_eq!(queue.before(), 0);
        }
    }

    #[test]
    fn who_waits_gets_the_place_when_it_comes_free_or_leaves_when_the_lanes_close() {
        let slots = Slots::new(1);
        std::thread::scope(|scope| {
            let first = slots.enter(|before| before == 0).expect("free");
            assert!(slots.enter(|before| before == 0).is_none(), "asked, and declined");
            let (send, receive) = mpsc::channel();
            for _ in 0..2 {
                let (slots, send) = (&slots, send.clone());
                scope.spawn(move || {
                    let place = slots.enter(|_| true);
                    send.send(place.is_some()).expect("the test listens");
                    // The third one leaves because the slots close while this one is inside.
                    if place.is_some() {
                        slots.close();
                    }
                });
            }
            // Both are in the queue before the first leaves.
            while slots.lock().queue.before() < 3 {
                std::thread::yield_now();
            }
            drop(first);
            let entered: Vec<bool> = (0..2).map(|_| receive.recv().expect("an answer")).collect();
            assert_eq!(entered.iter().filter(|entered| **entered).count(), 1, "{entered:?}");
        });
        assert!(slots.enter(|_| true).is_none(), "closed");
    }
}
