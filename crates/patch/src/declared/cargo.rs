//! `Cargo.lock` of versions 3 and 4 (<https://doc.rust-lang.org/cargo/reference/registry-index.html>). A package gets the new version
//! with its checksum from the index, if the index says that it asks for the same as the old one and what is locked satisfies
//! that, and if all that need it take it. What `Cargo.toml` pins to the old version (`=1.2.3`) is raised with it.

mod own;

use std::collections::BTreeMap;
use std::ops::Range;

use plimsoll_model::plan::Raise;
use semver::{Version, VersionReq};
use serde::Deserialize;
use serde_json::Value;

use super::{Contents, Declared, Refused, Registry, Texts, replaced, text};

/// The index of crates.io.
const INDEX: &str = "https://index.crates.io";
/// How lock files name it.
const SOURCES: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// A lock file.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Clone, Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// None for the workspace's own.
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Locked {
    fn is_published(&self) -> bool {
        let source = self.source.as_deref().unwrap_or_default();
        source.starts_with("registry+") || source.starts_with("sparse+")
    }
}

impl Lock {
    fn read(path: &str, text: &str) -> Result<Self, Refused> {
        toml::from_str(text).map_err(|_| Refused::Malformed(path.to_owned()))
    }

    /// The package that a need means: `NAME`, or `NAME VERSION` where there are several.
    fn meant(&self, need: &str) -> Option<usize> {
        let mut words = need.split(' ');
        let (name, version) = (words.next()?, words.next());
        self.package.iter().position(|package| {
            package.name == name && version.is_none_or(|version| package.version == version)
        })
    }
}

/// What an index says of one version.
#[derive(Deserialize)]
struct Published {
    vers: String,
    cksum: String,
    #[serde(default)]
    deps: Vec<Need>,
    #[serde(default)]
    features: Value,
    #[serde(default)]
    features2: Value,
}

#[derive(Clone, Deserialize, PartialEq)]
struct Need {
    name: String,
    req: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    default_features: bool,
    target: Option<String>,
    kind: Option<String>,
    registry: Option<String>,
    /// The crate, where it is called otherwise.
    package: Option<String>,
}

impl Need {
    fn is_development(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }

    fn crate_name(&self) -> &str {
        self.package.as_deref().unwrap_or(&self.name)
    }
}

impl Published {
    /// What decides which packages come along, but the versions.
    fn shape(&self) -> (Vec<Need>, &Value, &Value) {
        let mut needs: Vec<Need> = self
            .deps
            .iter()
            .filter(|need| !need.is_development())
            .map(|need| Need { req: String::new(), ..need.clone() })
            .collect();
        needs.sort_by(|a, b| (&a.name, &a.kind, &a.target).cmp(&(&b.name, &b.kind, &b.target)));
        (needs, &self.features, &self.features2)
    }
}

pub(super) fn read(path: &str, text: &str) -> Result<Contents, Refused> {
    let lock = Lock::read(path, text)?;
    let published: Vec<usize> = (0..lock.package.len())
        .filter(|index| lock.package.get(*index).is_some_and(Locked::is_published))
        .collect();
    let packages = published.iter().filter_map(|index| lock.package.get(*index)).map(|package| Declared {
        name: package.name.clone(),
        version: package.version.clone(),
        needs: package
            .dependencies
            .iter()
            .filter_map(|need| published.binary_search(&lock.meant(need)?).ok())
            .collect(),
    });
    Ok(Contents { packages: packages.collect(), open: Vec::new() })
}

pub(super) fn raise(
    path: &str,
    raise: &Raise,
    texts: &Texts,
    registry: &dyn Registry,
) -> Result<Texts, Refused> {
    let lock_text = text(texts, path)?;
    let lock = Lock::read(path, lock_text)?;
    let is_meant = |package: &&Locked| package.name == raise.name && package.version == raise.from;
    let Some(old) = lock.package.iter().find(is_meant) else {
        return Err(Refused::Absent(raise.name.clone(), raise.from.clone()));
    };
    if !SOURCES.contains(&old.source.as_deref().unwrap_or_default()) {
        return Err(Refused::Form("it is not of crates.io"));
    }
    let to: Version = raise.to.parse().map_err(|_| Refused::Form("the new version is none of Cargo's"))?;
    keeps_its_place(&lock, raise, &to)?;
    let versions = versions(&raise.name, registry)?;
    let of = |version: &str| {
        let found = versions.iter().find(|published| published.vers == version);
        found.ok_or_else(|| Refused::Unknown(raise.name.clone(), version.to_owned()))
    };
    let (before, after) = (of(&raise.from)?, of(&raise.to)?);
    fits(&lock, old, raise, before, after)?;
    let mut pins = asked(&lock, path, raise, &to, texts, registry)?;
    let locked = edits(lock_text, raise, &after.cksum).ok_or(Refused::Form("its lines are not found"))?;
    pins.insert(path.to_owned(), locked);
    pins.into_iter().map(|(path, edits)| Ok((path.clone(), replaced(text(texts, &path)?, edits)))).collect()
}

/// Which bytes of which files become what.
type Edits = BTreeMap<String, Vec<(Range<usize>, String)>>;

/// Several versions of one crate are sorted; the new one must come where the old one was.
fn keeps_its_place(lock: &Lock, raise: &Raise, to: &Version) -> Result<(), Refused> {
    let from: Option<Version> = raise.from.parse().ok();
    let others = lock.package.iter().filter(|other| other.name == raise.name && other.version != raise.from);
    for other in others {
        let other: Option<Version> = other.version.parse().ok();
        if other.as_ref() == Some(to) || (other < from) != (other.as_ref() < Some(to)) {
            return Err(Refused::Form("the lock file has another version of it, which it would meet"));
        }
    }
    Ok(())
}

