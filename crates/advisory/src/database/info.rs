//! What a database is made of: its date, its feeds, what they cover.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The database as a whole.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseInfo {
    /// The version of the file's format.
    #[serde(default)]
    pub format_version: u32,
    /// Its size in bytes.
    #[serde(default)]
    pub size: u64,
    /// The day it was compiled.
    pub built: Option<Date>,
    /// Whether it has texts beside facts.
    pub texts: bool,
    /// How many advisories it holds.
    pub advisories: u64,
    /// How many packages have an advisory, each ecosystem and release counted on its own.
    pub packages: u64,
    /// How many CVEs have facts of their own (scores, dates, exploitation).
    pub cves: u64,
    /// The ecosystems and releases that some feed covers, sorted.
    pub ecosystems: Vec<String>,
    /// The feeds, sorted by name.
    pub feeds: Vec<FeedInfo>,
}

/// One feed of a database.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedInfo {
    /// Its name.
    pub name: String,
    /// The authority whose words it brings.
    pub title: String,
    /// The licence of the data.
    pub license: String,
    /// Where it comes from.
    pub url: String,
    /// The page of one advisory.
    pub page: String,
    /// The newest date in it.
    pub date: Option<Date>,
    /// How many of its records the database holds.
    pub records: u64,
    /// The ecosystems and releases it covers, sorted.
    pub ecosystems: Vec<String>,
}

/// The most feeds and ecosystems that the head may name.
const LIMIT: usize = 10_000;

pub(crate) fn read(meta: &[u8]) -> Option<DatabaseInfo> {
    let info: DatabaseInfo = serde_json::from_slice(meta).ok()?;
    (info.feeds.len() <= LIMIT && info.ecosystems.len() <= LIMIT).then_some(info)
}
