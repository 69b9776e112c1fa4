//! The files of an image as its layers lie on each other, without their contents: what is where, and where a path really
//! leads once links to directories are followed.

use std::collections::BTreeMap;
use std::ops::Bound;

use plimsoll_model::evidence::{Entry, EntryKind, LayerEvidence};
use plimsoll_model::path::{Normalized, normalize, parent, resolve};

/// The most links that one path may lead through, as in Linux.
const LINKS: usize = 40;

/// The files of an image.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

/// A file, directory or link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The index of the layer, and the path in it, that hold its content.
    pub content: (usize, String),
}

/// What a node is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link and its target as written.
    Symlink(String),
    /// A device or a pipe.
    Special,
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathError {
    /// It, or a link on its way, climbs out of the image.
    #[error("the path {0:?} leads out of the image")]
    Escapes(String),
    /// Links lead round.
    #[error("the path {0:?} leads through too many links")]
    Loop(String),
}

impl Tree {
    /// That of layers, lowest first.
    #[must_use]
    pub fn of(layers: &[LayerEvidence]) -> Self {
        let mut tree = Self::default();
        for (index, layer) in layers.iter().enumerate() {
            tree.put(index, &layer.entries);
        }
        tree
    }

    fn put(&mut self, layer: usize, entries: &[Entry]) {
        for entry in entries {
            match entry.kind {
                EntryKind::Whiteout => self.remove(&entry.path),
                EntryKind::Opaque => self.remove_below(&entry.path),
                _ => {}
            }
        }
        for entry in entries {
            let path = entry.path.to_string();
            let mut content = (layer, path.clone());
            let kind = match &entry.kind {
                EntryKind::Whiteout | EntryKind::Opaque => continue,
                EntryKind::File => NodeKind::File,
                EntryKind::Directory => NodeKind::Directory,
                EntryKind::Symlink(target) => NodeKind::Symlink(target.to_string()),
                EntryKind::Hardlink(target) => {
                    content = self
                        .nodes
                        .get(&**target)
                        .map_or((layer, target.to_string()), |node| node.content.clone());
                    NodeKind::File
                }
                EntryKind::Special => NodeKind::Special,
            };
            if kind != NodeKind::Directory {
                self.remove_below(&path);
            }
            self.nodes.insert(path, Node { kind, mode: entry.mode, uid: entry.uid, gid: entry.gid, content });
        }
    }

    /// Adds a node.
    pub fn insert(&mut self, path: &str, node: Node) {
        self.nodes.insert(path.to_owned(), node);
    }

    /// Takes away what is at `path`, and below it.
    pub fn remove(&mut self, path: &str) {
        self.nodes.remove(path);
        self.remove_below(path);
    }

    fn remove_below(&mut self, path: &str) {
        let below: Vec<String> = self.below(path).map(|(path, _)| path.to_owned()).collect();
        for path in below {
            self.nodes.remove(&path);
        }
    }

    /// What is below the directory `path`, at any depth.
    pub fn below(&self, path: &str) -> impl Iterator<Item = (&str, &Node)> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let from = self.nodes.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        from.take_while(move |(path, _)| path.starts_with(&prefix)).map(|(path, node)| (path.as_str(), node))
    }

    /// What is at `path`; links on the way are not followed.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Where `path` lies once the links among its directories are followed; its own last part is not.
    ///
    /// # Errors
    /// If it leads out of the image, or round.
    pub fn place(&self, path: &str) -> Result<String, PathError> {
        let (mut done, mut left) = (String::new(), parts(path)?);
        let mut links = 0_usize;
        while let Some(part) = left.pop() {
            let here = join(&done, &part);
            match self.nodes.get(&here).map(|node| &node.kind) {
                Some(NodeKind::Symlink(target)) if !left.is_empty() => {
                    links = links.saturating_add(1);
                    if links > LINKS {
                        return Err(PathError::Loop(path.to_owned()));
                    }
                    let target = resolve(&here, target).ok_or_else(|| PathError::Escapes(path.to_owned()))?;
                    done.clear();
                    left.extend(target.rsplit('/').filter(|part| !part.is_empty()).map(str::to_owned));
                }
                _ => done = here,
            }
        }
        Ok(done)
    }

    /// The file that `path` leads to, its own last part followed, too.
    ///
    /// # Errors
    /// If it leads out of the image, or round.
    pub fn follow(&self, path: &str) -> Result<String, PathError> {
        let mut at = self.place(path)?;
        for _ in 0..LINKS {
            let Some(NodeKind::Symlink(target)) = self.nodes.get(&at).map(|node| &node.kind) else {
                return Ok(at);
            };
            let target = resolve(&at, target).ok_or_else(|| PathError::Escapes(path.to_owned()))?;
            at = if target.is_empty() { target } else { self.place(&target)? };
        }
        Err(PathError::Loop(path.to_owned()))
    }

    /// Whether `path` is a directory, or a link to one.
    #[must_use]
    pub fn is_directory(&self, path: &str) -> bool {
        let at = self.follow(path);
        at.is_ok_and(|at| {
            at.is_empty() || self.nodes.get(&at).is_some_and(|node| node.kind == NodeKind::Directory)
        })
    }
}

