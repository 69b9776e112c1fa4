//! CycloneDX 1.4 to 1.7, in JSON and in XML (<https://cyclonedx.org/specification/overview/>): what images contain, and
//! the vulnerabilities found in them. The version is a parameter; what an older one does not know is left out, and told
//! by [`cannot_hold`].

mod document;
mod read;
mod vex;
mod vulnerabilities;
mod xml;

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use document::{
    Component, Composition, Contact, Dependency, Document, Evidence, ExternalReference, HashDocument,
    LegacyTool, LicenseChoice, LicenseDocument, Lifecycle, Metadata, Occurrence, Organization, Property,
    ToolComponent, Tools,
};
pub(crate) use read::{JSON, XML};
pub use vex::CYCLONEDX_VEX;
pub use vulnerabilities::Vulnerability;
pub(crate) use vulnerabilities::vulnerabilities;

use crate::sbom::{Bill, BillFormat, Completeness, License, Part, PartKind, Relation, RelationKind, uuid};
use crate::{Format, Writer};

/// Version 1.`MINOR` in JSON.
#[must_use]
pub const fn json<const MINOR: u8>(name: &'static str, summary: &'static str) -> Format {
    format(name, summary, BillFormat { write: write_json::<MINOR>, cannot_hold: cannot_hold::<MINOR, false> })
}

/// Version 1.`MINOR` in XML.
#[must_use]
pub const fn xml<const MINOR: u8>(name: &'static str, summary: &'static str) -> Format {
    format(name, summary, BillFormat { write: write_xml::<MINOR>, cannot_hold: cannot_hold::<MINOR, true> })
}

const fn format(name: &'static str, summary: &'static str, bill: BillFormat) -> Format {
    Format { name, summary, needs_details: true, writer: Writer::Bill(bill) }
}

fn write_json<const MINOR: u8>(bill: &Bill, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&document(bill, MINOR)?, out)
}

fn write_xml<const MINOR: u8>(bill: &Bill, out: &mut dyn Write) -> io::Result<()> {
    xml::write(&document(bill, MINOR)?, MINOR, out)
}

fn document(bill: &Bill, minor: u8) -> io::Result<Document> {
    let tree = Tree::new(bill, minor);
    let subject = bill.subject.and_then(|index| bill.part(index));
    let metadata = Metadata {
        timestamp: bill.made.clone(),
        lifecycles: lifecycles(bill, minor),
        tools: tools(bill, minor),
        authors: bill.authors.iter().map(|author| Contact { name: Some(author.clone()) }).collect(),
        component: subject.map(|part| component(part, minor)),
        ..Metadata::default()
    };
    let mut document = Document {
        schema: format!("http://cyclonedx.org/schema/bom-1.{minor}.schema.json"),
        bom_format: "CycloneDX",
        spec_version: format!("1.{minor}"),
        version: 1,
        metadata,
        components: tree.components(),
        dependencies: dependencies(bill),
        compositions: compositions(bill),
        vulnerabilities: bill.vulnerabilities.clone(),
        ..Document::default()
    };
    if minor < 5 {
        for rating in document.vulnerabilities.iter_mut().flat_map(|found| &mut found.ratings) {
            rating.method = rating.method.map(|method| if method == "CVSSv4" { "other" } else { method });
        }
    }
    document.serial_number = format!("urn:uuid:{}", uuid(&serde_json::to_vec(&document)?));
    Ok(document)
}

fn lifecycles(bill: &Bill, minor: u8) -> Vec<Lifecycle> {
    let phase = bill.lifecycle.clone().filter(|_| minor >= 5);
    phase.into_iter().map(|phase| Lifecycle { phase: Some(phase) }).collect()
}

fn tools(bill: &Bill, minor: u8) -> Tools {
    if minor < 5 {
        let tool = |tool: &crate::sbom::Tool| LegacyTool {
            vendor: tool.vendor.clone(),
            name: tool.name.clone(),
            version: tool.version.clone(),
        };
        return Tools::Listed(bill.tools.iter().map(tool).collect());
    }
    let tool = |tool: &crate::sbom::Tool| ToolComponent {
        kind: "application".to_owned(),
        publisher: tool.vendor.clone(),
        name: tool.name.clone(),
        version: tool.version.clone(),
        ..ToolComponent::default()
    };
    Tools::Components { components: bill.tools.iter().map(tool).collect() }
}

/// Which component lies in which: what an image below the subject contains lies in it, all else side by side.
struct Tree<'b> {
    bill: &'b Bill,
    minor: u8,
    /// The image that a part lies in.
    image: HashMap<usize, usize>,
}

