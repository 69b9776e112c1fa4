//! What a trusted root of Sigstore holds, and whether it is still of use.

use jiff::Timestamp;

/// An end that is nearer than this is worth a warning.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 30);

/// What a trusted root holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// Where it is from, for people.
    pub title: String,
    /// The time.
    pub now: Timestamp,
    /// When it was last brought up to date, if it was.
    pub updated: Option<Timestamp>,
    /// The day that the newest of what it names began to be valid: it is not older.
    pub newest: Option<Timestamp>,
    /// All that it names.
    pub parts: Vec<Part>,
    /// The kinds of which none is valid now, though signatures of people need one.
    pub lacks: Vec<Kind>,
}

/// Something that is trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// Its address or name.
    pub name: String,
    /// Since when it is trusted.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// What follows.
    pub state: State,
}

/// What can be trusted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// An authority of certificates.
    CertificateAuthority,
    /// A log of certificates.
    CertificateLog,
    /// A transparency log.
    Log,
    /// An authority of timestamps.
    TimestampAuthority,
}

impl Kind {
    /// The words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateAuthority => "certificate-authority",
            Self::CertificateLog => "certificate-log",
            Self::Log => "log",
            Self::TimestampAuthority => "timestamp-authority",
        }
    }
}

/// Whether something is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is.
    Valid,
    /// It is, for less than thirty days.
    Ending,
    /// It was; what was signed then still counts.
    Ended,
    /// It will be.
    Future,
}

impl State {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Ending => "ending",
            Self::Ended => "ended",
            Self::Future => "future",
        }
    }

    /// What follows at `now` from its ends.
    #[must_use]
    pub fn of(from: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Self {
        match (from, until) {
            (Some(from), _) if now < from => Self::Future,
            (_, Some(until)) if until < now => Self::Ended,
            (_, Some(until)) if until.duration_since(now) < SOON => Self::Ending,
            _ => Self::Valid,
        }
    }
}
