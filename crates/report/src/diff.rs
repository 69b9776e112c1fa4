//! What changed from one image to another, in words and as JSON.

use std::io::{self, Write};

use comfy_table::Cell;
use plimsoll_model::difference::{Difference, FileChange, FileState};
use plimsoll_model::finding::Finding;
use plimsoll_model::inventory::LayerSummary;
use plimsoll_model::scan::ImageIdentity;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::account::{size, step};
use crate::json::GapDocument;
use crate::table::{bold, clean, new_table, plural, section};

/// The version of the JSON document's schema, `docs/schema/diff-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Writes a difference for a person; files one by one only if `all_files` are wanted.
///
/// # Errors
/// If `out` fails.
pub fn write_text(
    difference: &Difference,
    all_files: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (sign, image) in [("before", &difference.before), ("after", &difference.after)] {
        let digest = image.manifest_digest.or(image.config_digest);
        let digest = digest.map_or_else(String::new, |digest| format!("  {digest}"));
        writeln!(out, "{sign:>6}  {}  {}{digest}", bold(&clean(&image.name), style), image.platform)?;
    }
    writeln!(out)?;
    if difference.is_empty() {
        writeln!(out, "Nothing changed.")?;
    }
    settings(difference, style, out)?;
    packages(difference, style, out)?;
    if all_files {
        files(difference, style, out)?;
    }
    findings("Findings that came", &difference.came, style, out)?;
    findings("Findings that went", &difference.went, style, out)?;
    layers(difference, style, out)?;
    summary(difference, out)
}

fn settings(difference: &Difference, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if difference.settings.is_empty() {
        return Ok(());
    }
    section("Configuration", style, out)?;
    let mut table = new_table(style, &["Setting", "Before", "After"]);
    for change in &difference.settings {
        let shown = |value: &Option<String>| Cell::new(value.as_deref().map(clean).unwrap_or_default());
        table.add_row(vec![Cell::new(clean(&change.name)), shown(&change.before), shown(&change.after)]);
    }
    writeln!(out, "{table}\n")
}

fn packages(difference: &Difference, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if difference.packages.is_empty() {
        return Ok(());
    }
    section("Packages", style, out)?;
    let mut table = new_table(style, &["Package", "Ecosystem", "Before", "After", "By"]);
    for change in &difference.packages {
        table.add_row(vec![
            Cell::new(clean(&change.name)),
            Cell::new(change.ecosystem.as_str()),
            Cell::new(clean(&change.before.join(", "))),
            Cell::new(clean(&change.after.join(", "))),
            Cell::new(step(layers_of(difference, change.after.is_empty()), change.layer)),
        ]);
    }
    writeln!(out, "{table}\n")
}

fn files(difference: &Difference, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if difference.files.is_empty() {
        return Ok(());
    }
    section("Files", style, out)?;
    let mut table = new_table(style, &["File", "What", "Before", "After", "By"]);
    for change in &difference.files {
        let shown =
            |state: Option<FileState>| Cell::new(state.map_or_else(String::new, |state| size(state.size)));
        let kind = change.after.or(change.before).map(|state| state.kind).unwrap_or_default();
        table.add_row(vec![
            Cell::new(clean(&format!("/{}", change.path))),
            Cell::new(kind.as_str()),
            shown(change.before),
            shown(change.after),
            Cell::new(step(layers_of(difference, change.after.is_none()), change.layer)),
        ]);
    }
    writeln!(out, "{table}\n")
}

fn findings(heading: &str, findings: &[Finding], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    section(heading, style, out)?;
    const SHOWN: usize = 40;
    let mut table = new_table(style, &["Severity", "Finding", "What"]);
    for finding in findings.iter().take(SHOWN) {
        table.add_row(vec![
            Cell::new(finding.severity.as_str()),
            Cell::new(clean(&finding.id)),
            Cell::new(clean(&finding.title)),
        ]);
    }
    writeln!(out, "{table}")?;
    if let Some(more) = findings.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(out, "and {more} more; --format json lists all")?;
    }
    writeln!(out)
}

