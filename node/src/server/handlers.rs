//! One function per route.

use super::caller::Caller;
use super::commit::Submission;
use super::operation::BYTES;
use super::refusal::HttpRefusal;
use super::{Acceptor, Shared, USUAL_BLOCKS, USUAL_LEAVES, USUAL_MEMBERS, blocking, faulty, query};
use amanat_api::problem::{Kind, Problem};
use amanat_api::view::{
    BlockView, BlocksView, BundleView, EntryView, GovernanceView, HealthView, Hex32, InclusionView,
    IndexedLeafView, KeyView, KeysView, LeavesView, StatusView, SubmittedView,
};
use amanat_api::{MAX_BLOCKS, MAX_LEAVES, MAX_MEMBERS};
use amanat_domain::bundle::Registry;
use amanat_domain::tx::MAX_TX_BYTES;
use amanat_ledger::{Fault, Refusal, SealedBundle, Submitted, decode};
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::StreamExt;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A page of blocks ends with the block that brings it to this number of transactions.
const ENOUGH_TRANSACTIONS: usize = 2048;
/// This much of an oversized body is read and dropped, so that its sender can read the answer.
const DISCARDED: usize = 8 * MAX_TX_BYTES;

type Shareds = State<Arc<Shared>>;
type Segment = Result<Path<String>, PathRejection>;
type Answer<T> = Result<Json<T>, HttpRefusal>;

/// `POST /v1/transactions`
pub(super) async fn submit(
    State(shared): Shareds,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer<SubmittedView> {
    match submitted(&shared, &caller, &headers, body).await {
        Ok(submitted) => {
            let repeated = matches!(submitted, Submitted::AlreadyCommitted(_));
            shared.metrics.taken(repeated);
            Ok(Json(SubmittedView { receipt: submitted.receipt().data().into(), repeated }))
        }
        Err(problem) => {
            if problem.kind != Kind::Request {
                shared.metrics.refused(&problem);
                tracing::debug!(code = %problem.code, "transaction refused");
            }
            Err(problem.into())
        }
    }
}

async fn submitted(
    shared: &Arc<Shared>,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Submitted, Problem> {
    if *shared.stop.borrow() {
        return Err(Problem::busy("stopping", "the node is shutting down"));
    }
    caller.may_submit(shared.config.tls.as_ref().is_some_and(Acceptor::asks_for_certificates))?;
    let turn = shared.callers.enter(caller)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("none");
    if kind.split(';').next().map(str::trim) != Some(BYTES) {
        let next = "send the transaction's canonical bytes and name their type";
        let problem =
            Problem::request(415, "wrong_content_type", "the body's type is not the one expected", next);
        return Err(problem.disagree(BYTES, amanat_api::problem::tame(kind)));
    }
    let bytes = transaction_bytes(shared, body).await?;
    // Bytes that are no transaction need not stand in line.
    let transaction = decode(&bytes).map_err(|reject| Problem::from(&Refusal::from(reject)))?;
    caller.may_bring(&transaction)?;
    let (answer, outcome) = oneshot::channel();
    shared.submissions.try_send(Submission { bytes, answer }).map_err(|error| match error {
        TrySendError::Full(_) => Problem::busy("overloaded", "too many transactions wait to be verified"),
        TrySendError::Closed(_) => Problem::busy("stopping", "the node is shutting down"),
    })?;
    // A client that goes away leaves its submission in the queue: it counts until it is answered.
    let outcome = tokio::spawn(async move {
        let outcome = outcome.await;
        drop(turn);
        outcome
    });
    let unanswered = || faulty(&amanat_ledger::Fault::Bug("a batch ended without an answer".into()));
    outcome.await.ok().and_then(Result::ok).unwrap_or_else(|| Err(unanswered()))
}

/// The body, if it comes in time and is no longer than a transaction may be.
async fn transaction_bytes(shared: &Shared, body: Body) -> Result<Vec<u8>, Problem> {
    let read = async {
        let (mut bytes, mut got) = (Vec::new(), 0usize);
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| {
                let next = "send the whole body, as long as its Content-Length says";
                Problem::request(400, "broken_body", "the body broke off", next)
            })?;
            got += chunk.len();
            if got <= MAX_TX_BYTES {
                bytes.extend_from_slice(&chunk);
            } else if got > DISCARDED {
                break;
            }
        }
        if got > MAX_TX_BYTES {
            let reject = amanat_ledger::Reject::TooLarge { most: MAX_TX_BYTES, got };
            return Err(Problem::from(&Refusal::from(reject)));
        }
        Ok(bytes)
    };
    let time = shared.config.body_timeout;
    timeout(time, read).await.unwrap_or_else(|_| {
        let message = format!("the body did not come within {} s", time.as_secs_f32());
        Err(Problem::request(408, "slow_body", message, "send it faster; nothing was done"))
    })
}

/// `GET /v1/status`
pub(super) async fn status(State(shared): Shareds) -> Answer<StatusView> {
    blocking(&shared, |shared| Ok(Json(amanat_api::view::status(shared.chain(), shared.ready().is_ok()))))
        .await
}

