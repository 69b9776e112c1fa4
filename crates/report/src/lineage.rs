//! What `plimsoll lineage` tells: what images are based on, in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::finding::Finding;
use plimsoll_model::lineage::{Base, Lineage, Material};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::json::GapDocument;
use crate::table::{bold, clean, plural};

/// The version of the JSON document's schema, `docs/schema/lineage-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Writes lineages for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(lineages: &[Lineage], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for (index, lineage) in lineages.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_one(lineage, style, out)?;
    }
    Ok(())
}

fn write_one(lineage: &Lineage, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(image) = &lineage.image {
        writeln!(out, "{}  {}", bold(&clean(&image.name), style), image.platform)?;
    }
    for base in &lineage.bases {
        writeln!(out, "  based on   {}", described(base))?;
    }
    let (own, all) = (lineage.own_layers, lineage.bases.first().map_or(0, |base| base.layers.len()));
    writeln!(out, "  layers     {all} of the base, {own} on top")?;
    if let Some(chain) = lineage.chain {
        writeln!(out, "  chain ID   {chain}")?;
    }
    if let Some((name, digest)) = &lineage.label {
        let digest = digest.as_ref().map_or_else(String::new, |digest| format!("@{digest}"));
        writeln!(out, "  labels     {}", clean(&format!("{name}{digest}")))?;
    }
    for material in &lineage.materials {
        let digest = material.digest.map_or_else(String::new, |digest| format!("@{digest}"));
        writeln!(
            out,
            "  built from {}",
            clean(&format!("{}{digest}  (provenance, unsigned)", material.name))
        )?;
    }
    if let Some(newest) = lineage.newer.first() {
        writeln!(out, "  newest     {}", described(newest))?;
    }
    if let Some((mended, brought)) = &lineage.changes {
        let (no_more, new) = (mended.len(), brought.len());
        writeln!(out, "  it mends   {no_more} finding{}, and brings {new}", plural(no_more))?;
        for id in mended.iter().take(10) {
            writeln!(out, "             {}", clean(id))?;
        }
    }
    for finding in &lineage.findings {
        let seen = finding.kind.evidence().unwrap_or_default();
        writeln!(out, "  {:<10} {}: {}", finding.severity, clean(&finding.title), clean(seen))?;
        if let Some(remedy) = &finding.remedy {
            writeln!(out, "             {}", clean(remedy))?;
        }
    }
    for gap in &lineage.gaps {
        writeln!(out, "  not looked at: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    Ok(())
}

fn described(base: &Base) -> String {
    let digest = base.digest.map_or_else(String::new, |digest| format!("  {digest}"));
    let created = base
        .created
        .as_ref()
        .map_or_else(String::new, |created| format!("  of {}", created.get(..10).unwrap_or(created)));
    clean(&format!("{}{digest}{created}", base.name))
}

/// Writes lineages as JSON, by the schema `docs/schema/lineage-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(lineages: &[Lineage], out: &mut dyn Write) -> io::Result<()> {
    let images = lineages.iter().map(ImageDocument::new).collect();
    crate::write_json(&Document { schema_version: SCHEMA_VERSION, images }, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll lineage`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The images, in the order they were asked for.
    images: Vec<ImageDocument<'a>>,
}

/// What an image is based on.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    name: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// The known images with the most layers that it begins with, newest first.
    bases: Vec<BaseDocument<'a>>,
    /// The chain ID of the base's layers.
    chain_id: Option<String>,
    /// How many layers the image has on top of its base.
    own_layers: usize,
    /// What its labels say, which is no proof.
    label: Option<LabelDocument<'a>>,
    /// The images that the provenance names which BuildKit attaches; it is not signed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    materials: Vec<MaterialDocument<'a>>,
    /// Known images of the base's name that are newer, newest first.
    newer: Vec<BaseDocument<'a>>,
    /// How many days lie between the base and the newest of its name.
    days_behind: Option<i64>,
    /// Findings that the newest base no longer has; only with `--compare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mended: Option<&'a [String]>,
    /// Findings that only the newest base has; only with `--compare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    brought: Option<&'a [String]>,
    /// What is wrong.
    findings: Vec<FindingDocument<'a>>,
    /// What could not be looked at.
    gaps: Vec<GapDocument<'a>>,
}

/// A known image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct BaseDocument<'a> {
    /// The name it was added by.
    name: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// When it was made.
    created: Option<&'a str>,
    /// How many layers it has.
    layers: usize,
}

/// What labels say.
#[derive(JsonSchema, Serialize)]
struct LabelDocument<'a> {
    /// `org.opencontainers.image.base.name`.
    name: &'a str,
    /// `org.opencontainers.image.base.digest`.
    digest: Option<&'a str>,
}

/// An image that provenance names.
#[derive(JsonSchema, Serialize)]
struct MaterialDocument<'a> {
    /// Its name and tag.
    name: &'a str,
    /// The digest of its manifest or index.
    digest: Option<String>,
}

/// Something wrong with a lineage.
#[derive(JsonSchema, Serialize)]
struct FindingDocument<'a> {
    /// The rule: `base-outdated`.
    id: &'a str,
    /// How bad.
    severity: &'static str,
    /// One line for a person.
    title: &'a str,
    /// What was seen.
    evidence: &'a str,
    /// What to do.
    remedy: Option<&'a str>,
}

impl<'a> ImageDocument<'a> {
    fn new(lineage: &'a Lineage) -> Self {
        let image = lineage.image.as_ref();
        let changes = lineage.changes.as_ref();
        Self {
            name: image.map_or("", |image| image.name.as_str()),
            digest: image.and_then(|image| image.manifest_digest).map(|digest| digest.to_string()),
            bases: lineage.bases.iter().map(BaseDocument::new).collect(),
            chain_id: lineage.chain.map(|chain| chain.to_string()),
            own_layers: lineage.own_layers,
            label: lineage
                .label
                .as_ref()
                .map(|(name, digest)| LabelDocument { name, digest: digest.as_deref() }),
            materials: lineage.materials.iter().map(MaterialDocument::new).collect(),
            newer: lineage.newer.iter().map(BaseDocument::new).collect(),
            days_behind: lineage.days_behind,
            mended: changes.map(|(mended, _)| mended.as_slice()),
            brought: changes.map(|(_, brought)| brought.as_slice()),
            findings: lineage.findings.iter().map(FindingDocument::new).collect(),
            gaps: lineage.gaps.iter().map(GapDocument::new).collect(),
        }
    }
}

impl<'a> BaseDocument<'a> {
    fn new(base: &'a Base) -> Self {
        Self {
            name: &base.name,
            digest: base.digest.map(|digest| digest.to_string()),
            created: base.created.as_deref(),
            layers: base.layers.len(),
        }
    }
}

impl<'a> MaterialDocument<'a> {
    fn new(material: &'a Material) -> Self {
        Self { name: &material.name, digest: material.digest.map(|digest| digest.to_string()) }
    }
}

impl<'a> FindingDocument<'a> {
    fn new(finding: &'a Finding) -> Self {
        let evidence = finding.kind.evidence().unwrap_or_default();
        Self {
            id: &finding.id,
            severity: finding.severity.as_str(),
            title: &finding.title,
            evidence,
            remedy: finding.remedy.as_deref(),
        }
    }
}
