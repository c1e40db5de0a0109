//! Each refusal of the ledger: its code, the values that disagree, and the next step.

use super::{Kind, Problem};
use amanat_domain::wire::WireError;
use amanat_ledger::{Conflict, Fault, Reject, Unfit};
use amanat_verifier::TxReject;

const REMAKE: &str =
    "encode the transaction again with this version of the software; these bytes will never pass";
const MIRROR: &str = "fetch the newest bundle and its leaves, then prove again";
const MEMBERS: &str = "check the organisation's reference and key against the members (GET /v1/governance)";
const KEYS: &str = "list the installed keys (GET /v1/keys) and prove under one that is active";
const PROPOSALS: &str = "list the open proposals (GET /v1/governance)";
const VECTORS: &str = "make the key's test vectors again and sign a new transaction";

pub(super) fn reject(reject: &Reject) -> Problem {
    let say = |code, next| Problem::new(Kind::Reject, 400, code, reject, next);
    match reject {
        Reject::TooLarge { most, got } => {
            let next = "split the batch into several transactions";
            let problem = Problem::new(Kind::Reject, 413, "too_large", reject, next);
            problem.disagree(format!("at most {most} bytes"), format!("{got} bytes"))
        }
        Reject::Encoding(wire) => encoding(wire, reject),
        Reject::ForeignChain { expected, got } => say(
            "foreign_chain",
            "make the transaction for this node's chain, or send it to a node of its chain",
        )
        .disagree(expected, got),
        Reject::UnknownKey { .. } => say("unknown_key", KEYS),
        Reject::UnknownEpoch { newest, got } => {
            say("unknown_epoch", MIRROR).disagree(format!("at most {newest}"), got)
        }
        Reject::WrongBundle { expected, got, .. } => say("wrong_bundle", MIRROR).disagree(expected, got),
        Reject::Evidence(evidence) => match evidence {
            TxReject::UnknownKey { .. } => say("unknown_key", KEYS),
            TxReject::UnknownOrganisation(_) => say("unknown_organisation", MEMBERS),
            TxReject::Signature(_) => say(
                "bad_signature",
                "sign the transaction with the key that the ledger has for this organisation (GET /v1/governance)",
            ),
            TxReject::Encoding(_) => say("proof_encoding", "prove again; these bytes are not a proof"),
            TxReject::Proof(_) => say(
                "proof_invalid",
                "prove again for exactly this transaction: a changed field needs a new proof",
            ),
        },
        Reject::UnknownOrganisation(_) => say("unknown_organisation", MEMBERS),
        Reject::NotEntitled { .. } => {
            say("not_entitled", "have it signed by an organisation with this capability (GET /v1/governance)")
        }
        Reject::EmptyLeaf(_) => say("empty_leaf", "leave the zero entry out and sign again"),
        Reject::Repeated(_) => say("repeated_entry", "name each entry once and sign again"),
        Reject::NotARevocationId => say(
            "not_a_revocation_id",
            "take the id from the consent or the record: both are made so that theirs is one",
        ),
        Reject::NoSuchCredential { index, len } => {
            say("no_such_credential", "take the index from the receipt of the issuing transaction")
                .disagree(format!("below {len}"), index)
        }
        Reject::NotTheIssuer { .. } => say(
            "not_the_issuer",
            "have it signed by the organisation that issued the credential; if that is no longer a member, by a governing organisation",
        ),
        Reject::Key(_) => say("bad_key", "install a key file that `amanat keys check` accepts"),
        Reject::KeyVersion { expected, got, .. } => {
            say("key_version", "install a key of this version of the circuit").disagree(expected, got)
        }
        Reject::InsecureKey => say("insecure_key", "install a key that a ceremony made"),
        Reject::PositiveVector(_) => say("positive_vector", VECTORS),
        Reject::NegativeEncoding(_) => say("negative_encoding", VECTORS),
        Reject::NegativeVector => say("negative_vector", "do not use this key: it accepts a false statement"),
    }
}

