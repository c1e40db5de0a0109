//! What lies between validators: for each of them, a way to each other one that a test may cut,
//! silence or slow down.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a way does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Passes it on.
    Through,
    /// Breaks connections and lets none come about.
    Cut,
    /// Keeps it, and passes it on when it may again: what a partition looks like from within.
    Silent,
    /// Passes it on later, each piece by its own delay, and breaks a connection now and then: over
    /// TCP, loss is delay and broken connections.
    Slow { least_ms: u64, most_ms: u64, bytes: u64 },
}

struct State {
    mode: Mode,
    open: Vec<TcpStream>,
}

/// A way from one validator to another, on one of their networks.
pub(crate) struct Wire {
    pub(crate) port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Wire {
    /// To a port of this machine.
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new((Mutex::new(State { mode: Mode::Through, open: Vec::new() }), Condvar::new()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = shared.clone();
                std::thread::spawn(move || drop(connect(stream, target, &state)));
            }
        });
        Self { port, state }
    }

    pub(crate) fn set(&self, mode: Mode) {
        let mut state = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.mode = mode;
        if mode == Mode::Cut {
            for stream in state.open.drain(..) {
                drop(stream.shutdown(Shutdown::Both));
            }
        }
        self.state.1.notify_all();
    }
}

type Shared = Arc<(Mutex<State>, Condvar)>;

fn connect(near: TcpStream, target: u16, shared: &Shared) -> std::io::Result<()> {
    if !may_pass(shared) {
        return Ok(());
    }
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    {
        let mut state = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.extend([near.try_clone()?, far.try_clone()?]);
    }
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        from.set_nodelay(true)?;
        let (sender, pieces) = channel();
        let (writing, to_end) = (shared.clone(), to.try_clone()?);
        std::thread::spawn(move || write(to, &pieces, &writing));
        let reading = shared.clone();
        std::thread::spawn(move || {
            read(from, &reading, |piece| sender.send(piece).is_ok());
            drop(sender);
            drop(to_end);
        });
    }
    Ok(())
}

/// Waits while the way is silent; whether anything may pass then.
fn may_pass(shared: &Shared) -> bool {
    let mut state = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    while state.mode == Mode::Silent {
        state = shared.1.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    state.mode != Mode::Cut
}

fn read(mut from: TcpStream, shared: &Shared, mut pass: impl FnMut((Instant, Vec<u8>)) -> bool) {
    let (mut piece, mut passed, mut odd) = ([0; 16 * 1024], 0u64, 1u64);
    while let Ok(n @ 1..) = from.read(&mut piece) {
        let mode = shared.0.lock().unwrap_or_else(PoisonError::into_inner).mode;
        let mut due = Instant::now();
        if let Mode::Slow { least_ms, most_ms, bytes } = mode {
            // Some numbers in no order.
            odd = odd.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            due += Duration::from_millis(least_ms + (odd >> 33) % (most_ms - least_ms + 1));
            passed += n as u64;
            if passed > bytes {
                break;
            }
        }
        if !pass((due, piece[..n].to_vec())) {
            break;
        }
    }
    drop(from.shutdown(Shutdown::Both));
}

fn write(mut to: TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>, shared: &Shared) {
    for (due, piece) in pieces {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if !may_pass(shared) || to.write_all(&piece).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}
