//! Processor time of each step between bytes and durable, on one thread, through the ledger's
//! public calls.

use super::central::Central;
use super::embedded::now;
use super::file::{Kind, Step, Steps};
use super::fixture::Fixture;
use crate::report::Outcome;
use amanat_ledger::{
    Prechecked, Storage, Store, decode, finalize_block, precheck, prepare_proposal, validate_transactions,
};
use amanat_profile::clock::{Elapsed, Mark};
use amanat_profile::stats::Stat;
use amanat_profile::threads::pool;
use std::path::Path;

/// The steps of one round, each with what it took.
type Round = Vec<(&'static str, Elapsed)>;

/// `block` requests in one block, each round on a new copy in `path`.
pub(super) fn steps(
    kind: Kind,
    fixture: &Fixture,
    block: usize,
    rounds: usize,
    path: &Path,
) -> Outcome<Steps> {
    let requests = fixture.requests(kind, block);
    let one_thread = pool(1)?;
    let mut all: Vec<Round> = Vec::with_capacity(rounds);
    // The first round fills caches and does not count.
    for round in 0..=rounds {
        fixture.copy(kind, path)?;
        let measured = one_thread.install(|| pass(kind, path, &requests))?;
        if round > 0 {
            all.push(measured);
        }
    }
    let n = requests.len() as f64;
    let stat = |of: &dyn Fn(&Round) -> f64| {
        let values: Vec<f64> = all.iter().map(|round| of(round) / n).collect();
        Stat::of(&values).ok_or("at least one round")
    };
    let names: Vec<&str> = all.first().ok_or("at least one round")?.iter().map(|(name, _)| *name).collect();
    let steps = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let (cpu, wall) = (stat(&|round| round[i].1.cpu)?, stat(&|round| round[i].1.wall)?);
            Ok(Step { name: (*name).to_owned(), cpu, wall })
        })
        .collect::<Outcome<_>>()?;
    let backend = amanat_accel::default_backend().name().to_owned();
    Ok(Steps { kind, backend, block: u32::try_from(requests.len())?, steps })
}

fn pass(kind: Kind, path: &Path, requests: &[Vec<u8>]) -> Outcome<Round> {
    let mut round = Round::new();
    let now = now(0)?;
    if kind == Kind::Central {
        let central = Central::open(path)?;
        let checked: Vec<_> = timed(&mut round, "check", || {
            requests.iter().map(|bytes| central.check(bytes)).collect::<Result<_, _>>()
        })?;
        timed(&mut round, "commit", || central.log(checked.iter()))?;
        return Ok(round);
    }
    let (store, mut state) = Store::open(Storage::File(path.to_owned()))?;
    let delta = if kind == Kind::Blocks {
        let txs: Vec<_> = timed(&mut round, "decode", || {
            requests.iter().map(|bytes| decode(bytes)).collect::<Result<_, _>>()
        })?;
        let validated = timed(&mut round, "validate", || validate_transactions(&state, now, txs, &|_| None))?;
        timed(&mut round, "apply", || Ok::<_, core::convert::Infallible>(finalize_block(validated)))?
    } else {
        let prechecked: Vec<_> = timed(&mut round, "precheck", || {
            requests.iter().map(|bytes| precheck(&state, bytes, now)).collect::<Result<_, _>>()
        })?;
        let admitted: Vec<_> = timed(&mut round, "verify", || {
            prechecked.into_iter().map(Prechecked::verify).collect::<Result<_, _>>()
        })?;
        let (validated, dropped) = timed(&mut round, "propose", || prepare_proposal(&state, now, admitted))?;
        if !dropped.is_empty() || validated.len() != requests.len() {
            return Err("a block does not hold all that were admitted".into());
        }
        timed(&mut round, "apply", || Ok::<_, core::convert::Infallible>(finalize_block(validated)))?
    };
    timed(&mut round, "commit", || store.commit(&delta, None))?;
    timed(&mut round, "take over", || {
        state.commit(delta);
        Ok::<_, core::convert::Infallible>(())
    })?;
    Ok(round)
}

fn timed<T, E>(round: &mut Round, name: &'static str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mark = Mark::now();
    let done = work();
    round.push((name, mark.elapsed()));
    done
}
