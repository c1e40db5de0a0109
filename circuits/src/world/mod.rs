//! Small worlds for tests, the mutation run and benches: a patient, a clinician, a consent, a
//! record, and registries around them.
//!
//! A [`World`] is plain data. Change a field and ask for a statement's [`Case`]
//! ([`Sample::case`](sample::Sample::case)): trees, bundle and public vector follow, so that one
//! thing is wrong and everything else is as an honest ledger would have it. What belongs to one
//! statement is in its folder, in `sample.rs`. Other [`Registries`] than the world's own, such as a
//! ledger's or larger ones, serve if they hold the world's leaves
//! ([`Sample::witness`](sample::Sample::witness)).

pub mod change;
mod registries;
pub mod rules;
pub mod sample;
pub mod tamper;
pub mod values;

pub use registries::Registries;

use sample::Sample;

use amanat_domain::bundle::{PerRegistry, Registry, RegistryKind};
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, GrantedConsent, Jurisdictions, OrgId,
    Purposes, RoleCode, UseLimit,
};
use amanat_domain::field::{Fr, random};
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential, Subject};
use amanat_domain::policy::{
    AccessPolicy, ConsentRequest, MAX_ORGS, MAX_ROLES, Recipient, RecordRequest, RolePolicy, Scope,
    ValueRange,
};
use amanat_domain::record::{Leaf, RECORD_LEAVES, Record, anchor_leaf};
use amanat_domain::secret::Secret;
use amanat_domain::statement::PublicVector;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::RevocationId;
use rand::{CryptoRng, Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// A witness and the public vector it is for.
pub struct Case<R> {
    /// What the prover knows.
    pub witness: R,
    /// What everyone sees.
    pub public: PublicVector,
}

impl<R: Sample> Case<R> {
    /// What an honest prover publishes under the witness's bundle and policy.
    pub fn honest(witness: R, ctx: Fr) -> Self {
        let [nf_0, nf_1, out_0, out_1] = witness.outputs(ctx);
        let bundle = witness.bundle();
        let public = PublicVector {
            ctx,
            bundle: bundle.hash().to_field(),
            epoch: bundle.epoch,
            policy: witness.policy().hash(),
            nf: [nf_0, nf_1],
            out: [out_0, out_1],
        };
        Self { witness, public }
    }
}

/// One patient, one clinician, one consent, one record, and strangers around them.
#[derive(Clone)]
pub struct World {
    /// Wallet secret and uniqueness key.
    pub wallet: [Fr; 2],
    /// The subject of the granted consent, if it is not this patient.
    pub consent_about: Option<Subject>,
    /// What the consent says.
    pub terms: ConsentTerms,
    /// How often.
    pub limit: UseLimit,
    /// Number of this use.
    pub use_index: u64,
    /// Nonce of the consent.
    pub nonce: Fr,
    /// Salt of the consent.
    pub consent_salt: Fr,
    /// Secret of the holder.
    pub holder: Fr,
    /// Their credential.
    pub credential: RoleCredential,
    /// Values of the record's leaves.
    pub values: [[Fr; 2]; RECORD_LEAVES],
    /// Salts of the record's leaves.
    pub salts: [Fr; RECORD_LEAVES],
    /// Root salt of the record.
    pub root_salt: Fr,
    /// The custodian that anchored the record.
    pub custodian: OrgId,
    /// When.
    pub anchored: u64,
    /// Request of S1.
    pub request: ConsentRequest,
    /// Policy of access, and of S2.
    pub policy: AccessPolicy,
    /// Request of S3.
    pub asked: RecordRequest,
    /// Epoch of the bundle.
    pub epoch: u64,
    /// Time of the bundle.
    pub time: Timestamp,
    /// Leaves of strangers, in the dense registries.
    pub strangers: PerRegistry<Vec<Fr>>,
    /// Where ours are among them.
    pub positions: PerRegistry<usize>,
    /// What is revoked.
    pub revoked: Vec<RevocationId>,
    /// Context.
    pub ctx: Fr,
}

/// A random id below `2^251`.
pub fn random_id(rng: &mut ChaCha20Rng) -> RevocationId {
    loop {
        if let Some(id) = RevocationId::new(random(rng)) {
            return id;
        }
    }
}

/// A mask that is not empty.
fn some<T>(
    rng: &mut ChaCha20Rng,
    all: T,
    draw: impl Fn(&mut ChaCha20Rng) -> T,
    empty: impl Fn(&T) -> bool,
) -> T {
    let drawn = draw(rng);
    if empty(&drawn) { all } else { drawn }
}

/// A random scope.
pub fn random_scope(rng: &mut ChaCha20Rng) -> Scope {
    Scope {
        purposes: some(rng, Purposes::TREAT, |r| Purposes(r.next_u32() & r.next_u32()), |m| m.is_empty()),
        actions: some(
            rng,
            Actions::ACCESS,
            |r| Actions((r.next_u32() & r.next_u32()) as u8),
            |m| m.is_empty(),
        ),
        categories: some(
            rng,
            Categories::LABS,
            |r| Categories(r.next_u64() & r.next_u64()),
            |m| m.is_empty(),
        ),
        jurisdictions: some(
            rng,
            Jurisdictions::EU,
            |r| Jurisdictions(r.next_u32() & r.next_u32()),
            |m| m.is_empty(),
        ),
        confidentiality: confidentiality(rng.random_range(0..4)),
    }
}

/// The level with this number.
pub fn confidentiality(n: u64) -> Confidentiality {
    match n {
        0 => Confidentiality::Low,
        1 => Confidentiality::Normal,
        2 => Confidentiality::Restricted,
        _ => Confidentiality::VeryRestricted,
    }
}

/// The time `seconds` after the beginning of year 1.
pub fn at(seconds: u64) -> Timestamp {
    Timestamp::new(seconds).expect("40 bits")
}

/// From and until.
pub fn period(from: u64, until: u64) -> Period {
    Period::new(at(from), at(until)).expect("in order")
}

impl World {
    /// A random world in which every statement holds.
    ///
    /// # Panics
    /// Never: seeds give well-formed worlds.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let rng = &mut rng;
        let wallet = [random(rng), random(rng)];
        let subject = PatientWallet::from_secrets(Secret::new(wallet[0]), Secret::new(wallet[1])).subject();
        let holder = random(rng);
        let org = |rng: &mut ChaCha20Rng| OrgId::new(random(rng));
        let role = |rng: &mut ChaCha20Rng| RoleCode::new(random(rng));
        let now = 63_000_000_000 + rng.random_range(0..3_000_000_000u64);
        let credential = RoleCredential {
            holder: HolderSecret::from_secret(Secret::new(holder)).key(),
            role: role(rng),
            organisation: org(rng),
            licence: period(now - rng.random_range(0..1 << 28), now + rng.random_range(0..1 << 28)),
            salt: Secret::random(rng),
        };
        let mut roles: Vec<RoleCode> = (0..rng.random_range(1..=MAX_ROLES)).map(|_| role(rng)).collect();
        let mut orgs: Vec<OrgId> = (0..rng.random_range(1..=MAX_ORGS)).map(|_| org(rng)).collect();
        let at_role = rng.random_range(0..roles.len());
        roles[at_role] = credential.role;
        let at_org = rng.random_range(0..orgs.len());
        orgs[at_org] = credential.organisation;
        let scope = random_scope(rng);
        let recipient = Recipient {
            organisation: credential.organisation,
            role: credential.role,
            holder: credential.holder,
        };
        let data = (now - rng.random_range(1 << 20..1 << 28), now - rng.random_range(0..1 << 20));
        let custodian = org(rng);
        let anchored = rng.random_range(0..1000);
        let mut values: [[Fr; 2]; RECORD_LEAVES] = core::array::from_fn(|_| [random(rng), Fr::from(0u64)]);
        values[Leaf::Subject as usize][0] = subject.commitment().to_field();
        values[Leaf::Categories as usize] = [
            Fr::from(scope.categories.0 & rng.next_u64()),
            Fr::from(rng.random_range(0..=scope.confidentiality as u64)),
        ];
        values[Leaf::Time as usize] = [data.0, data.1].map(Fr::from);
        values[Leaf::Type as usize] = [Fr::from(rng.random_range(1..18u64)), Fr::from(1u64)];
        let amount = rng.next_u64();
        let has_value = rng.random_bool(0.7);
        values[Leaf::Value as usize] =
            if has_value { [Fr::from(amount), Fr::from(1u64)] } else { [Fr::from(0u64); 2] };
        let asked = {
            let mut maybe = |leaf: Leaf| rng.random_bool(0.5).then_some(values[leaf as usize][0]);
            let (code, unit, status) = (maybe(Leaf::Code), maybe(Leaf::Unit), maybe(Leaf::Status));
            let range = ValueRange {
                least: amount - rng.random_range(0..=amount),
                greatest: amount + rng.random_range(0..=u64::MAX - amount),
            };
            RecordRequest {
                resource_type: rng
                    .random_bool(0.5)
                    .then_some(ark_ff::PrimeField::into_bigint(values[Leaf::Type as usize][0]).0[0]),
                code,
                unit,
                status,
                value: (has_value && rng.random_bool(0.7)).then_some(range),
                period: period(data.0 - rng.random_range(0..1 << 20), data.1 + rng.random_range(0..1 << 20)),
                custodian: rng.random_bool(0.5).then_some(custodian),
                anchored_by: anchored + rng.random_range(0..1000),
                latest: rng.random_bool(0.5),
                disclosed: rng.next_u32() as u16,
                salt: random(rng),
            }
        };
        let limit = if rng.random_bool(0.5) {
            UseLimit::from_u32(rng.random_range(1..u32::MAX))
        } else {
            UseLimit::UNLIMITED
        };
        let use_index = rng.random_range(0..limit.limit().map_or(u64::MAX, u64::from));
        let mut world = Self {
            wallet,
            consent_about: None,
            terms: ConsentTerms::new(Vec::new(), Effect::Permit, String::new()).expect("no rules"),
            limit,
            use_index,
            nonce: Fr::from(0u64),
            consent_salt: random(rng),
            holder,
            credential,
            values,
            salts: core::array::from_fn(|_| random(rng)),
            root_salt: Fr::from(0u64),
            custodian,
            anchored,
            request: ConsentRequest {
                scope,
                data_period: period(data.0, data.1),
                recipient,
                salt: random(rng),
            },
            policy: AccessPolicy { scope, roles: RolePolicy::new(roles, orgs).expect("in bounds") },
            asked,
            epoch: 1000 + rng.random_range(0..1000u64),
            time: at(now),
            strangers: PerRegistry::from_fn(|registry| match registry.kind() {
                RegistryKind::Dense => (0..rng.random_range(4..30)).map(|_| random(rng)).collect(),
                RegistryKind::Indexed => Vec::new(),
            }),
            positions: PerRegistry::default(),
            revoked: (0..rng.random_range(0..20)).map(|_| random_id(rng)).collect(),
            ctx: random(rng),
        };
        for registry in Registry::dense() {
            world.positions[registry] = rng.random_range(0..=world.strangers[registry].len());
        }
        world.terms = rules::random_terms(rng, &world);
        world.redraw(rng);
        world
    }

    /// A fresh nonce and root salt that have revocation ids.
    pub fn redraw(&mut self, rng: &mut impl CryptoRng) {
        self.redraw_consent(rng);
        self.root_salt = loop {
            let salt = random(rng);
            if Record::from_parts(self.values, self.salts.map(Secret::new).to_vec(), Secret::new(salt))
                .is_some()
            {
                break salt;
            }
        };
    }

    /// A fresh nonce that has a revocation id: another consent to the same terms.
    pub fn redraw_consent(&mut self, rng: &mut impl CryptoRng) {
        let subject = self.consent_subject();
        self.nonce = loop {
            let nonce = Secret::random(rng);
            let (terms, salt) = (self.terms.clone(), Secret::new(self.consent_salt));
            if GrantedConsent::from_parts(terms, subject.commitment(), self.limit, nonce.clone(), salt)
                .is_some()
            {
                break nonce.expose();
            }
        };
    }

    /// The record is this one.
    pub fn set_record(&mut self, record: &Record) {
        for (i, leaf) in Leaf::ALL.into_iter().enumerate() {
            let opening = record.open(leaf);
            (self.values[i], self.salts[i]) = (opening.values, opening.salt.expose());
        }
        self.root_salt = record.root_salt().expose();
    }

    /// The subject of the consent.
    #[must_use]
    pub fn consent_subject(&self) -> Subject {
        self.consent_about.clone().unwrap_or_else(|| self.wallet().subject())
    }

    /// The patient's wallet.
    #[must_use]
    pub fn wallet(&self) -> PatientWallet {
        let [s, u] = self.wallet.map(Secret::new);
        PatientWallet::from_secrets(s, u)
    }

    /// The holder's secret.
    #[must_use]
    pub fn holder(&self) -> HolderSecret {
        HolderSecret::from_secret(Secret::new(self.holder))
    }

    /// The consent.
    ///
    /// # Panics
    /// If the nonce was set to one without a revocation id.
    #[must_use]
    pub fn consent(&self) -> GrantedConsent {
        let [nonce, salt] = [self.nonce, self.consent_salt].map(Secret::new);
        let subject = self.consent_subject().commitment();
        GrantedConsent::from_parts(self.terms.clone(), subject, self.limit, nonce, salt)
            .expect("a nonce with an id")
    }

    /// The record.
    ///
    /// # Panics
    /// If the root salt was set to one without a supersession id.
    #[must_use]
    pub fn record(&self) -> Record {
        let salts = self.salts.map(Secret::new).to_vec();
        Record::from_parts(self.values, salts, Secret::new(self.root_salt)).expect("a salt with an id")
    }

    /// The leaf that is this world's own in a dense registry.
    fn leaf(&self, registry: Registry) -> Option<Fr> {
        match registry {
            Registry::Subjects => Some(self.wallet().subject().commitment().to_field()),
            Registry::Roles => Some(self.credential.leaf().to_field()),
            Registry::Consents => Some(self.consent().leaf().to_field()),
            Registry::Records => {
                Some(anchor_leaf(self.record().root(), self.custodian, self.anchored).to_field())
            }
            Registry::Revocations => None,
        }
    }
}
