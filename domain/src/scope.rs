//! What requests and policies of several statements are made of: a scope, a recipient, the
//! credentials that qualify.

use crate::consent::{
    Actions, Categories, Confidentiality, HolderKey, Jurisdictions, OrgId, Purposes, RoleCode,
};
use crate::field::{Fr, pow2};
use crate::poseidon::{Tag, hash};
use crate::wire::{Reader, WireError, Writer};

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

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.purposes.0);
        w.u8(self.actions.0);
        w.u64(self.categories.0);
        w.u32(self.jurisdictions.0);
        w.u8(self.confidentiality as u8);
    }

    /// Reads a scope that is well formed.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let scope = Self {
            purposes: Purposes(r.u32("purposes")?),
            actions: Actions(r.u8("actions")?),
            categories: Categories(r.u64("categories")?),
            jurisdictions: Jurisdictions(r.u32("jurisdictions")?),
            confidentiality: read_confidentiality(r)?,
        };
        let empty = "policy: purposes, actions, categories and jurisdictions each name at least one";
        scope.check().map_err(|_| WireError::Invalid(empty))?;
        Ok(scope)
    }
}

fn read_confidentiality(r: &mut Reader<'_>) -> Result<Confidentiality, WireError> {
    Ok(match r.u8("confidentiality")? {
        0 => Confidentiality::Low,
        1 => Confidentiality::Normal,
        2 => Confidentiality::Restricted,
        3 => Confidentiality::VeryRestricted,
        n => return Err(WireError::Unknown { what: "confidentiality", got: n.into() }),
    })
}

/// The recipient: an organisation's member in a role, and the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// The organisation.
    pub organisation: OrgId,
    /// The role.
    pub role: RoleCode,
    /// The person's holder key.
    pub holder: HolderKey,
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

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u8(self.roles.len() as u8);
        self.roles.iter().for_each(|x| w.field(x.to_field()));
        w.u8(self.organisations.len() as u8);
        self.organisations.iter().for_each(|x| w.field(x.to_field()));
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut list = |most: usize, what: &'static str| -> Result<Vec<Fr>, WireError> {
            let got = r.u8(what)? as usize;
            if got == 0 || got > most {
                return Err(WireError::Length { what, got, least: 1, most });
            }
            (0..got).map(|_| r.field(what)).collect()
        };
        let roles = list(MAX_ROLES, "role class")?.into_iter().map(RoleCode::new).collect();
        let organisations = list(MAX_ORGS, "organisation set")?.into_iter().map(OrgId::new).collect();
        Self::new(roles, organisations).map_err(|_| WireError::Invalid("role policy: list length"))
    }
}
