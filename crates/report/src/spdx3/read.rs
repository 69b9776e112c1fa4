//! SPDX 3.0 into a bill of materials: packages, files of no package, relationships, declared licences.

use std::collections::HashMap;

use serde::Deserialize;

use super::{ALGORITHMS, PHASES};
use crate::sbom::read::{Markers, ReadError, Reader, json};
use crate::sbom::{Bill, Completeness, Hash, License, Part, PartKind, References, RelationKind, Tool};
use crate::spdx::note;

/// SPDX 3.0.
pub(crate) const JSON_LD: Reader =
    Reader { name: "SPDX 3.0 in JSON-LD", media_type: Some("application/spdx+json"), recognizes, read };

fn recognizes(markers: &Markers) -> bool {
    markers.is_graph
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(rename = "@graph")]
    graph: Vec<Element>,
}

/// Whatever the graph holds; each kind has its own of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Element {
    #[serde(rename = "type", alias = "@type")]
    kind: String,
    #[serde(rename = "spdxId", alias = "@id")]
    id: String,
    name: String,
    description: Option<String>,
    created: Option<String>,
    #[serde(rename = "createdBy")]
    created_by: Vec<String>,
    #[serde(rename = "createdUsing")]
    created_using: Vec<String>,
    #[serde(rename = "specVersion")]
    spec_version: String,
    #[serde(rename = "rootElement")]
    root_element: Vec<String>,
    #[serde(rename = "software_sbomType")]
    sbom_type: Vec<String>,
    #[serde(rename = "software_packageVersion")]
    version: String,
    #[serde(rename = "software_packageUrl")]
    purl: Option<String>,
    #[serde(rename = "software_primaryPurpose")]
    purpose: String,
    #[serde(rename = "suppliedBy")]
    supplied_by: Option<String>,
    #[serde(rename = "software_copyrightText")]
    copyright: Option<String>,
    #[serde(rename = "software_homePage")]
    home_page: Option<String>,
    #[serde(rename = "software_downloadLocation")]
    download_location: Option<String>,
    #[serde(rename = "verifiedUsing")]
    verified_using: Vec<Verified>,
    #[serde(rename = "externalIdentifier")]
    external_identifiers: Vec<Identifier>,
    from: String,
    to: Vec<String>,
    #[serde(rename = "relationshipType")]
    relationship: String,
    completeness: Option<String>,
    subject: String,
    statement: String,
    #[serde(rename = "simplelicensing_licenseExpression")]
    expression: String,
    #[serde(rename = "simplelicensing_licenseText")]
    license_text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Verified {
    algorithm: String,
    #[serde(rename = "hashValue")]
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identifier {
    #[serde(rename = "externalIdentifierType")]
    kind: String,
    identifier: String,
}

fn read(bytes: &[u8]) -> Result<Bill, ReadError> {
    let document: Document = json(bytes, "SPDX")?;
    let mut reading = Reading::default();
    let mut creation = None;
    for element in document.graph {
        match element.kind.as_str() {
            "CreationInfo" => creation = creation.or(Some(element)),
            "software_Package" | "software_File" => reading.part(element),
            "Relationship" | "LifecycleScopedRelationship" => reading.relationships.push(element),
            "Annotation" => reading.annotations.push(element),
            "SpdxDocument" => reading.bill.name = element.name,
            "software_Sbom" => reading.sboms.push(element),
            "Organization" | "Person" | "Agent" | "SoftwareAgent" | "Tool" => {
                reading.names.insert(element.id, (element.kind, element.name));
            }
            "simplelicensing_LicenseExpression" => {
                reading.expressions.insert(element.id, element.expression);
            }
            "simplelicensing_SimpleLicensingText" => {
                let name = element.id.rsplit('#').next().unwrap_or_default().to_owned();
                reading.texts.insert(name, element.license_text);
            }
            other => {
                let words: String = other.chars().take(40).collect();
                reading.bill.pass_over(&format!("elements of type {words:?}"), 1);
            }
        }
    }
    let creation = creation.ok_or_else(|| ReadError::malformed("SPDX", &"there is no CreationInfo"))?;
    if !creation.spec_version.starts_with("3.0") {
        return Err(ReadError::version("SPDX", &creation.spec_version));
    }
    Ok(reading.finish(&creation))
}

#[derive(Default)]
struct Reading {
    bill: Bill,
    references: References,
    named: HashMap<String, usize>,
    /// Who supplies each part, by id.
    suppliers: Vec<(usize, String)>,
    names: HashMap<String, (String, String)>,
    relationships: Vec<Element>,
    annotations: Vec<Element>,
    sboms: Vec<Element>,
    expressions: HashMap<String, String>,
    /// Licences in words, by the last part of their ids.
    texts: HashMap<String, String>,
}

impl Reading {
    fn part(&mut self, element: Element) {
        let index = self.bill.parts.len();
        let links = [("website", element.home_page), ("distribution", element.download_location)];
        let hash = |verified: Verified| {
            let known = ALGORITHMS.into_iter().find(|(_, spdx)| *spdx == verified.algorithm);
            let algorithm = known.map_or(verified.algorithm, |(algorithm, _)| algorithm.to_owned());
            Hash { algorithm, value: verified.value }
        };
        let mut purl = element.purl;
        let mut cpes = Vec::new();
        for identifier in element.external_identifiers {
            match identifier.kind.as_str() {
                "cpe23" | "cpe22" => cpes.push(identifier.identifier),
                "packageUrl" => purl = purl.or(Some(identifier.identifier)),
                _ => self.bill.pass_over("external identifiers", 1),
            }
        }
        let is_file = element.kind == "software_File";
        let part = Part {
            reference: String::new(),
            kind: if is_file { PartKind::File } else { kind(&element.purpose) },
            name: element.name,
            version: element.version,
            purl,
            cpes,
            description: element.description,
            copyright: element.copyright,
            hashes: element.verified_using.into_iter().map(hash).collect(),
            links: links.into_iter().filter_map(|(kind, url)| Some((kind.to_owned(), url?))).collect(),
            ..Part::default()
        };
        self.suppliers.extend(element.supplied_by.map(|id| (index, id)));
        self.named.entry(element.id).or_insert(index);
        self.bill.parts.push(part);
    }

    fn finish(mut self, creation: &Element) -> Bill {
        self.bill.format = format!("SPDX {} in JSON-LD", creation.spec_version);
        self.bill.made.clone_from(&creation.created);
        for id in &creation.created_by {
            match self.names.get(id) {
                Some((kind, name)) if kind != "SoftwareAgent" && kind != "Tool" => {
                    self.bill.authors.push(name.clone())
                }
                _ => {}
            }
        }
        for (_, name) in creation.created_using.iter().filter_map(|id| self.names.get(id)) {
            let (name, version) = match name.rsplit_once('-') {
                Some((name, version)) if version.contains(|c: char| c.is_ascii_digit()) => (name, version),
                _ => (name.as_str(), ""),
            };
            self.bill.tools.push(Tool { vendor: None, name: name.to_owned(), version: version.to_owned() });
        }
        for (index, id) in std::mem::take(&mut self.suppliers) {
            let name = self.names.get(&id).map(|(_, name)| name.clone());
            if let Some(part) = self.bill.parts.get_mut(index) {
                part.supplier = name;
            }
        }
        let root = self.sboms.iter().flat_map(|sbom| &sbom.root_element).find_map(|id| self.named.get(id));
        self.bill.subject = root.copied();
        let kinds = self.sboms.iter().flat_map(|sbom| &sbom.sbom_type);
        self.bill.lifecycle = kinds
            .filter_map(|kind| PHASES.into_iter().find(|(_, known)| known == kind))
            .map(|(phase, _)| phase.to_owned())
            .next();
        self.remarks();
        for relationship in std::mem::take(&mut self.relationships) {
            self.relationship(&relationship);
        }
        self.bill
    }

    /// Annotations of ours, and with them the names of the parts.
    fn remarks(&mut self) {
        let mut wanted: HashMap<usize, String> = HashMap::new();
        for annotation in std::mem::take(&mut self.annotations) {
            let index = self.named.get(&annotation.subject).copied();
            let part = index.and_then(|index| self.bill.parts.get_mut(index));
            match (index, part.and_then(|part| note::read(&annotation.statement, part))) {
                (Some(index), Some(reference)) => drop(wanted.insert(index, reference)),
                _ => self.bill.pass_over("annotations", 1),
            }
        }
        let mut ids: Vec<(&usize, &String)> = self.named.iter().map(|(id, index)| (index, id)).collect();
        ids.sort_unstable();
        let ids: HashMap<usize, String> = ids.into_iter().map(|(index, id)| (*index, id.clone())).collect();
        for (index, part) in self.bill.parts.iter_mut().enumerate() {
            let name = wanted.remove(&index).or_else(|| ids.get(&index).cloned());
            part.reference = self.references.unique(&name.unwrap_or_else(|| format!("element-{index}")));
        }
    }

    fn relationship(&mut self, relationship: &Element) {
        let Some(from) = self.named.get(&relationship.from).copied() else {
            return self.bill.pass_over("relationships with what is no package", 1);
        };
        for to in &relationship.to {
            if matches!(relationship.relationship.as_str(), "hasDeclaredLicense" | "hasConcludedLicense") {
                self.license(from, to, relationship.relationship == "hasDeclaredLicense");
                continue;
            }
            let kind = match relationship.relationship.as_str() {
                "contains" => RelationKind::Contains,
                "dependsOn" => RelationKind::DependsOn,
                _ => {
                    self.bill.pass_over("relationships of other kinds", 1);
                    continue;
                }
            };
            let Some(to) = self.named.get(to).copied() else {
                self.bill.pass_over("relationships with what is no package", 1);
                continue;
            };
            let is_package = self.bill.part(from).is_some_and(|part| part.kind == PartKind::Library);
            let kind = if is_package && kind == RelationKind::Contains { RelationKind::Owns } else { kind };
            self.bill.relate(from, kind, to);
        }
        let completeness = match relationship.completeness.as_deref() {
            Some("complete") => Completeness::Complete,
            Some("incomplete") => Completeness::Incomplete,
            _ => return,
        };
        if let (Some(part), "contains") = (self.bill.parts.get_mut(from), relationship.relationship.as_str())
        {
            part.completeness = completeness;
        }
    }

    /// A declared licence goes before a concluded one.
    fn license(&mut self, part: usize, id: &str, is_declared: bool) {
        let Some(expression) = self.expressions.get(id) else {
            return self.bill.pass_over("licenses that are no expressions", 1);
        };
        let words = self.texts.get(expression);
        let license = words.map_or_else(|| License::of(expression), |words| License::Name(words.clone()));
        if let Some(part) = self.bill.parts.get_mut(part)
            && (is_declared || part.licenses.is_empty())
        {
            part.licenses = vec![license];
        }
    }
}

fn kind(purpose: &str) -> PartKind {
    match purpose {
        "container" => PartKind::Container,
        "operatingSystem" => PartKind::OperatingSystem,
        "application" => PartKind::Application,
        "file" => PartKind::File,
        "" | "library" | "framework" => PartKind::Library,
        _ => PartKind::Other,
    }
}
