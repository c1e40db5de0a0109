//! Anonymity floors: how large the registries must be that a proof hides in. The ledger refuses a
//! proof below them; a client asks the same function before it makes one.

use crate::bundle::Bundle;
use crate::consent::{OrgId, RoleCode};
use crate::registry::{PerRegistry, Registry, RegistryKind};
use crate::scope::RolePolicy;
use crate::statement::Statement;
use crate::tx::PolicyField;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// The least number that a proof must hide among, per registry. In JSON an object with the names of
/// all dense registries. Of `roles` the active credentials that satisfy the policy are counted, of
/// the others the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floors(PerRegistry<u64>);

impl Floors {
    /// The same floor for every registry that a proof can hide in.
    #[must_use]
    pub fn all(floor: u64) -> Self {
        Self(PerRegistry::from_fn(|r| if hides(r) { floor } else { 0 }))
    }

    /// The same, with another floor for one registry. Nobody hides in an indexed registry: its
    /// floor stays 0.
    #[must_use]
    pub fn with(mut self, registry: Registry, floor: u64) -> Self {
        self.0[registry] = if hides(registry) { floor } else { 0 };
        self
    }

    /// The floor of a registry; 0 for revocations, in which nobody hides.
    #[must_use]
    pub fn of(&self, registry: Registry) -> u64 {
        self.0[registry]
    }

    /// Whether a proof against this bundle hides well enough. `active` are the credentials that
    /// were active when the bundle was sealed.
    ///
    /// # Errors
    /// [`BelowFloor`] with the first registry of the statement's declaration that is too small.
    pub fn check(
        &self,
        statement: Statement,
        policy: &PolicyField,
        bundle: &Bundle,
        active: &ActiveCredentials,
    ) -> Result<(), BelowFloor> {
        for registry in statement.spec().hides_in {
            let got = match policy.roles() {
                // The policy is in the clear: a holder hides among the credentials that satisfy it,
                // not among all.
                Some(policy) if *registry == Registry::Roles => active.qualified(policy),
                _ => bundle.registry(*registry).count,
            };
            let floor = self.of(*registry);
            if got < floor {
                return Err(BelowFloor { registry: *registry, floor, got });
            }
        }
        Ok(())
    }
}

const fn hides(registry: Registry) -> bool {
    matches!(registry.kind(), RegistryKind::Dense)
}

/// A registry is too small to hide in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too few to hide among in {}: {got}, the floor is {floor}", registry.name())]
pub struct BelowFloor {
    /// The registry.
    pub registry: Registry,
    /// The floor.
    pub floor: u64,
    /// What a proof would hide among.
    pub got: u64,
}

/// Number of active credentials per role and organisation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActiveCredentials(BTreeMap<(RoleCode, OrgId), u64>);

impl ActiveCredentials {
    /// How many credentials satisfy a policy.
    #[must_use]
    pub fn qualified(&self, policy: &RolePolicy) -> u64 {
        // A pair listed twice counts once.
        let roles: BTreeSet<_> = policy.roles().iter().collect();
        let organisations: BTreeSet<_> = policy.organisations().iter().collect();
        let pairs = roles.iter().flat_map(|r| organisations.iter().map(move |o| (**r, **o)));
        pairs.filter_map(|pair| self.0.get(&pair)).sum()
    }

    /// Counts a credential that was issued.
    pub fn issue(&mut self, role: RoleCode, organisation: OrgId) {
        *self.0.entry((role, organisation)).or_default() += 1;
    }

    /// Counts a credential that was retired, and tells whether one of this role and organisation
    /// was active.
    pub fn retire(&mut self, role: RoleCode, organisation: OrgId) -> bool {
        let Some(n) = self.0.get_mut(&(role, organisation)) else { return false };
        *n -= 1;
        if *n == 0 {
            self.0.remove(&(role, organisation));
        }
        true
    }

