//! An accounting: every regular file of an image, whose it is and whether it is what was installed.

use std::sync::Arc;

use plimsoll_catalog::account::account;
use plimsoll_catalog::overlay::merge;
use plimsoll_image::Image;
use plimsoll_model::accounting::ImageAccount;
use plimsoll_model::evidence::LayerEvidence;
use plimsoll_model::extractor::Extractor;

use crate::evidence::{EvidenceError, EvidenceOptions, layers, origins};
use crate::observe::{Event, Observer};
use crate::scan::{identity, summary};

/// Everything that an accounting looks at files with, sorted by name.
#[must_use]
pub fn extractors() -> Vec<Extractor> {
    let mut all = plimsoll_catalog::all::EXTRACTORS.to_vec();
    all.extend_from_slice(plimsoll_catalog::all::ACCOUNTING);
    all.sort_by_key(|extractor| extractor.name);
    all
}

/// Accounts for the files of `images`, the platforms of one reference. `options` must have all of [`extractors`].
///
/// # Errors
/// If a layer is corrupt or cannot be read.
pub fn accounts(
    images: &[Image],
    options: &EvidenceOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<ImageAccount>, EvidenceError> {
    for image in images {
        observer.event(Event::Image { name: image.name.clone(), layers: image.layers.len() });
    }
    let read = layers(&images.iter().collect::<Vec<_>>(), options, observer)?;
    let of_image = |(image, layers): (&Image, Vec<LayerEvidence>)| {
        let merged = merge(&layers, &origins(image));
        let accounting = account(&layers, &merged);
        observer.event(Event::Done);
        ImageAccount {
            image: identity(image),
            layers: image.layers.iter().filter_map(summary).collect(),
            inventory: merged.inventory,
            accounting,
        }
    };
    Ok(images.iter().zip(read).map(of_image).collect())
}
