//! One flat rule of a consent, and the vocabularies its masks speak.

use crate::field::Fr;
use crate::parties::{HolderKey, OrgId, RoleCode};
use crate::poseidon::{Tag, hash};
use crate::time::{Period, TIME_BITS};

macro_rules! mask {
    ($(#[$doc:meta])* $name:ident($int:ty) { $($(#[$bdoc:meta])* $bit:ident = $n:literal => $label:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        #[allow(missing_docs)]
        impl $name {
            $($(#[$bdoc])* pub const $bit: Self = Self(1 << $n);)*
            /// No bit.
            pub const NONE: Self = Self(0);
            /// Every bit, including bits without a name yet: an absent restriction.
            pub const ALL: Self = Self(<$int>::MAX);
            /// Width in bits.
            pub const BITS: u32 = <$int>::BITS;
            /// The named bits with their names.
            pub const NAMES: &'static [(Self, &'static str)] = &[$((Self::$bit, $label),)*];

            /// Both sets together.
            #[must_use]
            pub const fn union(self, other: Self) -> Self { Self(self.0 | other.0) }
            /// What both have.
            #[must_use]
            pub const fn intersection(self, other: Self) -> Self { Self(self.0 & other.0) }
            /// Whether every bit of `self` is in `other`.
            #[must_use]
            pub const fn is_subset(self, other: Self) -> bool { self.0 & !other.0 == 0 }
            /// Whether the two share a bit.
            #[must_use]
            pub const fn intersects(self, other: Self) -> bool { self.0 & other.0 != 0 }
            /// Whether no bit is set.
            #[must_use]
            pub const fn is_empty(self) -> bool { self.0 == 0 }
            /// The bit with this name (case-insensitive).
            #[must_use]
            pub fn by_name(name: &str) -> Option<Self> {
                Self::NAMES.iter().find(|(_, n)| n.eq_ignore_ascii_case(name)).map(|(bit, _)| *bit)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                if *self == Self::ALL { return f.write_str("all"); }
                let mut first = true;
                for (bit, name) in Self::NAMES {
                    if self.intersects(*bit) {
                        if !first { f.write_str("+")?; }
                        f.write_str(name)?;
                        first = false;
                    }
                }
                if first { f.write_str("none")?; }
                Ok(())
            }
        }
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

mask! {
    /// Purposes of use, from HL7's v3-ActReason (PurposeOfUse).
    Purposes(u32) {
        TREAT = 0 => "TREAT", ETREAT = 1 => "ETREAT", BTG = 2 => "BTG", HPAYMT = 3 => "HPAYMT",
        HOPERAT = 4 => "HOPERAT", HRESCH = 5 => "HRESCH", CLINTRCH = 6 => "CLINTRCH", PUBHLTH = 7 => "PUBHLTH",
        PATRQT = 8 => "PATRQT", CAREMGT = 9 => "CAREMGT", HQUALIMP = 10 => "HQUALIMP", DISASTER = 11 => "DISASTER",
        FAMRQT = 12 => "FAMRQT", HMARKT = 13 => "HMARKT",
        /// Supply chain and recall; local.
        SUPPLY = 14 => "SUPPLY",
        /// Device monitoring; local.
        DEVMON = 15 => "DEVMON",
        CLMATTCH = 16 => "CLMATTCH", COVAUTH = 17 => "COVAUTH", SYSADMIN = 18 => "SYSADMIN",
        HLEGAL = 19 => "HLEGAL", TRAIN = 20 => "TRAIN", PATSFTY = 21 => "PATSFTY", PERFMSR = 22 => "PERFMSR",
    }
}

mask! {
    /// What is done with the data: HL7's consentaction codes and three of our own.
    Actions(u8) {
        ACCESS = 0 => "access", COLLECT = 1 => "collect", USE = 2 => "use", DISCLOSE = 3 => "disclose",
        CORRECT = 4 => "correct",
        /// Only prove facts about the data; local.
        PROVE = 5 => "prove",
        /// Only count in aggregates; local.
        AGGREGATE = 6 => "aggregate",
        /// Take the data abroad; local.
        EXPORT = 7 => "export",
    }
}

mask! {
    /// Classes of data (US Core's) in the low bits, sensitivities (v3-ActCode) in the high ones.
    Categories(u64) {
        DEMOGRAPHICS = 0 => "demographics", ENCOUNTERS = 1 => "encounters", CONDITIONS = 2 => "conditions",
        LABS = 3 => "labs", VITALS = 4 => "vitals", MEDICATIONS = 5 => "medications", PROCEDURES = 6 => "procedures",
        IMMUNIZATIONS = 7 => "immunizations", ALLERGIES = 8 => "allergies", IMAGING = 9 => "imaging",
        NOTES = 10 => "notes", CLAIMS = 11 => "claims", DEVICES = 12 => "devices", GENOMICS = 13 => "genomics",
        CARE_PLANS = 14 => "care-plans", SOCIAL = 15 => "social-history", SURVEYS = 16 => "surveys",
        OTHER = 23 => "other",
        ETH = 24 => "ETH", PSY = 25 => "PSY", SDV = 26 => "SDV", HIV = 27 => "HIV", SEX = 28 => "SEX",
        SUD = 29 => "SUD", MINOR = 30 => "MINOR", STD = 31 => "STD", GDIS = 32 => "GDIS",
    }
}

mask! {
    /// Where the data may be used.
    Jurisdictions(u32) {
        PK_FEDERAL = 0 => "PK-IS", PK_PUNJAB = 1 => "PK-PB", PK_SINDH = 2 => "PK-SD", PK_KP = 3 => "PK-KP",
        PK_BALOCHISTAN = 4 => "PK-BA", PK_GB = 5 => "PK-GB", PK_AJK = 6 => "PK-JK",
        EU = 7 => "EU", UK = 8 => "UK", US = 9 => "US", ELSEWHERE = 31 => "elsewhere",
    }
}

/// Confidentiality (v3-Confidentiality), ordered; two bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Confidentiality {
    /// U, L, M: below normal.
    Low = 0,
    /// N.
    Normal = 1,
    /// R.
    Restricted = 2,
    /// V.
    VeryRestricted = 3,
}

/// What a rule says where it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Effect {
    /// Refuse.
    Deny = 0,
    /// Allow.
    Permit = 1,
}

/// Where a rule stood in the FHIR Consent: nested rules that match decide before root rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// The root provision.
    Root = 0,
    /// A provision nested in the root one.
    Nested = 1,
}

