//! What goes wrong at the plugin's border.

use super::abi;

/// Kinds of failure, by what follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// No driver or no device.
    NoDevice,
    /// The device is full: this proof is the processor's, the device goes on with fewer keys.
    OutOfMemory,
    /// The device cannot be used in this process any more.
    Lost,
    /// The plugin refused a call of ours, or failed for an internal reason.
    Internal,
    /// The plugin answered something that is no field element or no point.
    Malformed,
}

impl FailureKind {
    /// All.
    pub const ALL: [Self; 5] =
        [Self::NoDevice, Self::OutOfMemory, Self::Lost, Self::Internal, Self::Malformed];

    /// A short name in lower case, for metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoDevice => "no-device",
            Self::OutOfMemory => "out-of-memory",
            Self::Lost => "lost",
            Self::Internal => "internal",
            Self::Malformed => "malformed",
        }
    }

    pub(super) const fn of(code: i32) -> Self {
        match code {
            abi::NO_DEVICE => Self::NoDevice,
            abi::OUT_OF_MEMORY => Self::OutOfMemory,
            abi::DEVICE_LOST => Self::Lost,
            // A code that this version does not know included.
            _ => Self::Internal,
        }
    }
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry}: {words}")]
pub struct Failure {
    /// What follows from it.
    pub kind: FailureKind,
    /// The entry of the plugin.
    pub entry: &'static str,
    /// What it said. No witness data: a plugin's texts are about calls and memory.
    pub words: String,
}

impl Failure {
    pub(super) fn malformed(entry: &'static str, words: &str) -> Self {
        Self { kind: FailureKind::Malformed, entry, words: words.to_owned() }
    }
}
