//! Secrets outside of images: in folders, single files and git repositories.
//!
//! Files are read in windows, so memory does not grow with their size. A symbolic link is not followed.

use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};

use plimsoll_catalog::selector::content_fits;
use plimsoll_checks::all::EXTRACTORS;
use plimsoll_checks::secrets::baseline::{Baseline, Known};
use plimsoll_checks::secrets::secret_places;
use plimsoll_formats::bounded;
use plimsoll_git::{Blob, OpenError, Repository, Since};
use plimsoll_model::evidence::{Fact, SecretHit};
use plimsoll_model::extractor::{Content, Facts, SNIFF, ScanFile};
use plimsoll_model::gap::{Gap, GapKind};

use crate::live::Values;

/// A file up to this size is searched in memory.
const IN_MEMORY: u64 = 4 << 20;

/// Folders deeper than this are not entered.
const DEPTH: usize = 256;

/// A secret, and where it was.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct FoundSecret {
    /// The path, from what was searched.
    pub path: String,
    /// The member of an archive, or the like, at that path.
    pub inside: Option<String>,
    /// What was found.
    pub hit: SecretHit,
    /// Where in the history: none in a file of today.
    pub object: Option<Object>,
}

/// Where a repository holds a file.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Object {
    /// The oldest commit with it.
    Commit(String),
    /// No commit has it: it was staged, or its commit is gone.
    Loose,
}

/// What a search has seen.
#[derive(Debug, Default)]
pub struct Searched {
    /// The secrets, sorted.
    pub found: Vec<FoundSecret>,
    /// How many secrets the baseline covers; they are not among those found.
    pub known: usize,
    /// What could not be read, sorted.
    pub gaps: Vec<Gap>,
    /// How many files and versions of files were searched.
    pub files: u64,
    /// The secrets themselves, if they are to be kept to ask their providers about them.
    pub values: Option<Values>,
}

