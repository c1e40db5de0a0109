//! Typed witnesses as plain ones: each number as the ledger hashes it.

use crate::plain::{self, LEAVES, Leaf, Witness};
use amanat_circuits::statements::access::AccessWitness;
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::GrantedConsent;
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential, pack_period};
use amanat_domain::policy::{MAX_ORGS, MAX_ROLES, RolePolicy};
use amanat_domain::record::{Leaf as LeafName, LeafOpening};
use amanat_domain::time::Timestamp;
use amanat_domain::tree::{NonMembership, Path};

/// Seconds of a shift ("Time" of `notation.md`).
const SHIFT_SECONDS: u64 = 28_800;

/// A typed witness that can be written as plain numbers.
pub(crate) trait ToPlain {
    fn to_plain(&self) -> Witness;
}

fn bundle(bundle: &Bundle) -> plain::Bundle {
    plain::Bundle {
        time: Fr::from(bundle.time.seconds()),
        roots: bundle.registries.map(|_, r| r.root.to_field()).into_array(),
        counts: bundle.registries.map(|_, r| Fr::from(r.count)).into_array(),
    }
}

fn path(path: &Path) -> plain::Path {
    plain::Path { index: Fr::from(path.index), siblings: path.siblings }
}

fn absence(absence: &NonMembership) -> plain::Absence {
    plain::Absence { value: absence.low_value, next: absence.low_next, path: path(&absence.path) }
}

fn consent(consent: &GrantedConsent) -> plain::Consent {
    let words = consent.words();
    plain::Consent {
        words: words.rules,
        terms: words.terms,
        nonce: words.nonce,
        policy: words.policy,
        salt: words.salt,
    }
}

fn credential(holder: &HolderSecret, credential: &RoleCredential) -> plain::Credential {
    plain::Credential {
        s_h: holder.secret().expose(),
        role: credential.role.to_field(),
        organisation: credential.organisation.to_field(),
        licence: pack_period(&credential.licence),
        salt: credential.salt.expose(),
    }
}

fn shift(now: Timestamp) -> Fr {
    Fr::from(now.seconds() / SHIFT_SECONDS)
}

fn lists(policy: &RolePolicy) -> ([Fr; MAX_ROLES], [Fr; MAX_ORGS]) {
    let words = policy.to_words();
    let (roles, organisations) = words.split_at(MAX_ROLES);
    let sized = "six roles and eight organisations";
    (roles.try_into().expect(sized), organisations.try_into().expect(sized))
}

fn three(leaf: &LeafOpening) -> [Fr; 3] {
    let [v1, v2] = leaf.values;
    [v1, v2, leaf.salt.expose()]
}

fn secrets(wallet: &PatientWallet) -> [Fr; 3] {
    let d = wallet.subject().detection_key().expose();
    [wallet.wallet_secret().expose(), wallet.uniqueness_key().expose(), d]
}

impl ToPlain for GrantWitness {
    fn to_plain(&self) -> Witness {
        let [s, u, d] = secrets(&self.wallet);
        let (bundle, path) = (bundle(&self.bundle), path(&self.subject_path));
        Witness::Grant(Box::new(plain::Grant { bundle, s, u, d, path, consent: consent(&self.consent) }))
    }
}

impl ToPlain for RevokeWitness {
    fn to_plain(&self) -> Witness {
        let [s, u, d] = secrets(&self.wallet);
        let words = self.consent.words();
        let last: &[Fr; 8] = words.rules.last_chunk().expect("24 words");
        Witness::Revoke(Box::new(plain::Revoke {
            bundle: bundle(&self.bundle),
            s,
            u,
            d,
            rules: words.first_digest(),
            words: *last,
            terms: words.terms,
            nonce: words.nonce,
            policy: words.policy,
            salt: words.salt,
            path: path(&self.consent_path),
        }))
    }
}

impl ToPlain for ConsentWitness {
    fn to_plain(&self) -> Witness {
        let recipient = &self.request.recipient;
        Witness::Consent(Box::new(plain::ConsentUse {
            bundle: bundle(&self.bundle),
            patient_key: self.subject.patient_key(),
            d: self.subject.detection_key().expose(),
            consent: consent(&self.consent),
            path: path(&self.consent_path),
            unrevoked: absence(&self.unrevoked),
            scope: self.request.scope.to_word(),
            period: pack_period(&self.request.data_period),
            organisation: recipient.organisation.to_field(),
            role: recipient.role.to_field(),
            holder: recipient.holder.to_field(),
            request_salt: self.request.salt,
            use_index: Fr::from(self.use_index),
        }))
    }
}

impl ToPlain for RoleWitness {
    fn to_plain(&self) -> Witness {
        let (roles, organisations) = lists(&self.policy);
        Witness::Role(Box::new(plain::Role {
            bundle: bundle(&self.bundle),
            credential: credential(&self.holder, &self.credential),
            path: path(&self.role_path),
            shift: shift(self.bundle.time),
            roles,
            organisations,
        }))
    }
}

impl ToPlain for RecordWitness {
    fn to_plain(&self) -> Witness {
        /// What `record.md` has predicates about.
        const ASKED_ABOUT: [LeafName; 7] = [
            LeafName::Subject,
            LeafName::Time,
            LeafName::Type,
            LeafName::Code,
            LeafName::Value,
            LeafName::Unit,
            LeafName::Status,
        ];
        let commitments = self.record.leaves();
        let leaves: [Leaf; LEAVES] = LeafName::ALL.map(|name| {
            if ASKED_ABOUT.contains(&name) {
                let [v1, v2, salt] = three(&self.record.open(name));
                Leaf::Open(v1, v2, salt)
            } else {
                Leaf::Closed(commitments[name as usize])
            }
        });
        Witness::Record(Box::new(plain::Record {
            bundle: bundle(&self.bundle),
            patient_key: self.subject.patient_key(),
            d: self.subject.detection_key().expose(),
            leaves,
            root_salt: self.record.root_salt().expose(),
            custodian: self.custodian.to_field(),
            anchored: Fr::from(self.anchored),
            path: path(&self.record_path),
            current: absence(&self.current),
            request: self.request.to_words(),
        }))
    }
}

impl ToPlain for AccessWitness {
    fn to_plain(&self) -> Witness {
        let [owner, categories, time, storage] = &self.record.leaves;
        let (roles, organisations) = lists(&self.policy.roles);
        Witness::Access(Box::new(plain::Access {
            bundle: bundle(&self.bundle),
            patient_key: self.subject.patient_key(),
            d: self.subject.detection_key().expose(),
            subject_salt: owner.salt.expose(),
            categories: three(categories),
            time: three(time),
            storage: three(storage),
            nodes: self.record.nodes,
            root_salt: self.record.root_salt,
            custodian: self.custodian.to_field(),
            anchored: Fr::from(self.anchored),
            record_path: path(&self.record_path),
            consent: consent(&self.consent),
            consent_path: path(&self.consent_path),
            unrevoked: absence(&self.unrevoked),
            credential: credential(&self.holder, &self.credential),
            role_path: path(&self.role_path),
            shift: shift(self.bundle.time),
            scope: self.policy.scope.to_word(),
            roles,
            organisations,
            use_index: Fr::from(self.use_index),
        }))
    }
}