/// What each layer that only the image after has did.
fn layers(difference: &Difference, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let own = difference.layers_after.iter().enumerate().skip(difference.shared_layers);
    let mut rows = own.filter_map(|(index, _)| {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let packages =
            difference.packages.iter().filter(|change| change.layer == index && !change.after.is_empty());
        let files = difference.files.iter().filter(|change| change.layer == index && change.after.is_some());
        let (packages, files): (usize, Vec<&FileChange>) = (packages.count(), files.collect());
        let bytes = files.iter().filter_map(|change| change.after).map(|state| state.size).sum();
        (packages > 0 || !files.is_empty()).then_some((index, packages, files.len(), bytes))
    });
    let Some(first) = rows.next() else { return Ok(()) };
    section("By layer of the image after", style, out)?;
    let mut table = new_table(style, &["Layer", "Packages", "Files", "Size"]);
    for (index, packages, files, bytes) in std::iter::once(first).chain(rows) {
        let name = step(&difference.layers_after, index);
        table.add_row(vec![Cell::new(name), Cell::new(packages), Cell::new(files), Cell::new(size(bytes))]);
    }
    writeln!(out, "{table}\n")
}

fn summary(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let files = |came: bool, went: bool| {
        difference
            .files
            .iter()
            .filter(|change| change.after.is_some() == came && change.before.is_some() == went)
            .count()
    };
    let packages = |came: bool, went: bool| {
        difference
            .packages
            .iter()
            .filter(|change| change.after.is_empty() != came && change.before.is_empty() != went)
            .count()
    };
    let line = |name: &str, came: usize, changed: usize, went: usize| {
        format!("{name:>9}  {came:>6} came  {changed:>6} changed  {went:>6} went")
    };
    writeln!(
        out,
        "{}",
        line("packages", packages(true, false), packages(true, true), packages(false, true))
    )?;
    writeln!(out, "{}", line("files", files(true, false), files(true, true), files(false, true)))?;
    let (came, went) = (difference.came.len(), difference.went.len());
    writeln!(out, "{:>9}  {came:>6} came  {:>6} stayed   {went:>6} went", "findings", difference.stayed)?;
    if !difference.gaps.is_empty() {
        let gaps = difference.gaps.len();
        writeln!(out, "{gaps} thing{} could not be checked; `plimsoll scan` tells them.", plural(gaps))?;
    }
    Ok(())
}

fn layers_of(difference: &Difference, is_gone: bool) -> &[LayerSummary] {
    if is_gone { &difference.layers_before } else { &difference.layers_after }
}

/// Writes a difference as JSON, by the schema `docs/schema/diff-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&Document::new(difference), out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll diff`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The image before.
    before: ImageDocument<'a>,
    /// The image after.
    after: ImageDocument<'a>,
    /// How many layers both begin with.
    shared_layers: usize,
    /// Settings of the configuration with another value, sorted by name; secrets are replaced by their heads.
    settings: Vec<SettingDocument<'a>>,
    /// Packages with other versions.
    packages: Vec<PackageDocument<'a>>,
    /// Regular files with another content, sorted by path.
    files: Vec<FileDocument>,
    /// Findings.
    findings: FindingsDocument<'a>,
    /// What could not be read of either.
    gaps: Vec<GapDocument<'a>>,
}

/// An image.
#[derive(JsonSchema, Serialize)]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    name: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// `linux/amd64`.
    platform: String,
    /// The build step of each layer, lowest first.
    layers: Vec<Option<&'a str>>,
}

/// A setting.
#[derive(JsonSchema, Serialize)]
struct SettingDocument<'a> {
    /// `User`, `Env PATH`, `Label maintainer`.
    name: &'a str,
    /// The value before; null if it was not set.
    before: Option<&'a str>,
    /// The value after; null if it is not set.
    after: Option<&'a str>,
}

