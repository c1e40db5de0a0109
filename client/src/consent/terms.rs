//! The terms of a granted consent in the wallet's file.
//!
//! They are kept as they were granted: compiled again, by another version or with another
//! directory, they might be others, and the leaf on the ledger is of these.

use crate::encoding::{field_from_text, malformed, text};
use crate::home::HomeError;
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, Grantee, HolderKey, Jurisdictions, Level,
    OrgId, Purposes, RoleCode, Rule,
};
use amanat_domain::time::{Period, Timestamp};
use serde::{Deserialize, Serialize};

/// Terms as written.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredTerms {
    rules: Vec<StoredRule>,
    permit_by_default: bool,
    policy: String,
}

#[derive(Serialize, Deserialize)]
struct StoredRule {
    permit: bool,
    nested: bool,
    to: To,
    purposes: u32,
    actions: u8,
    categories: u64,
    jurisdictions: u32,
    confidentiality: u8,
    valid: [u64; 2],
    data: [u64; 2],
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum To {
    Anyone,
    Organisation(String),
    Role(String),
    OrganisationRole(String, String),
    Holder(String),
}

impl From<&ConsentTerms> for StoredTerms {
    fn from(terms: &ConsentTerms) -> Self {
        Self {
            rules: terms.rules().iter().map(StoredRule::from).collect(),
            permit_by_default: terms.default_effect() == Effect::Permit,
            policy: terms.policy().to_owned(),
        }
    }
}

impl From<&Rule> for StoredRule {
    fn from(rule: &Rule) -> Self {
        let ends = |p: &Period| [p.from().seconds(), p.until().seconds()];
        Self {
            permit: rule.effect == Effect::Permit,
            nested: rule.level == Level::Nested,
            to: match rule.grantee {
                Grantee::Any => To::Anyone,
                Grantee::Organisation(org) => To::Organisation(text(org.to_field())),
                Grantee::Role(role) => To::Role(text(role.to_field())),
                Grantee::OrganisationRole(org, role) => {
                    To::OrganisationRole(text(org.to_field()), text(role.to_field()))
                }
                Grantee::Holder(key) => To::Holder(text(key.to_field())),
            },
            purposes: rule.purposes.0,
            actions: rule.actions.0,
            categories: rule.categories.0,
            jurisdictions: rule.jurisdictions.0,
            confidentiality: rule.confidentiality as u8,
            valid: ends(&rule.validity),
            data: ends(&rule.data_period),
        }
    }
}

impl StoredTerms {
    /// The terms as they were granted.
    pub(super) fn read(self) -> Result<ConsentTerms, HomeError> {
        let rules = self.rules.into_iter().map(StoredRule::read).collect::<Result<_, _>>()?;
        let default = if self.permit_by_default { Effect::Permit } else { Effect::Deny };
        ConsentTerms::new(rules, default, self.policy)
            .map_err(|_| malformed("terms", "more rules than a consent can have"))
    }
}

impl StoredRule {
    fn read(self) -> Result<Rule, HomeError> {
        let field = |text: &str| field_from_text("rule", text);
        let period = |[from, until]: [u64; 2]| {
            let (from, until) = (Timestamp::new(from), Timestamp::new(until));
            let (Some(from), Some(until)) = (from, until) else {
                return Err(malformed("rule", "not a time"));
            };
            Period::new(from, until).ok_or_else(|| malformed("rule", "a period that ends before it begins"))
        };
        Ok(Rule {
            effect: if self.permit { Effect::Permit } else { Effect::Deny },
            level: if self.nested { Level::Nested } else { Level::Root },
            grantee: match self.to {
                To::Anyone => Grantee::Any,
                To::Organisation(org) => Grantee::Organisation(OrgId::new(field(&org)?)),
                To::Role(role) => Grantee::Role(RoleCode::new(field(&role)?)),
                To::OrganisationRole(org, role) => {
                    Grantee::OrganisationRole(OrgId::new(field(&org)?), RoleCode::new(field(&role)?))
                }
                To::Holder(key) => Grantee::Holder(HolderKey::new(field(&key)?)),
            },
            purposes: Purposes(self.purposes),
            actions: Actions(self.actions),
            categories: Categories(self.categories),
            jurisdictions: Jurisdictions(self.jurisdictions),
            confidentiality: match self.confidentiality {
                0 => Confidentiality::Low,
                1 => Confidentiality::Normal,
                2 => Confidentiality::Restricted,
                3 => Confidentiality::VeryRestricted,
                _ => return Err(malformed("rule", "not a confidentiality")),
            },
            validity: period(self.valid)?,
            data_period: period(self.data)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_come_back_as_they_were_written() {
        let org = OrgId::from_reference("Organization/a");
        let role = RoleCode::from_coding("urn:r", "doctor");
        let grantees = [
            Grantee::Any,
            Grantee::Organisation(org),
            Grantee::Role(role),
            Grantee::OrganisationRole(org, role),
            Grantee::Holder(HolderKey::new(7u64.into())),
        ];
        let day = |n| Timestamp::new(n).expect("a time");
        let rules = grantees.iter().zip([0u8, 1, 2, 3, 1]).map(|(grantee, level)| Rule {
            effect: if level == 1 { Effect::Deny } else { Effect::Permit },
            level: if level == 2 { Level::Nested } else { Level::Root },
            grantee: *grantee,
            purposes: Purposes::ALL,
            actions: Actions::ACCESS,
            categories: Categories::ALL,
            jurisdictions: Jurisdictions::PK_PUNJAB,
            confidentiality: [
                Confidentiality::Low,
                Confidentiality::Normal,
                Confidentiality::Restricted,
                Confidentiality::VeryRestricted,
            ][usize::from(level)],
            validity: Period::new(day(3), day(9)).expect("a period"),
            data_period: Period::ALWAYS,
        });
        let terms =
            ConsentTerms::new(rules.collect(), Effect::Permit, "urn:policy".to_owned()).expect("five rules");
        let text = serde_json::to_string(&StoredTerms::from(&terms)).expect("JSON");
        let stored: StoredTerms = serde_json::from_str(&text).expect("what was written");
        assert!(stored.read().expect("terms") == terms);
        let bad = text.replace("[3,9]", "[9,3]");
        let bad: StoredTerms = serde_json::from_str(&bad).expect("JSON");
        assert!(bad.read().is_err(), "a damaged file is no consent");
    }
}
