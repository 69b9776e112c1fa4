//! Fields as values of CEL.

use std::collections::HashMap;

use cel::Value;
use cel::objects::{Key, Map};
use chrono::DateTime;
use jiff::Timestamp;

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

/// A time in UTC.
pub(super) fn time(timestamp: Timestamp) -> Value {
    let nanoseconds = u32::try_from(timestamp.subsec_nanosecond().max(0)).unwrap_or_default();
    let time = DateTime::from_timestamp(timestamp.as_second(), nanoseconds);
    time.map_or(Value::Null, |time| Value::Timestamp(time.fixed_offset()))
}
