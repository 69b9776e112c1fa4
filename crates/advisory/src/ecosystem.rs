//! Ecosystems as advisories name them (<https://ossf.github.io/osv-schema/#defined-ecosystems>): which one a
//! distribution or a package belongs to, how its names are normalized, and how its versions are ordered.

use std::borrow::Cow;

use plimsoll_model::distribution::Distribution;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::version::Scheme;

/// Debian's codenames, each with its release number.
const DEBIAN_CODENAMES: [(&str, &str); 14] = [
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("etch", "4"),
    ("sarge", "3.1"),
    ("woody", "3.0"),
];

/// `bookworm` → `Debian:12`.
#[must_use]
pub fn of_debian_codename(codename: &str) -> Option<String> {
    let release = DEBIAN_CODENAMES.iter().find(|(name, _)| *name == codename)?.1;
    Some(format!("Debian:{release}"))
}

/// The first Debian codename that stands as a word in `text`, as an ecosystem.
pub(crate) fn debian_release_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).find_map(of_debian_codename)
}

/// The ecosystem of a distribution's own packages; `None` if the release cannot be told.
#[must_use]
pub fn of_distribution(distribution: &Distribution) -> Option<String> {
    let version = distribution.version_id.as_deref().filter(|version| !version.is_empty());
    let major = || distribution.major().filter(|major| !major.is_empty());
    match distribution.id.as_str() {
        "" => None,
        "debian" => major()
            .map(|major| format!("Debian:{major}"))
            .or_else(|| of_debian_codename(distribution.codename.as_deref()?)),
        "ubuntu" => Some(format!("Ubuntu:{}", version?)),
        "alpine" => Some(format!("Alpine:v{}", first_two(version?))),
        "wolfi" => Some("Wolfi".to_owned()),
        "chainguard" => Some("Chainguard".to_owned()),
        "almalinux" => Some(format!("AlmaLinux:{}", major()?)),
        "rocky" => Some(format!("Rocky Linux:{}", major()?)),
        "rhel" => Some(format!("Red Hat:{}", major()?)),
        "opensuse-leap" => Some(format!("openSUSE:Leap {}", version?)),
        other => Some(version.map_or_else(|| other.to_owned(), |version| format!("{other}:{version}"))),
    }
}

/// `3.19.1` → `3.19`.
fn first_two(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The ecosystem of a language's packages; `None` for those of a distribution.
#[must_use]
pub const fn of_language(ecosystem: Ecosystem) -> Option<&'static str> {
    match ecosystem {
        Ecosystem::Deb | Ecosystem::Apk | Ecosystem::Rpm => None,
        Ecosystem::PyPi => Some("PyPI"),
        Ecosystem::Npm => Some("npm"),
        Ecosystem::Maven => Some("Maven"),
        Ecosystem::Go => Some("Go"),
        Ecosystem::Cargo => Some("crates.io"),
    }
}

/// The spelling under which the database keeps an ecosystem: Ubuntu's `:LTS` is not part of the release.
pub(crate) fn canonical(ecosystem: &str) -> &str {
    match ecosystem.strip_suffix(":LTS") {
        Some(release) if release.starts_with("Ubuntu:") && !release.starts_with("Ubuntu:Pro") => release,
        _ => ecosystem,
    }
}

/// The part before the release: `Debian:12` → `Debian`.
fn family(ecosystem: &str) -> &str {
    ecosystem.split(':').next().unwrap_or(ecosystem)
}

/// Tells whether advisories of this ecosystem come from a distribution about its own packages.
#[must_use]
pub fn is_distribution(ecosystem: &str) -> bool {
    matches!(scheme_of(ecosystem), Some(Scheme::Deb | Scheme::Rpm | Scheme::Apk))
}

