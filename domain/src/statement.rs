//! The statements and the public vector they share.

use crate::field::Fr;

/// What a proof can say. Each is its own circuit, all with the same eight public inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Statement {
    /// I am the enrolled subject of this consent leaf.
    Grant = 1,
    /// I am the subject of the consent this revocation id belongs to.
    Revoke = 2,
    /// S1: an unrevoked consent permits this purpose, action, recipient and these categories now.
    Consent = 3,
    /// S2: I hold an active credential: role in class, organisation in set, licence valid.
    Role = 4,
    /// S3: these disclosed fields or predicates come from an anchored record.
    Record = 5,
    /// S1, S2 and S3 about the same hidden patient and record.
    Access = 6,
}

impl Statement {
    /// All statements, in the order of their numbers.
    pub const ALL: [Statement; 6] =
        [Self::Grant, Self::Revoke, Self::Consent, Self::Role, Self::Record, Self::Access];

    /// Reads the number used on the wire.
    #[must_use]
    pub fn from_u8(n: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| *s as u8 == n)
    }

    /// Version of the statement's circuit. A change of layout, clause or key is a new version.
    #[must_use]
    pub const fn version(self) -> u16 {
        1
    }

    /// Short lower-case name: `grant`, `revoke`, `consent`, `role`, `record`, `access`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Consent => "consent",
            Self::Role => "role",
            Self::Record => "record",
            Self::Access => "access",
        }
    }
}

impl core::fmt::Display for Statement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::str::FromStr for Statement {
    type Err = UnknownStatement;
    fn from_str(s: &str) -> Result<Self, UnknownStatement> {
        Self::ALL.into_iter().find(|x| x.name() == s).ok_or(UnknownStatement)
    }
}

/// No statement has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown statement: expected one of grant, revoke, consent, role, record, access")]
pub struct UnknownStatement;

/// Number of public inputs of every statement.
pub const PUBLIC_INPUTS: usize = 8;

/// The public inputs of every statement, in the order of the circuit.
///
/// One length for all: one verification cost, batches across statements, and nothing to learn from lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicVector {
    /// Context: binds the proof to one transaction.
    pub ctx: Fr,
    /// Root bundle `B_e`.
    pub bundle: Fr,
    /// Epoch of the bundle.
    pub epoch: u64,
    /// Policy hash, or zero where the statement has none.
    pub policy: Fr,
    /// First and second nullifier slot; unused slots are zero.
    pub nf: [Fr; 2],
    /// First and second output slot; unused slots are zero.
    pub out: [Fr; 2],
}

impl PublicVector {
    /// `[ctx, B_e, e, policy, nf_0, nf_1, out_0, out_1]`.
    #[must_use]
    pub fn to_field_elements(&self) -> [Fr; PUBLIC_INPUTS] {
        [
            self.ctx,
            self.bundle,
            Fr::from(self.epoch),
            self.policy,
            self.nf[0],
            self.nf[1],
            self.out[0],
            self.out[1],
        ]
    }
}
