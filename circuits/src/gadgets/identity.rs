//! Subjects and credentials.

use crate::cs::{Cs, Num};
use crate::gadgets::bits::{self, word};
use crate::gadgets::poseidon;
use amanat_domain::field::Fr;
use amanat_domain::identity::{RoleCredential, SHIFT_SECONDS, Subject, pack_period, shift_of};
use amanat_domain::policy::{MAX_ROLES, RolePolicy};
use amanat_domain::poseidon::Tag;
use amanat_domain::time::{TIME_BITS, Timestamp};

/// The opening of a subject commitment.
pub struct SubjectVar {
    /// `H(Subject; patient key, detection key)`.
    pub commitment: Num,
    detection_key: Num,
}

impl SubjectVar {
    /// Opens a subject by its patient key.
    pub fn new(cs: &mut Cs, subject: &Subject) -> Self {
        let key = cs.hint(subject.patient_key());
        Self::with_key(cs, &key, subject)
    }

    /// Opens a subject as the patient, with the secrets behind the key.
    pub fn owned(cs: &mut Cs, wallet_secret: &Num, uniqueness_key: Fr, subject: &Subject) -> Self {
        let u = cs.hint(uniqueness_key);
        let key = poseidon::hash(cs, Tag::PatientKey, &[wallet_secret, &u]);
        Self::with_key(cs, &key, subject)
    }

    fn with_key(cs: &mut Cs, key: &Num, subject: &Subject) -> Self {
        let detection_key = cs.hint(subject.detection_key().expose());
        let commitment = poseidon::hash(cs, Tag::Subject, &[key, &detection_key]);
        Self { commitment, detection_key }
    }

    /// `H(Detect; d, ctx)`.
    pub fn detection_tag(&self, cs: &mut Cs, ctx: &Num) -> Num {
        poseidon::hash(cs, Tag::Detect, &[&self.detection_key, ctx])
    }
}

/// A credential and its holder's secret.
pub struct RoleVar {
    holder_secret: Num,
    /// `H(HolderKey; s_h)`.
    pub holder: Num,
    /// Role.
    pub role: Num,
    /// Organisation.
    pub organisation: Num,
    licence_from: Num,
    licence_until: Num,
    /// Leaf of the `roles` registry.
    pub leaf: Num,
}

impl RoleVar {
    /// The holder key is derived from the secret, so the prover is the holder.
    pub fn new(cs: &mut Cs, holder_secret: Fr, credential: &RoleCredential) -> Self {
        cs.gadget("credential", |cs| {
            let holder_secret = cs.hint(holder_secret);
            let holder = poseidon::hash(cs, Tag::HolderKey, &[&holder_secret]);
            let licence = word(cs, pack_period(&credential.licence), 2 * TIME_BITS);
            let (from, until) = licence.bits.split_at(TIME_BITS as usize);
            let salt = cs.hint(credential.salt.expose());
            let inner = poseidon::hash(cs, Tag::RoleInner, &[&holder, &licence.num, &salt]);
            let role = cs.hint(credential.role.to_field());
            let organisation = cs.hint(credential.organisation.to_field());
            let leaf = poseidon::hash(cs, Tag::Role, &[&role, &organisation, &inner]);
            Self {
                holder_secret,
                holder,
                role,
                organisation,
                licence_from: bits::weighted_sum(from),
                licence_until: bits::weighted_sum(until),
                leaf,
            }
        })
    }

    /// Enforces that the licence is valid at a time of 40 bits.
    pub fn assert_licensed(&self, cs: &mut Cs, now: &Num) {
        bits::assert_less_or_equal(cs, &self.licence_from, now, TIME_BITS);
        bits::assert_less_or_equal(cs, now, &self.licence_until, TIME_BITS);
    }

    /// Enforces role in class and organisation in set.
    pub fn assert_qualifies(&self, cs: &mut Cs, policy: &RolePolicyVar) {
        policy.assert_lists(cs, &self.role, &self.organisation);
    }

