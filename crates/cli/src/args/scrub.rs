//! What can be typed after `plimsoll scrub`.

use std::path::PathBuf;

use clap::ValueEnum;
use plimsoll_model::platform::Platform;

use super::Words;

const HELP: &str = "\
DEST is one of
  oci:DIR[:TAG]              an OCI image layout
  oci-archive:FILE[:TAG]     the same in a tar
  docker-archive:FILE[:NAME] what `docker load` and `podman load` read; one platform only
  registry:NAME[:TAG]        a registry
Files appear whole or not at all.

With --repo, DEST is a folder for replacements.txt and command.sh.

The new image is another one: signatures, attestations and bills of materials of the old digest do not hold for it. And
what was in the old image stays known to whoever could pull it: revoke the secrets that are listed.

Exit codes: 0 written and verified (with --dry-run: nothing has to go), 1 secrets remain (with --dry-run: something has to
go), 2 could not, or not all of the image could be searched.

Examples:
  plimsoll scrub shop:1.4 --to oci:clean:1.4
  plimsoll scrub shop:1.4 --dry-run
  plimsoll scrub oci:image --to docker-archive:clean.tar:shop:1.4-clean
  plimsoll scrub ghcr.io/acme/shop:1.4 --to registry:ghcr.io/acme/shop:1.4-clean --mode redact
  plimsoll scrub oci:image --to oci:clean --path '/srv/.git' --path '**/*.pem'
  plimsoll scrub oci:image --to oci:clean --rule aws-access-key-id
  plimsoll scrub --repo . --to ../scrub && sh ../scrub/command.sh --force
  plimsoll scrub --repo . --verify";

/// Options of `scrub`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Scrub {
    /// The image, as for `plimsoll scan`.
    #[arg(required_unless_present = "repo")]
    pub(crate) image: Option<String>,
    /// Where the new image goes; with --repo, the folder for the list and the command.
    #[arg(long, value_name = "DEST", required_unless_present_any = ["dry_run", "verify"])]
    pub(crate) to: Option<String>,
    /// Only tell what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Look at everything that this git repository remembers, instead of an image, and write what git-filter-repo needs to take
    /// the secrets out: a list of them, which only you may read, and a script. The repository is not changed.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["image", "mode", "path", "platform", "no_cache", "threads"], help_heading = "Repositories")]
    pub(crate) repo: Option<PathBuf>,
    /// Only tell whether a secret is in the repository's history.
    #[arg(long, requires = "repo", conflicts_with = "to", help_heading = "Repositories")]
    pub(crate) verify: bool,
    /// Replace what is at the destination: a file, a layout with all its images, a tag.
    #[arg(long)]
    pub(crate) force: bool,
    /// What happens to a file with a secret. In variables, labels and build steps it is always replaced by `[removed]`.
    #[arg(long, value_name = "MODE", default_value = "remove", help_heading = "What goes")]
    pub(crate) mode: ScrubMode,
    /// Remove this, too, from all layers: a path or a folder; `*`, `?` within a name, `**` over folders; may be repeated.
    #[arg(long, value_name = "GLOB", help_heading = "What goes")]
    pub(crate) path: Vec<String>,
    /// Of the secrets only those that this rule found; may be repeated.
    #[arg(long, value_name = "ID", help_heading = "What goes")]
    pub(crate) rule: Vec<String>,
    /// Of the secrets only that with this fingerprint, or its first digits, eight at least; may be repeated.
    #[arg(long, value_name = "SHA256", value_parser = fingerprint, help_heading = "What goes")]
    pub(crate) fingerprint: Vec<String>,
    /// Scrub the image of this platform alone, as linux/arm64. Else those of all platforms are.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
    /// Neither read nor write the evidence cache.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
}

/// What happens to a file with a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ScrubMode {
    /// It goes, with all hard links to it.
    Remove,
    /// The secret is overwritten with as many `*`; lines stay.
    Redact,
}

fn fingerprint(text: &str) -> Result<String, String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && (8..=64).contains(&text.len()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a fingerprint is 64 hexadecimal digits, of which the first 8 suffice".to_owned())
    }
}
