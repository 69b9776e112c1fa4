//! The rpm family: the database in each of its forms and places, and the manifest that distroless images of
//! CBL-Mariner and Azure Linux have in its place.
//!
//! The manifest is the output of `rpm -qa` with tabs between NAME, VERSION-RELEASE, INSTALLTIME, BUILDTIME, VENDOR,
//! EPOCH, SIZE, ARCH, EPOCHNUM and SOURCERPM; it tells of no files. An SQLite database's write-ahead log is not read:
//! rpm empties it into the database whenever it ends in order, and a log that is not empty is a gap.

mod needs;

use plimsoll_formats::rpmdb::{Header, Limits, RpmDbError, headers};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::path::{Normalized, normalize};

use needs::Names;

pub(crate) const RPM: Extractor = Extractor {
    name: "rpm",
    revision: 2,
    wants: Wants {
        paths: &[
            PathRule::Exact("usr/lib/sysimage/rpm/Packages"),
            PathRule::Exact("usr/lib/sysimage/rpm/Packages.db"),
            PathRule::Exact("usr/lib/sysimage/rpm/rpmdb.sqlite"),
            PathRule::Exact("usr/lib/sysimage/rpm/rpmdb.sqlite-wal"),
            PathRule::Exact("usr/share/rpm/Packages"),
            PathRule::Exact("usr/share/rpm/Packages.db"),
            PathRule::Exact("usr/share/rpm/rpmdb.sqlite"),
            PathRule::Exact("usr/share/rpm/rpmdb.sqlite-wal"),
            PathRule::Exact("var/lib/rpm/Packages"),
            PathRule::Exact("var/lib/rpm/Packages.db"),
            PathRule::Exact("var/lib/rpm/rpmdb.sqlite"),
            PathRule::Exact("var/lib/rpm/rpmdb.sqlite-wal"),
            PathRule::Exact(MANIFEST),
        ],
        content: ContentRule::Any,
        max_size: 256 << 20,
    },
    extract,
};

const MANIFEST: &str = "var/lib/rpmmanifest/container-manifest-2";

/// Bytes of a write-ahead log without changes (<https://www.sqlite.org/fileformat2.html>, section 4.1).
const LOG_HEADER: u64 = 32;

/// Bytes of names and paths kept of one database. A header can name a long directory for each of very many files,
/// so that its paths are far longer than itself.
const TEXT: usize = 128 << 20;

/// What a string costs beside its bytes.
const STRING: usize = 32;

/// The name by which [`Fact::OwnedFiles`] knows a package: `name-version-release.arch`, as rpm spells it.
pub(crate) fn owner_key(package: &Package) -> String {
    let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, version)| version);
    match &package.architecture {
        Some(architecture) => format!("{}-{version}.{architecture}", package.name),
        None => format!("{}-{version}", package.name),
    }
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if file.path == MANIFEST {
        manifest(&file.text()?, facts);
        return Ok(());
    }
    if file.path.ends_with("-wal") {
        if file.size > LOG_HEADER {
            facts.gap(GapKind::FileUnread, "changes that are not yet in the rpm database beside it");
        }
        return Ok(());
    }
    let bytes = file.read()?;
    let mut room = TEXT;
    let mut names = Names::default();
    for header in headers(&bytes, &Limits::default()) {
        let kept = match header {
            Ok(header) if header.is_public_key() => Some(()),
            Ok(header) => record(&header, facts, &mut names, &mut room),
            Err(RpmDbError::UnknownForm) => {
                return Err(ExtractError::Malformed(RpmDbError::UnknownForm.to_string()));
            }
            Err(error) => {
                facts.gap(gap_kind(&error), error.to_string());
                Some(())
            }
        };
        if kept.is_none() {
            facts.gap(GapKind::LimitReached, format!("more than {TEXT} bytes of names and paths"));
            break;
        }
    }
    names.finish(facts);
    Ok(())
}

const fn gap_kind(error: &RpmDbError) -> GapKind {
    match error {
        RpmDbError::UnknownForm | RpmDbError::Database(_) => GapKind::FileUnread,
        RpmDbError::Page { .. } | RpmDbError::Record { .. } => GapKind::RecordUnread,
        RpmDbError::Limit { .. } => GapKind::LimitReached,
    }
}

/// Tells what a header says; `None` if there is no room left for it.
fn record(header: &Header<'_>, facts: &mut Facts, names: &mut Names, room: &mut usize) -> Option<()> {
    let Some(package) = package(header) else {
        facts.gap(GapKind::RecordUnread, "a package without name, version or release");
        return Some(());
    };
    let owner = owner_key(&package);
    spend(room, owner.len().saturating_mul(4))?;
    spend(room, package.licenses.first().map_or(0, String::len))?;
    spend(room, package.modularity.as_ref().map_or(0, String::len))?;
    names.take(header, &package, room)?;
    facts.push(Fact::Package(package));
    let owned = match header.files() {
        Ok(owned) => owned,
        Err(error) => {
            facts.gap(GapKind::RecordUnread, format!("{owner}: {error}"));
            return Some(());
        }
    };
    let mut files = Vec::new();
    for file in owned {
        spend(room, file.len())?;
        if let Normalized::Path(path) = normalize(&file.path()) {
            files.push(path);
        }
    }
    if !files.is_empty() {
        facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Rpm, owner, files });
    }
    Some(())
}

fn spend(room: &mut usize, length: usize) -> Option<()> {
    *room = room.checked_sub(length.saturating_add(STRING))?;
    Some(())
}

fn package(header: &Header<'_>) -> Option<Package> {
    let epoch = header.epoch().unwrap_or(0);
    let release = format!("{}-{}", header.version()?, header.release()?);
    let mut package = Package::new(Ecosystem::Rpm, header.name()?, with_epoch(epoch, &release));
    package.architecture = header.architecture().map(Into::into);
    package.source = header.source_rpm().and_then(|file| source(&file, epoch));
    package.licenses = header.license().map(Into::into).into_iter().collect();
    package.modularity = header.modularity_label().map(Into::into);
    Some(package)
}

fn with_epoch(epoch: u32, release: &str) -> String {
    if epoch == 0 { release.to_owned() } else { format!("{epoch}:{release}") }
}

/// Takes `name-version-release.src.rpm` apart. File names leave the epoch out; a source package's own is nearly
/// always that of its packages.
fn source(file: &str, epoch: u32) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".rpm")?;
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let sound = ![name, version, release].contains(&"");
    let version = with_epoch(epoch, &format!("{version}-{release}"));
    sound.then(|| SourcePackage { name: name.to_owned(), version })
}

fn manifest(text: &str, facts: &mut Facts) {
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match manifest_package(line) {
            Some(package) if package.name == "gpg-pubkey" && package.architecture.is_none() => {}
            Some(package) => facts.push(Fact::Package(package)),
            None => {
                let reason = format!("line {}: not the ten fields of a package", index.saturating_add(1));
                facts.gap(GapKind::RecordUnread, reason);
            }
        }
    }
}

fn manifest_package(line: &str) -> Option<Package> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, release, _, _, _, _, _, architecture, epoch, source_rpm, ..] = *fields.as_slice() else {
        return None;
    };
    let epoch = if epoch == "(none)" { 0 } else { epoch.parse().ok()? };
    if name.is_empty() || !release.contains('-') {
        return None;
    }
    let mut package = Package::new(Ecosystem::Rpm, name, with_epoch(epoch, release));
    package.architecture =
        Some(architecture).filter(|name| !matches!(*name, "" | "(none)")).map(str::to_owned);
    package.source = source(source_rpm, epoch);
    Some(package)
}

#[cfg(test)]
mod tests;
