//! Since when findings of an image are known: a small file an image, on this machine alone. It is bounded, appears whole or
//! not at all, and counts as absent where it is damaged.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use plimsoll_formats::bounded;
use plimsoll_model::decision::identity;
use plimsoll_model::digest::Digest;
use plimsoll_model::finding::FindingKind;
use plimsoll_model::plan::{FirstSeen, SeenBasis};
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::Scan;
use serde::{Deserialize, Serialize};

use crate::whole_file::WholeFile;

/// A larger file is none that this program wrote.
const LIMIT: u64 = 32 << 20;
/// The most findings that are remembered of one image.
const FINDINGS: usize = 100_000;
/// The most images that are remembered; those that were not looked at for longest go first.
const IMAGES: usize = 2000;

/// What is remembered of one image.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct History {
    /// 1.
    version: u32,
    /// The image's name without tag and digest.
    image: String,
    /// Images of other platforms have other findings.
    platform: String,
    /// By fingerprint.
    findings: BTreeMap<String, Record>,
}

/// What is remembered of one finding.
#[derive(Debug, Deserialize, Serialize)]
struct Record {
    day: Date,
    basis: SeenBasis,
    found: Date,
}

/// Since when each finding of `scan` is known, and what could not be read or written, in words.
///
/// The first look at an image takes a finding's publication, where it tells one; later ones take today for what is new. What
/// went is forgotten.
#[must_use]
pub fn first_seen(scan: &Scan, folder: Option<&Path>, today: Date) -> (Vec<FirstSeen>, Option<String>) {
    let name = repository(&scan.image.name);
    let path = folder.map(|folder| place(folder, &name, &scan.image.platform));
    let (known, mut trouble) = match path.as_deref().map(read) {
        None => (None, None),
        Some(Ok(known)) => (known, None),
        Some(Err(reason)) => (None, Some(format!("the history of findings is not used: {reason}"))),
    };
    let platform = scan.image.platform.to_string();
    let mut history = History { version: 1, image: name, platform, findings: BTreeMap::new() };
    let seen = scan.findings.iter().map(|finding| {
        let (id, about) = identity(finding, &scan.inventory);
        let key = Digest::of(format!("{id}\0{about}").as_bytes()).hex();
        let published = match &finding.kind {
            FindingKind::Vulnerability(found) => found.published.filter(|day| *day <= today),
            _ => None,
        };
        let remembered = known.as_ref().and_then(|known| known.findings.get(&key));
        let seen = match (remembered, published.filter(|_| known.is_none())) {
            // A clock that was ahead does not put off what follows.
            (Some(seen), _) => FirstSeen {
                day: seen.day.min(today),
                basis: SeenBasis::History,
                found: seen.found.min(today),
            },
            (None, Some(day)) => FirstSeen { day, basis: SeenBasis::Publication, found: today },
            (None, None) => FirstSeen { day: today, basis: SeenBasis::Today, found: today },
        };
        if history.findings.len() < FINDINGS {
            let FirstSeen { day, basis, found } = seen;
            history.findings.insert(key, Record { day, basis, found });
        }
        seen
    });
    let seen = seen.collect();
    if let (Some(folder), Some(path)) = (folder, path)
        && let Err(error) = write(&history, folder, &path)
    {
        trouble = Some(format!("the history of findings is not kept: {error}"));
    }
    (seen, trouble)
}

/// Since when each finding of a changed image is known: what `before` had already, since then; all else since today.
#[must_use]
pub fn carried(before: (&Scan, &[FirstSeen]), after: &Scan, today: Date) -> Vec<Date> {
    let (scan, seen) = before;
    let known = scan.findings.iter().map(|finding| identity(finding, &scan.inventory));
    let known: BTreeMap<(String, String), Date> = known.zip(seen.iter().map(|seen| seen.found)).collect();
    let found = |finding| known.get(&identity(finding, &after.inventory)).copied().unwrap_or(today);
    after.findings.iter().map(found).collect()
}

/// The name of an image without tag and digest, so that its next version has the same. A file's or folder's stays.
fn repository(name: &str) -> String {
    const PATHS: [&str; 6] = ["oci:", "oci-dir:", "archive:", "oci-archive:", "docker-archive:", "dir:"];
    let name = name.split('@').next().unwrap_or_default();
    let scheme = PATHS.iter().find(|scheme| name.starts_with(**scheme)).map_or(0, |scheme| scheme.len());
    match name.rsplit_once(':') {
        Some((repository, tag)) if repository.len() > scheme && !tag.contains('/') => repository.to_owned(),
        _ => name.to_owned(),
    }
}

fn place(folder: &Path, name: &str, platform: &Platform) -> PathBuf {
    folder.join(format!("{}.json", Digest::of(format!("{name}\0{platform}").as_bytes()).hex()))
}

/// What is remembered; none if there is no file.
fn read(path: &Path) -> Result<Option<History>, String> {
    let bytes = match bounded::read_file(path, LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("reading {}: {error}", path.display())),
    };
    let history: History =
        serde_json::from_slice(&bytes).map_err(|error| format!("{} is damaged ({error})", path.display()))?;
    if history.version != 1 {
        return Err(format!("{} is of version {}", path.display(), history.version));
    }
    Ok(Some(history))
}

