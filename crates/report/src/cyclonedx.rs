//! CycloneDX 1.6 in JSON (<https://cyclonedx.org/docs/1.6/json/>): what an image contains, and the vulnerabilities found in it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_model::finding::{Finding, FindingKind, Vulnerability};
use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::scan::Scan;
use plimsoll_model::severity::Severity;
use plimsoll_model::vex::{Provenance, SetAside, VexStatus};
use serde_json::{Map, Value, json};

use crate::sbom::{License, References, digest, in_seconds, licenses, made, uuid};
use crate::{Format, Report};

/// Writes CycloneDX.
pub const CYCLONEDX: Format = Format {
    name: "cyclonedx",
    summary: "a software bill of materials with its vulnerabilities, CycloneDX 1.6 in JSON",
    needs_owned_files: false,
    write,
};

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut document = document(report);
    let serial = uuid(&serde_json::to_vec(&document)?);
    document.insert("serialNumber".to_owned(), json!(format!("urn:uuid:{serial}")));
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn document(report: &Report<'_>) -> Map<String, Value> {
    let mut references = References::default();
    let parts: Vec<Part> = report.scans.iter().map(|scan| part(scan, &mut references)).collect();
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    set("$schema", json!("http://cyclonedx.org/schema/bom-1.6.schema.json"));
    set("bomFormat", json!("CycloneDX"));
    set("specVersion", json!("1.6"));
    set("version", json!(1));
    let vulnerabilities: Vec<Value> = report
        .scans
        .iter()
        .zip(&parts)
        .flat_map(|(scan, part)| vulnerabilities(scan, &part.packages))
        .collect();
    let metadata = |root: Value| {
        json!({
            "timestamp": in_seconds(made(report, report.scans.first())),
            "lifecycles": [{ "phase": "post-build" }],
            "tools": { "components": [{ "type": "application", "name": "plimsoll", "version": report.version }] },
            "component": root,
        })
    };
    let mut dependencies: Vec<Value> =
        parts.iter().map(|part| json!({ "ref": part.reference, "dependsOn": part.contents() })).collect();
    let aggregate = |part: &Part| if part.is_whole { "complete" } else { "incomplete" };
    let mut compositions: Vec<Value> = parts
        .iter()
        .map(|part| json!({ "aggregate": aggregate(part), "assemblies": [part.reference] }))
        .collect();
    match <[Part; 1]>::try_from(parts) {
        Ok([only]) => {
            set("metadata", metadata(only.root));
            set("components", Value::Array(only.components));
        }
        Err(parts) => {
            // Several platforms of one reference: each is a component with its own.
            let name = report.scans.first().map(|scan| scan.image.name.as_str()).unwrap_or_default();
            let whole = json!({ "type": "container", "bom-ref": "index", "name": name });
            let all: Vec<&str> = parts.iter().map(|part| part.reference.as_str()).collect();
            dependencies.push(json!({ "ref": "index", "dependsOn": all }));
            compositions.push(json!({ "aggregate": "complete", "assemblies": ["index"] }));
            set("metadata", metadata(whole));
            let components = parts.into_iter().map(|part| {
                let mut root = part.root;
                if let Some(root) = root.as_object_mut() {
                    root.insert("components".to_owned(), Value::Array(part.components));
                }
                root
            });
            set("components", components.collect());
        }
    }
    set("dependencies", Value::Array(dependencies));
    set("compositions", Value::Array(compositions));
    if !vulnerabilities.is_empty() {
        set("vulnerabilities", Value::Array(vulnerabilities));
    }
    document
}

/// One image in the document.
struct Part {
    reference: String,
    root: Value,
    components: Vec<Value>,
    /// The references of the packages, in the order of the inventory.
    packages: Vec<String>,
    system: Option<String>,
    is_whole: bool,
}

impl Part {
    fn contents(&self) -> Vec<&str> {
        self.system.iter().chain(&self.packages).map(String::as_str).collect()
    }
}

