//! The roles that credentials are issued for, and the words for them.

use amanat_domain::consent::RoleCode;
use amanat_domain::fhir::generate::ROLE_SYSTEM as PRACTITIONER_ROLE;
use std::borrow::Cow;

/// SNOMED CT.
const SNOMED: &str = "http://snomed.info/sct";

/// Physician.
pub const PHYSICIAN: Role = Role::known(SNOMED, "309343006");
/// Professional nurse.
pub const NURSE: Role = Role::known(SNOMED, "106292003");

/// Words for a role instead of its code.
const WORDS: [(&str, Role); 2] = [("physician", PHYSICIAN), ("nurse", NURSE)];

/// Code systems by short names.
const SYSTEMS: &[(&str, &str)] = &[("snomed", SNOMED), ("practitioner-role", PRACTITIONER_ROLE)];

/// Codes of HL7's practitioner-role that a listing can name.
const CODES: &[&str] = &["doctor", "nurse", "pharmacist", "researcher", "teacher", "ict"];

/// Why a text is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// Neither a word nor a coding.
    #[error(
        "`{0}` is not a role: write physician, nurse, or SYSTEM|CODE (snomed|309343006, practitioner-role|doctor)"
    )]
    NoRole(String),
    /// The code system is no URI.
    #[error("`{0}` is not a code system: write its URI, or snomed, or practitioner-role")]
    NoSystem(String),
}

/// A role: a code of a code system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    system: Cow<'static, str>,
    code: Cow<'static, str>,
}

impl Role {
    const fn known(system: &'static str, code: &'static str) -> Self {
        Self { system: Cow::Borrowed(system), code: Cow::Borrowed(code) }
    }

    /// Reads `physician`, `nurse`, or `SYSTEM|CODE`.
    ///
    /// # Errors
    /// [`RoleError`].
    ///
    /// ```
    /// use amanat_client::Role;
    /// assert_eq!(Role::parse("nurse").unwrap(), Role::parse("snomed|106292003").unwrap());
    /// ```
    pub fn parse(text: &str) -> Result<Self, RoleError> {
        if let Some((_, role)) = WORDS.into_iter().find(|(word, _)| *word == text) {
            return Ok(role);
        }
        let Some((system, code)) = text.split_once('|').filter(|(_, code)| !code.is_empty()) else {
            return Err(RoleError::NoRole(text.to_owned()));
        };
        let known = SYSTEMS.iter().find(|(short, _)| *short == system).map(|(_, uri)| *uri);
        let system = known.unwrap_or(system);
        if !["http://", "https://", "urn:"].iter().any(|begin| system.starts_with(begin)) {
            return Err(RoleError::NoSystem(system.to_owned()));
        }
        Ok(Self { system: system.to_owned().into(), code: code.to_owned().into() })
    }

    /// What a credential holds.
    #[must_use]
    pub fn code(&self) -> RoleCode {
        RoleCode::from_coding(&self.system, &self.code)
    }

    /// The word for the role of a credential. A credential holds a digest of the code, so only
    /// known roles have a word.
    #[must_use]
    pub fn word(code: RoleCode) -> String {
        if let Some((word, _)) = WORDS.iter().find(|(_, role)| role.code() == code) {
            return (*word).to_owned();
        }
        let known = CODES.iter().find(|c| RoleCode::from_coding(PRACTITIONER_ROLE, c) == code);
        known.map_or_else(|| "another role".to_owned(), |c| format!("practitioner-role|{c}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn a_role_is_a_word_or_a_code_of_a_system() {
        let role = |text: &str| Role::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(role("physician"), role("http://snomed.info/sct|309343006"));
        assert_eq!(role("nurse"), role("snomed|106292003"));
        assert_ne!(role("practitioner-role|nurse").code(), role("nurse").code());
        assert_eq!(Role::word(role("physician").code()), "physician");
        assert_eq!(Role::word(role("practitioner-role|doctor").code()), "practitioner-role|doctor");
        assert_eq!(Role::word(role("urn:oid:1.2|x").code()), "another role");
        for bad in ["", "doctor", "snomed|", "nonsense|1", "|309343006"] {
            assert!(Role::parse(bad).is_err(), "{bad}");
        }
    }
}
