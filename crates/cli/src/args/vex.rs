//! What can be typed about VEX.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Subcommand, ValueEnum};
use plimsoll_model::platform::Platform;
use plimsoll_model::vex::VexStatus;

/// One `--vex`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum VexSource {
    /// A document, a folder or archive of documents, a repository.
    Path(PathBuf),
    /// What lies beside the image.
    Referrers,
}

/// Why a text is no source of VEX.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a scan does not use the network for VEX repositories: name the address in `vex.repositories` of the configuration and run `plimsoll vex update`"
)]
pub(crate) struct AddressGiven;

impl FromStr for VexSource {
    type Err = AddressGiven;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "referrers" => Ok(Self::Referrers),
            address if address.starts_with("https://") || address.starts_with("http://") => Err(AddressGiven),
            path => Ok(Self::Path(path.into())),
        }
    }
}

impl std::fmt::Display for VexSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Referrers => f.write_str("referrers"),
        }
    }
}

/// Commands over VEX documents.
#[derive(Debug, Subcommand)]
pub(crate) enum Vex {
    /// Write an OpenVEX document, or a further version of one.
    Create(Box<Create>),
    /// Fetch the VEX repositories of the configuration, for the scans to come.
    #[command(after_help = UPDATE_HELP)]
    Update {
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

const UPDATE_HELP: &str = "\
An address is that of a server that has /.well-known/vex-repository.json, of a repository at GitHub, or of the manifest
itself. Only what changed is fetched, and transfers that broke off are resumed. Where a repository cannot be had its last
copy is used, and the exit code is 2.

Example:
  plimsoll --config plimsoll.toml vex update";

const CREATE_HELP: &str = "\
IMAGE is as for `plimsoll scan`; it is named in the document by the digest of its manifest. With SOURCE_DATE_EPOCH in the
environment the same options give the same bytes.

Examples:
  plimsoll vex create --id CVE-2024-0001 --product oci:image --subcomponent pkg:pypi/django@3.2 \\
    --status not_affected --justification vulnerable_code_not_in_execute_path --author security@acme.example
  plimsoll vex create --from-scan report.json --id CVE-2024-0001 --status affected --action 'Update to 1.4.3.' \\
    --author security@acme.example -o shop.openvex.json
  plimsoll vex create --id CVE-2024-0002 --product pkg:oci/shop --status fixed --add shop.openvex.json -o next.json";

/// Options of `vex create`.
#[derive(Debug, clap::Args)]
#[command(after_help = CREATE_HELP)]
pub(crate) struct Create {
    /// The vulnerability; may be repeated. With --from-scan which of its findings, without it all.
    #[arg(long, value_name = "ID", required_unless_present = "from_scan", help_heading = "Statement")]
    pub(crate) id: Vec<String>,
    /// What the statement is about: an image, or a package URL; may be repeated. With --from-scan the scan's image, if
    /// nothing else is given.
    #[arg(
        long,
        value_name = "IMAGE|PURL",
        required_unless_present = "from_scan",
        help_heading = "Statement"
    )]
    pub(crate) product: Vec<String>,
    /// A package in the product, by its package URL; may be repeated. Without one, the product as a whole.
    #[arg(long, value_name = "PURL", conflicts_with = "from_scan", help_heading = "Statement")]
    pub(crate) subcomponent: Vec<String>,
    /// What holds.
    #[arg(long, help_heading = "Statement")]
    pub(crate) status: Status,
    /// Why it is not affected, in a word of OpenVEX.
    #[arg(long, value_name = "WORD", conflicts_with_all = ["impact", "action"], help_heading = "Statement")]
    pub(crate) justification: Option<String>,
    /// Why it is not affected, in a sentence.
    #[arg(long, value_name = "TEXT", conflicts_with = "action", help_heading = "Statement")]
    pub(crate) impact: Option<String>,
    /// What to do, if it is affected.
    #[arg(long, value_name = "TEXT", help_heading = "Statement")]
    pub(crate) action: Option<String>,
    /// Take vulnerabilities, packages and image from this JSON report of `plimsoll scan`.
    #[arg(long, value_name = "FILE", help_heading = "Statement")]
    pub(crate) from_scan: Option<PathBuf>,
    /// The platform of an IMAGE, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", help_heading = "Statement")]
    pub(crate) platform: Option<Platform>,
    /// Who says it.
    #[arg(long, required_unless_present = "add", help_heading = "Document")]
    pub(crate) author: Option<String>,
    /// The document's address (its `@id`); without it one that follows from its content.
    #[arg(long, value_name = "IRI", conflicts_with = "add", help_heading = "Document")]
    pub(crate) document_id: Option<String>,
    /// Add to this document: the result is its next version.
    #[arg(long, value_name = "FILE", conflicts_with = "author", help_heading = "Document")]
    pub(crate) add: Option<PathBuf>,
    /// Write the document here instead of to standard output.
    #[arg(long, short, value_name = "FILE", help_heading = "Document")]
    pub(crate) output: Option<PathBuf>,
}

/// What holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Status {
    /// The product is not affected.
    NotAffected,
    /// It is affected.
    Affected,
    /// It was, and is mended in it.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl From<Status> for VexStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::NotAffected => Self::NotAffected,
            Status::Affected => Self::Affected,
            Status::Fixed => Self::Fixed,
            Status::UnderInvestigation => Self::UnderInvestigation,
        }
    }
}
