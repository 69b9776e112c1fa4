//! Ecosystems as advisories name them (<https://ossf.github.io/osv-schema/#defined-ecosystems>): which one a
//! distribution or a package belongs to, how its names are normalized, and how its versions are ordered.

use std::borrow::Cow;

use plimsoll_model::distribution::Distribution;
use plimsoll_model::package::{Ecosystem, python_name};
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

/// Ubuntu's codenames since its first release that images of were made of, each with its release number.
const UBUNTU_CODENAMES: [(&str, &str); 28] = [
    ("precise", "12.04"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
];

/// `jammy` → `22.04`.
pub(crate) fn of_ubuntu_codename(codename: &str) -> Option<String> {
    UBUNTU_CODENAMES.iter().find(|(name, _)| *name == codename).map(|(_, release)| (*release).to_owned())
}

/// Products as errata of the rpm family name them, each with its ecosystem; the release follows the name.
const PRODUCTS: [(&str, &str); 14] = [
    ("red hat enterprise linux", "Red Hat"),
    ("oracle linux", "Oracle Linux"),
    ("amazon linux", "Amazon Linux"),
    ("rocky linux", "Rocky Linux"),
    ("almalinux", "AlmaLinux"),
    ("fedora", "Fedora"),
    ("azure linux", "Azure Linux"),
    ("cbl-mariner", "Azure Linux"),
    ("opensuse leap", "openSUSE:Leap"),
    ("suse linux enterprise", "SUSE"),
    ("openeuler", "openEuler"),
    ("photon os", "Photon OS"),
    ("photon", "Photon OS"),
    ("mageia", "Mageia"),
];

/// Tells whether a text names a product of this list, of whatever release.
pub(crate) fn is_product(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PRODUCTS.iter().any(|(prefix, _)| name.starts_with(prefix))
}

/// `Red Hat Enterprise Linux AppStream (v. 8)` → `Red Hat:8`. Channels for which somebody pays extra (extended
/// support of a minor release) are none of a plain release.
pub(crate) fn of_product(name: &str) -> Option<String> {
    let name = name
        .to_ascii_lowercase()
        .replace("amazon-linux-", "amazon linux ")
        .replace("almalinux-", "almalinux ");
    let extra = ["eus", "aus", "tus", "e4s", "ltss", "espos", "els", "epel", "sap"];
    let words =
        || name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|word| !word.is_empty());
    let (prefix, ecosystem) = PRODUCTS.iter().find(|(prefix, _)| name.starts_with(prefix))?;
    if words().any(|word| extra.contains(&word)) {
        return None;
    }
    let rest = name.get(prefix.len()..)?;
    let mut rest =
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|word| !word.is_empty());
    let release = rest.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let major = release.split('.').next()?;
    Some(match *ecosystem {
        "openSUSE:Leap" => format!("openSUSE:Leap {release}"),
        "SUSE" => match rest.next().and_then(|word| word.strip_prefix("sp")) {
            Some(pack) => format!("SUSE:{release}.{pack}"),
            None => format!("SUSE:{release}"),
        },
        "Photon OS" if !release.contains('.') => format!("Photon OS:{release}.0"),
        "Photon OS" => format!("Photon OS:{release}"),
        "openEuler" => format!("openEuler:{release}"),
        ecosystem => format!("{ecosystem}:{major}"),
    })
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
        "ol" => Some(format!("Oracle Linux:{}", major()?)),
        "amzn" => Some(format!("Amazon Linux:{}", major()?)),
        "fedora" => Some(format!("Fedora:{}", major()?)),
        "azurelinux" | "mariner" => Some(format!("Azure Linux:{}", major()?)),
        "sles" | "sle_hpc" | "sled" => Some(format!("SUSE:{}", version?)),
        "photon" => Some(format!("Photon OS:{}", version?)),
        "arch" => Some("Arch Linux".to_owned()),
        "gentoo" => Some("Gentoo".to_owned()),
        "opensuse-leap" => Some(format!("openSUSE:Leap {}", version?)),
        other => Some(version.map_or_else(|| other.to_owned(), |version| format!("{other}:{version}"))),
    }
}

