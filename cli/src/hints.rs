//! What to do about an error: one line after it.

use crate::exit;
use amanat_client::consent::CompileError;
use amanat_client::prove::ProofError;
use amanat_domain::fhir::consent::{RefusalReason, Refusals};
use amanat_ledger::Fault;
use anyhow::Error;

/// Ends the words of `prover` for what the newest bundle does not have.
const LATER: &str = "appears in the next epoch";

/// What to do about it, if that is known.
pub(crate) fn hint(error: &Error) -> Option<&'static str> {
    if matches!(exit::proof(error), Some(ProofError::TooFew { .. })) {
        return Some(
            "a proof hides among all others of the newest bundle: grant or anchor one more, then amanat ledger wait",
        );
    }
    if exit::denied(error).is_some_and(|denied| denied.reason.ends_with(LATER)) {
        return Some("amanat ledger wait, then the same command again");
    }
    error.chain().find_map(|cause| {
        if let Some(Fault::Locked(_)) = cause.downcast_ref() {
            return Some(
                "if that process is a node, ask it instead: the same command with --node http://127.0.0.1:7420",
            );
        }
        cause.downcast_ref().and_then(CompileError::refusals).and_then(of_refusals)
    })
}

/// What to do about a consent that is refused.
pub(crate) fn of_refusals(refusals: &Refusals) -> Option<&'static str> {
    let unknown = refusals.all().iter().any(|refusal| refusal.reason == RefusalReason::UnknownActor);
    unknown.then_some(
        "make a clinician known with `amanat clinician add Practitioner/ID --organisation ORG --role ROLE` \
         (`amanat clinician list` prints those known); organisations are known by their relative reference, \
         Organization/ID",
    )
}

#[cfg(test)]
mod tests {
    use super::hint;
    use amanat_circuits::Denied;
    use amanat_client::consent::{GrantError, compile, template};
    use amanat_client::prove::ProofError;
    use amanat_domain::bundle::Registry;
    use amanat_domain::fhir::Zones;
    use amanat_ledger::Fault;
    use anyhow::{Error, anyhow};

    #[test]
    fn a_ledger_in_use_an_unknown_actor_and_what_is_not_sealed_yet_have_a_way_out() {
        let locked = Error::new(Fault::Locked("l".into())).context("cannot open the ledger l");
        assert!(hint(&locked).is_some_and(|h| h.contains("--node http://127.0.0.1:7420")));
        let refused = |actor: &str| {
            let json = template("Patient/1", actor, "TREAT", "2099-12-31");
            // A known actor is refused for its scope.
            let scope = if actor.starts_with("Organization/") { "adr" } else { "patient-privacy" };
            let json = json.replace("patient-privacy", scope);
            let source = compile(&json, &[], &[], Zones::ANY).map(|_| ()).expect_err("refused");
            Error::new(GrantError::Refused { file: "c.json".into(), source })
        };
        let unknown = hint(&refused("Practitioner/nobody"));
        assert!(unknown.is_some_and(|h| h.contains("amanat clinician add")));
        assert_eq!(hint(&refused("Organization/a").context("more")), None);
        let denied = |reason: &str| {
            let denied = Denied { clause: "GRA-3", reason: reason.to_owned() };
            Error::new(GrantError::from(ProofError::Denied(denied)))
        };
        let early = denied("not enrolled as of epoch 1; what was submitted since appears in the next epoch");
        assert!(hint(&early).is_some_and(|h| h.contains("amanat ledger wait")));
        let few = ProofError::TooFew { registry: Registry::Consents, got: 1, floor: 2, epoch: 3 };
        let few = Error::new(few);
        assert_eq!(
            few.to_string(),
            "too few to hide among in consents: 1 as of epoch 3, the floor is 2: wait until it has grown"
        );
        assert!(hint(&few).is_some_and(|h| h.contains("one more")));
        assert_eq!(hint(&denied("the consent was used up")), None);
        assert_eq!(hint(&anyhow!("something else")), None);
    }
}
