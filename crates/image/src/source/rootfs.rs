//! A directory that is a root filesystem: an image of one layer without a digest.

use std::path::Path;

use plimsoll_model::inventory::Origin;

use super::{Image, Layer, LayerContent, SourceError, host_platform};
use crate::config::ImageConfig;

/// Makes an image of the directory `root`.
///
/// # Errors
/// If `root` is no directory that can be read.
pub fn image(root: &Path) -> Result<Image, SourceError> {
    let metadata =
        std::fs::metadata(root).map_err(|source| SourceError::Read { path: root.to_owned(), source })?;
    if !metadata.is_dir() {
        return Err(SourceError::NotA {
            path: root.to_owned(),
            kind: "root filesystem",
            problem: "it is not a directory".to_owned(),
        });
    }
    Ok(Image {
        name: format!("dir:{}", root.display()),
        manifest_digest: None,
        index_digest: None,
        config_digest: None,
        platform: host_platform(),
        config: ImageConfig::default(),
        layers: vec![Layer {
            diff_id: None,
            blob: None,
            created_by: None,
            origin: Origin::Unknown,
            content: LayerContent::Directory(root.to_owned()),
        }],
        documents: super::Documents::default(),
    })
}