    /// Number of roles and organisations with an active credential.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no credential is active.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Role, organisation and number of active credentials, in order.
    pub fn iter(&self) -> impl Iterator<Item = (RoleCode, OrgId, u64)> {
        self.0.iter().map(|((role, organisation), n)| (*role, *organisation, *n))
    }
}

impl FromIterator<(RoleCode, OrgId, u64)> for ActiveCredentials {
    fn from_iter<I: IntoIterator<Item = (RoleCode, OrgId, u64)>>(counts: I) -> Self {
        Self(counts.into_iter().map(|(role, organisation, n)| ((role, organisation), n)).collect())
    }
}

impl Serialize for Floors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for registry in Registry::dense() {
            map.serialize_entry(registry.name(), &self.of(registry))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Floors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;
        impl<'de> Visitor<'de> for ByName {
            type Value = Floors;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object with a floor for each registry in which proofs hide")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Floors, A::Error> {
                let mut given = PerRegistry::<Option<u64>>::default();
                while let Some(registry) = map.next_key::<Registry>()? {
                    if !hides(registry) {
                        let name = registry.name();
                        return Err(A::Error::custom(format_args!(
                            "`{name}` has no floor: nobody hides in it"
                        )));
                    }
                    if given[registry].replace(map.next_value()?).is_some() {
                        let name = registry.name();
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                }
                let floor = |registry: Registry| match given[registry] {
                    None if hides(registry) => Err(A::Error::missing_field(registry.name())),
                    floor => Ok(floor.unwrap_or(0)),
                };
                PerRegistry::try_from_fn(floor).map(Floors)
            }
        }
        deserializer.deserialize_map(ByName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_written_by_name_and_read_back() {
        let floors = Floors::all(20).with(Registry::Roles, 3);
        let json = serde_json::to_string(&floors).expect("numbers are JSON");
        assert_eq!(json, r#"{"subjects":20,"roles":3,"consents":20,"records":20}"#);
        assert_eq!(serde_json::from_str::<Floors>(&json).expect("the same"), floors);
    }

    #[test]
    fn a_floor_that_is_missing_or_given_twice_or_of_no_registry_is_refused() {
        for (json, said) in [
            (r#"{"subjects":1,"roles":1,"consents":1}"#, "missing field `records`"),
            (
                r#"{"subjects":1,"subjects":1,"roles":1,"consents":1,"records":1}"#,
                "duplicate field `subjects`",
            ),
            (
                r#"{"subjects":1,"roles":1,"consents":1,"records":1,"revocations":1}"#,
                "`revocations` has no floor",
            ),
            (r#"{"subjects":1,"roles":1,"consents":1,"records":1,"people":1}"#, "people"),
        ] {
            let error = serde_json::from_str::<Floors>(json).expect_err(json).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn credentials_are_counted_by_role_and_organisation() {
        let role = |n: u64| RoleCode::new(n.into());
        let organisation = |n: u64| OrgId::new(n.into());
        let mut active = ActiveCredentials::default();
        for (r, o) in [(1, 1), (1, 1), (1, 2), (2, 2)] {
            active.issue(role(r), organisation(o));
        }
        let policy = |roles: &[u64], organisations: &[u64]| {
            let (roles, organisations) = (roles.iter(), organisations.iter());
            RolePolicy::new(
                roles.map(|n| role(*n)).collect(),
                organisations.map(|n| organisation(*n)).collect(),
            )
            .expect("in bounds")
        };
        assert_eq!(active.qualified(&policy(&[1], &[1])), 2);
        assert_eq!(active.qualified(&policy(&[1, 1, 2], &[2, 2])), 2, "a pair listed twice counts once");
        assert_eq!(active.qualified(&policy(&[3], &[1, 2])), 0);
        assert!(active.retire(role(2), organisation(2)));
        assert!(!active.retire(role(9), organisation(9)), "none was active");
        assert_eq!(active.qualified(&policy(&[2], &[2])), 0);
        assert_eq!(active.len(), 2);
        assert_eq!(active.iter().collect::<ActiveCredentials>(), active);
    }
}
