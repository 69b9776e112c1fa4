//! SPDX 3.0 as JSON-LD (<https://spdx.github.io/spdx-spec/v3.0.1/>): a graph of elements, the profiles core, software
//! and simpleLicensing.

mod read;

use std::collections::HashSet;
use std::io::{self, Write};

pub(crate) use read::JSON_LD;
use serde_json::{Map, Value, json};

use crate::sbom::{Bill, BillFormat, Completeness, Hash, Part, PartKind, RelationKind, uuid};
use crate::spdx::losses;
use crate::spdx::{Licenses, note};
use crate::{Format, Writer};

/// Writes SPDX 3.0.
pub const SPDX_3: Format = Format {
    name: "spdx-3",
    summary: "a software bill of materials, SPDX 3.0.1 in JSON-LD",
    needs_details: true,
    writer: Writer::Bill(BillFormat { write, cannot_hold }),
};

const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
const CREATION: &str = "_:creation";

/// The phases of a product's life in CycloneDX, and the types of SPDX for bills made there.
const PHASES: [(&str, &str); 6] = [
    ("design", "design"),
    ("pre-build", "source"),
    ("build", "build"),
    ("post-build", "analyzed"),
    ("operations", "deployed"),
    ("discovery", "runtime"),
];

fn write(bill: &Bill, out: &mut dyn Write) -> io::Result<()> {
    // Names in the graph start with an address that follows from all of it.
    let namespace = uuid(&serde_json::to_vec(&Graph::new(bill, "").elements)?);
    let graph = Graph::new(bill, &format!("https://plimsoll.dev/spdx/{namespace}"));
    crate::write_json(&json!({ "@context": CONTEXT, "@graph": graph.elements }), out)
}

struct Graph<'b> {
    bill: &'b Bill,
    base: String,
    elements: Vec<Value>,
    licenses: Licenses,
    suppliers: HashSet<String>,
    relationships: usize,
}

impl<'b> Graph<'b> {
    fn new(bill: &'b Bill, base: &str) -> Self {
        let mut graph = Self {
            bill,
            base: base.to_owned(),
            elements: Vec::new(),
            licenses: Licenses::default(),
            suppliers: HashSet::new(),
            relationships: 0,
        };
        graph.creation();
        graph.document();
        for (index, part) in bill.parts.iter().enumerate() {
            graph.part(index, part);
        }
        graph.relations();
        graph.license_texts();
        graph
    }

    fn id(&self, kind: &str, number: usize) -> String {
        format!("{}#{kind}-{number}", self.base)
    }

    /// Adds an element; `fields` is what it has beside what all have.
    fn element(&mut self, kind: &str, id: &str, fields: Value) {
        let mut element = Map::new();
        element.insert("type".to_owned(), json!(kind));
        element.insert("spdxId".to_owned(), json!(id));
        element.insert("creationInfo".to_owned(), json!(CREATION));
        if let Value::Object(fields) = fields {
            element.extend(fields.into_iter().filter(|(_, value)| !is_empty(value)));
        }
        self.elements.push(Value::Object(element));
    }

    fn creation(&mut self) {
        let bill = self.bill;
        let agents: Vec<String> =
            (0..bill.authors.len().max(1)).map(|number| self.id("agent", number)).collect();
        let tools: Vec<String> = (0..bill.tools.len()).map(|number| self.id("tool", number)).collect();
        let mut info = json!({
            "type": "CreationInfo", "@id": CREATION, "specVersion": "3.0.1",
            "created": bill.made, "createdBy": agents,
        });
        if let (Some(info), false) = (info.as_object_mut(), tools.is_empty()) {
            info.insert("createdUsing".to_owned(), json!(tools));
        }
        self.elements.push(info);
        for (author, id) in bill.authors.iter().zip(&agents) {
            self.element("Organization", id, json!({ "name": author }));
        }
        if let (true, Some(id)) = (bill.authors.is_empty(), agents.first()) {
            // Somebody has to have made it; nobody but the program is known.
            let name = bill.tools.first().map_or("unknown", |tool| tool.name.as_str());
            self.element("SoftwareAgent", id, json!({ "name": name }));
        }
        for (tool, id) in bill.tools.iter().zip(&tools) {
            let name = if tool.version.is_empty() {
                tool.name.clone()
            } else {
                format!("{}-{}", tool.name, tool.version)
            };
            self.element("Tool", id, json!({ "name": name }));
        }
    }

    fn document(&mut self) {
        let (document, sbom) = (format!("{}#document", self.base), format!("{}#sbom", self.base));
        let root: Vec<String> = self.bill.subject.iter().map(|subject| self.id("part", *subject)).collect();
        let all: Vec<String> = (0..self.bill.parts.len()).map(|index| self.id("part", index)).collect();
        let phase = PHASES.into_iter().find(|(phase, _)| Some(*phase) == self.bill.lifecycle.as_deref());
        let kinds: Vec<&str> = phase.into_iter().map(|(_, kind)| kind).collect();
        let profiles = ["core", "software", "simpleLicensing"];
        self.element(
            "SpdxDocument",
            &document,
            json!({ "name": self.bill.name, "profileConformance": profiles, "rootElement": [sbom] }),
        );
        let fields = json!({ "name": self.bill.name, "software_sbomType": kinds, "rootElement": root, "element": all });
        self.element("software_Sbom", &sbom, fields);
    }