/// What the index says of all versions of a crate.
fn versions(name: &str, registry: &dyn Registry) -> Result<Vec<Published>, Refused> {
    let name = name.to_ascii_lowercase();
    let part = |range: Range<usize>| name.get(range).unwrap_or_default();
    let folder = match name.len() {
        1 => "1".to_owned(),
        2 => "2".to_owned(),
        3 => format!("3/{}", part(0..1)),
        _ => format!("{}/{}", part(0..2), part(2..4)),
    };
    let address = format!("{INDEX}/{folder}/{name}");
    let bytes = registry.get(&address).map_err(Refused::Registry)?;
    let text = String::from_utf8_lossy(&bytes);
    // Lines of a form that is not known are versions that are not known.
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Whether the new version asks for what the old one asked for, and what is locked satisfies it.
fn fits(
    lock: &Lock,
    old: &Locked,
    raise: &Raise,
    before: &Published,
    after: &Published,
) -> Result<(), Refused> {
    let lacks = |need: String| Refused::Needs(raise.name.clone(), raise.to.clone(), need);
    if before.shape() != after.shape() {
        let is_new = |need: &&Need| {
            !need.is_development() && !before.deps.iter().any(|other| other.crate_name() == need.crate_name())
        };
        let new = after.deps.iter().find(is_new);
        return Err(lacks(new.map_or_else(
            || "other features or packages than before".to_owned(),
            |need| format!("{} {}", need.crate_name(), need.req),
        )));
    }
    for need in &old.dependencies {
        let Some(locked) = lock.meant(need).and_then(|index| lock.package.get(index)) else { continue };
        let wishes = |published: &'_ Published| -> Vec<String> {
            let of = |wish: &&Need| !wish.is_development() && wish.crate_name() == locked.name;
            published.deps.iter().filter(of).map(|wish| wish.req.clone()).collect()
        };
        // A crate may be asked for in several versions: those that the locked one satisfied are its own.
        for (was, is) in wishes(before).iter().zip(wishes(after)) {
            if takes(was, &locked.version) && !takes(&is, &locked.version) {
                return Err(lacks(format!("{} {is}", locked.name)));
            }
        }
    }
    Ok(())
}

/// Whether all that need the package take its new version, or will when pins of the workspace's own are raised, which are given.
fn asked(
    lock: &Lock,
    path: &str,
    raise: &Raise,
    to: &Version,
    texts: &Texts,
    registry: &dyn Registry,
) -> Result<Edits, Refused> {
    let mut pins = Edits::new();
    let needs_it = |package: &&Locked| {
        let meant = package.dependencies.iter().filter_map(|need| lock.package.get(lock.meant(need)?));
        meant.into_iter().any(|meant| meant.name == raise.name && meant.version == raise.from)
    };
    for package in lock.package.iter().filter(needs_it) {
        let needed =
            |range: &str| Refused::Needed(package.name.clone(), raise.name.clone(), range.to_owned());
        let mut own = Vec::new();
        let wishes = if package.is_published() {
            let versions = versions(&package.name, registry)?;
            let found = versions.into_iter().find(|published| published.vers == package.version);
            let found =
                found.ok_or_else(|| Refused::Unknown(package.name.clone(), package.version.clone()))?;
            let of = |wish: &Need| wish.crate_name() == raise.name;
            found.deps.into_iter().filter(of).map(|wish| wish.req).collect()
        } else {
            own = own::wishes(&package.name, path, &raise.name, texts);
            own.iter().map(|wish| wish.range.clone()).collect::<Vec<String>>()
        };
        let mut met = wishes.iter().enumerate().filter(|(_, wish)| takes(wish, &raise.from)).peekable();
        if met.peek().is_none() {
            return Err(needed("in a way that is not read"));
        }
        for (index, wish) in met.filter(|(_, wish)| !takes(wish, &to.to_string())) {
            let pin = own.get(index).and_then(|wish| wish.pinned(raise, texts));
            let (path, place) = pin.ok_or_else(|| needed(wish))?;
            let edit = (place, raise.to.clone());
            let edits = pins.entry(path).or_default();
            // Several packages of a workspace may share one.
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
    }
    Ok(pins)
}

fn takes(wish: &str, version: &str) -> bool {
    let (Ok(wish), Ok(version)) = (wish.parse::<VersionReq>(), version.parse::<Version>()) else {
        return false;
    };
    wish.matches(&version)
}

/// What changes in the text: version and checksum of the package, and its name with version where others need it.
fn edits(text: &str, raise: &Raise, checksum: &str) -> Option<Vec<(Range<usize>, String)>> {
    let is_digest = checksum.len() == 64 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
    let head = format!("[[package]]\nname = \"{}\"\nversion = \"{}\"\n", raise.name, raise.from);
    let start = text.find(&head).filter(|_| is_digest)?;
    let version = start + head.len() - raise.from.len() - 2;
    let block = text.get(start + head.len()..)?;
    let block = block.get(..block.find("\n[[").unwrap_or(block.len()))?;
    let sum = block.find("checksum = \"")? + start + head.len() + "checksum = \"".len();
    let mut edits =
        vec![(version..version + raise.from.len(), raise.to.clone()), (sum..sum + 64, checksum.to_owned())];
    let named = format!("\"{} {}", raise.name, raise.from);
    for (at, _) in text.match_indices(&named) {
        let end = at + named.len();
        if text.get(end..)?.starts_with(['"', ' ']) {
            edits.push((end - raise.from.len()..end, raise.to.clone()));
        }
    }
    Some(edits)
}
