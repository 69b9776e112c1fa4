//! JSON that can be read in one way only: an object that has a key twice is refused, since two readers would see two
//! documents, and so is anything behind the document's end.
//!
//! What is signed is parsed from the bytes that were verified, never written again first.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// Why bytes are no such JSON.
#[derive(Debug, thiserror::Error)]
pub enum StrictError {
    /// Too much.
    #[error("it has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// How many bytes there are.
        size: usize,
        /// How many there may be.
        limit: usize,
    },
    /// It is malformed, has a key twice, or is not of the form expected.
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
}

/// Reads a document of at most `limit` bytes.
///
/// # Errors
/// If it is malformed, ambiguous or too large.
pub fn read<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, StrictError> {
    if bytes.len() > limit {
        return Err(StrictError::TooLarge { size: bytes.len(), limit });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Unambiguous.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(serde_json::from_slice(bytes)?)
}

/// Accepts any value in which no object has a key twice.
struct Unambiguous;

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated keys")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value_seed(Self)?;
            if let Some(again) = seen.replace(key) {
                let shown: String = again.chars().take(60).collect();
                return Err(de::Error::custom(format_args!("the key {shown:?} is there twice")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn n18_repeated_keys_are_refused_at_every_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"x":{"y":{"a":null,"b":1,"a":true}}}"#,
            // The same key, spelled in another way.
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert!(read::<Value>(text.as_bytes(), 100).unwrap_err().to_string().contains("twice"), "{text}");
        }
        assert!(read::<Value>(br#"{"a":{"a":1},"A":2}"#, 100).is_ok());
    }

    #[test]
    fn n20_what_is_behind_the_end_is_refused() {
        assert!(read::<Value>(b"{} {}", 100).is_err());
        assert!(read::<Value>(b"{}\0", 100).is_err());
        assert!(read::<Value>(b"{} \n", 100).is_ok());
    }

    #[test]
    fn size_and_depth_have_limits() {
        assert!(matches!(read::<Value>(b"[1]", 2), Err(StrictError::TooLarge { size: 3, limit: 2 })));
        let deep = "[".repeat(100_000);
        assert!(read::<Value>(deep.as_bytes(), 1 << 20).is_err());
    }
}
