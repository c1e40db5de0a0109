//! The engine `gpu`: proofs on a device where that is sooner, on the processor otherwise and whenever anything goes wrong.
//!
//! One-off sums, transforms and everything a verifier needs stay on the processor: a device that lies must not be asked about
//! its own lies.

use super::failure::{Failure, FailureKind};
use super::health::{Health, Report, State};
use super::lanes::Lanes;
use super::pace::Pace;
use super::plugin::{self, Device, DeviceInfo, Plugin, Stream, Transform};
use super::residency::{NoPlace, Residency};
use super::{circuit, key, self_test};
use crate::{
    Engine, FixedBases, Fq, Fq2, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective,
    KeyBases, LoadedCircuit, LoadedKey, Matrices, MillerProducts, Pairings, Proving, QuotientForm,
    TableMemory, Weight,
};
use core::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Of the memory that is free when a device is opened, what keys, circuits and proofs may take.
const SHARE: (u64, u64) = (9, 10);

/// Proofs on a device at a time: one computes, one uploads, one reads its rows.
const LANES: usize = 3;

/// How an engine is set up. The defaults are for use; tests and the check on a GPU set what they look at.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Proofs on the device at a time.
    pub lanes: usize,
    /// Bytes that keys, circuits and proofs may take; a share of what is free without it.
    pub budget: Option<u64>,
    /// The pace to go by, instead of measuring it.
    pub pace: Option<Pace>,
    /// One-off sums and transforms on the device too, unverified. For comparing devices with processors, and for nothing else.
    pub one_off_unchecked: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lanes: LANES, budget: None, pace: None, one_off_unchecked: false }
    }
}

/// The engine.
pub struct Gpu {
    pub(super) inner: Arc<Inner>,
}

/// What circuits and keys share with their engine.
pub(super) struct Inner {
    pub(super) device: Arc<Device>,
    built: String,
    pub(super) processor: &'static dyn Engine,
    pub(super) settings: Settings,
    pub(super) health: Health,
    residency: Mutex<Residency<Resident>>,
    lanes: Lanes,
    /// What the start found: the pace, or none where the device is not to be used.
    start: OnceLock<Option<Pace>>,
    numbers: AtomicU64,
}

/// Something on the device.
#[derive(Clone)]
pub(super) enum Resident {
    Circuit(Arc<plugin::Circuit>),
    Key(Arc<plugin::Key>),
}

/// Something on the device that stays there as long as this lives.
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
        // Before the pin, so that whoever evicts it frees it.
        self.value = None;
        self.inner.residency().unpin(self.number);
    }
}

/// Why work on the device stopped.
pub(super) enum Stop<E> {
    /// The device failed.
    Failed(Failure),
    /// There is no place for what it needs.
    NoPlace,
    /// The work itself ended so: cancelled, or an answer that the processor must confirm.
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

/// Runs `work` as a hand of the device: a thread that costs no core, because it does nothing but wait for the device. It takes
/// a free place there whatever the crossover, and makes a proof itself only where there is none.
pub fn as_hand<T>(work: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            HAND.set(self.0);
        }
    }
    let _back = Back(HAND.replace(true));
    work()
}

impl Gpu {
    pub(super) fn open(
        plugin: Plugin,
        info: DeviceInfo,
        processor: &'static dyn Engine,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let device = Device::open(plugin, info)?;
        let budget = match settings.budget {
            Some(budget) => budget,
            None => device.memory()?.0 / SHARE.1 * SHARE.0,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                device,
                built: plugin.built(),
                processor,
                settings,
                health: Health::new(),
                residency: Mutex::new(Residency::new(budget)),
                lanes: Lanes::new(settings.lanes),
                start: OnceLock::new(),
                numbers: AtomicU64::new(0),
            }),
        })
    }

    /// Tests the device against the processor and measures both, if that has not been done. The first proof does it too.
    pub fn start(&self) {
        self.inner.start();
    }

    /// All there is to say about the device.
    #[must_use]
    pub fn report(&self) -> Report {
        self.inner.report()
    }

    /// The engine that stands in.
    #[must_use]
    pub fn processor(&self) -> &'static dyn Engine {
        self.inner.processor
    }

    /// Time spent by one-off work and proofs is not added up over streams; this opens one of its own for measuring.
    ///
    /// # Errors
    /// What the device said.
    pub fn bench(&self) -> Result<super::Bench, Failure> {
        Ok(super::Bench::new(self.inner.device.stream()?, self.inner.device.clone()))
    }
}

