//! The value that a scan ends in: everything a report may say. It holds no wall-clock time, so that the same image,
//! database and date give equal values.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::digest::BlobDigest;
use crate::finding::Finding;
use crate::gap::Gap;
use crate::inventory::{Dependency, Inventory, LayerSummary};
use crate::platform::Platform;
use crate::verdict::Verdict;
use crate::vex::SetAside;

/// What one image (one platform) is and holds, whether its layers were read or a bill of materials tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contents {
    /// Which image.
    pub image: ImageIdentity,
    /// Its layers, lowest first.
    pub layers: Vec<LayerSummary>,
    /// What it contains.
    pub inventory: Inventory,
    /// The files that each package owns, in the order of the inventory's packages; empty if they are not known.
    pub owned_files: Vec<Vec<String>>,
    /// Which of its packages need which, sorted; empty if it is not known.
    pub dependencies: Vec<Dependency>,
}

/// What one scan of one image (one platform) found.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Scan {
    /// Which image.
    pub image: ImageIdentity,
    /// Its layers, lowest first.
    pub layers: Vec<LayerSummary>,
    /// What it contains.
    pub inventory: Inventory,
    /// The files that each package owns, in the order of the inventory's packages; empty if they were not asked for.
    pub owned_files: Vec<Vec<String>>,
    /// Which of its packages need which, sorted; empty if it was not asked for.
    pub dependencies: Vec<Dependency>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// Findings that VEX documents say are none.
    pub set_aside: Vec<SetAside>,
    /// How many secrets a baseline covers; they are not among the findings.
    #[serde(default)]
    pub secrets_known: usize,
    /// What could not be checked.
    pub gaps: Vec<Gap>,
    /// The database that findings of vulnerabilities rest on.
    pub database: Option<DatabaseSummary>,
    /// What follows.
    pub verdict: Verdict,
}

/// Which image was scanned.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImageIdentity {
    /// The name it was asked for by.
    pub name: String,
    /// The digest of its manifest.
    pub manifest_digest: Option<BlobDigest>,
    /// The digest of the index that led to it.
    #[serde(default)]
    pub index_digest: Option<BlobDigest>,
    /// The digest of its configuration: the image ID.
    pub config_digest: Option<BlobDigest>,
    /// Its platform.
    pub platform: Platform,
    /// When it was made, as its configuration says.
    pub created: Option<String>,
}

/// Which database was used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DatabaseSummary {
    /// Where it is from: `bundled`, or a path.
    pub origin: String,
    /// The day of its newest data.
    pub date: Option<Date>,
    /// How many days before the scan that was.
    pub age_days: Option<i64>,
    /// How many advisories it has.
    pub advisories: u64,
    /// Its feeds.
    pub feeds: Vec<FeedSummary>,
}

/// One feed of a database.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FeedSummary {
    /// The feed's name.
    pub name: String,
    /// The day of its newest record.
    pub date: Option<Date>,
    /// How many advisories are from it.
    pub advisories: u64,
}