/// The parties that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grantee {
    /// Anyone.
    Any,
    /// Every member of an organisation.
    Organisation(OrgId),
    /// Everyone in a role, at any organisation.
    Role(RoleCode),
    /// Everyone in a role at one organisation.
    OrganisationRole(OrgId, RoleCode),
    /// One person, by their holder key.
    Holder(HolderKey),
}

impl Grantee {
    /// The word a rule commits to. `Any` is 1; 0 is the padding rule's.
    #[must_use]
    pub fn to_field(self) -> Fr {
        match self {
            Self::Any => Fr::from(1u64),
            Self::Organisation(org) => org.to_field(),
            Self::Role(role) => hash(Tag::AnyWithRole, &[role.to_field()]),
            Self::OrganisationRole(org, role) => hash(Tag::OrgRole, &[org.to_field(), role.to_field()]),
            Self::Holder(key) => key.to_field(),
        }
    }
}

/// One flat rule.
///
/// A permit matches a request that lies wholly inside it; a deny matches a request that touches it.
/// So a rule that is met in part never widens access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Permit or deny.
    pub effect: Effect,
    /// Root or nested.
    pub level: Level,
    /// The parties that it is about.
    pub grantee: Grantee,
    /// Purposes it covers.
    pub purposes: Purposes,
    /// Actions it covers.
    pub actions: Actions,
    /// Categories it covers.
    pub categories: Categories,
    /// Jurisdictions it covers.
    pub jurisdictions: Jurisdictions,
    /// Permit: up to this level. Deny: from this level on.
    pub confidentiality: Confidentiality,
    /// When the rule holds.
    pub validity: Period,
    /// Which data it is about, by their time.
    pub data_period: Period,
}

/// Words a rule packs into: grantee, masks, periods.
pub const RULE_WORDS: usize = 3;

impl Rule {
    /// A rule without any condition: it matches every request of everyone.
    #[must_use]
    pub const fn anything(effect: Effect, level: Level) -> Self {
        Self {
            effect,
            level,
            grantee: Grantee::Any,
            purposes: Purposes::ALL,
            actions: Actions::ALL,
            categories: Categories::ALL,
            jurisdictions: Jurisdictions::ALL,
            confidentiality: match effect {
                Effect::Permit => Confidentiality::VeryRestricted,
                Effect::Deny => Confidentiality::Low,
            },
            validity: Period::ALWAYS,
            data_period: Period::ALWAYS,
        }
    }

    /// Grantee, masks, periods.
    ///
    /// Masks word, from bit 0: purposes 32, actions 8, categories 64, jurisdictions 32,
    /// confidentiality 2, effect 1, level 1 (140 bits). Periods word: validity from, until, data
    /// from, until, 40 bits each (160 bits).
    #[must_use]
    pub fn to_words(&self) -> [Fr; RULE_WORDS] {
        let low = u128::from(self.purposes.0)
            | u128::from(self.actions.0) << 32
            | u128::from(self.categories.0) << 40;
        let high = u64::from(self.jurisdictions.0)
            | (self.confidentiality as u64) << 32
            | (self.effect as u64) << 34
            | (self.level as u64) << 35;
        let masks = Fr::from(low) + Fr::from(high) * crate::field::pow2(104);
        [self.grantee.to_field(), masks, pack_periods(&self.validity, &self.data_period)]
    }
}

/// Two periods in one word, 40 bits for each of the four times.
#[must_use]
pub fn pack_periods(first: &Period, second: &Period) -> Fr {
    [first.from(), first.until(), second.from(), second.until()]
        .iter()
        .rev()
        .fold(Fr::from(0u64), |word, t| word * crate::field::pow2(TIME_BITS) + Fr::from(t.seconds()))
}
