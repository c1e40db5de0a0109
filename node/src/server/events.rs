//! The event stream: every block from some height on, as server-sent events.
//!
//! A stream waits for the height of the last block to change and reads the blocks it has not told
//! from the ledger. So none is lost, however slow the reader, and one that comes back goes on where
//! it was (`Last-Event-ID`).

use super::refusal::HttpRefusal;
use super::{Shared, blocking, faulty, query};
use amanat_api::problem::Problem;
use amanat_api::view::BlockEvent;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Until shutdown: tells the streams of blocks that others have made.
pub(super) async fn follow(shared: Arc<Shared>) {
    let (Some(mut tip), mut stop) = (shared.consensus.tip(), shared.stop.subscribe()) else { return };
    loop {
        shared.announce();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = tip.changed() => if changed.is_err() { return },
        }
    }
}

struct Feed {
    shared: Arc<Shared>,
    next: u64,
    tip: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

/// `GET /v1/events`
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, HttpRefusal> {
    let [from] = query::numbers(query.as_deref(), ["from"])?;
    let seen = headers.get("last-event-id").map(|id| {
        let id = id.to_str().ok().and_then(|id| id.parse::<u64>().ok());
        id.ok_or_else(|| query::not_a_number("Last-Event-ID", "the header's value"))
    });
    let (tip, stop) = (shared.tip.subscribe(), shared.stop.subscribe());
    let end = tip.borrow().saturating_add(1);
    let next = match seen.transpose()? {
        Some(seen) => seen.saturating_add(1),
        None => from.unwrap_or(end),
    };
    if next > end {
        return Err(query::beyond("from", end, next).into());
    }
    let permit = shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Problem::busy("too_many_streams", "too many event streams are open"))?;
    let feed = Feed { shared, next, tip, stop, _permit: permit };
    Ok(Sse::new(futures_util::stream::unfold(feed, step)).keep_alive(KeepAlive::default()).into_response())
}

async fn step(mut feed: Feed) -> Option<(Result<Event, Infallible>, Feed)> {
    loop {
        if *feed.stop.borrow_and_update() {
            return None;
        }
        if feed.next <= *feed.tip.borrow_and_update() {
            let event = next_event(&feed.shared, feed.next).await?;
            feed.next += 1;
            return Some((Ok(event), feed));
        }
        tokio::select! {
            changed = feed.tip.changed() => changed.ok()?,
            changed = feed.stop.changed() => changed.ok()?,
        }
    }
}

/// None ends the stream: the reader comes back with the last height it saw.
async fn next_event(shared: &Arc<Shared>, height: u64) -> Option<Event> {
    let read = move |shared: &Shared| {
        let header = shared.chain().header(height).map_err(|e| faulty(&e))?;
        let receipts = shared.chain().receipts_of(height).map_err(|e| faulty(&e))?;
        Ok(header.zip(receipts).map(|(header, receipts)| BlockEvent::new(&header, &receipts)))
    };
    let event = blocking(shared, read).await.ok()??;
    Event::default().event("block").id(height.to_string()).json_data(&event).ok()
}
