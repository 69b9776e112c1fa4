//! The Debian security tracker as JSON (<https://security-tracker.debian.org/tracker/data/json>): source package →
//! CVE → release → status. One document of some 70 MB, read source by source.

use std::collections::BTreeMap;
use std::fmt;

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::debian::{TRACKER_PAGE, is_package_name, is_version, source};
use super::loose::{Word, is_cve, nullable};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected};
use crate::ecosystem;

pub(crate) const DEBIAN_TRACKER: Feed = Feed { name: "debian-tracker", recognizes, read, bulk: true };

static SOURCE: Source =
    source("debian-tracker", "https://security-tracker.debian.org/tracker/data/json", TRACKER_PAGE);

/// Known by its nesting alone: the first key is a package, the first key in that a vulnerability.
fn recognizes(document: &Document<'_>) -> bool {
    let mut quoted = document.text.split('"').skip(1).step_by(2);
    let (package, id) = (quoted.next().unwrap_or_default(), quoted.next().unwrap_or_default());
    let head = document.text.get(..4_000).unwrap_or(document.text);
    document.syntax == Syntax::Json
        && is_package_name(package)
        && (is_cve(id) || id.starts_with("TEMP-"))
        && head.contains("\"releases\"")
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, deserialize_with = "nullable")]
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    status: Word,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Word,
    #[serde(default)]
    nodsa: Word,
    #[serde(default)]
    nodsa_reason: Word,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let mut json = serde_json::Deserializer::from_str(document.text);
    json.deserialize_map(Sources { path: document.path, harvest })?;
    Ok(())
}

struct Sources<'a> {
    path: &'a str,
    harvest: &'a mut Harvest,
}

impl<'de> Visitor<'de> for Sources<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let entries: BTreeMap<String, Entry> = map.next_value()?;
            let length = check_length("vulnerabilities", entries.len());
            if let Err(error) = length {
                self.harvest.problem(self.path, DEBIAN_TRACKER.name, &error);
                continue;
            }
            for (id, entry) in entries {
                match advisory(&name, &id, entry) {
                    Some(advisory) if advisory.affected.is_empty() => self.harvest.no_vulnerability(&SOURCE),
                    Some(advisory) => self.harvest.advisory(advisory),
                    None => self.harvest.problem(
                        self.path,
                        DEBIAN_TRACKER.name,
                        &FeedError::value("package", &name),
                    ),
                }
            }
        }
        Ok(())
    }
}

fn advisory(name: &str, id: &str, entry: Entry) -> Option<Advisory> {
    if !is_package_name(name) {
        return None;
    }
    let mut advisory = Advisory::new(&SOURCE, id);
    for (codename, release) in entry.releases {
        let Some(ecosystem) = ecosystem::of_debian_codename(&codename) else { continue };
        advisory.affected.extend(affected(ecosystem, name, &release));
    }
    Some(advisory)
}

fn affected(ecosystem: String, name: &str, release: &Release) -> Option<Affected> {
    let is = |word: &Word, text: &str| word.0.as_deref() == Some(text);
    let urgency = release.urgency.0.as_deref().unwrap_or_default().trim_end_matches('*');
    let severity = urgency.parse().unwrap_or(Severity::Unknown);
    if is(&release.status, "resolved") {
        let fixed = release.fixed_version.as_deref()?;
        // Fixed in version 0: never affected.
        if fixed == "0" {
            return Some(Affected::never(ecosystem, name));
        }
        return is_version(fixed).then(|| Affected { severity, ..Affected::below(ecosystem, name, fixed) });
    }
    let status = match release.nodsa_reason.0.as_deref() {
        _ if urgency == "end-of-life" => Status::EndOfLife,
        _ if is(&release.status, "undetermined") => Status::UnderInvestigation,
        Some("ignored") => Status::WillNotFix,
        Some("postponed") => Status::FixDeferred,
        _ if release.nodsa.0.is_some() => Status::FixDeferred,
        _ => Status::Affected,
    };
    Some(Affected { status, severity, ..Affected::all(ecosystem, name) })
}
