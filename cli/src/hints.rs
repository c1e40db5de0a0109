//! What to do about an error: one line after it.

use amanat_circuits::Denied;
use amanat_domain::fhir::consent::{RefusalReason, Refusals};
use amanat_ledger::Fault;
use anyhow::Error;

/// Ends the words of `prover` for what the newest bundle does not have.
const LATER: &str = "appears in the next epoch";

/// Begins the words of a session for a registry below the ledger's floor.
const TOO_FEW: &str = "too few to hide among in ";

/// What to do about it, where that is known.
pub(crate) fn hint(error: &Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        if let Some(Fault::Locked(_)) = cause.downcast_ref() {
            return Some(
                "if that process is a node, ask it instead: the same command with --node http://127.0.0.1:7420",
            );
        }
        if let Some(refusals) = cause.downcast_ref::<Refusals>()
            && refusals.all().iter().any(|refusal| refusal.reason == RefusalReason::UnknownActor)
        {
            return Some(
                "make a clinician known with `amanat clinician add Practitioner/ID --organisation ORG --role ROLE` \
                 (`amanat clinician list` prints those known); organisations are known by their relative reference, \
                 Organization/ID",
            );
        }
        if cause.to_string().starts_with(TOO_FEW) {
            return Some(
                "a proof hides among all others of the newest bundle: grant or anchor one more, then amanat ledger wait",
            );
        }
        let denied = cause.downcast_ref::<Denied>()?;
        denied.reason.ends_with(LATER).then_some("amanat ledger wait, then the same command again")
    })
}

#[cfg(test)]
mod tests {
    use super::hint;
    use amanat_domain::fhir::Zones;
    use amanat_ledger::Fault;
    use anyhow::{Error, anyhow};
    use std::collections::BTreeMap;

    #[test]
    fn a_ledger_in_use_an_unknown_actor_and_what_is_not_sealed_yet_have_a_way_out() {
        let locked = Error::new(Fault::Locked("l".into())).context("cannot open the ledger l");
        assert!(hint(&locked).is_some_and(|h| h.contains("--node http://127.0.0.1:7420")));
        let refused = |actor: &str| {
            let source = crate::consent::template("Patient/1", actor, "TREAT", "2099-12-31");
            // A known actor is refused for its scope.
            let scope = if actor.starts_with("Organization/") { "adr" } else { "patient-privacy" };
            let source = source.replace("patient-privacy", scope);
            let compiled = crate::consent::compile(&source, &BTreeMap::new(), Zones::ANY);
            compiled.map(|_| ()).expect_err("refused").context("the file is refused")
        };
        let unknown = hint(&refused("Practitioner/nobody"));
        assert!(unknown.is_some_and(|h| h.contains("amanat clinician add")));
        assert_eq!(hint(&refused("Organization/a").context("more")), None);
        let denied =
            |reason: &str| Error::new(amanat_circuits::Denied { clause: "GRA-3", reason: reason.to_owned() });
        let early = denied("not enrolled as of epoch 1; what was submitted since appears in the next epoch");
        assert!(hint(&early).is_some_and(|h| h.contains("amanat ledger wait")));
        let few = anyhow!("too few to hide among in consents: 1 as of epoch 3, the floor is 2");
        assert!(hint(&few).is_some_and(|h| h.contains("one more")));
        assert_eq!(hint(&denied("the consent was used up")), None);
        assert_eq!(hint(&anyhow!("something else")), None);
    }
}
