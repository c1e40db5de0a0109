//! A statement's key as a prover keeps it: matrices laid out once, the verifying key prepared for
//! the check before release.

use crate::groth16::{PreparedCircuit, PreparedKey, ProveError};
use amanat_accel::{Backend, TableMemory};
use amanat_circuits::circuit;
use amanat_domain::tx::KeyDigest;
use amanat_params::ProvingKey;
use amanat_verifier::PreparedVerifyingKey;

/// One statement's key, ready to prove.
pub struct StatementKey {
    key: PreparedKey,
    circuit: PreparedCircuit,
    verifying: PreparedVerifyingKey,
}

impl StatementKey {
    /// Lays out the key and the statement's circuit in the best backend, without tables of
    /// multiples.
    ///
    /// # Errors
    /// [`ProveError::WrongKey`] where the key was made for another constraint system than this
    /// build's.
    pub fn new(key: ProvingKey) -> Result<Self, ProveError> {
        Self::in_backend(&key, amanat_accel::default_backend(), TableMemory::Plain)
    }

    /// Lays out the key and the statement's circuit in a backend.
    ///
    /// # Errors
    /// [`ProveError::WrongKey`] where the key was made for another constraint system than this
    /// build's.
    pub fn in_backend(
        key: &ProvingKey,
        backend: &dyn Backend,
        memory: TableMemory,
    ) -> Result<Self, ProveError> {
        let circuit = PreparedCircuit::new(circuit(key.header().statement), backend);
        if key.header().r1cs != circuit.digest() {
            return Err(ProveError::WrongKey { expected: circuit.digest(), got: key.header().r1cs });
        }
        let verifying = PreparedVerifyingKey::new(key.verifying_key());
        Ok(Self { key: PreparedKey::new(key, backend, memory), circuit, verifying })
    }

    /// The proving key, as its backend holds it.
    #[must_use]
    pub const fn proving_key(&self) -> &PreparedKey {
        &self.key
    }

    /// The circuit's matrices.
    #[must_use]
    pub const fn prepared_circuit(&self) -> &PreparedCircuit {
        &self.circuit
    }

    /// The verifying key, prepared.
    #[must_use]
    pub const fn verifying_key(&self) -> &PreparedVerifyingKey {
        &self.verifying
    }

    /// Digest of the verifying key: what a transaction names.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(self.verifying.digest())
    }
}