/// `3.19.1` → `3.19`.
fn first_two(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The ecosystem of a language's packages; `None` for those of a distribution. Where no feed knows an ecosystem, it is
/// called by its purl type, so that the gap says it.
#[must_use]
pub const fn of_language(ecosystem: Ecosystem) -> Option<&'static str> {
    if ecosystem.is_os() {
        return None;
    }
    Some(match ecosystem {
        Ecosystem::PyPi => "PyPI",
        Ecosystem::Npm => "npm",
        Ecosystem::Maven => "Maven",
        Ecosystem::Go => "Go",
        Ecosystem::Cargo => "crates.io",
        Ecosystem::Gem => "RubyGems",
        Ecosystem::Composer => "Packagist",
        Ecosystem::NuGet => "NuGet",
        Ecosystem::Pub => "Pub",
        Ecosystem::Hex => "Hex",
        Ecosystem::Swift => "SwiftURL",
        Ecosystem::Conan => "ConanCenter",
        Ecosystem::Hackage => "Hackage",
        Ecosystem::Cran => "CRAN",
        Ecosystem::Julia => "Julia",
        Ecosystem::GitHubActions => "GitHub Actions",
        Ecosystem::Bitnami => "Bitnami",
        other => other.as_str(),
    })
}

/// What Bitnami calls programs that nobody packaged, sorted. Its advisories name versions of upstream, and begin in 2020.
const PROGRAMS: [(&str, &str); 24] = [
    ("docker-cli", "docker-cli"),
    ("envoy", "envoy"),
    ("git", "git"),
    ("go", "golang"),
    ("grafana", "grafana"),
    ("haproxy", "haproxy"),
    ("httpd", "apache"),
    ("influxdb", "influxdb"),
    ("lua", "lua"),
    ("mariadb", "mariadb"),
    ("memcached", "memcached"),
    ("nginx", "nginx"),
    ("node", "node"),
    ("openldap", "openldap"),
    ("pgbouncer", "pgbouncer"),
    ("php", "php"),
    ("postgresql", "postgresql"),
    ("prometheus", "prometheus"),
    ("python", "python"),
    ("redis", "redis"),
    ("ruby", "ruby"),
    ("sqlite", "sqlite"),
    ("valkey", "valkey"),
    ("varnish", "varnish"),
];

/// What Bitnami calls a program of upstream; `None` where it has none, or where the version is a rebuild by somebody else.
pub(crate) fn bitnami_name(program: &str, version: &str) -> Option<&'static str> {
    let is_upstream = version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let place = PROGRAMS.binary_search_by_key(&program, |(name, _)| name).ok()?;
    PROGRAMS.get(place).filter(|_| is_upstream).map(|(_, name)| *name)
}

