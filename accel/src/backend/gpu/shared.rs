//! What circuits, keys and the backend share: the device, its health, the proofs under way and the
//! memory they use.
//!
//! Circuits and keys have an [`Inner`] and ask it to [`attempt`](Inner::attempt) work. `Inner`
//! knows neither type, only the objects they keep on the device ([`Resident`]).

use super::calibration::Calibration;
use super::failure::{Failure, FailureKind};
use super::health::{Health, Report, State};
use super::plugin::{self, Device, DeviceInfo, Plugin, Stream, Transform};
use super::residency::{NoPlace, Residency};
use super::self_test::{self, Verdict};
use super::slots::Slots;
use crate::{Backend, Fr};
use core::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError};

/// Share of a device's free memory, when it is opened, that keys, circuits and proofs may use.
const SHARE: (u64, u64) = (9, 10);

/// Proofs on a device at a time: one computes, one uploads, one reads its rows.
const SLOTS: usize = 3;

/// How a backend is set up. The defaults are for use; tests and the check on a GPU change what they
/// examine.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Proofs on the device at a time.
    pub slots: usize,
    /// Bytes that keys, circuits and proofs may use; `None`: a share of the free memory.
    pub budget: Option<u64>,
    /// The calibration to use; `None`: device and processor are measured.
    pub calibration: Option<Calibration>,
    /// Single sums and transforms on the device too, unverified. Only for comparing devices with
    /// processors.
    pub one_off_unchecked: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { slots: SLOTS, budget: None, calibration: None, one_off_unchecked: false }
    }
}

/// The state behind a backend, its circuits and its keys.
pub(super) struct Inner {
    pub(super) device: Arc<Device>,
    built: String,
    pub(super) processor: &'static dyn Backend,
    pub(super) settings: Settings,
    pub(super) health: Health,
    residency: Mutex<Residency<Resident>>,
    slots: Slots,
    /// Result of the start: the calibration, or `None` if the device must not be used.
    start: OnceLock<Option<Calibration>>,
    numbers: AtomicU64,
}

/// An object in the device's memory.
#[derive(Clone)]
pub(super) enum Resident {
    Circuit(Arc<plugin::Circuit>),
    Key(Arc<plugin::Key>),
}

/// An object in the device's memory that is not evicted while this value lives.
pub(super) struct Pinned<'a> {
    inner: &'a Inner,
    number: u64,
    value: Option<Resident>,
}

