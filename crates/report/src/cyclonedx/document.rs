//! The document as its JSON schema has it, in the order of the XML schema; the same types are written and read.
//! Only what Plimsoll holds is here.

use serde::{Deserialize, Serialize};

use super::vulnerabilities::Vulnerability;
use crate::sbom::read::Passed;

/// What is written of the root.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(rename = "$schema")]
    pub(super) schema: String,
    pub(super) bom_format: &'static str,
    pub(super) spec_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) serial_number: String,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) compositions: Vec<Composition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

/// What is read of the root. Lists of things that are not held are counted.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ReadDocument {
    pub(super) bom_format: String,
    pub(super) spec_version: String,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) compositions: Vec<Composition>,
    pub(super) vulnerabilities: Passed,
    pub(super) services: Passed,
    pub(super) external_references: Passed,
    pub(super) annotations: Passed,
    pub(super) formulation: Passed,
    pub(super) properties: Passed,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) lifecycles: Vec<Lifecycle>,
    pub(super) tools: Tools,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) authors: Vec<Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manufacturer: Option<Organization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Organization>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Lifecycle {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phase: Option<String>,
}

/// Until 1.4 a list of their own kind, then components.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Tools {
    Listed(Vec<LegacyTool>),
    Components {
        #[serde(default)]
        components: Vec<ToolComponent>,
    },
}

impl Default for Tools {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct LegacyTool {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vendor: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ToolComponent {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "author")]
    pub(super) author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) publisher: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Organization {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// A component; those without a name are refused by the schema, and taken here.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Organization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manufacturer: Option<Organization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) publisher: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<HashDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) copyright: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) components: Vec<Self>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<Evidence>,
    #[serde(skip_serializing)]
    pub(super) pedigree: Passed,
    #[serde(skip_serializing)]
    pub(super) swid: Passed,
    #[serde(skip_serializing)]
    pub(super) release_notes: Passed,
    #[serde(skip_serializing)]
    pub(super) model_card: Passed,
    #[serde(skip_serializing)]
    pub(super) crypto_properties: Passed,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct HashDocument {
    #[serde(rename = "alg")]
    pub(super) algorithm: String,
    pub(super) content: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct LicenseChoice {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) license: Option<LicenseDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expression: Option<String>,
    /// Of an expression; since 1.6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acknowledgement: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct LicenseDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Since 1.6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acknowledgement: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ExternalReference {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) url: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Evidence {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) occurrences: Vec<Occurrence>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Occurrence {
    pub(super) location: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Dependency {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) depends_on: Vec<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Composition {
    pub(super) aggregate: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assemblies: Vec<String>,
}
