//! What is typed for `plimsoll copy`.

use plimsoll_model::platform::Platform;

use super::Words;
use super::audit::Auditing;
use super::elsewhere::Elsewhere;

const HELP: &str = "\
SOURCE is NAME[:TAG][@DIGEST], registry:NAME, oci:DIR[:TAG|@DIGEST] or oci-archive:FILE[:TAG].
DEST is one of
  NAME[:TAG]  registry:NAME[:TAG]   a registry
  oci:DIR[:TAG]                     an OCI image layout, which is made or added to
  oci-archive:FILE[:TAG]            the same in a tar, which is replaced

Everything goes byte for byte, so that digests stay and signatures hold: all platforms, and what `plimsoll tree` lists. Blobs that are at \
the destination are not sent. The tag comes last, and is moved if it means another image there. Lists of referrers are added to. A tag \
of cosign's that holds other signatures at the destination is left as it is, unless --force is given.

Ends with 0 if all was found again at the destination, and with 2 if not, or if something could not be listed or read.

Examples:
  plimsoll copy ghcr.io/acme/shop:1.4.2 registry.example/acme/shop:1.4.2
  plimsoll copy ghcr.io/acme/shop:1.4.2 oci-archive:shop.tar:1.4.2
  plimsoll copy oci-archive:shop.tar registry.inside.example/acme/shop:1.4.2
  plimsoll copy ghcr.io/acme/shop:1.4.2 oci:mirror:1.4.2 --platform linux/arm64
  plimsoll copy oci:build/image:1.4.2 registry:localhost:5000/shop:1.4.2 --without-referrers --format json";

/// Options of `copy`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Copy {
    /// The image.
    pub(crate) source: String,
    /// Where it goes.
    #[arg(value_name = "DEST")]
    pub(crate) destination: String,
    /// Copy all platforms of an index; this is what happens without options, too.
    #[arg(long, conflicts_with = "platform")]
    pub(crate) all_platforms: bool,
    /// Copy the image of this platform alone, as linux/arm64: the copy has its digest, not that of the index.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// Leave signatures, attestations and all else behind that refers to the image. What its index names is a part of it, and comes along.
    #[arg(long)]
    pub(crate) without_referrers: bool,
    /// Replace cosign's tags at the destination that hold other signatures.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}
