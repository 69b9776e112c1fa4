//! Entries as log records of OpenTelemetry, in the JSON of OTLP (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>).

use serde_json::{Value, json};

use super::entry::Entry;

/// How much an outcome matters, by OpenTelemetry's numbers and words.
const SEVERITIES: [(&str, (u8, &str)); 6] = [
    ("fail", (17, "ERROR")),
    ("failed", (17, "ERROR")),
    ("incomplete", (13, "WARN")),
    ("refused", (17, "ERROR")),
    ("undecided", (13, "WARN")),
    ("warn", (13, "WARN")),
];
/// That of all others.
const USUAL: (u8, &str) = (9, "INFO");

/// A request with entries, each with its place in the log of the name `origin`. The body of a record is the entry, byte for byte.
#[must_use]
pub fn request(origin: &str, entries: &[(u64, Entry, String)], version: &str) -> Vec<u8> {
    let records: Vec<Value> =
        entries.iter().map(|(index, entry, line)| record(*index, entry, line)).collect();
    let document = json!({
        "resourceLogs": [{
            "resource": { "attributes": [text("service.name", "plimsoll"), text("service.version", version)] },
            "scopeLogs": [{
                "scope": {
                    "name": "plimsoll.audit",
                    "version": version,
                    "attributes": [text("plimsoll.audit.origin", origin)],
                },
                "logRecords": records,
            }],
        }],
    });
    document.to_string().into_bytes()
}

fn record(index: u64, entry: &Entry, line: &str) -> Value {
    let outcome = entry.outcome.as_deref();
    let of =
        |outcome: &str| SEVERITIES.iter().find(|(word, _)| *word == outcome).map(|(_, severity)| *severity);
    let (number, word) = outcome.and_then(of).unwrap_or(USUAL);
    let policy = entry.policy.as_ref();
    let told = [
        ("plimsoll.audit.actor", Some(entry.actor.as_str())),
        ("plimsoll.audit.subject", Some(entry.subject.name.as_str())),
        ("plimsoll.audit.digest", entry.subject.digest.as_deref()),
        ("plimsoll.audit.outcome", outcome),
        ("plimsoll.audit.policy", policy.map(|policy| policy.name.as_str())),
        ("plimsoll.audit.policy.digest", policy.and_then(|policy| policy.digest.as_deref())),
        ("plimsoll.audit.builder", entry.builder.as_deref()),
        ("plimsoll.audit.commit", entry.commit.as_deref()),
    ];
    // Integers of 64 bits are text in this JSON.
    let place = json!({ "key": "plimsoll.audit.index", "value": { "intValue": index.to_string() } });
    let told = told.into_iter().filter_map(|(name, value)| Some(text(name, value?)));
    let details =
        entry.details.iter().map(|(name, value)| text(&format!("plimsoll.audit.detail.{name}"), value));
    let nanoseconds = entry.time.as_nanosecond().max(0).to_string();
    json!({
        "timeUnixNano": nanoseconds,
        "severityNumber": number,
        "severityText": word,
        "eventName": format!("plimsoll.audit.{}", entry.kind.as_str()),
        "body": { "stringValue": line },
        "attributes": std::iter::once(place).chain(told).chain(details).collect::<Vec<Value>>(),
    })
}

fn text(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

/// What an answer says of records that were not taken: how many, and why.
#[must_use]
pub fn rejected(answer: &[u8]) -> Option<(u64, String)> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let count = match partial.get("rejectedLogRecords")? {
        Value::String(text) => text.parse().ok()?,
        other => other.as_u64()?,
    };
    let why = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    (count > 0).then(|| (count, why.chars().filter(|c| !c.is_control()).take(200).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rejected_is_told_and_nothing_else_is() {
        let partial = br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too\n old"}}"#;
        assert_eq!(rejected(partial), Some((2, "too old".to_owned())));
        assert_eq!(
            rejected(br#"{"partialSuccess":{"rejectedLogRecords":3}}"#).map(|(count, _)| count),
            Some(3)
        );
        for fine in
            ["{}", "", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":{"rejectedLogRecords":"0"}}"#, "[]"]
        {
            assert_eq!(rejected(fine.as_bytes()), None, "{fine}");
        }
    }
}
