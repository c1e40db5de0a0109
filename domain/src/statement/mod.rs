//! The statements, each declared once, and the public vector they share.
//!
//! A statement is one line of [`for_each_statement!`](crate::for_each_statement) and one file
//! beside this one, which holds its [`Spec`] and the request that belongs to it alone. The enum
//! [`Statement`], its names and numbers, the modules of circuits and plans, and the tables of
//! ledger, client and tools follow from these.

pub mod access;
pub mod consent;
pub mod grant;
pub mod record;
pub mod revoke;
pub mod role;

mod public;
mod spec;

pub use public::{PUBLIC_INPUTS, PublicVector};
pub use spec::{PolicyKind, Spec};

use crate::wire::{Reader, WireError};

/// The list of statements, in the order of their numbers: calls a macro with all of them.
///
/// `for_each_statement!(name)` expands to `name! { [] /// docs Grant grant, .. }`: for each
/// statement its variant and its module's name. Tokens after a comma are passed on in the brackets.
#[macro_export]
macro_rules! for_each_statement {
    ($($callback:tt)::+ $(, $($rest:tt)*)?) => {
        $($callback)::+! {
            [$($($rest)*)?]
            /// I am the enrolled subject of this consent leaf.
            Grant grant,
            /// I am the subject of the consent this revocation id belongs to.
            Revoke revoke,
            /// S1: an unrevoked consent permits this purpose, action, recipient and these
            /// categories now.
            Consent consent,
            /// S2: I hold an active credential: role in class, organisation in set, licence valid.
            Role role,
            /// S3: these disclosed fields or predicates come from an anchored record.
            Record record,
            /// S1, S2 and S3 about the same hidden patient and record.
            Access access,
        }
    };
}

macro_rules! statements {
    ([] $($(#[doc = $doc:literal])* $variant:ident $module:ident,)*) => {
        /// What a proof can say. Each is its own circuit, all with the same eight public inputs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Statement {
            $($(#[doc = $doc])* $variant = $module::SPEC.number,)*
        }

        impl Statement {
            /// Number of statements.
            pub const COUNT: usize = [$($module::SPEC.number),*].len();

            /// All statements, in the order of their numbers.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant),*];

            /// The declarations, in the same order.
            const SPECS: [&'static Spec; Self::COUNT] = [$(&$module::SPEC),*];
        }

        const _: () = assert!(Spec::are_sound(&[$($module::SPEC),*]));
    };
}

for_each_statement!(statements);

impl Statement {
    /// What the statement is: the one declaration that everything else reads.
    #[must_use]
    pub const fn spec(self) -> &'static Spec {
        Self::SPECS[self.index()]
    }

    /// Its place in [`ALL`](Self::ALL), for tables of [`COUNT`](Self::COUNT) entries.
    #[must_use]
    pub const fn index(self) -> usize {
        // Numbers run from 1 without a gap: `Spec::are_sound`.
        self as usize - 1
    }

    /// Reads the number used on the wire.
    #[must_use]
    pub fn from_u8(n: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| *s as u8 == n)
    }

    /// Version of the statement's circuit. A change of layout, clause or key is a new version.
    #[must_use]
    pub const fn version(self) -> u16 {
        self.spec().version
    }

    /// Short lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Reads the number from a canonical encoding.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let n = r.u8("statement")?;
        Self::from_u8(n).ok_or(WireError::Unknown { what: "statement", got: n.into() })
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

impl serde::Serialize for Statement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for Statement {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// No statement has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown statement: expected one of {}", Statement::ALL.map(Statement::name).join(", "))]
pub struct UnknownStatement;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_read_back_from_its_number_its_name_and_its_json() {
        for statement in Statement::ALL {
            assert_eq!(Statement::from_u8(statement as u8), Some(statement));
            assert_eq!(statement.name().parse(), Ok(statement));
            let json = serde_json::to_string(&statement).expect("a name is JSON");
            assert_eq!(json, format!("\"{statement}\""));
            assert_eq!(serde_json::from_str::<Statement>(&json).expect("the same"), statement);
        }
        assert_eq!(Statement::from_u8(0), None, "0 marks a signed transaction");
        assert!(serde_json::from_str::<Statement>("\"Grant\"").is_err(), "names are lower case");
    }

    #[test]
    fn numbers_and_names_on_the_wire_are_what_they_were() {
        let numbered = Statement::ALL.map(|s| (s as u8, s.name()));
        let first = [(1, "grant"), (2, "revoke"), (3, "consent"), (4, "role"), (5, "record"), (6, "access")];
        assert_eq!(numbered[..6], first);
    }

    #[test]
    fn names_are_lower_case_words_and_each_is_used_once() {
        for (i, statement) in Statement::ALL.into_iter().enumerate() {
            assert!(statement.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{statement}");
            assert!(Statement::ALL[..i].iter().all(|other| other.name() != statement.name()), "{statement}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_names_there_are() {
        let said = "grants".parse::<Statement>().expect_err("no such statement").to_string();
        assert!(
            said.starts_with(
                "unknown statement: expected one of grant, revoke, consent, role, record, access"
            )
        );
        for statement in Statement::ALL {
            assert!(said.contains(statement.name()), "{said}");
        }
    }
}
