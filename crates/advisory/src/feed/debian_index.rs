//! The `Packages` index of a Debian security suite (<https://wiki.debian.org/DebianRepository/Format>): the newest
//! security release of each source package. An installed version below it is behind, whatever the reason.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use plimsoll_model::version::Scheme;

use super::debian::{source, source_package};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax};
use crate::advisory::{Advisory, Affected};
use crate::ecosystem;

pub(crate) const DEBIAN_INDEX: Feed = Feed { name: "debian-index", recognizes, read, bulk: true };

static SOURCE: Source = source("debian-security-index", "https://security.debian.org/debian-security", "");

/// The index of another suite is no security feed, so its name must tell that it is one.
fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Text
        && document.text.starts_with("Package: ")
        && document.path.contains("security")
        && document.text.contains("\nVersion: ")
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let ecosystem = ecosystem::debian_release_in(document.path).ok_or(FeedError::NoRelease)?;
    let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
    for stanza in document.text.split("\n\n") {
        let Some((name, version)) = source_package(stanza) else {
            if !stanza.trim().is_empty() {
                let first = stanza.lines().next().unwrap_or_default();
                harvest.problem(document.path, DEBIAN_INDEX.name, &FeedError::value("stanza", first));
            }
            continue;
        };
        let known = newest.entry(name).or_insert(version);
        if Scheme::Deb.compare(version, known) == Ok(Ordering::Greater) {
            *known = version;
        }
    }
    for (name, version) in newest {
        let mut advisory = Advisory::new(&SOURCE, format!("DEBIAN-SECURITY-{name}-{version}"));
        advisory.umbrella = true;
        advisory.affected.push(Affected::below(&ecosystem, name, version));
        harvest.advisory(advisory);
    }
    Ok(())
}
