//! Which known image another one is based on, and whether it may be.
//!
//! An image is based on another one if its lowest layers are all of that one's: what labels say is told, and believed only
//! where layers agree or nothing is known.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;
use plimsoll_model::digest::DiffId;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::lineage::{Base, Lineage, Material, chain_id};
use plimsoll_model::platform::Platform;
use plimsoll_model::severity::Severity;
use plimsoll_model::wildcard::fits;

const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// What is looked at of an image.
#[derive(Clone, Debug)]
pub struct Traced<'a> {
    /// The digest of its manifest, as text.
    pub digest: Option<String>,
    /// Its platform.
    pub platform: &'a Platform,
    /// Its layers, lowest first.
    pub layers: Vec<DiffId>,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The images that its provenance names.
    pub materials: Vec<Material>,
}

/// Which bases are allowed: a repository or name with stars (`debian*`, `ghcr.io/acme/*`), the digest of a manifest, or a
/// chain ID.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BasePattern(String);

/// A text that is no pattern.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an empty pattern allows nothing; write a name with stars (debian*), or a digest (sha256:…)")]
pub struct EmptyPattern;

impl FromStr for BasePattern {
    type Err = EmptyPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() { Err(EmptyPattern) } else { Ok(Self(text.to_owned())) }
    }
}

impl BasePattern {
    fn fits(&self, base: &Base) -> bool {
        let digest = base.digest.map(|digest| digest.to_string());
        let chain = chain_id(&base.layers).map(|chain| chain.to_string());
        if [digest, chain].into_iter().flatten().any(|digest| digest == self.0) {
            return true;
        }
        [base.name.as_str(), base.repository()].iter().any(|name| fits(&self.0, name))
    }
}

/// Finds the base of `image` among `known` images.
#[must_use]
pub fn trace(image: &Traced<'_>, known: &[Base]) -> Lineage {
    let of_platform = || known.iter().filter(|base| base.platform == *image.platform);
    let is_itself = |base: &Base| {
        base.layers.len() == image.layers.len()
            && base.digest.is_some_and(|digest| Some(digest.to_string()) == image.digest)
    };
    let below = || of_platform().filter(|base| base.is_below(&image.layers) && !is_itself(base));
    let most = below().map(|base| base.layers.len()).max().unwrap_or(0);
    let mut bases: Vec<Base> = below().filter(|base| base.layers.len() == most).cloned().collect();
    bases.sort_by(newest_first);
    bases.dedup();
    let newer = bases.first().map(|base| newer(base, of_platform())).unwrap_or_default();
    let days_behind = bases.first().zip(newer.first()).and_then(|(base, newest)| {
        let (base, newest) = (moment(base)?, moment(newest)?);
        Some((newest.as_second() - base.as_second()) / 86_400)
    });
    let label =
        |name: &str| image.labels.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let mut lineage = Lineage {
        chain: bases.first().and_then(|base| chain_id(&base.layers)),
        own_layers: image.layers.len().saturating_sub(most),
        label: label(BASE_NAME).map(|name| (name.to_owned(), label(BASE_DIGEST).map(str::to_owned))),
        materials: image.materials.clone(),
        bases,
        newer,
        days_behind,
        ..Lineage::default()
    };
    lineage.findings =
        [unknown(&lineage), outdated(&lineage), mislabeled(&lineage, known)].into_iter().flatten().collect();
    lineage
}

/// What `allow` and `deny` say of an image's base: a list that is not empty allows nothing else.
#[must_use]
pub fn judge(lineage: &Lineage, allow: &[BasePattern], deny: &[BasePattern]) -> Vec<Finding> {
    let named = |patterns: &[BasePattern]| {
        lineage.bases.iter().find(|base| patterns.iter().any(|pattern| pattern.fits(base)))
    };
    let mut findings = Vec::new();
    if let Some(base) = named(deny) {
        findings.push(finding(
            "base-denied",
            Severity::High,
            format!("The base {} is on the list of those that must not be used", base.name),
            base.name.clone(),
            "Build on a base that is allowed",
        ));
    }
    if !allow.is_empty() && named(allow).is_none() {
        let seen = lineage.bases.first().map_or("no known image", |base| base.name.as_str());
        findings.push(finding(
            "base-not-allowed",
            Severity::High,
            "The image is based on none of those that are allowed".to_owned(),
            format!("its base is {seen}"),
            "Build on a base that is allowed, or add its images to the known ones (plimsoll base add)",
        ));
    }
    findings
}

