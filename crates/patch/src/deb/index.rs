//! The packages of verified indexes, found by name. The text is kept as it is, and a paragraph read when it is asked for.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_formats::deb822::stanzas;
use plimsoll_model::version::Scheme;

use super::relations::relations_of;
use crate::relation::Relation;
use crate::stock::{Candidate, Check, Stock, stays_below};

/// The packages of all repositories.
#[derive(Debug, Default)]
pub struct Index {
    texts: Vec<(Arc<str>, String)>,
    /// By name: which text, and where in it.
    places: HashMap<String, Vec<(usize, usize, usize)>>,
}

impl Index {
    /// Adds the text of an index of the repository at `uri`.
    pub fn add(&mut self, uri: &str, text: String) {
        let number = self.texts.len();
        let mut start = 0_usize;
        for paragraph in text.split("\n\n") {
            let end = start.saturating_add(paragraph.len());
            let line = paragraph.trim_start_matches('\n').lines().next().unwrap_or_default();
            // The name comes first in all indexes that there are; where it does not, the paragraph is looked through.
            let name = line
                .strip_prefix("Package:")
                .map(str::trim)
                .map(str::to_owned)
                .or_else(|| Some(stanzas(paragraph).next()?.get("Package")?.first_line().to_owned()));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                self.places.entry(name).or_default().push((number, start, end));
            }
            start = end.saturating_add(2);
        }
        self.texts.push((uri.into(), text));
    }

    fn all(&self, name: &str) -> impl Iterator<Item = Candidate> {
        let places = self.places.get(name).into_iter().flatten();
        places.filter_map(|(number, start, end)| {
            let (uri, text) = self.texts.get(*number)?;
            candidate(uri, text.get(*start..*end)?)
        })
    }
}

impl Stock for Index {
    fn newest(&self, name: &str, architecture: &str) -> Option<Candidate> {
        let all = self.all(name).filter(|candidate| {
            candidate.architecture == architecture || candidate.architecture == "all" || architecture == "all"
        });
        all.reduce(|best, other| match Scheme::Deb.compare(&other.version, &best.version) {
            Ok(Ordering::Greater) => other,
            _ => best,
        })
    }

    fn providing(&self, relation: &Relation, architecture: &str) -> Vec<Candidate> {
        let newest = self.newest(&relation.name, architecture);
        newest.filter(|candidate| relation.fits(Scheme::Deb, &candidate.version)).into_iter().collect()
    }
}

fn candidate(uri: &str, text: &str) -> Option<Candidate> {
    let stanza = stanzas(text).next()?;
    let field = |name| stanza.get(name).map(|value| value.first_line().to_owned());
    let file = field("Filename")?;
    // Nothing above the repository, and nothing elsewhere.
    if !stays_below(&file) {
        return None;
    }
    Some(Candidate {
        name: field("Package")?,
        version: field("Version")?,
        architecture: field("Architecture")?,
        relations: relations_of(text),
        uri: uri.to_owned(),
        file,
        size: field("Size")?.parse().ok()?,
        check: Check::Sha256(format!("sha256:{}", field("SHA256")?).parse().ok()?),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use plimsoll_model::digest::Digest;

    use super::*;

    /// A paragraph of an index.
    pub(crate) fn paragraph(name: &str, version: &str, more: &str) -> String {
        let digest = Digest::of(name.as_bytes()).hex();
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\n{more}Filename: pool/{name}_{version}.deb\nSize: 1\nSHA256: {digest}\n\n"
        )
    }

    #[test]
    fn the_newest_of_all_repositories_is_taken() {
        let mut index = Index::default();
        index.add("http://a", paragraph("x", "1.0", "") + &paragraph("y", "1", ""));
        index.add("http://b", paragraph("x", "1.1~rc1", "") + "\nstray\n\nVersion: 7\nPackage: z\n");
        let newest = index.newest("x", "amd64").unwrap();
        assert_eq!((newest.version.as_str(), newest.uri.as_str()), ("1.1~rc1", "http://b"));
        assert_eq!(index.newest("x", "arm64"), None);
        assert_eq!(index.newest("z", "amd64"), None, "it has no file");
    }

    #[test]
    fn files_outside_of_the_repository_are_none() {
        let mut index = Index::default();
        for (name, file) in [("a", "../../x.deb"), ("b", "/x.deb"), ("c", "http://evil/x.deb")] {
            let text = paragraph(name, "1", "").replace(&format!("pool/{name}_1.deb"), file);
            index.add("http://m", text);
            assert_eq!(index.newest(name, "amd64"), None, "{file}");
        }
    }
}
