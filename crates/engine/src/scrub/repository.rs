//! The secrets in a git repository's history as a list for git-filter-repo
//! (<https://htmlpreview.github.io/?https://github.com/newren/git-filter-repo/blob/docs/html/git-filter-repo.html>), which
//! takes them out. Nothing is changed here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use plimsoll_checks::secrets::{SECRETS, is_text, secret_places};
use plimsoll_git::{Blob, OpenError, Repository};
use plimsoll_model::evidence::{Fact, SecretHit};
use plimsoll_model::extractor::{Facts, SNIFF, ScanFile};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::scrub::Rotation;

use super::Selection;

/// What stands where a secret was.
const REPLACEMENT: &[u8] = b"==>***REMOVED***\n";

/// What a repository remembers of secrets.
#[derive(Default)]
pub struct History {
    /// The secrets themselves, the longest first, so that none is cut by another.
    secrets: BTreeSet<(std::cmp::Reverse<usize>, Vec<u8>)>,
    rotate: BTreeMap<String, Rotation>,
    gaps: Vec<Gap>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("rotate", &self.rotate).finish_non_exhaustive()
    }
}

impl History {
    /// Searches everything that the repository in `folder` remembers for what is selected.
    ///
    /// # Errors
    /// If there is no repository.
    pub fn of(folder: &Path, selection: &Selection) -> Result<Self, OpenError> {
        let mut history = Self::default();
        let gaps = Repository::open(folder)?.blobs(None, &mut |blob| history.blob(blob, selection))?;
        history.gaps.extend(gaps);
        history.gaps.sort();
        history.gaps.dedup();
        Ok(history)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rotate.is_empty()
    }

    /// What must be rotated, the worst first, and what could not be read.
    #[must_use]
    pub fn told(&self) -> (Vec<Rotation>, Vec<Gap>) {
        let mut rotate: Vec<Rotation> = self.rotate.values().cloned().collect();
        rotate.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(&b.rule)));
        (rotate, self.gaps.clone())
    }

    /// The list for `--replace-text`. It holds the secrets.
    #[must_use]
    pub fn list(&self) -> Vec<u8> {
        self.secrets.iter().flat_map(|(_, secret)| expression(secret)).collect()
    }

    fn blob(&mut self, blob: &Blob<'_>, selection: &Selection) {
        if !is_text(blob.bytes.get(..SNIFF).unwrap_or(blob.bytes)) {
            return;
        }
        let mut facts = Facts::new();
        facts.at(blob.path, 0);
        // What is not searched for findings is not searched here: samples in documentation, files beyond the limit.
        if let Err(error) =
            (SECRETS.extract)(&mut ScanFile::in_memory(blob.path, 0o644, blob.bytes), &mut facts)
        {
            self.gaps.push(Gap::new(GapKind::FileUnread, blob.path, error.to_string()));
        }
        let (located, _) = facts.into_parts(|_, _| true);
        let hits: Vec<SecretHit> = located.into_iter().filter_map(|located| hit(located.fact)).collect();
        if hits.is_empty() {
            return;
        }
        let place = match blob.commit {
            Some(commit) => format!("{} of commit {commit}", blob.path),
            None => format!("object {} of no commit", blob.path),
        };
        for found in secret_places(blob.bytes) {
            if !selection.wants_parts(found.rule, &found.fingerprint) {
                continue;
            }
            let secret = blob.bytes.get(found.range).unwrap_or_default().trim_ascii();
            self.secrets.insert((std::cmp::Reverse(secret.len()), secret.to_vec()));
        }
        for hit in hits.into_iter().filter(|hit| selection.wants(hit)) {
            self.rotation(hit, &place);
        }
    }

    fn rotation(&mut self, hit: SecretHit, place: &str) {
        let SecretHit { rule, title, severity, redacted, fingerprint, .. } = hit;
        let new = Rotation { rule, title, severity, redacted, fingerprint, places: Vec::new() };
        let rotation = self.rotate.entry(new.fingerprint.clone()).or_insert(new);
        if !rotation.places.iter().any(|known| known == place) {
            rotation.places.push(place.to_owned());
        }
    }
}

fn hit(fact: Fact) -> Option<SecretHit> {
    match fact {
        Fact::Secret(hit) => Some(hit),
        _ => None,
    }
}

/// A line of the list: the secret as it is, or, over several lines, as an expression.
fn expression(secret: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    if secret.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        line.extend_from_slice(b"regex:");
        for byte in secret {
            if byte.is_ascii_alphanumeric() {
                line.push(*byte);
            } else {
                line.extend(format!("\\x{byte:02x}").bytes());
            }
        }
    } else {
        line.extend_from_slice(b"literal:");
        line.extend_from_slice(secret);
    }
    line.extend_from_slice(REPLACEMENT);
    line
}

/// The script that takes the secrets of `list` out of the repository in `folder`. What it is given goes to
/// git-filter-repo, too.
#[must_use]
pub fn command(folder: &str, list: &str) -> String {
    let (folder, list) = (quoted(folder), quoted(list));
    format!(
        "#!/bin/sh\n\
         # Takes the secrets of the list out of all commits and their messages. All ids of commits after the first one\n\
         # with a secret change: everybody has to clone anew. git-filter-repo refuses what is no fresh clone; if you have\n\
         # a copy of the repository, give this script --force.\n\
         set -eu\n\
         git -C {folder} filter-repo --replace-text {list} --replace-message {list} \"$@\"\n\
         plimsoll scrub --repo {folder} --verify\n"
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_become_lines_that_mean_themselves() {
        assert_eq!(expression(b"a==>b"), b"literal:a==>b==>***REMOVED***\n");
        assert_eq!(expression(b"regex:x"), b"literal:regex:x==>***REMOVED***\n");
        assert_eq!(
            expression(b"a.\nb"),
            br"regex:a\x2e\x0ab==>***REMOVED***
"
        );
    }

    #[test]
    fn names_of_folders_cannot_run_anything() {
        let script = command("a'; rm -rf b", "list");
        assert!(script.contains(r"git -C 'a'\''; rm -rf b' filter-repo --replace-text 'list'"), "{script}");
    }
}