/// `GET /v1/genesis`
pub(super) async fn genesis(State(shared): Shareds) -> Response {
    json_text(shared.chain().genesis().to_json())
}

/// `GET /v1/bundles/latest`
pub(super) async fn latest_bundle(State(shared): Shareds) -> Answer<BundleView> {
    blocking(&shared, |shared| Ok(Json((&shared.chain().latest_bundle()).into()))).await
}

/// `GET /v1/bundles/{epoch}`
pub(super) async fn bundle(State(shared): Shareds, epoch: Segment) -> Answer<BundleView> {
    let epoch = query::number("epoch", &segment(epoch)?)?;
    blocking(&shared, move |shared| Ok(Json((&sealed(shared, epoch)?).into()))).await
}

fn sealed(shared: &Shared, epoch: u64) -> Result<SealedBundle, Problem> {
    shared.chain().bundle(epoch).ok_or_else(|| {
        let next = "ask for /v1/bundles/latest; an epoch in which the node did not run has no bundle";
        let newest = shared.chain().latest_bundle().bundle.epoch;
        Problem::request(404, "no_such_bundle", format!("no bundle of epoch {epoch} was sealed"), next)
            .disagree(format!("at most {newest}"), epoch)
    })
}

/// `GET /v1/registries/{name}/leaves`
pub(super) async fn leaves(
    State(shared): Shareds,
    name: Segment,
    RawQuery(raw): RawQuery,
) -> Result<Response, HttpRefusal> {
    let registry = query::registry(&segment(name)?)?;
    let [epoch, from, limit] = query::numbers(raw.as_deref(), ["epoch", "from", "limit"])?;
    let from = from.unwrap_or(0);
    let limit = query::limit(limit, USUAL_LEAVES, MAX_LEAVES)?;
    blocking(&shared, move |shared| {
        let sealed = match epoch {
            Some(epoch) => sealed(shared, epoch)?,
            None => shared.chain().latest_bundle(),
        };
        let page = Page { sealed, registry, from, limit };
        if registry == Registry::Revocations {
            page.answer(
                |e, from, n| shared.chain().revocation_leaves(e, from, n),
                |leaf| IndexedLeafView::from(leaf),
            )
        } else {
            page.answer(|e, from, n| shared.chain().leaves(e, registry, from, n), |leaf| Hex32::of(*leaf))
        }
    })
    .await
}

struct Page {
    sealed: SealedBundle,
    registry: Registry,
    from: u64,
    limit: usize,
}

impl Page {
    fn answer<T, V: serde::Serialize>(
        self,
        read: impl Fn(u64, u64, usize) -> Option<Vec<T>>,
        view: impl Fn(&T) -> V,
    ) -> Result<Response, Problem> {
        let Self { sealed, registry, from, limit } = self;
        let epoch = sealed.bundle.epoch;
        let read = |from, n| read(epoch, from, n).unwrap_or_default();
        // One more than asked for tells whether there is more.
        let leaves = read(from, limit + 1);
        if leaves.is_empty() && from > 0 && read(from - 1, 1).is_empty() {
            // A bundle counts the active credentials, not the leaves of `roles`: the end is found
            // by halving.
            let (mut end, mut beyond) = (0, from);
            while end < beyond {
                let middle = end + (beyond - end) / 2;
                if read(middle, 1).is_empty() { beyond = middle } else { end = middle + 1 }
            }
            return Err(query::beyond("from", end, from));
        }
        let next = (leaves.len() > limit).then(|| from + limit as u64);
        let bundle = Hex32(sealed.hash.to_bytes());
        let leaves: Vec<V> = leaves.iter().take(limit).map(view).collect();
        Ok(Json(LeavesView { registry, epoch, bundle, from, leaves, next }).into_response())
    }
}

/// `GET /v1/receipts/{txid}`
pub(super) async fn receipt(State(shared): Shareds, txid: Segment) -> Answer<InclusionView> {
    let txid = query::txid(&segment(txid)?)?;
    blocking(&shared, move |shared| {
        let proof = shared.chain().inclusion(&txid).map_err(|e| faulty(&e))?;
        proof.map(|proof| Json((&proof).into())).ok_or_else(|| {
            let next = "submit the transaction (again); it is committed at most once";
            Problem::request(404, "unknown_txid", "no transaction with this id is on the ledger", next)
        })
    })
    .await
}

/// `GET /v1/entries/{kind}/{name}`
pub(super) async fn entry(
    State(shared): Shareds,
    words: Result<Path<(String, String)>, PathRejection>,
) -> Answer<EntryView> {
    let Ok(Path((kind, name))) = words else {
        let next = "encode the path as UTF-8, percent-escaped";
        return Err(Problem::request(400, "bad_path", "the path is not text", next).into());
    };
    let entry = query::entry(&kind, &name)?;
    blocking(&shared, move |shared| {
        let proof = shared.chain().prove(entry).map_err(|e| faulty(&e))?;
        Ok(Json((&proof).into()))
    })
    .await
}

