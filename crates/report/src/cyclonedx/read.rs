//! CycloneDX into a bill of materials, whatever its version.

use std::collections::HashMap;

use super::document::{Component, LicenseChoice, Organization, ReadDocument, Tools};
use crate::sbom::read::{Markers, ReadError, Reader, json};
use crate::sbom::{Bill, Completeness, Hash, License, Part, PartKind, References, RelationKind, Tool};

/// CycloneDX in JSON.
pub(crate) const JSON: Reader = Reader {
    name: "CycloneDX in JSON",
    media_type: Some("application/vnd.cyclonedx+json"),
    recognizes: is_json,
    read: read_json,
};
/// CycloneDX in XML.
pub(crate) const XML: Reader = Reader {
    name: "CycloneDX in XML",
    media_type: Some("application/vnd.cyclonedx+xml"),
    recognizes: is_xml,
    read: read_xml,
};

fn is_json(markers: &Markers) -> bool {
    markers.bom_format.as_deref() == Some("CycloneDX")
}

fn is_xml(markers: &Markers) -> bool {
    markers.head.trim_start().starts_with('<') && markers.head.contains("cyclonedx.org/schema/bom")
}

fn read_json(bytes: &[u8]) -> Result<Bill, ReadError> {
    let document: ReadDocument = json(bytes, "CycloneDX")?;
    if document.bom_format != "CycloneDX" {
        return Err(ReadError::Unknown);
    }
    bill(document, "JSON")
}

fn read_xml(bytes: &[u8]) -> Result<Bill, ReadError> {
    bill(super::xml::read(bytes)?, "XML")
}

fn bill(document: ReadDocument, encoding: &str) -> Result<Bill, ReadError> {
    let known = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];
    if !known.contains(&document.spec_version.as_str()) {
        return Err(ReadError::version("CycloneDX", &document.spec_version));
    }
    let mut reading = Reading::default();
    let metadata = document.metadata;
    reading.bill.format = format!("CycloneDX {} in {encoding}", document.spec_version);
    reading.bill.made = metadata.timestamp;
    reading.bill.tools = tools(metadata.tools);
    let people = metadata.authors.into_iter().filter_map(|contact| contact.name);
    let makers = [metadata.manufacturer, metadata.supplier].into_iter().filter_map(name_of);
    reading.bill.authors = people.chain(makers).collect();
    reading.bill.lifecycle = metadata.lifecycles.into_iter().find_map(|lifecycle| lifecycle.phase);
    if let Some(subject) = metadata.component {
        let index = reading.component(subject, None);
        reading.bill.subject = Some(index);
        reading.bill.name = reading.bill.parts.get(index).map(|part| part.name.clone()).unwrap_or_default();
    }
    let top = reading.bill.subject;
    for component in document.components {
        reading.component(component, top);
    }
    for (what, passed) in [
        ("vulnerabilities", document.vulnerabilities),
        ("services", document.services),
        ("external references of the document", document.external_references),
        ("annotations", document.annotations),
        ("formulas", document.formulation),
        ("properties of the document", document.properties),
    ] {
        reading.bill.pass_over(what, passed.count);
    }
    for composition in document.compositions {
        reading.composition(&composition.aggregate, &composition.assemblies);
    }
    for dependency in document.dependencies {
        reading.dependency(&dependency.reference, &dependency.depends_on);
    }
    reading.own();
    Ok(reading.bill)
}

#[derive(Default)]
struct Reading {
    bill: Bill,
    references: References,
    /// Parts by the names that the document gives them.
    named: HashMap<String, usize>,
}

impl Reading {
    /// Adds a component and those inside of it; the depth is that of the parser.
    fn component(&mut self, mut component: Component, parent: Option<usize>) -> usize {
        let inside = std::mem::take(&mut component.components);
        let index = self.bill.parts.len();
        for (what, passed) in [
            ("pedigrees of components", component.pedigree),
            ("SWID tags of components", component.swid),
            ("release notes of components", component.release_notes),
            ("model cards of components", component.model_card),
            ("cryptographic properties of components", component.crypto_properties),
        ] {
            self.bill.pass_over(what, u64::from(passed.seen));
        }
        let given = component.reference.clone().filter(|name| !name.is_empty());
        let mut part = part(component);
        let wanted =
            given.clone().or_else(|| part.purl.clone()).unwrap_or_else(|| format!("component-{index}"));
        part.reference = self.references.unique(&wanted);
        if let Some(given) = given {
            self.named.entry(given).or_insert(index);
        }
        self.bill.parts.push(part);
        if let Some(parent) = parent {
            self.bill.relate(parent, RelationKind::Contains, index);
        }
        for child in inside {
            self.component(child, Some(index));
        }
        index
    }

