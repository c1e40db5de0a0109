//! What each path does, in the words of the OpenAPI document.

use super::operation::{BYTES, Operation, bytes, count, text};
use super::{USUAL_BLOCKS, USUAL_LEAVES, USUAL_MEMBERS};
use amanat_api::schema::{Components, Either, Schema, UnixTime, words};
use amanat_api::view::{
    BlockView, BlocksView, BundleView, EntryView, GovernanceView, HealthView, Hex32, InclusionView,
    IndexedLeafView, KeysView, LeavesView, StatusView, SubmittedView,
};
use amanat_api::{MAX_BLOCKS, MAX_LEAVES, MAX_MEMBERS};
use amanat_domain::bundle::Registry;
use amanat_domain::entry::Entry;
use amanat_domain::tx::MAX_TX_BYTES;
use amanat_ledger::Profile;
use serde_json::{Value, json};

/// A page's length, within its bounds.
macro_rules! page {
    ($most:expr, $usual:expr) => {
        |_| json!({ "type": "integer", "minimum": 1, "maximum": $most, "default": $usual })
    };
}

/// The genesis file: its type is of the ledger, which knows nothing of documents.
struct GenesisFile(());

impl Schema for GenesisFile {
    const NAME: Option<&'static str> = Some("Genesis");

    fn schema(all: &mut Components) -> Value {
        let objects = json!({ "type": "array", "items": { "type": "object" } });
        json!({
            "type": "object",
            "description": "The genesis file, as described in the protocol book.",
            "properties": {
                "chain": { "type": "string" },
                "profile": all.refer::<Profile>(),
                "time": all.refer::<UnixTime>(),
                "epoch_seconds": all.refer::<u32>(),
                "windows": { "type": "object" },
                "floors": { "type": ["object", "null"] },
                "limits": { "type": "object" },
                "organisations": objects,
                "validators": objects,
            },
            "required": ["chain", "profile", "time", "epoch_seconds", "organisations"],
            "additionalProperties": false,
        })
    }
}

pub(super) fn submit() -> Operation {
    Operation::new("submit", "Submit a transaction")
        .about(format!(
            "Answers when the transaction is on disk. Submitting the same transaction again gives its first receipt. Canonical \
             encoding as in the protocol book; at most {MAX_TX_BYTES} bytes."
        ))
        .takes(|_| json!({ "type": "string", "contentMediaType": BYTES, "maxLength": MAX_TX_BYTES }))
        .gives::<SubmittedView>("Committed now, or before (`repeated`).")
        .refuses(
            400,
            "The bytes are no transaction of this ledger, or its signature or proof does not hold. They will never pass.",
        )
        .refuses(
            403,
            "The node asks for certificates: the client showed none (`certificate_required`), or that of another organisation \
             than the one that signed the transaction (`wrong_organisation`). Nothing was done.",
        )
        .refuses(408, "The body did not come in time.")
        .refuses(409, "The state moved: spent, stale, already there, too few to hide among.")
        .refuses(413, "More bytes than a transaction may have.")
        .refuses(415, "The body is not application/octet-stream.")
        .refuses(429, "The submitter has its share of the pool waiting already (`pool_quota`).")
        .bounded()
}

pub(super) fn status() -> Operation {
    Operation::new("status", "Where the ledger stands")
        .gives::<StatusView>("Height, epoch, registries.")
        .bounded()
}

pub(super) fn genesis() -> Operation {
    Operation::new("genesis", "The genesis file")
        .about("Its canonical form hashes to the chain id: a reader that knows the chain id can check it.")
        .gives::<GenesisFile>("The file.")
        .bounded()
}

pub(super) fn latest_bundle() -> Operation {
    Operation::new("latestBundle", "The newest bundle")
        .about("What statements are proved against.")
        .gives::<BundleView>("The bundle.")
        .bounded()
}

pub(super) fn bundle() -> Operation {
    Operation::new("bundle", "The bundle of an epoch")
        .path("epoch", "Number of the epoch.", count)
        .gives::<BundleView>("The bundle.")
        .refuses(400, "Not a number.")
        .refuses(404, "No bundle of this epoch was sealed.")
        .bounded()
}

pub(super) fn leaves() -> Operation {
    Operation::new("leaves", "Leaves of a registry, as of a bundle")
        .about(
            "A mirror fetches all of them: asking for one path would tell whose it is. Built from all pages of one epoch, its \
             roots are those of that epoch's bundle. A reader that pages names the epoch, so that blocks made meanwhile do not \
             matter.",
        )
        .path("name", "Name of the registry.", |all| all.refer::<Registry>())
        .query("epoch", "Epoch of the bundle; by default the newest.", count)
        .query("from", "Index of the first leaf; by default 0.", count)
        .query("limit", "Most leaves.", page!(MAX_LEAVES, USUAL_LEAVES))
        .gives::<LeavesView<Either<Hex32, IndexedLeafView>>>("A page.")
        .refuses(400, "Unknown parameter, not a number, limit out of bounds, or `from` beyond the end.")
        .refuses(404, "No such registry, or no bundle of this epoch.")
        .bounded()
}

