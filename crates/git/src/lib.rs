//! Everything that a git repository remembers: the files of all commits, and what no commit holds any more.
//!
//! It reads the object database and nothing else: what a branch points to does not matter, so dropped commits,
//! stashes and files that were only staged are seen. Nothing is run and nothing is written. An object that cannot be
//! read is a gap; the others are read.
#![forbid(unsafe_code)]

mod history;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gix_hash::ObjectId;
use gix_object::{Find as _, FindHeader as _, Kind};
use plimsoll_model::gap::{Gap, GapKind};

pub use place::{OpenError, is_repository};

/// Larger objects are not read.
const LIMIT: u64 = 256 << 20;

/// A repository that is open for reading.
pub struct Repository {
    objects: gix_odb::Handle,
    place: place::Place,
}

/// How far back to look.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Since {
    /// What this commit does not reach: a full or short id, a branch or a tag.
    Commit(String),
    /// What was committed at this second since 1970 or later.
    Time(i64),
}

/// One version of one file.
#[derive(Debug)]
pub struct Blob<'a> {
    /// The commit that brought it, the oldest if there are several; none if no commit holds it.
    pub commit: Option<&'a str>,
    /// Its path there, or its object id if no commit holds it.
    pub path: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

impl Repository {
    /// Opens the repository that `folder` is, or has.
    ///
    /// # Errors
    /// If it is none, or has no objects that can be opened.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let place = place::Place::of(folder).ok_or_else(|| OpenError::NoRepository(folder.to_owned()))?;
        let (path, hash) = (place.objects(), place.hash());
        match gix_odb::at(&path, hash) {
            Ok(objects) => Ok(Self { objects, place }),
            Err(source) => Err(OpenError::Objects { path, source }),
        }
    }

    /// Calls `each` with every version of every file, the oldest commits first, then what no commit holds, and with
    /// the messages of commits. Gives what could not be read.
    ///
    /// # Errors
    /// If what `since` names is not there.
    pub fn blobs(
        &self,
        since: Option<&Since>,
        each: &mut dyn FnMut(&Blob<'_>),
    ) -> Result<Vec<Gap>, OpenError> {
        let mut gaps = Vec::new();
        let listed = self.listed(&mut gaps);
        let old = self.old(&listed, since)?;
        let mut commits: Vec<&history::Commit> = listed.commits.values().collect();
        commits.sort_by_key(|commit| (!old.contains(&commit.id), commit.seconds, commit.id));
        let mut walk = history::Walk::default();
        for commit in commits {
            let mut found = Vec::new();
            let mut tree = |id| self.read(id, &mut Vec::new());
            walk.commit(commit, &mut tree, &mut |id, path| found.push((id, path)));
            if old.contains(&commit.id) {
                continue;
            }
            let name = commit.id.to_string();
            each(&Blob { commit: Some(&name), path: "(message)", bytes: &commit.message });
            for (id, path) in found {
                if let Some(bytes) = self.read(id, &mut gaps) {
                    each(&Blob { commit: Some(&name), path: &path, bytes: &bytes });
                }
            }
        }
        for id in listed.blobs.iter().filter(|id| !walk.blobs.contains(*id)) {
            if let Some(bytes) = self.read(*id, &mut gaps) {
                each(&Blob { commit: None, path: &id.to_string(), bytes: &bytes });
            }
        }
        gaps.extend(walk.unread.iter().map(|id| gap(&id.to_string(), "this folder could not be read")));
        gaps.sort();
        gaps.dedup();
        Ok(gaps)
    }

    /// All commits and blobs, whether anything leads to them or not.
    fn listed(&self, gaps: &mut Vec<Gap>) -> Listed {
        let mut listed = Listed::default();
        let ids = match self.objects.iter() {
            Ok(ids) => ids,
            Err(error) => {
                gaps.push(gap("objects", &format!("the objects cannot be listed: {error}")));
                return listed;
            }
        };
        for id in ids {
            let header = match id {
                Ok(id) => self.objects.try_header(&id).map(|header| header.map(|header| (id, header))),
                Err(error) => {
                    gaps.push(gap("objects", &format!("some objects cannot be listed: {error}")));
                    continue;
                }
            };
            match header {
                Ok(Some((id, header))) if header.kind == Kind::Blob => {
                    listed.blobs.insert(id);
                }
                Ok(Some((id, header))) if header.kind == Kind::Commit => {
                    let commit = self.read(id, gaps).and_then(|bytes| history::Commit::read(id, &bytes));
                    match commit {
                        Some(commit) => drop(listed.commits.insert(id, commit)),
                        None => gaps.push(gap(&id.to_string(), "this commit could not be read")),
                    }
                }
                Ok(_) => {}
                Err(error) => gaps.push(gap("objects", &format!("an object cannot be read: {error}"))),
            }
        }
        listed
    }

    /// The commits that are too old.
    fn old(&self, listed: &Listed, since: Option<&Since>) -> Result<BTreeSet<ObjectId>, OpenError> {
        match since {
            None => Ok(BTreeSet::new()),
            Some(Since::Time(seconds)) => {
                let old = listed.commits.values().filter(|commit| commit.seconds < *seconds);
                Ok(old.map(|commit| commit.id).collect())
            }
            Some(Since::Commit(name)) => {
                let start = self.commit(listed, name).ok_or_else(|| OpenError::NoCommit(name.clone()))?;
                Ok(history::reached(&listed.commits, start))
            }
        }
    }

    /// The commit of this name: a reference's, or the one whose id begins so.
    fn commit(&self, listed: &Listed, name: &str) -> Option<ObjectId> {
        let id = self.place.reference(name).unwrap_or_else(|| name.to_ascii_lowercase());
        // An annotated tag is an object of its own, whose first line names the commit.
        let id = match ObjectId::from_hex(id.as_bytes()) {
            Ok(tag) if !listed.commits.contains_key(&tag) => {
                let bytes = self.read(tag, &mut Vec::new())?;
                let line = bytes.strip_prefix(b"object ")?.split(|byte| *byte == b'\n').next()?;
                String::from_utf8(line.to_vec()).ok()?
            }
            _ => id,
        };
        let mut like =
            listed.commits.keys().filter(|commit| id.len() >= 4 && commit.to_string().starts_with(&id));
        like.next().copied().filter(|_| like.next().is_none())
    }

    /// The content of an object.
    fn read(&self, id: ObjectId, gaps: &mut Vec<Gap>) -> Option<Vec<u8>> {
        match self.objects.try_header(&id) {
            Ok(Some(header)) if header.size > LIMIT => {
                let reason = format!("this object has more than {LIMIT} bytes");
                gaps.push(Gap::new(GapKind::LimitReached, id.to_string(), reason));
                return None;
            }
            _ => {}
        }
        let mut bytes = Vec::new();
        match self.objects.try_find(&id, &mut bytes) {
            Ok(Some(_)) => Some(bytes),
            Ok(None) => {
                gaps.push(gap(&id.to_string(), "this object is missing"));
                None
            }
            Err(error) => {
                gaps.push(gap(&id.to_string(), &format!("this object cannot be read: {error}")));
                None
            }
        }
    }
}

#[derive(Debug, Default)]
struct Listed {
    commits: BTreeMap<ObjectId, history::Commit>,
    blobs: BTreeSet<ObjectId>,
}

fn gap(subject: &str, reason: &str) -> Gap {
    Gap::new(GapKind::RecordUnread, subject, reason)
}
