//! Clauses that several statements share: the native checks, and the constraints on unused slots.

use super::Denied;
use crate::cs::{Cs, Num};
use crate::public;
use amanat_domain::bundle::Bundle;
use amanat_domain::field::Fr;
use amanat_domain::registry::Registry;
use amanat_domain::statement::PublicVector;
use amanat_domain::tree::{NonMembership, Path, RevocationId};

/// Opening of the bundle: clause 1 of every statement.
pub(super) fn check_bundle(
    clause: &'static str,
    bundle: &Bundle,
    public: &PublicVector,
) -> Result<(), Denied> {
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

pub(super) fn check_member(
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

pub(super) fn check_absent(
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

pub(super) fn check_slot(clause: &'static str, got: Fr, want: Fr, what: &str) -> Result<(), Denied> {
    if got == want {
        Ok(())
    } else {
        Err(Denied::because(clause, format!("{what} is not the one published")))
    }
}

/// Slots that a statement does not use are zero.
pub(super) fn check_unused(
    clause: &'static str,
    public: &PublicVector,
    slots: &[usize],
) -> Result<(), Denied> {
    let all = public.to_field_elements();
    if slots.iter().all(|s| all[*s] == Fr::from(0u64)) {
        Ok(())
    } else {
        Err(Denied::because(clause, "an unused slot of the public vector is not zero"))
    }
}

pub(super) fn constrain_unused(cs: &mut Cs, slots: &[usize]) {
    for slot in slots {
        cs.bind_public(*slot, &Num::zero());
    }
}

/// `ctx` enters a separate row if no hash of the statement takes it: a public input in no row could
/// be changed in a finished proof.
pub(super) fn constrain_ctx(cs: &mut Cs) {
    cs.gadget("context", |cs| {
        let ctx = cs.public(public::CTX);
        let _square = cs.mul(&ctx, &ctx);
    });
}