pub(super) fn receipt() -> Operation {
    Operation::new("receipt", "A receipt and the proof that its block contains it")
        .path("txid", "Id of the transaction.", |all| all.refer::<Hex32>())
        .gives::<InclusionView>("The receipt.")
        .refuses(400, "Not a transaction id.")
        .refuses(404, "Not on the ledger.")
        .bounded()
}

pub(super) fn entry() -> Operation {
    Operation::new("entry", "Whether the state has an entry, and the proof of it")
        .about(
            "What the app hash of the last block commits to, entry by entry: shown to be there, or not. Kinds: `nullifier`, \
             `transaction`, `context`, `proposal` (64 hexadecimal digits each), `key` (statement, a dot, digest), `bundle` \
             (epoch), `credential` (leaf), `organisation` (id, or a reference percent-escaped), `validators` (the word `now`). \
             The request tells the node what the reader asks about.",
        )
        .path("kind", "Kind of entry.", |_| words(&Entry::KINDS))
        .path("name", "Its name.", |_| json!({ "type": "string", "maxLength": 768 }))
        .gives::<EntryView>("The entry as of the last block.")
        .refuses(400, "No name of that kind.")
        .refuses(404, "No such kind.")
        .bounded()
}

pub(super) fn blocks() -> Operation {
    Operation::new("blocks", "Blocks, without the bytes of their transactions")
        .query("from", "First height; by default 0.", count)
        .query(
            "limit",
            "Most blocks. A page may end earlier if its blocks hold many transactions.",
            page!(MAX_BLOCKS, USUAL_BLOCKS),
        )
        .gives::<BlocksView>("Some blocks in ascending order; none behind the tip.")
        .refuses(
            400,
            "Unknown parameter, not a number, limit out of bounds, or `from` beyond the next height.",
        )
        .bounded()
}

pub(super) fn block() -> Operation {
    let json = |all: &mut Components| all.refer::<BlockView>();
    Operation::new("block", "A block")
        .about("As JSON, or in canonical bytes if the client accepts application/octet-stream.")
        .path("height", "Height of the block.", count)
        .content(200, "The block.", vec![("application/json", json), (BYTES, bytes)])
        .refuses(400, "Not a number.")
        .refuses(404, "Not made yet.")
        .refuses(
            410,
            "The transactions of this block are no longer kept here (`pruned`): ask another node or an archive.",
        )
        .bounded()
}

pub(super) fn keys() -> Operation {
    Operation::new("keys", "The installed verifying keys")
        .gives::<KeysView>("All of them, frozen ones included.")
        .bounded()
}

pub(super) fn governance() -> Operation {
    Operation::new("governance", "Members, validators, open proposals")
        .about(
            "Which organisations govern and how many of them must approve a change; the members, those that were removed \
             included; which validators agree on blocks; what can be approved, with the first organisations. Pages of different \
             heights do not belong together. What a proposal says is bound to its id: read its transaction before you approve it.",
        )
        .query(
            "after",
            "Organisations after the one with this id, in the order of ids as numbers; by default from the first.",
            |all| all.refer::<Hex32>(),
        )
        .query("limit", "Most organisations.", page!(MAX_MEMBERS, USUAL_MEMBERS))
        .gives::<GovernanceView>("As of the last block.")
        .refuses(400, "Unknown parameter, no id, or limit out of bounds.")
        .bounded()
}

pub(super) fn health() -> Operation {
    Operation::new("health", "Whether the process answers").gives::<HealthView>("It does.")
}

pub(super) fn ready() -> Operation {
    Operation::new("ready", "Whether transactions are taken")
        .gives::<HealthView>("They are.")
        .may_fault()
        .may_be_busy()
}

pub(super) fn events() -> Operation {
    Operation::new("events", "Every new block, as it is made")
        .about(
            "Server-sent events named `block`; the id is the height, the data a BlockEvent. None is lost: a reader that comes \
             back with Last-Event-ID goes on where it was.",
        )
        .query("from", "First height; by default the next block.", count)
        .parameter("Last-Event-ID", "header", "Height of the last event seen; goes before `from`.", count)
        .content(200, "A stream without end.", vec![("text/event-stream", text)])
        .refuses(400, "Not a number, or beyond the next height.")
        .may_be_busy()
}

pub(super) fn snapshot() -> Operation {
    Operation::new("snapshot", "The ledger as it is now, for a node that begins later")
        .about(
            "All state, headers, certificates and receipts; not the transactions of the blocks. Its own digests show whether it \
             is whole: `amanat ledger restore` checks it against the genesis. One at a time.",
        )
        .content(200, "The snapshot. It is of one moment; the node goes on meanwhile.", vec![(BYTES, bytes)])
        .may_fault()
        .may_be_busy()
}

pub(super) fn metrics() -> Operation {
    Operation::new("metrics", "What the node counts")
        .about("Prometheus' text format.")
        .content(200, "Counters, gauges and one histogram.", vec![("text/plain", text)])
        .may_fault()
}

pub(super) fn openapi() -> Operation {
    let object = |_: &mut Components| json!({ "type": "object" });
    Operation::new("openapi", "This document").content(
        200,
        "OpenAPI 3.1.",
        vec![("application/json", object)],
    )
}
