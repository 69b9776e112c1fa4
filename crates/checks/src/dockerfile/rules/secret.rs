//! Rules over secrets in a Dockerfile: everything in it is in the image's history, or in its layers.

use std::ops::Range;

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::View;
use super::super::words::Pair;
use super::{Breach, Rule, always};
use crate::build_file::FileRule;
use crate::image_config::is_secret_variable;
use crate::secrets::{redacted, secret_spans};

pub(crate) const VARIABLE: Rule = always(
    FileRule {
        id: "secret-variable",
        aliases: &["DL3064", "SecretsUsedInArgOrEnv"],
        title: "By its name the variable holds a secret, and variables stay in the image",
        severity: Severity::Medium,
        remedy: "Pass the secret with RUN --mount=type=secret, or to the container when it runs",
    },
    variable,
);

pub(crate) const SECRET: Rule = always(
    FileRule {
        id: "secret-in-build-file",
        aliases: &[],
        title: "A secret is written in the file",
        severity: Severity::High,
        remedy: "Revoke the secret, and pass the next one with RUN --mount=type=secret or when the container runs",
    },
    secret,
);

/// Words of a name that mean a secret, and pairs of words.
const WORDS: [&str; 11] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "passphrase",
    "passwd",
    "password",
    "pword",
    "secret",
    "token",
];
/// Words before `key` that make it none, and a last word after which a value only tells about a secret.
const PUBLIC: [&str; 3] = ["gpg", "pub", "public"];

/// Whether a name means a secret. `GPG_KEY` is a fingerprint in all official images.
fn means_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split(['_', '-', '.']);
    !lower.split(['_', '-', '.']).any(|word| PUBLIC.contains(&word))
        && words.any(|word| WORDS.contains(&word))
}

/// The variables of all `ARG` and `ENV`, also those before the first `FROM`.
fn variables<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Instruction, Pair)> {
    let all = view.file.instructions.iter().filter(|found| matches!(found.kind, Kind::Arg | Kind::Env));
    all.flat_map(|instruction| instruction.pairs().into_iter().map(move |pair| (instruction, pair)))
}

fn variable(view: &View<'_>) -> Vec<Breach> {
    let secret = variables(view).filter(|(_, pair)| means_secret(&pair.name));
    secret
        .map(|(instruction, pair)| {
            let at = instruction.logical.source(pair.range.start);
            Breach::new(at, format!("{} {}", instruction.keyword, pair.name))
        })
        .collect()
}

/// Where secrets lie in the file: by their structure, or as values of variables whose name says so.
pub(crate) fn spans(text: &str, instructions: &[Instruction]) -> Vec<Range<usize>> {
    let mut found = secret_spans(text);
    for instruction in
        instructions.iter().filter(|found| matches!(found.kind, Kind::Arg | Kind::Env | Kind::Label))
    {
        for pair in instruction.pairs() {
            let value = pair.value.as_deref().unwrap_or_default();
            if !value.is_empty() && is_secret_variable(&pair.name, value) {
                let raw = instruction.logical.text().get(pair.value_range.clone()).unwrap_or_default();
                let quotes = usize::from(raw.len() > 1 && raw.starts_with(['"', '\'']));
                let inner = pair.value_range.start + quotes..pair.value_range.end - quotes;
                found.push(instruction.logical.source_range(&inner));
            }
        }
    }
    found.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut end = 0;
    found.retain(|span| {
        let is_new = span.start >= end;
        end = end.max(span.end);
        is_new
    });
    found
}

fn secret(view: &View<'_>) -> Vec<Breach> {
    let head = |span: &Range<usize>| redacted(view.text.as_bytes().get(span.clone()).unwrap_or_default());
    let spans = spans(view.text, &view.file.instructions);
    spans.iter().map(|span| Breach::new(span.start, format!("begins with {}", head(span)))).collect()
}
