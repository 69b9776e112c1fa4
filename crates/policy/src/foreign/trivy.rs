//! `.trivyignore`, one id a line, and `.trivyignore.yaml`, as Trivy reads them
//! (<https://trivy.dev/latest/docs/configuration/filtering/>). A day of expiry is over with its first second, in UTC.

use jiff::Timestamp;
use serde::Deserialize;

use super::pattern::{Paths, paths, shortened};
use super::{Entry, Foreign, ForeignError, ForeignId, MOST};
use crate::fields::midnight;
use crate::time::Expiry;
use crate::words::Kind;

/// What Trivy can find.
const KINDS: [Kind; 4] = [Kind::Vulnerability, Kind::Misconfiguration, Kind::Secret, Kind::License];

/// The exceptions of `.trivyignore`.
pub(super) fn lines(text: &str) -> Result<Vec<Entry>, ForeignError> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if entries.len() == MOST {
            return Err(ForeignError::TooMany);
        }
        entries.push(entry(line).map_err(|reason| ForeignError::Line { line: index + 1, reason })?);
    }
    Ok(entries)
}

/// `CVE-2022-40897 exp:2024-12-31`; behind a `#` stands what is for people.
fn entry(line: &str) -> Result<Entry, String> {
    let (line, reason) = match line.split_once(" #") {
        Some((line, reason)) => (line, Some(reason.trim().to_owned())),
        None => (line, None),
    };
    let mut words = line.split_whitespace();
    let id = words.next().unwrap_or_default().to_owned();
    let mut expires = None;
    for word in words {
        let end = word.strip_prefix("exp:").and_then(expiry);
        expires = Some(end.ok_or_else(|| format!("{:?} is no exp:YYYY-MM-DD", shortened(word)))?);
    }
    let foreign = Foreign { kinds: KINDS.to_vec(), id: Some(ForeignId::Own(id)), ..Foreign::default() };
    Ok(Entry { foreign, reason, expires })
}

/// Trivy lets an exception count until the instant at which its day begins.
fn expiry(text: &str) -> Option<Expiry> {
    let end = match text.parse::<jiff::civil::Date>() {
        Ok(day) if text.len() == 10 => midnight(day)?,
        _ => text.parse::<Timestamp>().ok()?,
    };
    Some(Expiry::at(text.to_owned(), end))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    vulnerabilities: Vec<Item>,
    #[serde(default)]
    misconfigurations: Vec<Item>,
    #[serde(default)]
    secrets: Vec<Item>,
    #[serde(default)]
    licenses: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    id: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    purls: Vec<String>,
    #[serde(default)]
    statement: Option<String>,
    #[serde(default)]
    expired_at: Option<String>,
}

/// The exceptions of `.trivyignore.yaml`.
pub(super) fn yaml(text: &str) -> Result<Vec<Entry>, ForeignError> {
    let document: Document = crate::read::from_yaml(text).map_err(ForeignError::Malformed)?;
    let sections = [
        ("vulnerabilities", Kind::Vulnerability, document.vulnerabilities),
        ("misconfigurations", Kind::Misconfiguration, document.misconfigurations),
        ("secrets", Kind::Secret, document.secrets),
        ("licenses", Kind::License, document.licenses),
    ];
    let mut entries = Vec::new();
    for (name, kind, items) in sections {
        for (index, item) in items.into_iter().enumerate() {
            let place = || format!("{name}[{index}]");
            entries.push(item.entry(kind).map_err(|reason| ForeignError::Entry { place: place(), reason })?);
        }
    }
    Ok(entries)
}

impl Item {
    fn entry(self, kind: Kind) -> Result<Entry, String> {
        let id = self.id.trim().to_owned();
        if id.is_empty() {
            return Err("id is empty".to_owned());
        }
        if !self.purls.is_empty() && !matches!(kind, Kind::Vulnerability | Kind::License) {
            return Err("purls are for vulnerabilities and licences".to_owned());
        }
        if let Some(purl) = self.purls.iter().find(|purl| !purl.starts_with("pkg:") || purl.contains('*')) {
            return Err(format!("{:?} is no package URL", shortened(purl)));
        }
        let expires = match self.expired_at {
            Some(text) => {
                Some(expiry(&text).ok_or_else(|| format!("expired_at: {:?} is no day", shortened(&text)))?)
            }
            None => None,
        };
        let foreign = Foreign {
            kinds: vec![kind],
            purls: self.purls,
            paths: paths(&self.paths, Paths::Relative)?,
            ..Foreign::default()
        };
        // Trivy names a licence by itself, Plimsoll its finding by what is wrong with it.
        let foreign = if kind == Kind::License {
            Foreign { license: Some(id), ..foreign }
        } else {
            Foreign { id: Some(ForeignId::Own(id)), ..foreign }
        };
        Ok(Entry { foreign, reason: self.statement, expires })
    }
}
