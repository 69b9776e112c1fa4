//! SPDX 2.2 and 2.3 into a bill of materials.

use std::collections::HashMap;

use super::document::{Document, Package, Relationship};
use super::{ALGORITHMS, note, tag_value};
use crate::sbom::read::{Markers, ReadError, Reader, json};
use crate::sbom::{Bill, Hash, License, Part, PartKind, References, RelationKind, Tool};

/// SPDX 2 in JSON.
pub(crate) const JSON: Reader = Reader {
    name: "SPDX in JSON",
    media_type: Some("application/spdx+json"),
    recognizes: is_json,
    read: read_json,
};
/// SPDX 2 as tags and values.
pub(crate) const TAG_VALUE: Reader = Reader {
    name: "SPDX as tags and values",
    media_type: Some("text/spdx"),
    recognizes: is_tag_value,
    read: read_tag_value,
};

fn is_json(markers: &Markers) -> bool {
    markers.spdx_version.is_some()
}

fn is_tag_value(markers: &Markers) -> bool {
    markers.head.lines().any(|line| line.trim_start().starts_with("SPDXVersion:"))
}

fn read_json(bytes: &[u8]) -> Result<Bill, ReadError> {
    bill(json(bytes, "SPDX")?, "JSON")
}

fn read_tag_value(bytes: &[u8]) -> Result<Bill, ReadError> {
    bill(tag_value::read(bytes)?, "tags and values")
}

fn bill(document: Document, encoding: &str) -> Result<Bill, ReadError> {
    let version = document.spdx_version.strip_prefix("SPDX-").unwrap_or(&document.spdx_version).to_owned();
    if !version.starts_with("2.") {
        return Err(ReadError::version("SPDX", &version));
    }
    let mut reading = Reading {
        bill: Bill {
            format: format!("SPDX {version} in {encoding}"),
            name: document.name,
            ..Bill::default()
        },
        ..Reading::default()
    };
    reading.bill.made = Some(document.creation_info.created).filter(|made| !made.is_empty());
    for creator in document.creation_info.creators {
        reading.creator(&creator);
    }
    let licenses: HashMap<String, String> = document
        .has_extracted_licensing_infos
        .into_iter()
        .map(|license| {
            let text = if license.extracted_text.len() > 1000 || license.extracted_text.is_empty() {
                license.name
            } else {
                license.extracted_text
            };
            (license.license_id, text)
        })
        .collect();
    for package in document.packages {
        reading.package(package, &licenses);
    }
    for (what, passed) in [
        ("files", document.files),
        ("snippets", document.snippets),
        ("annotations of the document", document.annotations),
        ("references to other documents", document.external_document_refs),
    ] {
        reading.bill.pass_over(what, passed.count);
    }
    for described in &document.document_describes {
        reading.describe(described);
    }
    for relationship in &document.relationships {
        reading.relationship(relationship);
    }
    Ok(reading.bill)
}

#[derive(Default)]
struct Reading {
    bill: Bill,
    references: References,
    /// Parts by the ids that the document gives them.
    named: HashMap<String, usize>,
}

impl Reading {
    fn creator(&mut self, creator: &str) {
        match creator.split_once(':') {
            Some(("Tool", tool)) => {
                let (name, version) = match tool.trim().rsplit_once('-') {
                    Some((name, version)) if version.contains(|c: char| c.is_ascii_digit()) => {
                        (name, version)
                    }
                    _ => (tool.trim(), ""),
                };
                let version = version.to_owned();
                self.bill.tools.push(Tool { vendor: None, name: name.to_owned(), version });
            }
            _ => self.bill.authors.extend(agent(creator)),
        }
    }

    fn package(&mut self, package: Package, licenses: &HashMap<String, String>) {
        let id = package.id.clone();
        let annotations: Vec<String> =
            package.annotations.iter().map(|annotation| annotation.comment.clone()).collect();
        let mut part = part(package, licenses, &mut self.bill);
        let mut wanted = id.clone();
        for comment in annotations {
            match note::read(&comment, &mut part) {
                Some(reference) => wanted = reference,
                None => self.bill.pass_over("annotations of packages", 1),
            }
        }
        part.reference = self.references.unique(&wanted);
        self.named.entry(id).or_insert(self.bill.parts.len());
        self.bill.parts.push(part);
    }

    fn describe(&mut self, id: &str) {
        match (self.named.get(id), self.bill.subject) {
            (Some(index), None) => self.bill.subject = Some(*index),
            (Some(index), Some(subject)) if *index != subject => {
                self.bill.pass_over("further subjects of the document", 1);
            }
            _ => {}
        }
    }

