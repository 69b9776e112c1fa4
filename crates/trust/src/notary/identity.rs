//! Names of signers that a trust policy trusts: some attributes of the subject of a certificate, all of which it must have.

use std::collections::BTreeMap;
use std::fmt;

use x509_cert::name::Name;

/// The attributes that may be named, with their identifiers.
const ATTRIBUTES: [(&str, &str); 9] = [
    ("C", "2.5.4.6"),
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("POSTALCODE", "2.5.4.17"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
];
/// Those that must be named: less would be the name of half a country.
const NEEDED: [&str; 3] = ["C", "ST", "O"];

/// Attributes of a subject, each with one value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject(BTreeMap<&'static str, String>);

/// A text is no name of a signer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is no subject of certificates: {why}")]
pub struct SubjectError {
    text: String,
    why: String,
}

impl Subject {
    /// Reads a name such as `C=US, ST=WA, O=acme.example, CN=Builder`; commas in values are written `\,`.
    ///
    /// # Errors
    /// If it is malformed, has an attribute twice, or lacks one of `C`, `ST` and `O`.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        let error = |why: String| SubjectError { text: text.chars().take(200).collect(), why };
        let mut attributes = BTreeMap::new();
        for part in parts(text).map_err(|why| error(why.to_owned()))? {
            let (name, value) = part.split_once('=').ok_or_else(|| error(format!("{part:?} has no =")))?;
            let name = name.trim().to_uppercase();
            // As some tools write it.
            let name = if name == "S" { "ST" } else { &name };
            let Some((name, _)) = ATTRIBUTES.iter().find(|(known, _)| *known == name) else {
                return Err(error(format!("the attribute {name} is not known")));
            };
            let value = value.trim();
            if value.is_empty() || attributes.insert(*name, value.to_owned()).is_some() {
                return Err(error(format!("{name} has not one value")));
            }
        }
        match NEEDED.iter().find(|name| !attributes.contains_key(*name)) {
            Some(name) => Err(error(format!("it lacks {name}"))),
            None => Ok(Self(attributes)),
        }
    }

    /// Reads the subject of a certificate. Attributes that a policy cannot name are left out.
    pub(crate) fn of(name: &Name) -> Result<Self, String> {
        let mut attributes = BTreeMap::new();
        for attribute in name.0.iter().flat_map(|part| part.0.iter()) {
            let id = attribute.oid.to_string();
            let Some((name, _)) = ATTRIBUTES.iter().find(|(_, known)| *known == id) else { continue };
            let value = std::str::from_utf8(attribute.value.value())
                .map_err(|_| format!("its {name} is not in UTF-8"))?;
            if attributes.insert(*name, value.to_owned()).is_some() {
                return Err(format!("it has {name} twice"));
            }
        }
        Ok(Self(attributes))
    }

    /// Whether `other` has all attributes of this one, with the same values.
    #[must_use]
    pub fn is_part_of(&self, other: &Self) -> bool {
        self.0.iter().all(|(name, value)| other.0.get(name) == Some(value))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&all.join(", "))
    }
}

/// The parts between commas, with what was escaped.
fn parts(text: &str) -> Result<Vec<String>, &'static str> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let part = parts.last_mut().ok_or("it is empty")?;
        match character {
            ',' => parts.push(String::new()),
            '+' => return Err("it joins attributes by +"),
            '\\' => match characters.next() {
                Some(escaped) if ",+\"\\<>;=# ".contains(escaped) => part.push(escaped),
                _ => return Err("what is behind a \\ is no special character"),
            },
            other => part.push(other),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_and_compared() {
        let wanted = Subject::parse(r"C=US, ST=WA, O=acme\, inc.").unwrap();
        let found = Subject::parse(r"CN=builder,O=acme\, inc.,S=WA,C=US").unwrap();
        assert!(wanted.is_part_of(&found) && !found.is_part_of(&wanted));
        let other = Subject::parse("C=US, ST=WA, O=acme").unwrap();
        assert!(!wanted.is_part_of(&other) && !other.is_part_of(&found));
    }

    #[test]
    fn what_names_too_little_or_too_much_is_refused() {
        for text in [
            "",
            "C=US",
            "C=US,ST=WA",
            "C=US,ST=WA,O=",
            "C=US,ST=WA,O=a,O=b",
            "C=US,ST=WA,O=a,X=b",
            "C=US+ST=WA,O=a",
            "C=US,ST=WA,O=a,",
            r"C=US,ST=WA,O=a\",
            "C",
            "*",
        ] {
            assert!(Subject::parse(text).is_err(), "{text}");
        }
    }
}
