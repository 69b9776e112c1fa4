//! SPDX 2.3, in JSON and as tags and values (<https://spdx.github.io/spdx-spec/v2.3/>): what images contain.

mod document;
pub(crate) mod note;
mod read;
mod tag_value;

use std::collections::BTreeMap;
use std::io::{self, Write};

use document::{
    Annotation, Checksum, CreationInfo, Document, ExternalRef, ExtractedLicense, Package, Relationship,
};
pub(crate) use read::{JSON, TAG_VALUE};

use crate::sbom::{Bill, BillFormat, Hash, License, Part, PartKind, RelationKind, uuid};
use crate::{Format, Writer};

/// Writes SPDX in JSON.
pub const SPDX: Format = Format {
    name: "spdx",
    summary: "a software bill of materials, SPDX 2.3 in JSON",
    needs_details: true,
    writer: Writer::Bill(BillFormat { write: write_json, cannot_hold }),
};

/// Writes SPDX as tags and values.
pub const SPDX_TV: Format = Format {
    name: "spdx-tv",
    summary: "a software bill of materials, SPDX 2.3 as tags and values",
    needs_details: true,
    writer: Writer::Bill(BillFormat { write: tag_value_of, cannot_hold }),
};

const NO_ASSERTION: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

fn write_json(bill: &Bill, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&document(bill)?, out)
}

fn tag_value_of(bill: &Bill, out: &mut dyn Write) -> io::Result<()> {
    tag_value::write(&document(bill)?, out)
}

fn document(bill: &Bill) -> io::Result<Document> {
    let mut licenses = Licenses::default();
    let packages: Vec<Package> = bill
        .parts
        .iter()
        .enumerate()
        .map(|(index, part)| package(bill, index, part, &mut licenses))
        .collect();
    let relationships = relationships(bill);
    let content = serde_json::to_vec(&(&packages, &relationships))?;
    let extracted = licenses.0.into_iter().map(|(license_id, text)| ExtractedLicense {
        license_id,
        name: text.clone(),
        extracted_text: text,
    });
    let tools = bill.tools.iter().map(|tool| {
        let version = if tool.version.is_empty() { String::new() } else { format!("-{}", tool.version) };
        format!("Tool: {}{version}", tool.name)
    });
    let authors = bill.authors.iter().map(|author| format!("Organization: {author}"));
    Ok(Document {
        spdx_version: "SPDX-2.3".to_owned(),
        data_license: "CC0-1.0".to_owned(),
        id: DOCUMENT.to_owned(),
        name: bill.name.clone(),
        document_namespace: format!("https://plimsoll.dev/spdx/{}", uuid(&content)),
        creation_info: CreationInfo {
            created: bill.made.clone().unwrap_or_default(),
            creators: authors.chain(tools).collect(),
        },
        packages,
        relationships,
        has_extracted_licensing_infos: extracted.collect(),
        ..Document::default()
    })
}

fn id(bill: &Bill, index: usize) -> String {
    let kind = bill.part(index).map_or("Package", |part| match part.kind {
        PartKind::Container => "Image",
        PartKind::OperatingSystem => "OperatingSystem",
        PartKind::Application => "Application",
        PartKind::File => "File",
        PartKind::Library | PartKind::Other => "Package",
    });
    format!("SPDXRef-{kind}-{index}")
}

fn relationships(bill: &Bill) -> Vec<Relationship> {
    let relationship = |from: String, kind: &str, to: String| Relationship {
        spdx_element_id: from,
        relationship_type: kind.to_owned(),
        related_spdx_element: to,
        comment: String::new(),
    };
    let described =
        bill.subject.map(|subject| relationship(DOCUMENT.to_owned(), "DESCRIBES", id(bill, subject)));
    let others = bill.relations.iter().map(|relation| {
        let kind = match relation.kind {
            RelationKind::Contains | RelationKind::Owns => "CONTAINS",
            RelationKind::DependsOn => "DEPENDS_ON",
        };
        relationship(id(bill, relation.from), kind, id(bill, relation.to))
    });
    described.into_iter().chain(others).collect()
}

fn package(bill: &Bill, index: usize, part: &Part, licenses: &mut Licenses) -> Package {
    let link = |kind: &str| part.links.iter().find(|(known, _)| known == kind).map(|(_, url)| url.clone());
    let tool = bill.tools.first().map_or("plimsoll", |tool| tool.name.as_str());
    let annotation = Annotation {
        annotator: format!("Tool: {tool}"),
        annotation_date: bill.made.clone().unwrap_or_default(),
        annotation_type: "OTHER".to_owned(),
        comment: note::write(part),
    };
    let no_assertion = || NO_ASSERTION.to_owned();
    Package {
        name: full_name(part),
        id: id(bill, index),
        version_info: part.version.clone(),
        supplier: part.supplier.as_ref().map_or_else(no_assertion, |name| format!("Organization: {name}")),
        download_location: link("distribution").unwrap_or_else(no_assertion),
        files_analyzed: false,
        checksums: part.hashes.iter().filter_map(checksum).collect(),
        homepage: link("website").unwrap_or_default(),
        source_info: match part.places.as_slice() {
            [] => String::new(),
            places => format!("told by {}", places.join(", ")),
        },
        license_concluded: no_assertion(),
        license_declared: licenses.declared(&part.licenses).map_or_else(no_assertion, |(words, _)| words),
        copyright_text: part.copyright.clone().unwrap_or_else(no_assertion),
        summary: part.description.clone().unwrap_or_default(),
        external_refs: external_refs(part),
        primary_package_purpose: purpose(part.kind).to_owned(),
        annotations: vec![annotation],
        ..Package::default()
    }
}

