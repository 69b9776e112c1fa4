//! What a Java archive says that it is: `pom.properties` above all; else the manifest, with the name of the file as
//! Maven gives it, `artifact-version.jar`. A group is never made up: where nothing tells it, the name is the artifact's.

use plimsoll_model::package::{Ecosystem, Package};

use super::groups;

/// A `META-INF/maven/GROUP/ARTIFACT/pom.properties`.
#[derive(Debug)]
pub(super) struct Pom {
    group: String,
    artifact: String,
    version: Option<String>,
    /// The member's name.
    member: String,
}

/// Tells whether a member is a `pom.properties` in its place.
pub(super) fn names_pom(name: &str) -> bool {
    let mut parts = name.rsplit('/');
    parts.next() == Some("pom.properties")
        && parts.nth(2) == Some("maven")
        && parts.next() == Some("META-INF")
}

impl Pom {
    /// Reads the properties; what they leave open, the member's own path tells.
    pub(super) fn parse(text: &str, member: &str) -> Option<Self> {
        let property = |name: &str| {
            let mut values = text.lines().filter_map(|line| {
                let line = line.trim_start();
                let (key, value) = line.split_once(['=', ':']).filter(|_| !line.starts_with(['#', '!']))?;
                (key.trim_end() == name).then(|| value.trim().replace('\\', ""))
            });
            values.next_back()
        };
        let mut path = member.rsplit('/').skip(1).map(str::to_owned);
        let (artifact, group) = (path.next(), path.next());
        Some(Self {
            artifact: property("artifactId").filter(|id| is_id(id)).or(artifact).filter(|id| is_id(id))?,
            group: property("groupId").filter(|id| is_id(id)).or(group).filter(|id| is_id(id))?,
            version: property("version").filter(|version| is_version(version)),
            member: member.to_owned(),
        })
    }

    fn package(&self, version: &str) -> Package {
        let version = self.version.as_deref().unwrap_or(version);
        Package::new(Ecosystem::Maven, format!("{}:{}", self.group, self.artifact), version)
    }
}

/// The fields of a manifest's main section that tell what the archive is.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    title: Option<String>,
    vendor_id: Option<String>,
    version: Option<String>,
    bundle_name: Option<String>,
    bundle_version: Option<String>,
    /// Whether it is a part of a Java runtime, which is told by its `release`.
    is_of_runtime: bool,
}

impl Manifest {
    pub(super) fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut lines = text.lines().take_while(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let mut value = value.trim_start().to_owned();
            // A line that starts with a space goes on with the one before.
            while let Some(more) = lines.next_if(|line| line.starts_with(' ')) {
                value.push_str(more.get(1..).unwrap_or_default());
            }
            let (field, fits): (_, fn(&str) -> bool) = match key.to_ascii_lowercase().as_str() {
                "specification-title" => {
                    manifest.is_of_runtime = value.trim() == "Java Platform API Specification";
                    continue;
                }
                "implementation-title" => (&mut manifest.title, is_id),
                "implementation-vendor-id" => (&mut manifest.vendor_id, is_id),
                "implementation-version" => (&mut manifest.version, is_version),
                "bundle-symbolicname" => (&mut manifest.bundle_name, is_id),
                "bundle-version" => (&mut manifest.bundle_version, is_version),
                _ => continue,
            };
            // Directives follow a semicolon; some versions have a revision behind them: `10.14.2.0 - (1828579)`.
            let value = value.split(';').next().unwrap_or_default().trim();
            let value = value.split_once(" - (").map_or(value, |(before, _)| before);
            *field = Some(value.to_owned()).filter(|value| fits(value));
        }
        manifest
    }

    fn names_somebody(&self) -> bool {
        self.title.is_some() || self.bundle_name.is_some()
    }

    fn versions(&self) -> impl Iterator<Item = &str> {
        [&self.version, &self.bundle_version].into_iter().flatten().map(String::as_str)
    }
}

/// What the archive itself is, and what was copied into it, each with the member that tells. `has` tells whether a
/// member's name starts so.
pub(super) fn identify(
    file_name: &str,
    manifest: &Manifest,
    mut poms: Vec<Pom>,
    has: impl Fn(&str) -> bool,
) -> (Option<Package>, Vec<(Package, String)>) {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let (artifact, version) = split(stem, manifest);
    let own = own_pom(stem, version, manifest, &poms).map(|index| poms.remove(index));
    let version = version.or(manifest.versions().next()).unwrap_or_default();
    let own = match own {
        Some(own) => Some(own.package(version)),
        // In a jar of copies, what has no version is but the name of the file.
        None if !poms.is_empty() && version.is_empty() => None,
        None if manifest.is_of_runtime => None,
        None => {
            let artifact =
                if stem == artifact { manifest.title.as_deref().unwrap_or(artifact) } else { artifact };
            Some(named(artifact, version, manifest, has))
        }
    };
    // Two versions of Maven's plugins may leave the same properties twice.
    let copied = poms.into_iter().map(|pom| (pom.package(""), pom.member));
    (own, copied.collect())
}

