//! What can be typed behind `plimsoll check`.

use std::path::PathBuf;

use plimsoll_model::platform::Platform;

use super::audit::Auditing;
use super::verify::vsa::EmitVsa;
use super::{SbomSource, Scan, Scanner, VexSource};
use crate::output::{Output, of_check};

const CHECK_HELP: &str = "\
The policy is plimsoll.yaml of the current folder if there is one, else the built-in policy baseline. docs/policy.md tells
how to write one.

Exit codes: 0 pass or warn, 1 fail, 2 undecided (something was not checked, wrong use, or an error).

Examples:
  plimsoll check ghcr.io/acme/shop:1.4.2
  plimsoll check oci:image --policy strict
  plimsoll check oci:image --policy plimsoll.yaml --environment production
  plimsoll check ghcr.io/acme/shop:1.4.2 --policy slsa-3 --trust trust.yaml
  plimsoll check ghcr.io/acme/shop:1.4.2 --trust trust.yaml --emit-vsa vsa.json --vsa-key gate.key \\
    --verifier-id https://acme.example/gate
  plimsoll check oci:image --new-since last-release.json --format json
  plimsoll check oci:image -o text -o sarif=check.sarif -o html=check.html
  plimsoll check oci:image --dockerfile Dockerfile -o github -o markdown=$GITHUB_STEP_SUMMARY
  plimsoll check oci:image --audit trail --audit-key audit.key

Formats (docs/output.md tells what each is for):
  text, json, html, markdown, csv, junit, sarif, github, gitlab-container-scanning,
  gitlab-dependency-scanning, template, openvex, in-toto-vulns";

/// Options of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_HELP)]
pub(crate) struct Check {
    /// The image, as for `plimsoll scan`.
    pub(crate) image: String,
    /// The policy: a file, or the name of a built-in one (baseline, cis, nsa, slsa-3, strict).
    #[arg(long, value_name = "FILE|NAME", help_heading = "Policy")]
    pub(crate) policy: Option<PathBuf>,
    /// Whose signatures count, and who must have signed the policy: a trust file, in place of the policy's own. Nothing is
    /// fetched unless the policy speaks of signatures.
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    pub(crate) trust: Option<PathBuf>,
    /// Judge as in this environment of the policy.
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub(crate) environment: Option<String>,
    /// Judge only what this earlier JSON report of `plimsoll scan` does not have.
    #[arg(long, value_name = "REPORT", help_heading = "Policy")]
    pub(crate) new_since: Option<PathBuf>,
    /// Neither read nor remember since when findings are known.
    #[arg(long, help_heading = "Policy")]
    pub(crate) no_history: bool,
    /// Judge the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", help_heading = "Image")]
    pub(crate) platform: Option<Platform>,
    /// Believe the bill of materials that lies with the image, as for `plimsoll scan`.
    #[arg(long, value_name = "WHICH", help_heading = "Image")]
    pub(crate) sbom: Option<SbomSource>,
    /// Set aside what VEX says is not affected or fixed, as for `plimsoll scan`; may be repeated.
    #[arg(long, value_name = "PATH|referrers", help_heading = "Findings")]
    pub(crate) vex: Vec<VexSource>,
    /// Leave out the secrets that this file covers; `plimsoll secrets --write-baseline` writes one.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub(crate) secrets_baseline: Option<PathBuf>,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB", help_heading = "Findings")]
    pub(crate) db: Option<PathBuf>,
    /// Trace findings to the lines of this Dockerfile, which the image was built from.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// Write a report; may be repeated. Without PATH, or with -, it goes to standard output.
    #[arg(long, short, value_name = "FORMAT[=PATH]", value_parser = of_check, help_heading = "Output")]
    pub(crate) output: Vec<Output>,
    #[command(flatten)]
    pub(crate) vsa: EmitVsa,
    /// Write the report to standard output in this format: text, json, markdown, github or another [default: text].
    #[arg(long, value_name = "FORMAT", value_parser = of_check, conflicts_with = "output", help_heading = "Output")]
    pub(crate) format: Option<Output>,
    /// Write by this template, in the language of Jinja, for the format `template`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) template: Option<PathBuf>,
    /// Judge all images of an index.
    #[arg(skip)]
    pub(crate) all_platforms: bool,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    /// Neither read nor write the evidence cache.
    #[arg(long, help_heading = "Working")]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Working")]
    pub(crate) threads: Option<u16>,
}

impl Check {
    /// Of `image`, with nothing asked for.
    pub(crate) fn of(image: &str) -> Self {
        Self {
            image: image.to_owned(),
            policy: None,
            trust: None,
            environment: None,
            new_since: None,
            no_history: false,
            platform: None,
            sbom: None,
            vex: Vec::new(),
            secrets_baseline: None,
            db: None,
            dockerfile: None,
            output: Vec::new(),
            vsa: EmitVsa::default(),
            format: None,
            template: None,
            all_platforms: false,
            auditing: Auditing::default(),
            no_cache: false,
            threads: None,
        }
    }

    /// The scan that it rests on: for everything.
    pub(crate) fn scan(&self) -> Scan {
        Scan {
            platform: self.platform.clone(),
            all_platforms: self.all_platforms,
            sbom: self.sbom,
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

impl Scan {
    /// A scan that a judgement rests on: of this image, for everything.
    pub(crate) fn for_everything(image: &str) -> Self {
        let scanners =
            vec![Scanner::Vulnerabilities, Scanner::Secrets, Scanner::Configuration, Scanner::Licenses];
        Self { scanners, ..Self::of(image, Scanner::Vulnerabilities) }
    }
}
