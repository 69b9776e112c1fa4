//! Which commit brought which version of which file.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use gix_hash::ObjectId;
use gix_object::{CommitRef, TreeRefIter};

/// Folders deeper than this are not followed.
const DEPTH: usize = 256;

/// A commit, as far as we ask.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) id: ObjectId,
    tree: ObjectId,
    parents: Vec<ObjectId>,
    pub(crate) seconds: i64,
    pub(crate) message: Vec<u8>,
}

impl Commit {
    /// Reads a commit.
    pub(crate) fn read(id: ObjectId, bytes: &[u8]) -> Option<Self> {
        let commit = CommitRef::from_bytes(bytes, id.kind()).ok()?;
        Some(Self {
            id,
            tree: commit.tree(),
            parents: commit.parents().collect(),
            seconds: commit.time().map_or(0, |time| time.seconds),
            message: commit.message.to_vec(),
        })
    }
}

/// All that `start` reaches among `commits`, itself too.
pub(crate) fn reached(commits: &BTreeMap<ObjectId, Commit>, start: ObjectId) -> BTreeSet<ObjectId> {
    let (mut reached, mut waiting) = (BTreeSet::new(), vec![start]);
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(commits.get(&id).into_iter().flat_map(|commit| commit.parents.iter().copied()));
        }
    }
    reached
}

/// Walks the trees of commits, each tree once.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    trees: HashSet<ObjectId>,
    pub(crate) blobs: HashSet<ObjectId>,
    /// Trees that could not be read.
    pub(crate) unread: BTreeSet<ObjectId>,
}

impl Walk {
    /// Calls `found` with each blob of `commit` that no commit before had, and its path.
    pub(crate) fn commit(
        &mut self,
        commit: &Commit,
        tree: &mut dyn FnMut(ObjectId) -> Option<Vec<u8>>,
        found: &mut dyn FnMut(ObjectId, String),
    ) {
        let mut waiting = vec![(commit.tree, String::new(), 0)];
        while let Some((id, path, depth)) = waiting.pop() {
            if depth > DEPTH || !self.trees.insert(id) {
                continue;
            }
            let Some(bytes) = tree(id) else {
                self.unread.insert(id);
                continue;
            };
            for entry in TreeRefIter::from_bytes(&bytes, id.kind()) {
                let Ok(entry) = entry else {
                    self.unread.insert(id);
                    break;
                };
                let name = String::from_utf8_lossy(entry.filename);
                let path = if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
                let id = entry.oid.to_owned();
                if entry.mode.is_tree() {
                    waiting.push((id, path, depth + 1));
                } else if entry.mode.is_blob_or_symlink() && self.blobs.insert(id) {
                    found(id, path);
                }
            }
        }
    }
}
