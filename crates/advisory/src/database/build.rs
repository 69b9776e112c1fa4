//! Compiling feeds to a database: every document under the inputs is read, what the feeds say is joined, and one
//! file is written. The same feeds always give the same bytes.

use std::io;
use std::path::PathBuf;

use jiff::civil::Date;
use serde::Serialize;

use super::compile::{self, TooLarge};
pub use crate::feed::Problem;
use crate::feed::{self, Document, Harvest};
use crate::walk::{self, Visitor};

/// How to build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The day that the database names as its own.
    pub built: Option<Date>,
    /// Whether to keep one line of text an advisory, where the licence of the feeds allows that.
    pub texts: bool,
    /// The most links to keep an advisory, those not counted that follow from its ids.
    pub links: usize,
    /// Ecosystems (`Bitnami`) whose packages are left out; scores that their advisories give a CVE are kept.
    pub skip_ecosystems: Vec<String>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { built: None, texts: true, links: 10, skip_ecosystems: Vec::new() }
    }
}

/// What a build read and left out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildReport {
    /// One count a feed, by name.
    pub feeds: Vec<FeedCount>,
    /// Documents that were offered to the feeds.
    pub documents: u64,
    /// Documents that no feed recognized.
    pub unrecognized: u64,
    /// What was refused, the first thousand.
    pub problems: Vec<Problem>,
    /// How many were refused.
    pub problem_count: u64,
    /// The database's size in bytes.
    pub size: u64,
}

/// What became of the records of one feed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedCount {
    /// The feed.
    pub name: String,
    /// Records read.
    pub read: u64,
    /// Records that the feed has withdrawn.
    pub withdrawn: u64,
    /// Records that tell of no vulnerability: bug fixes, false alarms.
    pub no_vulnerability: u64,
    /// Advisories in the database, or facts on CVEs that one of its advisories names.
    pub stored: u64,
}

/// Why a build ended without a database.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An input is not there.
    #[error("reading {}", path.display())]
    Input {
        /// The input.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The inputs hold no advisory.
    #[error("no advisory was found in {documents} documents")]
    Nothing {
        /// How many documents were read.
        documents: u64,
    },
    /// More than the format can number.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Reads all feeds under `inputs` (folders, files, archives) and compiles them.
///
/// # Errors
/// If an input is missing, or there is nothing to compile. A bad record is a problem in the report.
pub fn build(inputs: &[PathBuf], options: &BuildOptions) -> Result<(Vec<u8>, BuildReport), BuildError> {
    let mut reading = Reading::default();
    for input in inputs {
        walk::walk(input, &mut reading)
            .map_err(|source| BuildError::Input { path: input.clone(), source })?;
    }
    let Reading { mut harvest, documents } = reading;
    if harvest.advisories.is_empty() {
        return Err(BuildError::Nothing { documents });
    }
    let (bytes, stored) = compile::compile(&mut harvest, options)?;
    let count = |(name, tally): (&&'static str, &feed::Tally)| FeedCount {
        name: (*name).to_owned(),
        read: tally.read,
        withdrawn: tally.withdrawn,
        no_vulnerability: tally.no_vulnerability,
        stored: stored.get(name).copied().unwrap_or_default(),
    };
    let report = BuildReport {
        feeds: harvest.tallies.iter().map(count).collect(),
        documents,
        unrecognized: harvest.unrecognized,
        problems: harvest.problems,
        problem_count: harvest.problem_count,
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    };
    Ok((bytes, report))
}

#[derive(Default)]
struct Reading {
    harvest: Harvest,
    documents: u64,
}

impl Visitor for Reading {
    fn document(&mut self, path: &str, text: &str, date: Option<Date>) {
        self.documents = self.documents.saturating_add(1);
        self.harvest.document_date = date;
        feed::read(&Document::new(path, text), &mut self.harvest);
    }

    fn problem(&mut self, path: &str, error: &io::Error) {
        self.harvest.problem(path, "file", error);
    }
}
