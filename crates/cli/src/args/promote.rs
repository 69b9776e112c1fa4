//! What is typed for `plimsoll promote`.

use std::path::PathBuf;

use plimsoll_model::platform::Platform;

use super::audit::Auditing;
use super::sign::SignatureFormat;
use super::{Check, VexSource, Words};

const HELP: &str = "\
The name is resolved once; all else goes by digest. All images of an index are judged, as by `plimsoll check`, and nothing is copied
unless all pass. Then the image is copied as by `plimsoll copy`, looked for again, and signed in its new place, and the audit trail is
told. The tag comes last: whatever goes wrong before leaves it as it was. Who does it again changes nothing.

Without a TAG in REPO, the image gets the tag that it has now.

Exit codes: 0 promoted, 1 a gate refuses it and nothing was copied, 2 undecided, or something was not done: the tag is as it was.

Examples:
  plimsoll promote ghcr.io/acme/staging/shop:1.4.2 --to ghcr.io/acme/shop --key release.key
  plimsoll promote oci:build/image:1.4.2 --to registry.example/acme/shop:1.4.2 --policy strict --dry-run
  plimsoll promote ghcr.io/acme/staging/shop:1.4.2 --to ghcr.io/acme/shop --policy slsa-3 --trust trust.yaml \\
    --key release.key --verifier-id https://acme.example/gate --audit trail --audit-key audit.key";

/// Options of `promote`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Promote {
    /// The image: NAME[:TAG][@DIGEST], registry:NAME, oci:DIR[:TAG|@DIGEST], or oci-archive:FILE.
    pub(crate) image: String,
    /// Where it goes: a repository, and the tag that it gets there.
    #[arg(long, value_name = "REPO[:TAG]")]
    pub(crate) to: String,
    /// Promote the image of this platform alone, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// Copy and sign nothing, but tell what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The policy: a file, or the name of a built-in one, as for `plimsoll check`.
    #[arg(long, value_name = "FILE|NAME", help_heading = "Gate")]
    pub(crate) policy: Option<PathBuf>,
    /// Whose signatures count, and who must have signed the policy: a trust file, in place of the policy's own.
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    pub(crate) trust: Option<PathBuf>,
    /// Judge as in this environment of the policy.
    #[arg(long, value_name = "NAME", help_heading = "Gate")]
    pub(crate) environment: Option<String>,
    /// Set aside what VEX says is not affected or fixed, as for `plimsoll scan`; may be repeated.
    #[arg(long, value_name = "PATH|referrers", help_heading = "Gate")]
    pub(crate) vex: Vec<VexSource>,
    /// Leave out the secrets that this file covers.
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    pub(crate) secrets_baseline: Option<PathBuf>,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB", help_heading = "Gate")]
    pub(crate) db: Option<PathBuf>,
    /// Neither read nor write the evidence cache.
    #[arg(long, help_heading = "Gate")]
    pub(crate) no_cache: bool,
    /// Sign it in its new place with this private key, as `plimsoll sign` does.
    #[arg(long, value_name = "FILE|pkcs11:URI", help_heading = "Signature")]
    pub(crate) key: Option<String>,
    /// The format of the signature.
    #[arg(
        long = "signature-format",
        value_name = "FORMAT",
        default_value = "bundle",
        help_heading = "Signature"
    )]
    pub(crate) signature_format: SignatureFormat,
    /// Sign this annotation, too; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE", value_parser = super::verify::annotation, requires = "key", help_heading = "Signature")]
    pub(crate) annotation: Vec<(String, String)>,
    /// Attest the verdict, too, as a SLSA verification summary by this verifier: a URI.
    #[arg(long, value_name = "URI", value_parser = super::verify::vsa::verifier, requires = "key", help_heading = "Signature")]
    pub(crate) verifier_id: Option<String>,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}

impl Promote {
    /// The check that is its gate, of the image as it was resolved.
    pub(crate) fn check(&self, image: &str) -> Check {
        Check {
            policy: self.policy.clone(),
            trust: self.trust.clone(),
            environment: self.environment.clone(),
            vex: self.vex.clone(),
            secrets_baseline: self.secrets_baseline.clone(),
            db: self.db.clone(),
            no_cache: self.no_cache,
            platform: self.platform.clone(),
            all_platforms: self.platform.is_none(),
            ..Check::of(image)
        }
    }
}
