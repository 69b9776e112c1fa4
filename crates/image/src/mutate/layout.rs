//! A new image as an OCI layout (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>), in a directory
//! or in a tar. The same image gives the same bytes.

use std::io::{self, Write};
use std::path::Path;

use super::blob::Blob;
use super::destination::WriteError;
use super::tree::Tree;
use crate::source::referrers::OCI_INDEX;

const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The files of the layout beside the blobs.
fn documents(tree: &Tree, name: Option<&str>) -> [(&'static str, Blob); 2] {
    let top = tree.manifests().pop().map(|(manifest, media_type)| {
        let mut descriptor = serde_json::json!({
            "mediaType": media_type, "digest": manifest.digest.to_string(), "size": manifest.size,
        });
        if let (Some(name), Some(members)) = (name, descriptor.as_object_mut()) {
            let annotations = serde_json::json!({ "org.opencontainers.image.ref.name": name });
            members.insert("annotations".to_owned(), annotations);
        }
        descriptor
    });
    let manifests: Vec<serde_json::Value> = top.into_iter().collect();
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
    [("index.json", Blob::of(index.to_string().into_bytes())), ("oci-layout", Blob::of(VERSION.into()))]
}

fn all_blobs(tree: &Tree) -> Vec<Blob> {
    let mut all = tree.blobs();
    all.extend(tree.manifests().into_iter().map(|(manifest, _)| manifest));
    all.sort_by_key(|blob| blob.digest);
    all.dedup_by_key(|blob| blob.digest);
    all
}

/// Tells whether what is at `path` may give way to a layout: another one, or an empty folder.
pub(super) fn may_be_replaced(path: &Path) -> bool {
    path.join("oci-layout").is_file() || is_empty(path)
}

fn is_empty(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

pub(super) fn to_directory(tree: &Tree, directory: &Path, name: Option<&str>) -> Result<(), WriteError> {
    let failed = |source| WriteError::File { path: directory.to_owned(), source };
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What takes time is done already: large blobs only get names here.
    let work = tempfile::Builder::new().prefix(".plimsoll-").tempdir_in(parent).map_err(failed)?;
    let new = work.path().join("new");
    let blobs = new.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).map_err(failed)?;
    for blob in all_blobs(tree) {
        blob.write_to(&blobs.join(blob.digest.0.hex())).map_err(failed)?;
    }
    for (name, document) in documents(tree, name) {
        document.write_to(&new.join(name)).map_err(failed)?;
    }
    if directory.exists() && !is_empty(directory) {
        if !may_be_replaced(directory) {
            return Err(WriteError::InTheWay { path: directory.to_owned() });
        }
        std::fs::rename(directory, work.path().join("old")).map_err(failed)?;
    }
    std::fs::rename(&new, directory).map_err(failed)
}

pub(super) fn to_archive(tree: &Tree, name: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    for (name, document) in documents(tree, name).iter().rev() {
        append(&mut archive, name, document.size, &mut document.reader())?;
    }
    for blob in all_blobs(tree) {
        let name = format!("blobs/sha256/{}", blob.digest.0.hex());
        append(&mut archive, &name, blob.size, &mut blob.reader())?;
    }
    archive.into_inner()?.flush()
}

/// Appends a file that everybody may read and that is of no time.
pub(crate) fn append<W: Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    size: u64,
    content: &mut dyn io::Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, name, content)
}
