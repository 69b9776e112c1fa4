//! What `plimsoll licenses` tells: the licences of images by category, in words, as JSON and as CSV.

pub mod notice;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use comfy_table::Cell;
use plimsoll_model::inventory::{InstalledPackage, Location};
use plimsoll_model::licensing::{ImageLicenses, LicenseCategory, LicenseClass, Obligation, PackageLicense};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::json::GapDocument;
use crate::table::{bold, clean, first_gaps, new_table, plural, section, shortened};

/// The version of the JSON document's schema, `docs/schema/licenses-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Packages beyond so many are counted in a row of the table.
const NAMED: usize = 4;

/// Which categories are told; none means all.
pub type Categories<'a> = &'a [LicenseCategory];

/// The packages of `image` in one of `categories`, with their licences.
fn told<'a>(
    image: &'a ImageLicenses,
    categories: Categories<'a>,
) -> impl Iterator<Item = (&'a InstalledPackage, &'a PackageLicense)> {
    let is_told = |license: &PackageLicense| categories.is_empty() || categories.contains(&license.category);
    image.packages.iter().zip(&image.licenses).filter(move |(_, license)| is_told(license))
}

/// Licences that decide, and the packages under them.
struct Group<'a> {
    category: LicenseCategory,
    class: LicenseClass,
    deciding: &'a [String],
    obligations: BTreeSet<Obligation>,
    packages: Vec<&'a InstalledPackage>,
}

/// By licence, the worst category first, then the most restricting class, then the name.
fn groups<'a>(image: &'a ImageLicenses, categories: Categories<'a>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for (installed, license) in told(image, categories).filter(|(_, license)| license.ignored.is_none()) {
        let worst = (std::cmp::Reverse((license.category, license.class)), &license.deciding);
        let group = groups.entry(worst).or_insert_with(|| Group {
            category: license.category,
            class: license.class,
            deciding: &license.deciding,
            obligations: BTreeSet::new(),
            packages: Vec::new(),
        });
        group.obligations.extend(&license.obligations);
        group.packages.push(installed);
    }
    groups.into_values().collect()
}

/// Writes licences for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(
    images: &[ImageLicenses],
    categories: Categories<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (index, image) in images.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        header(image, style, out)?;
        table(&groups(image, categories), style, out)?;
        ignored(image, categories, style, out)?;
        if !image.gaps.is_empty() {
            section("Not checked", style, out)?;
            first_gaps(&image.gaps, out)?;
            writeln!(out)?;
        }
        for (category, count) in counts(image) {
            writeln!(out, "{:>10} {count:>6} package{}", category.as_str(), plural(count))?;
        }
    }
    Ok(())
}

fn header(image: &ImageLicenses, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  {}", bold(&clean(&image.image.name), style), image.image.platform)?;
    if let Some(digest) = image.image.manifest_digest.or(image.image.config_digest) {
        writeln!(out, "{digest}")?;
    }
    writeln!(out)
}

fn table(groups: &[Group<'_>], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let mut table = new_table(style, &["Category", "Licence", "Class", "Asks for", "Count", "Packages"]);
    for group in groups {
        table.add_row(vec![
            Cell::new(group.category.as_str()),
            Cell::new(named(group.deciding)),
            Cell::new(group.class.as_str()),
            Cell::new(asks(&group.obligations)),
            Cell::new(group.packages.len()),
            Cell::new(names(&group.packages)),
        ]);
    }
    writeln!(out, "{table}\n")
}

/// `attribution, state-changes`.
fn asks<'a>(obligations: impl IntoIterator<Item = &'a Obligation>) -> String {
    let words: Vec<&str> = obligations.into_iter().map(|obligation| obligation.as_str()).collect();
    if words.is_empty() { "–".to_owned() } else { words.join(", ") }
}

/// Licences that decide, in the width of a cell.
fn named(licenses: &[String]) -> String {
    if licenses.is_empty() { "none known".to_owned() } else { shortened(&clean(&licenses.join(", "))) }
}

fn names(packages: &[&InstalledPackage]) -> String {
    let named = packages.iter().take(NAMED).map(|installed| clean(&installed.package.name));
    let named = named.collect::<Vec<_>>().join(", ");
    match packages.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn ignored(
    image: &ImageLicenses,
    categories: Categories<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut left_out = told(image, categories).filter_map(|(installed, license)| {
        let reason = license.ignored.as_ref()?;
        Some(format!("  {}: {}", clean(&installed.package.name), clean(reason)))
    });
    let Some(first) = left_out.next() else { return Ok(()) };
    section("Left out by the configuration", style, out)?;
    writeln!(out, "{first}")?;
    for line in left_out {
        writeln!(out, "{line}")?;
    }
    writeln!(out)
}

/// How many packages each category has, the worst first, without those that are left out.
fn counts(image: &ImageLicenses) -> impl Iterator<Item = (LicenseCategory, usize)> + '_ {
    LicenseCategory::WORST_FIRST.into_iter().filter_map(|category| {
        let is_counted =
            |license: &&PackageLicense| license.category == category && license.ignored.is_none();
        let count = image.licenses.iter().filter(is_counted).count();
        (count > 0).then_some((category, count))
    })
}