impl Pinned<'_> {
    pub(super) fn circuit(&self) -> Option<&plugin::Circuit> {
        match &self.value {
            Some(Resident::Circuit(circuit)) => Some(circuit),
            _ => None,
        }
    }

    pub(super) fn key(&self) -> Option<&plugin::Key> {
        match &self.value {
            Some(Resident::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        // why: our reference goes before the pin, so that the eviction a freed pin allows really
        // frees device memory.
        self.value = None;
        self.inner.residency().unpin(self.number);
    }
}

/// Why work on the device stopped.
pub(super) enum Stop<E> {
    /// The device failed.
    Failed(Failure),
    /// The device has no memory for it.
    NoPlace,
    /// The work itself ended this way: cancelled, or with an answer that the processor must
    /// confirm.
    Ended(E),
}

impl<E> From<Failure> for Stop<E> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

thread_local! {
    static HAND: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` as a hand of the device: a thread that costs no core, because it only waits for the
/// device. It takes a free slot there whatever the crossover, and makes a proof itself only if no
/// slot is free.
pub fn as_hand<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            HAND.set(self.0);
        }
    }
    // why: a guard and not a line after `work`, because `work` may panic and the thread belongs to
    // a pool.
    let _restore = Restore(HAND.replace(true));
    work()
}

impl Inner {
    pub(super) fn open(
        plugin: Plugin,
        info: DeviceInfo,
        processor: &'static dyn Backend,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let device = Device::open(plugin, info)?;
        let budget = match settings.budget {
            Some(budget) => budget,
            None => device.memory()?.0 / SHARE.1 * SHARE.0,
        };
        Ok(Self {
            device,
            built: plugin.built(),
            processor,
            settings,
            health: Health::new(),
            residency: Mutex::new(Residency::new(budget)),
            slots: Slots::new(settings.slots),
            start: OnceLock::new(),
            numbers: AtomicU64::new(0),
        })
    }

    /// The calibration; the first call tests and measures. `None` if the device must not be used.
    pub(super) fn start(&self) -> Option<Calibration> {
        let run = || self_test::run(&self.device, self.processor, self.settings.calibration);
        *self.start.get_or_init(|| match run() {
            Ok(calibration) => Some(calibration),
            Err(Verdict::Failed(failure)) => {
                // why: a proof that fails on a device in use may succeed next time, but a device
                // that fails its test has never worked. It is reported lost whatever the kind, and
                // not asked again.
                self.failed(&Failure { kind: FailureKind::Lost, ..failure });
                None
            }
            Err(Verdict::Wrong(what)) => {
                self.wrong(&format!("the known-answer test, {what}"));
                None
            }
        })
    }

    pub(super) fn usable(&self) -> bool {
        self.start().is_some() && self.health.ready()
    }

    /// Number of proofs that the device would finish before a new one.
    #[cfg(test)]
    pub(super) fn before(&self) -> usize {
        self.slots.before()
    }

    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn hands(&self) -> usize {
        if self.usable() { self.settings.slots } else { 0 }
    }

    fn residency(&self) -> MutexGuard<'_, Residency<Resident>> {
        self.residency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work for a domain of `rows` rows on the device, if the device would finish sooner.
    /// `None`: the processor does it.
    pub(super) fn attempt<T, E>(
        &self,
        rows: usize,
        work: impl FnOnce(&mut Stream) -> Result<T, Stop<E>>,
    ) -> Option<Result<T, E>> {
        let calibration = self.start().filter(|_| self.health.ready())?;
        let mut place = self.slots.enter(|before| {
            if HAND.get() {
                // why: a hand has nothing better to do than wait, but behind a full device it would
                // only lengthen the queue for threads that chose the device because it is sooner.
                before < self.settings.slots
            } else {
                calibration.device_is_sooner(rows, before)
            }
        })?;
        let stream = place.stream.take().map_or_else(|| self.device.stream(), Ok);
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(failure) => {
                self.failed(&failure);
                return None;
            }
        };
        let result = work(&mut stream);
        // why: whatever came out, witness data are in the stream's memory until it is wiped. The
        // next user must not find them.
        let wiped = stream.wipe();
        let answer = match result {
            Ok(answer) => Some(Ok(answer)),
            Err(Stop::Ended(end)) => Some(Err(end)),
            // why: a full device is no failure. This proof is the processor's, the next may find
            // room.
            Err(Stop::NoPlace) => None,
            Err(Stop::Failed(failure)) => {
                // why: `place` keeps no stream here. A stream whose call failed is in an unknown
                // state and is dropped.
                self.failed(&failure);
                return None;
            }
        };
        match wiped {
            Ok(()) => place.stream = Some(stream),
            // why: the answer was complete before the wipe failed, and it is verified later. Only
            // the stream is given up.
            Err(failure) => self.failed(&failure),
        }
        answer
    }

    /// The object with this number in the device's memory; loads it if it is not there. Other users
    /// of the device wait meanwhile.
    pub(super) fn resident<E>(
        &self,
        number: u64,
        (bytes, scratch): (u64, u64),
        load: impl FnOnce() -> Result<(Resident, u64), Failure>,
    ) -> Result<Pinned<'_>, Stop<E>> {
        // why: the lock is held while loading. Two threads that need the same key load it once, and
        // room that was made for one object is not taken by another.
        let mut residency = self.residency();
        if let Some(value) = residency.pin(number) {
            let value = Some(value.clone());
            return Ok(Pinned { inner: self, number, value });
        }
        // why: each slot may have a proof under way, so room is kept for the scratch memory of all,
        // not of this one alone.
        let slots = self.settings.slots as u64;
        let evicted = residency.make_room(bytes, scratch.saturating_mul(slots)).map_err(|no| match no {
            NoPlace::TooLarge | NoPlace::Busy => Stop::NoPlace,
        })?;
        // why: evicted objects are freed on the device before the new one asks for their memory.
        drop(evicted);
        match load() {
            Ok((value, said)) => {
                // why: the model is an upper bound and the plugin tells what it took. If the model
                // is ever wrong, the larger number keeps the budget honest.
                residency.insert(number, value.clone(), bytes.max(said));
                Ok(Pinned { inner: self, number, value: Some(value) })
            }
            Err(failure) => {
                if failure.kind == FailureKind::OutOfMemory {
                    // why: another process uses the device too. The budget falls to what is
                    // resident now, or each later load would fail the same way.
                    residency.shrink(0);
                }
                Err(Stop::Failed(failure))
            }
        }
    }

    /// Frees the object with this number: its owner is gone.
    pub(super) fn forget(&self, number: u64) {
        let value = self.residency().remove(number);
        // why: freeing may take a while, and the lock is released by now.
        drop(value);
    }

    pub(super) fn failed(&self, failure: &Failure) {
        if self.health.failed(failure) {
            self.abandon();
        }
    }

    /// The device computed wrongly: raises the alarm and stops using it.
    pub(super) fn wrong(&self, what: &str) {
        self.health.quarantine(what);
        self.abandon();
    }

    /// Nothing new goes to the device; its memory is freed as the proofs under way end.
    fn abandon(&self) {
        // why: slots first. A thread that still enters could load objects again after they were
        // cleared.
        self.slots.close();
        let all = self.residency().clear();
        drop(all);
    }

    pub(super) fn report(&self) -> Report {
        let start = self.start.get();
        let residency = self.residency();
        let mut report = Report {
            device: self.device.info.clone(),
            built: self.built.clone(),
            state: State::Ready,
            tested: start.map(Option::is_some),
            calibration: start.copied().flatten(),
            budget: residency.budget(),
            resident: residency.used(),
            values: residency.len(),
            evictions: residency.evictions(),
            by_device: 0,
            by_processor: 0,
            made_again: 0,
            alarms: 0,
            failures: FailureKind::ALL.map(|kind| (kind, 0)),
            events: Vec::new(),
        };
        drop(residency);
        self.health.fill(&mut report);
        report
    }

    /// A single sum or transform, for comparisons: on the device if the settings say so, on the
    /// processor if that fails.
    pub(super) fn one_off<T>(&self, work: impl FnOnce(&mut Stream) -> Result<T, Failure>) -> Option<T> {
        if !self.settings.one_off_unchecked || !self.usable() {
            return None;
        }
        let done = self.device.stream().and_then(|mut stream| {
            let done = work(&mut stream)?;
            stream.wipe()?;
            Ok(done)
        });
        done.map_err(|failure| self.failed(&failure)).ok()
    }

    pub(super) fn transform(&self, values: &mut [Fr], kind: Transform) -> bool {
        // why: one value is its own transform, and the plugin takes two or more. Other lengths
        // panic, as on the processor.
        values.len() > 1
            && values.len().is_power_of_two()
            && self.one_off(|stream| stream.ntt(values, kind)).is_some()
    }
}
