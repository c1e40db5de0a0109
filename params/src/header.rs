//! What every key says about itself.

use amanat_domain::statement::Statement;

/// Where a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// Made by one process that knew the toxic waste: whoever ran it could forge proofs. For development only.
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

/// Statement, version, constraint system and origin of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHeader {
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
    /// The first eight bytes are not those of this kind of file.
    #[error("not a file of this kind (its first eight bytes differ)")]
    Magic,
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

    pub(crate) fn to_bytes(self, magic: &[u8; 8]) -> [u8; Self::BYTES] {
        let (tag, transcript) = match self.origin {
            Origin::InsecureDev => (0, [0; 32]),
            Origin::Ceremony { transcript } => (1, transcript),
        };
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(magic);
        out[8] = self.statement as u8;
        out[9..11].copy_from_slice(&self.version.to_le_bytes());
        out[11] = tag;
        out[12..44].copy_from_slice(&transcript);
        out[44..].copy_from_slice(&self.r1cs);
        out
    }

    pub(crate) fn from_bytes(magic: &[u8; 8], bytes: &[u8; Self::BYTES]) -> Result<Self, HeaderError> {
        if bytes[..8] != magic[..] {
            return Err(HeaderError::Magic);
        }
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
        Ok(Self { statement, version, r1cs, origin })
    }
}
