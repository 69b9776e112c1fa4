//! An image with one more layer on top, and the documents that tell of it.

use plimsoll_model::inventory::Origin;

use super::{MutateError, NewLayer, Node, OCI_LAYER, Papers, assemble};
use crate::source::{Image, Layer, LayerContent};

/// What the documents say of the new layer and the new image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addition {
    /// When it is made, as RFC 3339 writes it.
    pub created: String,
    /// The build step.
    pub created_by: String,
    /// Labels that are set.
    pub labels: Vec<(String, String)>,
}

/// Puts an image around `layers`: those of `old`, and the new one last.
///
/// # Errors
/// If a document is missing or of another form.
pub fn on_top(old: &Image, layers: &[NewLayer], addition: &Addition) -> Result<Image, MutateError> {
    let mut papers = Papers::of(old)?;
    let (Some(new), true) = (layers.last(), layers.len() == old.layers.len().saturating_add(1)) else {
        let problem = "there must be one layer more than the image has".to_owned();
        return Err(MutateError::Document { what: "manifest", problem });
    };
    add_to_manifest(&mut papers.manifest);
    add_to_config(&mut papers.config, addition);
    let mut taller = old.clone();
    taller.layers.push(Layer {
        diff_id: Some(new.diff_id),
        blob: None,
        created_by: Some(addition.created_by.clone()),
        origin: Origin::Application,
        content: LayerContent::Unreadable("it is being made".to_owned()),
    });
    assemble(&taller, layers, papers)
}

/// The new descriptor is filled in when the image is put together; its media type is of the same family as the others'.
fn add_to_manifest(manifest: &mut Node) {
    let Some(Node::List(layers)) = manifest.get_mut("layers") else { return };
    let kind = layers.last().and_then(|layer| layer.get("mediaType")).and_then(Node::text);
    let kind = kind.unwrap_or(OCI_LAYER).to_owned();
    layers.push(Node::Map(vec![("mediaType".to_owned(), kind.into())]));
}

fn add_to_config(config: &mut Node, addition: &Addition) {
    config.set("created", addition.created.clone().into());
    if let Some(Node::List(ids)) = config.get_mut("rootfs").and_then(|rootfs| rootfs.get_mut("diff_ids")) {
        ids.push(Node::Null);
    }
    // A history that is not there tells of no layer, and must not tell of one only.
    if let Some(Node::List(history)) = config.get_mut("history") {
        history.push(Node::Map(vec![
            ("created".to_owned(), addition.created.clone().into()),
            ("created_by".to_owned(), addition.created_by.clone().into()),
        ]));
    }
    if addition.labels.is_empty() {
        return;
    }
    if !matches!(config.get("config"), Some(Node::Map(_))) {
        config.set("config", Node::Map(Vec::new()));
    }
    let Some(run) = config.get_mut("config") else { return };
    if !matches!(run.get("Labels"), Some(Node::Map(_))) {
        run.set("Labels", Node::Map(Vec::new()));
    }
    let Some(labels) = run.get_mut("Labels") else { return };
    for (name, value) in &addition.labels {
        labels.set(name, value.clone().into());
    }
}
