//! What a policy asks for beside the scan: the image's base among the known images, and whether a bill of materials lies
//! with it. What cannot be found out is not known, and told as a warning.

use plimsoll_checks::lineage::{Traced, trace};
use plimsoll_engine::attached::attached;
use plimsoll_model::lineage::Base;
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::Scan;
use plimsoll_policy::{Asks, BaseFacts, Surroundings, TrustFacts};
use plimsoll_trust::domain::TrustFile;

use super::super::{Context, lineage, locate, scan};
use super::signatures;
use crate::progress;

/// What is known of each image of this name, and of its signatures if a trust file says whose count.
pub(in super::super) fn of(
    scans: &[Scan],
    (name, platform): (&str, Option<&Platform>),
    asks: Asks,
    trust: Option<&TrustFile>,
    context: &Context,
) -> Vec<Surroundings> {
    let known = if asks.base { told("the base is not known", lineage::known(context)) } else { None };
    let sboms = if asks.sbom {
        told(
            "whether a bill of materials lies with the image is not known",
            sboms(scans, name, platform, context),
        )
    } else {
        None
    };
    let trust = trust.filter(|_| asks.signatures);
    let trust = trust.and_then(|trust| {
        let found = signatures::of(scans, name, trust, context);
        told("who signed the image is not known", found)
    });
    let of = |(index, scan): (usize, &Scan)| Surroundings {
        trust: trust.as_ref().and_then(|trust: &Vec<TrustFacts>| trust.get(index).cloned()),
        base: known.as_ref().and_then(|known| base(scan, known)),
        sbom: sboms.as_ref().and_then(|sboms: &Vec<Option<bool>>| sboms.get(index).copied().flatten()),
    };
    scans.iter().enumerate().map(of).collect()
}

/// What was found out; else it is told why not.
fn told<T>(what: &str, found: anyhow::Result<T>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(error) => {
            progress::warning(&format!("{what}: {error:#}"));
            None
        }
    }
}

/// The base by the image's layers; not known where no images are known, or the layers are not.
fn base(scan: &Scan, known: &[Base]) -> Option<BaseFacts> {
    if known.is_empty() || scan.layers.is_empty() {
        return None;
    }
    let labels = Default::default();
    let traced = Traced {
        digest: scan.image.manifest_digest.map(|digest| digest.to_string()),
        platform: &scan.image.platform,
        layers: scan.layers.iter().map(|layer| layer.diff_id).collect(),
        labels: &labels,
        materials: Vec::new(),
    };
    let lineage = trace(&traced, known);
    let mut names: Vec<String> = lineage.bases.iter().map(|base| base.repository().to_owned()).collect();
    names.sort();
    names.dedup();
    Some(BaseFacts { current: (!names.is_empty()).then_some(lineage.newer.is_empty()), names })
}

/// Whether a bill of materials lies with each image. What could not be read may be one.
fn sboms(
    scans: &[Scan],
    name: &str,
    platform: Option<&Platform>,
    context: &Context,
) -> anyhow::Result<Vec<Option<bool>>> {
    let place = locate::referrers(name, context)?;
    let choice = scan::choice(platform, scans.len() > 1);
    let images = locate::images(name, &choice, context.environment.temporary(), context)?;
    let of = |scan: &Scan| {
        let is_it = |digest| digest == scan.image.manifest_digest;
        let image =
            images.iter().find(|image| is_it(image.manifest_digest) && image.manifest_digest.is_some())?;
        let found = told(
            "what refers to the image is not known",
            attached(image, place.as_ref()).map_err(Into::into),
        )?;
        if found.documents.is_empty() && !found.unread.is_empty() {
            return None;
        }
        Some(!found.documents.is_empty())
    };
    Ok(scans.iter().map(of).collect())
}
