//! The secrets of folders, files and repositories: as a table and as JSON.

use std::io::{self, Write};

use plimsoll_model::evidence::SecretHit;
use plimsoll_model::gap::Gap;
use plimsoll_model::liveness::Liveness;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::table::{clean, first_gaps, known_secrets, new_table, section};

/// The version of the JSON document's schema, `docs/schema/secrets-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Everything that is told of a search.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// What was found.
    pub secrets: &'a [Secret<'a>],
    /// What could not be read.
    pub gaps: &'a [Gap],
    /// How many secrets the baseline covers; they are not among those found.
    pub known: usize,
    /// How many files and versions of files were searched.
    pub files: u64,
}

/// A secret, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Secret<'a> {
    /// What was found.
    pub hit: &'a SecretHit,
    /// The path.
    pub path: &'a str,
    /// The member of an archive, or the like, at that path.
    pub inside: Option<&'a str>,
    /// The place in a repository's history: none is a file of today.
    pub history: Option<History<'a>>,
    /// What its provider says of it, if it was asked.
    pub liveness: Option<&'a Liveness>,
}

/// A place in a repository's history.
#[derive(Clone, Copy, Debug)]
pub enum History<'a> {
    /// The oldest commit with it.
    Commit(&'a str),
    /// In no commit.
    Loose,
}

/// Writes a table for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(search: &Search<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if !search.secrets.is_empty() {
        let asked = search.secrets.iter().any(|secret| secret.liveness.is_some());
        let mut heads = vec!["SEVERITY", "RULE", "SECRET", "WHERE", "COMMIT"];
        heads.extend(asked.then_some("PROVIDER SAYS"));
        let mut table = new_table(style, &heads);
        for secret in search.secrets {
            let SecretHit { rule, severity, line, redacted, .. } = secret.hit;
            let inside = secret.inside.map_or(String::new(), |inside| format!("!/{inside}"));
            let commit = match secret.history {
                None => "",
                Some(History::Commit(id)) => id.get(..12).unwrap_or(id),
                Some(History::Loose) => "in none",
            };
            let place = format!("{}:{line}", clean(&format!("{}{inside}", secret.path)));
            let mut row =
                vec![severity.as_str().to_owned(), rule.clone(), clean(redacted), place, commit.to_owned()];
            row.extend(secret.liveness.map(|said| clean(&format!("{}: {}", said.as_str(), said.why()))));
            table.add_row(row);
        }
        writeln!(out, "{table}\n")?;
    }
    if !search.gaps.is_empty() {
        section("Not checked", style, out)?;
        first_gaps(search.gaps, out)?;
        writeln!(out)?;
    }
    if search.known > 0 {
        writeln!(out, "{}", known_secrets(search.known))?;
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (count, files) = (search.secrets.len(), search.files);
    let end = usize::try_from(files).map_or("s", plural);
    writeln!(out, "{count} secret{} in {files} file{end}", plural(count))
}

/// Writes JSON.
///
/// # Errors
/// If `out` fails.
pub fn write_json(search: &Search<'_>, out: &mut dyn Write) -> io::Result<()> {
    let secret = |secret: &Secret<'_>| SecretDocument {
        rule: secret.hit.rule.clone(),
        title: secret.hit.title.clone(),
        severity: secret.hit.severity.as_str(),
        path: secret.path.to_owned(),
        inside: secret.inside.map(str::to_owned),
        line: secret.hit.line,
        commit: match secret.history {
            Some(History::Commit(id)) => Some(id.to_owned()),
            Some(History::Loose) | None => None,
        },
        place: match secret.history {
            None => "file",
            Some(History::Commit(_)) => "commit",
            Some(History::Loose) => "object",
        },
        redacted: secret.hit.redacted.clone(),
        fingerprint: secret.hit.fingerprint.clone(),
        provider: secret
            .liveness
            .map(|said| ProviderDocument { says: said.as_str(), why: said.why().to_owned() }),
    };
    let gap = |gap: &Gap| GapDocument {
        kind: serde_json::to_value(gap.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)),
        subject: gap.subject.clone(),
        reason: gap.reason.clone(),
    };
    let document = Document {
        schema_version: SCHEMA_VERSION,
        files: search.files,
        secrets: search.secrets.iter().map(secret).collect(),
        secrets_known: Some(search.known).filter(|count| *count > 0),
        gaps: search.gaps.iter().map(gap).collect(),
    };
    crate::write_json(&document, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document>()
}

/// The result of one run of `plimsoll secrets`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    /// The version of this document's schema.
    schema_version: &'static str,
    /// How many files and versions of files were searched.
    files: u64,
    /// The secrets, sorted by path.
    secrets: Vec<SecretDocument>,
    /// How many secrets the baseline covers; they are not among the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets_known: Option<usize>,
    /// What could not be read.
    gaps: Vec<GapDocument>,
}

/// A secret.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretDocument {
    /// The rule that found it.
    rule: String,
    /// What it is, for people.
    title: String,
    /// critical, high, medium, low.
    severity: &'static str,
    /// The path, from what was searched; of an object that no commit holds, its id.
    path: String,
    /// The member of an archive, or the like, at that path.
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<String>,
    /// The line, counted from one.
    line: u32,
    /// `file`: a file of today; `commit`: in the history; `object`: in the repository, but in no commit.
    place: &'static str,
    /// The oldest commit with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// The head of the secret, never more than a quarter of it.
    redacted: String,
    /// SHA-256 of the secret.
    fingerprint: String,
    /// What its provider says; only with `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderDocument>,
}

/// What a provider says of a secret.
#[derive(JsonSchema, Serialize)]
struct ProviderDocument {
    /// `accepted`, `refused`, or `unknown` if nobody could be asked or the answer tells nothing.
    says: &'static str,
    /// Which host says so, or why none does.
    why: String,
}

/// Something that was not searched.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct GapDocument {
    /// The kind, as in the report of a scan.
    kind: Option<String>,
    /// What was not searched.
    subject: String,
    /// Why.
    reason: String,
}
