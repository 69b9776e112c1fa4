//! What only our own documents tell: properties whose names begin with `plimsoll:`. With them a document holds all that
//! matching looks at, so that scanning it is as good as scanning the image.

use plimsoll_model::distribution::Distribution;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{InstalledPackage, LayerSummary, Location, Origin};
use plimsoll_model::package::purl::Named;
use plimsoll_model::package::{Deprecation, Ecosystem, Package, SourcePackage};
use plimsoll_model::scan::ImageIdentity;

use super::Part;
use super::make::Subject;

/// The property that a part which is only the sum of several images has.
pub(super) const PRODUCT: &str = "plimsoll:product";

/// The properties of a part while they are collected.
#[derive(Default)]
pub(super) struct Properties(Vec<(String, String)>);

impl Properties {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((format!("plimsoll:{name}"), value.into()));
    }

    fn set_some(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }
}

/// What is told of an image.
pub(super) fn of_image(subject: &Subject<'_>) -> Vec<(String, String)> {
    let mut facts = Properties::default();
    let image = subject.image;
    facts.set("platform", image.platform.to_string());
    facts.set_some("manifestDigest", image.manifest_digest.map(|digest| digest.to_string()));
    facts.set_some("indexDigest", image.index_digest.map(|digest| digest.to_string()));
    facts.set_some("configDigest", image.config_digest.map(|digest| digest.to_string()));
    facts.set_some("created", image.created.as_deref());
    for (index, layer) in subject.layers.iter().enumerate() {
        let name = |name: &str| format!("layer:{index}:{name}");
        facts.set(&name("diffId"), layer.diff_id.to_string());
        facts.set_some(&name("digest"), layer.digest.map(|digest| digest.to_string()));
        facts.set_some(&name("size"), layer.size.map(|size| size.to_string()));
        facts.set_some(&name("createdBy"), layer.created_by.as_deref());
        facts.set(&name("origin"), origin_word(layer.origin));
    }
    for (index, gap) in subject.inventory.gaps.iter().enumerate() {
        facts.set(&format!("gap:{index}:kind"), gap.kind.as_str());
        facts.set(&format!("gap:{index}:subject"), &gap.subject);
        facts.set(&format!("gap:{index}:reason"), &gap.reason);
    }
    facts.0
}

/// What is told of a distribution.
pub(super) fn of_distribution(distribution: &Distribution) -> Vec<(String, String)> {
    let mut facts = Properties::default();
    let like = Some(distribution.id_like.join(" ")).filter(|like| !like.is_empty());
    facts.set_some("idLike", like);
    facts.set_some("codename", distribution.codename.as_deref());
    facts.set_some("prettyName", distribution.pretty_name.as_deref());
    facts.set_some("cpeName", distribution.cpe_name.as_deref());
    facts.0
}

/// What is told of a package; `owner` is the reference of the one that owns it.
pub(super) fn of_package(subject: &Subject<'_>, index: usize, owner: Option<&str>) -> Vec<(String, String)> {
    let mut facts = Properties::default();
    let Some(installed) = subject.inventory.packages.get(index) else { return facts.0 };
    let package = &installed.package;
    facts.set("layer", installed.layer.to_string());
    if let Some(layer) = usize::try_from(installed.layer).ok().and_then(|index| subject.layers.get(index)) {
        facts.set("layerDiffId", layer.diff_id.to_string());
        facts.set_some("createdBy", layer.created_by.as_deref());
    }
    facts.set_some("sourceName", package.source.as_ref().map(|source| source.name.as_str()));
    facts.set_some("sourceVersion", package.source.as_ref().map(|source| source.version.as_str()));
    facts.set_some("ownedBy", owner);
    let purl = package.purl(subject.inventory.distribution.as_ref());
    let told = Named::from_purl(&purl).ok().map(|named| named.package);
    if told.as_ref().map(Package::identity) != Some(package.identity())
        || told.is_some_and(|told| told.modularity != package.modularity)
    {
        facts.set("ecosystem", package.ecosystem.as_str());
        facts.set("name", &package.name);
        facts.set("version", &package.version);
        facts.set_some("architecture", package.architecture.as_deref());
        facts.set_some("modularity", package.modularity.as_deref());
    }
    for (number, location) in installed.locations.iter().enumerate() {
        facts.set(&format!("location:{number}:path"), &location.path);
        facts.set_some(&format!("location:{number}:inside"), location.inside.as_deref());
        facts.set(&format!("location:{number}:layer"), location.layer.to_string());
    }
    // Some formats have but one expression for all of them.
    if package.licenses.len() > 1 {
        for (number, license) in package.licenses.iter().enumerate() {
            facts.set(&format!("license:{number}"), license);
        }
    }
    if let Some(deprecation) = subject.inventory.deprecation(index) {
        // What is told without a reason is told, too.
        facts.set("deprecated", deprecation.reason.as_deref().unwrap_or("true"));
        facts.set_some("successor", deprecation.successor.as_deref());
    }
    facts.set("fileCount", installed.file_count.to_string());
    let files = subject.owned_files.get(index).filter(|files| !files.is_empty());
    // One property, lest a document be mostly the names of properties. Lists of files know no line breaks either.
    facts.set_some("files", files.map(|files| files.join("\n")));
    facts.0
}

