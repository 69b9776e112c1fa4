//! SPDX 2 as lines of `Tag: value` (<https://spdx.github.io/spdx-spec/v2.3/>): each section's fields, in its order.
//! A text of several lines stands between `<text>` and `</text>`.

use std::io::{self, Write};

use super::document::{Annotation, Checksum, Document, ExternalRef, ExtractedLicense, Package, Relationship};
use crate::sbom::read::{PART_LIMIT, Passed, ReadError};

/// Writes a document.
pub(super) fn write(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let mut tags = Tags { out };
    tags.line("SPDXVersion", &document.spdx_version)?;
    tags.line("DataLicense", &document.data_license)?;
    tags.line("SPDXID", &document.id)?;
    tags.line("DocumentName", &document.name)?;
    tags.line("DocumentNamespace", &document.document_namespace)?;
    for creator in &document.creation_info.creators {
        tags.line("Creator", creator)?;
    }
    tags.line("Created", &document.creation_info.created)?;
    for license in &document.has_extracted_licensing_infos {
        tags.blank()?;
        tags.line("LicenseID", &license.license_id)?;
        tags.text("ExtractedText", &license.extracted_text)?;
        tags.line("LicenseName", &license.name)?;
    }
    for package in &document.packages {
        tags.blank()?;
        tags.package(package)?;
    }
    tags.blank()?;
    for relationship in &document.relationships {
        let Relationship { spdx_element_id: from, relationship_type: kind, related_spdx_element: to, .. } =
            relationship;
        tags.line("Relationship", &format!("{from} {kind} {to}"))?;
    }
    // Annotations name what they are about, and so stand by themselves.
    for package in &document.packages {
        for annotation in &package.annotations {
            tags.blank()?;
            tags.line("Annotator", &annotation.annotator)?;
            tags.line("AnnotationDate", &annotation.annotation_date)?;
            tags.line("AnnotationType", &annotation.annotation_type)?;
            tags.line("SPDXREF", &package.id)?;
            tags.text("AnnotationComment", &annotation.comment)?;
        }
    }
    Ok(())
}

struct Tags<'w> {
    out: &'w mut dyn Write,
}

impl Tags<'_> {
    fn package(&mut self, package: &Package) -> io::Result<()> {
        self.line("PackageName", &package.name)?;
        self.line("SPDXID", &package.id)?;
        self.some("PackageVersion", &package.version_info)?;
        self.line("PackageSupplier", &package.supplier)?;
        self.line("PackageDownloadLocation", &package.download_location)?;
        self.line("FilesAnalyzed", "false")?;
        for checksum in &package.checksums {
            self.line("PackageChecksum", &format!("{}: {}", checksum.algorithm, checksum.checksum_value))?;
        }
        self.some("PackageHomePage", &package.homepage)?;
        if !package.source_info.is_empty() {
            self.text("PackageSourceInfo", &package.source_info)?;
        }
        self.line("PackageLicenseConcluded", &package.license_concluded)?;
        self.line("PackageLicenseDeclared", &package.license_declared)?;
        self.text("PackageCopyrightText", &package.copyright_text)?;
        if !package.summary.is_empty() {
            self.text("PackageSummary", &package.summary)?;
        }
        for reference in &package.external_refs {
            let ExternalRef {
                reference_category: category,
                reference_type: kind,
                reference_locator: locator,
            } = reference;
            self.line("ExternalRef", &format!("{category} {kind} {locator}"))?;
        }
        self.some("PrimaryPackagePurpose", &package.primary_package_purpose)
    }

    fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// A value on one line: what would end the line becomes the replacement character.
    fn line(&mut self, tag: &str, value: &str) -> io::Result<()> {
        let value: String = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        writeln!(self.out, "{tag}: {value}")
    }

    fn some(&mut self, tag: &str, value: &str) -> io::Result<()> {
        if value.is_empty() { Ok(()) } else { self.line(tag, value) }
    }

    fn text(&mut self, tag: &str, value: &str) -> io::Result<()> {
        if value == super::NO_ASSERTION {
            return self.line(tag, value);
        }
        let value: String =
            value.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
        writeln!(self.out, "{tag}: <text>{}</text>", value.replace("</text>", "\u{fffd}/text>"))
    }
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::malformed("SPDX", &error))?;
    let mut reading = Reading::default();
    let mut rest = text;
    let mut number = 0_usize;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        number = number.saturating_add(1);
        rest = after;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let problem = |what: &str| ReadError::malformed("SPDX", &format!("line {number}: {what}"));
        let (tag, value) = line.split_once(':').ok_or_else(|| problem("no tag and value"))?;
        let value = value.trim_start();
        let Some(start) = value.strip_prefix("<text>") else {
            reading.tag(tag.trim_end(), value);
            continue;
        };
        if let Some(whole) = start.strip_suffix("</text>") {
            reading.tag(tag.trim_end(), whole);
            continue;
        }
        let (more, after) = after.split_once("</text>").ok_or_else(|| problem("a text that does not end"))?;
        number = number.saturating_add(more.bytes().filter(|byte| *byte == b'\n').count());
        reading.tag(tag.trim_end(), &format!("{start}\n{more}"));
        rest = after.split_once('\n').map_or("", |(_, rest)| rest);
        number = number.saturating_add(1);
    }
    if reading.packages > PART_LIMIT { Err(ReadError::TooManyParts) } else { Ok(reading.finish()) }
}

