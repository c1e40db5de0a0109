//! Access: S1, S2 and S3 about the same hidden patient and record. Clauses `ACC-1..17` of
//! `docs/book/src/access.md`.

mod check;
mod circuit;
pub mod sample;

pub use AccessWitness as Witness;

use crate::cs::Cs;
use crate::statements::{Denied, Relation, blank};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::{GrantedConsent, OrgId, use_nullifier};
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, RoleCredential, Subject, session_pseudonym, shift_of};
use amanat_domain::policy::{AccessPolicy, Recipient};
use amanat_domain::poseidon::Tag;
use amanat_domain::record::{Leaf, LeafOpening, RecordRoot, access_token};
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tree::{NonMembership, Path};

/// What of a record an access opens: the first four leaves, the other three nodes, the root salt.
#[derive(Clone)]
pub struct RecordOpening {
    /// Subject, categories, time, storage.
    pub leaves: [LeafOpening; 4],
    /// The nodes over leaves 4..16.
    pub nodes: [Fr; 3],
    /// Root salt.
    pub root_salt: Fr,
}

/// The four leaves an access opens, in order.
const OPENED: [Leaf; 4] = [Leaf::Subject, Leaf::Categories, Leaf::Time, Leaf::Storage];

impl RecordOpening {
    /// Opens a record.
    #[must_use]
    pub fn new(record: &amanat_domain::record::Record) -> Self {
        let [_, a, b, c] = amanat_domain::record::record_nodes(&record.leaves());
        Self {
            leaves: OPENED.map(|leaf| record.open(leaf)),
            nodes: [a, b, c],
            root_salt: record.root_salt().expose(),
        }
    }

    /// The record's root.
    #[must_use]
    pub fn root(&self) -> RecordRoot {
        let leaves: Vec<Fr> =
            OPENED.iter().zip(&self.leaves).map(|(leaf, opening)| opening.commitment(*leaf)).collect();
        let first = amanat_domain::poseidon::hash(Tag::Node, &leaves);
        let [a, b, c] = self.nodes;
        RecordRoot::new(amanat_domain::poseidon::hash(Tag::RecordTop, &[first, a, b, c, self.root_salt]))
    }
}

/// What the clinician's prover knows, after the custodian handed over the openings.
pub struct AccessWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The patient.
    pub subject: Subject,
    /// The consent.
    pub consent: GrantedConsent,
    /// Its path in `consents`.
    pub consent_path: Path,
    /// That its revocation id is absent.
    pub unrevoked: NonMembership,
    /// Number of this use; random where the consent has no limit.
    pub use_index: u64,
    /// The holder's secret.
    pub holder: HolderSecret,
    /// The credential.
    pub credential: RoleCredential,
    /// Its path in `roles`.
    pub role_path: Path,
    /// The record.
    pub record: RecordOpening,
    /// The custodian that anchored it.
    pub custodian: OrgId,
    /// In which epoch.
    pub anchored: u64,
    /// Its path in `records`.
    pub record_path: Path,
    /// The policy.
    pub policy: AccessPolicy,
}

impl AccessWitness {
    pub(crate) fn blank() -> Self {
        let zero = Fr::from(0u64);
        let leaf = LeafOpening { values: [zero; 2], salt: blank::secret() };
        Self {
            bundle: blank::bundle(),
            subject: blank::wallet().subject(),
            consent: blank::granted(),
            consent_path: blank::path(),
            unrevoked: blank::absence(),
            use_index: 0,
            holder: HolderSecret::from_secret(blank::secret()),
            credential: blank::credential(),
            role_path: blank::path(),
            record: RecordOpening {
                leaves: [leaf.clone(), leaf.clone(), leaf.clone(), leaf],
                nodes: [zero; 3],
                root_salt: zero,
            },
            custodian: OrgId::new(zero),
            anchored: 0,
            record_path: blank::path(),
            policy: AccessPolicy { scope: blank::scope(), roles: blank::role_policy() },
        }
    }

    fn recipient(&self) -> Recipient {
        Recipient {
            organisation: self.credential.organisation,
            role: self.credential.role,
            holder: self.credential.holder,
        }
    }

    fn storage_key(&self) -> Fr {
        self.record.leaves[3].values[0]
    }
}

impl Relation for AccessWitness {
    const STATEMENT: Statement = Statement::Access;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        let shift = shift_of(self.bundle.time);
        [
            use_nullifier(self.consent.nonce().expose(), self.consent.subject().to_field(), self.use_index),
            session_pseudonym(self.holder.secret().expose(), shift),
            access_token(self.storage_key(), ctx),
            self.subject.detection_tag(ctx),
        ]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        self.check_clauses(public)
    }

    fn constrain(&self, cs: &mut Cs) {
        self.constrain_clauses(cs);
    }
}