/// The spelling under which the database keeps an ecosystem: Ubuntu's `:LTS` is not part of the release.
pub(crate) fn canonical(ecosystem: &str) -> &str {
    match ecosystem.strip_suffix(":LTS") {
        Some(release) if release.starts_with("Ubuntu:") => release,
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
    matches!(
        scheme_of(ecosystem),
        Some(Scheme::Deb | Scheme::Rpm | Scheme::Apk | Scheme::Pacman | Scheme::Gentoo)
    )
}

/// The order of an ecosystem's versions; `None` where Plimsoll knows none.
#[must_use]
pub fn scheme_of(ecosystem: &str) -> Option<Scheme> {
    match family(ecosystem) {
        "Debian" | "Ubuntu" | "Echo" => Some(Scheme::Deb),
        "Alpine" | "Wolfi" | "Chainguard" | "MinimOS" | "Alpaquita" => Some(Scheme::Apk),
        "AlmaLinux" | "Rocky Linux" | "Red Hat" | "SUSE" | "openSUSE" | "openEuler" | "Mageia"
        | "Azure Linux" | "Photon OS" | "Fedora" | "Oracle Linux" | "Amazon Linux" => Some(Scheme::Rpm),
        "Arch Linux" => Some(Scheme::Pacman),
        "PyPI" => Some(Scheme::Pep440),
        "npm" | "crates.io" | "SwiftURL" | "Hex" | "Julia" => Some(Scheme::Semver),
        "Bitnami" => Some(Scheme::Bitnami),
        "ConanCenter" => Some(Scheme::Conan),
        "GitHub Actions" => Some(Scheme::Actions),
        "opam" => Some(Scheme::Opam),
        "Gentoo" => Some(Scheme::Gentoo),
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

/// A package's name as the database keeps it: PEP 503 for Python, lower case for npm, NuGet and what GitHub names, else as written.
#[must_use]
pub fn normal_name<'n>(ecosystem: &str, name: &'n str) -> Cow<'n, str> {
    match family(ecosystem) {
        "PyPI" => python_name(name),
        "npm" | "NuGet" | "SwiftURL" | "GitHub Actions"
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            name.to_ascii_lowercase().into()
        }
        _ => Cow::Borrowed(name),
    }
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
    fn products_have_their_ecosystem() {
        let cases = [
            ("Red Hat Enterprise Linux AppStream (v. 8)", Some("Red Hat:8")),
            ("Red Hat Enterprise Linux 9", Some("Red Hat:9")),
            ("Red Hat Enterprise Linux BaseOS EUS (v.8.6)", None),
            ("Red Hat JBoss AMQ 7", None),
            ("Oracle Linux 5", Some("Oracle Linux:5")),
            ("Amazon Linux 2023", Some("Amazon Linux:2023")),
            ("amazon-linux-2023", Some("Amazon Linux:2023")),
            ("Rocky Linux 8", Some("Rocky Linux:8")),
            ("almalinux-9-for-x86_64-baseos-rpms", Some("AlmaLinux:9")),
            ("SUSE Linux Enterprise Module for Basesystem 15 SP5", Some("SUSE:15.5")),
            ("SUSE Linux Enterprise Server 12 SP5-LTSS", None),
            ("SUSE Linux Enterprise Server 15", Some("SUSE:15")),
            ("openSUSE Leap 15.6", Some("openSUSE:Leap 15.6")),
            ("Fedora 40", Some("Fedora:40")),
            ("Azure Linux", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(of_product(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn each_ecosystem_has_the_order_of_its_advisories() {
        for ecosystem in Ecosystem::ALL.into_iter().filter(|ecosystem| !ecosystem.is_os()) {
            let name = of_language(ecosystem).unwrap();
            // What no feed knows has no order of advisories either.
            if let Some(scheme) = scheme_of(name) {
                assert_eq!(scheme, ecosystem.scheme(), "{name}");
            }
        }
        assert_eq!(of_language(Ecosystem::Swift), Some("SwiftURL"));
        assert_eq!(of_language(Ecosystem::LuaRocks), Some("luarocks"));
        assert_eq!(of_language(Ecosystem::Ebuild), None);
        assert_eq!(of_distribution(&distribution("gentoo", Some("2.15"))).as_deref(), Some("Gentoo"));
    }

    #[test]
    fn programs_of_upstream_have_bitnamis_name() {
        assert!(PROGRAMS.is_sorted());
        for (program, name) in PROGRAMS {
            assert_eq!(bitnami_name(program, "1.2.3"), Some(name));
        }
        assert_eq!(bitnami_name("zlib", "1.2.13"), None);
        assert_eq!(bitnami_name("nginx", "1.22.1-2.el8"), None);
    }

    #[test]
    fn names_are_normalized_as_their_ecosystem_does() {
        assert_eq!(normal_name("PyPI", "Foo__Bar.baz"), "foo-bar-baz");
        assert_eq!(normal_name("PyPI", "urllib3"), "urllib3");
        assert_eq!(normal_name("npm", "@Babel/Core"), "@babel/core");
        assert_eq!(normal_name("Go", "github.com/BurntSushi/toml"), "github.com/BurntSushi/toml");
        assert_eq!(canonical("Ubuntu:22.04:LTS"), "Ubuntu:22.04");
        assert_eq!(canonical("Ubuntu:Pro:18.04:LTS"), "Ubuntu:Pro:18.04");
        assert_eq!(debian_release_in("dists_bookworm-security_main").as_deref(), Some("Debian:12"));
    }
}