    fn part(&mut self, index: usize, part: &Part) {
        let id = self.id("part", index);
        let supplier = part.supplier.as_ref().map(|name| self.supplier(name));
        let link =
            |kind: &str| part.links.iter().find(|(known, _)| known == kind).map(|(_, url)| url.as_str());
        let hashes: Vec<Value> = part.hashes.iter().filter_map(hash).collect();
        let cpe = |cpe: &String| {
            let kind = if cpe.starts_with("cpe:2.3:") { "cpe23" } else { "cpe22" };
            json!({ "type": "ExternalIdentifier", "externalIdentifierType": kind, "identifier": cpe })
        };
        let cpes: Vec<Value> = part.cpes.iter().map(cpe).collect();
        let fields = json!({
            "name": part.name, "description": part.description, "software_packageVersion": part.version,
            "software_packageUrl": part.purl, "software_primaryPurpose": purpose(part.kind),
            "suppliedBy": supplier, "software_copyrightText": part.copyright, "verifiedUsing": hashes,
            "externalIdentifier": cpes, "software_homePage": link("website"),
            "software_downloadLocation": link("distribution"),
        });
        self.element("software_Package", &id, fields);
        let note = self.id("note", index);
        let fields = json!({
            "annotationType": "other", "subject": id, "statement": note::write(part), "contentType": "application/json",
        });
        self.element("Annotation", &note, fields);
        self.license(index, part);
    }

    fn license(&mut self, index: usize, part: &Part) {
        let Some((expression, references)) = self.licenses.declared(&part.licenses) else { return };
        let license = self.id("license", index);
        let words = references.into_iter().map(|reference| {
            let value = format!("{}#{reference}", self.base);
            json!({ "type": "DictionaryEntry", "key": reference, "value": value })
        });
        let fields = json!({
            "simplelicensing_licenseExpression": expression,
            "simplelicensing_customIdToUri": words.collect::<Vec<Value>>(),
        });
        self.element("simplelicensing_LicenseExpression", &license, fields);
        let from = self.id("part", index);
        self.relationship(&from, "hasDeclaredLicense", &[license], None);
    }

    /// The organization of this name, made when it is first named.
    fn supplier(&mut self, name: &str) -> String {
        let id = format!("{}#supplier-{}", self.base, uuid(name.as_bytes()));
        if self.suppliers.insert(id.clone()) {
            self.element("Organization", &id, json!({ "name": name }));
        }
        id
    }

    /// One element for all that a part relates to in the same way.
    fn relations(&mut self) {
        let mut grouped: Vec<(usize, RelationKind, Vec<String>)> = Vec::new();
        for relation in &self.bill.relations {
            let to = self.id("part", relation.to);
            match grouped.last_mut() {
                Some((from, kind, all)) if (*from, *kind) == (relation.from, relation.kind) => all.push(to),
                _ => grouped.push((relation.from, relation.kind, vec![to])),
            }
        }
        for (from, kind, all) in grouped {
            let completeness = match (kind, self.bill.part(from).map(|part| part.completeness)) {
                (RelationKind::Contains, Some(Completeness::Complete)) => Some("complete"),
                (RelationKind::Contains, Some(Completeness::Incomplete)) => Some("incomplete"),
                _ => None,
            };
            let word = match kind {
                RelationKind::Contains | RelationKind::Owns => "contains",
                RelationKind::DependsOn => "dependsOn",
            };
            let from = self.id("part", from);
            self.relationship(&from, word, &all, completeness);
        }
    }

    fn relationship(&mut self, from: &str, kind: &str, to: &[String], completeness: Option<&str>) {
        let id = self.id("relationship", self.relationships);
        self.relationships = self.relationships.saturating_add(1);
        let fields =
            json!({ "from": from, "relationshipType": kind, "to": to, "completeness": completeness });
        self.element("Relationship", &id, fields);
    }

    fn license_texts(&mut self) {
        for (reference, text) in std::mem::take(&mut self.licenses.0) {
            let id = format!("{}#{reference}", self.base);
            let fields = json!({ "name": text, "simplelicensing_licenseText": text });
            self.element("simplelicensing_SimpleLicensingText", &id, fields);
        }
    }
}

/// The format has no empty values.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(_) | Value::Bool(_) | Value::Number(_) => false,
    }
}

const fn purpose(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Container => "container",
        PartKind::OperatingSystem => "operatingSystem",
        PartKind::Library => "library",
        PartKind::Application => "application",
        PartKind::File => "file",
        PartKind::Other => "other",
    }
}

/// The algorithms as CycloneDX and as SPDX 3 spell them.
const ALGORITHMS: [(&str, &str); 12] = [
    ("BLAKE2b-256", "blake2b256"),
    ("BLAKE2b-384", "blake2b384"),
    ("BLAKE2b-512", "blake2b512"),
    ("BLAKE3", "blake3"),
    ("MD5", "md5"),
    ("SHA-1", "sha1"),
    ("SHA-256", "sha256"),
    ("SHA-384", "sha384"),
    ("SHA-512", "sha512"),
    ("SHA3-256", "sha3_256"),
    ("SHA3-384", "sha3_384"),
    ("SHA3-512", "sha3_512"),
];

fn hash(hash: &Hash) -> Option<Value> {
    let (_, algorithm) = ALGORITHMS.into_iter().find(|(known, _)| *known == hash.algorithm)?;
    Some(json!({ "type": "Hash", "algorithm": algorithm, "hashValue": hash.value }))
}

fn cannot_hold(bill: &Bill) -> Vec<String> {
    losses(bill, &[], |known| hash(known).is_some())
}

#[cfg(test)]
mod tests;
