//! The security databases of apk distributions, as JSON and YAML: which version of a source package fixed which
//! CVE (<https://secdb.alpinelinux.org>).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::loose::{List, nullable};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, check_length};
use crate::advisory::{Advisory, Affected};

pub(crate) const SECDB: Feed = Feed { name: "secdb", recognizes, read, bulk: false };

const fn source(name: &'static str, title: &'static str, url: &'static str, page: &'static str) -> Source {
    Source { name, title, license: "not stated", url, page, prefixes: &[] }
}

static ALPINE: Source = source(
    "alpine-secdb",
    "Alpine",
    "https://secdb.alpinelinux.org",
    "https://security.alpinelinux.org/vuln/{id}",
);
static WOLFI: Source = source("wolfi-secdb", "Wolfi", "https://packages.wolfi.dev/os/security.json", "");
static CHAINGUARD: Source =
    source("chainguard-secdb", "Chainguard", "https://packages.cgr.dev/chainguard/security.json", "");

fn recognizes(document: &Document<'_>) -> bool {
    document.has(&["packages", "reponame"])
}

#[derive(Deserialize)]
struct File {
    #[serde(default, deserialize_with = "nullable")]
    distroversion: String,
    #[serde(default, deserialize_with = "nullable")]
    urlprefix: String,
    #[serde(default)]
    packages: List<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    secfixes: BTreeMap<String, List<String>>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let file: File = document.parse()?;
    let (source, ecosystem) = if !file.distroversion.is_empty() {
        (&ALPINE, format!("Alpine:{}", file.distroversion.trim_end_matches("-main")))
    } else if file.urlprefix.contains("wolfi") {
        (&WOLFI, "Wolfi".to_owned())
    } else if file.urlprefix.contains("cgr.dev") || file.urlprefix.contains("chainguard") {
        (&CHAINGUARD, "Chainguard".to_owned())
    } else {
        return Err(FeedError::NoRelease);
    };
    check_length("packages", file.packages.0.len())?;
    for Entry { pkg } in file.packages.0 {
        check_length("fixes", pkg.secfixes.len())?;
        for (version, ids) in &pkg.secfixes {
            // Fixed in version 0: never affected.
            if version == "0" {
                harvest.no_vulnerability(source);
                continue;
            }
            for line in &ids.0 {
                harvest.advisory(advisory(source, line, Affected::below(&ecosystem, &pkg.name, version)));
            }
        }
    }
    Ok(())
}

/// A line names one vulnerability, by one id or by several with blanks between.
fn advisory(source: &'static Source, line: &str, affected: Affected) -> Advisory {
    let mut ids = line.split_whitespace().map(|id| id.trim_end_matches(',').to_owned());
    let mut advisory = Advisory::new(source, ids.next().unwrap_or_default());
    advisory.aliases = ids.filter(|id| id.contains('-')).collect();
    advisory.affected.push(affected);
    advisory
}