/// A package.
#[derive(JsonSchema, Serialize)]
struct PackageDocument<'a> {
    /// `deb`, `npm` …
    ecosystem: &'a str,
    /// The name.
    name: &'a str,
    /// Versions that are gone.
    before: &'a [String],
    /// Versions that are new.
    after: &'a [String],
    /// The index of the layer, of the image after, that brought them; where none are new, of the image before.
    layer: u32,
}

/// A file.
#[derive(JsonSchema, Serialize)]
struct FileDocument {
    /// The absolute path.
    path: String,
    /// The file before; null if there was none.
    before: Option<StateDocument>,
    /// The file after; null if there is none.
    after: Option<StateDocument>,
    /// The index of the layer, of the image after, that brought it; where it is gone, of the image before.
    layer: u32,
}

/// A file of one of the images.
#[derive(JsonSchema, Serialize)]
struct StateDocument {
    /// Its size in bytes.
    size: u64,
    /// `program`, `library`, `script` or `other`.
    kind: &'static str,
    /// `package`, `configuration`, `data` or `unknown`.
    class: &'static str,
    /// SHA-256 of its content; null if it could not be read.
    sha256: Option<String>,
}

/// Findings.
#[derive(JsonSchema, Serialize)]
struct FindingsDocument<'a> {
    /// Those that only the image after has.
    came: Vec<FindingDocument<'a>>,
    /// Those that only the image before has.
    went: Vec<FindingDocument<'a>>,
    /// How many both have.
    stayed: usize,
}

/// A finding.
#[derive(JsonSchema, Serialize)]
struct FindingDocument<'a> {
    /// `vulnerability`, `secret`, `misconfiguration` or `end-of-life`.
    kind: &'static str,
    /// The best known id.
    id: &'a str,
    /// One line for a person.
    title: &'a str,
    /// How bad.
    severity: &'static str,
}

impl<'a> Document<'a> {
    fn new(difference: &'a Difference) -> Self {
        let state = |state: FileState| StateDocument {
            size: state.size,
            kind: state.kind.as_str(),
            class: state.class.as_str(),
            sha256: state.sha256.map(|digest| digest.hex()),
        };
        let settings = difference.settings.iter().map(|change| SettingDocument {
            name: &change.name,
            before: change.before.as_deref(),
            after: change.after.as_deref(),
        });
        let packages = difference.packages.iter().map(|change| PackageDocument {
            ecosystem: change.ecosystem.as_str(),
            name: &change.name,
            before: &change.before,
            after: &change.after,
            layer: change.layer,
        });
        let files = difference.files.iter().map(|change| FileDocument {
            path: format!("/{}", change.path),
            before: change.before.map(state),
            after: change.after.map(state),
            layer: change.layer,
        });
        Self {
            schema_version: SCHEMA_VERSION,
            before: ImageDocument::new(&difference.before, &difference.layers_before),
            after: ImageDocument::new(&difference.after, &difference.layers_after),
            shared_layers: difference.shared_layers,
            settings: settings.collect(),
            packages: packages.collect(),
            files: files.collect(),
            findings: FindingsDocument {
                came: difference.came.iter().map(FindingDocument::new).collect(),
                went: difference.went.iter().map(FindingDocument::new).collect(),
                stayed: difference.stayed,
            },
            gaps: difference.gaps.iter().map(GapDocument::new).collect(),
        }
    }
}

impl<'a> ImageDocument<'a> {
    fn new(image: &'a ImageIdentity, layers: &'a [LayerSummary]) -> Self {
        Self {
            name: &image.name,
            digest: image.manifest_digest.map(|digest| digest.to_string()),
            platform: image.platform.to_string(),
            layers: layers.iter().map(|layer| layer.created_by.as_deref()).collect(),
        }
    }
}

impl<'a> FindingDocument<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            kind: finding.kind.as_str(),
            id: &finding.id,
            title: &finding.title,
            severity: finding.severity.as_str(),
        }
    }
}

#[cfg(test)]
mod tests;
