//! A new image as `docker save` writes it and `docker load` reads it: the configuration, the layers as plain tars, and a
//! `manifest.json`
//! (<https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format>).

use std::collections::BTreeSet;
use std::io::{self, BufReader, Write};

use plimsoll_model::reference::Reference;
use serde_json::json;

use super::blob::Blob;
use super::layout::append;
use super::tree::Tree;

pub(super) fn write(tree: &Tree, name: Option<&Reference>, out: &mut dyn Write) -> io::Result<()> {
    let ([image], [layers]) = (tree.images.as_slice(), tree.layers.as_slice()) else {
        return Err(io::Error::other("a docker archive holds the image of one platform only"));
    };
    let config = Blob::of(image.documents.config.as_deref().unwrap_or_default().to_vec());
    let config_name = format!("{}.json", config.digest.0.hex());
    let names: Vec<String> = layers.iter().map(|layer| format!("{}.tar", layer.diff_id.0.hex())).collect();
    let tags = name.map(|name| vec![tag(name)]);
    let manifest = json!([{ "Config": config_name, "RepoTags": tags, "Layers": names }]);
    let manifest = Blob::of(manifest.to_string().into_bytes());
    let mut archive = tar::Builder::new(out);
    let mut written = BTreeSet::new();
    for (layer, name) in layers.iter().zip(&names) {
        if written.insert(name) {
            let stored = BufReader::with_capacity(256 << 10, layer.blob.reader());
            append(&mut archive, name, layer.plain, &mut layer.compression.decode(stored)?)?;
        }
    }
    append(&mut archive, &config_name, config.size, &mut config.reader())?;
    append(&mut archive, "manifest.json", manifest.size, &mut manifest.reader())?;
    archive.into_inner()?.flush()
}

/// As docker shows it: without its own registry, always with a tag.
fn tag(name: &Reference) -> String {
    let tag = name.tag().unwrap_or("latest");
    let repository = match name.registry() {
        plimsoll_model::reference::DOCKER_HUB => {
            name.repository().strip_prefix("library/").unwrap_or(name.repository()).to_owned()
        }
        registry => format!("{registry}/{}", name.repository()),
    };
    format!("{repository}:{tag}")
}