/// The name with what it is in, as package managers write it.
fn full_name(part: &Part) -> String {
    let is_maven = part.purl.as_deref().is_some_and(|purl| purl.starts_with("pkg:maven/"));
    match &part.group {
        Some(group) if is_maven => format!("{group}:{}", part.name),
        Some(group) => format!("{group}/{}", part.name),
        None => part.name.clone(),
    }
}

fn external_refs(part: &Part) -> Vec<ExternalRef> {
    let reference = |category: &str, kind: &str, locator: &str| ExternalRef {
        reference_category: category.to_owned(),
        reference_type: kind.to_owned(),
        reference_locator: locator.to_owned(),
    };
    let purl = part.purl.iter().map(|purl| reference("PACKAGE-MANAGER", "purl", purl));
    let cpes = part.cpes.iter().map(|cpe| {
        let kind = if cpe.starts_with("cpe:2.3:") { "cpe23Type" } else { "cpe22Type" };
        reference("SECURITY", kind, cpe)
    });
    purl.chain(cpes).collect()
}

const fn purpose(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Container => "CONTAINER",
        PartKind::OperatingSystem => "OPERATING-SYSTEM",
        PartKind::Library => "LIBRARY",
        PartKind::Application => "APPLICATION",
        PartKind::File => "FILE",
        PartKind::Other => "OTHER",
    }
}

/// The algorithms as CycloneDX and as SPDX spell them.
const ALGORITHMS: [(&str, &str); 12] = [
    ("BLAKE2b-256", "BLAKE2b-256"),
    ("BLAKE2b-384", "BLAKE2b-384"),
    ("BLAKE2b-512", "BLAKE2b-512"),
    ("BLAKE3", "BLAKE3"),
    ("MD5", "MD5"),
    ("SHA-1", "SHA1"),
    ("SHA-256", "SHA256"),
    ("SHA-384", "SHA384"),
    ("SHA-512", "SHA512"),
    ("SHA3-256", "SHA3-256"),
    ("SHA3-384", "SHA3-384"),
    ("SHA3-512", "SHA3-512"),
];

fn checksum(hash: &Hash) -> Option<Checksum> {
    let (_, algorithm) = ALGORITHMS.into_iter().find(|(known, _)| *known == hash.algorithm)?;
    Some(Checksum { algorithm: algorithm.to_owned(), checksum_value: hash.value.to_ascii_lowercase() })
}

/// Licences that SPDX does not know: their references and their words.
#[derive(Default)]
pub(crate) struct Licenses(pub(crate) BTreeMap<String, String>);

impl Licenses {
    /// All that is declared, joined; words that SPDX does not know become references, which are given beside it.
    pub(crate) fn declared(&mut self, licenses: &[License]) -> Option<(String, Vec<String>)> {
        if let [License::Expression(only)] = licenses {
            return Some((only.clone(), Vec::new()));
        }
        let (mut parts, mut references) = (Vec::new(), Vec::new());
        for license in licenses {
            parts.push(match license {
                License::Id(id) => id.clone(),
                License::Expression(expression) => format!("({expression})"),
                License::Name(name) => {
                    let reference = format!("LicenseRef-{}", uuid(name.as_bytes()));
                    self.0.insert(reference.clone(), name.clone());
                    references.push(reference.clone());
                    reference
                }
            });
        }
        references.sort();
        references.dedup();
        (!parts.is_empty()).then(|| (parts.join(" AND "), references))
    }
}

/// What neither form of SPDX 2.3 holds.
fn cannot_hold(bill: &Bill) -> Vec<String> {
    let lifecycle = (usize::from(bill.lifecycle.is_some()), "lifecycle phase");
    losses(bill, &[lifecycle], |hash| checksum(hash).is_some())
}

/// What no version of SPDX holds, what one of them does not hold either, and the hashes whose algorithm it does not know.
pub(crate) fn losses(bill: &Bill, more: &[(usize, &str)], knows: impl Fn(&Hash) -> bool) -> Vec<String> {
    let links = bill.parts.iter().flat_map(|part| &part.links);
    let links = links.filter(|(kind, _)| !matches!(kind.as_str(), "website" | "distribution")).count();
    let hashes = bill.parts.iter().flat_map(|part| &part.hashes).filter(|hash| !knows(hash)).count();
    let last = [
        (links, "external references other than website and distribution"),
        (hashes, "hashes by an algorithm that it does not know"),
    ];
    let all =
        [(bill.vulnerabilities.len(), "vulnerabilities")].into_iter().chain(more.iter().copied()).chain(last);
    all.filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

#[cfg(test)]
mod tests;
