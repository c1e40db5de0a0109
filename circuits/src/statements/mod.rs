//! The statements: for each a witness, the native check and the constraints, clause by clause in the order of the book.

pub mod access;
pub mod consent;
pub mod grant;
pub mod record;
pub mod revoke;
pub mod role;

use crate::cs::{Cs, Num, Shape};
use crate::public;
use crate::r1cs::R1cs;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::field::Fr;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tree::{NonMembership, Path, RevocationId};
use std::sync::OnceLock;

/// The policy says no: which clause, and why in words. For the prover's own eyes: it may tell what a consent says, so it
/// goes into no service log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{clause}: {reason}")]
pub struct Denied {
    /// Clause id, as in the book.
    pub clause: &'static str,
    /// Why.
    pub reason: String,
}

impl Denied {
    fn because(clause: &'static str, reason: impl Into<String>) -> Self {
        Self { clause, reason: reason.into() }
    }
}

/// A statement's relation: native check and constraints over the same witness, clause by clause.
pub trait Relation {
    /// Which statement.
    const STATEMENT: Statement;

    /// The clauses as plain Rust, in the order of the book.
    ///
    /// # Errors
    /// [`Denied`] with the first clause that does not hold.
    fn check(&self, public: &PublicVector) -> Result<(), Denied>;

    /// The same clauses as constraints, in the same order.
    fn constrain(&self, cs: &mut Cs);

    /// The slots `nf_0, nf_1, out_0, out_1` an honest prover publishes.
    fn outputs(&self, ctx: Fr) -> [Fr; 4];

    /// The assignment for a public vector. It holds the witness: the caller zeroizes it.
    fn assign(&self, public: &PublicVector) -> Vec<Fr> {
        let mut cs = Cs::witness(&public.to_field_elements());
        self.constrain(&mut cs);
        cs.into_assignment()
    }
}

/// The circuit of a statement, built on first use and kept.
#[must_use]
pub fn circuit(statement: Statement) -> &'static R1cs {
    &built(statement).0
}

/// The circuit with the labels of its rows, built on first use and kept.
#[must_use]
pub fn built(statement: Statement) -> &'static (R1cs, Shape) {
    static BUILT: [OnceLock<(R1cs, Shape)>; 6] = [const { OnceLock::new() }; 6];
    let slot = Statement::ALL.iter().position(|s| *s == statement).expect("ALL is complete");
    BUILT[slot].get_or_init(|| {
        let mut cs = Cs::shape(&[Fr::from(0u64); 8]);
        match statement {
            Statement::Grant => grant::GrantWitness::blank().constrain(&mut cs),
            Statement::Revoke => revoke::RevokeWitness::blank().constrain(&mut cs),
            Statement::Consent => consent::ConsentWitness::blank().constrain(&mut cs),
            Statement::Role => role::RoleWitness::blank().constrain(&mut cs),
            Statement::Record => record::RecordWitness::blank().constrain(&mut cs),
            Statement::Access => access::AccessWitness::blank().constrain(&mut cs),
        }
        cs.into_shape()
    })
}

/// Opening of the bundle: clause 1 of every statement.
fn check_bundle(clause: &'static str, bundle: &Bundle, public: &PublicVector) -> Result<(), Denied> {
    if bundle.epoch != public.epoch {
        return Err(Denied::because(
            clause,
            format!("the bundle is of epoch {}, the statement of epoch {}", bundle.epoch, public.epoch),
        ));
    }
    if bundle.hash().to_field() != public.bundle {
        return Err(Denied::because(clause, "the roots and counts do not hash to this epoch's bundle"));
    }
    Ok(())
}

fn check_member(
    clause: &'static str,
    bundle: &Bundle,
    registry: Registry,
    leaf: Fr,
    path: &Path,
) -> Result<(), Denied> {
    if path.root(leaf) == bundle.registry(registry).root {
        Ok(())
    } else {
        Err(Denied::because(
            clause,
            format!("not in the registry `{}` as of epoch {}", registry.name(), bundle.epoch),
        ))
    }
}

fn check_absent(
    clause: &'static str,
    bundle: &Bundle,
    id: Fr,
    witness: &NonMembership,
    what: &str,
) -> Result<(), Denied> {
    let root = bundle.registry(Registry::Revocations).root;
    match RevocationId::new(id) {
        Some(id) if witness.verify(root, id) => Ok(()),
        _ => Err(Denied::because(clause, format!("{what} as of epoch {}", bundle.epoch))),
    }
}

