//! Plimsoll's own JSON. Its schema is `docs/schema/scan-1.json`, made from these types; within a major version fields are
//! only added. The same image, database and date give the same bytes.

mod others;
mod position;
mod read;
mod vulnerability;

use std::io::{self, Write};

use others::{DeprecatedDocument, EndOfLifeDocument, LicenseDocument, SecretDocument};
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::Gap;
use plimsoll_model::inventory::{InstalledPackage, Location, Origin};
use plimsoll_model::risk::Risk;
use plimsoll_model::scan::Scan;
use plimsoll_model::verdict::Verdict;
use plimsoll_model::vex::{Provenance, SetAside, Statement};
use position::PositionDocument;
pub(crate) use read::REPORT;
use schemars::JsonSchema;
use serde::Serialize;
use vulnerability::VulnerabilityDocument;

use crate::summary::by_severity;
use crate::{Format, Report, Writer};

/// Writes JSON.
pub const JSON: Format = Format {
    name: "json",
    summary: "everything, for programs; see docs/schema/scan-1.json",
    needs_details: true,
    writer: Writer::Report(write),
};

/// The version of the schema: raised in its first number if a field goes or changes.
pub const SCHEMA_VERSION: &str = "1.0";

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&document(report), out)
}

pub(crate) fn document<'a>(report: &Report<'a>) -> Document<'a> {
    Document {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "plimsoll", version: report.version },
        scans: report.scans.iter().map(ScanDocument::new).collect(),
    }
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll scan`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The program that wrote it.
    tool: Tool<'a>,
    /// One scan a platform.
    scans: Vec<ScanDocument<'a>>,
}

/// The program that wrote the document.
#[derive(JsonSchema, Serialize)]
struct Tool<'a> {
    /// `plimsoll`.
    name: &'a str,
    /// Its version.
    version: &'a str,
}

/// What was found in one image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ScanDocument<'a> {
    /// Which image.
    image: ImageDocument<'a>,
    /// The advisory database that was used; null if there was none.
    database: Option<DatabaseDocument<'a>>,
    /// How many findings there are, worst severity first.
    summary: Vec<CountDocument>,
    /// What follows under the gate.
    verdict: VerdictDocument<'a>,
    /// What is wrong, worst first.
    findings: Vec<FindingDocument<'a>>,
    /// Findings that VEX documents say are none, with the statements.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<Vec<SetAsideDocument<'a>>>,
    /// How many secrets the baseline covers; they are not among the findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets_known: Option<usize>,
    /// What could not be checked.
    gaps: Vec<GapDocument<'a>>,
    /// What the image contains, sorted by ecosystem, name, version.
    packages: Vec<PackageDocument<'a>>,
}

/// An image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    name: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// The digest of its configuration: the image ID.
    id: Option<String>,
    /// `linux/amd64`.
    platform: String,
    /// When it was made, RFC 3339.
    created: Option<&'a str>,
    /// The distribution it is built from.
    distribution: Option<DistributionDocument<'a>>,
    /// Its layers, lowest first.
    layers: Vec<LayerDocument<'a>>,
}

/// A distribution, as os-release tells it.
#[derive(JsonSchema, Serialize)]
struct DistributionDocument<'a> {
    /// `debian`.
    id: &'a str,
    /// `12`.
    version: Option<&'a str>,
    /// `bookworm`.
    codename: Option<&'a str>,
    /// What it is like: `["rhel", "fedora"]`.
    #[serde(rename = "idLike", skip_serializing_if = "Option::is_none")]
    id_like: Option<&'a [String]>,
    /// Its CPE name, as it tells itself: `cpe:/o:redhat:enterprise_linux:9::baseos`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpe: Option<&'a str>,
    /// For people.
    title: String,
}

/// A layer.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerDocument<'a> {
    /// The digest of its uncompressed tar.
    diff_id: String,
    /// The digest of the stored blob.
    digest: Option<String>,
    /// The stored size in bytes.
    size: Option<u64>,
    /// The build step that made it.
    created_by: Option<&'a str>,
    /// `base`, `application` or `unknown`.
    origin: &'static str,
}

/// The advisory database.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct DatabaseDocument<'a> {
    /// `bundled`, or a path.
    origin: &'a str,
    /// The day of its newest data, ISO 8601.
    date: Option<String>,
    /// Its age on the day of the scan.
    age_days: Option<i64>,
    /// How many advisories it has.
    advisories: u64,
    /// Its feeds.
    feeds: Vec<FeedDocument<'a>>,
}

/// A feed of the database.
#[derive(JsonSchema, Serialize)]
struct FeedDocument<'a> {
    /// Its name.
    name: &'a str,
    /// The day of its newest record.
    date: Option<String>,
    /// How many advisories are from it.
    advisories: u64,
}

/// How many findings of one severity there are.
#[derive(JsonSchema, Serialize)]
struct CountDocument {
    /// The severity.
    severity: &'static str,
    /// How many.
    total: usize,
    /// How many can be fixed now.
    fixable: usize,
    /// How many are in packages that bring no running code.
    #[serde(skip_serializing_if = "Option::is_none")]
    inert: Option<usize>,
    /// How many are about code that is seen to be absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<usize>,
}

/// What follows.
#[derive(JsonSchema, Serialize)]
struct VerdictDocument<'a> {
    /// `pass`, `fail` or `undecided`.
    outcome: &'static str,
    /// Why.
    reasons: &'a [String],
}

/// Something wrong.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingDocument<'a> {
    /// `vulnerability`, `secret`, `misconfiguration`, `end-of-life` or `license`.
    kind: &'static str,
    /// The best known id.
    id: &'a str,
    /// One line for a person.
    title: &'a str,
    /// How bad.
    severity: &'static str,
    /// Who says so.
    severity_source: &'a str,
    /// How much it matters, from 0 to 100 (docs/risk.md).
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<u8>,
    /// What to do.
    remedy: Option<&'a str>,
    /// Where in the image; empty if it concerns the image as a whole.
    locations: Vec<LocationDocument<'a>>,
    /// Where in a file that people edit, a Dockerfile say, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<PositionDocument<'a>>,
    /// Links for reading on.
    references: &'a [String],
    /// What only a vulnerability has.
    #[serde(skip_serializing_if = "Option::is_none")]
    vulnerability: Option<VulnerabilityDocument<'a>>,
    /// What only a secret has.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretDocument<'a>>,
    /// What was seen that breaks the rule, for a misconfiguration.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a str>,
    /// What only an end of life has.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_of_life: Option<EndOfLifeDocument<'a>>,
    /// What only a licence has.
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<LicenseDocument<'a>>,
}

/// A place in the image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationDocument<'a> {
    /// The absolute path.
    path: String,
    /// The member of the archive at that path.
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<&'a str>,
    /// The index of the layer in `image.layers`; null for a root filesystem.
    layer: Option<u32>,
}

/// A finding that a VEX document says is none.
#[derive(JsonSchema, Serialize)]
struct SetAsideDocument<'a> {
    /// The finding.
    finding: FindingDocument<'a>,
    /// What is said of it.
    statement: StatementDocument<'a>,
}

/// A statement of a VEX document.
#[derive(JsonSchema, Serialize)]
pub(crate) struct StatementDocument<'a> {
    /// `not-affected` or `fixed`.
    status: &'static str,
    /// Why, in the word of the format.
    justification: Option<&'a str>,
    /// Why, in a sentence.
    impact: Option<&'a str>,
    /// The document.
    document: &'a str,
    /// Who says it.
    author: Option<&'a str>,
    /// How the document came to be used, if not by its name: `repository`, or `image` for one that lay beside the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<&'static str>,
    /// `not-verified` if the document could be signed and nobody looked: it lay beside the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'static str>,
}

/// Something that could not be checked.
#[derive(JsonSchema, Serialize)]
pub(crate) struct GapDocument<'a> {
    /// The kind, `no-feed`, `layer-unread` …
    kind: &'static str,
    /// What was not checked.
    subject: &'a str,
    /// Why.
    reason: &'a str,
}

/// A package.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct PackageDocument<'a> {
    /// Its name; `group:artifact` for Maven.
    name: &'a str,
    /// Its version.
    version: &'a str,
    /// The ecosystem, as purl types spell it.
    ecosystem: &'static str,
    /// Its package URL.
    purl: String,
    /// The architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a str>,
    /// The source package that it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceDocument<'a>>,
    /// Licences as declared.
    licenses: &'a [String],
    /// The module label of a modular rpm.
    #[serde(skip_serializing_if = "Option::is_none")]
    modularity: Option<&'a str>,
    /// Where its evidence lies.
    locations: Vec<LocationDocument<'a>>,
    /// The index in `image.layers` of the layer that brought it; null for a root filesystem.
    layer: Option<u32>,
    /// The diff ID of that layer.
    layer_diff_id: Option<String>,
    /// The build step that brought it.
    created_by: Option<&'a str>,
    /// `base`, `application` or `unknown`.
    origin: &'static str,
    /// The package URL of the OS package that owns its evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    owned_by: Option<String>,
    /// The package URLs of the packages that it needs, as its package manager or a lock file tells; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
    /// The files it owns, as its package manager lists them.
    files: Vec<String>,
    /// What is said of it if its makers gave it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<DeprecatedDocument<'a>>,
}

/// A source package.
#[derive(JsonSchema, Serialize)]
struct SourceDocument<'a> {
    /// Its name.
    name: &'a str,
    /// Its version.
    version: &'a str,
}

impl<'a> ScanDocument<'a> {
    fn new(scan: &'a Scan) -> Self {
        let count = |count: crate::summary::Count| CountDocument {
            severity: count.severity.as_str(),
            total: count.total,
            fixable: count.fixable,
            inert: Some(count.inert).filter(|count| *count > 0),
            absent: Some(count.absent).filter(|count| *count > 0),
        };
        Self {
            image: ImageDocument::new(scan),
            database: scan.database.as_ref().map(DatabaseDocument::new),
            summary: by_severity(&scan.findings).into_iter().map(count).collect(),
            verdict: VerdictDocument::new(&scan.verdict),
            findings: scan.findings.iter().map(|finding| FindingDocument::new(finding, scan)).collect(),
            set_aside: (!scan.set_aside.is_empty())
                .then(|| scan.set_aside.iter().map(|aside| SetAsideDocument::new(aside, scan)).collect()),
            secrets_known: Some(scan.secrets_known).filter(|count| *count > 0),
            gaps: scan.gaps.iter().map(GapDocument::new).collect(),
            packages: PackageDocument::all(scan),
        }
    }
}

impl<'a> ImageDocument<'a> {
    fn new(scan: &'a Scan) -> Self {
        let distribution = scan.inventory.distribution.as_ref().map(|distribution| DistributionDocument {
            id: &distribution.id,
            version: distribution.version_id.as_deref(),
            codename: distribution.codename.as_deref(),
            id_like: Some(distribution.id_like.as_slice()).filter(|like| !like.is_empty()),
            cpe: distribution.cpe_name.as_deref(),
            title: distribution.title(),
        });
        let layer = |layer: &'a plimsoll_model::inventory::LayerSummary| LayerDocument {
            diff_id: layer.diff_id.to_string(),
            digest: layer.digest.map(|digest| digest.to_string()),
            size: layer.size,
            created_by: layer.created_by.as_deref(),
            origin: origin(layer.origin),
        };
        Self {
            name: &scan.image.name,
            digest: scan.image.manifest_digest.map(|digest| digest.to_string()),
            id: scan.image.config_digest.map(|digest| digest.to_string()),
            platform: scan.image.platform.to_string(),
            created: scan.image.created.as_deref(),
            distribution,
            layers: scan.layers.iter().map(layer).collect(),
        }
    }
}

impl<'a> DatabaseDocument<'a> {
    fn new(database: &'a plimsoll_model::scan::DatabaseSummary) -> Self {
        let feed = |feed: &'a plimsoll_model::scan::FeedSummary| FeedDocument {
            name: &feed.name,
            date: feed.date.map(|date| date.to_string()),
            advisories: feed.advisories,
        };
        Self {
            origin: &database.origin,
            date: database.date.map(|date| date.to_string()),
            age_days: database.age_days,
            advisories: database.advisories,
            feeds: database.feeds.iter().map(feed).collect(),
        }
    }
}

impl<'a> VerdictDocument<'a> {
    const fn new(verdict: &'a Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self { outcome: "pass", reasons: &[] },
            Verdict::Fail { reasons } => Self { outcome: "fail", reasons: reasons.as_slice() },
            Verdict::Undecided { reasons } => Self { outcome: "undecided", reasons: reasons.as_slice() },
        }
    }
}

impl<'a> FindingDocument<'a> {
    fn new(finding: &'a Finding, scan: &'a Scan) -> Self {
        let (mut vulnerability, mut secret, mut evidence) = (None, None, None);
        let (mut end_of_life, mut license) = (None, None);
        match &finding.kind {
            FindingKind::Vulnerability(found) => vulnerability = VulnerabilityDocument::new(found, scan),
            FindingKind::Secret { redacted, fingerprint, line, shadowed } => {
                secret = Some(SecretDocument { redacted, fingerprint, line: *line, shadowed: *shadowed });
            }
            FindingKind::Misconfiguration { evidence: seen } => evidence = Some(seen.as_str()),
            FindingKind::EndOfLife { product, cycle, security, extended } => {
                end_of_life = Some(EndOfLifeDocument::new(product, cycle, *security, *extended));
            }
            FindingKind::License { package, license: words, class, category } => {
                license = LicenseDocument::new(*package, words, (*class, *category), scan);
            }
        }
        Self {
            kind: finding.kind.as_str(),
            id: &finding.id,
            title: &finding.title,
            severity: finding.severity.as_str(),
            severity_source: &finding.severity_source,
            risk: Some(Risk::of(finding, scan).score),
            remedy: finding.remedy.as_deref(),
            locations: locations(&finding.locations, scan),
            position: finding.position.as_ref().map(PositionDocument::new),
            references: &finding.references,
            vulnerability,
            secret,
            evidence,
            end_of_life,
            license,
        }
    }
}

impl<'a> SetAsideDocument<'a> {
    fn new(aside: &'a SetAside, scan: &'a Scan) -> Self {
        let statement = &aside.statement;
        Self {
            finding: FindingDocument::new(&aside.finding, scan),
            statement: StatementDocument::new(statement),
        }
    }
}

impl<'a> StatementDocument<'a> {
    pub(crate) fn new(statement: &'a Statement) -> Self {
        let provenance = statement.provenance;
        Self {
            status: statement.status.as_str(),
            justification: statement.justification.as_deref(),
            impact: statement.impact.as_deref(),
            document: &statement.document,
            author: statement.author.as_deref(),
            provenance: (provenance != Provenance::Given).then(|| provenance.as_str()),
            signature: (provenance == Provenance::Image).then_some("not-verified"),
        }
    }
}

impl<'a> GapDocument<'a> {
    pub(crate) fn new(gap: &'a Gap) -> Self {
        Self { kind: gap.kind.as_str(), subject: &gap.subject, reason: &gap.reason }
    }
}

impl<'a> PackageDocument<'a> {
    fn all(scan: &'a Scan) -> Vec<Self> {
        let purl =
            |installed: &InstalledPackage| installed.package.purl(scan.inventory.distribution.as_ref());
        scan.inventory
            .packages
            .iter()
            .enumerate()
            .map(|(index, installed)| {
                let package = &installed.package;
                let layer = scan.layers.get(installed.layer as usize);
                Self {
                    name: &package.name,
                    version: &package.version,
                    ecosystem: package.ecosystem.as_str(),
                    purl: purl(installed),
                    architecture: package.architecture.as_deref(),
                    source: package
                        .source
                        .as_ref()
                        .map(|s| SourceDocument { name: &s.name, version: &s.version }),
                    licenses: &package.licenses,
                    modularity: package.modularity.as_deref(),
                    locations: locations(&installed.locations, scan),
                    layer: layer.map(|_| installed.layer),
                    layer_diff_id: layer.map(|layer| layer.diff_id.to_string()),
                    created_by: layer.and_then(|layer| layer.created_by.as_deref()),
                    origin: origin(installed.origin),
                    owned_by: installed
                        .owned_by
                        .and_then(|owner| scan.inventory.packages.get(owner as usize))
                        .map(purl),
                    depends_on: depends_on(scan, index, purl),
                    files: scan
                        .owned_files
                        .get(index)
                        .into_iter()
                        .flatten()
                        .map(|path| format!("/{path}"))
                        .collect(),
                    deprecated: DeprecatedDocument::of(index, scan),
                }
            })
            .collect()
    }
}

/// What the package at `index` needs.
fn depends_on(scan: &Scan, index: usize, purl: impl Fn(&InstalledPackage) -> String) -> Vec<String> {
    let start = scan.dependencies.partition_point(|relation| (relation.from as usize) < index);
    let own = scan.dependencies.iter().skip(start).take_while(|relation| relation.from as usize == index);
    let packages = own.filter_map(|relation| scan.inventory.packages.get(relation.to as usize));
    let mut purls: Vec<String> = packages.map(purl).collect();
    purls.sort_unstable();
    purls.dedup();
    purls
}

fn locations<'a>(locations: &'a [Location], scan: &Scan) -> Vec<LocationDocument<'a>> {
    locations
        .iter()
        .map(|location| LocationDocument {
            path: format!("/{}", location.path),
            inside: location.inside.as_deref(),
            layer: scan.layers.get(location.layer as usize).map(|_| location.layer),
        })
        .collect()
}

const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Base => "base",
        Origin::Application => "application",
        Origin::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests;
