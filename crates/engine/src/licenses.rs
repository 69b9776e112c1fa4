//! The licences of images: what each package's comes to under a policy, and the texts that lie in the image.

use std::sync::Arc;

use plimsoll_catalog::account::license_files::license_files;
use plimsoll_catalog::overlay::merge;
use plimsoll_checks::licenses::{LicensePolicy, judge};
use plimsoll_image::Image;
use plimsoll_model::extractor::Extractor;
use plimsoll_model::inventory::Inventory;
use plimsoll_model::licensing::{ImageLicenses, LicenseFile};
use plimsoll_model::scan::{Contents, ImageIdentity};

use crate::evidence::{EvidenceError, EvidenceOptions, gather, layers, origins};
use crate::observe::{Event, Observer};
use crate::scan::identity;

/// Whether the texts of licences are wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Texts {
    /// The packages' licences alone.
    Omitted,
    /// Also what the files of licences in the image say.
    Read,
}

/// Everything that looks at files for licences and packages, sorted by name.
#[must_use]
pub fn extractors(texts: Texts) -> Vec<Extractor> {
    let mut all = plimsoll_catalog::all::EXTRACTORS.to_vec();
    if texts == Texts::Read {
        all.extend_from_slice(plimsoll_catalog::all::NOTICES);
    }
    all.sort_by_key(|extractor| extractor.name);
    all
}

/// Judges the licences of `images`, the platforms of one reference, by `policy`. `options` must have all of [`extractors`].
///
/// # Errors
/// If a layer is corrupt or cannot be read.
pub fn licenses(
    images: &[Image],
    texts: Texts,
    policy: &LicensePolicy,
    options: &EvidenceOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<ImageLicenses>, EvidenceError> {
    for image in images {
        observer.event(Event::Image { name: image.name.clone(), layers: image.layers.len() });
    }
    let found: Vec<(Inventory, Vec<LicenseFile>)> = match texts {
        Texts::Omitted => {
            let contents = gather(images, options, observer)?;
            contents.into_iter().map(|contents| (contents.inventory, Vec::new())).collect()
        }
        Texts::Read => {
            let read = layers(&images.iter().collect::<Vec<_>>(), options, observer)?;
            let of_image = |(image, layers): (&Image, Vec<_>)| {
                let merged = merge(&layers, &origins(image));
                let files = license_files(&layers, &merged);
                (merged.inventory, files)
            };
            images.iter().zip(read).map(of_image).collect()
        }
    };
    observer.event(Event::Done);
    let judged = images.iter().zip(found);
    Ok(judged
        .map(|(image, (inventory, files))| of_inventory(identity(image), inventory, files, policy))
        .collect())
}

/// Judges the licences that bills of materials tell.
#[must_use]
pub fn licenses_of_contents(contents: Vec<Contents>, policy: &LicensePolicy) -> Vec<ImageLicenses> {
    let each = contents.into_iter();
    each.map(|contents| of_inventory(contents.image, contents.inventory, Vec::new(), policy)).collect()
}

fn of_inventory(
    image: ImageIdentity,
    inventory: Inventory,
    texts: Vec<LicenseFile>,
    policy: &LicensePolicy,
) -> ImageLicenses {
    ImageLicenses {
        image,
        licenses: judge(&inventory, policy),
        distribution: inventory.distribution,
        packages: inventory.packages,
        texts,
        gaps: inventory.gaps,
    }
}