    fn relationship(&mut self, relationship: &Relationship) {
        let (from, to) = (&relationship.spdx_element_id, &relationship.related_spdx_element);
        let (from, kind, to) = match relationship.relationship_type.as_str() {
            "DESCRIBES" => return self.describe(to),
            "DESCRIBED_BY" => return self.describe(from),
            "CONTAINS" => (from, RelationKind::Contains, to),
            "CONTAINED_BY" => (to, RelationKind::Contains, from),
            "DEPENDS_ON" => (from, RelationKind::DependsOn, to),
            "DEPENDENCY_OF" | "RUNTIME_DEPENDENCY_OF" => (to, RelationKind::DependsOn, from),
            // What syft says of a package that another one's files bring.
            "OTHER" if relationship.comment.starts_with("ownership-by-file-overlap") => {
                (from, RelationKind::Owns, to)
            }
            _ => return self.bill.pass_over("relationships of other kinds", 1),
        };
        let (Some(from), Some(to)) = (self.named.get(from).copied(), self.named.get(to).copied()) else {
            // Files are passed over, and so is what contains them.
            return self.bill.pass_over("relationships with what is no package", 1);
        };
        let is_package = self.bill.part(from).is_some_and(|part| part.kind == PartKind::Library);
        let kind = if is_package && kind == RelationKind::Contains { RelationKind::Owns } else { kind };
        self.bill.relate(from, kind, to);
    }
}

fn part(package: Package, licenses: &HashMap<String, String>, bill: &mut Bill) -> Part {
    let mut part = Part {
        kind: kind(&package.primary_package_purpose),
        name: package.name,
        version: package.version_info,
        supplier: agent(&package.supplier).or_else(|| agent(&package.originator)),
        description: asserted(package.summary),
        copyright: asserted(package.copyright_text),
        licenses: license(package.license_declared, licenses)
            .or_else(|| license(package.license_concluded, licenses))
            .into_iter()
            .collect(),
        ..Part::default()
    };
    for (kind, url) in [("website", package.homepage), ("distribution", package.download_location)] {
        part.links.extend(asserted(url).map(|url| (kind.to_owned(), url)));
    }
    for checksum in package.checksums {
        let known = ALGORITHMS.into_iter().find(|(_, spdx)| *spdx == checksum.algorithm);
        let algorithm = known.map_or(checksum.algorithm, |(algorithm, _)| algorithm.to_owned());
        part.hashes.push(Hash { algorithm, value: checksum.checksum_value });
    }
    for reference in package.external_refs {
        match reference.reference_type.as_str() {
            "purl" if part.purl.is_none() => part.purl = Some(reference.reference_locator),
            "cpe23Type" | "cpe22Type" => part.cpes.push(reference.reference_locator),
            _ => bill.pass_over("external references of packages", 1),
        }
    }
    if part
        .purl
        .as_deref()
        .is_some_and(|purl| purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/"))
    {
        part.kind = PartKind::Container;
    }
    part
}

fn kind(purpose: &str) -> PartKind {
    match purpose {
        "CONTAINER" => PartKind::Container,
        "OPERATING-SYSTEM" | "OPERATING_SYSTEM" => PartKind::OperatingSystem,
        "APPLICATION" => PartKind::Application,
        "FILE" => PartKind::File,
        "" | "LIBRARY" | "FRAMEWORK" => PartKind::Library,
        _ => PartKind::Other,
    }
}

fn asserted(text: String) -> Option<String> {
    Some(text).filter(|text| !matches!(text.as_str(), "" | "NOASSERTION" | "NONE"))
}

/// The name of `Organization: NAME (address)` or `Person: NAME`.
fn agent(text: &str) -> Option<String> {
    let name = text.split_once(':').filter(|(kind, _)| matches!(*kind, "Organization" | "Person" | "Tool"));
    let name = name.map_or(text, |(_, name)| name).trim();
    let name = name.strip_suffix("()").unwrap_or(name).trim();
    asserted(name.to_owned())
}

/// A declaration, with the words behind references to licences that SPDX does not know.
fn license(declared: String, licenses: &HashMap<String, String>) -> Option<License> {
    let text = asserted(declared)?;
    if let Some(words) = licenses.get(&text) {
        return Some(License::Name(words.clone()));
    }
    if !text.contains("LicenseRef-") {
        return Some(License::of(&text));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
    let mut named = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_name) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_name(c)).unwrap_or(from.len()));
        named.push_str(before);
        named.push_str(licenses.get(word).map_or(word, String::as_str));
        rest = after;
    }
    named.push_str(rest);
    Some(License::Name(named))
}