fn part(scan: &Scan, references: &mut References) -> Part {
    let reference =
        references.unique(&format!("image:{}", digest(scan).unwrap_or_else(|| scan.image.name.clone())));
    let mut components = Vec::new();
    let system = scan.inventory.distribution.as_ref().map(|distribution| {
        let own = references.unique(&format!("os:{}", distribution.id));
        let mut system = json!({
            "type": "operating-system", "bom-ref": own, "name": distribution.id, "description": distribution.title(),
        });
        if let (Some(system), Some(version)) = (system.as_object_mut(), &distribution.version_id) {
            system.insert("version".to_owned(), json!(version));
        }
        components.push(system);
        own
    });
    let packages: Vec<String> = scan
        .inventory
        .packages
        .iter()
        .map(|installed| references.unique(&installed.package.purl(scan.inventory.distribution.as_ref())))
        .collect();
    for (installed, own) in scan.inventory.packages.iter().zip(&packages) {
        components.push(component(scan, installed, own, &packages));
    }
    Part {
        root: root(scan, &reference),
        reference,
        components,
        packages,
        system,
        is_whole: scan.inventory.gaps.is_empty(),
    }
}

fn root(scan: &Scan, reference: &str) -> Value {
    let mut properties = vec![property("platform", scan.image.platform.to_string())];
    let digests =
        [("manifestDigest", scan.image.manifest_digest), ("configDigest", scan.image.config_digest)];
    for (name, digest) in digests {
        properties.extend(digest.map(|digest| property(name, digest.to_string())));
    }
    properties.extend(scan.layers.iter().map(|layer| property("layer", layer.diff_id.to_string())));
    let mut root = json!({
        "type": "container", "bom-ref": reference, "name": scan.image.name, "properties": properties,
    });
    if let (Some(root), Some(digest)) = (root.as_object_mut(), digest(scan)) {
        root.insert("version".to_owned(), json!(digest));
    }
    root
}

fn property(name: &str, value: impl Into<String>) -> Value {
    let value: String = value.into();
    json!({ "name": format!("plimsoll:{name}"), "value": value })
}

fn component(scan: &Scan, installed: &InstalledPackage, own: &str, packages: &[String]) -> Value {
    let package = &installed.package;
    let (group, name) = match package.ecosystem {
        Ecosystem::Maven => {
            package.name.split_once(':').map_or((None, package.name.as_str()), |(g, n)| (Some(g), n))
        }
        Ecosystem::Npm => {
            package.name.rsplit_once('/').map_or((None, package.name.as_str()), |(g, n)| (Some(g), n))
        }
        _ => (None, package.name.as_str()),
    };
    let occurrences: Vec<Value> =
        installed.locations.iter().map(|location| json!({ "location": location.title() })).collect();
    let mut properties = Vec::new();
    if let Some(layer) = usize::try_from(installed.layer).ok().and_then(|index| scan.layers.get(index)) {
        properties.push(property("layerDiffId", layer.diff_id.to_string()));
        properties.extend(layer.created_by.as_ref().map(|step| property("createdBy", step)));
    }
    if let Some(source) = &package.source {
        properties.push(property("sourceName", &source.name));
        properties.push(property("sourceVersion", &source.version));
    }
    let owner = installed.owned_by.and_then(|owner| packages.get(usize::try_from(owner).ok()?));
    properties.extend(owner.map(|owner| property("ownedBy", owner)));
    let mut component = json!({
        "type": "library", "bom-ref": own, "name": name, "version": package.version,
        "purl": package.purl(scan.inventory.distribution.as_ref()),
        "evidence": { "occurrences": occurrences }, "properties": properties,
    });
    let licenses = license_choices(installed);
    if let Some(component) = component.as_object_mut() {
        if let Some(group) = group {
            component.insert("group".to_owned(), json!(group));
        }
        if !licenses.is_empty() {
            component.insert("licenses".to_owned(), Value::Array(licenses));
        }
    }
    component
}

/// Either one expression, or a list of single licences: the format has no mixture.
fn license_choices(installed: &InstalledPackage) -> Vec<Value> {
    let licenses = licenses(installed);
    if let [License::Expression(expression)] = licenses.as_slice() {
        return vec![json!({ "expression": expression, "acknowledgement": "declared" })];
    }
    let choice = |license: License| match license {
        License::Id(id) => json!({ "license": { "id": id, "acknowledgement": "declared" } }),
        License::Expression(name) | License::Name(name) => {
            json!({ "license": { "name": name, "acknowledgement": "declared" } })
        }
    };
    licenses.into_iter().map(choice).collect()
}

/// A finding of a vulnerability, and what set it aside.
type Found<'s> = (&'s Finding, &'s Vulnerability, Option<&'s SetAside>);

