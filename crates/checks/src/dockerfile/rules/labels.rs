//! Rules over labels: their names, which there must be, and what their values are. Without a schema of the user's the
//! labels of OCI whose form is defined are looked at
//! (<https://github.com/opencontainers/image-spec/blob/main/annotations.md>).

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::View;
use super::super::words::Pair;
use super::{Breach, Rule, always};
use crate::build_file::{FileRule, LabelKind, OtherLabels};

const fn about(
    id: &'static str,
    alias: &'static [&'static str],
    title: &'static str,
    remedy: &'static str,
) -> FileRule {
    FileRule { id, aliases: alias, title, severity: Severity::Negligible, remedy }
}

pub(crate) const INVALID_KEY: Rule = always(
    about(
        "invalid-label-key",
        &["DL3048"],
        "The label's name is not as names of labels should be",
        "Use lower-case letters, digits, dots and dashes, and no name space of Docker's",
    ),
    |view| with_labels(view, |pair| !is_key(&pair.name)),
);

pub(crate) const MISSING: Rule = always(
    about("missing-label", &["DL3049"], "A label is missing that there must be", "Add the label"),
    missing,
);

pub(crate) const SUPERFLUOUS: Rule = always(
    about("superfluous-label", &["DL3050"], "There is a label that nobody asks for", "Take the label out"),
    |view| {
        let asked = |pair: &Pair| view.settings.labels.iter().any(|(name, _)| *name == pair.name);
        with_labels(view, |pair| view.settings.other_labels == OtherLabels::Superfluous && !asked(pair))
    },
);

pub(crate) const EMPTY: Rule =
    always(about("empty-label", &["DL3051"], "The label has no value", "Give the label a value"), |view| {
        let asked = |pair: &Pair| kind_of(view, &pair.name).is_some();
        with_labels(view, |pair| asked(pair) && pair.value.as_deref().is_none_or(str::is_empty))
    });

pub(crate) const URL: Rule = always(
    about("label-not-url", &["DL3052"], "The label's value is no address", "Write the address in full"),
    |view| of_kind(view, LabelKind::Url),
);

pub(crate) const TIME: Rule = always(
    about("label-not-time", &["DL3053"], "The label's value is no time", "Write the time as RFC 3339 has it"),
    |view| of_kind(view, LabelKind::Time),
);

pub(crate) const SPDX: Rule = always(
    about(
        "label-not-spdx",
        &["DL3054"],
        "The label's value is no licence expression",
        "Write the licence as SPDX has it",
    ),
    |view| of_kind(view, LabelKind::Spdx),
);

pub(crate) const GIT_HASH: Rule = always(
    about("label-not-git-hash", &["DL3055"], "The label's value is no commit", "Write the commit's hash"),
    |view| of_kind(view, LabelKind::GitHash),
);

pub(crate) const SEMANTIC_VERSION: Rule = always(
    about(
        "label-not-semantic-version",
        &["DL3056"],
        "The label's value is no semantic version",
        "Write the version as MAJOR.MINOR.PATCH",
    ),
    |view| of_kind(view, LabelKind::SemanticVersion),
);

pub(crate) const EMAIL: Rule = always(
    about("label-not-email", &["DL3058"], "The label's value is no address of e-mail", "Write NAME@HOST"),
    |view| of_kind(view, LabelKind::Email),
);

/// The labels of OCI whose form is defined.
const KNOWN: [(&str, LabelKind); 5] = [
    ("org.opencontainers.image.created", LabelKind::Time),
    ("org.opencontainers.image.documentation", LabelKind::Url),
    ("org.opencontainers.image.licenses", LabelKind::Spdx),
    ("org.opencontainers.image.source", LabelKind::Url),
    ("org.opencontainers.image.url", LabelKind::Url),
];

fn kind_of(view: &View<'_>, name: &str) -> Option<LabelKind> {
    let asked = view.settings.labels.iter().find(|(own, _)| own == name).map(|(_, kind)| *kind);
    asked.or_else(|| KNOWN.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind))
}

fn labels<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Instruction, Pair)> {
    let all = view.of_kind(Kind::Label);
    all.flat_map(|(_, instruction)| instruction.pairs().into_iter().map(move |pair| (instruction, pair)))
}

fn with_labels(view: &View<'_>, breaks: impl Fn(&Pair) -> bool) -> Vec<Breach> {
    let broken = labels(view).filter(|(_, pair)| breaks(pair));
    broken.map(|(found, pair)| Breach::new(found.logical.source(pair.range.start), pair.name)).collect()
}

/// Letters, digits, dots and dashes in lower case, single, a letter first, and none of the reserved name spaces.
fn is_key(key: &str) -> bool {
    let reserved = ["com.docker.", "io.docker.", "org.dockerproject."];
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '/');
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && key.chars().all(allowed)
        && !key.contains("..")
        && !key.contains("--")
        && !reserved.iter().any(|prefix| key.starts_with(prefix))
}

fn missing(view: &View<'_>) -> Vec<Breach> {
    let Some(last) = view.stages.len().checked_sub(1) else { return Vec::new() };
    let Some(stage) = view.stages.get(last).filter(|stage| stage.from.is_some()) else { return Vec::new() };
    let lineage = view.lineage(last);
    let pairs = || lineage.iter().flat_map(|stage| stage.own(Kind::Label)).flat_map(Instruction::pairs);
    let gone = view.settings.labels.iter().filter(|(name, _)| !pairs().any(|pair| pair.name == *name));
    gone.map(|(name, _)| Breach::new(stage.at(), name.clone())).collect()
}

fn of_kind(view: &View<'_>, kind: LabelKind) -> Vec<Breach> {
    let mut found = Vec::new();
    for (instruction, pair) in labels(view) {
        let value = pair.value.unwrap_or_default();
        if kind_of(view, &pair.name) == Some(kind)
            && !value.is_empty()
            && !value.contains('$')
            && !is(kind, &value)
        {
            found.push(Breach::new(
                instruction.logical.source(pair.range.start),
                format!("{}={value}", pair.name),
            ));
        }
    }
    found
}

fn is(kind: LabelKind, value: &str) -> bool {
    match kind {
        LabelKind::Text => true,
        LabelKind::Url => value.split_once("://").is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.is_empty() && !rest.contains(' ')
        }),
        LabelKind::Time => value.parse::<jiff::Timestamp>().is_ok(),
        LabelKind::Spdx => spdx::Expression::parse(value).is_ok(),
        LabelKind::GitHash => {
            matches!(value.len(), 7..=40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        LabelKind::SemanticVersion => is_semantic_version(value),
        LabelKind::Email => value.rsplit_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && host.split('.').all(|part| !part.is_empty())
                && !value.contains(char::is_whitespace)
        }),
    }
}

/// MAJOR.MINOR.PATCH, and what may follow (<https://semver.org>).
fn is_semantic_version(value: &str) -> bool {
    let (version, build) =
        value.split_once('+').map_or((value, None), |(version, build)| (version, Some(build)));
    let (core, pre) = version.split_once('-').map_or((version, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    core.split('.').count() == 3
        && core.split('.').all(number)
        && [pre, build].into_iter().flatten().all(|rest| rest.split('.').all(word))
}
