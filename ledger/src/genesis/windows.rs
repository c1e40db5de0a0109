//! Acceptance windows: for how many epochs a superseded bundle is still accepted.

use amanat_domain::statement::{Spec, Statement};
use amanat_domain::wire::Writer;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Acceptance windows in epochs, at least 1 each. In JSON an object by the statements' names; a
/// statement that is not named has the window of its declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows([u32; Statement::COUNT]);

impl Default for Windows {
    fn default() -> Self {
        Self(Statement::ALL.map(|statement| statement.spec().window))
    }
}

impl Windows {
    /// The window of a statement.
    #[must_use]
    pub const fn of(&self, statement: Statement) -> u32 {
        self.0[statement.index()]
    }

    /// The same, with another window for one statement.
    #[must_use]
    pub const fn with(mut self, statement: Statement, epochs: u32) -> Self {
        self.0[statement.index()] = epochs;
        self
    }

    /// Writes the windows that the canonical form of a genesis has in a fixed place.
    pub(super) fn write_first(&self, w: &mut Writer) {
        let first = Statement::ALL.into_iter().filter(|s| s.spec().number <= FIRST_STATEMENTS);
        first.for_each(|statement| w.u32(self.of(statement)));
    }

    /// Writes the windows of later statements, at the end of the canonical form, if they are not
    /// the declared ones. So a genesis of before such a statement keeps its chain id.
    pub(super) fn write_later(&self, w: &mut Writer) {
        for statement in Statement::ALL {
            if let Some((number, window)) = later(statement.spec(), self.of(statement)) {
                w.u8(LATER_WINDOW);
                w.u8(number);
                w.u32(window);
            }
        }
    }
}

/// Statements of the first release: numbers up to this have a fixed place in the canonical form.
const FIRST_STATEMENTS: u8 = 6;
/// Marks a window at the end of the canonical form. What may come before begins with the number of
/// validators, whose first byte is at most
/// [`MAX_VALIDATORS`](amanat_domain::quorum::MAX_VALIDATORS).
const LATER_WINDOW: u8 = 0xff;

/// Number and window, if the canonical form has to say them.
const fn later(spec: &Spec, window: u32) -> Option<(u8, u32)> {
    if spec.number <= FIRST_STATEMENTS || window == spec.window { None } else { Some((spec.number, window)) }
}

impl Serialize for Windows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Statement::COUNT))?;
        for statement in Statement::ALL {
            map.serialize_entry(statement.name(), &self.of(statement))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;
        impl<'de> Visitor<'de> for ByName {
            type Value = Windows;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object with windows by the names of statements")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Windows, A::Error> {
                let mut given = [None; Statement::COUNT];
                while let Some(statement) = map.next_key::<Statement>()? {
                    if given[statement.index()].replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom(format_args!("duplicate field `{statement}`")));
                    }
                }
                let defaults = Windows::default();
                let window = |s: Statement| given[s.index()].unwrap_or(defaults.of(s));
                Ok(Windows(Statement::ALL.map(window)))
            }
        }
        deserializer.deserialize_map(ByName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_written_by_name_and_read_back_and_a_name_left_out_is_the_default() {
        let windows = Windows::default().with(Statement::Role, 7);
        let json = serde_json::to_string(&windows).expect("numbers are JSON");
        assert!(json.starts_with(r#"{"grant":24,"revoke":24,"consent":1,"role":7,"record":24,"access":1"#));
        assert_eq!(serde_json::from_str::<Windows>(&json).expect("the same"), windows);
        assert_eq!(serde_json::from_str::<Windows>(r#"{"role":7}"#).expect("one is enough"), windows);
        assert_eq!(serde_json::from_str::<Windows>("{}").expect("none is needed"), Windows::default());
    }

    #[test]
    fn a_later_window_is_in_the_canonical_form_only_if_a_file_sets_it() {
        let first = *Statement::Role.spec();
        let next = Spec { number: FIRST_STATEMENTS + 1, ..first };
        assert_eq!(later(&next, next.window), None, "declared: a genesis of before keeps its chain id");
        assert_eq!(later(&next, next.window + 1), Some((FIRST_STATEMENTS + 1, next.window + 1)));
        assert_eq!(later(&first, first.window + 1), None, "it has a fixed place");
        assert!(usize::from(LATER_WINDOW) > amanat_domain::quorum::MAX_VALIDATORS);
    }

    #[test]
    fn a_window_of_no_statement_or_given_twice_is_refused() {
        for (json, said) in [
            (r#"{"grants":1}"#, "unknown statement"),
            (r#"{"role":1,"role":2}"#, "duplicate field `role`"),
            (r#"{"role":-1}"#, "expected u32"),
        ] {
            let error = serde_json::from_str::<Windows>(json).expect_err(json).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
