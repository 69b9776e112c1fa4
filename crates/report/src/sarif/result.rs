//! A finding as a result: in the Dockerfile if its line is known, else in a file of the image.

use plimsoll_model::finding::FindingKind;
use plimsoll_model::reference::Reference;
use serde_json::{Map, Value, json};

use super::rule::Rules;
use super::{level, plain, uri};
use crate::case::{Case, Row, Standing};
use crate::table::clean;

/// The most places of one result; GitHub takes 100.
const PLACES: usize = 100;

pub(super) fn result(row: &Row<'_>, case: &Case<'_>, rules: &Rules<'_>, fingerprint: String) -> Value {
    let mut result = Map::new();
    let mut put = |name: &str, value: Value| drop(result.insert(name.to_owned(), value));
    put("ruleId", row.id().into());
    if let Some(index) = rules.index(&row.finding.id) {
        put("ruleIndex", index.into());
    }
    put("kind", "fail".into());
    put("level", standing_level(row.standing).unwrap_or_else(|| level(row.finding.severity)).into());
    put("message", json!({ "text": plain(&message(row)) }));
    let (locations, related) = places(row, case);
    put("locations", locations.into());
    if !related.is_empty() {
        put("relatedLocations", related.into());
    }
    // GitHub knows results again by this name alone.
    put(
        "partialFingerprints",
        json!({ "primaryLocationLineHash": fingerprint, "plimsollFinding/v1": fingerprint }),
    );
    if row.standing.is_suppressed() {
        put("suppressions", suppressions(row.note()));
    }
    put("properties", properties(row));
    result.into()
}

/// The level that a policy decided on, which weighs more than the severity.
pub(super) const fn standing_level(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Open | Standing::SetAside | Standing::Excepted => None,
        Standing::Fail => Some("error"),
        Standing::Warn => Some("warning"),
        Standing::Pass => Some("note"),
    }
}

/// That somebody decided on it, and why.
pub(super) fn suppressions(note: Option<String>) -> Value {
    let mut suppression = json!({ "kind": "external", "status": "accepted" });
    if let (Some(note), Some(suppression)) = (note, suppression.as_object_mut()) {
        suppression.insert("justification".to_owned(), note.into());
    }
    json!([suppression])
}

fn message(row: &Row<'_>) -> String {
    let mut text = row.title();
    if let Some(package) = row.package_title() {
        text.push_str(&format!("\nPackage: {package}"));
    }
    if let Some(vulnerability) = row.vulnerability() {
        let fixed = row.fixed_version().unwrap_or_else(|| crate::case::without_fix(vulnerability).to_owned());
        text.push_str(&format!("\nFixed in: {fixed}"));
    }
    for line in row.evidence() {
        text.push_str(&format!("\n{line}"));
    }
    if let (Some(layer), step) = (row.layer(), row.step()) {
        let step = step.map_or_else(String::new, |step| format!(": {step}"));
        text.push_str(&format!("\nLayer {}{step}", u64::from(layer) + 1));
    }
    if let Some(remedy) = row.remedy() {
        text.push_str(&format!("\nWhat to do: {remedy}"));
    }
    if let Some(note) = row.note() {
        text.push_str(&format!("\n{note}"));
    }
    text
}

/// The places of a result, and those in the image that are told beside the place in the Dockerfile.
fn places(row: &Row<'_>, case: &Case<'_>) -> (Vec<Value>, Vec<Value>) {
    let line = match &row.finding.kind {
        FindingKind::Secret { line, .. } => (*line).max(1),
        FindingKind::Vulnerability(_)
        | FindingKind::Misconfiguration { .. }
        | FindingKind::EndOfLife { .. }
        | FindingKind::License { .. } => 1,
    };
    let logical = logical(row, case);
    let in_image = row.locations().iter().take(PLACES).map(|location| {
        json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&location.path), "uriBaseId": "IMAGE" },
                "region": { "startLine": line },
            },
            "logicalLocations": logical,
            "message": { "text": plain(&clean(&location.title())) },
        })
    });
    let mut in_image: Vec<Value> = in_image.collect();
    if let Some(position) = &row.finding.position {
        let place = json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&position.file) },
                "region": { "startLine": position.line.max(1), "startColumn": position.column.max(1) },
            },
            "logicalLocations": logical,
        });
        for (index, place) in in_image.iter_mut().filter_map(Value::as_object_mut).enumerate() {
            place.insert("id".to_owned(), index.into());
        }
        return (vec![place], in_image);
    }
    if in_image.is_empty() {
        in_image.push(of_image(case, &json!(logical)));
    }
    (in_image, Vec::new())
}

/// The place of what concerns the whole image. Code hosts want a file: it stands in one that is called like the image.
pub(super) fn of_image(case: &Case<'_>, logical: &Value) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&repository(&case.scan.image.name)) },
            "region": { "startLine": 1 },
        },
        "logicalLocations": logical,
    })
}

/// The name of an image without tag and digest; other names as they are.
fn repository(name: &str) -> String {
    name.parse::<Reference>().map_or_else(
        |_| clean(name).trim_start_matches('/').to_owned(),
        |reference| format!("{}/{}", reference.registry(), reference.repository()),
    )
}

/// The image and the layer, which are listed in the run.
fn logical(row: &Row<'_>, case: &Case<'_>) -> Vec<Value> {
    let mut places = vec![image(case)];
    if let Some(layer) = row.layer() {
        let layer = layer as usize;
        let diff_id = case.scan.layers.get(layer).map(|layer| layer.diff_id.to_string());
        places.push(json!({ "index": layer.saturating_add(1), "fullyQualifiedName": diff_id }));
    }
    places
}

/// The image, which the run lists first.
pub(super) fn image(case: &Case<'_>) -> Value {
    json!({ "index": 0, "fullyQualifiedName": case.full_name() })
}

/// The image, and behind it its layers.
pub(super) fn logical_locations(case: &Case<'_>) -> Vec<Value> {
    let image = json!({
        "name": clean(&case.scan.image.name), "fullyQualifiedName": case.full_name(), "kind": "image",
    });
    let layers = case.scan.layers.iter().enumerate().map(|(index, layer)| {
        let mut place = json!({
            "name": format!("layer {}", index.saturating_add(1)),
            "fullyQualifiedName": layer.diff_id.to_string(),
            "kind": "layer",
            "parentIndex": 0,
        });
        let step = layer.created_by.as_deref().map(clean);
        if let (Some(step), Some(place)) = (step, place.as_object_mut()) {
            place.insert("properties".to_owned(), json!({ "createdBy": step }));
        }
        place
    });
    [image].into_iter().chain(layers).collect()
}

fn properties(row: &Row<'_>) -> Value {
    let mut properties = json!({
        "kind": row.finding.kind.as_str(),
        "severity": row.finding.severity.as_str(),
        "security-severity": crate::case::security_severity(row.finding.severity, row.score()),
        "fixable": row.finding.is_fixable(),
        "standing": row.standing.as_str(),
    });
    if let Some(properties) = properties.as_object_mut() {
        for (name, value) in [
            ("purl", row.purl()),
            ("fixedVersion", row.fixed_version()),
            ("policyRule", row.judgment.map(|judgment| clean(&judgment.rule.id))),
        ] {
            if let Some(value) = value {
                properties.insert(name.to_owned(), value.into());
            }
        }
    }
    properties
}
