//! What organisations decide together: members, their capabilities, validators, verifying keys.
//!
//! One governing organisation proposes a [`Change`], and it is made when a [`quorum`] of the
//! governing organisations has approved it. The ledger decides which changes are possible in a
//! state; here are their definitions and their one encoding.

use crate::consent::{OrgId, RoleCode};
use crate::ids::{KeyDigest, KeyVector, MAX_KEY_BYTES, read_vector, write_vector};
use crate::quorum::ValidatorKey;
use crate::statement::Statement;
use crate::wire::{Reader, WireError, Writer};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Most bytes of an organisation's reference or name.
pub const MAX_TEXT: usize = 256;
/// Most roles that a change may name one by one; an organisation that issues more may issue all.
pub const MAX_NAMED_ROLES: usize = 256;

/// How many of `n` must approve: more than two thirds, ⌊2n / 3⌋ + 1.
#[must_use]
pub const fn quorum(n: usize) -> usize {
    2 * n / 3 + 1
}

/// What an organisation may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Enrol subjects.
    pub enrol: bool,
    /// Anchor records.
    pub anchor: bool,
    /// Decide with others that govern, and freeze keys.
    pub govern: bool,
    /// Issue credentials for these roles.
    pub roles: RoleGrant,
}

/// Which roles an organisation may issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleGrant {
    /// Every role.
    All,
    /// These.
    These(BTreeSet<RoleCode>),
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Install a verifying key.
    InstallKey {
        /// Canonical bytes of the verifying key.
        key: Vec<u8>,
        /// First height at which proofs under it are accepted.
        activate_at: u64,
        /// A proof that must verify.
        positive: Box<KeyVector>,
        /// A proof that must not.
        negative: Box<KeyVector>,
    },
    /// Accept no proof under a key from a height on.
    SunsetKey {
        /// The statement.
        statement: Statement,
        /// The key.
        key: KeyDigest,
        /// First height at which proofs under it are refused.
        from: u64,
    },
    /// Add an organisation.
    AddOrganisation {
        /// Reference or business identifier, as records and consents name it; its id follows from
        /// it.
        reference: String,
        /// Name for people.
        name: String,
        /// Ed25519 public key it signs with.
        key: [u8; 32],
        /// What it may do.
        capabilities: Capabilities,
    },
    /// Remove an organisation.
    RemoveOrganisation(OrgId),
    /// Replace an organisation's capabilities by these.
    SetCapabilities {
        /// Which.
        organisation: OrgId,
        /// What it may do from now on.
        capabilities: Capabilities,
    },
    /// Give an organisation another key, if the old key is lost or stolen.
    SetKey {
        /// Which.
        organisation: OrgId,
        /// Ed25519 public key it signs with from now on.
        key: [u8; 32],
    },
    /// Add a validator.
    AddValidator {
        /// Who runs it.
        organisation: OrgId,
        /// What it votes with.
        key: ValidatorKey,
    },
    /// Remove a validator.
    RemoveValidator(ValidatorKey),
}

impl RoleGrant {
    /// Whether the role is among them.
    #[must_use]
    pub fn covers(&self, role: RoleCode) -> bool {
        match self {
            Self::All => true,
            Self::These(roles) => roles.contains(&role),
        }
    }
}

impl Capabilities {
    /// None at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { enrol: false, anchor: false, govern: false, roles: RoleGrant::These(BTreeSet::new()) }
    }

    /// Writes the canonical form.
    ///
    /// # Panics
    /// Never: roles are read from files and transactions, which are far below 2^32.
    pub fn write(&self, w: &mut Writer) {
        w.u8(u8::from(self.enrol) | u8::from(self.anchor) << 1 | u8::from(self.govern) << 2);
        match &self.roles {
            RoleGrant::All => w.u32(u32::MAX),
            RoleGrant::These(roles) => {
                w.u32(u32::try_from(roles.len()).expect("far below 2^32 roles"));
                roles.iter().for_each(|role| w.field(role.to_field()));
            }
        }
    }

    /// Reads the canonical form with at most `most` roles named one by one; roles out of order are
    /// refused.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>, most: usize) -> Result<Self, WireError> {
        let bits = r.u8("capabilities")?;
        if bits > 7 {
            return Err(WireError::Unknown { what: "capabilities", got: bits.into() });
        }
        let roles = match r.u32("roles")? {
            u32::MAX => RoleGrant::All,
            n if n as usize > most => {
                return Err(WireError::Length { what: "roles", got: n as usize, least: 0, most });
            }
            n => {
                let list =
                    (0..n).map(|_| r.field("role").map(RoleCode::new)).collect::<Result<Vec<_>, _>>()?;
                if list.windows(2).any(|pair| pair[0] >= pair[1]) {
                    return Err(WireError::Invalid("roles: not in order, each once"));
                }
                RoleGrant::These(list.into_iter().collect())
            }
        };
        Ok(Self { enrol: bits & 1 != 0, anchor: bits & 2 != 0, govern: bits & 4 != 0, roles })
    }
}

