//! What is typed for `plimsoll ci`.

use std::path::PathBuf;

use plimsoll_model::platform::Platform;

use super::{Check, VexSource};

const HELP: &str = "\
Which system it runs in is told by the environment (GITHUB_ACTIONS, GITLAB_CI, JENKINS_URL, TF_BUILD, CIRCLECI, BUILDKITE, CI), and so which reports \
are written. All rest on one scan:
  everywhere   the verdict as text, plimsoll.json, plimsoll.html, plimsoll.cdx.json (bill of materials), plimsoll.xml (JUnit)
  GitHub       also plimsoll.sarif, annotations, and the job's summary
  GitLab       also gl-container-scanning-report.json

Exit codes: as plimsoll check: 0 pass or warn, 1 fail, 2 undecided.

Examples:
  plimsoll ci ghcr.io/acme/shop:1.4.2
  plimsoll ci oci:build/image --policy plimsoll.yaml --dockerfile Dockerfile --folder reports
  plimsoll ci oci:build/image --print";

/// Options of `ci`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Ci {
    /// The image, as for `plimsoll scan`.
    pub(crate) image: String,
    /// The policy: a file, or the name of a built-in one; else plimsoll.yaml of the folder, else baseline.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) policy: Option<PathBuf>,
    /// Judge as in this environment of the policy.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Judge only what this earlier JSON report does not have.
    #[arg(long, value_name = "REPORT")]
    pub(crate) new_since: Option<PathBuf>,
    /// The Dockerfile that the image was built from, to point at its lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// Judge the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// Set aside what VEX says is not affected or fixed, as for `plimsoll scan`; may be repeated.
    #[arg(long, value_name = "PATH|referrers")]
    pub(crate) vex: Vec<VexSource>,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Write the reports into this folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Do nothing, but print the commands that do the same.
    #[arg(long)]
    pub(crate) print: bool,
}

impl Ci {
    /// The check that it is.
    pub(crate) fn check(&self) -> Check {
        Check {
            policy: self.policy.clone(),
            environment: self.environment.clone(),
            new_since: self.new_since.clone(),
            platform: self.platform.clone(),
            vex: self.vex.clone(),
            db: self.db.clone(),
            dockerfile: self.dockerfile.clone(),
            ..Check::of(&self.image)
        }
    }
}