impl Searched {
    /// Searches the file or folder at `path`. A repository's own files in it are left to [`Searched::repository`].
    pub fn path(&mut self, path: &Path) {
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(_) => self.file(path, &path.to_string_lossy()),
            Err(error) => self.unread(&path.to_string_lossy(), &error),
        }
    }

    /// Searches everything that the repository in `folder` remembers.
    ///
    /// # Errors
    /// If there is none, or `since` names no commit.
    pub fn repository(&mut self, folder: &Path, since: Option<&Since>) -> Result<(), OpenError> {
        let repository = Repository::open(folder)?;
        let gaps = repository.blobs(since, &mut |blob| self.blob(blob))?;
        self.gaps.extend(gaps);
        Ok(())
    }

    /// Searches a stream, which ends after `limit` bytes at the latest.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn stream(&mut self, name: &str, reader: impl Read, limit: u64) -> io::Result<()> {
        let mut spool = tempfile::tempfile()?;
        let size = io::copy(&mut reader.take(limit), &mut spool)?;
        if size == limit {
            let reason = format!("only the first {limit} bytes were searched");
            self.gaps.push(Gap::new(GapKind::LimitReached, name, reason));
        }
        spool.rewind()?;
        self.content(name, size, Content::Spool(&mut spool), None);
        Ok(())
    }

    /// Sorts what was found, and leaves out what `baseline` covers, but for its number, and what is the same secret in the same file twice:
    /// a file of today is in the history, too.
    pub fn settle(&mut self, baseline: &Baseline) {
        self.found.sort();
        self.found.dedup();
        let before = self.found.len();
        self.found.retain(|found| !baseline.covers(&found.hit.rule, &found.path, &found.hit.fingerprint));
        self.known = before - self.found.len();
        let now: Vec<(String, String)> = (self.found.iter().filter(|found| found.object.is_none()))
            .map(|found| (found.path.clone(), found.hit.fingerprint.clone()))
            .collect();
        let same = |found: &FoundSecret, (path, fingerprint): &(String, String)| {
            *fingerprint == found.hit.fingerprint
                && (path.ends_with(&format!("/{}", found.path)) || *path == found.path)
        };
        self.found.retain(|found| found.object.is_none() || !now.iter().any(|now| same(found, now)));
        self.gaps.sort();
        self.gaps.dedup();
    }

    /// The baseline that covers all that was found.
    #[must_use]
    pub fn baseline(&self) -> String {
        let known = |found: &FoundSecret| Known {
            path: Some(found.path.clone()),
            rule: Some(found.hit.rule.clone()),
            fingerprint: Some(found.hit.fingerprint.clone()),
            reason: None,
        };
        Baseline::text_of(self.found.iter().map(known).collect())
    }

    fn folder(&mut self, root: &Path) {
        let mut waiting = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            let mut entries: Vec<PathBuf> = match std::fs::read_dir(&folder) {
                Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
                Err(error) => {
                    self.unread(&folder.to_string_lossy(), &error);
                    continue;
                }
            };
            entries.sort();
            for path in entries {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                let metadata = match path.symlink_metadata() {
                    Ok(metadata) => metadata,
                    Err(error) => {
                        self.unread(&name, &error);
                        continue;
                    }
                };
                if metadata.is_file() {
                    self.file(&path, &name);
                } else if metadata.is_dir() && depth == DEPTH {
                    let reason = format!("folders below {DEPTH} others are not searched");
                    self.gaps.push(Gap::new(GapKind::LimitReached, name, reason));
                } else if metadata.is_dir() && path.file_name().is_none_or(|name| name != ".git") {
                    waiting.push((path, depth + 1));
                }
            }
        }
    }

    fn file(&mut self, path: &Path, name: &str) {
        if let Err(error) = self.opened(path, name) {
            self.unread(name, &error);
        }
    }

    fn opened(&mut self, path: &Path, name: &str) -> io::Result<()> {
        let mut file = bounded::open_file(path)?;
        let size = file.metadata()?.len();
        if size > IN_MEMORY {
            self.content(name, size, Content::Spool(&mut file), None);
            return Ok(());
        }
        let mut bytes = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "bounded by take")]
        file.take(IN_MEMORY).read_to_end(&mut bytes)?;
        self.content(name, bytes.len() as u64, Content::Memory(&bytes), None);
        Ok(())
    }

    fn blob(&mut self, blob: &Blob<'_>) {
        let object = blob.commit.map_or(Object::Loose, |commit| Object::Commit(commit.to_owned()));
        self.content(blob.path, blob.bytes.len() as u64, Content::Memory(blob.bytes), Some(object));
    }

    fn content(&mut self, name: &str, size: u64, mut content: Content<'_>, object: Option<Object>) {
        self.files += 1;
        let head = match first_bytes(&mut content) {
            Ok(head) => head,
            Err(error) => return self.unread(name, &error),
        };
        let bytes = match &content {
            Content::Memory(bytes) => Some(*bytes),
            Content::Spool(_) => None,
        };
        let mut facts = Facts::new();
        facts.at(name, 0);
        let mut file = ScanFile::new(name, 0o644, size, content);
        for extractor in EXTRACTORS.iter().filter(|extractor| content_fits(extractor.wants.content, &head)) {
            if let Err(error) = (extractor.extract)(&mut file, &mut facts) {
                self.gaps.push(Gap::new(GapKind::FileUnread, name, error.to_string()));
            }
        }
        let (located, gaps) = facts.into_parts(|_, _| true);
        // A name here is no path in an image; it may be one of a file, or none at all.
        let subject = |gap: &Gap| gap.subject.strip_prefix('/').unwrap_or(&gap.subject).to_owned();
        self.gaps.extend(gaps.into_iter().map(|gap| Gap { subject: subject(&gap), ..gap }));
        let before = self.found.len();
        for located in located {
            if let Fact::Secret(hit) = located.fact {
                let (path, inside, object) = (name.to_owned(), located.inside, object.clone());
                self.found.push(FoundSecret { path, inside, hit, object });
            }
        }
        if let (Some(values), Some(bytes)) = (&mut self.values, bytes) {
            keep(values, self.found.get(before..).unwrap_or_default(), bytes);
        }
    }

    fn unread(&mut self, name: &str, error: &io::Error) {
        self.gaps.push(Gap::new(GapKind::FileUnread, name, error.to_string()));
    }
}

/// Keeps those of the secrets found in `bytes` that lie there as they are.
fn keep(values: &mut Values, found: &[FoundSecret], bytes: &[u8]) {
    if found.is_empty() {
        return;
    }
    for place in secret_places(bytes) {
        let is_found =
            |found: &FoundSecret| found.hit.rule == place.rule && found.hit.fingerprint == place.fingerprint;
        if let Some(secret) = bytes.get(place.range.clone()).filter(|_| found.iter().any(is_found)) {
            values.keep(&place.fingerprint, place.rule, secret.trim_ascii());
        }
    }
}

fn first_bytes(content: &mut Content<'_>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    match content {
        Content::Memory(bytes) => head.extend(bytes.iter().take(SNIFF)),
        Content::Spool(file) => {
            #[expect(clippy::disallowed_methods, reason = "bounded by take")]
            (&mut **file).take(SNIFF as u64).read_to_end(&mut head)?;
            file.rewind()?;
        }
    }
    Ok(head)
}
