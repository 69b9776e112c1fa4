//! Findings of an image, traced to the lines of the Dockerfile that it was built from.

use std::collections::BTreeMap;

use plimsoll_checks::dockerfile::places;
use plimsoll_image::Image;
use plimsoll_model::finding::Finding;
use plimsoll_model::position::Position;

/// The Dockerfile of an image.
#[derive(Clone, Debug)]
pub struct BuildFile {
    /// Its path as it was named.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Where the build steps of an image were written.
pub(crate) struct Traced {
    /// By the index among the steps that the history tells.
    steps: BTreeMap<usize, Position>,
    /// By the index of the layer, lowest first.
    layers: BTreeMap<u32, Position>,
}

impl Traced {
    /// Traces the steps of `image` to `file`.
    pub(crate) fn new(file: &BuildFile, image: &Image) -> Self {
        let told = image.config.history.iter().filter(|step| step.created_by.is_some());
        let history: Vec<&str> = told.clone().filter_map(|step| step.created_by.as_deref()).collect();
        let steps = places(&file.path, &file.text, &history);
        let mut layers = BTreeMap::new();
        let count = image.config.history.iter().filter(|step| !step.empty_layer).count();
        // A history that does not have one such step a layer is not believed for any layer.
        if count == image.layers.len() && told.clone().count() == image.config.history.len() {
            let with_layer = told.enumerate().filter(|(_, step)| !step.empty_layer);
            for (layer, (number, _)) in (0_u32..).zip(with_layer) {
                if let Some(position) = steps.get(&number) {
                    layers.insert(layer, position.clone());
                }
            }
        }
        Self { steps, layers }
    }

    /// The place of the build step.
    pub(crate) fn step(&self, number: usize) -> Option<Position> {
        self.steps.get(&number).cloned()
    }

    /// Gives `finding` the place of the build step that brought it: that of the uppermost layer it lies in.
    pub(crate) fn place(&self, finding: &mut Finding) {
        if finding.position.is_none() {
            let uppermost = finding.locations.iter().map(|location| location.layer).max();
            finding.position = uppermost.and_then(|layer| self.layers.get(&layer).cloned());
        }
    }
}
