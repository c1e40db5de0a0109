//! Accepting connections, and cutting off connections that take too long.

use super::caller::Caller;
use super::{Shared, routes, tls};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep};

/// After a failed accept (no file handles left, say): time for others to end.
const BREATH: Duration = Duration::from_millis(100);

/// Accepts until `shutdown` completes, then lets the connections finish.
pub(super) async fn accept(
    listener: TcpListener,
    shared: &Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let router = routes::router(shared);
    let places = Arc::new(Semaphore::new(shared.config.connections.max(1)));
    let mut connections = JoinSet::new();
    let _renewing = tls::renewing(shared.config.tls.as_ref());
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (shared, router) = (shared.clone(), router.clone());
                connections.spawn(async move {
                    serve(stream, peer, &shared, router).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(BREATH).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    // From here on a connection is refused, not left waiting.
    drop(listener);
    shared.stop.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(shared.config.drain_timeout, all).await.is_err() {
        tracing::warn!(left = connections.len(), "connections did not end in time and are cut off");
        connections.shutdown().await;
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, shared: &Shared, router: axum::Router) {
    // Answers are written whole; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(stream, shared.config.stall_timeout);
    match &shared.config.tls {
        None => answer(stream, Caller::new(peer.ip(), None), shared, router).await,
        Some(acceptor) => {
            if let Some((stream, organisation)) = tls::handshake(acceptor, stream, shared).await {
                answer(stream, Caller::new(peer.ip(), organisation), shared, router).await;
            }
        }
    }
}

/// Answers requests until the peer has no more, or the node stops.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    caller: Caller,
    shared: &Shared,
    router: axum::Router,
) {
    let io = TokioIo::new(stream);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(caller);
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(shared.config.header_timeout);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut stop = shared.stop.subscribe();
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    // The peer's errors are the peer's.
    let _ = connection.await;
}

/// A stream that fails when the other end takes nothing of what is written for too long.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    const fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, stalled: None }
    }

    /// Begins, goes on or ends waiting, as `written` says.
    fn track<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled =
            self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.track(cx, written)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.track(cx, written)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