    /// `H(Session; s_h, shift)`, for the shift in which a time of 40 bits falls.
    pub fn session(&self, cs: &mut Cs, now: &Num) -> Num {
        cs.gadget("session", |cs| {
            let honest = now.value().into_u64().and_then(Timestamp::new).map_or(0, shift_of);
            // shift < 2^26 and now < 2^40: now - shift * 28800 does not wrap, and both range checks
            // leave one shift.
            let shift = word(cs, Fr::from(honest), 26);
            let rest = now - &shift.num.scale(Fr::from(SHIFT_SECONDS));
            let last = Num::from_u64(SHIFT_SECONDS - 1);
            bits::decompose(cs, &rest, 15);
            bits::decompose(cs, &(&last - &rest), 15);
            poseidon::hash(cs, Tag::Session, &[&self.holder_secret, &shift.num])
        })
    }
}

/// The words of a role policy.
pub struct RolePolicyVar {
    words: Vec<Num>,
}

impl RolePolicyVar {
    /// Allocates them.
    pub fn new(cs: &mut Cs, policy: &RolePolicy) -> Self {
        Self { words: policy.to_words().iter().map(|w| cs.hint(*w)).collect() }
    }

    /// Role class, then organisation set.
    #[must_use]
    pub fn words(&self) -> &[Num] {
        &self.words
    }

    fn assert_lists(&self, cs: &mut Cs, role: &Num, organisation: &Num) {
        cs.gadget("set membership", |cs| {
            let (roles, organisations) = self.words.split_at(MAX_ROLES);
            for (member, list) in [(role, roles), (organisation, organisations)] {
                let (last, rest) = list.split_last().expect("lists have a fixed length");
                let mut product = Num::from_u64(1);
                for entry in rest {
                    product = cs.mul(&product, &(member - entry));
                }
                cs.enforce(&product, &(member - last), &Num::zero());
            }
        });
    }
}

trait IntoU64 {
    fn into_u64(self) -> Option<u64>;
}

