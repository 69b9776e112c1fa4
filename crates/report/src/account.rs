//! What `plimsoll inventory` tells: whose each file of an image is, in words and as JSON.

use std::io::{self, Write};

use comfy_table::Cell;
use plimsoll_model::accounting::{AccountedFile, FileClass, ImageAccount, Integrity};
use plimsoll_model::inventory::LayerSummary;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::json::GapDocument;
use crate::table::{bold, clean, first_gaps, new_table, plural, section, shortened};

/// The version of the JSON document's schema, `docs/schema/inventory-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Which files are told one by one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// All of them, and the packages.
    All,
    /// Only what nobody owns, and what was changed.
    Unowned,
}

/// Writes accounts for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(
    accounts: &[ImageAccount],
    told: Told,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (index, account) in accounts.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        header(account, style, out)?;
        if told == Told::All {
            packages(account, style, out)?;
        }
        unknown(account, style, out)?;
        changed(account, style, out)?;
        gaps(account, style, out)?;
        classes(account, out)?;
    }
    Ok(())
}

fn header(account: &ImageAccount, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  {}", bold(&clean(&account.image.name), style), account.image.platform)?;
    if let Some(digest) = account.image.manifest_digest.or(account.image.config_digest) {
        writeln!(out, "{digest}")?;
    }
    let distribution = account.inventory.distribution.as_ref();
    let distribution =
        distribution.map_or_else(|| "no distribution".to_owned(), |found| clean(&found.title()));
    let (layers, packages) = (account.layers.len(), account.inventory.packages.len());
    let of_layers = if layers > 0 { format!(", {layers} layer{}", plural(layers)) } else { String::new() };
    writeln!(out, "{distribution}{of_layers}, {packages} package{}\n", plural(packages))
}

fn packages(account: &ImageAccount, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if account.inventory.packages.is_empty() {
        return Ok(());
    }
    let mut counts = vec![0_usize; account.inventory.packages.len()];
    for package in account.accounting.files.iter().filter_map(|file| file.package) {
        if let Some(count) = counts.get_mut(package as usize) {
            *count = count.saturating_add(1);
        }
    }
    section("Packages", style, out)?;
    let mut table = new_table(style, &["Package", "Version", "Ecosystem", "Files", "Brought by"]);
    for (installed, count) in account.inventory.packages.iter().zip(counts) {
        let package = &installed.package;
        table.add_row(vec![
            Cell::new(clean(&package.name)),
            Cell::new(clean(&package.version)),
            Cell::new(package.ecosystem.as_str()),
            Cell::new(count),
            Cell::new(layer(account, installed.layer)),
        ]);
    }
    writeln!(out, "{table}\n")
}

fn unknown(account: &ImageAccount, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let files: Vec<&AccountedFile> = unowned(account).collect();
    if files.is_empty() {
        return Ok(());
    }
    section("Programs and libraries that no package brought", style, out)?;
    let mut table = new_table(style, &["File", "What", "Size", "SHA-256", "Brought by"]);
    for file in files {
        table.add_row(vec![
            Cell::new(clean(&format!("/{}", file.path))),
            Cell::new(file.kind.as_str()),
            Cell::new(size(file.size)),
            Cell::new(file.sha256.map_or_else(|| "not read".to_owned(), |digest| digest.short())),
            Cell::new(layer(account, file.layer)),
        ]);
    }
    writeln!(out, "{table}\n")
}

fn changed(account: &ImageAccount, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let files: Vec<&AccountedFile> = altered(account).collect();
    if files.is_empty() {
        return Ok(());
    }
    section("Files of packages that were changed since installation", style, out)?;
    let mut table = new_table(style, &["File", "What", "Package", "Changed by"]);
    for file in files {
        let what = if file.class == FileClass::Configuration { "configuration" } else { file.kind.as_str() };
        let package = package(account, file).map(|package| clean(&package.name)).unwrap_or_default();
        table.add_row(vec![
            Cell::new(clean(&format!("/{}", file.path))),
            Cell::new(what),
            Cell::new(package),
            Cell::new(layer(account, file.layer)),
        ]);
    }
    writeln!(out, "{table}\n")
}

fn gaps(account: &ImageAccount, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let unread = account.accounting.files.iter().filter(|file| file.sha256.is_none()).count();
    if account.inventory.gaps.is_empty() && unread == 0 {
        return Ok(());
    }
    section("Not checked", style, out)?;
    first_gaps(&account.inventory.gaps, out)?;
    if unread > 0 {
        writeln!(out, "  {unread} file{} could not be read", plural(unread))?;
    }
    writeln!(out)
}

fn classes(account: &ImageAccount, out: &mut dyn Write) -> io::Result<()> {
    for class in FileClass::ALL {
        let (files, bytes) = count(account, class);
        writeln!(out, "{:>13} {files:>7} file{:<1} {:>9}", class.as_str(), plural(files), size(bytes))?;
    }
    let recorded =
        |integrity| account.accounting.files.iter().filter(|file| file.integrity == integrity).count();
    writeln!(
        out,
        "Of the packages' files {} are as installed, {} were changed; {} are not there.",
        recorded(Integrity::Intact),
        recorded(Integrity::Changed),
        account.accounting.missing
    )
}

