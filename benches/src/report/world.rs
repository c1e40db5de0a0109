//! One patient, one clinician, one consent, one record; registries of any size that hold them; a
//! witness for every statement about them.

use super::Outcome;
use amanat_circuits::statements::access::{AccessWitness, RecordOpening};
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::{Denied, Relation};
use amanat_domain::bundle::{Bundle, PerRegistry, Registry, RegistryKind, RegistryState};
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, GrantedConsent, Grantee, Jurisdictions,
    Level, OrgId, Purposes, RoleCode, Rule, UseLimit,
};
use amanat_domain::field::{self, Fr};
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential, Subject};
use amanat_domain::mirror::Leaves;
use amanat_domain::policy::{AccessPolicy, ConsentRequest, Recipient, RecordRequest, RolePolicy, Scope};
use amanat_domain::record::{Record, RecordFields, ResourceType, anchor_leaf};
use amanat_domain::secret::Secret;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{IndexedLeaf, IndexedTree, Path, RegistryTree, RevocationId, Tree};
use amanat_domain::tx::{ChainId, Context, KeyDigest, PolicyField, Transaction};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::{AnyPlan, Keys};
use amanat_prover::plan::{Plan, Target};
use rand::CryptoRng;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

/// The hospital of the world: anchors the record, issues the credential.
pub const HOSPITAL: &str = "Organization/hospital";
/// Unix time of the world: 2026-11-15.
pub const START: i64 = 1_794_700_800;

/// A generator with a fixed seed: every run measures the same thing.
#[must_use]
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The people and things that the statements are about.
pub struct World {
    wallet: [Secret; 2],
    holder: Secret,
    terms: ConsentTerms,
    scope: Scope,
    /// The consent that consent and access proofs use. Its uses are not limited.
    pub consent: GrantedConsent,
    /// The clinician's credential.
    pub credential: RoleCredential,
    /// The record.
    pub record: Record,
    /// In which epoch the record is anchored.
    pub anchored: u64,
}

/// The registries as of one bundle. Registries of equal content share their tree.
pub struct Registries {
    /// What commits to them.
    pub bundle: Bundle,
    trees: PerRegistry<Arc<RegistryTree>>,
}

/// The witness of one statement.
#[allow(clippy::large_enum_variant, reason = "a handful live at a time")]
#[allow(missing_docs, reason = "named as the statements")]
pub enum Witness {
    Grant(GrantWitness),
    Revoke(RevokeWitness),
    Consent(ConsentWitness),
    Role(RoleWitness),
    Record(RecordWitness),
    Access(AccessWitness),
}

macro_rules! each {
    ($witness:expr, $w:ident => $value:expr) => {
        match $witness {
            Witness::Grant($w) => $value,
            Witness::Revoke($w) => $value,
            Witness::Consent($w) => $value,
            Witness::Role($w) => $value,
            Witness::Record($w) => $value,
            Witness::Access($w) => $value,
        }
    };
}

impl World {
    /// Draws all secrets.
    ///
    /// # Errors
    /// None is expected: the terms are well formed.
    pub fn new(rng: &mut impl CryptoRng) -> Outcome<Self> {
        let now = start()?;
        let hospital = OrgId::from_reference(HOSPITAL);
        let role = RoleCode::from_coding("http://snomed.info/sct", "309343006");
        let wallet = [Secret::random(rng), Secret::random(rng)];
        let subject = wallet_of(&wallet).subject();
        let scope = Scope {
            purposes: Purposes::TREAT,
            actions: Actions::ACCESS,
            categories: Categories::LABS,
            jurisdictions: Jurisdictions::PK_PUNJAB,
            confidentiality: Confidentiality::Normal,
        };
        let permit = Rule {
            effect: Effect::Permit,
            level: Level::Root,
            grantee: Grantee::Role(role),
            purposes: Purposes::TREAT.union(Purposes::ETREAT),
            actions: Actions::ALL,
            categories: Categories::LABS.union(Categories::VITALS),
            jurisdictions: Jurisdictions::ALL,
            confidentiality: Confidentiality::Normal,
            validity: Period::ALWAYS,
            data_period: Period::ALWAYS,
        };
        let terms = ConsentTerms::new(vec![permit], Effect::Deny, "https://example.org/policy".to_owned())?;
        let consent = GrantedConsent::new(terms.clone(), subject.commitment(), UseLimit::UNLIMITED, rng);
        let holder = Secret::random(rng);
        let credential = RoleCredential {
            holder: HolderSecret::from_secret(holder.clone()).key(),
            role,
            organisation: hospital,
            licence: Period::ALWAYS,
            salt: Secret::random(rng),
        };
        let record = Record::commit(&fields(now), &subject, "vault/1", rng);
        Ok(Self { wallet, holder, terms, scope, consent, credential, record, anchored: 0 })
    }

