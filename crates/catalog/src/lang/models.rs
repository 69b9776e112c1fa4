//! Models of artificial intelligence by the head of their file: GGUF (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>)
//! and safetensors (<https://github.com/huggingface/safetensors#format>). Weights are not read.

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::file_name;
use serde::Deserialize;

/// The keys that name a model come before its vocabulary.
const HEAD: u64 = 1 << 20;

/// Reads GGUF.
pub(crate) const GGUF: Extractor = Extractor {
    name: "gguf",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".gguf")],
        content: ContentRule::Head(&[b"GGUF"], HEAD),
        max_size: u64::MAX,
    },
    extract: extract_gguf,
};

/// Reads safetensors.
pub(crate) const SAFETENSORS: Extractor = Extractor {
    name: "safetensors",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".safetensors")],
        content: ContentRule::Head(&[b""], 16 << 20),
        max_size: u64::MAX,
    },
    extract: extract_safetensors,
};

/// Numbers as they come.
struct Head<'a> {
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.long()?;
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// Passes over a value; gives it if it is a text.
    fn value(&mut self, kind: u32) -> Option<Option<String>> {
        match kind {
            8 => self.text().map(Some),
            9 => {
                let (kind, count) = (self.number()?, self.long()?);
                match width(kind) {
                    Some(width) => {
                        self.take(width.checked_mul(count)?)?;
                    }
                    // Each text takes some bytes of a bounded head. A list of lists no model has.
                    None if kind == 8 => (0..count).try_for_each(|_| self.text().map(drop))?,
                    None => return None,
                }
                Some(None)
            }
            other => self.take(width(other)?).map(|_| None),
        }
    }
}

/// Bytes of a value by the number of its type.
const fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn extract_gguf(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let bytes = file.read()?;
    let bytes = bytes.get(..usize::try_from(HEAD).unwrap_or(usize::MAX)).unwrap_or(&bytes);
    let mut head = Head { rest: bytes };
    let counts = head.take(4).and_then(|_| Some((head.number()?, head.long()?, head.long()?)));
    let Some((_version, _tensors, count)) = counts else {
        return Err(ExtractError::Malformed("the head of the model is cut off".to_owned()));
    };
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..count {
        // What lies behind the head does not name the model.
        let pair = head.text().and_then(|key| {
            let kind = head.number()?;
            Some((key, head.value(kind)?))
        });
        let Some((key, value)) = pair else { break };
        if let Some(value) = value.filter(|_| key.starts_with("general.") && told.len() < 100) {
            told.insert(key, value);
        }
    }
    let value = |key: &str| told.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let licenses = value("general.license").map(|license| vec![license.to_owned()]).unwrap_or_default();
    let version = value("general.version").unwrap_or_default();
    let repository = ["general.source.huggingface.repository", "general.repo_url", "general.url"]
        .iter()
        .find_map(|key| value(key))
        .map(|place| place.trim_start_matches("https://huggingface.co/"))
        .filter(|place| place.split('/').count() == 2);
    let package = match repository {
        Some(repository) => Package::new(Ecosystem::HuggingFace, repository, version),
        None => {
            Package::new(Ecosystem::Generic, value("general.name").unwrap_or(file_name(file.path)), version)
        }
    };
    facts.push(Fact::Package(Package { licenses, ..package }));
    Ok(())
}

#[derive(Deserialize)]
struct Tensors {
    #[serde(rename = "__metadata__", default)]
    metadata: BTreeMap<String, String>,
}

fn extract_safetensors(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let bytes = file.read()?;
    let mut head = Head { rest: &bytes };
    let malformed = || ExtractError::Malformed("the head is not that of safetensors".to_owned());
    let length = head.long().ok_or_else(malformed)?;
    let Some(json) = head.take(length) else {
        // The format allows a hundred megabytes.
        let is_long = length <= 100 << 20 && length < file.size;
        let reason = "the head of the model is too long";
        return Err(if is_long { ExtractError::Limit(reason.to_owned()) } else { malformed() });
    };
    let tensors: Tensors =
        serde_json::from_slice(json).map_err(|error| ExtractError::Malformed(error.to_string()))?;
    let value = |key: &str| tensors.metadata.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let name = value("modelspec.title").or_else(|| value("name")).unwrap_or(file_name(file.path));
    let version = value("modelspec.version").or_else(|| value("version")).unwrap_or_default();
    let licenses = value("modelspec.license").or_else(|| value("license")).map(str::to_owned);
    let package = Package::new(Ecosystem::Generic, name, version);
    facts.push(Fact::Package(Package { licenses: licenses.into_iter().collect(), ..package }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    fn text(value: &str) -> Vec<u8> {
        [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat()
    }

    fn gguf(pairs: &[(&str, u32, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend((pairs.len() as u64).to_le_bytes());
        for (key, kind, value) in pairs {
            bytes.extend(text(key));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(value);
        }
        bytes
    }

    #[test]
    fn models_are_told_by_their_head() {
        let list = [&8_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &text("a"), &text("b")].concat();
        let pairs = [
            ("general.architecture", 8, text("llama")),
            ("general.count", 4, vec![0; 4]),
            ("general.tags", 9, list),
            ("general.name", 8, text("Tiny")),
            ("general.version", 8, text("v1.0")),
            ("general.license", 8, text("apache-2.0")),
        ];
        let licenses = vec!["apache-2.0".to_owned()];
        let expected = Package { licenses, ..Package::new(Ecosystem::Generic, "Tiny", "v1.0") };
        assert_eq!(facts_of(&GGUF, "models/x.gguf", &gguf(&pairs)), [Fact::Package(expected)]);
        let of = [("general.repo_url", 8, text("https://huggingface.co/a/b"))];
        let expected = Package::new(Ecosystem::HuggingFace, "a/b", "");
        assert_eq!(facts_of(&GGUF, "models/x.gguf", &gguf(&of)), [Fact::Package(expected)]);
        let safe = text(
            r#"{"__metadata__":{"format":"pt","modelspec.title":"Tiny"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        );
        let expected = Package::new(Ecosystem::Generic, "Tiny", "");
        assert_eq!(facts_of(&SAFETENSORS, "x.safetensors", &safe), [Fact::Package(expected)]);
    }

    #[test]
    fn heads_that_lie_end() {
        let endless = gguf(&[("general.x", 9, [&8_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat())]);
        let nested = gguf(&[("general.x", 9, [&9_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat())]);
        let long = gguf(&[("general.x", 8, u64::MAX.to_le_bytes().to_vec())]);
        for bytes in [endless, nested, long] {
            assert_eq!(facts_of(&GGUF, "x.gguf", &bytes).len(), 1);
        }
        assert!(error_of(&GGUF, "x.gguf", b"GGUF\x03").is_some());
        for bytes in [&b""[..], &u64::MAX.to_le_bytes(), &text("[1]"), &text("{")[..5]] {
            assert!(error_of(&SAFETENSORS, "x.safetensors", bytes).is_some());
        }
    }
}
