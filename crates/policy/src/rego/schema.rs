//! What modules are given, as a JSON schema: `docs/schema/rego-input-1.json`.

use serde_json::{Map, Value, json};

use crate::fields::{FINDING, IMAGE, words_of};

/// The JSON schema of the input of modules.
#[must_use]
pub fn input_schema() -> String {
    let finding = object(FINDING, &["number", "kind", "id", "severity", "paths", "layers"]);
    let image = object(IMAGE, &["name", "platform", "digests"]);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The input of a policy's modules in Rego",
        "type": "object",
        "additionalProperties": false,
        "required": ["environment", "findings", "image", "now"],
        "properties": {
            "environment": { "type": "string", "description": "The name given by --environment, else empty." },
            "findings": { "type": "array", "items": finding, "description": "The findings to judge." },
            "image": image,
            "now": time("The time of the check."),
        },
    });
    let mut text = format!("{schema:#}");
    text.push('\n');
    text
}

fn object(fields: &[&str], required: &[&str]) -> Value {
    let mut properties: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), property(field, fields == IMAGE))).collect();
    if required.contains(&"number") {
        let number = json!({ "type": "integer", "minimum": 0, "description": "What deny, warn and ignore name it by." });
        properties.insert("number".to_owned(), number);
    }
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn property(field: &str, is_of_image: bool) -> Value {
    match field {
        "aliases" | "paths" | "digests" | "bases" | "signers" | "predicateTypes" => {
            json!({ "type": "array", "items": { "type": "string" } })
        }
        "layers" if is_of_image => json!({ "type": "integer", "minimum": 0 }),
        "layers" => json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } }),
        "slsaLevel" => json!({ "type": "integer", "minimum": 0, "maximum": 3 }),
        "size" => json!({ "type": "integer", "minimum": 0 }),
        "epss" => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        "fixable" | "running" | "reachable" | "malicious" | "shadowed" | "pinned" | "sbom"
        | "baseCurrent" | "signed" => {
            json!({ "type": "boolean" })
        }
        "created" | "databaseDate" | "ends" | "knownExploited" | "published" => time("A time in UTC."),
        _ => words_of(field).map_or_else(|| json!({ "type": "string" }), |words| json!({ "enum": words })),
    }
}

fn time(description: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": description })
}
