//! A document as feeds are offered it: its name, its text, and the keys at its top.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{FeedError, RECORD_LIMIT, xml};

/// How a document is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Syntax {
    /// A JSON object.
    Json,
    /// A JSON list of objects; the keys are those of the first.
    JsonList,
    /// XML; the one key is the name of the root element.
    Xml,
    /// Anything else that may be YAML.
    Yaml,
    /// Text of another kind.
    Text,
}

/// A file, or a member of an archive.
#[derive(Debug)]
pub struct Document<'a> {
    /// Where it lies: `feeds/x.tar.zst!a/b.json`.
    pub path: &'a str,
    /// What it says.
    pub text: &'a str,
    /// How it is written.
    pub syntax: Syntax,
    /// The keys of its outermost mapping.
    pub keys: BTreeSet<String>,
}

impl<'a> Document<'a> {
    /// Looks at the outside of a document.
    #[must_use]
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('{') {
            let keys = json_keys(text);
            return Self { path, text, syntax: Syntax::Json, keys };
        }
        if let Some(first) = text.trim_start().strip_prefix('[').map(str::trim_start)
            && first.starts_with('{')
        {
            return Self { path, text, syntax: Syntax::JsonList, keys: json_keys(first) };
        }
        if text.trim_start().starts_with('<') {
            return Self { path, text, syntax: Syntax::Xml, keys: xml::root(text).into_iter().collect() };
        }
        let name = path.rsplit(['/', '!']).next().unwrap_or(path);
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            return Self { path, text, syntax: Syntax::Yaml, keys: yaml_keys(text) };
        }
        Self { path, text, syntax: Syntax::Text, keys: BTreeSet::new() }
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit(['/', '!']).next().unwrap_or(self.path)
    }

    /// Tells whether all these keys stand at the top.
    #[must_use]
    pub fn has(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.keys.contains(*key))
    }

    /// Reads the whole document as one value.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, FeedError> {
        match self.syntax {
            Syntax::Json | Syntax::JsonList => Ok(serde_json::from_str(self.text)?),
            Syntax::Yaml | Syntax::Xml | Syntax::Text if self.text.len() > RECORD_LIMIT => {
                Err(FeedError::TooLong { limit: RECORD_LIMIT })
            }
            Syntax::Yaml | Syntax::Xml | Syntax::Text => Ok(serde_yaml_ng::from_str(self.text)?),
        }
    }
}

/// The keys at column zero; a line that continues a block has some indent.
fn yaml_keys(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|line| line.split_once(':'))
        .map(|(key, _)| key.to_owned())
        .take(100)
        .collect()
}

/// The keys of the outermost object, at most a hundred; what comes before a syntax error, if there is one.
fn json_keys(text: &str) -> BTreeSet<String> {
    struct Keys(BTreeSet<String>);
    impl<'de> Visitor<'de> for &mut Keys {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if self.0.len() < 100 {
                    self.0.insert(key);
                } else {
                    return Err(serde::de::Error::custom("enough"));
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let mut keys = Keys(BTreeSet::new());
    // The text is parsed in earnest by the feed that takes it, which then tells what is wrong.
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(&mut keys).is_ok();
    keys.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_at_the_top() {
        let json = Document::new("a.json", r#"{"id":"X","affected":[{"package":1}]}"#);
        assert!(json.has(&["id", "affected"]) && !json.has(&["package"]));
        let yaml = Document::new("x.tar!a/b.yaml", "id: X\naffected:\n- package: 1\n  name: y\n");
        assert_eq!((yaml.syntax, yaml.name()), (Syntax::Yaml, "b.yaml"));
        assert!(yaml.has(&["id", "affected"]) && !yaml.has(&["name"]));
        assert_eq!(Document::new("list", "[29 Mar 2023] DSA-1").syntax, Syntax::Text);
    }
}