fn write(history: &History, folder: &Path, path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let bytes = serde_json::to_vec(history)?;
    let mut file = WholeFile::new_in(folder, 0o600)?;
    file.write_all(&bytes)?;
    file.persist(path)?;
    prune(folder)
}

/// Forgets the images that were not looked at for longest.
fn prune(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() && entry.path().extension().is_some_and(|ending| ending == "json") {
            files.push((metadata.modified()?, entry.path()));
        }
    }
    files.sort();
    for (_, path) in files.iter().take(files.len().saturating_sub(IMAGES)) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use plimsoll_model::finding::{Finding, Vulnerability};
    use plimsoll_model::scan::ImageIdentity;
    use plimsoll_model::severity::Severity;
    use plimsoll_model::verdict::Verdict;

    use super::*;

    fn scan(name: &str, findings: &[(&str, Option<Date>)]) -> Scan {
        let finding = |(id, published): &(&str, Option<Date>)| Finding {
            id: (*id).into(),
            title: String::new(),
            severity: Severity::High,
            severity_source: "test".into(),
            kind: FindingKind::Vulnerability(Box::new(Vulnerability {
                published: *published,
                ..Vulnerability::default()
            })),
            locations: vec![],
            position: None,
            remedy: None,
            references: vec![],
        };
        Scan {
            image: ImageIdentity {
                name: name.into(),
                manifest_digest: None,
                index_digest: None,
                config_digest: None,
                platform: Platform { os: "linux".into(), architecture: "amd64".into(), variant: None },
                created: None,
            },
            layers: vec![],
            inventory: plimsoll_model::inventory::Inventory::default(),
            owned_files: vec![],
            dependencies: vec![],
            findings: findings.iter().map(finding).collect(),
            set_aside: vec![],
            secrets_known: 0,
            gaps: vec![],
            database: None,
            verdict: Verdict::Pass,
        }
    }

    fn seen(day: Date, basis: SeenBasis, found: Date) -> FirstSeen {
        FirstSeen { day, basis, found }
    }

    #[test]
    fn a_finding_keeps_its_day_over_tags_and_new_ones_begin_today() {
        let folder = tempfile::tempdir().unwrap();
        let (old, january, february) = (date(2025, 1, 1), date(2026, 1, 1), date(2026, 2, 1));
        let first = scan("shop:1", &[("CVE-1", Some(old)), ("CVE-2", None)]);
        let (days, trouble) = first_seen(&first, Some(folder.path()), january);
        assert_eq!(trouble, None);
        assert_eq!(days[0], seen(old, SeenBasis::Publication, january));
        assert_eq!(days[1], seen(january, SeenBasis::Today, january));
        let later = scan("shop:2", &[("CVE-1", Some(old)), ("CVE-3", Some(old))]);
        let (days, _) = first_seen(&later, Some(folder.path()), february);
        assert_eq!(days[0], seen(old, SeenBasis::History, january));
        assert_eq!(days[1], seen(february, SeenBasis::Today, february), "new in this image");
        assert_eq!(carried((&later, &days), &first, date(2026, 3, 1)), [january, date(2026, 3, 1)]);
        let (days, _) = first_seen(&later, None, february);
        assert_eq!(days[1].basis, SeenBasis::Publication);
    }

    #[test]
    fn platforms_are_remembered_apart_and_a_clock_that_was_ahead_puts_nothing_off() {
        let folder = tempfile::tempdir().unwrap();
        let amd = scan("shop:1", &[("CVE-1", None)]);
        let mut arm = scan("shop:1", &[("CVE-2", None)]);
        arm.image.platform.architecture = "arm64".into();
        let found = |scan: &Scan, day| first_seen(scan, Some(folder.path()), day).0[0].found;
        assert_eq!(found(&amd, date(2026, 5, 1)), date(2026, 5, 1));
        assert_eq!(found(&arm, date(2026, 5, 2)), date(2026, 5, 2));
        assert_eq!(found(&amd, date(2026, 1, 1)), date(2026, 1, 1));
        assert_eq!(found(&amd, date(2026, 6, 1)), date(2026, 1, 1));
        assert_eq!(found(&arm, date(2026, 6, 1)), date(2026, 5, 2));
    }

    #[test]
    fn a_damaged_history_counts_as_absent_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let scan = scan("shop:1", &[("CVE-1", None)]);
        let path = place(folder.path(), "shop", &scan.image.platform);
        for damaged in ["{", "{\"version\":9,\"image\":\"\",\"findings\":{}}"] {
            std::fs::write(&path, damaged).unwrap();
            let (seen, trouble) = first_seen(&scan, Some(folder.path()), date(2026, 1, 1));
            assert_eq!(seen[0].basis, SeenBasis::Today);
            assert!(trouble.unwrap().contains("is not used"));
        }
        let (_, trouble) = first_seen(&scan, Some(folder.path()), date(2026, 1, 1));
        assert_eq!(trouble, None, "it was written anew");
    }

    #[test]
    fn names_lose_tags_and_digests_only() {
        for (name, expected) in [
            ("reg.example:5000/shop:1", "reg.example:5000/shop"),
            ("reg.example:5000/shop", "reg.example:5000/shop"),
            ("shop@sha256:00", "shop"),
            ("oci:image", "oci:image"),
            ("oci:image:1.4", "oci:image"),
        ] {
            assert_eq!(repository(name), expected);
        }
    }
}