impl Inner {
    /// The pace, after the first call's test and measurement; none where the device is not to be used.
    pub(super) fn start(&self) -> Option<Pace> {
        *self.start.get_or_init(|| match self_test::run(self) {
            Ok(pace) => Some(pace),
            Err(self_test::Verdict::Failed(failure)) => {
                // At the start there is no second chance: a device that cannot pass is not asked again.
                let lasting = Failure { kind: FailureKind::Lost, ..failure };
                self.failed(&lasting);
                None
            }
            Err(self_test::Verdict::Wrong(what)) => {
                self.wrong(&format!("the known-answer test, {what}"));
                None
            }
        })
    }

    pub(super) fn usable(&self) -> bool {
        self.start().is_some() && self.health.ready()
    }

    /// How many proofs would be done on the device before a new one.
    #[cfg(test)]
    pub(super) fn before(&self) -> usize {
        self.lanes.before()
    }

    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn hands(&self) -> usize {
        if self.usable() { self.settings.lanes } else { 0 }
    }

    fn residency(&self) -> std::sync::MutexGuard<'_, Residency<Resident>> {
        self.residency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work for a domain of so many rows on the device, if it is sooner done there. None: the processor's turn.
    pub(super) fn attempt<T, E>(
        &self,
        rows: usize,
        work: impl FnOnce(&mut Stream) -> Result<T, Stop<E>>,
    ) -> Option<Result<T, E>> {
        let pace = self.start().filter(|_| self.health.ready())?;
        let mut place = self.lanes.enter(|before| {
            if HAND.get() { before < self.settings.lanes } else { pace.device_is_sooner(rows, before) }
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
        // Before anybody else uses the stream, whatever came out.
        let wiped = stream.wipe();
        let answer = match result {
            Ok(answer) => Some(Ok(answer)),
            Err(Stop::Ended(end)) => Some(Err(end)),
            Err(Stop::NoPlace) => None,
            Err(Stop::Failed(failure)) => {
                self.failed(&failure);
                return None;
            }
        };
        match wiped {
            Ok(()) => place.stream = Some(stream),
            Err(failure) => {
                self.failed(&failure);
            }
        }
        answer
    }

    /// What stands under this number on the device, put there if it does not. The device's other users wait meanwhile.
    pub(super) fn resident<E>(
        &self,
        number: u64,
        (bytes, scratch): (u64, u64),
        load: impl FnOnce() -> Result<(Resident, u64), Failure>,
    ) -> Result<Pinned<'_>, Stop<E>> {
        let mut residency = self.residency();
        if let Some(value) = residency.pin(number) {
            let value = Some(value.clone());
            return Ok(Pinned { inner: self, number, value });
        }
        let lanes = self.settings.lanes as u64;
        let gone = residency.make_room(bytes, scratch.saturating_mul(lanes)).map_err(|no| match no {
            NoPlace::TooLarge | NoPlace::Busy => Stop::NoPlace,
        })?;
        drop(gone);
        match load() {
            Ok((value, said)) => {
                residency.insert(number, value.clone(), bytes.max(said));
                Ok(Pinned { inner: self, number, value: Some(value) })
            }
            Err(failure) => {
                if failure.kind == FailureKind::OutOfMemory {
                    residency.shrink(0);
                }
                Err(Stop::Failed(failure))
            }
        }
    }

    /// Frees what stands under this number: its owner is gone.
    pub(super) fn forget(&self, number: u64) {
        let value = self.residency().remove(number);
        drop(value);
    }

    pub(super) fn failed(&self, failure: &Failure) {
        if self.health.failed(failure) {
            self.abandon();
        }
    }

    /// The device computed wrongly: an alarm, and it is not asked any more.
    pub(super) fn wrong(&self, what: &str) {
        self.health.quarantine(what);
        self.abandon();
    }

    fn abandon(&self) {
        self.lanes.close();
        let all = self.residency().clear();
        drop(all);
    }

    fn report(&self) -> Report {
        let start = self.start.get();
        let residency = self.residency();
        let mut report = Report {
            device: self.device.info.clone(),
            built: self.built.clone(),
            state: State::Ready,
            tested: start.map(Option::is_some),
            pace: start.copied().flatten(),
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

    /// One-off work, for comparisons: on the device where the settings say so, and where it fails on the processor.
    fn one_off<T>(&self, work: impl FnOnce(&mut Stream) -> Result<T, Failure>) -> Option<T> {
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

    fn transform(&self, values: &mut [Fr], kind: Transform) -> bool {
        // One value is its own transform; the plugin takes two and more.
        values.len() > 1
            && values.len().is_power_of_two()
            && self.one_off(|stream| stream.ntt(values, kind)).is_some()
    }
}

impl Engine for Gpu {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
        let done = self.inner.one_off(|stream| stream.msm_g1(bases, scalars));
        done.unwrap_or_else(|| self.inner.processor.msm_g1(bases, scalars))
    }

    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective {
        let done = self.inner.one_off(|stream| stream.msm_g2(bases, scalars));
        done.unwrap_or_else(|| self.inner.processor.msm_g2(bases, scalars))
    }

    fn ntt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::Ntt) {
            self.inner.processor.ntt(values);
        }
    }

    fn intt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::Intt) {
            self.inner.processor.intt(values);
        }
    }

    fn coset_ntt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::CosetNtt) {
            self.inner.processor.coset_ntt(values);
        }
    }

    fn coset_intt(&self, values: &mut Vec<Fr>) {
        if !self.inner.transform(values, Transform::CosetIntt) {
            self.inner.processor.coset_intt(values);
        }
    }
}

