//! What SPDX has no field for, as the JSON in an annotation of ours: the part's name in other formats, its places and
//! its properties.

use serde::{Deserialize, Serialize};

use crate::sbom::{Completeness, Part};

/// The remarks of one part.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Note {
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    places: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<(String, String)>,
}

/// The JSON of a part's remarks. No `<` is in it, so that it ends no text that stands between tags, and no control
/// character of the upper half, which JSON lets be.
pub(crate) fn write(part: &Part) -> String {
    let note = Note {
        reference: part.reference.clone(),
        group: part.group.clone(),
        name: part.group.as_ref().map(|_| part.name.clone()),
        complete: match part.completeness {
            Completeness::Complete => Some(true),
            Completeness::Incomplete => Some(false),
            Completeness::Unknown => None,
        },
        places: part.places.clone(),
        properties: part.properties.clone(),
    };
    let json = serde_json::to_string(&note).unwrap_or_default();
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '<' || character.is_control() {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Adds to a part what its remarks tell; the reference is given back, since it may be taken. Remarks of others are
/// not understood.
pub(crate) fn read(comment: &str, part: &mut Part) -> Option<String> {
    let note: Note = serde_json::from_str(comment).ok()?;
    part.group = note.group;
    if let Some(name) = note.name {
        part.name = name;
    }
    part.completeness = match note.complete {
        Some(true) => Completeness::Complete,
        Some(false) => Completeness::Incomplete,
        None => part.completeness,
    };
    part.places = note.places;
    part.properties = note.properties;
    Some(note.reference).filter(|reference| !reference.is_empty())
}