impl<'b> Tree<'b> {
    fn new(bill: &'b Bill, minor: u8) -> Self {
        let contains = || bill.relations.iter().filter(|relation| relation.kind == RelationKind::Contains);
        let inner: HashSet<usize> = contains()
            .filter(|relation| Some(relation.from) == bill.subject && Some(relation.to) != bill.subject)
            .map(|relation| relation.to)
            .filter(|index| bill.part(*index).is_some_and(|part| part.kind == PartKind::Container))
            .collect();
        let mut image = HashMap::new();
        for relation in contains().filter(|relation| inner.contains(&relation.from)) {
            image.entry(relation.to).or_insert(relation.from);
        }
        // An image stays outside of others, lest images lie in each other in a circle.
        image.retain(|inner, _| bill.part(*inner).is_some_and(|part| part.kind != PartKind::Container));
        Self { bill, minor, image }
    }

    fn components(&self) -> Vec<Component> {
        let mut inside: HashMap<usize, Vec<Component>> = HashMap::new();
        let mut outside = Vec::new();
        for (index, part) in self.bill.parts.iter().enumerate() {
            if Some(index) == self.bill.subject {
                continue;
            }
            match self.image.get(&index) {
                Some(image) => inside.entry(*image).or_default().push(component(part, self.minor)),
                None => outside.push((index, component(part, self.minor))),
            }
        }
        let whole = outside.into_iter().map(|(index, mut component)| {
            component.components = inside.remove(&index).unwrap_or_default();
            component
        });
        whole.collect()
    }
}

fn component(part: &Part, minor: u8) -> Component {
    let occurrences: Vec<Occurrence> =
        part.places.iter().map(|place| Occurrence { location: place.clone() }).collect();
    let hash = |hash: &crate::sbom::Hash| HashDocument {
        algorithm: hash.algorithm.clone(),
        content: hash.value.clone(),
    };
    let link = |(kind, url): &(String, String)| ExternalReference { kind: kind.clone(), url: url.clone() };
    let property = |(name, value): &(String, String)| Property { name: name.clone(), value: value.clone() };
    Component {
        kind: kind(part.kind).to_owned(),
        reference: Some(part.reference.clone()),
        supplier: part.supplier.clone().map(|name| Organization { name: Some(name) }),
        group: part.group.clone(),
        name: part.name.clone(),
        version: Some(part.version.clone()).filter(|version| !version.is_empty()),
        description: part.description.clone(),
        hashes: part.hashes.iter().filter(|known| can_hash(&known.algorithm)).map(hash).collect(),
        licenses: license_choices(part, minor),
        copyright: part.copyright.clone(),
        cpe: part.cpes.first().cloned(),
        purl: part.purl.clone(),
        external_references: part.links.iter().filter(|(kind, _)| can_link(kind, minor)).map(link).collect(),
        properties: part.properties.iter().map(property).collect(),
        evidence: (minor >= 5 && !occurrences.is_empty()).then_some(Evidence { occurrences }),
        ..Component::default()
    }
}

const fn kind(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Container => "container",
        PartKind::OperatingSystem => "operating-system",
        PartKind::Library | PartKind::Other => "library",
        PartKind::Application => "application",
        PartKind::File => "file",
    }
}

/// Either one expression, or a list of single licences: until 1.7 the format has no mixture.
fn license_choices(part: &Part, minor: u8) -> Vec<LicenseChoice> {
    let acknowledgement = || (minor >= 6).then(|| "declared".to_owned());
    if let [License::Expression(expression)] = part.licenses.as_slice() {
        let expression = Some(expression.clone());
        return vec![LicenseChoice { expression, acknowledgement: acknowledgement(), license: None }];
    }
    let choice = |license: &License| {
        let text = license.text().to_owned();
        let (id, name) = match license {
            License::Id(_) => (Some(text), None),
            License::Expression(_) | License::Name(_) => (None, Some(text)),
        };
        let license = Some(LicenseDocument { id, name, acknowledgement: acknowledgement() });
        LicenseChoice { license, ..LicenseChoice::default() }
    };
    part.licenses.iter().map(choice).collect()
}

/// An entry for each part that needs or contains others: the format has but one relation.
fn dependencies(bill: &Bill) -> Vec<Dependency> {
    let mut by_part: Vec<(usize, Vec<String>)> = Vec::new();
    for relation in bill.relations.iter().filter(|relation| relation.kind != RelationKind::Owns) {
        let Some(to) = bill.part(relation.to) else { continue };
        match by_part.last_mut() {
            Some((from, all)) if *from == relation.from => all.push(to.reference.clone()),
            _ => by_part.push((relation.from, vec![to.reference.clone()])),
        }
    }
    let entry = |(index, mut depends_on): (usize, Vec<String>)| {
        depends_on.sort();
        depends_on.dedup();
        Some(Dependency { reference: bill.part(index)?.reference.clone(), depends_on })
    };
    by_part.into_iter().filter_map(entry).collect()
}

