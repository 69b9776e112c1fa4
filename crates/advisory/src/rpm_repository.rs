//! Feeds that an image's own rpm repositories are: `repodata/repomd.xml` of each names its `updateinfo`, the errata of the
//! packages in it. So whoever has nothing but a mirror of the distribution has its advisories.
//!
//! Nothing here proves the repository: signatures are not checked. What `repomd.xml` tells of the errata's digest is.

use std::collections::BTreeMap;

use plimsoll_model::distribution::Distribution;
use plimsoll_model::inventory::Inventory;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::repository::{Repository, RpmRepository};

use crate::feed::xml::{self, Node};
use crate::fetch::{Address, AddressError, Source};

/// The most mirrors that are tried.
const MIRRORS: usize = 5;
/// The kinds of metadata that hold errata, the first that there is.
const UPDATEINFO: [&str; 2] = ["updateinfo", "updateinfo_zck"];

/// A repository that the image names, its variables put in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RpmSource {
    /// Its name in the configuration.
    pub id: String,
    /// Where it is, as far as the configuration says itself.
    pub bases: Vec<String>,
    /// Where a list of mirrors is, if it does not.
    pub list: Option<Source>,
}

/// Why a repository of the image is not asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RpmSourceError {
    /// An address of it names a variable without a value.
    #[error("its address names ${0}, which nothing in the image sets")]
    Variable(String),
    /// An address of it cannot be asked.
    #[error("its address cannot be asked: {0}")]
    Address(#[from] AddressError),
    /// Its metadata cannot be read.
    #[error("its metadata cannot be read: {0}")]
    Metadata(String),
    /// It has no errata.
    #[error("it publishes no errata (updateinfo)")]
    NoErrata,
    /// Nothing in the list of its mirrors is an address.
    #[error("the list of its mirrors names none")]
    NoMirror,
}

/// The repositories of `inventory`, each asked or with the reason why not.
#[must_use]
pub fn rpm_sources(inventory: &Inventory) -> Vec<(String, Result<RpmSource, RpmSourceError>)> {
    let variables = variables(inventory);
    let repositories = inventory.repositories.iter().filter_map(|repository| match repository {
        Repository::Rpm(repository) => Some(repository),
        Repository::Apt(_) | Repository::RpmVariable { .. } => None,
    });
    repositories.map(|repository| (repository.id.clone(), source(repository, &variables))).collect()
}

fn source(
    repository: &RpmRepository,
    variables: &BTreeMap<String, String>,
) -> Result<RpmSource, RpmSourceError> {
    let bases: Result<Vec<String>, RpmSourceError> =
        repository.base_urls.iter().map(|url| with_values(url, variables)).collect();
    let bases = bases?;
    let list = match [&repository.metalink, &repository.mirror_list].into_iter().flatten().next() {
        Some(list) if bases.is_empty() => {
            let address: Address = with_values(list, variables)?.parse()?;
            let file = file_name(&repository.id, "mirrors");
            Some(Source {
                name: format!("mirrors of rpm {}", repository.id),
                addresses: vec![address],
                file: file.parse()?,
            })
        }
        _ => None,
    };
    Ok(RpmSource { id: repository.id.clone(), bases, list })
}

/// What is known of the image, and what it sets itself.
fn variables(inventory: &Inventory) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    if let Some(release) = inventory.distribution.as_ref().and_then(release) {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        variables.insert("releasever_major".to_owned(), major);
        variables.insert("releasever".to_owned(), release);
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for package in inventory.packages.iter().map(|installed| &installed.package) {
        if package.ecosystem == Ecosystem::Rpm
            && let Some(architecture) = package.architecture.as_deref().filter(|name| *name != "noarch")
        {
            *counts.entry(architecture).or_default() += 1;
        }
    }
    if let Some((architecture, _)) = counts.into_iter().max_by_key(|(_, count)| *count) {
        let base = if matches!(architecture, "i486" | "i586" | "i686") { "i386" } else { architecture };
        variables.insert("arch".to_owned(), architecture.to_owned());
        variables.insert("basearch".to_owned(), base.to_owned());
    }
    for repository in &inventory.repositories {
        if let Repository::RpmVariable { name, value } = repository {
            variables.insert(name.clone(), value.clone());
        }
    }
    variables
}

