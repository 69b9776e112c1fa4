//! XML into the types of the document.

use super::super::document::{
    Component, Composition, Contact, Dependency, Evidence, ExternalReference, HashDocument, LegacyTool,
    LicenseChoice, LicenseDocument, Lifecycle, Metadata, Occurrence, Organization, Property, ReadDocument,
    ToolComponent, Tools,
};
use crate::sbom::read::{PART_LIMIT, Passed, ReadError};
use crate::xml_tree::{Node, parse};

const FORMAT: &str = "CycloneDX";

/// Reads a document.
pub(in crate::cyclonedx) fn read(bytes: &[u8]) -> Result<ReadDocument, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::malformed(FORMAT, &error))?;
    let root = parse(text).map_err(|error| ReadError::malformed(FORMAT, &error))?;
    if root.count("component") > PART_LIMIT {
        return Err(ReadError::TooManyParts);
    }
    let namespace = root.attribute("xmlns").or_else(|| {
        // A prefix before every name.
        root.attributes().find(|value| value.starts_with("http://cyclonedx.org/schema/bom/"))
    });
    let version = namespace.and_then(|name| name.strip_prefix("http://cyclonedx.org/schema/bom/"));
    let version = version.filter(|_| root.name == "bom").ok_or(ReadError::Unknown)?;
    Ok(ReadDocument {
        bom_format: FORMAT.to_owned(),
        spec_version: version.to_owned(),
        metadata: root.child("metadata").map(metadata).unwrap_or_default(),
        components: root.list("components").iter().map(component).collect(),
        dependencies: root.list("dependencies").iter().map(dependency).collect(),
        compositions: root.list("compositions").iter().map(composition).collect(),
        vulnerabilities: passed(&root, "vulnerabilities"),
        services: passed(&root, "services"),
        external_references: passed(&root, "externalReferences"),
        annotations: passed(&root, "annotations"),
        formulation: passed(&root, "formulation"),
        properties: passed(&root, "properties"),
    })
}

fn passed(node: &Node, name: &str) -> Passed {
    let count = node.list(name).len();
    Passed { seen: node.child(name).is_some(), count: u64::try_from(count).unwrap_or(u64::MAX) }
}

fn metadata(node: &Node) -> Metadata {
    let contact = |author: &Node| Contact { name: author.text_of("name") };
    Metadata {
        timestamp: node.text_of("timestamp"),
        lifecycles: node
            .list("lifecycles")
            .iter()
            .map(|lifecycle| Lifecycle { phase: lifecycle.text_of("phase") })
            .collect(),
        tools: node.child("tools").map(tools).unwrap_or_default(),
        authors: node.list("authors").iter().map(contact).collect(),
        component: node.child("component").map(component),
        manufacturer: node.child("manufacturer").or_else(|| node.child("manufacture")).map(organization),
        supplier: node.child("supplier").map(organization),
    }
}

fn tools(node: &Node) -> Tools {
    if node.child("components").is_none() {
        let tool = |tool: &Node| LegacyTool {
            vendor: tool.text_of("vendor"),
            name: tool.text_of("name").unwrap_or_default(),
            version: tool.text_of("version").unwrap_or_default(),
        };
        return Tools::Listed(node.children.iter().filter(|child| child.name == "tool").map(tool).collect());
    }
    let tool = |tool: &Node| ToolComponent {
        kind: tool.attribute("type").unwrap_or_default().to_owned(),
        group: tool.text_of("group"),
        author: tool.text_of("author"),
        publisher: tool.text_of("publisher"),
        name: tool.text_of("name").unwrap_or_default(),
        version: tool.text_of("version").unwrap_or_default(),
    };
    Tools::Components { components: node.list("components").iter().map(tool).collect() }
}

/// The depth is that of the tree.
fn component(node: &Node) -> Component {
    let seen = |name: &str| passed(node, name);
    let location =
        |occurrence: &Node| Occurrence { location: occurrence.text_of("location").unwrap_or_default() };
    let hash = |hash: &Node| HashDocument {
        algorithm: hash.attribute("alg").unwrap_or_default().to_owned(),
        content: hash.raw().trim().to_owned(),
    };
    let link = |link: &Node| ExternalReference {
        kind: link.attribute("type").unwrap_or_default().to_owned(),
        url: link.text_of("url").unwrap_or_default(),
    };
    let property = |property: &Node| Property {
        name: property.attribute("name").unwrap_or_default().to_owned(),
        value: property.raw().to_owned(),
    };
    Component {
        kind: node.attribute("type").unwrap_or_default().to_owned(),
        reference: node.attribute("bom-ref").map(str::to_owned),
        supplier: node.child("supplier").map(organization),
        manufacturer: node.child("manufacturer").map(organization),
        author: node.text_of("author"),
        publisher: node.text_of("publisher"),
        group: node.text_of("group"),
        name: node.text_of("name").unwrap_or_default(),
        version: node.text_of("version"),
        description: node.text_of("description"),
        hashes: node.list("hashes").iter().map(hash).collect(),
        licenses: node.list("licenses").iter().map(license).collect(),
        copyright: node.text_of("copyright"),
        cpe: node.text_of("cpe"),
        purl: node.text_of("purl"),
        external_references: node.list("externalReferences").iter().map(link).collect(),
        properties: node.list("properties").iter().map(property).collect(),
        components: node.list("components").iter().map(component).collect(),
        evidence: node.child("evidence").map(|evidence| Evidence {
            occurrences: evidence.list("occurrences").iter().map(location).collect(),
        }),
        pedigree: seen("pedigree"),
        swid: seen("swid"),
        release_notes: seen("releaseNotes"),
        model_card: seen("modelCard"),
        crypto_properties: seen("cryptoProperties"),
    }
}

fn organization(node: &Node) -> Organization {
    Organization { name: node.text_of("name") }
}

fn license(node: &Node) -> LicenseChoice {
    if node.name == "expression" {
        return LicenseChoice { expression: Some(node.raw().trim().to_owned()), ..LicenseChoice::default() };
    }
    let license =
        LicenseDocument { id: node.text_of("id"), name: node.text_of("name"), acknowledgement: None };
    LicenseChoice { license: Some(license), ..LicenseChoice::default() }
}

fn dependency(node: &Node) -> Dependency {
    let reference = |node: &Node| node.attribute("ref").unwrap_or_default().to_owned();
    Dependency { reference: reference(node), depends_on: node.children.iter().map(reference).collect() }
}

fn composition(node: &Node) -> Composition {
    let reference = |node: &Node| node.attribute("ref").unwrap_or_default().to_owned();
    Composition {
        aggregate: node.text_of("aggregate").unwrap_or_default(),
        assemblies: node.list("assemblies").iter().map(reference).collect(),
    }
}
