//! A circuit that a device may hold.

use super::memory::circuit_bytes;
use super::plans::circuit_plan;
use super::plugin::Stream;
use super::shared::{Inner, Pinned, Resident, Stop};
use crate::groth16::begin;
use crate::{
    Fr, Integers, LoadedCircuit, Matrices, Phase, Progress, QuotientError, QuotientForm, SparseMatrix,
};
use ark_ff::BigInt;
use core::any::Any;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// A circuit as it came: on the device when it is needed there, laid out for the processor when it
/// is needed here.
pub(super) struct Circuit {
    pub(super) inner: Arc<Inner>,
    number: u64,
    matrices: Matrices,
    form: QuotientForm,
    processor: OnceLock<Box<dyn LoadedCircuit>>,
}

/// What the device says of the rows.
pub(super) enum Rows {
    Hold,
    /// The first one that does not, it says.
    Broken(usize),
}

impl Circuit {
    pub(super) fn new(inner: Arc<Inner>, matrices: Matrices, form: QuotientForm) -> Self {
        if let Err(reason) = matrices.check(form) {
            panic!("{reason}");
        }
        let number = inner.number();
        Self { inner, number, matrices, form, processor: OnceLock::new() }
    }

    /// The circuit, if it is one of this backend.
    pub(super) fn of(circuit: &dyn LoadedCircuit) -> Option<&Self> {
        circuit.as_any()?.downcast_ref()
    }

    pub(super) fn domain(&self) -> usize {
        self.matrices.domain_size
    }

    pub(super) fn variables(&self) -> usize {
        self.matrices.num_variables
    }

    /// How many numbers its quotient has.
    pub(super) fn numbers(&self) -> usize {
        self.form.len(self.matrices.domain_size)
    }

    /// The circuit as the processor's backend has it.
    pub(super) fn processor(&self) -> &dyn LoadedCircuit {
        let load = || self.inner.processor.load_circuit(self.matrices.clone(), self.form);
        self.processor.get_or_init(load).as_ref()
    }

    /// The circuit on the device, with `scratch` bytes free for each proof under way.
    pub(super) fn on_device<E>(&self, scratch: u64) -> Result<Pinned<'_>, Stop<E>> {
        let size = |matrix: &SparseMatrix| (matrix.rows() as u64, matrix.terms().len() as u64);
        let matrices = [Some(&self.matrices.a), Some(&self.matrices.b), self.matrices.c.as_ref()];
        let sizes: Vec<_> = matrices.into_iter().flatten().map(size).collect();
        self.inner.resident(self.number, (circuit_bytes(&sizes), scratch), || {
            let circuit = self.inner.device.circuit(&circuit_plan(&self.matrices, self.form))?;
            let bytes = circuit.bytes;
            Ok((Resident::Circuit(Arc::new(circuit)), bytes))
        })
    }

    /// From the assignment to the quotient, which stays in the stream.
    pub(super) fn run(
        &self,
        stream: &mut Stream,
        pinned: &Pinned<'_>,
        assignment: &[Fr],
        progress: Progress<'_>,
    ) -> Result<Rows, Stop<QuotientError>> {
        let ended = |cancelled| Stop::Ended(QuotientError::from(cancelled));
        // Always a circuit: a number belongs to one object.
        let Some(circuit) = pinned.circuit() else { return Err(Stop::NoPlace) };
        begin(progress, Phase::Rows).map_err(ended)?;
        stream.assign(assignment)?;
        if let Some(row) = stream.rows(circuit)? {
            return Ok(Rows::Broken(row));
        }
        begin(progress, Phase::InverseA).map_err(ended)?;
        stream.transform(circuit)?;
        Ok(Rows::Hold)
    }

    /// The processor's answer after the device reported a row that does not hold. A device that was
    /// wrong is put out of use.
    pub(super) fn confirm(
        &self,
        row: usize,
        assignment: &[Fr],
        progress: Progress<'_>,
    ) -> Result<Integers, QuotientError> {
        let quotient = self.processor().quotient(assignment, progress);
        match &quotient {
            Ok(_) => self.inner.wrong(&format!("row {row} of a circuit is satisfied, it said it was not")),
            // why: both find a broken row, but the first one is part of the answer. A device that
            // names another computed wrongly.
            Err(QuotientError::Unsatisfied { row: first }) if *first != row => {
                self.inner.wrong(&format!("row {first} of a circuit is not satisfied, it said row {row}"));
            }
            Err(_) => {}
        }
        quotient
    }
}

impl LoadedCircuit for Circuit {
    fn quotient(&self, assignment: &[Fr], progress: Progress<'_>) -> Result<Integers, QuotientError> {
        assert_eq!(assignment.len(), self.matrices.num_variables, "one value for each variable");
        enum Answer {
            Quotient(Integers),
            Broken(usize),
        }
        let size = super::memory::ProofSize {
            domain: self.domain() as u64,
            variables: assignment.len() as u64,
            // A quotient alone has no sums.
            longest: 0,
        };
        let answer = self.inner.attempt(self.domain(), |stream| {
            let pinned = self.on_device(super::memory::proof_bytes(size))?;
            if let Rows::Broken(row) = self.run(stream, &pinned, assignment, progress)? {
                return Ok(Answer::Broken(row));
            }
            let mut h = Zeroizing::new(vec![BigInt([0; 4]); self.numbers()]);
            stream.quotient_read(&mut h)?;
            Ok(Answer::Quotient(h))
        });
        match answer {
            Some(Ok(Answer::Quotient(h))) => Ok(h),
            Some(Ok(Answer::Broken(row))) => self.confirm(row, assignment, progress),
            Some(Err(error)) => Err(error),
            None => self.processor().quotient(assignment, progress),
        }
    }

    fn bytes(&self) -> usize {
        let Matrices { a, b, c, .. } = &self.matrices;
        let here = a.bytes() + b.bytes() + c.as_ref().map_or(0, SparseMatrix::bytes);
        here + self.processor.get().map_or(0, |circuit| circuit.bytes())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl Drop for Circuit {
    fn drop(&mut self) {
        self.inner.forget(self.number);
    }
}