/// Files that can be run or loaded and belong to nobody.
fn unowned(account: &ImageAccount) -> impl Iterator<Item = &AccountedFile> {
    account.accounting.files.iter().filter(|file| file.class == FileClass::Unknown)
}

/// Files of packages with another content than was installed.
fn altered(account: &ImageAccount) -> impl Iterator<Item = &AccountedFile> {
    account.accounting.files.iter().filter(|file| file.integrity == Integrity::Changed)
}

fn count(account: &ImageAccount, class: FileClass) -> (usize, u64) {
    let of_class = account.accounting.files.iter().filter(|file| file.class == class);
    of_class.fold((0, 0), |(files, bytes), file| (files + 1, bytes.saturating_add(file.size)))
}

fn package<'a>(
    account: &'a ImageAccount,
    file: &AccountedFile,
) -> Option<&'a plimsoll_model::package::Package> {
    account.inventory.packages.get(file.package? as usize).map(|installed| &installed.package)
}

fn layer(account: &ImageAccount, index: u32) -> String {
    step(&account.layers, index)
}

/// A layer with its build step; empty where there are no layers.
pub(crate) fn step(layers: &[LayerSummary], index: u32) -> String {
    match layers.get(index as usize) {
        Some(layer) => match &layer.created_by {
            Some(step) => format!("layer {}: {}", index + 1, shortened(&clean(step))),
            None => format!("layer {}", index + 1),
        },
        None => String::new(),
    }
}

pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
    let megabytes = bytes as f64 / 1e6;
    if bytes < 100_000 { format!("{bytes} B") } else { format!("{megabytes:.1} MB") }
}

/// Writes accounts as JSON, by the schema `docs/schema/inventory-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(accounts: &[ImageAccount], told: Told, out: &mut dyn Write) -> io::Result<()> {
    let images = accounts.iter().map(|account| ImageDocument::new(account, told)).collect();
    crate::write_json(&Document { schema_version: SCHEMA_VERSION, images }, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll inventory`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// One entry a platform.
    images: Vec<ImageDocument<'a>>,
}

/// The files of one image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    image: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// `linux/amd64`.
    platform: String,
    /// How many files of each class there are, and their bytes.
    classes: Vec<ClassDocument>,
    /// How many files OS packages list that the image does not have.
    missing: u64,
    /// Regular files, sorted by path; with `--unowned` only those that nobody owns or that were changed.
    files: Vec<FileDocument<'a>>,
    /// What could not be read.
    gaps: Vec<GapDocument<'a>>,
}

/// A class of files.
#[derive(JsonSchema, Serialize)]
struct ClassDocument {
    /// `package`, `configuration`, `data` or `unknown`.
    class: &'static str,
    /// How many files.
    files: usize,
    /// Their bytes.
    bytes: u64,
}

/// A regular file.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileDocument<'a> {
    /// The absolute path.
    path: String,
    /// Its size in bytes.
    size: u64,
    /// `program`, `library`, `script` or `other`.
    kind: &'static str,
    /// `package`, `configuration`, `data` or `unknown`.
    class: &'static str,
    /// The package URL of the package that it belongs to.
    package: Option<String>,
    /// `intact`, `changed` or `unrecorded`.
    integrity: &'static str,
    /// The index of the layer that brought this content; null for a root filesystem.
    layer: Option<u32>,
    /// The build step that brought it.
    created_by: Option<&'a str>,
    /// SHA-256 of its content; null if it could not be read.
    sha256: Option<String>,
}

impl<'a> ImageDocument<'a> {
    fn new(account: &'a ImageAccount, told: Told) -> Self {
        let class = |class: FileClass| {
            let (files, bytes) = count(account, class);
            ClassDocument { class: class.as_str(), files, bytes }
        };
        let is_told = |file: &&AccountedFile| {
            told == Told::All || file.class == FileClass::Unknown || file.integrity == Integrity::Changed
        };
        Self {
            image: &account.image.name,
            digest: account.image.manifest_digest.map(|digest| digest.to_string()),
            platform: account.image.platform.to_string(),
            classes: FileClass::ALL.into_iter().map(class).collect(),
            missing: account.accounting.missing,
            files: account
                .accounting
                .files
                .iter()
                .filter(is_told)
                .map(|file| FileDocument::new(file, account))
                .collect(),
            gaps: account.inventory.gaps.iter().map(GapDocument::new).collect(),
        }
    }
}

impl<'a> FileDocument<'a> {
    fn new(file: &AccountedFile, account: &'a ImageAccount) -> Self {
        let layer = account.layers.get(file.layer as usize);
        let distribution = account.inventory.distribution.as_ref();
        Self {
            path: format!("/{}", file.path),
            size: file.size,
            kind: file.kind.as_str(),
            class: file.class.as_str(),
            package: package(account, file).map(|package| package.purl(distribution)),
            integrity: file.integrity.as_str(),
            layer: layer.map(|_| file.layer),
            created_by: layer.and_then(|layer| layer.created_by.as_deref()),
            sha256: file.sha256.map(|digest| digest.hex()),
        }
    }
}

#[cfg(test)]
mod tests;
