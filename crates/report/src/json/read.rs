//! Plimsoll's own report as a bill of materials: what the image holds, without what was found in it.

use plimsoll_model::distribution::Distribution;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{
    Dependency, DeprecatedPackage, InstalledPackage, Inventory, LayerSummary, Location, Origin,
};
use plimsoll_model::package::{Deprecation, Ecosystem, Package, SourcePackage};
use plimsoll_model::scan::{Contents, ImageIdentity};
use serde::Deserialize;

use crate::sbom::make::{Maker, of_contents};
use crate::sbom::read::{Markers, ReadError, Reader, json};
use crate::sbom::{Bill, Tool};

const FORMAT: &str = "Plimsoll's JSON";

/// Plimsoll's own JSON.
pub(crate) const REPORT: Reader = Reader { name: FORMAT, media_type: None, recognizes, read };

fn recognizes(markers: &Markers) -> bool {
    markers.has_scans
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: String,
    tool: ToolRead,
    scans: Vec<ScanRead>,
}

#[derive(Deserialize)]
struct ToolRead {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct ScanRead {
    image: ImageRead,
    #[serde(default)]
    gaps: Vec<GapRead>,
    packages: Vec<PackageRead>,
}

#[derive(Deserialize)]
struct ImageRead {
    name: String,
    digest: Option<String>,
    id: Option<String>,
    platform: String,
    created: Option<String>,
    distribution: Option<DistributionRead>,
    layers: Vec<LayerRead>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DistributionRead {
    id: String,
    version: Option<String>,
    codename: Option<String>,
    #[serde(default)]
    id_like: Vec<String>,
    cpe: Option<String>,
    title: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerRead {
    diff_id: String,
    digest: Option<String>,
    size: Option<u64>,
    created_by: Option<String>,
    origin: Origin,
}

#[derive(Deserialize)]
struct GapRead {
    kind: String,
    subject: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackageRead {
    name: String,
    version: String,
    ecosystem: String,
    purl: String,
    architecture: Option<String>,
    source: Option<SourcePackage>,
    #[serde(default)]
    licenses: Vec<String>,
    modularity: Option<String>,
    #[serde(default)]
    locations: Vec<LocationRead>,
    layer: Option<u32>,
    origin: Origin,
    owned_by: Option<String>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    deprecated: Option<DeprecatedRead>,
}

#[derive(Deserialize)]
struct DeprecatedRead {
    reason: Option<String>,
    successor: Option<String>,
}

#[derive(Deserialize)]
struct LocationRead {
    path: String,
    inside: Option<String>,
    layer: Option<u32>,
}

fn read(bytes: &[u8]) -> Result<Bill, ReadError> {
    let document: Document = json(bytes, FORMAT)?;
    if !document.schema_version.starts_with("1.") {
        return Err(ReadError::version(FORMAT, &document.schema_version));
    }
    let contents = document.scans.into_iter().map(contents).collect::<Result<Vec<_>, _>>()?;
    // The report tells no time, so that the time of the image is its.
    let maker = Maker { version: "", made: None, now: jiff::Timestamp::UNIX_EPOCH };
    let mut bill = of_contents(&contents, &maker);
    bill.format = format!("{FORMAT} {}", document.schema_version);
    bill.tools = vec![Tool { vendor: None, name: document.tool.name, version: document.tool.version }];
    Ok(bill)
}

fn contents(scan: ScanRead) -> Result<Contents, ReadError> {
    let image = scan.image;
    let malformed = |error: &dyn std::fmt::Display| ReadError::malformed(FORMAT, error);
    let layers = image.layers.into_iter().map(layer).collect::<Result<Vec<_>, _>>()?;
    let mut inventory = Inventory {
        distribution: image.distribution.map(|distribution| Distribution {
            id: distribution.id,
            id_like: distribution.id_like,
            version_id: distribution.version,
            codename: distribution.codename,
            pretty_name: Some(distribution.title),
            cpe_name: distribution.cpe,
        }),
        gaps: scan.gaps.into_iter().filter_map(gap).collect(),
        ..Inventory::default()
    };
    let purls: std::collections::HashMap<String, u32> =
        (0_u32..).zip(&scan.packages).map(|(index, package)| (package.purl.clone(), index)).collect();
    let mut owned_files = Vec::with_capacity(scan.packages.len());
    let mut dependencies: Vec<Dependency> = (0_u32..)
        .zip(&scan.packages)
        .flat_map(|(from, package)| {
            let needed = package.depends_on.iter().filter_map(|purl| purls.get(purl).copied());
            needed.filter(move |to| *to != from).map(move |to| Dependency { from, to })
        })
        .collect();
    dependencies.sort_unstable();
    dependencies.dedup();
    for (index, package) in (0..).zip(scan.packages) {
        if let Some(said) = &package.deprecated {
            let deprecation = Deprecation::new(said.reason.as_deref(), said.successor.as_deref());
            inventory.deprecated.push(DeprecatedPackage { package: index, deprecation });
        }
        let owner = package.owned_by.as_ref().and_then(|purl| purls.get(purl)).copied();
        let (installed, files) = installed(package, owner)?;
        inventory.packages.push(installed);
        owned_files.push(files);
    }
    let digest = |text: Option<String>| text.map(|text| text.parse()).transpose();
    Ok(Contents {
        image: ImageIdentity {
            name: image.name,
            manifest_digest: digest(image.digest).map_err(|error| malformed(&error))?,
            index_digest: None,
            config_digest: digest(image.id).map_err(|error| malformed(&error))?,
            platform: image.platform.parse().map_err(|error| malformed(&error))?,
            created: image.created,
        },
        layers,
        inventory,
        owned_files,
        dependencies,
    })
}

fn layer(layer: LayerRead) -> Result<LayerSummary, ReadError> {
    let malformed = |error: plimsoll_model::digest::DigestError| ReadError::malformed(FORMAT, &error);
    Ok(LayerSummary {
        diff_id: layer.diff_id.parse().map_err(malformed)?,
        digest: layer.digest.map(|digest| digest.parse()).transpose().map_err(malformed)?,
        size: layer.size,
        created_by: layer.created_by,
        origin: layer.origin,
    })
}

/// A gap of the image; those of the database are told anew by each scan.
fn gap(gap: GapRead) -> Option<Gap> {
    let kind = GapKind::ALL.into_iter().find(|kind| kind.as_str() == gap.kind)?;
    let is_of_image = match kind {
        GapKind::RecordUnread => gap.subject != "advisory database",
        GapKind::LayerUnread
        | GapKind::FileUnread
        | GapKind::LimitReached
        | GapKind::SuspiciousEntry
        | GapKind::SignatureUnverified
        | GapKind::ToolMissing => true,
        GapKind::NoFeed
        | GapKind::ClockBehind
        | GapKind::PartialFeed
        | GapKind::UnknownDistribution
        | GapKind::VersionUnordered
        | GapKind::StaleDatabase
        | GapKind::NoDatabase
        | GapKind::VexUnread
        | GapKind::NotInDocument => false,
    };
    is_of_image.then(|| Gap::new(kind, gap.subject, gap.reason))
}

fn installed(read: PackageRead, owner: Option<u32>) -> Result<(InstalledPackage, Vec<String>), ReadError> {
    let ecosystem = Ecosystem::ALL.into_iter().find(|known| known.as_str() == read.ecosystem);
    let unknown =
        || ReadError::malformed(FORMAT, &format!("the ecosystem {:?} is not known", read.ecosystem));
    let mut package = Package::new(ecosystem.ok_or_else(unknown)?, read.name, read.version);
    package.architecture = read.architecture;
    package.source = read.source;
    package.licenses = read.licenses;
    package.modularity = read.modularity;
    let location = |location: LocationRead| Location {
        path: location.path.strip_prefix('/').unwrap_or(&location.path).to_owned(),
        inside: location.inside,
        layer: location.layer.unwrap_or(0),
    };
    let plain = |path: String| path.strip_prefix('/').map(str::to_owned).unwrap_or(path);
    let files: Vec<String> = read.files.into_iter().map(plain).collect();
    let installed = InstalledPackage {
        package,
        locations: read.locations.into_iter().map(location).collect(),
        layer: read.layer.unwrap_or(0),
        origin: read.origin,
        owned_by: owner,
        file_count: u32::try_from(files.len()).unwrap_or(u32::MAX),
    };
    Ok((installed, files))
}