/// The parts of a path, the last one first.
fn parts(path: &str) -> Result<Vec<String>, PathError> {
    match normalize(path) {
        Normalized::Path(path) => Ok(path.rsplit('/').map(str::to_owned).collect()),
        Normalized::Root => Ok(Vec::new()),
        Normalized::Escapes => Err(PathError::Escapes(path.to_owned())),
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The directories above `path`, the highest first.
#[must_use]
pub fn above(path: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut at = parent(path);
    while !at.is_empty() {
        all.push(at);
        at = parent(at);
    }
    all.reverse();
    all
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A tree of paths: `etc/` is a directory, `lib -> usr/lib` a link, all else files.
    pub(crate) fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in paths {
            let (path, kind, mode) = match path.split_once(" -> ") {
                Some((path, target)) => (path, NodeKind::Symlink(target.to_owned()), 0o777),
                None if path.ends_with('/') => (path.trim_end_matches('/'), NodeKind::Directory, 0o755),
                None => (*path, NodeKind::File, 0o644),
            };
            tree.insert(path, Node { kind, mode, uid: 0, gid: 0, content: (0, path.to_owned()) });
        }
        tree
    }

    #[test]
    fn links_among_directories_are_followed() {
        let tree =
            tree(&["usr/", "usr/lib/", "lib -> usr/lib", "usr/lib/a -> /b", "abs -> /lib", "usr/lib/x"]);
        assert_eq!(tree.place("lib/x").unwrap(), "usr/lib/x");
        assert_eq!(tree.place("/abs/x").unwrap(), "usr/lib/x");
        assert_eq!(tree.place("lib/a").unwrap(), "usr/lib/a", "its own last part stays");
        assert_eq!(tree.follow("lib/a").unwrap(), "b");
        assert!(tree.is_directory("lib") && !tree.is_directory("usr/lib/x"));
    }

    #[test]
    fn links_that_lead_out_or_round_are_refused() {
        let tree = tree(&["a -> b", "b -> a", "out -> ../../etc"]);
        assert_eq!(tree.place("a/x"), Err(PathError::Loop("a/x".into())));
        assert_eq!(tree.follow("a"), Err(PathError::Loop("a".into())));
        assert_eq!(tree.place("out/passwd"), Err(PathError::Escapes("out/passwd".into())));
        assert_eq!(tree.place("../x"), Err(PathError::Escapes("../x".into())));
    }

    #[test]
    fn whiteouts_take_away_and_files_replace_directories() {
        let entry = |path: &str, kind| Entry {
            path: path.into(),
            kind,
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 0,
            capabilities: false,
        };
        let layer = |entries: Vec<Entry>| LayerEvidence {
            diff_id: plimsoll_model::digest::DiffId(plimsoll_model::digest::Digest::of(b"")),
            plain_size: 0,
            entries,
            facts: vec![],
            gaps: vec![],
        };
        let lower = layer(vec![
            entry("a", EntryKind::Directory),
            entry("a/x", EntryKind::File),
            entry("b", EntryKind::Directory),
            entry("b/y", EntryKind::File),
            entry("c", EntryKind::Hardlink("b/y".into())),
        ]);
        let upper = layer(vec![entry("a", EntryKind::Opaque), entry("b", EntryKind::File)]);
        let tree = Tree::of(&[lower, upper]);
        let paths: Vec<&str> = tree.paths().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a", "b", "c"]);
        assert_eq!(tree.get("c").unwrap().content, (0, "b/y".to_owned()));
    }
}
