//! Requests and policies: what a proof is asked to show, in the clear, and the hash the circuit sees.

use crate::consent::{
    Actions, Categories, Confidentiality, HolderKey, Jurisdictions, OrgId, Purposes, RoleCode,
};
use crate::field::{Fr, pow2};
use crate::identity::pack_period;
use crate::poseidon::{Tag, hash};
use crate::time::Period;

/// Most roles a role class can list.
pub const MAX_ROLES: usize = 6;
/// Most organisations an organisation set can list.
pub const MAX_ORGS: usize = 8;

/// What is to be done with which data, where, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Purposes of use; at least one.
    pub purposes: Purposes,
    /// Actions; at least one.
    pub actions: Actions,
    /// Categories of data; at least one.
    pub categories: Categories,
    /// Jurisdictions; at least one.
    pub jurisdictions: Jurisdictions,
    /// Highest confidentiality asked for.
    pub confidentiality: Confidentiality,
}

/// Why a scope or policy is not well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPolicy {
    /// A mask is empty.
    #[error("a request names at least one purpose, action, category and jurisdiction; {0} is empty")]
    EmptyMask(&'static str),
    /// A list is empty or too long.
    #[error("{what}: {got} entries, expected 1 to {most}")]
    ListLength {
        /// Which list.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The most it may have.
        most: usize,
    },
}

impl Scope {
    /// Checks that no mask is empty: an empty mask would lie inside every permit.
    ///
    /// # Errors
    /// [`MalformedPolicy::EmptyMask`] naming the mask.
    pub fn check(&self) -> Result<(), MalformedPolicy> {
        for (empty, what) in [
            (self.purposes.is_empty(), "purposes"),
            (self.actions.is_empty(), "actions"),
            (self.categories.is_empty(), "categories"),
            (self.jurisdictions.is_empty(), "jurisdictions"),
        ] {
            if empty {
                return Err(MalformedPolicy::EmptyMask(what));
            }
        }
        Ok(())
    }

    /// One word, laid out as the low 138 bits of a rule's masks word.
    #[must_use]
    pub fn to_word(&self) -> Fr {
        let low = u128::from(self.purposes.0)
            | u128::from(self.actions.0) << 32
            | u128::from(self.categories.0) << 40;
        let high = u64::from(self.jurisdictions.0) | (self.confidentiality as u64) << 32;
        Fr::from(low) + Fr::from(high) * pow2(104)
    }
}

/// Who will receive: an organisation's member in a role, and which person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// The organisation.
    pub organisation: OrgId,
    /// The role.
    pub role: RoleCode,
    /// The person's holder key.
    pub holder: HolderKey,
}

/// The request of S1: what the audience asked and checks; the ledger sees only its salted hash.
#[derive(Clone)]
pub struct ConsentRequest {
    /// What, where, why.
    pub scope: Scope,
    /// Which data, by its time.
    pub data_period: Period,
    /// Who receives.
    pub recipient: Recipient,
    /// Hides the rest from those who are not the audience.
    pub salt: Fr,
}

impl ConsentRequest {
    /// `H(PolicyConsent; scope, data period, organisation, role, holder, salt)`.
    #[must_use]
    pub fn policy_hash(&self) -> Fr {
        hash(
            Tag::PolicyConsent,
            &[
                self.scope.to_word(),
                pack_period(&self.data_period),
                self.recipient.organisation.to_field(),
                self.recipient.role.to_field(),
                self.recipient.holder.to_field(),
                self.salt,
            ],
        )
    }
}

/// Which credentials qualify: any of these roles at any of these organisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePolicy {
    roles: Vec<RoleCode>,
    organisations: Vec<OrgId>,
}

impl RolePolicy {
    /// A role class and an organisation set.
    ///
    /// # Errors
    /// [`MalformedPolicy::ListLength`] where a list is empty or too long.
    pub fn new(roles: Vec<RoleCode>, organisations: Vec<OrgId>) -> Result<Self, MalformedPolicy> {
        for (got, most, what) in
            [(roles.len(), MAX_ROLES, "role class"), (organisations.len(), MAX_ORGS, "organisation set")]
        {
            if got == 0 || got > most {
                return Err(MalformedPolicy::ListLength { what, got, most });
            }
        }
        Ok(Self { roles, organisations })
    }

    /// The role class.
    #[must_use]
    pub fn roles(&self) -> &[RoleCode] {
        &self.roles
    }

    /// The organisation set.
    #[must_use]
    pub fn organisations(&self) -> &[OrgId] {
        &self.organisations
    }

    /// Six roles and eight organisations, padded by repeating the last.
    #[must_use]
    pub fn to_words(&self) -> [Fr; MAX_ROLES + MAX_ORGS] {
        core::array::from_fn(|i| {
            if i < MAX_ROLES {
                self.roles[i.min(self.roles.len() - 1)].to_field()
            } else {
                self.organisations[(i - MAX_ROLES).min(self.organisations.len() - 1)].to_field()
            }
        })
    }

    /// `H(PolicyRole; roles, organisations)`.
    #[must_use]
    pub fn policy_hash(&self) -> Fr {
        hash(Tag::PolicyRole, &self.to_words())
    }
}

/// The policy of an access: in the clear on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPolicy {
    /// What, where, why.
    pub scope: Scope,
    /// Who qualifies.
    pub roles: RolePolicy,
}

impl AccessPolicy {
    /// `H(PolicyAccess; scope, roles, organisations)`.
    #[must_use]
    pub fn policy_hash(&self) -> Fr {
        let mut words = vec![self.scope.to_word()];
        words.extend(self.roles.to_words());
        hash(Tag::PolicyAccess, &words)
    }
}

/// A closed interval of the 64-bit value word, see [`value_word`](crate::record::value_word).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueRange {
    /// Least.
    pub least: u64,
    /// Greatest.
    pub greatest: u64,
}

/// The request of S3: which record qualifies and what is disclosed. The ledger sees only its salted hash.
///
/// An absent element is not asked about. The closed list of predicates: equality of type, code, unit and status; the value
/// in a range; the time within a period; the custodian; anchored no later than an epoch; not superseded.
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
    /// Hides the rest from those who are not the audience.
    pub salt: Fr,
}

impl RecordRequest {
    /// The flags word: bits 0..=4 say which of type, code, unit, status, value are asked about; 5: custodian; 6: latest;
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
