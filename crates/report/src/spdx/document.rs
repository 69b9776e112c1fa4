//! SPDX 2.3 as its JSON schema has it; the same types are written and read.

use serde::{Deserialize, Serialize};

use crate::sbom::read::Passed;

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Document {
    pub(super) spdx_version: String,
    pub(super) data_license: String,
    #[serde(rename = "SPDXID")]
    pub(super) id: String,
    pub(super) name: String,
    pub(super) document_namespace: String,
    pub(super) creation_info: CreationInfo,
    pub(super) packages: Vec<Package>,
    pub(super) relationships: Vec<Relationship>,
    pub(super) has_extracted_licensing_infos: Vec<ExtractedLicense>,
    /// What it is about, as some write beside the relationships.
    #[serde(skip_serializing)]
    pub(super) document_describes: Vec<String>,
    #[serde(skip_serializing)]
    pub(super) files: Passed,
    #[serde(skip_serializing)]
    pub(super) snippets: Passed,
    #[serde(skip_serializing)]
    pub(super) annotations: Passed,
    #[serde(skip_serializing)]
    pub(super) external_document_refs: Passed,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct CreationInfo {
    pub(super) created: String,
    pub(super) creators: Vec<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Package {
    pub(super) name: String,
    #[serde(rename = "SPDXID")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version_info: String,
    pub(super) supplier: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) originator: String,
    pub(super) download_location: String,
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) homepage: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) source_info: String,
    pub(super) license_concluded: String,
    pub(super) license_declared: String,
    pub(super) copyright_text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) summary: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_refs: Vec<ExternalRef>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) primary_package_purpose: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Checksum {
    pub(super) algorithm: String,
    pub(super) checksum_value: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExternalRef {
    pub(super) reference_category: String,
    pub(super) reference_type: String,
    pub(super) reference_locator: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Annotation {
    pub(super) annotator: String,
    pub(super) annotation_date: String,
    pub(super) annotation_type: String,
    pub(super) comment: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Relationship {
    pub(super) spdx_element_id: String,
    pub(super) relationship_type: String,
    pub(super) related_spdx_element: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExtractedLicense {
    pub(super) license_id: String,
    pub(super) extracted_text: String,
    pub(super) name: String,
}
