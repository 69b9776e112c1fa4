//! What can be typed behind `plimsoll sbom`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::platform::Platform;

use crate::output::Output;

const SBOM_HELP: &str = "\
IMAGE is written as for `plimsoll scan`. No advisory database is needed, and nothing but packages is looked for.

Examples:
  plimsoll sbom ghcr.io/acme/shop:1.4.2 -o cyclonedx=shop.cdx.json -o spdx=shop.spdx.json
  plimsoll sbom oci:image
  plimsoll sbom convert shop.cdx.json -o spdx-3=shop.spdx3.json
  plimsoll sbom merge shop.cdx.json queue.spdx.json --name acme-suite -o cyclonedx=suite.cdx.json
  plimsoll sbom diff old.cdx.json new.cdx.json
  plimsoll sbom validate shop.cdx.json
  plimsoll sbom attach shop.cdx.json ghcr.io/acme/shop:1.4.2
  plimsoll sbom attached ghcr.io/acme/shop:1.4.2
  plimsoll sbom verify ghcr.io/acme/shop:1.4.2";

/// Options of `sbom`.
#[derive(Debug, clap::Args)]
#[command(after_help = SBOM_HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Sbom {
    /// What to do with documents; without it, make one of IMAGE.
    #[command(subcommand)]
    pub(crate) command: Option<SbomCommand>,
    #[command(flatten)]
    pub(crate) make: Make,
}

/// How a document is made of an image.
#[derive(Debug, clap::Args)]
pub(crate) struct Make {
    /// The image.
    #[arg(required = true)]
    pub(crate) image: Option<String>,
    /// Take the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", conflicts_with = "all_platforms")]
    pub(crate) platform: Option<Platform>,
    /// Take the images of all platforms.
    #[arg(long)]
    pub(crate) all_platforms: bool,
    /// Write a document; may be repeated. Without it, CycloneDX goes to standard output.
    #[arg(long, short, value_name = "FORMAT[=PATH]")]
    pub(crate) output: Vec<Output>,
    /// Neither read nor write the evidence cache.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
}

/// What to do with documents.
#[derive(Debug, Subcommand)]
pub(crate) enum SbomCommand {
    /// Write a document in another format; what that cannot hold is told on standard error.
    #[command(after_help = "Example:\n  plimsoll sbom convert shop.spdx.json -o cyclonedx-1.5=shop.cdx.json")]
    Convert {
        /// The document; - is standard input.
        file: PathBuf,
        /// Write it here; may be repeated.
        #[arg(long, short, value_name = "FORMAT[=PATH]", required = true)]
        output: Vec<Output>,
    },
    /// Write several documents as one: of an image's platforms, of a product made of several images.
    #[command(
        after_help = "Example:\n  plimsoll sbom merge shop.cdx.json queue.spdx.json --name acme-suite --version 7 -o spdx=suite.spdx.json"
    )]
    Merge {
        /// The documents.
        #[arg(required = true, num_args = 1.., value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What they are together.
        #[arg(long)]
        name: String,
        /// Its version.
        #[arg(long)]
        version: Option<String>,
        /// Write it here; may be repeated.
        #[arg(long, short, value_name = "FORMAT[=PATH]", required = true)]
        output: Vec<Output>,
    },
    /// Tell which packages came, went or changed; ends with 1 if there are any.
    #[command(after_help = "Example:\n  plimsoll sbom diff shop-1.4.1.cdx.json shop-1.4.2.cdx.json")]
    Diff {
        /// The older document.
        old: PathBuf,
        /// The newer document.
        new: PathBuf,
        /// Print JSON; see docs/schema/sbom-diff-1.json.
        #[arg(long)]
        json: bool,
    },
    /// List the documents that lie with an image: its referrers, attestations of BuildKit and of others; or write one.
    #[command(
        after_help = "Signatures are not verified.\n\nExamples:\n  plimsoll sbom attached ghcr.io/acme/shop:1.4.2\n  plimsoll sbom attached ghcr.io/acme/shop:1.4.2 -o cyclonedx=shop.cdx.json"
    )]
    Attached(List),
    /// Tell whether a document tells the truth of an image: what of its layers is missing, surplus, different.
    #[command(
        after_help = "Compared are ecosystem, name and version of packages. Ends with 0 if the document tells the truth, with 1 if it does\nnot, with 2 if that cannot be decided: there is no document, or not all of the image can be read.\n\nExamples:\n  plimsoll sbom verify ghcr.io/acme/shop:1.4.2\n  plimsoll sbom verify oci:image shop.cdx.json --json"
    )]
    Verify(Verify),
    /// Put a document beside its image in a registry or an OCI layout, as a referrer.
    #[command(
        after_help = "Where a registry has no referrers API, the list under the tag sha256-DIGEST is extended.\n\nExamples:\n  plimsoll sbom attach shop.cdx.json ghcr.io/acme/shop:1.4.2\n  plimsoll sbom attach shop.spdx.json oci:image"
    )]
    Attach(Attach),
    /// Tell what a document lacks of what is asked for; ends with 1 if it lacks something.
    #[command(after_help = "Example:\n  plimsoll sbom validate shop.cdx.json --standard ntia")]
    Validate {
        /// The document; - is standard input.
        file: PathBuf,
        /// What decides the exit code.
        #[arg(long, default_value = "ntia")]
        standard: Standard,
        /// Print JSON; see docs/schema/sbom-check-1.json.
        #[arg(long)]
        json: bool,
    },
}

/// Options of `sbom attached`.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// The image, as for `plimsoll scan`; in a registry or an OCI layout.
    pub(crate) image: String,
    /// Write the first that can be read and is about the image; may be repeated.
    #[arg(long, short, value_name = "FORMAT[=PATH]")]
    pub(crate) output: Vec<Output>,
    /// Only the document, or the manifest around it, with this digest.
    #[arg(long)]
    pub(crate) digest: Option<BlobDigest>,
    /// Those of the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
}

/// Options of `sbom verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The image, as for `plimsoll scan`.
    pub(crate) image: String,
    /// The document; without it, the first that lies with the image, can be read and is about it.
    pub(crate) file: Option<PathBuf>,
    /// The document, or the manifest around it, with this digest.
    #[arg(long, conflicts_with = "file")]
    pub(crate) digest: Option<BlobDigest>,
    /// The image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// Print JSON; see docs/schema/sbom-verify-1.json.
    #[arg(long)]
    pub(crate) json: bool,
    /// Neither read nor write the evidence cache.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
}

/// Options of `sbom attach`.
#[derive(Debug, clap::Args)]
pub(crate) struct Attach {
    /// The document: CycloneDX or SPDX; - is standard input.
    pub(crate) file: PathBuf,
    /// The image: NAME[:TAG] in a registry, or oci:DIR[:TAG].
    pub(crate) image: String,
    /// To the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// Even if the document says that it is about another image.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What asks for something.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Standard {
    /// The NTIA's minimum elements.
    Ntia,
    /// What the BSI's TR-03183-2 asks for, the minimum elements among it.
    Bsi,
    /// Nothing: the document need only be readable.
    None,
}
