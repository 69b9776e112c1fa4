//! The feeds that `db update` takes by default: `feeds.toml`, compiled in.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fetch::{AddressError, Source};

const LIST: &str = include_str!("../feeds.toml");

/// A feed with its publisher's address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// The name that it has together with others: `alpine`, `osv`.
    pub group: String,
    /// Where it is, the first choice first.
    pub addresses: Vec<String>,
    /// The name of its file.
    pub file: String,
    /// The licence of the data, as far as its publisher states one.
    pub licence: String,
    /// What it tells of.
    pub covers: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    feed: Vec<Upstream>,
}

impl Upstream {
    /// How to get it.
    ///
    /// # Errors
    /// If the list is unsound, which a test rules out.
    pub fn source(&self) -> Result<Source, AddressError> {
        Ok(Source {
            name: self.name.clone(),
            addresses: self.addresses.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            file: self.file.parse()?,
        })
    }
}

/// The list, by name.
///
/// # Errors
/// If the list is unsound, which a test rules out.
pub fn all() -> Result<Vec<Upstream>, toml::de::Error> {
    Ok(toml::from_str::<List>(LIST)?.feed)
}

/// Those whose name or group is `name`.
#[must_use]
pub fn named<'a>(list: &'a [Upstream], name: &str) -> Vec<&'a Upstream> {
    list.iter().filter(|feed| feed.name == name || feed.group == name).collect()
}

/// All names that may be used, those of groups too.
#[must_use]
pub fn names(list: &[Upstream]) -> BTreeSet<&str> {
    list.iter().flat_map(|feed| [feed.name.as_str(), feed.group.as_str()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sound() {
        let list = all().unwrap();
        assert!(list.is_sorted_by(|one, next| one.name < next.name), "sorted, no name twice");
        for feed in &list {
            let source = feed.source().unwrap();
            assert!(!source.addresses.is_empty(), "{}", feed.name);
            assert!(feed.addresses.iter().all(|address| address.starts_with("https://")), "{}", feed.name);
            let end = feed.file.rsplit('.').next().unwrap();
            assert!(["json", "zip", "gz"].contains(&end), "{}", feed.file);
        }
        assert!(named(&list, "alpine").len() >= 16);
        assert_eq!(named(&list, "kev").len(), 1);
        assert!(names(&list).contains("osv") && names(&list).contains("osv-npm"));
    }
}