/// The word that the distribution's repositories are sorted by.
fn release(distribution: &Distribution) -> Option<String> {
    match distribution.id.as_str() {
        "opensuse-leap" | "sles" | "sled" => distribution.version_id.clone(),
        _ => distribution.major().map(str::to_owned),
    }
}

/// Puts values in for `$name` and `${name}`.
fn with_values(text: &str, variables: &BTreeMap<String, String>) -> Result<String, RpmSourceError> {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(found) => found,
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len()))
            }
        };
        let value = variables.get(name).ok_or_else(|| RpmSourceError::Variable(name.to_owned()))?;
        filled.push_str(value);
        filled.push_str(rest);
    }
    Ok(filled)
}

/// The mirrors that a list or a Metalink document names.
///
/// # Errors
/// If it names none.
pub fn mirrors(list: &str) -> Result<Vec<String>, RpmSourceError> {
    let is_address = |text: &&str| text.starts_with("https://") || text.starts_with("http://");
    let mut found: Vec<String> = Vec::new();
    if list.trim_start().starts_with('<') {
        xml::each(list, &["url"], &mut |url: Node| {
            if let Some(base) = url.text().strip_suffix("/repodata/repomd.xml").filter(is_address) {
                found.push(base.to_owned());
            }
        })
        .map_err(|error| RpmSourceError::Metadata(error.to_string()))?;
    } else {
        let lines = list.lines().map(str::trim).filter(is_address);
        found.extend(lines.map(|line| line.trim_end_matches('/').to_owned()));
    }
    // What nobody can change on its way comes first.
    found.sort_by_key(|url| !url.starts_with("https://"));
    found.truncate(MIRRORS);
    if found.is_empty() { Err(RpmSourceError::NoMirror) } else { Ok(found) }
}

/// How to get the repository's table of contents.
///
/// # Errors
/// If its address cannot be asked.
pub fn contents(id: &str, bases: &[String]) -> Result<Source, RpmSourceError> {
    Ok(Source {
        name: format!("rpm {id}"),
        addresses: below(bases, "repodata/repomd.xml")?,
        file: file_name(id, "repomd.xml").parse()?,
    })
}

/// How to get the errata that the table of contents names, and the SHA-256 that it tells of them.
///
/// # Errors
/// If it cannot be read, or names none.
pub fn errata(
    id: &str,
    bases: &[String],
    contents: &str,
) -> Result<(Source, Option<String>), RpmSourceError> {
    let mut found: Vec<(String, String, Option<String>)> = Vec::new();
    xml::each(contents, &["data"], &mut |data: Node| {
        let href = data.child("location").and_then(|location| location.attribute("href"));
        if let (Some(kind), Some(href)) = (data.attribute("type"), href) {
            let sum = data.child("checksum").filter(|sum| sum.attribute("type") == Some("sha256"));
            found.push((kind.to_owned(), href.to_owned(), sum.map(|sum| sum.text().to_ascii_lowercase())));
        }
    })
    .map_err(|error| RpmSourceError::Metadata(error.to_string()))?;
    let wanted = UPDATEINFO.iter().find_map(|wanted| found.iter().find(|(kind, ..)| kind == wanted));
    let (_, href, digest) = wanted.ok_or(RpmSourceError::NoErrata)?;
    if href.contains("..") || href.contains("://") || href.starts_with('/') {
        return Err(RpmSourceError::Metadata(format!("{href:?} is no place inside the repository")));
    }
    let last = href.rsplit('/').next().unwrap_or_default();
    let ending = last.find("updateinfo").and_then(|at| last.get(at..)).unwrap_or("updateinfo.xml");
    let source = Source {
        name: format!("errata of rpm {id}"),
        addresses: below(bases, href)?,
        file: file_name(id, ending).parse()?,
    };
    Ok((source, digest.clone()))
}

fn below(bases: &[String], path: &str) -> Result<Vec<Address>, AddressError> {
    bases.iter().map(|base| format!("{}/{path}", base.trim_end_matches('/')).parse()).collect()
}

/// A name for a file of this repository.
fn file_name(id: &str, ending: &str) -> String {
    let sound = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let id: String = id.chars().take(40).map(sound).collect();
    format!("rpm-{id}-{ending}")
}

#[cfg(test)]
mod tests {
    use plimsoll_model::inventory::{InstalledPackage, Origin};
    use plimsoll_model::package::Package;

    use super::*;

