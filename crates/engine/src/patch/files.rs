//! The few files of an image that tell how its packages are: read from its layers, under limits, the uppermost of each.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufReader};

use plimsoll_formats::tar::{Archive, Kind, TarError};
use plimsoll_image::Image;
use plimsoll_image::layer::{Expected, LayerStream};
use plimsoll_image::source::LayerContent;
use plimsoll_model::path::{Normalized, normalize};
use plimsoll_patch::accounts::Accounts;
use plimsoll_patch::tree::{NodeKind, Tree};

use super::{PatchError, PatchOptions};

/// The largest of these files.
const FILE: u64 = 64 << 20;
/// All of them together.
const TOTAL: u64 = 256 << 20;

/// Files of an image.
pub(super) struct Held {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Links that stand for files, and what they lead to.
    links: BTreeMap<String, String>,
}

impl Held {
    /// Reads those that matter, and who the image's users are.
    pub(super) fn read(
        image: &Image,
        tree: &Tree,
        matters: fn(&str) -> bool,
        options: &PatchOptions,
    ) -> Result<Self, PatchError> {
        let matters = |path: &str| matches!(path, "etc/passwd" | "etc/group") || matters(path);
        let mut links = BTreeMap::new();
        let mut targets = std::collections::BTreeSet::new();
        for (path, node) in tree.paths().filter(|(path, _)| matters(path)) {
            if matches!(node.kind, NodeKind::Symlink(_))
                && let Ok(target) = tree.follow(path)
            {
                targets.insert(target.clone());
                links.insert(path.to_owned(), target);
            }
        }
        let wanted = |path: &str| matters(path) || targets.contains(path);
        Ok(Self { files: contents(image, tree, &wanted, options)?, links })
    }

    /// The content of the file at `path`, or of what it leads to.
    pub(super) fn get(&self, path: &str) -> Option<&[u8]> {
        let path = path.trim_start_matches('/');
        let path = self.links.get(path).map_or(path, String::as_str);
        self.files.get(path).map(Vec::as_slice)
    }

    /// The text of a file, what is no UTF-8 replaced.
    pub(super) fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(self.get(path).unwrap_or_default()).into_owned()
    }

    /// The image's users and groups.
    pub(super) fn accounts(&self) -> Accounts {
        Accounts::read(&self.text("etc/passwd"), &self.text("etc/group"))
    }

    /// The paths below a folder, sorted, links included.
    pub(super) fn below(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        let all = self.files.keys().chain(self.links.keys());
        let mut paths: Vec<String> = all.filter(|path| path.starts_with(&prefix)).cloned().collect();
        paths.sort();
        paths
    }
}

/// The contents of the regular files of `tree` that are wanted.
pub(super) fn contents(
    image: &Image,
    tree: &Tree,
    wanted: &dyn Fn(&str) -> bool,
    options: &PatchOptions,
) -> Result<BTreeMap<String, Vec<u8>>, PatchError> {
    let mut by_layer: BTreeMap<usize, HashMap<&str, Vec<&str>>> = BTreeMap::new();
    for (path, node) in tree.paths().filter(|(path, node)| node.kind == NodeKind::File && wanted(path)) {
        let (layer, there) = (node.content.0, node.content.1.as_str());
        by_layer.entry(layer).or_default().entry(there).or_default().push(path);
    }
    let (mut found, mut total) = (BTreeMap::new(), 0);
    for (index, places) in by_layer {
        let failed = |source| PatchError::Files { what: "package database", source };
        read_layer(image, index, &places, options, &mut found, &mut total).map_err(failed)?;
    }
    Ok(found)
}

fn read_layer(
    image: &Image,
    index: usize,
    places: &HashMap<&str, Vec<&str>>,
    options: &PatchOptions,
    found: &mut BTreeMap<String, Vec<u8>>,
    total: &mut u64,
) -> io::Result<()> {
    let layer = image.layers.get(index).ok_or_else(|| io::Error::other("there is no such layer"))?;
    let source = match &layer.content {
        LayerContent::Tar(opener) => opener.open()?,
        LayerContent::Directory(_) => return Err(io::Error::other("a root filesystem has no layers")),
        LayerContent::Unreadable(reason) => return Err(io::Error::other(reason.clone())),
    };
    let limits = options.evidence.limits;
    let expected =
        Expected { blob: layer.blob.as_ref().map(|blob| (blob.digest, blob.size)), diff_id: layer.diff_id };
    let stream = LayerStream::new(source, expected, limits.layer, |_| {}).map_err(io::Error::other)?;
    let mut archive = Archive::new(BufReader::new(stream), limits.tar);
    let tar = |error: TarError| io::Error::other(error);
    while let Some(entry) = archive.next_entry().map_err(tar)? {
        let Normalized::Path(name) = normalize(&entry.name) else { continue };
        let Some(paths) = places.get(name.as_str()).filter(|_| entry.kind == Kind::File) else { continue };
        *total = total.saturating_add(entry.size);
        if entry.size > FILE || *total > TOTAL {
            return Err(io::Error::other(format!("/{name} is too large")));
        }
        let mut bytes = Vec::new();
        loop {
            let lent = archive.fill().map_err(tar)?;
            if lent.is_empty() {
                break;
            }
            bytes.extend_from_slice(lent);
            let count = lent.len();
            archive.consume(count);
        }
        for path in paths {
            found.insert((*path).to_owned(), bytes.clone());
        }
    }
    Ok(())
}
