//! `GET /v1/snapshot`: the ledger as it is now, for a node that begins later.
//!
//! It is written as it is sent, so it takes no memory and no disk however large it is. While it is
//! read, the file keeps every page of that moment, so its time is bounded. A client that reads
//! nothing for too long is cut off, as with every answer, and a client that reads in drops is cut
//! off after [`LONGEST`]: the file is then released, whatever the client does. Only one runs at a
//! time, since it reads the whole ledger.

use super::Shared;
use super::refusal::HttpRefusal;
use amanat_api::problem::Problem;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Bytes that are sent together.
const PIECE: usize = 128 * 1024;
/// Pieces that may wait to be sent.
const WAITING: usize = 4;

/// How long sending one may take.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 60);

type Piece = io::Result<Vec<u8>>;

/// Where a snapshot is written to, until then; what comes out at the other end is the answer's
/// body. It blocks: not for the runtime's own threads.
struct Pipe {
    pieces: mpsc::Sender<Piece>,
    until: Instant,
    runtime: Handle,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "it was taken too slowly");
        if Instant::now() > self.until {
            return Err(late());
        }
        let sent = async { timeout_at(self.until, self.pieces.send(Ok(bytes.to_vec()))).await };
        // The client may have gone.
        self.runtime.block_on(sent).map_err(|_| late())?.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) async fn snapshot(State(shared): State<Arc<Shared>>) -> Result<Response, HttpRefusal> {
    let place = shared.snapshots.clone().try_acquire_owned();
    let place = place
        .map_err(|_| Problem::busy("too_many_snapshots", "a snapshot is being sent to another reader"))?;
    let (pieces, body) = mpsc::channel::<Piece>(WAITING);
    let (until, runtime) = (Instant::now() + shared.snapshot_time, Handle::current());
    tokio::task::spawn_blocking(move || {
        let pipe = Pipe { pieces: pieces.clone(), until, runtime: runtime.clone() };
        let mut out = BufWriter::with_capacity(PIECE, pipe);
        let written = shared.chain().write_snapshot(&mut out, |_| None, &mut |_, _| ());
        let written = written.map_err(|e| e.to_string()).and_then(|_| out.flush().map_err(|e| e.to_string()));
        if let Err(error) = written {
            tracing::warn!(%error, "a snapshot was not sent to its end");
            // The body breaks off, so no client takes it for complete. A client that reads nothing
            // is not waited for.
            runtime.spawn(async move { pieces.send(Err(io::ErrorKind::BrokenPipe.into())).await });
        }
        drop(place);
    });
    let body = futures_util::stream::unfold(body, |mut body| async { body.recv().await.map(|p| (p, body)) });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from_stream(body)).into_response())
}

#[cfg(test)]
mod tests;