    fn composition(&mut self, aggregate: &str, assemblies: &[String]) {
        let completeness = match aggregate {
            "complete" => Completeness::Complete,
            "unknown" | "not_specified" => Completeness::Unknown,
            _ => Completeness::Incomplete,
        };
        for name in assemblies {
            let part = self.named.get(name).and_then(|index| self.bill.parts.get_mut(*index));
            if let Some(part) = part {
                part.completeness = completeness;
            }
        }
    }

    /// What an image depends on is what it contains.
    fn dependency(&mut self, from: &str, all: &[String]) {
        let Some(from) = self.named.get(from).copied() else {
            self.bill.pass_over("dependencies of components that are not there", 1);
            return;
        };
        let is_image = self.bill.part(from).is_some_and(|part| part.kind == PartKind::Container);
        for to in all {
            match self.named.get(to) {
                Some(to) if is_image => self.bill.relate(from, RelationKind::Contains, *to),
                Some(to) => self.bill.relate(from, RelationKind::DependsOn, *to),
                None => self.bill.pass_over("dependencies on components that are not there", 1),
            }
        }
    }

    /// Which package owns which stands in a property of ours.
    fn own(&mut self) {
        let owned: Vec<(usize, usize)> = self
            .bill
            .parts
            .iter()
            .enumerate()
            .filter_map(|(index, part)| Some((*self.named.get(part.property("plimsoll:ownedBy")?)?, index)))
            .collect();
        for (owner, index) in owned {
            self.bill.relate(owner, RelationKind::Owns, index);
        }
    }
}

fn part(component: Component) -> Part {
    let makers = [component.supplier, component.manufacturer].into_iter().filter_map(name_of);
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let hashes = component.hashes.into_iter();
    Part {
        reference: String::new(),
        kind: kind(&component.kind),
        group: text(component.group),
        name: component.name,
        version: component.version.unwrap_or_default(),
        purl: text(component.purl),
        cpes: text(component.cpe).into_iter().collect(),
        supplier: makers.chain(text(component.publisher)).chain(text(component.author)).next(),
        description: text(component.description),
        licenses: component.licenses.into_iter().filter_map(license).collect(),
        copyright: text(component.copyright),
        hashes: hashes.map(|hash| Hash { algorithm: hash.algorithm, value: hash.content }).collect(),
        links: component.external_references.into_iter().map(|link| (link.kind, link.url)).collect(),
        places: component
            .evidence
            .into_iter()
            .flat_map(|evidence| evidence.occurrences)
            .map(|occurrence| occurrence.location)
            .collect(),
        properties: component
            .properties
            .into_iter()
            .map(|property| (property.name, property.value))
            .collect(),
        completeness: Completeness::Unknown,
    }
}

fn kind(word: &str) -> PartKind {
    match word {
        "container" => PartKind::Container,
        "operating-system" => PartKind::OperatingSystem,
        "library" | "framework" => PartKind::Library,
        "application" => PartKind::Application,
        "file" => PartKind::File,
        _ => PartKind::Other,
    }
}

fn license(choice: LicenseChoice) -> Option<License> {
    if let Some(expression) = choice.expression {
        return Some(License::Expression(expression));
    }
    let license = choice.license?;
    // An expression in a list of licences is written as a name, since the format has no mixture.
    license.id.map(License::Id).or_else(|| license.name.as_deref().map(License::of))
}

fn tools(tools: Tools) -> Vec<Tool> {
    match tools {
        Tools::Listed(tools) => tools
            .into_iter()
            .map(|tool| Tool { vendor: tool.vendor, name: tool.name, version: tool.version })
            .collect(),
        Tools::Components { components } => components
            .into_iter()
            .map(|tool| Tool {
                vendor: tool.publisher.or(tool.author).or(tool.group),
                name: tool.name,
                version: tool.version,
            })
            .collect(),
    }
}

fn name_of(organization: Option<Organization>) -> Option<String> {
    organization?.name.filter(|name| !name.is_empty())
}
