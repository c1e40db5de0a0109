//! S3 record: predicates hold for, and leaves are disclosed from, an anchored record.

use super::{PolicyKind, Spec};
use crate::consent::OrgId;
use crate::field::Fr;
use crate::identity::pack_period;
use crate::poseidon::{Tag, hash};
use crate::registry::Registry;
use crate::time::Period;

/// The declaration of S3.
pub const SPEC: Spec = Spec {
    number: 5,
    name: "record",
    title: "Record (S3)",
    version: 1,
    policy: PolicyKind::Sealed,
    slots: [None, None, Some("disclosure"), Some("detection tag")],
    spends: None,
    appends: None,
    hides_in: &[Registry::Records],
    // What a record says does not age; "the latest version" is as of the bundle.
    speaks_of_now: false,
    window: 24,
};

/// A closed interval of the 64-bit value word, see [`value_word`](crate::record::value_word).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueRange {
    /// Least.
    pub least: u64,
    /// Greatest.
    pub greatest: u64,
}

/// The request of S3: which record qualifies and what is disclosed. The ledger sees only its salted
/// hash.
///
/// An absent element is not asked about. The closed list of predicates: equality of type, code,
/// unit and status; the value in a range; the time within a period; the custodian; anchored no
/// later than an epoch; not superseded.
#[derive(Clone)]
pub struct RecordRequest {
    /// Resource type, as its number.
    pub resource_type: Option<u64>,
    /// Code word.
    pub code: Option<Fr>,
    /// Unit word.
    pub unit: Option<Fr>,
    /// Status word.
    pub status: Option<Fr>,
    /// The value's range.
    pub value: Option<ValueRange>,
    /// The record's time lies within.
    pub period: Period,
    /// The custodian that anchored it.
    pub custodian: Option<OrgId>,
    /// Anchored in this epoch or before: existed-by.
    pub anchored_by: u64,
    /// Not superseded as of the bundle.
    pub latest: bool,
    /// Bit i: leaf i is disclosed.
    pub disclosed: u16,
    /// Hides the rest from everyone but the audience.
    pub salt: Fr,
}

impl RecordRequest {
    /// The flags word: bits 0..=4 say which of type, code, unit, status, value are asked about; 5:
    /// custodian; 6: latest;
    /// 7..=22: disclosed leaves; 23..=86: anchored-by epoch.
    #[must_use]
    pub fn flags_word(&self) -> Fr {
        let bits = [
            self.resource_type.is_some(),
            self.code.is_some(),
            self.unit.is_some(),
            self.status.is_some(),
            self.value.is_some(),
            self.custodian.is_some(),
            self.latest,
        ];
        let mut word = u128::from(self.disclosed) << 7 | u128::from(self.anchored_by) << 23;
        for (i, bit) in bits.into_iter().enumerate() {
            word |= u128::from(bit) << i;
        }
        Fr::from(word)
    }

    /// The hashed words: flags, type, code, unit, status, value range, period, custodian, salt.
    #[must_use]
    pub fn to_words(&self) -> [Fr; 9] {
        let zero = Fr::from(0u64);
        let range = self.value.map_or(0, |v| u128::from(v.least) | u128::from(v.greatest) << 64);
        [
            self.flags_word(),
            Fr::from(self.resource_type.unwrap_or(0)),
            self.code.unwrap_or(zero),
            self.unit.unwrap_or(zero),
            self.status.unwrap_or(zero),
            Fr::from(range),
            pack_period(&self.period),
            self.custodian.map_or(zero, OrgId::to_field),
            self.salt,
        ]
    }

    /// `H(PolicyRecord; ..)` over [`to_words`](Self::to_words).
    #[must_use]
    pub fn policy_hash(&self) -> Fr {
        hash(Tag::PolicyRecord, &self.to_words())
    }
}

/// `H(Disclose; m_0 leaf_0, .., m_15 leaf_15)`, m the mask of disclosed leaves.
#[must_use]
pub fn disclosure(leaves: &[Fr; 16], mask: u16) -> Fr {
    let masked: [Fr; 16] =
        core::array::from_fn(|i| if mask >> i & 1 == 1 { leaves[i] } else { Fr::from(0u64) });
    hash(Tag::Disclose, &masked)
}