/// `GET /v1/blocks/{height}`: JSON, or canonical bytes if the client accepts them.
pub(super) async fn block(
    State(shared): Shareds,
    height: Segment,
    headers: HeaderMap,
) -> Result<Response, HttpRefusal> {
    let height = query::number("height", &segment(height)?)?;
    let accepted = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let bytes = accepted.split(',').any(|kind| kind.split(';').next().map(str::trim) == Some(BYTES));
    blocking(&shared, move |shared| {
        let block = shared.chain().block(height).map_err(|e| faulty(&e))?;
        let block = block.ok_or_else(|| {
            let next = "ask /v1/status for the height, or wait for the block at /v1/events";
            let tip = shared.chain().state().tip().height;
            Problem::request(404, "no_such_block", format!("there is no block {height} yet"), next)
                .disagree(format!("at most {tip}"), height)
        })?;
        Ok(if bytes {
            ([(header::CONTENT_TYPE, BYTES)], block.to_bytes()).into_response()
        } else {
            Json(BlockView::new(&block, true)).into_response()
        })
    })
    .await
}

/// `GET /v1/blocks`
pub(super) async fn blocks(State(shared): Shareds, RawQuery(raw): RawQuery) -> Answer<BlocksView> {
    let [from, limit] = query::numbers(raw.as_deref(), ["from", "limit"])?;
    let from = from.unwrap_or(0);
    let limit = query::limit(limit, USUAL_BLOCKS, MAX_BLOCKS)?;
    blocking(&shared, move |shared| {
        let tip = shared.chain().state().tip().height;
        if from > tip.saturating_add(1) {
            return Err(query::beyond("from", tip.saturating_add(1), from));
        }
        let (mut blocks, mut transactions, mut next) = (Vec::new(), 0, from);
        while next <= tip && blocks.len() < limit && transactions < ENOUGH_TRANSACTIONS {
            let Some(block) = listed(shared, next)? else { break };
            transactions += block.transactions.len();
            blocks.push(block);
            next += 1;
        }
        Ok(Json(BlocksView { tip, blocks, next: (next <= tip).then_some(next) }))
    })
    .await
}

/// A block without the bytes of its transactions; of a pruned one what its header and receipts say.
fn listed(shared: &Shared, height: u64) -> Result<Option<BlockView>, Problem> {
    match shared.chain().block(height) {
        Ok(block) => Ok(block.map(|block| BlockView::new(&block, false))),
        Err(Fault::Pruned { .. }) => {
            let header = shared.chain().header(height).map_err(|e| faulty(&e))?;
            let receipts = shared.chain().receipts_of(height).map_err(|e| faulty(&e))?;
            Ok(header.zip(receipts).map(|(header, receipts)| BlockView::pruned(&header, &receipts)))
        }
        Err(fault) => Err(faulty(&fault)),
    }
}

/// `GET /v1/keys`
pub(super) async fn keys(State(shared): Shareds) -> Answer<KeysView> {
    blocking(&shared, |shared| {
        let keys = shared.chain().keys().into_iter().map(|key| KeyView {
            statement: key.statement,
            digest: Hex32(key.digest.0),
            active_from: key.active_from,
            frozen_from: key.frozen_from,
            sunset_from: key.sunset_from,
            key: hex::encode(&key.bytes),
        });
        Ok(Json(KeysView { keys: keys.collect() }))
    })
    .await
}

/// `GET /v1/governance`
pub(super) async fn governance(State(shared): Shareds, RawQuery(raw): RawQuery) -> Answer<GovernanceView> {
    let [after, limit] = query::parameters(raw.as_deref(), ["after", "limit"])?;
    let after = after.map(query::organisation).transpose()?;
    let limit = limit.map(|limit| query::number("limit", limit)).transpose()?;
    let limit = query::limit(limit, USUAL_MEMBERS, MAX_MEMBERS)?;
    blocking(&shared, move |shared| Ok(Json(GovernanceView::page(&shared.chain().state(), after, limit))))
        .await
}

/// `GET /v1/health`: the process answers.
pub(super) async fn health() -> Json<HealthView> {
    Json(HealthView { status: "ok".into() })
}

/// `GET /v1/ready`: transactions are taken.
pub(super) async fn ready(State(shared): Shareds) -> Answer<HealthView> {
    blocking(&shared, |shared| shared.ready().map(|()| Json(HealthView { status: "ready".into() }))).await
}

/// `GET /metrics`
pub(super) async fn metrics(State(shared): Shareds) -> Result<Response, HttpRefusal> {
    let text = blocking(&shared, |shared| Ok(shared.metrics.text(shared))).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// `GET /openapi.json`
pub(super) async fn openapi(State(shared): Shareds) -> Response {
    json_text(shared.description.as_bytes().to_vec())
}

fn json_text(text: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn segment(segment: Segment) -> Result<String, Problem> {
    segment.map(|Path(text)| text).map_err(|_| {
        let next = "percent-encode UTF-8, or use plain letters and digits";
        Problem::request(400, "bad_path", "the path is not readable", next)
    })
}
