//! SPDX 2.3 in JSON (<https://spdx.github.io/spdx-spec/v2.3/>): what an image contains.

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::scan::Scan;
use serde_json::{Value, json};

use crate::sbom::{License, digest, in_seconds, licenses, made, uuid};
use crate::{Format, Report};

/// Writes SPDX.
pub const SPDX: Format = Format {
    name: "spdx",
    summary: "a software bill of materials, SPDX 2.3 in JSON",
    needs_owned_files: false,
    write,
};

const NO_ASSERTION: &str = "NOASSERTION";

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut document = Document::default();
    for (number, scan) in report.scans.iter().enumerate() {
        document.image(number, scan);
    }
    let name = report.scans.first().map_or("nothing", |scan| scan.image.name.as_str());
    let content = serde_json::to_vec(&(&document.packages, &document.relationships))?;
    let extracted: Vec<Value> = document
        .licenses
        .iter()
        .map(|(reference, text)| json!({ "licenseId": reference, "extractedText": text, "name": text }))
        .collect();
    let value = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("https://plimsoll.dev/spdx/{}", uuid(&content)),
        "creationInfo": {
            "created": in_seconds(made(report, report.scans.first())),
            "creators": [format!("Tool: plimsoll-{}", report.version)],
        },
        "packages": document.packages,
        "relationships": document.relationships,
        "hasExtractedLicensingInfos": extracted,
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    out.write_all(b"\n")
}

#[derive(Default)]
struct Document {
    packages: Vec<Value>,
    relationships: Vec<Value>,
    /// Licences that SPDX does not know: their references and their words.
    licenses: BTreeMap<String, String>,
}

impl Document {
    fn image(&mut self, number: usize, scan: &Scan) {
        let root = format!("SPDXRef-Image-{number}");
        let mut image = json!({
            "SPDXID": root, "name": scan.image.name, "downloadLocation": NO_ASSERTION, "filesAnalyzed": false,
            "licenseConcluded": NO_ASSERTION, "licenseDeclared": NO_ASSERTION, "copyrightText": NO_ASSERTION,
            "supplier": NO_ASSERTION, "primaryPackagePurpose": "CONTAINER",
            "comment": format!("platform {}", scan.image.platform),
        });
        if let (Some(image), Some(digest)) = (image.as_object_mut(), digest(scan)) {
            let plain = digest.trim_start_matches("sha256:");
            image.insert("checksums".to_owned(), json!([{ "algorithm": "SHA256", "checksumValue": plain }]));
            image.insert("versionInfo".to_owned(), json!(digest));
        }
        self.packages.push(image);
        self.relate("SPDXRef-DOCUMENT", "DESCRIBES", &root);
        if let Some(distribution) = &scan.inventory.distribution {
            let own = format!("SPDXRef-OperatingSystem-{number}");
            self.packages.push(json!({
                "SPDXID": own, "name": distribution.id, "versionInfo": distribution.version_id.as_deref().unwrap_or_default(),
                "downloadLocation": NO_ASSERTION, "filesAnalyzed": false, "licenseConcluded": NO_ASSERTION,
                "licenseDeclared": NO_ASSERTION, "copyrightText": NO_ASSERTION, "supplier": NO_ASSERTION,
                "primaryPackagePurpose": "OPERATING-SYSTEM", "summary": distribution.title(),
            }));
            self.relate(&root, "CONTAINS", &own);
        }
        for (index, installed) in scan.inventory.packages.iter().enumerate() {
            let own = format!("SPDXRef-Package-{number}-{index}");
            let package = self.package(&own, scan, installed);
            self.packages.push(package);
            self.relate(&root, "CONTAINS", &own);
            if let Some(owner) = installed.owned_by {
                self.relate(&format!("SPDXRef-Package-{number}-{owner}"), "CONTAINS", &own);
            }
        }
    }

    fn relate(&mut self, from: &str, kind: &str, to: &str) {
        self.relationships.push(json!({
            "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to,
        }));
    }

    fn package(&mut self, own: &str, scan: &Scan, installed: &InstalledPackage) -> Value {
        let package = &installed.package;
        let distribution = scan.inventory.distribution.as_ref();
        let supplier = match distribution {
            Some(distribution) if package.ecosystem.is_os() => format!("Organization: {}", distribution.id),
            _ => NO_ASSERTION.to_owned(),
        };
        let places: Vec<String> =
            installed.locations.iter().map(plimsoll_model::inventory::Location::title).collect();
        json!({
            "SPDXID": own, "name": package.name, "versionInfo": package.version,
            "downloadLocation": NO_ASSERTION, "filesAnalyzed": false, "licenseConcluded": NO_ASSERTION,
            "licenseDeclared": self.declared(installed), "copyrightText": NO_ASSERTION, "supplier": supplier,
            "primaryPackagePurpose": "LIBRARY",
            "sourceInfo": format!("told by {}", places.join(", ")),
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                "referenceLocator": package.purl(distribution),
            }],
        })
    }

    /// All that is declared, joined; words that SPDX does not know become references.
    fn declared(&mut self, installed: &InstalledPackage) -> String {
        let licenses = licenses(installed);
        if let [License::Expression(only)] = licenses.as_slice() {
            return only.clone();
        }
        let mut parts = Vec::new();
        for license in licenses {
            parts.push(match license {
                License::Id(id) => id,
                License::Expression(expression) => format!("({expression})"),
                License::Name(name) => {
                    let reference = format!("LicenseRef-{}", uuid(name.as_bytes()));
                    self.licenses.insert(reference.clone(), name);
                    reference
                }
            });
        }
        if parts.is_empty() { NO_ASSERTION.to_owned() } else { parts.join(" AND ") }
    }
}

#[cfg(test)]
mod tests;
