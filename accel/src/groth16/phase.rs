//! The phases of a proof, and how a caller hears of them and stops the work.

use core::ops::ControlFlow;

/// What a backend is about to do.
///
/// A backend reports the phases it has, in this order. A backend that sums C in a single set of
/// buckets reports [`SumC`](Self::SumC); a backend that sums its parts separately reports
/// [`SumL`](Self::SumL), [`SumH`](Self::SumH) and [`SumB1`](Self::SumB1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Evaluates the rows and checks them.
    Rows,
    /// Interpolates A.
    InverseA,
    /// Moves A to the coset.
    CosetA,
    /// Interpolates B.
    InverseB,
    /// Moves B to the coset.
    CosetB,
    /// Interpolates C.
    InverseC,
    /// Moves C to the coset.
    CosetC,
    /// Interpolates the quotient.
    InverseH,
    /// Cuts the scalars into digits.
    Recode,
    /// Sums the A query.
    SumA,
    /// Sums the B query in G2.
    SumB2,
    /// Sums the L, H and B queries in G1 together.
    SumC,
    /// Sums the L query.
    SumL,
    /// Sums the H query.
    SumH,
    /// Sums the B query in G1.
    SumB1,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 15] = [
        Self::Rows,
        Self::InverseA,
        Self::CosetA,
        Self::InverseB,
        Self::CosetB,
        Self::InverseC,
        Self::CosetC,
        Self::InverseH,
        Self::Recode,
        Self::SumA,
        Self::SumB2,
        Self::SumC,
        Self::SumL,
        Self::SumH,
        Self::SumB1,
    ];

    /// A short name in lower case, for tables and files.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::InverseA => "inverse-a",
            Self::CosetA => "coset-a",
            Self::InverseB => "inverse-b",
            Self::CosetB => "coset-b",
            Self::InverseC => "inverse-c",
            Self::CosetC => "coset-c",
            Self::InverseH => "inverse-h",
            Self::Recode => "recode",
            Self::SumA => "sum-a",
            Self::SumB2 => "sum-b2",
            Self::SumC => "sum-c",
            Self::SumL => "sum-l",
            Self::SumH => "sum-h",
            Self::SumB1 => "sum-b1",
        }
    }

    /// How much of a proof is done when this phase begins, in percent (by the portable backend's
    /// cost).
    #[must_use]
    pub const fn percent(self) -> u8 {
        match self {
            Self::Rows => 0,
            Self::InverseA => 1,
            Self::CosetA => 3,
            Self::InverseB => 5,
            Self::CosetB => 7,
            Self::InverseC => 8,
            Self::CosetC => 10,
            Self::InverseH => 11,
            Self::Recode => 12,
            Self::SumA => 13,
            Self::SumB2 => 26,
            Self::SumC | Self::SumL => 56,
            Self::SumH => 70,
            Self::SumB1 => 88,
        }
    }
}

/// Called before each phase, on the caller's thread; may stop the work there.
pub type Progress<'a> = &'a dyn Fn(Phase) -> ControlFlow<()>;

/// Reports a phase and asks whether to go on.
pub(crate) fn begin(progress: Progress<'_>, phase: Phase) -> Result<(), Cancelled> {
    match progress(phase) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Cancelled),
    }
}

/// The caller said stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;