/// The artifact and the version in the name of a file, `log4j-1.2-api-2.14.1`, with the manifest's help for such.
fn split<'a>(stem: &'a str, manifest: &Manifest) -> (&'a str, Option<&'a str>) {
    for version in manifest.versions() {
        if let Some(artifact) = stem.strip_suffix(version).and_then(|rest| rest.strip_suffix(['-', '_']))
            && !artifact.is_empty()
        {
            return (artifact, stem.get(artifact.len() + 1..));
        }
    }
    let before_digit = |separator: char| {
        let mut places = stem.match_indices(separator).map(|(at, _)| at);
        places
            .find(|at| stem.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
    };
    match before_digit('-').or_else(|| before_digit('_')) {
        Some(at @ 1..) => {
            (stem.get(..at).unwrap_or(stem), stem.get(at + 1..).filter(|version| is_version(version)))
        }
        _ => (stem, None),
    }
}

/// Which of the properties are the archive's own: those that its name fits best, or that the manifest names, or the
/// only ones, if the file has a name of somebody's own choice and the manifest names nobody else.
fn own_pom(stem: &str, version: Option<&str>, manifest: &Manifest, poms: &[Pom]) -> Option<usize> {
    let fits = |pom: &Pom| {
        let rest = stem.strip_prefix(pom.artifact.as_str())?;
        (rest.is_empty() || rest.starts_with(['-', '_'])).then_some(pom.artifact.len())
    };
    let by_name = poms.iter().enumerate().filter_map(|(index, pom)| Some((fits(pom)?, index))).max();
    let named = |pom: &Pom| {
        manifest.title.as_ref() == Some(&pom.artifact)
            || manifest.bundle_name.as_ref().is_some_and(|name| {
                *name == pom.artifact
                    || *name == pom.group
                    || *name == format!("{}.{}", pom.group, pom.artifact)
            })
    };
    by_name
        .map(|(_, index)| index)
        .or_else(|| poms.iter().position(named))
        .or_else(|| (poms.len() == 1 && version.is_none() && !manifest.names_somebody()).then_some(0))
}

fn named(artifact: &str, version: &str, manifest: &Manifest, has: impl Fn(&str) -> bool) -> Package {
    if let Some((group, artifact)) = groups::find(artifact, has) {
        return Package::new(Ecosystem::Maven, format!("{group}:{artifact}"), version);
    }
    let group = manifest.vendor_id.clone().filter(|id| is_group(id));
    let group = group.or_else(|| group_of_bundle(manifest.bundle_name.as_deref()?, artifact));
    let name = group.map_or_else(|| artifact.to_owned(), |group| format!("{group}:{artifact}"));
    Package::new(Ecosystem::Maven, name, version)
}

/// Maven's bundle plugin makes the name of group and artifact: `org.x` and `y` give `org.x.y`, `org.x` and `x-y` give
/// `org.x.y` too (<https://felix.apache.org/documentation/subprojects/apache-felix-maven-bundle-plugin-bnd.html>).
fn group_of_bundle(bundle: &str, artifact: &str) -> Option<String> {
    let (group, last) = bundle.rsplit_once('.')?;
    let group_last = group.rsplit('.').next()?;
    let starts_so = artifact.strip_prefix(group_last).and_then(|rest| rest.strip_prefix(['-', '.']));
    let group = bundle
        .strip_suffix(artifact)
        .and_then(|rest| rest.strip_suffix('.'))
        .or_else(|| (starts_so == Some(last)).then_some(group))?;
    is_group(group).then(|| group.to_owned())
}

/// Tells a group from the name of a vendor, which old manifests have in its place.
fn is_group(id: &str) -> bool {
    id.contains('.') && !["org.apache", "org.eclipse", "com.sun", "com.oracle", "com.google"].contains(&id)
}

fn is_id(id: &str) -> bool {
    (1..256).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// A version starts with a digit, or as `v1` or a code name does; placeholders and sentences are none.
fn is_version(version: &str) -> bool {
    (1..128).contains(&version.len())
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
}
