//! What can be typed about build files.

use std::path::PathBuf;
use std::str::FromStr;

use plimsoll_checks::build_file::LabelKind;
use plimsoll_policy::Gate;
use plimsoll_report::lint::{FORMATS, LintFormat, by_name};

const LINT_HELP: &str = "\
A folder is searched for Dockerfiles and Containerfiles (Dockerfile.*, *.Dockerfile), Compose files and Kubernetes manifests in
YAML. A file that is named is checked whatever it is called, as a Dockerfile if nothing else recognizes it. `-` is standard input.

A comment sets findings of the instruction below it aside:
  # plimsoll:ignore RULE[,RULE] reason        also with a rule's other names (DL3008); plimsoll:ignore-file for the file
  # hadolint ignore=DL3008,DL3009             and hadolint's `global ignore` and `stage ignore`, BuildKit's `check=skip=`
The scripts of RUN are checked by ShellCheck if it is installed.

Exit codes: 0, 1 with --fail-on if a finding is that severe, 2 if it could not be decided (wrong use, an error, a gap).

Examples:
  plimsoll lint Dockerfile
  plimsoll lint . --fail-on medium
  plimsoll lint Dockerfile --fix
  plimsoll lint Dockerfile --diff
  plimsoll lint Dockerfile --compare-base
  plimsoll lint Dockerfile --compare-base=debian:12-slim
  plimsoll lint . --format sarif > lint.sarif
  plimsoll lint Dockerfile --ignore apt-version-not-pinned,DL3018
  plimsoll lint --list-rules";

/// Options of `lint`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = LINT_HELP)]
pub(crate) struct Lint {
    /// The files and folders.
    #[arg(value_name = "FILE|DIR", required_unless_present = "list_rules")]
    pub(crate) paths: Vec<PathBuf>,
    /// Look at these rules only, by id or by another linter's name for them; also those that are off by default.
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rules")]
    pub(crate) rule: Vec<String>,
    /// Do not look at these rules.
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rules")]
    pub(crate) ignore: Vec<String>,
    /// Images may only be of this registry; `*.acme.example` is possible; may be repeated.
    #[arg(long, value_name = "REGISTRY", help_heading = "Rules")]
    pub(crate) trusted_registry: Vec<String>,
    /// There must be this label, its value a text, url, time (RFC 3339), spdx, git-hash, semver or email; may be repeated.
    #[arg(long, value_name = "NAME[=KIND]", help_heading = "Rules")]
    pub(crate) require_label: Vec<RequiredLabel>,
    /// There may be no other labels.
    #[arg(long, help_heading = "Rules")]
    pub(crate) only_required_labels: bool,
    /// Read the image that the final stage of a Dockerfile begins from, and IMAGE, or one that is enough to run what the stage
    /// makes, and tell what the other one would change: size, packages, vulnerabilities. Needs the registry.
    #[arg(long, value_name = "IMAGE", num_args = 0..=1, require_equals = true, help_heading = "Rules")]
    pub(crate) compare_base: Option<Option<String>>,
    /// The advisory database for --compare-base.
    #[arg(long, value_name = "FILE", help_heading = "Rules", requires = "compare_base")]
    pub(crate) db: Option<PathBuf>,
    /// Do not check scripts with ShellCheck.
    #[arg(long, help_heading = "Rules")]
    pub(crate) no_shellcheck: bool,
    /// Take rules, severities, labels, registries and threshold from this configuration of hadolint; without it from .hadolint.yaml of
    /// the current folder. What the command line says comes first.
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    pub(crate) hadolint: Option<PathBuf>,
    /// Print all rules.
    #[arg(long, help_heading = "Rules")]
    pub(crate) list_rules: bool,
    /// Mend what can be mended mechanically, and tell what is left.
    #[arg(long, help_heading = "Mending")]
    pub(crate) fix: bool,
    /// Change nothing, but print what --fix would change, as a unified diff.
    #[arg(long, visible_alias = "dry-run", help_heading = "Mending")]
    pub(crate) diff: bool,
    /// Exit with 1 if a finding is this severe or worse.
    #[arg(long, value_name = "SEVERITY", help_heading = "Output")]
    pub(crate) fail_on: Option<Gate>,
    /// Write the report in this format: table, json, sarif, github.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    pub(crate) format: Format,
    /// Write the report to this file instead of to standard output.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
    /// What standard input is called in the report.
    #[arg(long, value_name = "NAME", default_value = "Dockerfile", help_heading = "Output")]
    pub(crate) stdin_name: String,
}

/// One `--format`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format(pub(crate) &'static LintFormat);

/// Why a text is no format of reports on build files.
#[derive(Debug, thiserror::Error)]
#[error("format {0:?} is not known, the formats are {known}", known = names())]
pub(crate) struct FormatError(String);

fn names() -> String {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        by_name(text).map(Self).ok_or_else(|| FormatError(text.to_owned()))
    }
}

/// One `--require-label`.
#[derive(Clone, Debug)]
pub(crate) struct RequiredLabel {
    /// The label.
    pub(crate) name: String,
    /// What its value is.
    pub(crate) kind: LabelKind,
}

/// Why a text asks for no label.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no kind of label, the kinds are email, git-hash, semver, spdx, text, time, url")]
pub(crate) struct LabelError(String);

impl FromStr for RequiredLabel {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, kind) = text.split_once('=').unwrap_or((text, "text"));
        let kind = match kind {
            "email" => LabelKind::Email,
            "git-hash" => LabelKind::GitHash,
            "semver" => LabelKind::SemanticVersion,
            "spdx" => LabelKind::Spdx,
            "text" => LabelKind::Text,
            "time" => LabelKind::Time,
            "url" => LabelKind::Url,
            _ => return Err(LabelError(kind.to_owned())),
        };
        Ok(Self { name: name.to_owned(), kind })
    }
}
