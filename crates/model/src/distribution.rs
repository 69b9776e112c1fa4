//! Which distribution an image is built from, as its `os-release` says
//! (<https://www.freedesktop.org/software/systemd/man/latest/os-release.html>).

use serde::{Deserialize, Serialize};

/// The facts of an `os-release` file that matching and purls need.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Distribution {
    /// `ID`: `debian`, `alpine`, `almalinux` …
    pub id: String,
    /// `ID_LIKE`, nearest first.
    pub id_like: Vec<String>,
    /// `VERSION_ID`: `12`, `3.19.1`; absent on rolling releases.
    pub version_id: Option<String>,
    /// `VERSION_CODENAME`: `bookworm`.
    pub codename: Option<String>,
    /// `PRETTY_NAME`.
    pub pretty_name: Option<String>,
    /// `CPE_NAME`, as written: `cpe:/o:redhat:enterprise_linux:9::baseos`.
    pub cpe_name: Option<String>,
}

impl Distribution {
    /// The leading number of the version, `3.19.1` → `3`.
    #[must_use]
    pub fn major(&self) -> Option<&str> {
        self.version_id.as_deref().and_then(|version| version.split('.').next())
    }

    /// The name for people: `PRETTY_NAME`, else id and version.
    #[must_use]
    pub fn title(&self) -> String {
        match (&self.pretty_name, &self.version_id) {
            (Some(name), _) => name.clone(),
            (None, Some(version)) => format!("{} {version}", self.id),
            (None, None) => self.id.clone(),
        }
    }
}
