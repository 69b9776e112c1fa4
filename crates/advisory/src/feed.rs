//! Readers of published advisory feeds, one file a format.
//!
//! A feed is data: a name, a test that recognizes its documents by content, and a function from a document to a
//! [`Harvest`]. All are listed in [`all`]. A record that cannot be read is a problem beside the harvest, never
//! the end of a build.

pub mod all;
mod arch;
mod bounds;
mod csaf;
mod cve5;
mod date;
pub(crate) mod debian;
mod debian_changelog;
mod debian_index;
mod debian_lists;
mod debian_tracker;
mod document;
mod endoflife;
mod epss;
mod friendsofphp;
mod gitlab;
mod harvest;
mod haskell;
mod kev;
pub(crate) mod loose;
mod npm_wg;
mod nvd;
mod osv;
mod oval;
mod project_kb;
mod records;
mod retirejs;
pub(crate) mod rpm;
mod rubysec;
mod secdb;
pub mod source;
mod ubuntu;
mod updateinfo;
mod victims;
mod wolfi;
pub(crate) mod xml;

pub use document::{Document, Syntax};
pub(crate) use harvest::Tally;
pub use harvest::{Cycle, Enrichment, EpssFact, Harvest, Problem, Until};

/// A feed's format.
#[derive(Debug)]
pub struct Feed {
    /// Its name.
    pub name: &'static str,
    /// Tells whether a document is in this format.
    pub recognizes: fn(&Document<'_>) -> bool,
    /// Reads a document that it recognizes.
    pub read: fn(&Document<'_>, &mut Harvest) -> Result<(), FeedError>,
    /// Whether a document holds many records, so that only the bound of files holds for it.
    pub bulk: bool,
}

/// Why a document, or a record of it, was refused.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It is no valid JSON, or not of the format's shape.
    #[error("not readable as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is no valid YAML, or not of the format's shape.
    #[error("not readable as YAML: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// It is no valid TOML, or not of the format's shape.
    #[error("not readable as TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// It is no valid XML.
    #[error("not readable as XML: {0}")]
    Xml(#[from] quick_xml::Error),
    /// It has no id.
    #[error("the record has no id")]
    NoId,
    /// It is longer than a record may be.
    #[error("the record has more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// One of its lists is longer than it may be.
    #[error("the record has {found} {what}, more than {limit}")]
    TooMany {
        /// What the list holds.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// It does not say which release of a distribution it speaks of.
    #[error("neither the document's name nor its content tells the release")]
    NoRelease,
    /// One of its values has a meaning that cannot be told.
    #[error("{what} {value:?} is not understood")]
    Value {
        /// What the value is.
        what: &'static str,
        /// The value, shortened.
        value: String,
    },
}

impl FeedError {
    pub(crate) fn value(what: &'static str, value: &str) -> Self {
        Self::Value { what, value: value.chars().take(80).collect() }
    }
}

/// The most bytes that one record may have.
pub const RECORD_LIMIT: usize = 16 << 20;
/// The most elements that one list of a record may have.
pub(crate) const LIST_LIMIT: usize = 50_000;

pub(crate) const fn check_length(what: &'static str, found: usize) -> Result<(), FeedError> {
    if found > LIST_LIMIT { Err(FeedError::TooMany { what, found, limit: LIST_LIMIT }) } else { Ok(()) }
}

/// Reads `document` with the feed that recognizes it.
pub(crate) fn read(document: &Document<'_>, harvest: &mut Harvest) {
    let Some(feed) = all::FEEDS.iter().find(|feed| (feed.recognizes)(document)) else {
        harvest.unrecognized = harvest.unrecognized.saturating_add(1);
        return;
    };
    let result = if !feed.bulk && document.text.len() > RECORD_LIMIT {
        Err(FeedError::TooLong { limit: RECORD_LIMIT })
    } else {
        (feed.read)(document, harvest)
    };
    if let Err(error) = result {
        harvest.problem(document.path, feed.name, &error);
    }
}

/// Orders CVEs by year and number; other ids after them.
pub(crate) fn cve_rank(id: &str) -> u32 {
    crate::database::cve_key(id).unwrap_or(u32::MAX)
}
