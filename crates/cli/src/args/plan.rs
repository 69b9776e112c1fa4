//! What can be typed behind `plimsoll plan`.

use std::path::PathBuf;

use plimsoll_model::platform::Platform;

use super::audit::Auditing;
use super::{Scan, VexSource, Words};

const PLAN_HELP: &str = "\
Each finding has a risk from 0 to 100 (docs/risk.md), a decision by SSVC, and a day that it is due by the policy's table
(docs/plan.md). The actions that take away most risk come first, with commands to copy.

With --apply, the fixed packages of the distribution (deb, apk, rpm) are fetched from the repositories that the image names,
verified by the keys that the image trusts (gpgv is needed for deb and rpm), and put into a new image as one layer. Nothing
of the image or of the packages is run. DEST is as for `plimsoll scrub`.

A folder, or one file of it, is planned by what requirements*.txt, package-lock.json, Cargo.lock and go.mod name. With --apply,
versions are raised there, with the checksums that the registries tell; --dry-run shows the difference and writes nothing. What
a package manager would have to decide anew is told with its command. With --dockerfile and without --to, --apply changes the
base and the pinned packages of that file.

Exit codes: 0 the image passes its policy (with --apply: the new one does), 1 it fails, 2 undecided, or an error.

Examples:
  plimsoll plan ghcr.io/acme/shop:1.4.2
  plimsoll plan oci:image --policy plimsoll.yaml --format json
  plimsoll plan ghcr.io/acme/shop:1.4.2 --policy slsa-3 --trust trust.yaml
  plimsoll plan . --apply --dry-run
  plimsoll plan oci:image --dockerfile Dockerfile --apply
  plimsoll plan ./front/package-lock.json --apply
  plimsoll plan oci:image --apply --to oci:patched
  plimsoll plan debian:12 --apply --to registry:ghcr.io/acme/debian:12-patched
  plimsoll plan oci:image --apply --to oci:patched --mirror https://mirror.example
  plimsoll plan oci:image --apply --to oci:patched --keyring debian-archive-keyring.gpg \\
      --repository 'http://deb.debian.org/debian-security bookworm-security main'
  plimsoll plan alpine:3.22 --apply --to oci:patched";

/// Options of `plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = PLAN_HELP)]
pub(crate) struct Plan {
    /// The image, as for `plimsoll scan`; or a folder, or one of its files that say what an application is built of.
    #[arg(value_name = "IMAGE|FOLDER|FILE")]
    pub(crate) image: String,
    /// The policy: a file, or the name of a built-in one (baseline, cis, nsa, slsa-3, strict).
    #[arg(long, value_name = "FILE|NAME", help_heading = "Policy")]
    pub(crate) policy: Option<PathBuf>,
    /// Whose signatures count, and who must have signed the policy: a trust file, in place of the policy's own.
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    pub(crate) trust: Option<PathBuf>,
    /// Judge as in this environment of the policy.
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub(crate) environment: Option<String>,
    /// Neither read nor remember since when findings are known.
    #[arg(long, help_heading = "Policy")]
    pub(crate) no_history: bool,
    /// Do what can be done: packages into a new image, versions into files.
    #[arg(long, help_heading = "Apply")]
    pub(crate) apply: bool,
    /// Write no file: show what would change.
    #[arg(long, requires = "apply", conflicts_with = "to", help_heading = "Apply")]
    pub(crate) dry_run: bool,
    /// Ask no registry: raise in files only what needs none.
    #[arg(long, requires = "apply", conflicts_with = "to", help_heading = "Apply")]
    pub(crate) offline: bool,
    /// Where the new image goes.
    #[arg(long, value_name = "DEST", requires = "apply", help_heading = "Apply")]
    pub(crate) to: Option<String>,
    /// Ask this repository instead of those that the image names: `ADDRESS SUITE COMPONENT…`, as a line of sources.list, for deb; its address for apk and rpm; may be repeated.
    #[arg(long, value_name = "LINE", requires = "apply", help_heading = "Apply")]
    pub(crate) repository: Vec<String>,
    /// Ask this host instead of those of all repositories and registries: an address that takes the place of scheme and host.
    #[arg(long, value_name = "URL", requires = "apply", help_heading = "Apply")]
    pub(crate) mirror: Option<String>,
    /// Trust the keys of this file beside those of the image; to apk, the file's name is the key's; may be repeated.
    #[arg(long, value_name = "FILE", requires = "apply", help_heading = "Apply")]
    pub(crate) keyring: Vec<PathBuf>,
    /// Replace what is at the destination.
    #[arg(long, requires = "apply", help_heading = "Apply")]
    pub(crate) force: bool,
    /// Look for newer bases among the known images of this file, as for `plimsoll lineage`.
    #[arg(long, value_name = "FILE", help_heading = "Image")]
    pub(crate) bases: Option<PathBuf>,
    /// Plan for the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", help_heading = "Image")]
    pub(crate) platform: Option<Platform>,
    /// Trace findings of the configuration to the lines of this Dockerfile; with --apply and without --to, change it.
    #[arg(long, value_name = "FILE", help_heading = "Image")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// Set aside what VEX says is not affected or fixed, as for `plimsoll scan`; may be repeated.
    #[arg(long, value_name = "PATH|referrers", help_heading = "Findings")]
    pub(crate) vex: Vec<VexSource>,
    /// Leave out the secrets that this file covers; `plimsoll secrets --write-baseline` writes one.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub(crate) secrets_baseline: Option<PathBuf>,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB", help_heading = "Findings")]
    pub(crate) db: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) format: Words,
    /// Neither read nor write the evidence cache.
    #[arg(long, help_heading = "Working")]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Working")]
    pub(crate) threads: Option<u16>,
}

impl Plan {
    /// The scan that it rests on: for everything.
    pub(crate) fn scan(&self) -> Scan {
        Scan {
            platform: self.platform.clone(),
            vex: self.vex.clone(),
            secrets_baseline: self.secrets_baseline.clone(),
            db: self.db.clone(),
            dockerfile: self.dockerfile.clone(),
            no_cache: self.no_cache,
            threads: self.threads,
            ..Scan::for_everything(&self.image)
        }
    }
}