    /// The patient.
    #[must_use]
    pub fn subject(&self) -> Subject {
        wallet_of(&self.wallet).subject()
    }

    /// Another consent of the same patient.
    pub fn another_consent(&self, rng: &mut impl CryptoRng) -> GrantedConsent {
        GrantedConsent::new(self.terms.clone(), self.subject().commitment(), UseLimit::UNLIMITED, rng)
    }

    /// The leaf of the anchored record.
    #[must_use]
    pub fn anchor(&self) -> Fr {
        anchor_leaf(self.record.root(), OrgId::from_reference(HOSPITAL), self.anchored).to_field()
    }

    /// A witness for a statement. Grant and revoke are about `consent`, the others about the
    /// world's own.
    ///
    /// # Errors
    /// If the registries do not hold what the statement is about.
    pub fn witness(
        &self,
        statement: Statement,
        registries: &Registries,
        consent: &GrantedConsent,
        rng: &mut impl CryptoRng,
    ) -> Outcome<Witness> {
        let bundle = registries.bundle;
        let subject = self.subject();
        let wallet = wallet_of(&self.wallet);
        let holder = HolderSecret::from_secret(self.holder.clone());
        let credential = self.credential.clone();
        let custodian = OrgId::from_reference(HOSPITAL);
        let consent_leaf = |consent: &GrantedConsent| consent.leaf().to_field();
        let path = |registry, leaf| registries.path(registry, leaf);
        let roles = RolePolicy::new(vec![credential.role], vec![credential.organisation])?;
        let mut bytes = [0; 8];
        rng.fill_bytes(&mut bytes);
        let use_index = u64::from_le_bytes(bytes);
        Ok(match statement {
            Statement::Grant => Witness::Grant(GrantWitness {
                bundle,
                wallet,
                subject_path: path(Registry::Subjects, subject.commitment().to_field())?,
                consent: consent.clone(),
            }),
            Statement::Revoke => Witness::Revoke(RevokeWitness {
                bundle,
                wallet,
                consent: consent.clone(),
                consent_path: path(Registry::Consents, consent_leaf(consent))?,
            }),
            Statement::Consent => Witness::Consent(ConsentWitness {
                bundle,
                subject,
                consent: self.consent.clone(),
                consent_path: path(Registry::Consents, consent_leaf(&self.consent))?,
                unrevoked: registries.absence(self.consent.revocation_id())?,
                request: ConsentRequest {
                    scope: self.scope,
                    data_period: Period::at(bundle.time),
                    recipient: Recipient {
                        organisation: credential.organisation,
                        role: credential.role,
                        holder: credential.holder,
                    },
                    salt: field::random(rng),
                },
                use_index,
            }),
            Statement::Role => Witness::Role(RoleWitness {
                bundle,
                holder,
                role_path: path(Registry::Roles, credential.leaf().to_field())?,
                credential,
                policy: roles,
            }),
            Statement::Record => Witness::Record(RecordWitness {
                bundle,
                subject,
                record: self.record.clone(),
                custodian,
                anchored: self.anchored,
                record_path: path(Registry::Records, self.anchor())?,
                current: registries.absence(self.record.supersession_id())?,
                request: RecordRequest {
                    resource_type: Some(ResourceType::Observation as u64),
                    code: None,
                    unit: None,
                    status: None,
                    value: None,
                    period: Period::ALWAYS,
                    custodian: Some(custodian),
                    anchored_by: bundle.epoch,
                    latest: true,
                    disclosed: 1 << 4,
                    salt: field::random(rng),
                },
            }),
            Statement::Access => Witness::Access(AccessWitness {
                bundle,
                subject,
                consent: self.consent.clone(),
                consent_path: path(Registry::Consents, consent_leaf(&self.consent))?,
                unrevoked: registries.absence(self.consent.revocation_id())?,
                use_index,
                holder,
                role_path: path(Registry::Roles, credential.leaf().to_field())?,
                credential,
                record: RecordOpening::new(&self.record),
                custodian,
                anchored: self.anchored,
                record_path: path(Registry::Records, self.anchor())?,
                policy: AccessPolicy { scope: self.scope, roles },
            }),
        })
    }

