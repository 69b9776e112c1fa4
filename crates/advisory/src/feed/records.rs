//! Reading a long JSON list record by record, so that one bad record is refused alone and memory holds one at a time.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::FeedError;

/// Offers `take` each element of the list under `key` of the outermost object, or of the outermost list.
pub(crate) fn each<T: DeserializeOwned>(
    text: &str,
    key: Option<&str>,
    take: &mut dyn FnMut(Result<T, FeedError>),
) -> Result<(), FeedError> {
    let mut json = serde_json::Deserializer::from_str(text);
    match key {
        Some(key) => json.deserialize_map(Outer { key, take })?,
        None => Elements { take }.deserialize(&mut json)?,
    }
    Ok(())
}

type Take<'t, T> = &'t mut dyn FnMut(Result<T, FeedError>);

struct Outer<'k, 't, T> {
    key: &'k str,
    take: Take<'t, T>,
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Outer<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the list {:?}", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == self.key {
                map.next_value_seed(Elements { take: self.take })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Elements<'t, T> {
    take: Take<'t, T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Elements<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Elements<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<Value>()? {
            (self.take)(serde_json::from_value(element).map_err(FeedError::from));
        }
        Ok(())
    }
}
