//! What a policy's rule says of the image as a whole, as a result and its rule. The place is the image itself.

use serde_json::{Map, Value, json};

use super::plain;
use super::result::{of_image, standing_level, suppressions};
use crate::case::Case;
use crate::case::image::ImageRow;

/// What keeps the ids of a policy's rules apart from those of findings.
const PREFIX: &str = "policy/";

/// The result of a rule that is the `index`th of the run.
pub(super) fn result(row: &ImageRow<'_>, case: &Case<'_>, index: usize) -> Value {
    let fingerprint = row.fingerprint().hex();
    let fingerprint = format!("{}:1", fingerprint.get(..32).unwrap_or_default());
    let (reason, note) = (row.reason(), row.note());
    let lines = [Some(row.title()), reason, Some(note.clone())];
    let text = lines.into_iter().flatten().collect::<Vec<String>>().join("\n");
    let mut result = Map::new();
    let mut put = |name: &str, value: Value| drop(result.insert(name.to_owned(), value));
    put("ruleId", format!("{PREFIX}{}", row.id()).into());
    put("ruleIndex", index.into());
    put("kind", "fail".into());
    put("level", standing_level(row.standing()).unwrap_or("error").into());
    put("message", json!({ "text": plain(&text) }));
    put("locations", json!([of_image(case, &json!([super::result::image(case)]))]));
    put(
        "partialFingerprints",
        json!({ "primaryLocationLineHash": fingerprint, "plimsollFinding/v1": fingerprint }),
    );
    if row.standing().is_suppressed() {
        put("suppressions", suppressions(Some(note)));
    }
    put(
        "properties",
        json!({
            "kind": "image-rule",
            "outcome": row.outcome().as_str(),
            "standing": row.standing().as_str(),
            "policyRule": row.id(),
        }),
    );
    result.into()
}

/// The rule as the run lists it.
pub(super) fn rule(row: &ImageRow<'_>) -> Value {
    let id = row.id();
    let title = row.reason().unwrap_or_else(|| format!("The policy's rule {id} on the image"));
    let title = super::rule::shortened(&title);
    json!({
        "id": format!("{PREFIX}{id}"),
        "name": "ImageRule",
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "help": { "text": title },
        "defaultConfiguration": { "level": standing_level(row.standing()).unwrap_or("error") },
        "properties": { "tags": ["policy"] },
    })
}