    /// A plan for a statement on a ledger.
    ///
    /// # Errors
    /// As [`World::witness`]; a statement that does not hold.
    pub fn plan(
        &self,
        statement: Statement,
        registries: &Registries,
        consent: &GrantedConsent,
        to: (ChainId, &Keys),
        rng: &mut impl CryptoRng,
    ) -> Outcome<Box<dyn AnyPlan>> {
        self.plan_as(statement, registries, consent, to, None, rng)
    }

    /// [`World::plan`] with the audience's nonce. From the same generator two nonces give two
    /// proofs of one use.
    ///
    /// # Errors
    /// As [`World::plan`].
    pub fn plan_as(
        &self,
        statement: Statement,
        registries: &Registries,
        consent: &GrantedConsent,
        to: (ChainId, &Keys),
        nonce: Option<[u8; 32]>,
        rng: &mut impl CryptoRng,
    ) -> Outcome<Box<dyn AnyPlan>> {
        let target = Target { chain: to.0, key: digest(to.1, statement)?, audience: [9; 32], nonce };
        let witness = self.witness(statement, registries, consent, rng)?;
        Ok(witness.plan(&target, &registries.bundle, rng)?)
    }

    /// A proof of a statement over registries of no ledger, by all threads.
    ///
    /// # Errors
    /// As [`World::plan`]; if the prover fails.
    pub fn prove(
        &self,
        statement: Statement,
        registries: &Registries,
        keys: &Keys,
        rng: &mut impl CryptoRng,
    ) -> Outcome<Transaction> {
        let plan = self.plan(statement, registries, &self.consent, (NO_CHAIN, keys), rng)?;
        Ok(plan.prove_any(keys, &no_progress)?)
    }
}

/// The ledger of proofs that are for none.
pub const NO_CHAIN: ChainId = ChainId([7; 32]);

/// Digest of a statement's verifying key.
///
/// # Errors
/// If there is no such key.
pub fn digest(keys: &Keys, statement: Statement) -> Outcome<KeyDigest> {
    Ok(keys.get(statement).ok_or("a key is missing")?.digest())
}

/// The world's beginning.
///
/// # Errors
/// None is expected.
pub fn start() -> Outcome<Timestamp> {
    Ok(Timestamp::from_unix(START).ok_or("a time")?)
}

impl Registries {
    /// Over the leaves of a ledger.
    ///
    /// # Errors
    /// If the leaves are no registries.
    pub fn of(bundle: Bundle, leaves: Leaves) -> Outcome<Self> {
        Ok(Self { bundle, trees: leaves.into_trees()?.map(|_, tree| Arc::new(tree)) })
    }

    /// Registries of `tree`'s size, all over the same leaves: the given leaves, with the fixture's
    /// own among them.
    ///
    /// # Errors
    /// If there are too few leaves.
    pub fn over(world: &World, mut tree: Tree, revocations: IndexedTree) -> Outcome<Self> {
        let own = [
            world.subject().commitment().to_field(),
            world.credential.leaf().to_field(),
            world.consent.leaf().to_field(),
            world.anchor(),
        ];
        // Spread over the tree, so that the paths differ.
        let step = tree.len() / own.len() as u64;
        for (i, leaf) in (0u64..).zip(own) {
            tree.set(u32::try_from(i * step + step / 2)?, leaf)?;
        }
        let (dense, indexed) = (RegistryTree::Dense(tree), RegistryTree::Indexed(revocations));
        let (dense, indexed) = (Arc::new(dense), Arc::new(indexed));
        let trees = PerRegistry::from_fn(|registry| match registry.kind() {
            RegistryKind::Dense => dense.clone(),
            RegistryKind::Indexed => indexed.clone(),
        });
        let registries =
            PerRegistry::from_fn(|r| RegistryState { root: trees[r].root(), count: trees[r].len() });
        let bundle = Bundle { epoch: world.anchored + 1, time: start()?, registries };
        Ok(Self { bundle, trees })
    }

    /// Small ones.
    ///
    /// # Errors
    /// None is expected.
    pub fn small(world: &World) -> Outcome<Self> {
        let mut rng = rng(16);
        Self::over(world, Tree::from_leaves(&random_leaves(16, &mut rng))?, IndexedTree::new())
    }

    fn path(&self, registry: Registry, leaf: Fr) -> Outcome<Path> {
        let tree = self.trees[registry].tree();
        let index =
            tree.leaves().iter().rposition(|l| *l == leaf).ok_or("the leaf is not in the registry")?;
        Ok(tree.path(u32::try_from(index)?).ok_or("a leaf of the tree has a path")?)
    }

