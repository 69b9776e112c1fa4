//! The findings of an earlier JSON report, to tell what is new.

use std::collections::BTreeSet;

use plimsoll_model::decision::{Known, without_version};
use serde::Deserialize;

/// Why a text is no report to compare with.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// It is none of our JSON.
    #[error("it is no JSON report of `plimsoll scan`: {0}")]
    Malformed(String),
    /// It has a later form.
    #[error("it has version {0} of the report's schema, only 1 is known")]
    Version(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: String,
    scans: Vec<ScanRead>,
}

#[derive(Deserialize)]
struct ScanRead {
    findings: Vec<FindingRead>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FindingRead {
    id: String,
    locations: Vec<LocationRead>,
    vulnerability: Option<VulnerabilityRead>,
    secret: Option<SecretRead>,
    evidence: Option<String>,
    end_of_life: Option<EndOfLifeRead>,
    license: Option<LicenseRead>,
}

#[derive(Deserialize)]
struct EndOfLifeRead {
    product: String,
}

#[derive(Deserialize)]
struct LicenseRead {
    package: String,
    license: String,
}

#[derive(Deserialize)]
struct LocationRead {
    path: String,
}

#[derive(Deserialize)]
struct VulnerabilityRead {
    package: PackageRead,
}

#[derive(Deserialize)]
struct PackageRead {
    purl: String,
}

#[derive(Deserialize)]
struct SecretRead {
    fingerprint: String,
}

/// Reads the findings of a JSON report of `plimsoll scan`, of all its platforms. What the report set aside is not known.
///
/// # Errors
/// If it is no such report.
pub fn read(bytes: &[u8]) -> Result<Known, KnownError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| KnownError::Malformed(error.to_string()))?;
    if !document.schema_version.starts_with("1.") {
        return Err(KnownError::Version(document.schema_version.chars().take(20).collect()));
    }
    let findings = document.scans.into_iter().flat_map(|scan| scan.findings);
    Ok(Known(findings.map(identity).collect::<BTreeSet<_>>()))
}

/// As `model::decision::identity` makes it of a finding.
fn identity(finding: FindingRead) -> (String, String) {
    let about = if let Some(vulnerability) = &finding.vulnerability {
        without_version(&vulnerability.package.purl).to_owned()
    } else if let Some(secret) = &finding.secret {
        let path = finding.locations.first().map(|location| location.path.as_str());
        format!("{} {}", secret.fingerprint, path.unwrap_or_default())
    } else if let Some(license) = &finding.license {
        format!("{} {}", without_version(&license.package), license.license)
    } else if let Some(end) = finding.end_of_life {
        end.product
    } else {
        finding.evidence.unwrap_or_default()
    };
    (finding.id, about)
}

#[cfg(test)]
mod tests {
    use plimsoll_model::decision::identity as identity_of;

    use super::*;
    use crate::Style;
    use crate::json::JSON;
    use crate::testing::{scan, written};

    #[test]
    fn every_finding_of_a_report_is_known_and_no_other() {
        let mut scan = scan();
        let known = read(written(&JSON, std::slice::from_ref(&scan), Style::default()).as_bytes()).unwrap();
        let expected: BTreeSet<_> =
            scan.findings.iter().map(|finding| identity_of(finding, &scan.inventory)).collect();
        assert_eq!((known.0.len(), &known.0), (scan.findings.len(), &expected));
        scan.findings[0].id = "CVE-2026-9999".into();
        assert!(!known.has(&scan.findings[0], &scan.inventory));
        assert!(!Known::default().has(&scan.findings[1], &scan.inventory));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in
            ["", "{}", "[]", r#"{"schemaVersion": "2.0", "scans": []}"#, r#"{"schemaVersion": "1.0"}"#]
        {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
