//! `GET /v1/snapshot`: the ledger as it is now, for a node that begins later.
//!
//! It is written as it is sent, so it takes no memory and no disk however large it is. While it is read the file keeps every page of that
//! moment, so it does not last for ever: a client that takes nothing for too long is cut off as with every answer, and one that takes it
//! in drops after [`LONGEST`]. One at a time: it reads all there is.

use super::Shared;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Bytes that are sent together.
const PIECE: usize = 128 * 1024;
/// Pieces that may wait to be sent.
const WAITING: usize = 4;

/// How long sending one may take.
const LONGEST: Duration = Duration::from_secs(30 * 60);

type Piece = io::Result<Vec<u8>>;

/// Where a snapshot is written to, until then; what comes out at the other end is the answer's body.
struct Pipe(mpsc::Sender<Piece>, Instant);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if Instant::now() > self.1 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it was taken too slowly"));
        }
        // Whoever asked may have gone.
        self.0.blocking_send(Ok(bytes.to_vec())).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) async fn snapshot(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let place = shared.snapshots.clone().try_acquire_owned();
    let place =
        place.map_err(|_| Problem::busy("too_many_snapshots", "a snapshot is on its way to somebody"))?;
    let (pieces, body) = mpsc::channel::<Piece>(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE, Pipe(pieces.clone(), Instant::now() + LONGEST));
        let written = shared.chain().write_snapshot(&mut out, |_| None, &mut |_, _| ());
        let written = written.map_err(|e| e.to_string()).and_then(|_| out.flush().map_err(|e| e.to_string()));
        if let Err(error) = written {
            tracing::warn!(%error, "a snapshot was not sent to its end");
            // The body breaks off: nobody takes it for whole.
            let _ = pieces.blocking_send(Err(io::ErrorKind::BrokenPipe.into()));
        }
        drop(place);
    });
    let body = futures_util::stream::unfold(body, |mut body| async { body.recv().await.map(|p| (p, body)) });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from_stream(body)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_not_sent_for_ever() {
        let (pieces, mut body) = mpsc::channel(WAITING);
        let now = Instant::now();
        assert!(Pipe(pieces.clone(), now + LONGEST).write_all(b"in time").is_ok());
        assert!(matches!(body.try_recv(), Ok(Ok(piece)) if piece == b"in time"));
        let before = now.checked_sub(Duration::from_millis(1)).expect("the machine has run for a while");
        let late = Pipe(pieces, before).write_all(b"late").expect_err("too slow");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        assert!(body.try_recv().is_err(), "nothing more is sent");
    }
}