/// The order of an ecosystem's versions; `None` where Plimsoll knows none.
#[must_use]
pub fn scheme_of(ecosystem: &str) -> Option<Scheme> {
    match family(ecosystem) {
        "Debian" | "Ubuntu" | "Echo" => Some(Scheme::Deb),
        "Alpine" | "Wolfi" | "Chainguard" | "MinimOS" | "Alpaquita" => Some(Scheme::Apk),
        "AlmaLinux" | "Rocky Linux" | "Red Hat" | "SUSE" | "openSUSE" | "openEuler" | "Mageia"
        | "Azure Linux" | "Photon OS" | "Fedora" => Some(Scheme::Rpm),
        "PyPI" => Some(Scheme::Pep440),
        "npm" | "crates.io" | "Bitnami" | "SwiftURL" | "Hex" => Some(Scheme::Semver),
        "RubyGems" => Some(Scheme::RubyGems),
        "NuGet" => Some(Scheme::NuGet),
        "Packagist" => Some(Scheme::Packagist),
        "Pub" => Some(Scheme::Pub),
        "CRAN" | "Bioconductor" => Some(Scheme::Cran),
        "Hackage" | "GHC" => Some(Scheme::Hackage),
        "Maven" => Some(Scheme::Maven),
        "Go" => Some(Scheme::Go),
        _ => None,
    }
}

/// A package's name as the database keeps it: PEP 503 for Python, lower case for npm and NuGet, else as written.
#[must_use]
pub fn normal_name<'n>(ecosystem: &str, name: &'n str) -> Cow<'n, str> {
    match family(ecosystem) {
        "PyPI" => pep503(name),
        "npm" | "NuGet" if name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            name.to_ascii_lowercase().into()
        }
        _ => Cow::Borrowed(name),
    }
}

/// <https://peps.python.org/pep-0503/#normalized-names>
fn pep503(name: &str) -> Cow<'_, str> {
    let separator = |c: char| matches!(c, '-' | '_' | '.');
    let normal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().all(normal) && !name.contains("--") {
        return Cow::Borrowed(name);
    }
    let mut normalized = String::with_capacity(name.len());
    for c in name.chars() {
        if !separator(c) {
            normalized.extend(c.to_lowercase());
        } else if !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    normalized.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(id: &str, version: Option<&str>) -> Distribution {
        Distribution { id: id.into(), version_id: version.map(Into::into), ..Distribution::default() }
    }

    #[test]
    fn distributions_have_their_ecosystem() {
        let cases = [
            ("debian", Some("12.5"), Some("Debian:12")),
            ("debian", None, None),
            ("ubuntu", Some("22.04"), Some("Ubuntu:22.04")),
            ("alpine", Some("3.19.1"), Some("Alpine:v3.19")),
            ("wolfi", Some("20230201"), Some("Wolfi")),
            ("almalinux", Some("9.4"), Some("AlmaLinux:9")),
            ("rocky", Some("9.4"), Some("Rocky Linux:9")),
            ("nixos", None, Some("nixos")),
        ];
        for (id, version, expected) in cases {
            assert_eq!(of_distribution(&distribution(id, version)).as_deref(), expected, "{id}");
        }
        let sid = Distribution { codename: Some("bookworm".into()), ..distribution("debian", None) };
        assert_eq!(of_distribution(&sid).as_deref(), Some("Debian:12"));
    }

    #[test]
    fn names_are_normalized_as_their_ecosystem_does() {
        assert_eq!(normal_name("PyPI", "Foo__Bar.baz"), "foo-bar-baz");
        assert_eq!(normal_name("PyPI", "urllib3"), "urllib3");
        assert_eq!(normal_name("npm", "@Babel/Core"), "@babel/core");
        assert_eq!(normal_name("Go", "github.com/BurntSushi/toml"), "github.com/BurntSushi/toml");
        assert_eq!(canonical("Ubuntu:22.04:LTS"), "Ubuntu:22.04");
        assert_eq!(canonical("Ubuntu:Pro:18.04:LTS"), "Ubuntu:Pro:18.04:LTS");
        assert_eq!(debian_release_in("dists_bookworm-security_main").as_deref(), Some("Debian:12"));
    }
}