impl IntoU64 for Fr {
    fn into_u64(self) -> Option<u64> {
        let limbs = ark_ff::PrimeField::into_bigint(self).0;
        (limbs[1..] == [0, 0, 0]).then_some(limbs[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::harness::{agrees, forged, rng, run};
    use amanat_domain::consent::{OrgId, RoleCode};
    use amanat_domain::field::random;
    use amanat_domain::identity::{HolderSecret, PatientWallet, session_pseudonym};
    use amanat_domain::policy::MAX_ORGS;
    use amanat_domain::secret::Secret;
    use amanat_domain::time::Period;

    fn credential(secret: Fr, licence: Period) -> RoleCredential {
        RoleCredential {
            holder: HolderSecret::from_secret(Secret::new(secret)).key(),
            role: RoleCode::new(Fr::from(11u64)),
            organisation: OrgId::new(Fr::from(12u64)),
            licence,
            salt: Secret::new(Fr::from(13u64)),
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds).expect("40 bits")
    }

    #[test]
    fn a_subject_opened_either_way_is_the_native_commitment() {
        let mut rng = rng(10);
        let (s, u, ctx) = (random(&mut rng), random(&mut rng), random(&mut rng));
        let subject = PatientWallet::from_secrets(Secret::new(s), Secret::new(u)).subject();
        let owned = |cs: &mut Cs| {
            let s = cs.hint(s);
            SubjectVar::owned(cs, &s, u, &subject)
        };
        agrees(subject.commitment().to_field(), |cs| owned(cs).commitment);
        agrees(subject.commitment().to_field(), |cs| SubjectVar::new(cs, &subject).commitment);
        agrees(subject.detection_tag(ctx), |cs| {
            let ctx = cs.hint(ctx);
            let subject = owned(cs);
            subject.detection_tag(cs, &ctx)
        });
    }

    #[test]
    fn a_credential_is_its_native_leaf() {
        let mut rng = rng(11);
        let secret = random(&mut rng);
        for licence in [Period::ALWAYS, Period::at(Timestamp::MIN), Period::at(at(1 << 39))] {
            let credential = credential(secret, licence);
            agrees(credential.leaf().to_field(), |cs| RoleVar::new(cs, secret, &credential).leaf);
            agrees(credential.holder.to_field(), |cs| RoleVar::new(cs, secret, &credential).holder);
        }
    }

    #[test]
    fn a_licence_is_valid_from_its_first_second_to_its_last() {
        let secret = Fr::from(1u64);
        let licence = Period::new(at(1000), at(2000)).expect("in order");
        for (licence, now, wanted) in [
            (licence, 999, false),
            (licence, 1000, true),
            (licence, 2000, true),
            (licence, 2001, false),
            (Period::ALWAYS, 0, true),
            (Period::ALWAYS, Timestamp::MAX.seconds(), true),
            (Period::at(Timestamp::MAX), Timestamp::MAX.seconds(), true),
            (Period::at(Timestamp::MAX), Timestamp::MAX.seconds() - 1, false),
            (Period::at(Timestamp::MIN), 1, false),
        ] {
            let outcome = run(|cs| {
                let now = cs.hint(Fr::from(now));
                RoleVar::new(cs, secret, &credential(secret, licence)).assert_licensed(cs, &now);
            });
            assert_eq!(outcome.holds(), wanted, "{now} in {licence:?}");
        }
    }

    /// One pseudonym in a shift, and no way to take the neighbouring shift's.
    #[test]
    fn a_session_is_of_the_one_shift_its_time_falls_in() {
        let secret = Fr::from(5u64);
        let last = Timestamp::MAX.seconds();
        for now in [0, 1, SHIFT_SECONDS - 1, SHIFT_SECONDS, 2 * SHIFT_SECONDS - 1, 63_900_000_000, last] {
            let walk = |cs: &mut Cs| {
                let now = cs.hint(Fr::from(now));
                let role = RoleVar::new(cs, secret, &credential(secret, Period::ALWAYS));
                let first = cs.last_variable() + 1;
                (first, role.session(cs, &now))
            };
            let shift = shift_of(at(now));
            agrees(session_pseudonym(secret, shift), |cs| walk(cs).1);
            let first = run(walk).value.0;
            for other in [shift.wrapping_sub(1), shift + 1, shift + 2, shift ^ (1 << 25), 0, (1 << 26) - 1] {
                if other != shift && other < 1 << 26 {
                    let bits: Vec<(u32, Fr)> =
                        (0..26).map(|i| (first + i, Fr::from(other >> i & 1))).collect();
                    assert!(!forged(&bits, walk).holds(), "shift {other} at {now}");
                }
            }
        }
    }

    #[test]
    fn every_place_in_a_list_qualifies_and_nobody_else() {
        let codes = |n: u64, first: u64| (0..n).map(move |i| Fr::from(first + i));
        for (roles, orgs) in [(1, 1), (MAX_ROLES as u64, MAX_ORGS as u64), (3, 2)] {
            let policy = RolePolicy::new(
                codes(roles, 100).map(RoleCode::new).collect(),
                codes(orgs, 200).map(OrgId::new).collect(),
            )
            .expect("in bounds");
            for role in 99..=100 + roles {
                for org in 199..=200 + orgs {
                    let outcome = run(|cs| {
                        let list = RolePolicyVar::new(cs, &policy);
                        let (role, org) = (cs.hint(Fr::from(role)), cs.hint(Fr::from(org)));
                        list.assert_lists(cs, &role, &org);
                    });
                    let wanted = (100..100 + roles).contains(&role) && (200..200 + orgs).contains(&org);
                    assert_eq!(outcome.holds(), wanted);
                }
            }
        }
    }
}
