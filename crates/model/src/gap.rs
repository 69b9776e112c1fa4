//! What could not be checked. Absence of knowledge is a value: a scanner that skipped something must not look
//! like one that found nothing.

use serde::{Deserialize, Serialize};

/// Something that was not, or not wholly, checked; it flows beside the findings into the report and the verdict.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Gap {
    /// The kind of gap.
    pub kind: GapKind,
    /// What was not checked: a path in the image, a layer, an ecosystem, a feed.
    pub subject: String,
    /// Why, in words for a person.
    pub reason: String,
}

/// Kinds of gap. The names are a public contract.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// A layer could not be read: foreign, encrypted, or of an unknown media type.
    LayerUnread,
    /// A file could not be read or parsed.
    FileUnread,
    /// One record inside a file could not be understood; the others were.
    RecordUnread,
    /// A limit ended the reading early.
    LimitReached,
    /// The archive has entries that no sound image has (a name that escapes the root, say).
    SuspiciousEntry,
    /// No feed in the database covers this ecosystem or distribution release.
    NoFeed,
    /// Only feeds that cover a part of this ecosystem are in the database.
    PartialFeed,
    /// The distribution could not be told.
    UnknownDistribution,
    /// A version could not be compared with an advisory's range.
    VersionUnordered,
    /// The advisory database is older than the limit.
    StaleDatabase,
    /// No advisory database was found at all.
    NoDatabase,
    /// A VEX document could not be read: it may say that something is affected.
    VexUnread,
    /// A bill of materials was scanned, and does not tell this.
    NotInDocument,
    /// A document was believed whose signature was not verified.
    SignatureUnverified,
    /// A program that a check needs is not there, or failed.
    ToolMissing,
    /// The clock is behind the data, so that nothing with an end can be judged.
    ClockBehind,
}

impl GapKind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::LayerUnread,
        Self::FileUnread,
        Self::RecordUnread,
        Self::LimitReached,
        Self::SuspiciousEntry,
        Self::NoFeed,
        Self::PartialFeed,
        Self::UnknownDistribution,
        Self::VersionUnordered,
        Self::StaleDatabase,
        Self::NoDatabase,
        Self::VexUnread,
        Self::NotInDocument,
        Self::SignatureUnverified,
        Self::ToolMissing,
        Self::ClockBehind,
    ];

    /// The kebab-case name that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LayerUnread => "layer-unread",
            Self::FileUnread => "file-unread",
            Self::RecordUnread => "record-unread",
            Self::LimitReached => "limit-reached",
            Self::SuspiciousEntry => "suspicious-entry",
            Self::NoFeed => "no-feed",
            Self::PartialFeed => "partial-feed",
            Self::UnknownDistribution => "unknown-distribution",
            Self::VersionUnordered => "version-unordered",
            Self::StaleDatabase => "stale-database",
            Self::NoDatabase => "no-database",
            Self::VexUnread => "vex-unread",
            Self::NotInDocument => "not-in-document",
            Self::SignatureUnverified => "signature-unverified",
            Self::ToolMissing => "tool-missing",
            Self::ClockBehind => "clock-behind",
        }
    }
}

impl Gap {
    /// Makes a gap.
    #[must_use]
    pub fn new(kind: GapKind, subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { kind, subject: subject.into(), reason: reason.into() }
    }
}
