//! GitLab's advisory database, one YAML file an advisory (<https://gitlab.com/gitlab-org/security-products/gemnasium-db>).
//!
//! Ranges are written as each ecosystem's own tools have them: Maven's and NuGet's intervals, `[1.0,1.2),(,0.9]`, or
//! comparators with `||` between alternatives, `>=1.0 <1.2||==2.0`.

use plimsoll_model::finding::Status;
use plimsoll_model::version::Scheme;
use plimsoll_model::version::range::npm_range;
use serde::Deserialize;

use super::date::day;
use super::loose::nullable;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, bounds, check_length};
use crate::advisory::{Advisory, Affected, Lower, Range, Upper};
use crate::ecosystem;

pub(crate) const GITLAB: Feed = Feed { name: "gitlab", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "gitlab",
    title: "GitLab",
    license: "GitLab Advisory Database Terms",
    url: "https://gitlab.com/gitlab-org/security-products/gemnasium-db",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Yaml && document.has(&["package_slug", "affected_range", "identifiers"])
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    identifiers: Vec<String>,
    package_slug: String,
    title: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    date: String,
    #[serde(default, deserialize_with = "nullable")]
    pubdate: String,
    affected_range: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    fixed_versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    urls: Vec<String>,
    cvss_v3: Option<String>,
    cvss_v4: Option<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let record: Record = document.parse()?;
    let (ecosystem, name) = package(&record.package_slug)
        .ok_or_else(|| FeedError::value("package_slug", &record.package_slug))?;
    check_length("identifiers", record.identifiers.len())?;
    check_length("fixed versions", record.fixed_versions.len())?;
    check_length("links", record.urls.len())?;
    let scheme = ecosystem::scheme_of(ecosystem).unwrap_or(Scheme::Semver);
    let ranges = ranges(ecosystem, scheme, record.affected_range.as_deref().unwrap_or_default())?;
    if ranges.is_empty() {
        // GitLab empties the range of an advisory that turned out to be none.
        harvest.no_vulnerability(&SOURCE);
        return Ok(());
    }
    let mut ids = record.identifier.into_iter().chain(record.identifiers);
    let id = ids.next().filter(|id| !id.is_empty()).ok_or(FeedError::NoId)?;
    let mut aliases: Vec<String> = ids.filter(|alias| *alias != id && is_id(alias)).collect();
    aliases.sort_unstable();
    aliases.dedup();
    // One vulnerability has a file for each of its packages: the file's place is its name.
    let mut advisory = Advisory::new(&SOURCE, format!("{}/{id}", record.package_slug));
    aliases.push(id);
    advisory.aliases = aliases;
    advisory.published = day(&record.pubdate);
    advisory.modified = day(&record.date);
    advisory.cvss = record.cvss_v4.into_iter().chain(record.cvss_v3).collect();
    advisory.links = record.urls;
    advisory.summary = record.title;
    let is_fixed = !record.fixed_versions.is_empty();
    advisory.affected.push(Affected {
        status: if is_fixed { Status::Fixed } else { Status::Affected },
        ranges: if is_fixed { ranges } else { ranges.into_iter().map(unmended).collect() },
        fixed: record.fixed_versions,
        ..Affected::all(ecosystem, ecosystem::normal_name(ecosystem, &name))
    });
    harvest.advisory(advisory);
    Ok(())
}

/// Ids that name the vulnerability itself, unlike `GMS-2022-1` of GitLab's own counting.
fn is_id(id: &str) -> bool {
    ["CVE-", "GHSA-", "GO-", "RUSTSEC-", "PYSEC-", "GMS-"].iter().any(|prefix| id.starts_with(prefix))
}

/// `maven/org.example/lib` → Maven, `org.example:lib`.
fn package(slug: &str) -> Option<(&'static str, String)> {
    let (kind, name) = slug.split_once('/').filter(|(_, name)| !name.is_empty())?;
    Some(match kind {
        "cargo" => ("crates.io", name.to_owned()),
        "conan" => ("ConanCenter", name.to_owned()),
        "gem" => ("RubyGems", name.to_owned()),
        "go" => ("Go", name.to_owned()),
        "maven" => ("Maven", name.replacen('/', ":", 1)),
        "npm" => ("npm", name.to_owned()),
        "nuget" => ("NuGet", name.to_owned()),
        "packagist" => ("Packagist", name.to_ascii_lowercase()),
        "pub" => ("Pub", name.to_owned()),
        "pypi" => ("PyPI", name.to_owned()),
        "swift" => ("SwiftURL", name.to_owned()),
        _ => return None,
    })
}

