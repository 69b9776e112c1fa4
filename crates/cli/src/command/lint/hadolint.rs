//! hadolint's configuration file, so that a project can change the linter and keep its rules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_checks::build_file::{Checked, LabelKind};
use plimsoll_formats::bounded;
use plimsoll_model::severity::Severity;
use plimsoll_policy::Gate;
use serde::Deserialize;

use super::all_rules;
use crate::args::{Lint, RequiredLabel};
use crate::progress;

/// The names that are looked for in the current folder.
const NAMES: [&str; 2] = [".hadolint.yaml", ".hadolint.yml"];
/// A file that is larger is not read.
const SIZE: u64 = 1 << 20;

/// The file's content (<https://github.com/hadolint/hadolint#configure>).
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    ignored: Vec<String>,
    #[serde(alias = "trustedRegistries")]
    trusted_registries: OneOrMany,
    label_schema: BTreeMap<String, String>,
    strict_labels: bool,
    #[serde(rename = "override")]
    severities: Severities,
    failure_threshold: Option<String>,
    no_fail: bool,
    disable_ignore_pragma: bool,
    // What reports look like is asked for on the command line.
    #[serde(rename = "format")]
    _format: Option<String>,
    #[serde(rename = "no-color")]
    _no_color: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Severities {
    error: Vec<String>,
    warning: Vec<String>,
    info: Vec<String>,
    style: Vec<String>,
}

/// What the file says that the command line has no words for.
#[derive(Debug, Default)]
pub(super) struct Hadolint {
    /// Rules by their hadolint names, and how bad a breach is.
    severities: Vec<(String, Severity)>,
    /// Whether comments in the file set nothing aside.
    without_comments: bool,
}

/// Adds to `args` what hadolint's configuration says: that which `--hadolint` names, or that of the current folder. What
/// the command line says comes first.
pub(super) fn apply(args: &mut Lint) -> anyhow::Result<Hadolint> {
    let here = || NAMES.iter().map(PathBuf::from).find(|path| path.is_file());
    let Some(path) = args.hadolint.clone().or_else(here) else { return Ok(Hadolint::default()) };
    let file = read(&path)?;
    if args.hadolint.is_none() {
        progress::note(&format!("with the rules of {}", path.display()));
    }
    let severities = [
        (file.severities.error, Severity::High),
        (file.severities.warning, Severity::Medium),
        (file.severities.info, Severity::Low),
        (file.severities.style, Severity::Negligible),
    ];
    let severities = severities
        .into_iter()
        .flat_map(|(rules, severity)| rules.into_iter().map(move |rule| (rule, severity)));
    args.ignore.extend(file.ignored);
    args.trusted_registry.extend(match file.trusted_registries {
        OneOrMany::One(registry) => vec![registry],
        OneOrMany::Many(registries) => registries,
    });
    args.only_required_labels |= file.strict_labels;
    for (name, kind) in file.label_schema {
        let kind = kind_of(&kind).with_context(|| format!("{}: label {name}", path.display()))?;
        args.require_label.push(RequiredLabel { name, kind });
    }
    if let Some(threshold) = file.failure_threshold.filter(|_| args.fail_on.is_none() && !file.no_fail) {
        args.fail_on = gate(&threshold).with_context(|| path.display().to_string())?;
    }
    Ok(Hadolint { severities: severities.collect(), without_comments: file.disable_ignore_pragma })
}

fn read(path: &Path) -> anyhow::Result<File> {
    let context = || format!("reading {}", path.display());
    let bytes = bounded::read_file(path, SIZE).with_context(context)?;
    let text = std::str::from_utf8(&bytes).with_context(context)?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(File::default());
    }
    serde_yaml_ng::from_str(text).with_context(context)
}

fn kind_of(word: &str) -> anyhow::Result<LabelKind> {
    Ok(match word {
        "email" => LabelKind::Email,
        "hash" => LabelKind::GitHash,
        "rawText" | "text" => LabelKind::Text,
        "rfc3339" => LabelKind::Time,
        "semver" => LabelKind::SemanticVersion,
        "spdx" => LabelKind::Spdx,
        "url" => LabelKind::Url,
        other => bail!(
            "{other:?} is no kind of label; the kinds are email, hash, rfc3339, semver, spdx, text, url"
        ),
    })
}

fn gate(threshold: &str) -> anyhow::Result<Option<Gate>> {
    let severity = match threshold {
        "error" => "high",
        "warning" => "medium",
        "info" => "low",
        "style" => "negligible",
        "ignore" | "none" => return Ok(None),
        other => {
            bail!("{other:?} is no failure-threshold; they are error, warning, info, style, ignore, none")
        }
    };
    Ok(Some(severity.parse()?))
}

impl Hadolint {
    /// What the file makes of what was checked.
    pub(super) fn adjust(&self, checked: &mut Checked) {
        if self.without_comments {
            checked.findings.extend(checked.ignored.drain(..).map(|ignored| ignored.finding));
            let place =
                |line: Option<&plimsoll_model::position::Position>| line.map(|at| (at.line, at.column));
            checked.findings.sort_by_key(|finding| place(finding.position.as_ref()));
        }
        for finding in &mut checked.findings {
            let aliases =
                all_rules().iter().find(|rule| rule.id == finding.id).map_or(&[][..], |rule| rule.aliases);
            let named = |name: &str| name.eq_ignore_ascii_case(&finding.id) || aliases.contains(&name);
            if let Some((_, severity)) = self.severities.iter().find(|(name, _)| named(name)) {
                finding.severity = *severity;
            }
        }
    }
}
