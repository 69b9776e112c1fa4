//! Exceptions that another tool's file grants: `exceptions-from`. Each field of it is meant here as its tool means it; one
//! that cannot be is an error, so that no exception reaches farther than its author wrote.

mod grype;
mod osv;
mod pattern;
mod trivy;

use jiff::Timestamp;

use crate::document::Exception;
use crate::glob::Glob;
use crate::selector::{ExceptionSelectors, Places, has_path};
use crate::shape::AnyOf;
use crate::subject::Subject;
use crate::time::Expiry;
use crate::words::{Kind, StatusWord};

/// The most exceptions of one file.
pub(crate) const MOST: usize = 5000;

/// Why a file's exceptions cannot be taken over.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ForeignError {
    #[error(
        "what it is, its name does not tell: .trivyignore, .trivyignore.yaml, .grype.yaml and osv-scanner.toml are known"
    )]
    Unknown,
    #[error("it is not UTF-8")]
    Text,
    #[error("it has more than {MOST} exceptions")]
    TooMany,
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
    #[error("{0}")]
    Malformed(String),
    #[error("{place}: {reason}")]
    Entry { place: String, reason: String },
}

/// What an exception asks for, in another tool's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Foreign {
    /// What it is for, in words.
    pub(crate) title: String,
    /// The kinds of finding that it is for; empty for all that the tool has.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) id: Option<ForeignId>,
    /// Package URLs, of which one must be the package's; without a version, any.
    pub(crate) purls: Vec<String>,
    /// The package's name.
    pub(crate) name: Option<String>,
    /// The package's version.
    pub(crate) version: Option<String>,
    /// The type in the package URL, or type and namespace, one of these: `npm`, `deb/debian`.
    pub(crate) types: Vec<&'static str>,
    /// One of the files.
    pub(crate) paths: Option<AnyOf<Glob>>,
    pub(crate) fix: Option<FixState>,
    /// The licence that the package declares.
    pub(crate) license: Option<String>,
}

/// The id that an exception names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ForeignId {
    /// That of the finding, or of an advisory that matched.
    Own(String),
    /// Or another id of the same vulnerability.
    Any(String),
}

/// Whether there is a fix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FixState {
    Fixed,
    NotFixed,
    WontFix,
}

impl Foreign {
    /// Tells whether it is for `subject`.
    pub(crate) fn fit(&self, subject: &Subject<'_>) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&subject.kind))
            && self.id.as_ref().is_none_or(|id| id.is_of(subject))
            && self.fix.is_none_or(|state| state.is_of(subject))
            && self.license.as_ref().is_none_or(|license| subject.license == Some(license))
            && self.fits_package(subject)
            && self.paths.as_ref().is_none_or(|globs| has_path(globs, subject, Places::All))
    }

    fn fits_package(&self, subject: &Subject<'_>) -> bool {
        if self.purls.is_empty() && self.name.is_none() && self.version.is_none() && self.types.is_empty() {
            return true;
        }
        let Some((purl, bare)) = subject.package() else { return false };
        let is_purl =
            |wanted: &String| *wanted == purl || *wanted == bare || without_qualifiers(purl) == wanted;
        if !self.purls.is_empty() && !self.purls.iter().any(is_purl) {
            return false;
        }
        let is_type = |kind: &&str| {
            let rest = purl.strip_prefix("pkg:").and_then(|rest| rest.strip_prefix(kind));
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        if !self.types.is_empty() && !self.types.iter().any(is_type) {
            return false;
        }
        let Some((name, version)) = subject.named() else { return false };
        self.name.as_ref().is_none_or(|wanted| *wanted == name)
            && self.version.as_ref().is_none_or(|wanted| *wanted == version)
    }
}

fn without_qualifiers(purl: &str) -> &str {
    purl.split(['?', '#']).next().unwrap_or(purl)
}

impl ForeignId {
    fn is_of(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Own(id) => {
                subject.id == id || subject.matches.iter().any(|matched| matched.advisory == *id)
            }
            Self::Any(id) => subject.id == id || subject.aliases.contains(id),
        }
    }
}

