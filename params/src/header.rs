//! What every key says about itself, its proof system first.

use amanat_domain::proof::ProofSystem;
use amanat_domain::statement::Statement;

/// Where a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// Made by one process that knew the toxic waste, whose operator could forge proofs. For
    /// development only.
    InsecureDev,
    /// Made by a ceremony.
    Ceremony {
        /// SHA-256 of the ceremony's transcript.
        #[serde(with = "hex::serde")]
        transcript: [u8; 32],
    },
}

impl core::fmt::Display for Origin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InsecureDev => f.write_str("insecure-dev"),
            Self::Ceremony { transcript } => write!(f, "ceremony {}", hex::encode(transcript)),
        }
    }
}

/// The two files a setup makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Proving,
    Verifying,
}

impl KeyKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Proving => "proving key",
            Self::Verifying => "verifying key",
        }
    }

    /// The first eight bytes of a file. Each kind of each proof system has its bytes, so the
    /// bytes of one system's key are never read as another's.
    const fn magic(self, system: ProofSystem) -> &'static [u8; 8] {
        match (self, system) {
            (Self::Proving, ProofSystem::Groth16) => b"AMNTPK01",
            (Self::Verifying, ProofSystem::Groth16) => b"AMNTVK01",
        }
    }
}

/// Proof system, statement, version, constraint system and origin of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHeader {
    /// The proof system the key is of.
    pub system: ProofSystem,
    /// The statement the key is for.
    pub statement: Statement,
    /// Version of the statement's circuit.
    pub version: u16,
    /// Digest of the constraint system the key was made from.
    pub r1cs: [u8; 32],
    /// Where the key comes from.
    pub origin: Origin,
}

/// Why bytes are not a key's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The first eight bytes are not those of this kind of key in any proof system this build
    /// knows.
    #[error(
        "not a {kind} of a proof system this build knows: its first eight bytes are {}",
        hex::encode(got)
    )]
    Magic {
        /// The kind of key asked for.
        kind: &'static str,
        /// The bytes found.
        got: [u8; 8],
    },
    /// No statement has this number.
    #[error("statement {0} is unknown")]
    Statement(u8),
    /// No origin has this number.
    #[error("origin {0} is unknown")]
    Origin(u8),
    /// An insecure-dev key names a transcript.
    #[error("an insecure-dev key has no ceremony transcript, yet names one")]
    Transcript,
}

impl KeyHeader {
    pub(crate) const BYTES: usize = 8 + 1 + 2 + 1 + 32 + 32;

    pub(crate) fn to_bytes(self, kind: KeyKind) -> [u8; Self::BYTES] {
        let (tag, transcript) = match self.origin {
            Origin::InsecureDev => (0, [0; 32]),
            Origin::Ceremony { transcript } => (1, transcript),
        };
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(kind.magic(self.system));
        out[8] = self.statement as u8;
        out[9..11].copy_from_slice(&self.version.to_le_bytes());
        out[11] = tag;
        out[12..44].copy_from_slice(&transcript);
        out[44..].copy_from_slice(&self.r1cs);
        out
    }

    pub(crate) fn from_bytes(kind: KeyKind, bytes: &[u8; Self::BYTES]) -> Result<Self, HeaderError> {
        let mut got = [0; 8];
        got.copy_from_slice(&bytes[..8]);
        let system = ProofSystem::ALL.into_iter().find(|system| *kind.magic(*system) == got);
        let system = system.ok_or(HeaderError::Magic { kind: kind.name(), got })?;
        let statement = Statement::from_u8(bytes[8]).ok_or(HeaderError::Statement(bytes[8]))?;
        let version = u16::from_le_bytes([bytes[9], bytes[10]]);
        let (mut transcript, mut r1cs) = ([0; 32], [0; 32]);
        transcript.copy_from_slice(&bytes[12..44]);
        r1cs.copy_from_slice(&bytes[44..]);
        let origin = match bytes[11] {
            0 if transcript == [0; 32] => Origin::InsecureDev,
            0 => return Err(HeaderError::Transcript),
            1 => Origin::Ceremony { transcript },
            tag => return Err(HeaderError::Origin(tag)),
        };
        Ok(Self { system, statement, version, r1cs, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: KeyHeader = KeyHeader {
        system: ProofSystem::Groth16,
        statement: Statement::Role,
        version: 3,
        r1cs: [5; 32],
        origin: Origin::Ceremony { transcript: [6; 32] },
    };

    #[test]
    fn a_header_comes_back_with_its_proof_system() {
        for system in ProofSystem::ALL {
            let header = KeyHeader { system, ..HEADER };
            for kind in [KeyKind::Proving, KeyKind::Verifying] {
                assert_eq!(KeyHeader::from_bytes(kind, &header.to_bytes(kind)), Ok(header));
            }
        }
    }

    #[test]
    fn no_two_kinds_of_key_and_no_two_systems_begin_alike() {
        let kinds = [KeyKind::Proving, KeyKind::Verifying];
        let all: Vec<_> =
            kinds.iter().flat_map(|kind| ProofSystem::ALL.map(|system| *kind.magic(system))).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_key_of_another_kind_or_of_an_unknown_system_is_refused_in_words() {
        let verifying = HEADER.to_bytes(KeyKind::Verifying);
        let got = *b"AMNTVK01";
        let other = KeyHeader::from_bytes(KeyKind::Proving, &verifying);
        assert_eq!(other, Err(HeaderError::Magic { kind: "proving key", got }));
        for at in 0..8 {
            for bit in 0..8 {
                let mut changed = verifying;
                changed[at] ^= 1 << bit;
                let error = KeyHeader::from_bytes(KeyKind::Verifying, &changed).expect_err("unknown");
                assert!(matches!(error, HeaderError::Magic { kind: "verifying key", .. }), "{at}, {bit}");
                assert!(error.to_string().contains(&hex::encode(&changed[..8])), "{error}");
            }
        }
    }
}