fn check_slot(clause: &'static str, got: Fr, want: Fr, what: &str) -> Result<(), Denied> {
    if got == want {
        Ok(())
    } else {
        Err(Denied::because(clause, format!("{what} is not the one published")))
    }
}

/// Slots that a statement does not use are zero.
fn check_unused(clause: &'static str, public: &PublicVector, slots: &[usize]) -> Result<(), Denied> {
    let all = public.to_field_elements();
    if slots.iter().all(|s| all[*s] == Fr::from(0u64)) {
        Ok(())
    } else {
        Err(Denied::because(clause, "an unused slot of the public vector is not zero"))
    }
}

fn constrain_unused(cs: &mut Cs, slots: &[usize]) {
    for slot in slots {
        cs.bind_public(*slot, &Num::zero());
    }
}

/// `ctx` enters a row of its own, also where no hash of the statement takes it: a public input in no row could be changed
/// in a finished proof.
fn constrain_ctx(cs: &mut Cs) {
    cs.gadget("context", |cs| {
        let ctx = cs.public(public::CTX);
        let _square = cs.mul(&ctx, &ctx);
    });
}

/// Small deterministic secrets for the blank witnesses that give a circuit its shape.
pub(crate) mod blank {
    use amanat_domain::bundle::{Bundle, RegistryState};
    use amanat_domain::consent::{
        Actions, Categories, Confidentiality, ConsentTerms, Effect, GrantedConsent, HolderKey, Jurisdictions,
        OrgId, Purposes, RoleCode, UseLimit,
    };
    use amanat_domain::field::Fr;
    use amanat_domain::identity::{PatientWallet, RoleCredential};
    use amanat_domain::policy::{Recipient, RolePolicy, Scope};
    use amanat_domain::secret::Secret;
    use amanat_domain::time::{Period, Timestamp};
    use amanat_domain::tree::{DEPTH, NonMembership, Path, Root};

    pub(crate) fn secret() -> Secret {
        Secret::new(Fr::from(1u64))
    }

    pub(crate) fn wallet() -> PatientWallet {
        PatientWallet::from_secrets(secret(), secret())
    }

    pub(crate) fn bundle() -> Bundle {
        let empty = RegistryState { root: Root::new(Fr::from(0u64)), count: 0 };
        Bundle { epoch: 0, time: Timestamp::MIN, registries: [empty; 5] }
    }

    pub(crate) fn path() -> Path {
        Path { index: 0, siblings: [[Fr::from(0u64); 3]; DEPTH] }
    }

    pub(crate) fn absence() -> NonMembership {
        NonMembership { low_value: Fr::from(0u64), low_next: Fr::from(0u64), path: path() }
    }

    pub(crate) fn granted() -> GrantedConsent {
        let terms = ConsentTerms::new(Vec::new(), Effect::Deny, String::new()).expect("no rules");
        let subject = wallet().subject().commitment();
        (1u64..)
            .find_map(|n| {
                let nonce = Secret::new(Fr::from(n));
                GrantedConsent::from_parts(terms.clone(), subject, UseLimit::UNLIMITED, nonce, secret())
            })
            .expect("one nonce in six has a revocation id")
    }

    pub(crate) fn scope() -> Scope {
        Scope {
            purposes: Purposes::NONE,
            actions: Actions::NONE,
            categories: Categories::NONE,
            jurisdictions: Jurisdictions::NONE,
            confidentiality: Confidentiality::Low,
        }
    }

    pub(crate) fn recipient() -> Recipient {
        let zero = Fr::from(0u64);
        Recipient { organisation: OrgId::new(zero), role: RoleCode::new(zero), holder: HolderKey::new(zero) }
    }

    pub(crate) fn credential() -> RoleCredential {
        let Recipient { organisation, role, holder } = recipient();
        RoleCredential { holder, role, organisation, licence: Period::ALWAYS, salt: secret() }
    }

    pub(crate) fn role_policy() -> RolePolicy {
        let Recipient { organisation, role, .. } = recipient();
        RolePolicy::new(vec![role], vec![organisation]).expect("one of each")
    }
}
