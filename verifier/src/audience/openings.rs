//! The opened leaves that a custodian hands over beside a proof, and what an audience may read of
//! them.

use amanat_domain::field::Fr;
use amanat_domain::policy::disclosure;
use amanat_domain::record::{Leaf, LeafOpening, RECORD_LEAVES, Record};
use amanat_domain::secret::Secret;
use amanat_domain::wire::{Reader, WireError, Writer};

/// Bytes of one opening: the leaf's number, two values, the salt.
const OPENING_BYTES: usize = 1 + 3 * 32;

/// Most bytes of encoded openings: all leaves.
pub const MAX_OPENINGS_BYTES: usize = 1 + RECORD_LEAVES * OPENING_BYTES;

/// Openings of some leaves of one record, as they travel. Their values cannot be read: what they
/// are worth, a proof says ([`Verified::disclosure`](crate::Verified::disclosure)).
#[derive(Clone)]
pub struct Openings(Vec<(Leaf, LeafOpening)>);

/// Why openings are not those a proof disclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpeningsReject {
    /// Other leaves than those asked for.
    #[error("the openings are of the leaves {got:#018b}, expected {expected:#018b}")]
    Leaves {
        /// Bit i: leaf i was asked for.
        expected: u16,
        /// Bit i: leaf i is opened.
        got: u16,
    },
    /// A value or a salt is not what the proof committed to.
    #[error("the openings are not those the proof committed to")]
    Commitment,
}

/// S3: an anchored record satisfies the request, and these are the values of its disclosed leaves.
/// Clinical data: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosed {
    epoch: u64,
    values: Vec<(Leaf, [Fr; 2])>,
}

impl Disclosed {
    /// Epoch of the bundle.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The disclosed leaves in order, each with its two values.
    #[must_use]
    pub fn values(&self) -> &[(Leaf, [Fr; 2])] {
        &self.values
    }

    /// The two values of a leaf, or `None` if it was not disclosed.
    #[must_use]
    pub fn value(&self, leaf: Leaf) -> Option<[Fr; 2]> {
        self.values.iter().find(|(disclosed, _)| *disclosed == leaf).map(|(_, values)| *values)
    }
}

impl Openings {
    /// Opens the leaves of a record that a request discloses; bit i of `disclosed` is leaf i.
    #[must_use]
    pub fn of(record: &Record, disclosed: u16) -> Self {
        let asked = Leaf::ALL.into_iter().filter(|leaf| disclosed >> *leaf as u8 & 1 == 1);
        Self(asked.map(|leaf| (leaf, record.open(leaf))).collect())
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        // At most sixteen: each leaf once.
        w.u8(self.0.len() as u8);
        for (leaf, opening) in &self.0 {
            w.u8(*leaf as u8);
            opening.values.iter().for_each(|value| w.field(*value));
            w.field(opening.salt.expose());
        }
        w.finish()
    }

    /// Reads canonical bytes: leaves in order, each once.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let got = usize::from(r.u8("openings")?);
        if got > RECORD_LEAVES {
            return Err(WireError::Length { what: "openings", got, least: 0, most: RECORD_LEAVES });
        }
        let mut openings: Vec<(Leaf, LeafOpening)> = Vec::with_capacity(got);
        for _ in 0..got {
            let number = r.u8("leaf")?;
            let leaf = Leaf::ALL.into_iter().find(|leaf| *leaf as u8 == number);
            let leaf = leaf.ok_or(WireError::Unknown { what: "leaf", got: number.into() })?;
            if openings.last().is_some_and(|(last, _)| *last >= leaf) {
                return Err(WireError::Invalid("openings: the leaves are not in order, each once"));
            }
            let values = [r.field("leaf value")?, r.field("leaf value")?];
            openings.push((leaf, LeafOpening { values, salt: Secret::new(r.field("leaf salt")?) }));
        }
        r.finish()?;
        Ok(Self(openings))
    }

    /// The values, if these are the openings of the leaves asked for that the proof committed to.
    pub(super) fn disclosed(
        &self,
        asked: u16,
        published: Fr,
        epoch: u64,
    ) -> Result<Disclosed, OpeningsReject> {
        let opened = self.0.iter().fold(0u16, |mask, (leaf, _)| mask | 1 << *leaf as u8);
        if opened != asked {
            return Err(OpeningsReject::Leaves { expected: asked, got: opened });
        }
        let mut leaves = [Fr::from(0u64); RECORD_LEAVES];
        for (leaf, opening) in &self.0 {
            leaves[*leaf as usize] = opening.commitment(*leaf);
        }
        if disclosure(&leaves, asked) != published {
            return Err(OpeningsReject::Commitment);
        }
        Ok(Disclosed { epoch, values: self.0.iter().map(|(leaf, o)| (*leaf, o.values)).collect() })
    }
}

impl core::fmt::Debug for Openings {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Openings({} leaves)", self.0.len())
    }
}
