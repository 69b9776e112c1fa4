//! Where an image's package manager gets its packages from.

use serde::{Deserialize, Serialize};

/// What a package manager's configuration says of its repositories.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Repository {
    /// A component of an apt repository.
    Apt(AptRepository),
    /// A repository of rpm packages.
    Rpm(RpmRepository),
    /// A variable that addresses of rpm repositories may name.
    RpmVariable {
        /// Its name, without the dollar sign.
        name: String,
        /// Its value.
        value: String,
    },
}

/// One component of one suite of an apt repository (sources.list(5)).
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AptRepository {
    /// The address as configured, without a slash at its end: `http://deb.debian.org/debian-security`.
    pub uri: String,
    /// `bookworm-security`.
    pub suite: String,
    /// `main`.
    pub component: String,
}

/// A repository of dnf, yum or zypper that is in use (dnf.conf(5)). Addresses are as configured, with variables in them.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct RpmRepository {
    /// Its name in the configuration: `baseos`.
    pub id: String,
    /// The addresses of the repository itself, each as good as the others.
    pub base_urls: Vec<String>,
    /// The address of a list of such addresses, one a line.
    pub mirror_list: Option<String>,
    /// The address of a Metalink document that names mirrors of `repodata/repomd.xml`.
    pub metalink: Option<String>,
}
