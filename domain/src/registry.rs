//! The registries, and a table with one entry for each.

use core::ops::{Index, IndexMut};

/// How a registry's tree is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistryKind {
    /// Leaves in the order in which they came. Proofs show that a leaf is there.
    Dense,
    /// An indexed list of ids. Proofs show that an id is not there.
    Indexed,
}

macro_rules! registries {
    ($($(#[doc = $doc:literal])* $variant:ident = $number:literal, $name:literal, $kind:ident;)*) => {
        /// The registries, in the order in which a bundle commits to them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[repr(u8)]
        pub enum Registry {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant = $number,)*
        }

        impl Registry {
            /// Number of registries.
            pub const COUNT: usize = [$($number),*].len();

            /// All of them, in the order of a bundle.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant),*];

            /// Lower-case plural name, as in the node's paths.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// How its tree is kept.
            #[must_use]
            pub const fn kind(self) -> RegistryKind {
                match self {
                    $(Self::$variant => RegistryKind::$kind,)*
                }
            }
        }
    };
}

registries! {
    /// Enrolled subjects; append-only.
    Subjects = 0, "subjects", Dense;
    /// Active role credentials; retiring zeroes a leaf.
    Roles = 1, "roles", Dense;
    /// Granted consents; append-only.
    Consents = 2, "consents", Dense;
    /// Revoked consents and superseded records.
    Revocations = 3, "revocations", Indexed;
    /// Anchored records; append-only.
    Records = 4, "records", Dense;
}

// A table is indexed by number: a number is the place in the list.
const _: () = {
    let mut i = 0;
    while i < Registry::COUNT {
        assert!(Registry::ALL[i] as usize == i);
        i += 1;
    }
};

impl Registry {
    /// The registry with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// The registries whose leaves a proof can hide among: the dense ones. Nobody hides in an
    /// indexed list.
    pub fn dense() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|r| r.kind() == RegistryKind::Dense)
    }
}

/// One value for each registry.
///
/// ```
/// use amanat_domain::registry::{PerRegistry, Registry};
/// let mut sizes = PerRegistry::from_fn(|_| 0u64);
/// sizes[Registry::Consents] += 1;
/// assert_eq!(sizes.iter().map(|(_, n)| n).sum::<u64>(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PerRegistry<T>([T; Registry::COUNT]);

impl<T> PerRegistry<T> {
    /// Values in the order of [`Registry::ALL`].
    #[must_use]
    pub const fn new(values: [T; Registry::COUNT]) -> Self {
        Self(values)
    }

    /// A value made for each registry, in order.
    pub fn from_fn(make: impl FnMut(Registry) -> T) -> Self {
        Self(Registry::ALL.map(make))
    }

    /// A value made for each registry, in order, until making one fails.
    ///
    /// # Errors
    /// The first failure of `make`.
    ///
    /// # Panics
    /// Never.
    pub fn try_from_fn<E>(make: impl FnMut(Registry) -> Result<T, E>) -> Result<Self, E> {
        let values = Registry::ALL.into_iter().map(make).collect::<Result<Vec<T>, E>>()?;
        Ok(Self(values.try_into().map_err(|_| ()).expect("one value for each registry")))
    }

    /// Each value changed into another, in order, until a change fails.
    ///
    /// # Errors
    /// The first failure of `change`.
    ///
    /// # Panics
    /// Never.
    pub fn try_map<U, E>(
        self,
        mut change: impl FnMut(Registry, T) -> Result<U, E>,
    ) -> Result<PerRegistry<U>, E> {
        let mut values = self.0.into_iter();
        PerRegistry::try_from_fn(|registry| {
            change(registry, values.next().expect("as many values as registries"))
        })
    }

    /// Each value changed into another.
    ///
    /// # Panics
    /// Never.
    pub fn map<U>(self, mut change: impl FnMut(Registry, T) -> U) -> PerRegistry<U> {
        let mut registries = Registry::ALL.into_iter();
        PerRegistry(
            self.0.map(|value| change(registries.next().expect("as many registries as values"), value)),
        )
    }

    /// Each registry with its value, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Registry, &T)> {
        Registry::ALL.into_iter().zip(&self.0)
    }

    /// Each registry with its value to change, in order.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (Registry, &mut T)> {
        Registry::ALL.into_iter().zip(&mut self.0)
    }

    /// The values in order.
    #[must_use]
    pub fn into_array(self) -> [T; Registry::COUNT] {
        self.0
    }
}

impl<T> IntoIterator for PerRegistry<T> {
    type Item = (Registry, T);
    type IntoIter = core::iter::Zip<
        core::array::IntoIter<Registry, { Registry::COUNT }>,
        core::array::IntoIter<T, { Registry::COUNT }>,
    >;
    fn into_iter(self) -> Self::IntoIter {
        Registry::ALL.into_iter().zip(self.0)
    }
}

impl<T> Index<Registry> for PerRegistry<T> {
    type Output = T;
    fn index(&self, registry: Registry) -> &T {
        &self.0[registry as usize]
    }
}

impl<T> IndexMut<Registry> for PerRegistry<T> {
    fn index_mut(&mut self, registry: Registry) -> &mut T {
        &mut self.0[registry as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_order_are_what_bundles_and_paths_use() {
        let all = Registry::ALL.map(|r| (r as u8, r.name()));
        assert_eq!(all, [(0, "subjects"), (1, "roles"), (2, "consents"), (3, "revocations"), (4, "records")]);
        for registry in Registry::ALL {
            assert_eq!(Registry::by_name(registry.name()), Some(registry));
            let json = serde_json::to_string(&registry).expect("a name is JSON");
            assert_eq!(json, format!("\"{}\"", registry.name()));
        }
        assert_eq!(Registry::by_name("Subjects"), None);
    }

    #[test]
    fn a_table_answers_each_registry_with_its_own_value() {
        let mut table = PerRegistry::from_fn(|r| r as u8);
        for (registry, value) in table.iter_mut() {
            *value += 10 * (registry as u8);
        }
        for registry in Registry::ALL {
            assert_eq!(table[registry], 11 * (registry as u8));
        }
        let named = table.map(|r, n| (r.name(), n));
        assert_eq!(named[Registry::Records], ("records", 44));
        assert_eq!(PerRegistry::try_from_fn(Ok::<_, ()>).map(PerRegistry::into_array), Ok(Registry::ALL));
        let failed = PerRegistry::try_from_fn(|r| if r == Registry::Consents { Err(r) } else { Ok(()) });
        assert_eq!(failed, Err(Registry::Consents));
    }
}
