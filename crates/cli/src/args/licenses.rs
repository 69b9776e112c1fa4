//! What can be typed behind `plimsoll licenses`.

use std::path::PathBuf;

use clap::ValueEnum;
use plimsoll_model::licensing::LicenseCategory;
use plimsoll_model::platform::Platform;

const LICENSES_HELP: &str = "\
IMAGE is written as for `plimsoll scan`. Categories: forbidden, unknown, reciprocal (asks for something in return), allowed;
`licenses` of the configuration says what is in which. `plimsoll scan --scanners licenses` gives findings of the same.

Examples:
  plimsoll licenses ghcr.io/acme/shop:1.4.2
  plimsoll licenses oci:image --category forbidden,unknown
  plimsoll licenses oci:image --fail-on forbidden
  plimsoll licenses sbom:shop.cdx.json --format csv -o licenses.csv
  plimsoll licenses oci:image --notices -o NOTICE";

/// Options of `licenses`.
#[derive(Debug, clap::Args)]
#[command(after_help = LICENSES_HELP)]
pub(crate) struct Licenses {
    /// The image.
    pub(crate) image: String,
    /// Look at the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", conflicts_with = "all_platforms")]
    pub(crate) platform: Option<Platform>,
    /// Look at the images of all platforms.
    #[arg(long)]
    pub(crate) all_platforms: bool,
    /// Tell only of packages in these categories.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = category, conflicts_with = "notices")]
    pub(crate) category: Vec<LicenseCategory>,
    /// Exit with 1 if a package is in one of these categories.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = category)]
    pub(crate) fail_on: Vec<LicenseCategory>,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "notices")]
    pub(crate) format: LicenseFormat,
    /// Write a notice: all packages by licence, who holds the copyrights, and the texts of the licences.
    #[arg(long)]
    pub(crate) notices: bool,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Neither read nor write the evidence cache.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
}

/// How licences are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LicenseFormat {
    /// For a person: by licence.
    Table,
    /// For programs; see docs/schema.
    Json,
    /// For a spreadsheet: one line a package.
    Csv,
}

fn category(text: &str) -> Result<LicenseCategory, String> {
    let known = LicenseCategory::WORST_FIRST;
    let found = known.into_iter().find(|category| category.as_str() == text);
    let names = || known.map(LicenseCategory::as_str).join(", ");
    found.ok_or_else(|| format!("the categories are {}", names()))
}
