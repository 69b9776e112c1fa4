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
    /// By fingerprint.
    findings: BTreeMap<String, FirstSeen>,
}

/// Since when each finding of `scan` is known, and what could not be read or written, in words.
///
/// The first look at an image takes a finding's publication, where it tells one; later ones take today for what is new. What
/// went is forgotten.
#[must_use]
pub fn first_seen(scan: &Scan, folder: Option<&Path>, today: Date) -> (Vec<FirstSeen>, Option<String>) {
    let name = repository(&scan.image.name);
    let path = folder.map(|folder| place(folder, &name));
    let (known, mut trouble) = match path.as_deref().map(read) {
        None => (None, None),
        Some(Ok(known)) => (known, None),
        Some(Err(reason)) => (None, Some(format!("the history of findings is not used: {reason}"))),
    };
    let mut history = History { version: 1, image: name, findings: BTreeMap::new() };
    let seen = scan.findings.iter().map(|finding| {
        let (id, about) = identity(finding, &scan.inventory);
        let key = Digest::of(format!("{id}\0{about}").as_bytes()).hex();
        let published = match &finding.kind {
            FindingKind::Vulnerability(found) => found.published.filter(|day| *day <= today),
            _ => None,
        };
        let seen = match (&known, published) {
            (Some(known), _) => match known.findings.get(&key) {
                Some(seen) => FirstSeen { day: seen.day.min(today), basis: SeenBasis::History },
                None => FirstSeen { day: today, basis: SeenBasis::Today },
            },
            (None, Some(day)) => FirstSeen { day, basis: SeenBasis::Publication },
            (None, None) => FirstSeen { day: today, basis: SeenBasis::Today },
        };
        if history.findings.len() < FINDINGS {
            history.findings.insert(key, seen);
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

fn place(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{}.json", Digest::of(name.as_bytes()).hex()))
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
    use plimsoll_model::platform::Platform;
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

    #[test]
    fn a_finding_keeps_its_day_over_tags_and_new_ones_begin_today() {
        let folder = tempfile::tempdir().unwrap();
        let first = scan("shop:1", &[("CVE-1", Some(date(2025, 1, 1))), ("CVE-2", None)]);
        let (seen, trouble) = first_seen(&first, Some(folder.path()), date(2026, 1, 1));
        assert_eq!(trouble, None);
        assert_eq!(seen[0], FirstSeen { day: date(2025, 1, 1), basis: SeenBasis::Publication });
        assert_eq!(seen[1], FirstSeen { day: date(2026, 1, 1), basis: SeenBasis::Today });
        let later = scan("shop:2", &[("CVE-1", Some(date(2025, 1, 1))), ("CVE-3", Some(date(2025, 1, 1)))]);
        let (seen, _) = first_seen(&later, Some(folder.path()), date(2026, 2, 1));
        assert_eq!(seen[0], FirstSeen { day: date(2025, 1, 1), basis: SeenBasis::History });
        assert_eq!(
            seen[1],
            FirstSeen { day: date(2026, 2, 1), basis: SeenBasis::Today },
            "new in this image"
        );
        let (seen, _) = first_seen(&later, None, date(2026, 2, 1));
        assert_eq!(seen[1].basis, SeenBasis::Publication);
    }

    #[test]
    fn a_damaged_history_counts_as_absent_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let scan = scan("shop:1", &[("CVE-1", None)]);
        let path = place(folder.path(), "shop");
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
