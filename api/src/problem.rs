//! The one shape of a refusal, on the wire and in the process: what is wrong, what was expected,
//! what to do next.
//!
//! ```
//! use amanat_api::problem::{Kind, Problem};
//! let next = "wait for the block at /v1/events";
//! let problem = Problem::request(404, "unknown_block", "there is no block 9 yet", next);
//! assert_eq!((problem.kind, problem.status), (Kind::Request, 404));
//! assert_eq!(problem.to_string(), format!("there is no block 9 yet. Next: {next}"));
//! ```

mod words;

use crate::clock::ByHandError;
use crate::schema::{Absent, Components, Schema, Unwritten, described, words};
use amanat_ledger::{Fault, Refusal, SubmitError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Most characters of a text that another machine sent us.
const MAX_FOREIGN_TEXT: usize = 600;

/// Which party must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The transaction's bytes are bad and will stay so.
    Reject,
    /// The state moved, or has not got there yet.
    Conflict,
    /// The node's disk, key or bug; the sender did nothing wrong.
    Fault,
    /// The HTTP request is not one this node answers.
    Request,
    /// The node has no room at the moment.
    Busy,
}

described! { "Problem":
    /// What is wrong and what to do next. It holds no secret and nothing about a patient: all that
    /// it names is on the ledger or was in the request.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
    #[error("{message}{}", Next(next))]
    pub struct Problem {
        /// Which party must act. reject: these bytes will never pass. conflict: the state moved.
        /// fault: the node's trouble. request: not a request of this interface. busy: try again.
        pub kind: Kind,
        /// Stable name of the case, for machines.
        pub code: Cow<'static, str>,
        /// Text for people.
        pub message: Box<str>,
        /// What was expected, where two values disagree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expected: Option<Box<str>> as Absent<String>,
        /// What was found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub got: Option<Box<str>> as Absent<String>,
        /// What to do next.
        pub next: Cow<'static, str>,
        /// Status of the HTTP answer.
        #[serde(skip)]
        pub status: u16 as Unwritten,
    }
}

described! { "Error":
    /// The body of every answer that is no success.
    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub struct Envelope {
        /// What is wrong.
        pub error: Problem,
    }
}

impl Schema for Kind {
    fn schema(_: &mut Components) -> serde_json::Value {
        words(&["reject", "conflict", "fault", "request", "busy"])
    }
}

struct Next<'a>(&'a str);

impl core::fmt::Display for Next<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ". Next: {}", self.0) }
    }
}

impl Problem {
    /// A problem of this kind, with the status of its HTTP answer.
    #[must_use]
    pub fn new(
        kind: Kind,
        status: u16,
        code: &'static str,
        message: impl ToString,
        next: &'static str,
    ) -> Self {
        let (code, next) = (Cow::Borrowed(code), Cow::Borrowed(next));
        Self { kind, code, message: message.to_string().into(), expected: None, got: None, next, status }
    }

    /// The request itself is wrong.
    #[must_use]
    pub fn request(status: u16, code: &'static str, message: impl ToString, next: &'static str) -> Self {
        Self::new(Kind::Request, status, code, message, next)
    }

    /// It cannot be done now, by no fault of who asks: 503.
    #[must_use]
    pub fn busy(code: &'static str, message: &'static str) -> Self {
        Self::new(Kind::Busy, 503, code, message, "try again in a moment; nothing was done")
    }

    /// With the two values that disagree.
    #[must_use]
    pub fn disagree(mut self, expected: impl ToString, got: impl ToString) -> Self {
        self.expected = Some(expected.to_string().into());
        self.got = Some(got.to_string().into());
        self
    }

    /// The same without what a fault tells about this machine (paths, the disk): for the other end
    /// of a wire.
    #[must_use]
    pub fn withheld(mut self) -> Self {
        if self.kind == Kind::Fault {
            self.message = "the node cannot do this at the moment".into();
            (self.expected, self.got) = (None, None);
        }
        self
    }

    /// Text of another machine: bounded, and no control characters reach a terminal.
    #[must_use]
    pub fn tamed(mut self, status: u16) -> Self {
        self.status = status;
        self.code = Cow::Owned(tame(&self.code));
        self.next = Cow::Owned(tame(&self.next));
        self.message = tame(&self.message).into();
        self.expected = self.expected.as_deref().map(|text| tame(text).into());
        self.got = self.got.as_deref().map(|text| tame(text).into());
        self
    }
}

/// Text of another machine: bounded, without control characters.
#[must_use]
pub fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_FOREIGN_TEXT).collect()
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Reject(reject) => words::reject(reject),
            Refusal::Conflict(conflict) => words::conflict(conflict),
        }
    }
}

impl From<&Fault> for Problem {
    fn from(fault: &Fault) -> Self {
        words::fault(fault)
    }
}

impl From<ByHandError> for Problem {
    fn from(error: ByHandError) -> Self {
        let next = "make another development ledger";
        Self::request(409, "end_of_time", error, next)
    }
}

impl From<&SubmitError> for Problem {
    fn from(error: &SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Fault(fault) => (&**fault).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_ledger::{Conflict, Reject, Source, Submitter};

    #[test]
    fn a_fault_tells_the_other_end_nothing_about_this_machine() {
        let fault = Fault::Locked("/home/someone/ledger.redb".into());
        let local = Problem::from(&fault);
        assert!(local.message.contains("someone"));
        let remote = local.withheld();
        assert!(!serde_json::to_string(&remote).expect("plain data").contains("someone"));
        assert_eq!((remote.kind, remote.status), (Kind::Fault, 500));
    }

    #[test]
    fn text_of_another_machine_cannot_steer_a_terminal() {
        let mut problem = Problem::request(400, "x", "\u{1b}[2Jgone", "");
        problem.got = Some("y".repeat(10_000).into());
        let tamed = problem.tamed(400);
        assert_eq!(&*tamed.message, " [2Jgone");
        assert_eq!(tamed.got.map(|g| g.len()), Some(MAX_FOREIGN_TEXT));
    }

    #[test]
    fn whose_move_it_is_decides_the_status() {
        let status = |r: Refusal| (Problem::from(&r).kind, Problem::from(&r).status);
        assert_eq!(status(Reject::NotARevocationId.into()), (Kind::Reject, 400));
        assert_eq!(status(Reject::TooLarge { most: 1, got: 2 }.into()), (Kind::Reject, 413));
        assert_eq!(status(Conflict::AlreadyRetired { index: 1 }.into()), (Kind::Conflict, 409));
        assert_eq!(status(Conflict::PoolFull { transactions: 1, bytes: 1 }.into()), (Kind::Busy, 503));
        let by = Submitter::Source(Source::Local);
        let quota = Conflict::PoolQuota { by, transactions: 1, bytes: 1 };
        assert_eq!(status(quota.into()), (Kind::Busy, 429));
        let reopening = Problem::from(&Fault::Reopen);
        assert_eq!((reopening.kind, reopening.status), (Kind::Fault, 503));
    }
}
