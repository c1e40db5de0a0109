//! Audiences: the 32 bytes that a proof names as its addressee.

use crate::field::{self, hash_to_field};

/// The addressee of a proof, as its transaction names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Audience([u8; 32]);

impl Audience {
    /// The audience of a name that prover and audience agreed on; the empty name is an audience
    /// too.
    ///
    /// ```
    /// use amanat_domain::audience::Audience;
    /// assert_ne!(Audience::from_name("insurer"), Audience::from_name("pharmacy"));
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self(field::to_bytes(&hash_to_field("amanat/audience/v1", &[name.as_bytes()])))
    }

    /// The 32 bytes of a transaction.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Audience;

    #[test]
    fn an_audience_is_a_canonical_field_element_of_its_name() {
        let audience = Audience::from_name("insurer");
        assert!(crate::field::from_bytes(&audience.to_bytes()).is_ok());
        assert_eq!(audience, Audience::from_name("insurer"));
        assert_ne!(audience, Audience::from_name("insurer "));
    }
}