/// Tells of a set of images which of them are not based on what the first is based on.
#[must_use]
pub fn differing(lineages: &[Lineage]) -> Vec<usize> {
    let first = lineages.first().and_then(|lineage| lineage.chain);
    let differs = |(_, lineage): &(usize, &Lineage)| lineage.chain.is_none() || lineage.chain != first;
    lineages.iter().enumerate().filter(differs).map(|(index, _)| index).collect()
}

/// The finding that an image of a set is based on something else than the first.
#[must_use]
pub fn differs(lineage: &Lineage) -> Finding {
    let seen = lineage.bases.first().map_or("no known image", |base| base.name.as_str());
    finding(
        "base-differs",
        Severity::High,
        "The image is not based on what the other images are based on".to_owned(),
        format!("its base is {seen}"),
        "Build all images of the set on one base, by digest",
    )
}

fn newest_first(a: &Base, b: &Base) -> std::cmp::Ordering {
    moment(b).cmp(&moment(a)).then_with(|| (&a.name, a.digest).cmp(&(&b.name, b.digest)))
}

fn moment(base: &Base) -> Option<Timestamp> {
    base.created.as_deref().and_then(|created| created.parse().ok())
}

/// Known images of the base's own name that were made later.
fn newer<'a>(base: &Base, known: impl Iterator<Item = &'a Base>) -> Vec<Base> {
    let is_newer = |other: &&Base| {
        other.without_digest() == base.without_digest()
            && moment(other).is_some()
            && moment(other) > moment(base)
    };
    let mut newer: Vec<Base> = known.filter(is_newer).cloned().collect();
    newer.sort_by(newest_first);
    newer.dedup();
    newer
}

fn unknown(lineage: &Lineage) -> Option<Finding> {
    lineage.bases.is_empty().then(|| {
        let materials: Vec<&str> = lineage.materials.iter().map(|material| material.name.as_str()).collect();
        let evidence = match (&lineage.label, materials.as_slice()) {
            (Some((name, _)), _) => format!("its labels say {name}, which is not among the known images"),
            (None, []) => "no known image is below its layers, and no label names one".to_owned(),
            (None, names) => {
                format!("its provenance names {}, of which none is known to be below", names.join(", "))
            }
        };
        finding(
            "base-unknown",
            Severity::Negligible,
            "It is not known what the image is based on".to_owned(),
            evidence,
            "Add the images that are used as bases to the known ones (plimsoll base add)",
        )
    })
}

fn outdated(lineage: &Lineage) -> Option<Finding> {
    let (base, newest) = (lineage.bases.first()?, lineage.newer.first()?);
    let days = lineage.days_behind.map_or_else(String::new, |days| format!(", {days} days newer"));
    let by = newest.digest.map_or_else(String::new, |digest| format!("@{digest}"));
    Some(finding(
        "base-outdated",
        Severity::Low,
        format!("There is a newer {}", base.name),
        format!("{} of {} known builds of it are newer{days}", lineage.newer.len(), lineage.newer.len() + 1),
        &format!("Rebuild on {}{by}", newest.without_digest()),
    ))
}

/// A label that names a known image whose layers are not below.
fn mislabeled(lineage: &Lineage, known: &[Base]) -> Option<Finding> {
    let (name, digest) = lineage.label.as_ref()?;
    let digest = digest.as_ref()?;
    let is_named = |base: &&Base| base.digest.is_some_and(|known| known.to_string() == *digest);
    known.iter().find(is_named)?;
    if lineage.bases.iter().any(|base| is_named(&base)) {
        return None;
    }
    Some(finding(
        "base-label-wrong",
        Severity::Medium,
        "The labels name a base that is not below the image's layers".to_owned(),
        format!("{BASE_NAME} is {name}, {BASE_DIGEST} is {digest}"),
        "Let the build write the labels (docker buildx, buildah), and do not carry them over from another image",
    ))
}

fn finding(id: &str, severity: Severity, title: String, evidence: String, remedy: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        title,
        severity,
        severity_source: "plimsoll".to_owned(),
        kind: FindingKind::Misconfiguration { evidence },
        locations: Vec::new(),
        position: None,
        remedy: Some(remedy.to_owned()),
        references: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
