//! The configuration file, TOML; unknown keys are refused. `docs/configuration.md` describes it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use plimsoll_advisory::fetch::Source;
use plimsoll_checks::licenses::LicensePolicy;
use plimsoll_image::source::registry::RegistrySettings;
use serde::Deserialize;

/// The file's content.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Registries: authorities, proxies, mirrors.
    pub(crate) registries: RegistrySettings,
    /// The audit trail that commands write into.
    pub(crate) audit: AuditSettings,
    /// The evidence cache.
    pub(crate) cache: CacheSettings,
    /// The advisory database.
    pub(crate) database: DatabaseSettings,
    /// Which licences may be used.
    pub(crate) licenses: LicensePolicy,
    /// Local stores.
    pub(crate) stores: StoreSettings,
    /// What is said of vulnerabilities.
    pub(crate) vex: VexSettings,
}

/// The audit trail that commands write into when they are told no other.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AuditSettings {
    /// Its folder.
    pub(crate) directory: Option<PathBuf>,
    /// Its private key: a file, or `pkcs11:…`.
    pub(crate) key: Option<String>,
}

/// The evidence cache.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CacheSettings {
    /// Where it is.
    pub(crate) directory: Option<PathBuf>,
    /// How large it may grow, in bytes.
    pub(crate) limit: u64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { directory: None, limit: 2 << 30 }
    }
}

/// The advisory database.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DatabaseSettings {
    /// The file to use instead of the installed or bundled one.
    pub(crate) file: Option<PathBuf>,
    /// Data older than this many days is reported.
    pub(crate) max_age_days: i64,
    /// Where `db update` takes feeds from.
    pub(crate) sources: Vec<SourceSetting>,
    /// Public keys, in PEM: compiled databases are installed only if one of them has signed them.
    pub(crate) trusted_keys: Vec<PathBuf>,
    /// What `db pull` pulls when it is given nothing.
    pub(crate) reference: Option<String>,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { file: None, max_age_days: 120, sources: Vec::new(), trusted_keys: Vec::new(), reference: None }
    }
}

/// A source of the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a feed's name, an address, a path, or { name, addresses, file }")]
pub(crate) enum SourceSetting {
    /// A feed's name, an address or a path.
    Text(String),
    /// A feed of one's own.
    Table(FeedSetting),
}

/// A feed of one's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FeedSetting {
    /// Its name in what is told of it.
    name: String,
    /// Where it is, the first choice first.
    addresses: Vec<String>,
    /// The name of its file, if the addresses do not end in it.
    file: Option<String>,
}

impl FeedSetting {
    /// How to get it.
    pub(crate) fn source(self) -> anyhow::Result<Source> {
        let Self { name, addresses, file } = self;
        let context = || format!("the source {name:?} of the configuration");
        let addresses: Vec<plimsoll_advisory::fetch::Address> =
            addresses.iter().map(|text| text.parse()).collect::<Result<_, _>>().with_context(context)?;
        let first = addresses.first().with_context(|| format!("{} has no address", context()))?;
        let file = file.map_or_else(|| Ok(first.file()), |file| file.parse()).with_context(context)?;
        Ok(Source { name, addresses, file })
    }
}

/// What is said of vulnerabilities.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct VexSettings {
    /// VEX repositories, of which each scan uses the copy here: addresses, which `vex update` fetches, and paths.
    pub(crate) repositories: Vec<String>,
}

/// Where local stores are, if not in their usual places.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StoreSettings {
    /// Roots of podman's stores (`containers/storage`).
    pub(crate) podman: Vec<PathBuf>,
    /// containerd's root.
    pub(crate) containerd: Option<PathBuf>,
    /// Docker's root.
    pub(crate) docker: Option<PathBuf>,
    /// Docker's socket.
    pub(crate) docker_socket: Option<PathBuf>,
}

/// No sound configuration is larger.
const LIMIT: u64 = 1 << 20;

impl Config {
    /// Reads `explicit`, which must be there, else `usual`, which may be missing.
    pub(crate) fn read(explicit: Option<&Path>, usual: Option<&Path>) -> anyhow::Result<Self> {
        let path = match (explicit, usual) {
            (Some(path), _) => path,
            (None, Some(path)) if path.exists() => path,
            (None, _) => return Ok(Self::default()),
        };
        let context = || format!("reading the configuration {}", path.display());
        let file = std::fs::File::open(path).with_context(context)?;
        let mut text = String::new();
        #[expect(clippy::disallowed_methods, reason = "bounded by take")]
        std::io::Read::read_to_string(&mut std::io::Read::take(file, LIMIT), &mut text)
            .with_context(context)?;
        toml::from_str(&text).with_context(context)
    }
}
