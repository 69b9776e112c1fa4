//! Which code an executable or an archive holds: the names of its functions or classes, as a set that answers whether a name
//! is in it. Facts only; which names matter is for advisories to say.
//!
//! A large program has some hundred thousand functions, so names are kept as 40 bits of a hash each, sorted: smaller than
//! their text compressed, and looked up in place. A name that is in the set is always found; of those that are not, one in
//! some millions is found nevertheless, so that a set never makes code seem absent.

use std::cell::LazyCell;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::inventory::Location;
use crate::package::Ecosystem;

/// The code that one file, or one member of an archive, holds.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Code {
    /// Whose names they are.
    pub ecosystem: Ecosystem,
    /// Whether all code is named, so that a name that is missing says that its code is missing.
    pub is_whole: bool,
    /// The names. Of Go: packages (`golang.org/x/text/language`), what they lie below, and functions
    /// (`golang.org/x/text/language#Tag.String`). Of Rust: crates, and functions (`time::Tm::to_local`). Of Java: directories
    /// with classes (`org/apache/commons`).
    pub names: Names,
}

/// Code and where it lies.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LocatedCode {
    /// The place.
    pub location: Location,
    /// The code.
    pub code: Code,
}

/// A set of names that cannot be listed, only asked.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub struct Names(Arc<[u8]>);

/// Bytes of a hash that are kept.
const WIDTH: usize = 5;

/// A name as the set knows it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Name([u8; WIDTH]);

impl Name {
    /// The name that `parts` make together.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        // FNV-1a, then the finalizer of MurmurHash3, because FNV mixes its upper bits little.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in parts.iter().flat_map(|part| part.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^= hash >> 33;
        let [a, b, c, d, e, ..] = hash.to_be_bytes();
        Self([a, b, c, d, e])
    }
}

impl Names {
    /// Tells whether `name` is in the set.
    #[must_use]
    pub fn contains(&self, name: Name) -> bool {
        let (records, _) = self.0.as_chunks::<WIDTH>();
        records.binary_search(&name.0).is_ok()
    }

    /// Tells whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Name> for Names {
    fn from_iter<I: IntoIterator<Item = Name>>(names: I) -> Self {
        let mut records: Vec<[u8; WIDTH]> = names.into_iter().map(|name| name.0).collect();
        records.sort_unstable();
        records.dedup();
        Self(records.as_flattened().into())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({})", self.0.len() / WIDTH)
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(NamesVisitor)
    }
}

struct NamesVisitor;

impl Visitor<'_> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number of records of {WIDTH} bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Names, E> {
        if bytes.len().is_multiple_of(WIDTH) {
            Ok(Names(bytes.into()))
        } else {
            Err(E::invalid_length(bytes.len(), &self))
        }
    }
}

/// The code of an image, read when it is first asked for: few findings need it.
pub struct LazyCode(LazyCell<Vec<LocatedCode>, Box<dyn FnOnce() -> Vec<LocatedCode> + Send>>);

impl LazyCode {
    /// Code that `load` reads, its places sorted.
    pub fn new(load: impl FnOnce() -> Vec<LocatedCode> + Send + 'static) -> Self {
        Self(LazyCell::new(Box::new(load)))
    }

    /// What lies at `path`, in its member `inside`.
    #[must_use]
    pub fn at(&self, path: &str, inside: Option<&str>) -> &[LocatedCode] {
        let place = |code: &LocatedCode| {
            let Location { path: at, inside: member, .. } = &code.location;
            (at.as_str(), member.as_deref()).cmp(&(path, inside))
        };
        let start = self.0.partition_point(|code| place(code).is_lt());
        let rest = self.0.get(start..).unwrap_or_default();
        let len = rest.iter().take_while(|code| place(code).is_eq()).count();
        rest.get(..len).unwrap_or_default()
    }
}

impl Default for LazyCode {
    fn default() -> Self {
        Self::new(Vec::new)
    }
}

impl fmt::Debug for LazyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_set_is_found_and_little_else() {
        let names: Names = (0..10_000).map(|n| Name::of(&["a/b#", &n.to_string()])).collect();
        assert_eq!(names.size(), 50_000);
        assert!((0..10_000).all(|n| names.contains(Name::of(&[&format!("a/b#{n}")]))));
        let others = (10_000..110_000).filter(|n| names.contains(Name::of(&["a/b#", &n.to_string()])));
        assert_eq!(others.count(), 0);
        assert!(!Names::from_iter([]).contains(Name::of(&[""])));
    }
}