impl Proving for Gpu {
    fn load_circuit(&self, matrices: Matrices, form: QuotientForm) -> Box<dyn LoadedCircuit> {
        Box::new(circuit::Circuit::new(self.inner.clone(), matrices, form))
    }

    /// The tables are the stand-in's, if it comes to that.
    fn load_key(&self, bases: &KeyBases<'_>, memory: TableMemory) -> Box<dyn LoadedKey> {
        Box::new(key::Key::new(self.inner.clone(), bases, memory))
    }
}

impl Pairings for Gpu {
    fn prepare_g2(&self, point: &G2Affine) -> G2Prepared {
        self.inner.processor.prepare_g2(point)
    }

    fn multi_miller_loop(&self, pairs: &[(G1Affine, &G2Prepared)]) -> Fq12 {
        self.inner.processor.multi_miller_loop(pairs)
    }

    fn final_exponentiation(&self, f: &Fq12) -> Option<Fq12> {
        self.inner.processor.final_exponentiation(f)
    }

    fn multi_pairing(&self, pairs: &[(G1Affine, G2Affine)]) -> Option<Fq12> {
        self.inner.processor.multi_pairing(pairs)
    }

    fn lift_g1(&self, xs: &[(Fq, bool)]) -> Vec<Option<G1Affine>> {
        self.inner.processor.lift_g1(xs)
    }

    fn lift_g2(&self, xs: &[(Fq2, bool)]) -> Vec<Option<G2Affine>> {
        self.inner.processor.lift_g2(xs)
    }

    fn in_subgroup_g2(&self, points: &[G2Affine]) -> Vec<bool> {
        self.inner.processor.in_subgroup_g2(points)
    }

    fn miller_products(&self, pairs: &[(G1Affine, G2Affine)], group: usize) -> MillerProducts {
        self.inner.processor.miller_products(pairs, group)
    }

    fn weigh_g1(&self, points: &[G1Affine], weights: &[Weight]) -> Vec<G1Affine> {
        self.inner.processor.weigh_g1(points, weights)
    }

    fn weighted_sums_g1(
        &self,
        points: &[G1Affine],
        weights: &[Weight],
        lengths: &[usize],
    ) -> Vec<G1Projective> {
        self.inner.processor.weighted_sums_g1(points, weights, lengths)
    }

    fn fix_g1(&self, bases: &[G1Affine]) -> Arc<dyn FixedBases> {
        self.inner.processor.fix_g1(bases)
    }
}