/// One entry for each vulnerability, whatever number of packages has it; what was set aside with its reason.
fn vulnerabilities(scan: &Scan, packages: &[String]) -> Vec<Value> {
    let mut by_id: BTreeMap<(&str, bool), Vec<Found<'_>>> = BTreeMap::new();
    let open = scan.findings.iter().map(|finding| (finding, None));
    let closed = scan.set_aside.iter().map(|aside| (&aside.finding, Some(aside)));
    for (finding, aside) in open.chain(closed) {
        if let FindingKind::Vulnerability(vulnerability) = &finding.kind {
            by_id.entry((&finding.id, aside.is_some())).or_default().push((finding, &**vulnerability, aside));
        }
    }
    by_id
        .into_iter()
        .filter_map(|((id, _), found)| {
            let (finding, first, aside) = *found.first()?;
            let affects: Vec<Value> =
                found.iter().filter_map(|(_, v, aside)| affects(scan, packages, v, aside.is_some())).collect();
            let remedies: Vec<&str> = found.iter().filter_map(|(finding, ..)| finding.remedy.as_deref()).collect();
            let mut entry = json!({
                "id": id, "description": finding.title, "ratings": ratings(finding, first), "affects": affects,
                "references": first.aliases.iter().map(|alias| json!({ "id": alias, "source": { "name": source_of(alias) } })).collect::<Vec<_>>(),
                "source": { "name": source_of(id) },
                "advisories": finding.references.iter().map(|url| json!({ "url": url })).collect::<Vec<_>>(),
            });
            let map = entry.as_object_mut()?;
            if !remedies.is_empty() {
                map.insert("recommendation".to_owned(), json!(remedies.join("; ")));
            }
            if let Some(published) = first.published {
                map.insert("published".to_owned(), json!(format!("{published}T00:00:00Z")));
            }
            if let Some(aside) = aside {
                map.insert("analysis".to_owned(), analysis(aside));
            }
            Some(entry)
        })
        .collect()
}

fn affects(scan: &Scan, packages: &[String], vulnerability: &Vulnerability, is_aside: bool) -> Option<Value> {
    let index = usize::try_from(vulnerability.package).ok()?;
    let version = &scan.inventory.packages.get(index)?.package.version;
    let status = if is_aside { "unaffected" } else { "affected" };
    Some(json!({ "ref": packages.get(index)?, "versions": [{ "version": version, "status": status }] }))
}

/// Who gives out ids of this kind.
fn source_of(id: &str) -> &'static str {
    match id.split('-').next() {
        Some("CVE") => "NVD",
        Some("GHSA") => "GitHub",
        _ => "OSV",
    }
}

fn ratings(finding: &Finding, vulnerability: &Vulnerability) -> Vec<Value> {
    let chosen =
        json!({ "source": { "name": finding.severity_source }, "severity": severity(finding.severity) });
    let vectors = vulnerability.cvss.iter().map(|cvss| {
        let method = match cvss.vector.get(..8) {
            Some("CVSS:4.0") => "CVSSv4",
            Some("CVSS:3.1") => "CVSSv31",
            Some("CVSS:3.0") => "CVSSv3",
            _ => "CVSSv2",
        };
        let mut rating = json!({ "method": method, "vector": cvss.vector });
        if let (Some(rating), Some(score)) = (rating.as_object_mut(), cvss.score) {
            rating.insert("score".to_owned(), json!(score));
        }
        rating
    });
    [chosen].into_iter().chain(vectors).collect()
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "info",
        Severity::Unknown => "unknown",
    }
}

/// What a VEX statement says, in this format's words.
fn analysis(aside: &SetAside) -> Value {
    let statement = &aside.statement;
    let state = if statement.status == VexStatus::Fixed { "resolved" } else { "not_affected" };
    let justification = match statement.justification.as_deref() {
        Some("component_not_present" | "vulnerable_code_not_present" | "code_not_present") => {
            Some("code_not_present")
        }
        Some("vulnerable_code_not_in_execute_path" | "code_not_reachable") => Some("code_not_reachable"),
        Some("vulnerable_code_cannot_be_controlled_by_adversary" | "inline_mitigations_already_exist") => {
            Some("protected_by_mitigating_control")
        }
        _ => None,
    };
    let mut analysis = json!({ "state": state });
    if let Some(map) = analysis.as_object_mut() {
        if let Some(justification) = justification {
            map.insert("justification".to_owned(), json!(justification));
        }
        let unverified = (statement.provenance == Provenance::Image)
            .then(|| format!("Said by {}, whose signature was not verified.", statement.document));
        let detail: Vec<&str> = statement.impact.iter().chain(&unverified).map(String::as_str).collect();
        if !detail.is_empty() {
            map.insert("detail".to_owned(), json!(detail.join(" ")));
        }
    }
    analysis
}

#[cfg(test)]
mod tests;