fn encoding(wire: &WireError, reject: &Reject) -> Problem {
    let code = match wire {
        WireError::Truncated { .. } => "truncated",
        WireError::Trailing(_) => "trailing_bytes",
        WireError::NotCanonical(_) => "not_canonical",
        WireError::Unknown { what: "transaction version", .. } => "unknown_version",
        WireError::Unknown { .. } => "unknown_value",
        WireError::Length { .. } => "bad_length",
        WireError::Invalid(_) => "invalid_value",
    };
    let problem = Problem::new(Kind::Reject, 400, code, reject, REMAKE);
    match wire {
        WireError::Unknown { what: "transaction version", got } => {
            problem.disagree(amanat_domain::tx::TX_VERSION, got)
        }
        WireError::Length { got, least, most, .. } => problem.disagree(format!("{least} to {most}"), got),
        _ => problem,
    }
}

pub(super) fn conflict(conflict: &Conflict) -> Problem {
    let say = |code, next| Problem::new(Kind::Conflict, 409, code, conflict, next);
    match conflict {
        Conflict::AlreadyCommitted { .. } => {
            say("already_committed", "nothing to do: ask for its receipt (GET /v1/receipts/{txid})")
        }
        Conflict::ContextUsed { .. } => say("context_used", "prove again with a fresh request nonce"),
        Conflict::NullifierSpent { .. } => {
            say("nullifier_spent", "use the consent's next use, or ask the patient for a new consent")
        }
        Conflict::AlreadyRevoked { .. } => say("already_revoked", "nothing to do: the revocation stands"),
        Conflict::AlreadyEnrolled { .. } => {
            say("already_enrolled", "leave out the subjects that are enrolled and sign again")
        }
        Conflict::AlreadyIssued { .. } => say("already_issued", "nothing to do: the credential is active"),
        Conflict::AlreadyRetired { .. } => say("already_retired", "nothing to do: the credential is retired"),
        Conflict::StaleEpoch { superseded, window, now, .. } => {
            let last = superseded.saturating_add(u64::from(*window)).saturating_sub(1);
            say("stale_epoch", MIRROR).disagree(format!("accepted up to epoch {last}"), format!("epoch {now}"))
        }
        Conflict::AgedBundle { epoch, window, now, .. } => {
            let last = epoch.saturating_add(u64::from(*window));
            say("aged_bundle", MIRROR).disagree(format!("accepted up to epoch {last}"), format!("epoch {now}"))
        }
        Conflict::BelowFloor { floor, got, .. } => say(
            "below_floor",
            "wait until the registry has grown and a new epoch has sealed it: a proof now would say who it is about",
        )
        .disagree(format!("at least {floor}"), got),
        Conflict::KeyNotActive { active_from, height, .. } => {
            say("key_not_active", "submit again once the key is active, or prove under another")
                .disagree(format!("block {active_from} or later"), format!("block {height}"))
        }
        Conflict::KeyFrozen { .. } => say("key_frozen", KEYS),
        Conflict::KeySunset { .. } => say("key_sunset", KEYS),
        Conflict::KeyPresent { .. } => say("key_present", "nothing to do: the key is installed"),
        Conflict::NoSuchKey { .. } => say("no_such_key", "list the installed keys (GET /v1/keys)"),
        Conflict::NeedsQuorum { needed } => {
            say("needs_quorum", "propose the key (`amanat governance propose install-key`) and let others approve it")
                .disagree(format!("{needed} approvals"), 1)
        }
        Conflict::NoSuchProposal { .. } => say("no_such_proposal", PROPOSALS),
        Conflict::ProposalEnacted { .. } => say("proposal_enacted", "nothing to do: the change is made"),
        Conflict::ProposalExpired { expires, now, .. } => {
            say("proposal_expired", "propose the change again")
                .disagree(format!("before epoch {expires}"), format!("epoch {now}"))
        }
        Conflict::AlreadyApproved { .. } => {
            say("already_approved", "nothing to do: the approval stands; other governing organisations must approve")
        }
        Conflict::ProposalsOpen { open, .. } => {
            say("proposals_open", "wait until one of them is approved or expires").disagree(format!("below {open}"), open)
        }
        Conflict::Unfit(reason) => unfit(reason, conflict),
        Conflict::RegistryFull { .. } => say("registry_full", "this ledger takes no more of these: tell its operators"),
        Conflict::Pending { .. } => {
            say("pending", "wait for the receipt of the other transaction; this one will then be refused")
        }
        Conflict::PoolFull { .. } => {
            let next = "try again in a moment; nothing was done";
            Problem::new(Kind::Busy, 503, "pool_full", conflict, next)
        }
        Conflict::PoolQuota { .. } => {
            let next = "wait for the receipts of those that wait, then send the same bytes again; nothing was done";
            Problem::new(Kind::Busy, 429, "pool_quota", conflict, next)
        }
    }
}

