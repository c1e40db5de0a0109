//! A proving key that a device may hold, and whole proofs.

use super::circuit::{Circuit, Rows};
use super::memory::{KeySize, ProofSize, key_bytes, proof_bytes};
use super::plans::key_plan;
use super::plugin::{self, Stream};
use super::shared::{Inner, Pinned, Resident, Stop};
use crate::groth16::begin;
use crate::{
    Cancelled, Fr, G1Affine, G2Affine, KeyBases, LoadedCircuit, LoadedKey, Made, Maker, Phase, Progress,
    QuotientError, Sums, TableMemory,
};
use ark_ec::AffineRepr;
use ark_ff::BigInt;
use std::sync::{Arc, OnceLock};

/// A key as it came: on the device when it is needed there, laid out for the processor when it is
/// needed here.
pub(super) struct Key {
    inner: Arc<Inner>,
    number: u64,
    a: Vec<G1Affine>,
    b_g1: Vec<G1Affine>,
    b_g2: Vec<G2Affine>,
    l: Vec<G1Affine>,
    h: Vec<G1Affine>,
    size: KeySize,
    memory: TableMemory,
    processor: OnceLock<Box<dyn LoadedKey>>,
}

impl Key {
    pub(super) fn new(inner: Arc<Inner>, bases: &KeyBases<'_>, memory: TableMemory) -> Self {
        let KeyBases { a, b_g1, b_g2, l, h } = bases;
        assert!(a.len() == b_g1.len() && a.len() == b_g2.len(), "A and B have one base for each variable");
        assert!(l.len() <= a.len(), "L has bases for the last variables");
        let finite = |bases: &[G1Affine]| bases.iter().filter(|base| !base.is_zero()).count() as u64;
        let size = KeySize {
            a: finite(a),
            b: b_g2.iter().filter(|base| !base.is_zero()).count() as u64,
            c: finite(l) + finite(h) + finite(b_g1),
        };
        Self {
            number: inner.number(),
            inner,
            a: a.to_vec(),
            b_g1: b_g1.to_vec(),
            b_g2: b_g2.to_vec(),
            l: l.to_vec(),
            h: h.to_vec(),
            size,
            memory,
            processor: OnceLock::new(),
        }
    }

    /// The key as the processor's backend has it.
    fn processor(&self) -> &dyn LoadedKey {
        let load = || self.inner.processor.load_key(&self.bases(), self.memory);
        self.processor.get_or_init(load).as_ref()
    }