fn ranges(ecosystem: &str, scheme: Scheme, text: &str) -> Result<Vec<Range>, FeedError> {
    if matches!(ecosystem, "npm" | "SwiftURL") {
        let intervals = npm_range(text).map_err(|_| FeedError::value("affected_range", text))?;
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        return Ok(intervals.into_iter().map(Range::from).collect());
    }
    let mut found = Vec::new();
    for alternative in text.split("||").map(str::trim).filter(|text| !text.is_empty()) {
        if alternative.starts_with(['[', '(']) {
            found.extend(intervals(alternative)?);
        } else {
            let comparators = comparators(alternative);
            found.extend(bounds::all_of(scheme, comparators.iter().map(String::as_str))?);
        }
        check_length("ranges", found.len())?;
    }
    Ok(found)
}

/// `>= 1.0, <1.2` or `>=1.0 <1.2`, one by one.
fn comparators(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        match found.last_mut().filter(|last| last.ends_with(['<', '>', '=', '~', '!'])) {
            Some(operator) => operator.push_str(word),
            None => found.push(word.to_owned()),
        }
    }
    found
}

/// `[1.0,1.2),(,0.9],[2.0]`.
fn intervals(text: &str) -> Result<Vec<Range>, FeedError> {
    let refuse = || FeedError::value("affected_range", text);
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find([']', ')']).ok_or_else(refuse)?;
        let (interval, after) = rest.split_at_checked(end + 1).ok_or_else(refuse)?;
        found.push(one_interval(interval).ok_or_else(refuse)?);
        check_length("ranges", found.len())?;
        rest = after.trim_start_matches([',', ' ']);
    }
    Ok(found)
}

fn one_interval(text: &str) -> Option<Range> {
    let inside = text.get(1..text.len().checked_sub(1)?)?;
    let is_version = |text: &str| text.len() < 200 && !text.contains(['[', '(', ' ']);
    let (with_low, with_high) = (text.starts_with('['), text.ends_with(']'));
    let (low, high) = match inside.split_once(',') {
        Some((low, high)) => (low.trim(), high.trim()),
        None if with_low && with_high && !inside.is_empty() => (inside.trim(), inside.trim()),
        None => return None,
    };
    if !text.starts_with(['[', '(']) || !is_version(low) || !is_version(high) {
        return None;
    }
    let lower = match low {
        "" => Lower::Zero,
        _ if with_low => Lower::From(low.to_owned()),
        _ => Lower::After(low.to_owned()),
    };
    let upper = match high {
        "" => Upper::Open,
        _ if with_high => Upper::Last(high.to_owned()),
        _ => Upper::Fixed(high.to_owned()),
    };
    Some(Range { lower, upper })
}

/// Where no version is named as fixed, the end of a range is none either.
fn unmended(range: Range) -> Range {
    match range.upper {
        Upper::Fixed(version) => Range { upper: Upper::Before(version), ..range },
        _ => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ecosystem: &str, text: &str) -> Vec<String> {
        let scheme = ecosystem::scheme_of(ecosystem).unwrap();
        let ranges = ranges(ecosystem, scheme, text).unwrap();
        ranges.iter().map(crate::matching::range::describe).collect()
    }

    #[test]
    fn every_ecosystem_s_own_notation_is_read() {
        assert_eq!(told("Maven", "[1.0,1.2),(,0.9],[2.0]"), [">= 1.0, < 1.2", "<= 0.9", ">= 2.0, <= 2.0"]);
        assert_eq!(told("NuGet", "(1.0,)"), ["> 1.0"]);
        assert_eq!(told("PyPI", ">=1.0,<1.2||==2.0"), [">= 1.0, < 1.2", ">= 2.0, <= 2.0"]);
        assert_eq!(told("Go", ">=v1.0.0 <v1.2.0||<0.3.0"), [">= v1.0.0, < v1.2.0", "< 0.3.0"]);
        assert_eq!(told("RubyGems", ">= 1.0 < 1.2"), [">= 1.0, < 1.2"]);
        assert_eq!(told("npm", ">=1.0.0 <1.2.3 || =2.0.0"), [">= 1.0.0, < 1.2.3", ">= 2.0.0, <= 2.0.0"]);
        assert_eq!(told("npm", ""), [""; 0]);
        for text in ["[1.0", "1.0]x[", "[]", "(1,2,3]x", "[(1,2]"] {
            assert!(intervals(text).is_err(), "{text}");
        }
    }

    #[test]
    fn packages_go_by_their_ecosystem_s_names() {
        assert_eq!(package("maven/org.example/lib"), Some(("Maven", "org.example:lib".to_owned())));
        assert_eq!(package("go/github.com/a/b"), Some(("Go", "github.com/a/b".to_owned())));
        assert_eq!(package("npm/@scope/x"), Some(("npm", "@scope/x".to_owned())));
        assert_eq!(package("npm/"), None);
        assert_eq!(package("other/x"), None);
    }
}
