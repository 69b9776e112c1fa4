//! Fields as values of CEL.

use std::collections::HashMap;

use cel::Value;
use cel::objects::{Key, Map};
use chrono::DateTime;
use jiff::Timestamp;

use crate::facts::{AttestationFacts, TrustFacts};
use crate::fields::{Field, Fields};

/// Fields as a map.
pub(super) fn map(fields: &Fields<'_>) -> Value {
    let entries = fields.iter().map(|(name, field)| (Key::from(*name), value(field)));
    Value::Map(Map { map: entries.collect::<HashMap<Key, Value>>().into() })
}

fn value(field: &Field<'_>) -> Value {
    match field {
        Field::Text(text) => Value::from(*text),
        Field::Flag(flag) => Value::Bool(*flag),
        Field::Count(count) => count_of(*count),
        Field::Number(number) => Value::Float(*number),
        Field::Time(timestamp) => time(*timestamp),
        Field::Texts(texts) => list(texts.iter().map(|text| Value::from(*text))),
        Field::Counts(counts) => list(counts.iter().map(|count| count_of(*count))),
    }
}

/// CEL compares numbers of one sort; what is written without a suffix is signed.
fn count_of(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::List(values.collect::<Vec<Value>>().into())
}

/// Verified attestations: what they say, by whom.
pub(super) fn attestations(trust: &TrustFacts) -> Value {
    let one = |attestation: &AttestationFacts| {
        let signers = list(attestation.signers.iter().map(|name| Value::from(name.as_str())));
        let mut entries: HashMap<Key, Value> = HashMap::from([
            (Key::from("type"), Value::from(attestation.kind.as_str())),
            (Key::from("signers"), signers),
        ]);
        if let Some(predicate) = &attestation.predicate {
            entries.insert(Key::from("predicate"), of_json(predicate));
        }
        Value::Map(Map { map: entries.into() })
    };
    list(trust.attestations.iter().map(one))
}

/// JSON, of which the reader bounds the depth.
fn of_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => list(items.iter().map(of_json)),
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| (Key::from(name.as_str()), of_json(value)));
            Value::Map(Map { map: entries.collect::<HashMap<Key, Value>>().into() })
        }
    }
}

/// A time in UTC.
pub(super) fn time(timestamp: Timestamp) -> Value {
    let nanoseconds = u32::try_from(timestamp.subsec_nanosecond().max(0)).unwrap_or_default();
    let time = DateTime::from_timestamp(timestamp.as_second(), nanoseconds);
    time.map_or(Value::Null, |time| Value::Timestamp(time.fixed_offset()))
}
