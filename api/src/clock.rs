//! Time, as the caller tells it: by the machine's clock, or epoch by epoch by hand.

use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use amanat_ledger::{Genesis, Profile};
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Longest sleep before the time is read again: the machine's clock may be set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A file of this name in a home directory says that its ledger goes by an [`EpochClock`].
pub const EPOCHS_BY_HAND: &str = "epochs-by-hand";

/// A clock. A closure `Fn() -> Timestamp` is a clock.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Completes when [`Clock::now`] has reached `time`. A clock that is set by hand answers when
    /// it is set.
    fn reached<'a>(&'a self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            while let Some(left) = time.seconds().checked_sub(self.now().seconds()).filter(|left| *left > 0) {
                tokio::time::sleep(Duration::from_secs(left).min(LOOK_AGAIN)).await;
            }
        })
    }
}

impl<F: Fn() -> Timestamp + Send + Sync + 'static> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// The machine's clock.
#[must_use]
pub fn machine() -> Timestamp {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    Timestamp::from_unix(unix).unwrap_or(Timestamp::MAX)
}

/// A development clock: time stands still until [`EpochClock::next_epoch`] moves it to the
/// beginning of the next epoch.
///
/// Under it the epoch is a function of the commands that were given, not of how fast the machine
/// is. It is for development chains alone: on another chain a validator that set its own time would
/// seal bundles that no clock confirms.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_api::clock::{Clock, EpochClock};
/// use amanat_ledger::Genesis;
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// let clock = EpochClock::new(&genesis, genesis.start())?;
/// let epoch = clock.next_epoch()?;
/// assert_eq!(genesis.epoch_of(clock.now()), Some(epoch));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct EpochClock {
    chain: ChainId,
    genesis: Timestamp,
    epoch_seconds: u64,
    now: watch::Sender<Timestamp>,
}

/// Why epochs are not advanced by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ByHandError {
    /// The chain is no development chain.
    #[error(
        "only a development chain's epochs can be advanced by hand, and this chain's profile is `production`: leave \
         --epochs-by-hand out"
    )]
    Profile,
    /// The clock was made for another chain.
    #[error(
        "the clock is for chain {clock}, the ledger is chain {ledger}: make a clock from the ledger's genesis"
    )]
    OtherChain {
        /// The clock's chain.
        clock: ChainId,
        /// The ledger's.
        ledger: ChainId,
    },
    /// The next epoch would begin after the last time that there is.
    #[error("there is no next epoch: time ends before it begins")]
    EndOfTime,
}

impl EpochClock {
    /// A clock of this chain. It starts at the time of the last block, which is the beginning of
    /// time for a new ledger.
    ///
    /// # Errors
    /// [`ByHandError::Profile`].
    pub fn new(genesis: &Genesis, last_block: Timestamp) -> Result<Self, ByHandError> {
        if genesis.profile() != Profile::Dev {
            return Err(ByHandError::Profile);
        }
        let start = genesis.start();
        Ok(Self {
            chain: genesis.chain_id(),
            genesis: start,
            epoch_seconds: genesis.spec().epoch_seconds.into(),
            now: watch::Sender::new(start.max(last_block)),
        })
    }

    /// That a ledger of this genesis may go by this clock: it was made for the same chain, which a
    /// development chain is. A chain's id commits to its profile.
    ///
    /// # Errors
    /// [`ByHandError::OtherChain`].
    pub fn is_of(&self, genesis: &Genesis) -> Result<(), ByHandError> {
        let (clock, ledger) = (self.chain, genesis.chain_id());
        if clock == ledger { Ok(()) } else { Err(ByHandError::OtherChain { clock, ledger }) }
    }

    /// Moves time to the beginning of the next epoch, and returns that epoch.
    ///
    /// # Errors
    /// [`ByHandError::EndOfTime`].
    pub fn next_epoch(&self) -> Result<u64, ByHandError> {
        let mut moved = Err(ByHandError::EndOfTime);
        self.now.send_if_modified(|now| {
            // Never before the start: `new` began there, and time only moves on.
            let epoch = (now.seconds() - self.genesis.seconds()) / self.epoch_seconds + 1;
            let offset = epoch.checked_mul(self.epoch_seconds);
            let begins = offset.and_then(|offset| self.genesis.seconds().checked_add(offset));
            let Some(begins) = begins.and_then(Timestamp::new) else { return false };
            *now = begins;
            moved = Ok(epoch);
            true
        });
        moved
    }
}

impl Clock for EpochClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn reached<'a>(&'a self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let mut moved = self.now.subscribe();
        Box::pin(async move {
            // The sender is in `self`, which outlives this future: waiting cannot fail.
            let _ = moved.wait_for(|now| *now >= time).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_ledger::GenesisSpec;

    fn genesis(profile: &str) -> Genesis {
        let spec = serde_json::json!({
            "chain": "clock", "profile": profile, "time": 1_700_000_000, "epoch_seconds": 60,
            "floors": { "subjects": 8, "roles": 8, "consents": 8, "records": 8 },
            "organisations": [{
                "id": "Organization/regulator", "name": "Regulator",
                "key": "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
                "capabilities": { "govern": true },
            }],
        });
        let spec: GenesisSpec = serde_json::from_value(spec).expect("a specification");
        Genesis::new(spec).expect("a genesis")
    }

    #[test]
    fn time_stands_still_until_the_next_epoch_is_begun() {
        let genesis = genesis("dev");
        let begun = |epoch: u64| Timestamp::new(genesis.start().seconds() + epoch * 60).expect("a time");
        let clock = EpochClock::new(&genesis, Timestamp::MIN).expect("a development chain");
        assert_eq!(clock.now(), begun(0));
        assert_eq!(clock.next_epoch(), Ok(1));
        assert_eq!((clock.now(), clock.now()), (begun(1), begun(1)));
        let within = Timestamp::new(begun(7).seconds() + 59).expect("a time");
        let clock = EpochClock::new(&genesis, within).expect("a development chain");
        assert_eq!(clock.now(), within, "the time of the last block");
        assert_eq!(clock.next_epoch(), Ok(8));
        assert_eq!(clock.now(), begun(8));
        let clock = EpochClock::new(&genesis, Timestamp::MAX).expect("a development chain");
        assert_eq!(clock.next_epoch(), Err(ByHandError::EndOfTime));
    }

    #[test]
    fn waiting_ends_when_time_is_moved_and_not_before() {
        let genesis = genesis("dev");
        let clock = EpochClock::new(&genesis, Timestamp::MIN).expect("a development chain");
        let second = Timestamp::new(genesis.start().seconds() + 120).expect("a time");
        let mut waiting = std::pin::pin!(clock.reached(second));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        clock.next_epoch().expect("the first");
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        clock.next_epoch().expect("the second");
        assert!(waiting.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn a_chain_for_use_refuses_epochs_by_hand() {
        let clock = EpochClock::new(&genesis("production"), Timestamp::MIN);
        assert_eq!(clock.err(), Some(ByHandError::Profile));
    }

    #[test]
    fn a_clock_is_of_the_chain_it_was_made_for_alone() {
        let dev = genesis("dev");
        let clock = EpochClock::new(&dev, Timestamp::MIN).expect("a development chain");
        assert_eq!(clock.is_of(&dev), Ok(()));
        let other = genesis("production");
        let expected = ByHandError::OtherChain { clock: dev.chain_id(), ledger: other.chain_id() };
        assert_eq!(clock.is_of(&other), Err(expected));
    }
}
