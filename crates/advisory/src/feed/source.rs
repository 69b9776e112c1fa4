//! Who publishes the advisories: names, licences, and where a person reads on.

/// A publisher of advisories.
#[derive(Debug, Eq, PartialEq)]
pub struct Source {
    /// The name in reports: `rustsec`.
    pub name: &'static str,
    /// The name of the authority, for a severity that is its own word: `Debian`.
    pub title: &'static str,
    /// The licence of the data.
    pub license: &'static str,
    /// Where the data comes from.
    pub url: &'static str,
    /// The page of one advisory; `{id}`, `{dashed}` (colons as dashes) and `{release}` stand for its parts.
    pub page: &'static str,
    /// How the ids of its OSV records start.
    pub prefixes: &'static [&'static str],
}

const NOT_STATED: &str = "not stated";

/// Publishers whose records come in OSV's format, told apart by the start of an id.
pub(crate) const OSV_SOURCES: &[Source] = &[
    Source {
        name: "almalinux",
        title: "AlmaLinux",
        license: "MIT",
        url: "https://github.com/AlmaLinux/osv-database",
        page: "https://errata.almalinux.org/{release}/{dashed}.html",
        prefixes: &["ALSA-", "ALBA-", "ALEA-"],
    },
    Source {
        name: "alpine",
        title: "Alpine",
        license: NOT_STATED,
        url: "https://secdb.alpinelinux.org",
        page: "https://security.alpinelinux.org/vuln/{id}",
        prefixes: &["ALPINE-"],
    },
    Source {
        name: "bitnami",
        title: "Bitnami",
        license: "Apache-2.0",
        url: "https://github.com/bitnami/vulndb",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["BIT-"],
    },
    Source {
        name: "debian",
        title: "Debian",
        license: NOT_STATED,
        url: "https://security-tracker.debian.org",
        page: "https://security-tracker.debian.org/tracker/{id}",
        prefixes: &["DSA-", "DLA-", "DTSA-", "DEBIAN-"],
    },
    Source {
        name: "github",
        title: "GitHub",
        license: "CC-BY-4.0",
        url: "https://github.com/github/advisory-database",
        page: "https://github.com/advisories/{id}",
        prefixes: &["GHSA-"],
    },
    Source {
        name: "golang",
        title: "Go",
        license: "CC-BY-4.0",
        url: "https://github.com/golang/vulndb",
        page: "https://pkg.go.dev/vuln/{id}",
        prefixes: &["GO-"],
    },
    Source {
        name: "haskell",
        title: "Haskell",
        license: "CC0-1.0",
        url: "https://github.com/haskell/security-advisories",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["HSEC-"],
    },
    Source {
        name: "malicious-packages",
        title: "OpenSSF",
        license: "Apache-2.0",
        url: "https://github.com/ossf/malicious-packages",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["MAL-"],
    },
    Source {
        name: "oss-fuzz",
        title: "OSS-Fuzz",
        license: "CC-BY-4.0",
        url: "https://github.com/google/oss-fuzz-vulns",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["OSV-"],
    },
    Source {
        name: "pypa",
        title: "PyPA",
        license: "CC-BY-4.0",
        url: "https://github.com/pypa/advisory-database",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["PYSEC-"],
    },
    Source {
        name: "redhat",
        title: "Red Hat",
        license: "CC-BY-4.0",
        url: "https://security.access.redhat.com/data/osv",
        page: "https://access.redhat.com/errata/{id}",
        prefixes: &["RHSA-", "RHBA-", "RHEA-"],
    },
    Source {
        name: "rocky",
        title: "Rocky Linux",
        license: NOT_STATED,
        url: "https://errata.rockylinux.org",
        page: "https://errata.rockylinux.org/{id}",
        prefixes: &["RLSA-", "RLBA-", "RLEA-", "RXSA-"],
    },
    Source {
        name: "rustsec",
        title: "RustSec",
        license: "CC0-1.0, in part CC-BY-4.0",
        url: "https://github.com/rustsec/advisory-db",
        page: "https://rustsec.org/advisories/{id}.html",
        prefixes: &["RUSTSEC-"],
    },
    Source {
        name: "suse",
        title: "SUSE",
        license: NOT_STATED,
        url: "https://www.suse.com/support/security",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["SUSE-", "openSUSE-"],
    },
    Source {
        name: "ubuntu",
        title: "Ubuntu",
        license: NOT_STATED,
        url: "https://github.com/canonical/ubuntu-security-notices",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["USN-", "LSN-", "UBUNTU-"],
    },
    Source {
        name: "chainguard",
        title: "Chainguard",
        license: NOT_STATED,
        url: "https://packages.cgr.dev/chainguard/osv",
        page: "https://osv.dev/vulnerability/{id}",
        prefixes: &["CGA-"],
    },
];

/// Any other publisher.
pub(crate) static OTHER: Source = Source {
    name: "osv",
    title: "OSV",
    license: NOT_STATED,
    url: "https://osv.dev",
    page: "https://osv.dev/vulnerability/{id}",
    prefixes: &[],
};

/// The publisher of an OSV record.
pub(crate) fn of_osv_id(id: &str) -> &'static Source {
    OSV_SOURCES
        .iter()
        .find(|source| source.prefixes.iter().any(|prefix| id.starts_with(prefix)))
        .unwrap_or(&OTHER)
}
