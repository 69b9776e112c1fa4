//! What can be typed behind `plimsoll lineage` and `plimsoll base`.

use std::path::PathBuf;

use clap::Subcommand;
use plimsoll_checks::lineage::BasePattern;
use plimsoll_model::platform::Platform;

use super::Words;

const LINEAGE_HELP: &str = "\
An image is based on another one if its lowest layers are all of that one's. Only known images can be found: add those
that are used as bases with `plimsoll base add`, best each time they are built or pulled, or name them with --base.

--allow and --deny take names with stars (debian*, ghcr.io/acme/*), digests of manifests and chain IDs (sha256:…).
Ends with 1 if an image's base is denied or not allowed, or if --same is asked for and bases differ.

Examples:
  plimsoll base add debian:12 python:3.12-slim
  plimsoll lineage ghcr.io/acme/shop:1.4.2
  plimsoll lineage oci:image --base oci:base --compare
  plimsoll lineage shop:1 queue:1 --same --allow 'ghcr.io/acme/base*'";

/// Options of `lineage`.
#[derive(Debug, clap::Args)]
#[command(after_help = LINEAGE_HELP)]
pub(crate) struct Lineage {
    /// The images, as for `plimsoll scan`.
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    /// An image that may be the base, beside the known ones.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) base: Vec<String>,
    /// The file of known images instead of $XDG_DATA_HOME/plimsoll/bases.json.
    #[arg(long, value_name = "FILE")]
    pub(crate) bases: Option<PathBuf>,
    /// Only bases that fit are allowed.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) allow: Vec<BasePattern>,
    /// Bases that fit are not allowed.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) deny: Vec<BasePattern>,
    /// All images must be based on what the first is based on.
    #[arg(long)]
    pub(crate) same: bool,
    /// Scan the base and the newest of its name, and tell what the newest mends.
    #[arg(long)]
    pub(crate) compare: bool,
    /// Look at the images of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}

/// Commands over known images.
#[derive(Debug, Subcommand)]
pub(crate) enum Base {
    /// Remember images, of all their platforms, so that others can be traced back to them.
    #[command(after_help = "Example:\n  plimsoll base add debian:12 oci:base")]
    Add {
        /// The images, as for `plimsoll scan`.
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
        /// The file of known images instead of $XDG_DATA_HOME/plimsoll/bases.json.
        #[arg(long, value_name = "FILE")]
        bases: Option<PathBuf>,
    },
    /// List known images.
    #[command(after_help = "Example:\n  plimsoll base list")]
    List {
        /// The file of known images instead of $XDG_DATA_HOME/plimsoll/bases.json.
        #[arg(long, value_name = "FILE")]
        bases: Option<PathBuf>,
    },
    /// Forget images by their names.
    #[command(after_help = "Example:\n  plimsoll base remove debian:11")]
    Remove {
        /// The names as `plimsoll base list` shows them.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// The file of known images instead of $XDG_DATA_HOME/plimsoll/bases.json.
        #[arg(long, value_name = "FILE")]
        bases: Option<PathBuf>,
    },
}