/// The image that a part of our own is.
pub(super) fn image(part: &Part) -> Option<(ImageIdentity, Vec<LayerSummary>, Vec<Gap>)> {
    let told = |name: &str| part.property(&format!("plimsoll:{name}"));
    let image = ImageIdentity {
        name: part.name.clone(),
        manifest_digest: told("manifestDigest").and_then(|digest| digest.parse().ok()),
        index_digest: told("indexDigest").and_then(|digest| digest.parse().ok()),
        config_digest: told("configDigest").and_then(|digest| digest.parse().ok()),
        platform: told("platform")?.parse().ok()?,
        created: told("created").map(str::to_owned),
    };
    let numbered = Numbered::new(part);
    let layers = numbered.all("layer", |get| {
        Some(LayerSummary {
            diff_id: get("diffId")?.parse().ok()?,
            digest: get("digest").and_then(|digest| digest.parse().ok()),
            size: get("size").and_then(|size| size.parse().ok()),
            created_by: get("createdBy").map(str::to_owned),
            origin: origin(get("origin")),
        })
    });
    let gaps =
        numbered.all("gap", |get| Some(Gap::new(gap_kind(get("kind")?)?, get("subject")?, get("reason")?)));
    Some((image, layers, gaps))
}

/// The distribution that a part of our own is.
pub(super) fn distribution(part: &Part) -> Distribution {
    let told = |name: &str| part.property(&format!("plimsoll:{name}"));
    Distribution {
        id: part.name.clone(),
        id_like: told("idLike").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        version_id: Some(part.version.clone()).filter(|version| !version.is_empty()),
        codename: told("codename").map(str::to_owned),
        pretty_name: told("prettyName").map(str::to_owned),
        cpe_name: told("cpeName").map(str::to_owned),
    }
}

/// The package that a part of our own is, and the files that it owns; who owns it stands in relations.
pub(super) fn package(part: &Part, layers: &[LayerSummary]) -> Option<(InstalledPackage, Vec<String>)> {
    let told = |name: &str| part.property(&format!("plimsoll:{name}"));
    let layer: u32 = told("layer")?.parse().ok()?;
    let mut package = match told("ecosystem") {
        Some(word) => {
            let ecosystem = Ecosystem::ALL.into_iter().find(|known| known.as_str() == word)?;
            let mut package = Package::new(ecosystem, told("name")?, told("version")?);
            package.architecture = told("architecture").map(str::to_owned);
            package.modularity = told("modularity").map(str::to_owned);
            package
        }
        None => Named::from_purl(part.purl.as_deref()?).ok()?.package,
    };
    package.source = told("sourceName")
        .zip(told("sourceVersion"))
        .map(|(name, version)| SourcePackage { name: name.to_owned(), version: version.to_owned() });
    let several: Vec<String> =
        (0..).map_while(|number| told(&format!("license:{number}")).map(str::to_owned)).collect();
    package.licenses = if several.is_empty() {
        part.licenses.iter().map(|license| license.text().to_owned()).collect()
    } else {
        several
    };
    let locations = Numbered::new(part).all("location", |get| {
        Some(Location {
            path: get("path")?.to_owned(),
            inside: get("inside").map(str::to_owned),
            layer: get("layer")?.parse().ok()?,
        })
    });
    let origin = usize::try_from(layer).ok().and_then(|index| layers.get(index)).map(|layer| layer.origin);
    let files = told("files").into_iter().flat_map(|files| files.split('\n')).map(str::to_owned).collect();
    let installed = InstalledPackage {
        package,
        locations,
        layer,
        origin: origin.unwrap_or_default(),
        owned_by: None,
        file_count: told("fileCount").and_then(|count| count.parse().ok()).unwrap_or(0),
    };
    Some((installed, files))
}

/// What is said of the package that a part of our own is, if its makers gave it up.
pub(super) fn deprecation(part: &Part) -> Option<Deprecation> {
    let reason = part.property("plimsoll:deprecated")?;
    let reason = Some(reason).filter(|reason| *reason != "true");
    Some(Deprecation::new(reason, part.property("plimsoll:successor")))
}

/// Properties by their names, for those that are numbered.
struct Numbered<'p>(std::collections::HashMap<&'p str, &'p str>);

impl<'p> Numbered<'p> {
    fn new(part: &'p Part) -> Self {
        Self(part.properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
    }

    /// All things of a kind, from the first number on until one is not whole.
    fn all<T>(&self, kind: &str, read: impl Fn(&dyn Fn(&str) -> Option<&'p str>) -> Option<T>) -> Vec<T> {
        (0_u32..)
            .map_while(|number| {
                read(&|name| self.0.get(format!("plimsoll:{kind}:{number}:{name}").as_str()).copied())
            })
            .collect()
    }
}

const fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Base => "base",
        Origin::Application => "application",
        Origin::Unknown => "unknown",
    }
}

fn origin(word: Option<&str>) -> Origin {
    let all = [Origin::Base, Origin::Application, Origin::Unknown];
    all.into_iter().find(|origin| Some(origin_word(*origin)) == word).unwrap_or_default()
}

fn gap_kind(word: &str) -> Option<GapKind> {
    GapKind::ALL.into_iter().find(|kind| kind.as_str() == word)
}