    fn inventory(repositories: Vec<Repository>) -> Inventory {
        let package =
            Package { architecture: Some("x86_64".into()), ..Package::new(Ecosystem::Rpm, "x", "1-1") };
        Inventory {
            distribution: Some(Distribution {
                id: "almalinux".into(),
                version_id: Some("9.4".into()),
                ..Distribution::default()
            }),
            packages: vec![InstalledPackage {
                package,
                locations: vec![],
                layer: 0,
                origin: Origin::Unknown,
                owned_by: None,
                file_count: 0,
            }],
            repositories,
            ..Inventory::default()
        }
    }

    fn repository(id: &str, base: &[&str], mirror_list: Option<&str>) -> Repository {
        Repository::Rpm(RpmRepository {
            id: id.into(),
            base_urls: base.iter().map(|url| (*url).to_owned()).collect(),
            mirror_list: mirror_list.map(str::to_owned),
            metalink: None,
        })
    }

    #[test]
    fn variables_are_put_in_or_named() {
        let found = rpm_sources(&inventory(vec![
            repository("a", &["https://x.example/${releasever}/$stream/$basearch/os"], None),
            repository("b", &[], Some("https://x.example/list?release=$releasever_major")),
            repository("c", &["https://x.example/$nobody"], None),
            repository("d", &[], Some("ftp://x.example")),
            Repository::RpmVariable { name: "stream".into(), value: "9-stream".into() },
        ]));
        assert_eq!(found[0].1.as_ref().unwrap().bases, ["https://x.example/9/9-stream/x86_64/os"]);
        let list = found[1].1.as_ref().unwrap().list.as_ref().unwrap();
        assert_eq!(list.addresses, ["https://x.example/list?release=9".parse().unwrap()]);
        assert_eq!(found[2].1, Err(RpmSourceError::Variable("nobody".into())));
        assert_eq!(found[3].1, Err(RpmSourceError::Address(AddressError::Scheme)));
    }

    #[test]
    fn lists_of_mirrors_are_lines_or_metalinks() {
        let lines = "# mirrors\nhttp://a.example/9/\nhttps://b.example/9\nnonsense\n";
        assert_eq!(mirrors(lines), Ok(vec!["https://b.example/9".into(), "http://a.example/9".into()]));
        let metalink = "<?xml version=\"1.0\"?><metalink xmlns=\"http://www.metalinker.org/\"><files><file name=\"repomd.xml\"><resources>\
            <url protocol=\"rsync\">rsync://c.example/f/repodata/repomd.xml</url>\
            <url protocol=\"https\">https://c.example/f/repodata/repomd.xml</url></resources></file></files></metalink>";
        assert_eq!(mirrors(metalink), Ok(vec!["https://c.example/f".into()]));
        assert_eq!(mirrors("<html>nothing</html>"), Err(RpmSourceError::NoMirror));
        assert_eq!(mirrors(&"https://a.example\n".repeat(1_000)).unwrap().len(), MIRRORS);
    }

    #[test]
    fn the_errata_are_where_the_table_of_contents_says() {
        let bases = ["https://a.example/9".to_owned()];
        let contents =
            |data: &str| format!("<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">{data}</repomd>");
        let data = "<data type=\"primary\"><location href=\"repodata/p.xml.gz\"/></data>\
            <data type=\"updateinfo\"><checksum type=\"sha256\">AB12</checksum><location href=\"repodata/ab12-updateinfo.xml.gz\"/></data>";
        let (source, digest) = errata("baseos", &bases, &contents(data)).unwrap();
        assert_eq!(
            source.addresses,
            ["https://a.example/9/repodata/ab12-updateinfo.xml.gz".parse().unwrap()]
        );
        assert_eq!((source.file.as_str(), digest.as_deref()), ("rpm-baseos-updateinfo.xml.gz", Some("ab12")));
        assert_eq!(errata("x", &bases, &contents("")).unwrap_err(), RpmSourceError::NoErrata);
        for href in ["../../etc/passwd", "https://evil.example/updateinfo.xml", "/updateinfo.xml"] {
            let data = format!("<data type=\"updateinfo\"><location href=\"{href}\"/></data>");
            let error = errata("x", &bases, &contents(&data)).unwrap_err();
            assert!(matches!(error, RpmSourceError::Metadata(_)), "{href}");
        }
    }
}