    fn absence(&self, id: RevocationId) -> Outcome<amanat_domain::tree::NonMembership> {
        let revocations = self.trees[Registry::Revocations].indexed().ok_or("revocations are indexed")?;
        Ok(revocations.non_membership(id).ok_or("the id is in the registry")?)
    }
}

/// Random leaves, of no use but to fill a tree.
pub fn random_leaves(n: usize, rng: &mut impl CryptoRng) -> Vec<Fr> {
    (0..n).map(|_| field::random(rng)).collect()
}

/// A set of `n - 1` random revocation ids: `n` leaves.
///
/// # Errors
/// None is expected.
pub fn random_revocations(n: usize, rng: &mut impl CryptoRng) -> Outcome<IndexedTree> {
    let mut values = Vec::with_capacity(n - 1);
    while values.len() < n - 1 {
        values.extend(RevocationId::new(field::random(rng)).map(RevocationId::to_field));
    }
    values.sort_unstable();
    values.dedup();
    let mut leaves = vec![IndexedLeaf::initial()];
    for value in values {
        let last = leaves.last_mut().ok_or("never empty")?;
        let next = core::mem::replace(&mut last.next, value);
        leaves.push(IndexedLeaf { value, next });
    }
    Ok(IndexedTree::from_leaves(leaves)?)
}

impl Witness {
    /// The policy a transaction with this witness carries.
    #[must_use]
    pub fn policy(&self) -> PolicyField {
        match self {
            Self::Grant(_) | Self::Revoke(_) => PolicyField::None,
            Self::Consent(w) => PolicyField::Sealed(w.request.policy_hash()),
            Self::Record(w) => PolicyField::Sealed(w.request.policy_hash()),
            Self::Role(w) => PolicyField::Role(w.policy.clone()),
            Self::Access(w) => PolicyField::Access(w.policy.clone()),
        }
    }

    fn bundle(&self) -> &Bundle {
        each!(self, w => &w.bundle)
    }

    fn statement(&self) -> Statement {
        fn of<R: Relation>(_: &R) -> Statement {
            R::STATEMENT
        }
        each!(self, w => of(w))
    }

    /// The public vector of this witness for no ledger and no key.
    #[must_use]
    pub fn public(&self) -> PublicVector {
        let (bundle, policy) = (self.bundle(), self.policy());
        let context = Context {
            chain: NO_CHAIN,
            statement: self.statement(),
            key: KeyDigest([1; 32]),
            epoch: bundle.epoch,
            audience: [9; 32],
            nonce: [3; 32],
            policy: policy.clone(),
        };
        let ctx = context.ctx();
        let [nf_0, nf_1, out_0, out_1] = each!(self, w => w.outputs(ctx));
        PublicVector {
            ctx,
            bundle: bundle.hash().to_field(),
            epoch: bundle.epoch,
            policy: policy.hash(),
            nf: [nf_0, nf_1],
            out: [out_0, out_1],
        }
    }

    /// The native check.
    ///
    /// # Errors
    /// The clause that does not hold.
    pub fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        each!(self, w => w.check(public))
    }

    /// The assignment of the circuit.
    #[must_use]
    pub fn assign(&self, public: &PublicVector) -> Vec<Fr> {
        each!(self, w => w.assign(public))
    }

    fn plan(
        self,
        target: &Target,
        bundle: &Bundle,
        rng: &mut impl CryptoRng,
    ) -> Result<Box<dyn AnyPlan>, Denied> {
        let (policy, epoch, hash) = (self.policy(), bundle.epoch, bundle.hash());
        Ok(each!(self, w => Box::new(Plan::new(target, epoch, hash, policy, w, rng)?)))
    }
}

fn wallet_of([s, u]: &[Secret; 2]) -> PatientWallet {
    PatientWallet::from_secrets(s.clone(), u.clone())
}

/// An observation.
#[must_use]
pub fn fields(now: Timestamp) -> RecordFields {
    RecordFields {
        resource_type: ResourceType::Observation,
        code: None,
        categories: Categories::LABS,
        confidentiality: Confidentiality::Normal,
        time: Period::at(now),
        value: None,
        unit: None,
        amount: None,
        provider: None,
        organisation: None,
        link: None,
        status: Some("final".to_owned()),
        body_digest: [5; 64],
        device: None,
        provenance: None,
    }
}
