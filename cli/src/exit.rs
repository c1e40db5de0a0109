//! Exit codes: whose move it is.

use amanat_accel::ChooseError;
use amanat_circuits::Denied;
use amanat_client::OpenError;
use amanat_client::consent::{GrantError, RevokeError};
use amanat_client::governance::GovernanceError;
use amanat_client::holder::IssueError;
use amanat_client::import::{ImportError, NotUnderstood};
use amanat_client::keys::KeysError;
use amanat_client::ledger::AccessError;
use amanat_client::prove::ProofError;
use amanat_client::verify::{NotValid, VerifyError};
use amanat_prover::zkey::ZkeyProveError;
use anyhow::Error;

/// 1: a fault. 2: the command line (clap's), or a backend that is not here. 3: the policy says no.
/// 4: the ledger says no. 5: the proof does not verify. 6: some of an import was not understood.
pub(crate) fn code(error: &Error) -> u8 {
    if error.is::<ChooseError>() {
        2
    } else if denied(error).is_some() {
        3
    } else if matches!(ledger(error), Some(AccessError::Refused(_))) {
        4
    } else if is_not_valid(error) {
        5
    } else if matches!(error.downcast_ref(), Some(NotUnderstood::Some { .. })) {
        6
    } else {
        1
    }
}

/// The proof that was not made or not committed, if that is the error.
pub(crate) fn proof(error: &Error) -> Option<&ProofError> {
    error
        .downcast_ref()
        .or_else(|| error.downcast_ref::<GrantError>().and_then(GrantError::proof))
        .or_else(|| error.downcast_ref::<RevokeError>().and_then(RevokeError::proof))
}

/// The clause that does not hold, if that is the reason.
pub(crate) fn denied(error: &Error) -> Option<&Denied> {
    proof(error).and_then(ProofError::denied).or_else(|| error.downcast_ref())
}

/// What the ledger said, if the ledger is the reason.
fn ledger(error: &Error) -> Option<&AccessError> {
    if let Some(error) = proof(error) {
        return error.ledger();
    }
    error
        .downcast_ref::<AccessError>()
        .or_else(|| error.downcast_ref::<ImportError>().and_then(ImportError::ledger))
        .or_else(|| error.downcast_ref::<KeysError>().and_then(KeysError::ledger))
        .or_else(|| error.downcast_ref::<GovernanceError>().and_then(GovernanceError::ledger))
        .or_else(|| error.downcast_ref::<IssueError>().and_then(IssueError::ledger))
        .or_else(|| error.downcast_ref::<OpenError>().and_then(OpenError::ledger))
}

fn is_not_valid(error: &Error) -> bool {
    error.is::<NotValid>()
        || matches!(error.downcast_ref(), Some(VerifyError::NotValid(_)))
        || matches!(error.downcast_ref(), Some(ZkeyProveError::NotReleased))
}

#[cfg(test)]
mod tests {
    use super::code;
    use amanat_api::problem::Problem;
    use amanat_circuits::Denied;
    use amanat_client::consent::{GrantError, RevokeError};
    use amanat_client::import::{ImportError, Level, NotUnderstood};
    use amanat_client::ledger::AccessError;
    use amanat_client::prove::ProofError;
    use amanat_client::verify::{NotValid, VerifyError};
    use anyhow::Error;

    #[test]
    fn the_exit_code_says_whose_move_it_is() {
        let denied = || ProofError::Denied(Denied { clause: "ACC-1", reason: "no".to_owned() });
        let refused = || AccessError::Refused(Problem::request(409, "x", "no", "wait"));
        let some = NotUnderstood::Some { problems: 1, level: Level::Element };
        for (error, expected) in [
            (Error::new(denied()), 3),
            (Error::new(GrantError::from(denied())), 3),
            (Error::new(ProofError::from(refused())), 4),
            (Error::new(RevokeError::from(ProofError::from(refused()))), 4),
            (Error::new(ImportError::Outbox(refused())).context("more"), 4),
            (Error::new(VerifyError::from(NotValid::because("x"))), 5),
            (Error::new(NotValid::because("x")), 5),
            (Error::new(some), 6),
            (Error::new(NotUnderstood::Nothing), 1),
            (Error::new(ProofError::NoRecord), 1),
            (anyhow::anyhow!("something else"), 1),
        ] {
            assert_eq!(code(&error), expected, "{error:#}");
        }
    }
}