impl FixState {
    fn is_of(self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Fixed => subject.is_fixable,
            Self::NotFixed => {
                let is_open = matches!(
                    subject.status,
                    Some(StatusWord::Affected | StatusWord::FixDeferred | StatusWord::UnderInvestigation)
                );
                !subject.is_fixable && is_open
            }
            Self::WontFix => !subject.is_fixable && subject.status == Some(StatusWord::WillNotFix),
        }
    }
}

/// One exception of a file, before it is one of the policy.
struct Entry {
    foreign: Foreign,
    reason: Option<String>,
    expires: Option<Expiry>,
}

/// The exceptions of the file `name`.
///
/// # Errors
/// If the file is of no known kind, malformed, or says what cannot be meant here.
pub(crate) fn exceptions(name: &str, bytes: &[u8]) -> Result<Vec<Exception>, ForeignError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ForeignError::Text)?;
    let entries = match name.rsplit('/').next().unwrap_or(name) {
        ".trivyignore" | "trivyignore" => trivy::lines(text)?,
        ".trivyignore.yaml" | ".trivyignore.yml" | "trivyignore.yaml" | "trivyignore.yml" => {
            trivy::yaml(text)?
        }
        ".grype.yaml" | ".grype.yml" | "grype.yaml" | "grype.yml" => grype::yaml(text)?,
        "osv-scanner.toml" | ".osv-scanner.toml" => osv::toml(text)?,
        _ => return Err(ForeignError::Unknown),
    };
    if entries.len() > MOST {
        return Err(ForeignError::TooMany);
    }
    Ok(entries.into_iter().map(|entry| entry.exception(name)).collect())
}

impl Entry {
    fn exception(mut self, file: &str) -> Exception {
        self.foreign.title = format!("{} ({file})", self.foreign.in_words());
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        Exception {
            selectors: ExceptionSelectors { foreign: Some(Box::new(self.foreign)), ..Default::default() },
            reason: reason.unwrap_or_else(|| format!("{file} gives no reason")),
            owner: None,
            expires: self.expires,
            ticket: None,
        }
    }
}

impl Foreign {
    fn in_words(&self) -> String {
        let id = self.id.as_ref().map(|(ForeignId::Own(id) | ForeignId::Any(id))| format!("id {id}"));
        let joined = |name: &str, words: &[String]| {
            (!words.is_empty()).then(|| format!("{name} {}", words.join(" or ")))
        };
        let paths =
            self.paths.as_ref().map(|globs| format!("path {}", globs.words(|glob| glob.as_str().to_owned())));
        let types: Vec<String> = self.types.iter().map(|kind| (*kind).to_owned()).collect();
        let fix = self.fix.map(|fix| match fix {
            FixState::Fixed => "fix-state fixed".to_owned(),
            FixState::NotFixed => "fix-state not-fixed".to_owned(),
            FixState::WontFix => "fix-state wont-fix".to_owned(),
        });
        let kind =
            self.id.is_none().then(|| self.kinds.first().map(|kind| kind.as_str().to_owned())).flatten();
        let parts = [
            id,
            kind,
            self.license.as_ref().map(|license| format!("license {license}")),
            joined("package", &self.purls),
            self.name.as_ref().map(|name| format!("package {name}")),
            self.version.as_ref().map(|version| format!("version {version}")),
            joined("ecosystem", &types),
            paths,
            fix,
        ];
        parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
    }
}

/// An end of which the last instant is the one before `end`: the other tool counts no longer at `end` itself.
fn before(written: String, end: Timestamp) -> Option<Expiry> {
    let last = end.checked_sub(jiff::Span::new().nanoseconds(1)).ok()?;
    Some(Expiry::at(written, last))
}

#[cfg(test)]
mod tests;