/// The columns of CSV.
const COLUMNS: &str = "image,platform,category,class,license,deciding,ecosystem,package,version,purl,obligations,ignored,location";

/// Writes licences as CSV (RFC 4180), one line a package. A cell that a spreadsheet would take for a formula begins with an
/// apostrophe.
///
/// # Errors
/// If `out` fails.
pub fn write_csv(
    images: &[ImageLicenses],
    categories: Categories<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{COLUMNS}\r\n")?;
    for image in images {
        for (installed, license) in told(image, categories) {
            let package = &installed.package;
            let obligations: Vec<&str> = license.obligations.iter().map(|asked| asked.as_str()).collect();
            let cells = [
                image.image.name.clone(),
                image.image.platform.to_string(),
                license.category.as_str().to_owned(),
                license.class.as_str().to_owned(),
                license.license.clone(),
                license.deciding.join(", "),
                package.ecosystem.as_str().to_owned(),
                package.name.clone(),
                package.version.clone(),
                package.purl(image.distribution.as_ref()),
                obligations.join(" "),
                license.ignored.clone().unwrap_or_default(),
                installed.locations.first().map(Location::title).unwrap_or_default(),
            ];
            write!(out, "{}\r\n", cells.map(|cell| quoted(&cell)).join(","))?;
        }
    }
    Ok(())
}

fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = format!("{}{}", if is_formula { "'" } else { "" }, clean(cell));
    if cell.contains([',', '"', '\u{fffd}']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// Writes licences as JSON, by the schema `docs/schema/licenses-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(
    images: &[ImageLicenses],
    categories: Categories<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let images = images.iter().map(|image| ImageDocument::new(image, categories)).collect();
    crate::write_json(&Document { schema_version: SCHEMA_VERSION, images }, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll licenses`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// One entry a platform.
    images: Vec<ImageDocument<'a>>,
}

/// The licences of one image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    image: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// `linux/amd64`.
    platform: String,
    /// How many packages each category has, the worst first, without those that are left out.
    categories: Vec<CategoryDocument>,
    /// The packages of the categories that were asked for, in the order of the inventory.
    packages: Vec<PackageDocument<'a>>,
    /// What could not be read.
    gaps: Vec<GapDocument<'a>>,
}

/// A category.
#[derive(JsonSchema, Serialize)]
struct CategoryDocument {
    /// `forbidden`, `unknown`, `reciprocal` or `allowed`.
    category: &'static str,
    /// How many packages.
    packages: usize,
}

/// The licence of one package.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct PackageDocument<'a> {
    /// Its name.
    name: &'a str,
    /// Its version.
    version: &'a str,
    /// The ecosystem, as purl types spell it.
    ecosystem: &'static str,
    /// Its package URL.
    purl: String,
    /// What it declares, as one expression; empty if nothing is known. Not all is of SPDX's list.
    license: &'a str,
    /// The licences that are left where the expression gives a choice.
    chosen: &'a [String],
    /// Those of them that decide over the category.
    deciding: &'a [String],
    /// `public-domain`, `permissive`, `weak-copyleft`, `strong-copyleft`, `network-copyleft`, `unknown` or `restricted`.
    class: &'static str,
    /// `forbidden`, `unknown`, `reciprocal` or `allowed`.
    category: &'static str,
    /// `attribution`, `state-changes`, `disclose-source`, `same-license`, `network-use`.
    obligations: Vec<&'static str>,
    /// Why the configuration leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<&'a str>,
    /// Where its evidence lies.
    locations: Vec<String>,
}

impl<'a> ImageDocument<'a> {
    fn new(image: &'a ImageLicenses, categories: Categories<'a>) -> Self {
        let category = |(category, packages): (LicenseCategory, usize)| CategoryDocument {
            category: category.as_str(),
            packages,
        };
        let package = |(installed, license): (&'a InstalledPackage, &'a PackageLicense)| PackageDocument {
            name: &installed.package.name,
            version: &installed.package.version,
            ecosystem: installed.package.ecosystem.as_str(),
            purl: installed.package.purl(image.distribution.as_ref()),
            license: &license.license,
            chosen: &license.chosen,
            deciding: &license.deciding,
            class: license.class.as_str(),
            category: license.category.as_str(),
            obligations: license.obligations.iter().map(|asked| asked.as_str()).collect(),
            ignored: license.ignored.as_deref(),
            locations: installed.locations.iter().map(Location::title).collect(),
        };
        Self {
            image: &image.image.name,
            digest: image.image.manifest_digest.map(|digest| digest.to_string()),
            platform: image.image.platform.to_string(),
            categories: counts(image).map(category).collect(),
            packages: told(image, categories).map(package).collect(),
            gaps: image.gaps.iter().map(GapDocument::new).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
