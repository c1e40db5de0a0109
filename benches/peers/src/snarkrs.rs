//! snarkrs 0.1.0, its CPU backend: the fastest published prover in Rust that we know of.

use amanat_profile::Outcome;
use amanat_profile::peers::{LoadedPeer, Peer};
use ark_serialize::CanonicalSerialize;
use ark_std::rand::SeedableRng;
use snarkrs_formats::ProvingKey;
use snarkrs_formats::wtns::Witness;
use snarkrs_groth16::cpu::CpuBackend;
use snarkrs_groth16::prove::prove_unchecked;
use snarkrs_groth16::{Backend, PreparedCircuit, StageTimings};
use std::path::Path;

/// The peer.
pub struct Snarkrs;

struct Loaded {
    circuit: Box<dyn PreparedCircuit>,
    witness: Witness,
}

impl Peer for Snarkrs {
    fn name(&self) -> &'static str {
        "snarkrs 0.1.0"
    }

    fn load(&self, zkey: &Path, wtns: &Path) -> Outcome<Box<dyn LoadedPeer>> {
        // Without checking each point again: loading is not what is measured.
        let key = ProvingKey::load_unchecked(zkey)?;
        let circuit = CpuBackend::new().prepare(key)?;
        Ok(Box::new(Loaded { circuit, witness: Witness::load(wtns)? }))
    }
}

impl LoadedPeer for Loaded {
    fn prove(&self) -> Outcome<[u8; 128]> {
        let mut rng = ark_std::rand::rngs::StdRng::from_entropy();
        // Not checked in itself, as no other prover here is: the caller verifies the first proof of
        // each.
        let proof =
            prove_unchecked(self.circuit.as_ref(), &self.witness.0, &mut rng, &mut StageTimings::default())?;
        let mut bytes = Vec::with_capacity(128);
        proof.a.serialize_compressed(&mut bytes)?;
        proof.b.serialize_compressed(&mut bytes)?;
        proof.c.serialize_compressed(&mut bytes)?;
        bytes.try_into().map_err(|_| "a proof of another length".into())
    }
}