fn unfit(reason: &Unfit, conflict: &Conflict) -> Problem {
    const LIST: &str = "list members and validators (GET /v1/governance) and propose what fits";
    const FULL: &str = "remove one that is not needed first";
    let (code, next) = match reason {
        Unfit::Member { .. } => ("member_already", "change its capabilities or its key instead"),
        Unfit::NoMember(_) => ("no_such_member", LIST),
        Unfit::MembersFull { .. } => ("members_full", FULL),
        Unfit::KeyTaken { .. } => ("key_taken", "propose a key that no other organisation or validator has"),
        Unfit::LastGovernor => ("last_governor", "let another organisation govern first"),
        Unfit::RunsValidator { .. } => {
            ("runs_validator", "remove its validators; two blocks later it can be removed")
        }
        Unfit::SameCapabilities { .. } => ("same_capabilities", "nothing to do: it has them"),
        Unfit::NoValidators => ("no_validators", "begin a ledger whose genesis names validators"),
        Unfit::NoValidator(_) => ("no_such_validator", LIST),
        Unfit::LastValidator => ("last_validator", "add another validator first"),
        Unfit::ValidatorsFull { .. } => ("validators_full", FULL),
    };
    Problem::new(Kind::Conflict, 409, code, conflict, next)
}

pub(super) fn fault(fault: &Fault) -> Problem {
    let say = |status, code, next| Problem::new(Kind::Fault, status, code, fault, next);
    const ASK: &str =
        "ask for the receipt, or submit the same bytes again later: a transaction is committed at most once";
    match fault {
        Fault::Io { .. } => say(500, "disk", ASK),
        Fault::Reopen => say(503, "reopening", ASK),
        Fault::Corrupt { .. } => say(500, "damaged", "tell the node's operator; use another node"),
        Fault::Clock { .. } => say(500, "clock", "tell the node's operator: its clock is wrong"),
        Fault::Locked(_) => say(500, "locked", "stop the other process that uses this ledger file"),
        Fault::Missing(_) => say(500, "missing", "create the ledger first (`amanat init`)"),
        Fault::Present(_) => say(500, "present", "open the ledger that is there, or choose another place"),
        Fault::NewerFormat { .. } | Fault::OlderFormat { .. } => {
            say(500, "format", "use the version of the software that wrote the file")
        }
        Fault::OtherChain { .. } => say(500, "other_chain", "use the genesis this file was made from"),
        Fault::ManyValidators { .. } | Fault::NoValidators => {
            say(500, "wrong_engine", "start the node with the consensus that the genesis is for")
        }
        // The node is in order: this is not here, and will not be.
        Fault::Pruned { height, from } => {
            let next =
                "ask another node or an archive for the block; its header, certificate and receipts are here";
            Problem::request(410, "pruned", fault, next).disagree(format!("at least {from}"), height)
        }
        Fault::Uncertified { .. } => say(500, "uncertified", ASK),
        Fault::Bug(_) => say(500, "internal", "report this with the node's log"),
    }
}