fn compositions(bill: &Bill) -> Vec<Composition> {
    let told = |completeness: Completeness| match completeness {
        Completeness::Complete => Some("complete"),
        Completeness::Incomplete => Some("incomplete"),
        Completeness::Unknown => None,
    };
    let parts = bill.parts.iter().filter_map(|part| Some((told(part.completeness)?, part)));
    parts
        .map(|(aggregate, part)| Composition {
            aggregate: aggregate.to_owned(),
            assemblies: vec![part.reference.clone()],
        })
        .collect()
}

/// The algorithms that all versions know.
const ALGORITHMS: [&str; 12] = [
    "BLAKE2b-256",
    "BLAKE2b-384",
    "BLAKE2b-512",
    "BLAKE3",
    "MD5",
    "SHA-1",
    "SHA-256",
    "SHA-384",
    "SHA-512",
    "SHA3-256",
    "SHA3-384",
    "SHA3-512",
];

fn can_hash(algorithm: &str) -> bool {
    ALGORITHMS.contains(&algorithm)
}

/// The kinds of links that all versions know.
const LINKS: [&str; 14] = [
    "advisories",
    "bom",
    "build-meta",
    "build-system",
    "chat",
    "distribution",
    "documentation",
    "issue-tracker",
    "license",
    "mailing-list",
    "other",
    "release-notes",
    "vcs",
    "website",
];

fn can_link(kind: &str, minor: u8) -> bool {
    LINKS.contains(&kind) || (minor >= 5 && kind == "distribution-intake")
}

fn cannot_hold<const MINOR: u8, const XML: bool>(bill: &Bill) -> Vec<String> {
    let mut lost = Vec::new();
    let mut tell = |count: usize, what: &str| {
        if count > 0 {
            lost.push(format!("{count} {what}"));
        }
    };
    if MINOR < 5 {
        tell(usize::from(bill.lifecycle.is_some()), "lifecycle phase");
        let places = bill.parts.iter().map(|part| part.places.len()).sum();
        tell(places, "places of components, which stay in properties where the document is Plimsoll's");
    }
    tell(
        bill.count(|part| part.cpes.len() > 1),
        "components with more than one CPE, of which the first is kept",
    );
    let links = bill.parts.iter().flat_map(|part| &part.links);
    tell(
        links.filter(|(kind, _)| !can_link(kind, MINOR)).count(),
        "external references of a kind that it does not know",
    );
    let hashes = bill.parts.iter().flat_map(|part| &part.hashes);
    tell(
        hashes.filter(|hash| !can_hash(&hash.algorithm)).count(),
        "hashes by an algorithm that it does not know",
    );
    tell(
        bill.count(|part| part.kind == PartKind::Other),
        "components of a kind that it does not know, written as libraries",
    );
    for (count, what) in flattened(bill) {
        tell(count, what);
    }
    if XML {
        let controls = |text: &str| text.chars().any(crate::xml_write::is_forbidden);
        let count = bill.count(|part| {
            controls(&part.name)
                || part.properties.iter().any(|(name, value)| controls(name) || controls(value))
        });
        tell(count, "components with control characters, which XML has not");
    }
    lost
}

/// Relations that the format's only one does not tell apart.
fn flattened(bill: &Bill) -> [(usize, &'static str); 3] {
    let is_image = |index| bill.part(index).is_some_and(|part| part.kind == PartKind::Container);
    let count = |is: &dyn Fn(&Relation) -> bool| bill.relations.iter().filter(|one| is(one)).count();
    let is_told = |relation: &Relation| {
        bill.part(relation.to).is_some_and(|part| part.property("plimsoll:ownedBy").is_some())
    };
    [
        (
            count(&|one| one.kind == RelationKind::Owns && !is_told(one)),
            "relations of packages to what they own",
        ),
        (
            count(&|one| {
                one.kind == RelationKind::Contains && !is_image(one.from) && Some(one.from) != bill.subject
            }),
            "relations to contents, written as dependencies",
        ),
        (
            count(&|one| one.kind == RelationKind::DependsOn && is_image(one.from)),
            "dependencies of images, written as their contents",
        ),
    ]
}

#[cfg(test)]
mod tests;