    fn bases(&self) -> KeyBases<'_> {
        KeyBases { a: &self.a, b_g1: &self.b_g1, b_g2: &self.b_g2, l: &self.l, h: &self.h }
    }

    fn scratch(&self, domain: usize) -> u64 {
        let KeySize { a, b, c } = self.size;
        let domain = domain.max(self.h.len()) as u64;
        proof_bytes(ProofSize { domain, variables: self.a.len() as u64, longest: a.max(b).max(c) })
    }

    fn on_device<E>(&self, scratch: u64) -> Result<Pinned<'_>, Stop<E>> {
        let bytes = key_bytes(self.size, u64::from(self.inner.device.info.multiprocessors));
        self.inner.resident(self.number, (bytes, scratch), || {
            let key = self.inner.device.key(&key_plan(&self.bases()))?;
            let bytes = key.bytes;
            Ok((Resident::Key(Arc::new(key)), bytes))
        })
    }

    /// The sums of what is in the stream.
    fn run(
        stream: &mut Stream,
        key: &plugin::Key,
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Sums, Stop<Cancelled>> {
        stream.scalars(key, r)?;
        let mut sums = Sums::zero();
        begin(progress, Phase::SumA).map_err(Stop::Ended)?;
        sums.a = stream.sum_a(key)?;
        begin(progress, Phase::SumB2).map_err(Stop::Ended)?;
        sums.b_g2 = stream.sum_b(key)?;
        begin(progress, Phase::SumC).map_err(Stop::Ended)?;
        sums.c = stream.sum_c(key)?;
        Ok(sums)
    }

    /// All on the processor.
    fn by_processor(
        &self,
        circuit: &dyn LoadedCircuit,
        assignment: &[Fr],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Sums, QuotientError> {
        // why: a circuit of ours would go to the device again. Its processor half is what is wanted
        // here.
        let circuit = match Circuit::of(circuit) {
            Some(circuit) => circuit.processor(),
            None => circuit,
        };
        let h = circuit.quotient(assignment, progress)?;
        Ok(self.processor().sums(assignment, &h, r, progress)?)
    }
}

impl LoadedKey for Key {
    fn sums(
        &self,
        assignment: &[Fr],
        h: &[BigInt<4>],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Sums, Cancelled> {
        assert_eq!(assignment.len(), self.a.len(), "one value for each variable");
        assert_eq!(h.len(), self.h.len(), "one number of the quotient for each H point");
        // why: an empty key gives a device nothing to do, and the plugin takes no empty lists.
        let done = if assignment.is_empty() {
            None
        } else {
            self.inner.attempt(h.len(), |stream| {
                let pinned = self.on_device(self.scratch(0))?;
                let Some(key) = pinned.key() else { return Err(Stop::NoPlace) };
                begin(progress, Phase::Recode).map_err(Stop::Ended)?;
                stream.assign(assignment)?;
                stream.quotient_write(h)?;
                Self::run(stream, key, r, progress)
            })
        };
        done.unwrap_or_else(|| self.processor().sums(assignment, h, r, progress))
    }

    fn made(
        &self,
        circuit: &dyn LoadedCircuit,
        assignment: &[Fr],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Made, QuotientError> {
        let ours = Circuit::of(circuit).filter(|ours| {
            Arc::ptr_eq(&ours.inner, &self.inner)
                && ours.variables() == self.a.len()
                && ours.numbers() == self.h.len()
        });
        let Some(ours) = ours else {
            // why: the quotient of another backend's circuit is made there. `sums` may have run on
            // the device or not, and does not tell; so the proof is verified as if the device had
            // made it.
            let h = circuit.quotient(assignment, progress)?;
            return Ok(Made { sums: self.sums(assignment, &h, r, progress)?, by: Maker::Device });
        };
        assert_eq!(assignment.len(), self.a.len(), "one value for each variable");
        // The sums, or the row that the device says does not hold.
        let answer = self.inner.attempt(ours.domain(), |stream| {
            let scratch = self.scratch(ours.domain());
            let pinned_circuit = ours.on_device(scratch)?;
            let pinned = self.on_device(scratch)?;
            let Some(key) = pinned.key() else { return Err(Stop::NoPlace) };
            // why: circuit and key are both pinned before the work begins. Else the one could evict
            // the other half-way.
            if let Rows::Broken(row) = ours.run(stream, &pinned_circuit, assignment, progress)? {
                return Ok(Err(row));
            }
            begin(progress, Phase::Recode).map_err(|cancelled| Stop::Ended(cancelled.into()))?;
            let sums = Self::run(stream, key, r, progress).map_err(|stop| match stop {
                Stop::Failed(failure) => Stop::Failed(failure),
                Stop::NoPlace => Stop::NoPlace,
                Stop::Ended(cancelled) => Stop::Ended(QuotientError::from(cancelled)),
            })?;
            Ok(Ok(sums))
        });
        match answer {
            Some(Ok(Ok(sums))) => {
                self.inner.health.made(true);
                Ok(Made { sums, by: Maker::Device })
            }
            Some(Ok(Err(row))) => {
                // why: a device's "no" is as little trusted as its "yes": the processor decides,
                // and makes the proof if the row holds after all.
                let h = ours.confirm(row, assignment, progress)?;
                let sums = self.processor().sums(assignment, &h, r, progress)?;
                self.inner.health.made(false);
                Ok(Made { sums, by: Maker::Processor })
            }
            Some(Err(error)) => Err(error),
            None => {
                let sums = self.by_processor(circuit, assignment, r, progress)?;
                self.inner.health.made(false);
                Ok(Made { sums, by: Maker::Processor })
            }
        }
    }

    fn made_again(
        &self,
        suspect: &Sums,
        circuit: &dyn LoadedCircuit,
        assignment: &[Fr],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Sums, QuotientError> {
        let sums = self.by_processor(circuit, assignment, r, progress)?;
        // why: equal sums mean that the device computed rightly and the key or the assignment is
        // wrong. Only a difference accuses the device.
        if sums != *suspect {
            self.inner.health.made_again();
            self.inner.wrong("a proof of its sums does not verify, and the processor's sums are others");
        }
        Ok(sums)
    }

    fn hands(&self) -> usize {
        self.inner.hands()
    }

    fn bytes(&self) -> usize {
        let g1: usize =
            [&self.a, &self.b_g1, &self.l, &self.h].map(|list| size_of_val(list.as_slice())).iter().sum();
        g1 + size_of_val(self.b_g2.as_slice()) + self.processor.get().map_or(0, |key| key.bytes())
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.inner.forget(self.number);
    }
}
