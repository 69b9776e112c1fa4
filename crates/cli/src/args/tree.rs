//! What is typed for `plimsoll tree`.

use plimsoll_model::platform::Platform;

use super::Words;
use super::elsewhere::Elsewhere;

const HELP: &str = "\
Listed are the index and its platforms, the attestations that BuildKit put there, what refers to any of these (by the API of the registry, or \
the tag in its place), what has cosign's tags sha256-….sig, .att and .sbom, and what belongs to all of these in turn.

What a part is, and of which type a statement in it, is told as media types and annotations say it. No signature is verified here: \
`plimsoll verify` does that.

Ends with 0, and with 2 if something could not be listed.

Examples:
  plimsoll tree ghcr.io/acme/shop:1.4.2
  plimsoll tree oci:build/image:1.4.2
  plimsoll tree oci-archive:shop.tar
  plimsoll tree ghcr.io/acme/shop:1.4.2 --platform linux/arm64 --format json";

/// Options of `tree`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Tree {
    /// The image: NAME[:TAG][@DIGEST], registry:NAME, oci:DIR[:TAG|@DIGEST], or oci-archive:FILE.
    pub(crate) image: String,
    /// Only what belongs to the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}