/// What the fields that follow belong to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Section {
    #[default]
    Document,
    Package,
    /// A file or a snippet, which are not read.
    Other,
    License,
}

#[derive(Default)]
struct Reading {
    document: Document,
    section: Section,
    packages: usize,
    /// Annotations, with what they are about.
    annotations: Vec<(String, Annotation)>,
}

impl Reading {
    fn tag(&mut self, tag: &str, value: &str) {
        let owned = || value.to_owned();
        match tag {
            "SPDXVersion" => self.document.spdx_version = owned(),
            "DocumentName" => self.document.name = owned(),
            "DocumentNamespace" => self.document.document_namespace = owned(),
            "Creator" => self.document.creation_info.creators.push(owned()),
            "Created" => self.document.creation_info.created = owned(),
            "PackageName" => {
                self.packages = self.packages.saturating_add(1);
                if self.packages > PART_LIMIT {
                    return;
                }
                self.section = Section::Package;
                self.document.packages.push(Package { name: owned(), ..Package::default() });
            }
            "FileName" => self.other(&|document| &mut document.files),
            "SnippetSPDXID" => self.other(&|document| &mut document.snippets),
            "LicenseID" => {
                self.section = Section::License;
                let license = ExtractedLicense { license_id: owned(), ..ExtractedLicense::default() };
                self.document.has_extracted_licensing_infos.push(license);
            }
            "Relationship" => {
                let mut words = value.split_whitespace().map(str::to_owned);
                let mut word = || words.next().unwrap_or_default();
                self.document.relationships.push(Relationship {
                    spdx_element_id: word(),
                    relationship_type: word(),
                    related_spdx_element: word(),
                    comment: String::new(),
                });
            }
            "RelationshipComment" => {
                if let Some(relationship) = self.document.relationships.last_mut() {
                    relationship.comment = owned();
                }
            }
            "Annotator" => {
                self.annotations
                    .push((String::new(), Annotation { annotator: owned(), ..Annotation::default() }));
            }
            "SPDXREF" | "AnnotationComment" => {
                if let Some((about, annotation)) = self.annotations.last_mut() {
                    *(if tag == "SPDXREF" { about } else { &mut annotation.comment }) = owned();
                }
            }
            _ => self.field(tag, value),
        }
    }

    fn other(&mut self, passed: &dyn Fn(&mut Document) -> &mut Passed) {
        self.section = Section::Other;
        let passed = passed(&mut self.document);
        *passed = Passed { seen: true, count: passed.count.saturating_add(1) };
    }

    /// A field of the section at hand.
    fn field(&mut self, tag: &str, value: &str) {
        match self.section {
            Section::Package => {
                if let Some(package) = self.document.packages.last_mut() {
                    package_field(package, tag, value);
                }
            }
            Section::License => {
                let license = self.document.has_extracted_licensing_infos.last_mut();
                match (license, tag) {
                    (Some(license), "ExtractedText") => license.extracted_text = value.to_owned(),
                    (Some(license), "LicenseName") => license.name = value.to_owned(),
                    _ => {}
                }
            }
            Section::Document | Section::Other => {}
        }
    }

    fn finish(mut self) -> Document {
        let mut place = std::collections::HashMap::new();
        for (index, package) in self.document.packages.iter().enumerate() {
            place.entry(package.id.clone()).or_insert(index);
        }
        for (about, annotation) in self.annotations {
            let package = place.get(&about).and_then(|index| self.document.packages.get_mut(*index));
            match package {
                Some(package) => package.annotations.push(annotation),
                None => {
                    let passed = &mut self.document.annotations;
                    *passed = Passed { seen: true, count: passed.count.saturating_add(1) };
                }
            }
        }
        self.document
    }
}

fn package_field(package: &mut Package, tag: &str, value: &str) {
    let field = match tag {
        "SPDXID" => &mut package.id,
        "PackageVersion" => &mut package.version_info,
        "PackageSupplier" => &mut package.supplier,
        "PackageOriginator" => &mut package.originator,
        "PackageDownloadLocation" => &mut package.download_location,
        "PackageHomePage" => &mut package.homepage,
        "PackageLicenseConcluded" => &mut package.license_concluded,
        "PackageLicenseDeclared" => &mut package.license_declared,
        "PackageCopyrightText" => &mut package.copyright_text,
        "PackageSummary" => &mut package.summary,
        "PrimaryPackagePurpose" => &mut package.primary_package_purpose,
        "PackageChecksum" => {
            if let Some((algorithm, digits)) = value.split_once(':') {
                let (algorithm, checksum_value) = (algorithm.trim().to_owned(), digits.trim().to_owned());
                package.checksums.push(Checksum { algorithm, checksum_value });
            }
            return;
        }
        "ExternalRef" => {
            let mut words = value.splitn(3, ' ').map(|word| word.trim().to_owned());
            let mut word = || words.next().unwrap_or_default();
            package.external_refs.push(ExternalRef {
                reference_category: word(),
                reference_type: word(),
                reference_locator: word(),
            });
            return;
        }
        _ => return,
    };
    value.clone_into(field);
}
