//! Proof systems, and proofs as they travel: bytes whose length follows from their system.
//!
//! # Which system a proof is of
//! A verifying key says its system in the first bytes of its encoding, and a transaction names its
//! key by digest, in the public inputs too ([`Context`](crate::tx::Context)). So the key decides,
//! never the sender of a proof. A transaction of format 1 ([`TX_VERSION`](crate::tx::TX_VERSION))
//! carries no tag: its proofs are Groth16's. Another system comes with another format, which writes
//! [`ProofSystem::tag`] before each proof (ADR 0035).
//!
//! [`ProofBytes`] is an enum and not a list of bytes, so that a verifier takes the bytes of its own
//! system by pattern and the compiler names each place that a new system must be told apart in.

use crate::wire::{Reader, WireError, Writer};

/// Bytes of a Groth16 proof: A 32, B 64, C 32, compressed.
pub const GROTH16_PROOF_BYTES: usize = 128;

/// How a statement is proved and verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ProofSystem {
    /// Groth16 over BN254 (EUROCRYPT 2016).
    Groth16 = 1,
}

impl ProofSystem {
    /// All, by tag.
    pub const ALL: [Self; 1] = [Self::Groth16];

    /// Its number on the wire. Never given to another system.
    #[must_use]
    pub const fn tag(self) -> u8 {
        self as u8
    }

    /// The system of this number, or `None` if this build knows none.
    #[must_use]
    pub fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.tag() == tag)
    }

    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Groth16 => "groth16",
        }
    }

    /// Bytes of every proof of this system.
    #[must_use]
    pub const fn proof_bytes(self) -> usize {
        match self {
            Self::Groth16 => GROTH16_PROOF_BYTES,
        }
    }
}

impl core::fmt::Display for ProofSystem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// A proof as it travels: its system and as many bytes as that system's proofs have. Whether they
/// decode and prove anything is for the verifier of that system to say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProofBytes {
    /// A Groth16 proof: A, B, C, compressed.
    Groth16([u8; GROTH16_PROOF_BYTES]),
}

/// The bytes are not as many as a proof of the system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proof of {system} is {} bytes, got {got}", system.proof_bytes())]
pub struct ProofLength {
    /// The system.
    pub system: ProofSystem,
    /// Length of the input.
    pub got: usize,
}

impl ProofBytes {
    /// Takes the bytes of a proof of a system.
    ///
    /// # Errors
    /// [`ProofLength`] if a proof of this system has another length.
    pub fn from_bytes(system: ProofSystem, bytes: &[u8]) -> Result<Self, ProofLength> {
        let wrong = |_| ProofLength { system, got: bytes.len() };
        match system {
            ProofSystem::Groth16 => bytes.try_into().map(Self::Groth16).map_err(wrong),
        }
    }

    /// The system.
    #[must_use]
    pub const fn system(&self) -> ProofSystem {
        match self {
            Self::Groth16(_) => ProofSystem::Groth16,
        }
    }

    /// The bytes, without the system.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Groth16(bytes) => bytes,
        }
    }

    /// Writes the bytes alone, as transactions of version 1 have them.
    pub(crate) fn write_v1(&self, w: &mut Writer) {
        // Irrefutable as long as Groth16 is the one system. A second one does not compile here:
        // version 1 has no place for its tag, and must not carry it.
        let Self::Groth16(bytes) = self;
        w.fixed(bytes);
    }

    /// Reads the bytes alone: in transactions of version 1, Groth16's.
    pub(crate) fn read_v1(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.array("proof").map(Self::Groth16)
    }
}

impl core::fmt::Debug for ProofBytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ProofBytes({}, {} bytes)", self.system(), self.as_bytes().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_one_systems_or_nobodys() {
        for tag in 0..=u8::MAX {
            let known = ProofSystem::ALL.iter().filter(|system| system.tag() == tag).count();
            assert_eq!(usize::from(ProofSystem::from_tag(tag).is_some()), known, "tag {tag}");
        }
        assert_eq!(ProofSystem::from_tag(1), Some(ProofSystem::Groth16), "tags are never given anew");
    }

    #[test]
    fn a_proof_has_the_length_of_its_system_and_no_other() {
        for system in ProofSystem::ALL {
            let n = system.proof_bytes();
            let bytes: Vec<u8> = (0..n + 1).map(|i| i as u8).collect();
            for got in [0, n - 1, n + 1] {
                assert_eq!(ProofBytes::from_bytes(system, &bytes[..got]), Err(ProofLength { system, got }));
            }
            let proof = ProofBytes::from_bytes(system, &bytes[..n]).expect("the length of the system");
            assert_eq!((proof.system(), proof.as_bytes()), (system, &bytes[..n]));
        }
    }

    #[test]
    fn version_1_carries_the_bytes_of_a_groth16_proof_and_nothing_else() {
        let proof = ProofBytes::Groth16([7; GROTH16_PROOF_BYTES]);
        let mut w = Writer::new();
        proof.write_v1(&mut w);
        let written = w.finish();
        assert_eq!(written, [7; GROTH16_PROOF_BYTES]);
        assert_eq!(ProofBytes::read_v1(&mut Reader::new(&written)), Ok(proof));
        let missing = Err(WireError::Truncated { what: "proof", missing: 1 });
        assert_eq!(ProofBytes::read_v1(&mut Reader::new(&written[1..])), missing);
    }
}
