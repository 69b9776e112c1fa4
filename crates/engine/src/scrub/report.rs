//! What scrubbing did, put together from plans and, once it is made, the new image.

use std::collections::BTreeMap;

use plimsoll_catalog::overlay::merge;
use plimsoll_checks::image_config::check_image;
use plimsoll_checks::image_config::redact::shown_step;
use plimsoll_checks::secrets::secret_findings;
use plimsoll_image::mutate::Tree;
use plimsoll_image::{Image, Layer};
use plimsoll_model::evidence::{LayerEvidence, SecretHit};
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::Gap;
use plimsoll_model::scrub::{LayerIds, Rotation, Scrub, ScrubbedImage, ScrubbedLayer};

use super::Work;
use crate::evidence::origins;
use crate::scan::{identity, image_facts, secret_extractors};

/// What would change.
pub(super) fn planned(work: &[Work<'_>]) -> Scrub {
    Scrub {
        images: work.iter().map(image).collect(),
        index_before: work.first().and_then(|work| work.image.index_digest),
        index_after: None,
        dropped_attestations: 0,
        destination: None,
    }
}

/// What changed; `after` is the evidence of the new images' layers.
pub(super) fn done(work: &[Work<'_>], tree: &Tree, after: &[Vec<LayerEvidence>]) -> Scrub {
    let mut scrub = planned(work);
    scrub.index_after = tree.index_digest();
    scrub.dropped_attestations = tree.dropped_attestations;
    for ((told, image), layers) in scrub.images.iter_mut().zip(&tree.images).zip(after) {
        told.after = Some(identity(image));
        for (layer, new) in told.layers.iter_mut().zip(&image.layers) {
            layer.after = Some(ids(new));
        }
        told.remaining = remaining(image, layers);
        told.gaps.extend(gaps(layers));
        told.gaps.sort();
        told.gaps.dedup();
    }
    scrub
}

fn image(work: &Work<'_>) -> ScrubbedImage {
    let layers = work.image.layers.iter().zip(&work.plans).map(|(layer, plan)| ScrubbedLayer {
        created_by: layer.created_by.as_deref().map(shown_step),
        before: ids(layer),
        after: None,
        files: plan.report(),
    });
    ScrubbedImage {
        before: identity(work.image),
        after: None,
        layers: layers.collect(),
        settings: work.taken.settings.clone(),
        rotate: rotate(work),
        remaining: Vec::new(),
        gaps: gaps(&work.layers),
    }
}

fn ids(layer: &Layer) -> LayerIds {
    LayerIds { diff_id: layer.diff_id, digest: layer.blob.as_ref().map(|blob| blob.digest) }
}

/// Each secret once, the worst first.
fn rotate(work: &Work<'_>) -> Vec<Rotation> {
    let mut secrets: BTreeMap<&str, Rotation> = BTreeMap::new();
    let mut add = |place: String, hit: &'_ SecretHit, fingerprint| {
        let rotation = secrets.entry(fingerprint).or_insert_with(|| Rotation {
            rule: hit.rule.clone(),
            title: hit.title.clone(),
            severity: hit.severity,
            redacted: hit.redacted.clone(),
            fingerprint: hit.fingerprint.clone(),
            places: Vec::new(),
        });
        if !rotation.places.contains(&place) {
            rotation.places.push(place);
        }
    };
    for (index, plan) in work.plans.iter().enumerate() {
        for (path, hit) in &plan.hits {
            add(format!("/{path} of layer {}", index + 1), hit, hit.fingerprint.as_str());
        }
    }
    for (place, hit) in &work.taken.hits {
        add(place.clone(), hit, hit.fingerprint.as_str());
    }
    let mut rotate: Vec<Rotation> = secrets.into_values().collect();
    rotate.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(&b.rule)));
    rotate
}

/// The secrets that a scan finds in a new image.
fn remaining(image: &Image, layers: &[LayerEvidence]) -> Vec<Finding> {
    let mut found = secret_findings(&merge(layers, &origins(image)).inventory);
    let configured = check_image(&image_facts(image)).into_iter();
    found.extend(configured.filter(|finding| matches!(finding.kind, FindingKind::Secret { .. })));
    found
}

/// What was not searched for secrets.
fn gaps(layers: &[LayerEvidence]) -> Vec<Gap> {
    let searching = secret_extractors();
    let facts = layers.iter().flat_map(|layer| &layer.facts);
    let of_search = facts.filter(|facts| searching.contains(&facts.extractor.as_str()));
    let of_search = of_search.flat_map(|facts| &facts.gaps);
    let mut gaps: Vec<Gap> = layers.iter().flat_map(|layer| &layer.gaps).chain(of_search).cloned().collect();
    gaps.sort();
    gaps.dedup();
    gaps
}