/// A key that identifies an owner: small-order points do not.
///
/// # Errors
/// [`WireError::Invalid`] where the bytes are no Ed25519 public key, or one of small order.
pub fn signature_key(bytes: &[u8; 32]) -> Result<VerifyingKey, WireError> {
    VerifyingKey::from_bytes(bytes)
        .ok()
        .filter(|key| !key.is_weak())
        .ok_or(WireError::Invalid("key: no Ed25519 public key, or one of small order"))
}

/// A reference or a name: it is shown to people, so it steers no terminal.
fn text(r: &mut Reader<'_>, what: &'static str) -> Result<String, WireError> {
    let bytes = r.bytes(MAX_TEXT, what)?;
    let text = core::str::from_utf8(bytes).map_err(|_| WireError::Invalid("text: not UTF-8"))?;
    if text.is_empty() {
        return Err(WireError::Length { what, got: 0, least: 1, most: MAX_TEXT });
    }
    if text.chars().any(char::is_control) {
        return Err(WireError::Invalid("text: control characters"));
    }
    Ok(text.to_owned())
}

fn read_key(r: &mut Reader<'_>) -> Result<[u8; 32], WireError> {
    let key = r.array("key")?;
    signature_key(&key).map(|_| key)
}

impl Change {
    /// SHA-256 over domain tag and canonical bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut w = Writer::new();
        self.write(&mut w);
        Sha256::new().chain_update(b"amanat/change/v1").chain_update(w.finish()).finalize().into()
    }

    /// Writes the canonical form.
    pub fn write(&self, w: &mut Writer) {
        match self {
            Self::InstallKey { key, activate_at, positive, negative } => {
                w.u8(1);
                w.bytes(key);
                w.u64(*activate_at);
                write_vector(w, positive);
                write_vector(w, negative);
            }
            Self::SunsetKey { statement, key, from } => {
                w.u8(2);
                w.u8(*statement as u8);
                w.fixed(&key.0);
                w.u64(*from);
            }
            Self::AddOrganisation { reference, name, key, capabilities } => {
                w.u8(3);
                w.bytes(reference.as_bytes());
                w.bytes(name.as_bytes());
                w.fixed(key);
                capabilities.write(w);
            }
            Self::RemoveOrganisation(organisation) => {
                w.u8(4);
                w.field(organisation.to_field());
            }
            Self::SetCapabilities { organisation, capabilities } => {
                w.u8(5);
                w.field(organisation.to_field());
                capabilities.write(w);
            }
            Self::SetKey { organisation, key } => {
                w.u8(6);
                w.field(organisation.to_field());
                w.fixed(key);
            }
            Self::AddValidator { organisation, key } => {
                w.u8(7);
                w.field(organisation.to_field());
                w.fixed(&key.0);
            }
            Self::RemoveValidator(key) => {
                w.u8(8);
                w.fixed(&key.0);
            }
        }
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let organisation = |r: &mut Reader<'_>| r.field("organisation").map(OrgId::new);
        Ok(match r.u8("change")? {
            1 => Self::InstallKey {
                key: r.bytes(MAX_KEY_BYTES, "verifying key")?.to_vec(),
                activate_at: r.u64("activation height")?,
                positive: Box::new(read_vector(r)?),
                negative: Box::new(read_vector(r)?),
            },
            2 => Self::SunsetKey {
                statement: Statement::read(r)?,
                key: KeyDigest(r.array("key digest")?),
                from: r.u64("sunset height")?,
            },
            3 => Self::AddOrganisation {
                reference: text(r, "reference")?,
                name: text(r, "name")?,
                key: read_key(r)?,
                capabilities: Capabilities::read(r, MAX_NAMED_ROLES)?,
            },
            4 => Self::RemoveOrganisation(organisation(r)?),
            5 => Self::SetCapabilities {
                organisation: organisation(r)?,
                capabilities: Capabilities::read(r, MAX_NAMED_ROLES)?,
            },
            6 => Self::SetKey { organisation: organisation(r)?, key: read_key(r)? },
            7 => Self::AddValidator { organisation: organisation(r)?, key: ValidatorKey(read_key(r)?) },
            8 => Self::RemoveValidator(ValidatorKey(r.array("validator")?)),
            n => return Err(WireError::Unknown { what: "change", got: n.into() }),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::field::Fr;
    use crate::proof::ProofBytes;
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    fn key(n: u8) -> [u8; 32] {
        SigningKey::from_bytes(&[n; 32]).verifying_key().to_bytes()
    }

    fn arb_capabilities() -> impl Strategy<Value = Capabilities> {
        let these = proptest::collection::btree_set(any::<u64>(), 0..5)
            .prop_map(|n| RoleGrant::These(n.into_iter().map(|n| RoleCode::new(Fr::from(n))).collect()));
        let roles = prop_oneof![Just(RoleGrant::All), these];
        (any::<[bool; 3]>(), roles).prop_map(|([enrol, anchor, govern], roles)| Capabilities {
            enrol,
            anchor,
            govern,
            roles,
        })
    }

    pub(crate) fn arb_change() -> impl Strategy<Value = Change> {
        let organisation = any::<u64>().prop_map(|n| OrgId::new(Fr::from(n)));
        let vector = || {
            (any::<[u64; 8]>(), any::<u8>()).prop_map(|(public, n)| {
                Box::new(KeyVector { public: public.map(Fr::from), proof: ProofBytes::Groth16([n; 128]) })
            })
        };
        let words = || "[a-zA-Z/ äöق]{1,40}";
        prop_oneof![
            (proptest::collection::vec(any::<u8>(), 0..64), any::<u64>(), vector(), vector()).prop_map(
                |(key, activate_at, positive, negative)| Change::InstallKey {
                    key,
                    activate_at,
                    positive,
                    negative
                }
            ),
            (any::<[u8; 32]>(), any::<u64>()).prop_map(|(digest, from)| Change::SunsetKey {
                statement: Statement::Access,
                key: KeyDigest(digest),
                from
            }),
            (words(), words(), 1..9u8, arb_capabilities()).prop_map(|(reference, name, n, capabilities)| {
                Change::AddOrganisation { reference, name, key: key(n), capabilities }
            }),
            organisation.clone().prop_map(Change::RemoveOrganisation),
            (organisation.clone(), arb_capabilities()).prop_map(|(organisation, capabilities)| {
                Change::SetCapabilities { organisation, capabilities }
            }),
            (organisation.clone(), 1..9u8)
                .prop_map(|(organisation, n)| Change::SetKey { organisation, key: key(n) }),
            (organisation, 1..9u8).prop_map(|(organisation, n)| Change::AddValidator {
                organisation,
                key: ValidatorKey(key(n))
            }),
            any::<[u8; 32]>().prop_map(|bytes| Change::RemoveValidator(ValidatorKey(bytes))),
        ]
    }

    fn bytes(change: &Change) -> Vec<u8> {
        let mut w = Writer::new();
        change.write(&mut w);
        w.finish()
    }

    fn read(bytes: &[u8]) -> Result<Change, WireError> {
        Reader::whole(bytes, Change::read)
    }

    proptest! {
        #[test]
        fn one_encoding_of_each_change(change in arb_change()) {
            let wire = bytes(&change);
            prop_assert_eq!(read(&wire), Ok(change.clone()));
            for n in 0..wire.len() {
                prop_assert!(read(&wire[..n]).is_err(), "{}", n);
            }
        }

        #[test]
        fn changed_bytes_are_another_change_or_an_error(change in arb_change(), at in any::<prop::sample::Index>(), bit in 0..8u32) {
            let mut wire = bytes(&change);
            let at = at.index(wire.len());
            wire[at] ^= 1 << bit;
            if let Ok(other) = read(&wire) {
                prop_assert_ne!(&other, &change);
                prop_assert_ne!(other.digest(), change.digest());
                prop_assert_eq!(bytes(&other), wire);
            }
        }

        #[test]
        fn bytes_are_a_change_or_an_error(wire in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(change) = read(&wire) {
                prop_assert_eq!(bytes(&change), wire);
            }
        }
    }

    #[test]
    fn a_quorum_is_more_than_two_thirds() {
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 10].map(quorum), [1, 2, 3, 3, 4, 5, 5, 7]);
    }

    #[test]
    fn what_a_change_may_not_hold_is_refused() {
        let add = |change: fn(&mut String, &mut String, &mut [u8; 32], &mut Capabilities)| {
            let (mut reference, mut name) = ("Organization/a".to_owned(), "A".to_owned());
            let (mut key, mut capabilities) = (key(1), Capabilities::none());
            change(&mut reference, &mut name, &mut key, &mut capabilities);
            read(&bytes(&Change::AddOrganisation { reference, name, key, capabilities }))
        };
        assert!(add(|_, _, _, _| ()).is_ok());
        let invalid = |result: Result<Change, WireError>, word: &str| {
            let error = result.expect_err("refused").to_string();
            assert!(error.contains(word), "{word}: {error}");
        };
        invalid(add(|reference, _, _, _| reference.clear()), "reference");
        invalid(add(|_, name, _, _| *name = "x".repeat(MAX_TEXT + 1)), "name");
        invalid(add(|_, name, _, _| name.push('\u{1b}')), "control");
        invalid(add(|_, _, key, _| *key = [0; 32]), "small order");
        invalid(
            add(|_, _, _, c| {
                let roles = (0..=MAX_NAMED_ROLES as u64).map(|n| RoleCode::new(Fr::from(n)));
                c.roles = RoleGrant::These(roles.collect());
            }),
            "roles",
        );
        // Capabilities nobody knows, roles out of order.
        let two = RoleGrant::These([1u64, 2].map(|n| RoleCode::new(Fr::from(n))).into());
        let set = Change::SetCapabilities {
            organisation: OrgId::new(Fr::from(1u64)),
            capabilities: Capabilities { roles: two, ..Capabilities::none() },
        };
        let good = bytes(&set);
        let mut bits = good.clone();
        bits[33] = 8;
        invalid(read(&bits), "capabilities");
        let mut turned = good.clone();
        turned[38..102].rotate_left(32);
        invalid(read(&turned), "order");
        let mut twice = good;
        twice.copy_within(38..70, 70);
        invalid(read(&twice), "order");
    }
}
