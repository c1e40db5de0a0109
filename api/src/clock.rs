//! What time it is, as the caller says.

use amanat_domain::time::Timestamp;
use std::pin::Pin;
use std::time::Duration;

/// Longest sleep before the time is looked at again: the machine's clock may be set while we wait.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A clock. A closure `Fn() -> Timestamp` is one.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Completes when [`Clock::now`] has reached `time`. A clock that is set by hand, as in tests, answers when it is set.
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
