//! Where a repository is asked for: the mirrors of its registry, then the registry itself.

use plimsoll_http::host;
use plimsoll_model::reference::{DOCKER_HUB, Reference};
use reqwest::Url;

use super::config::RegistrySettings;
use super::error::RegistryError;

/// The host behind the name `docker.io`.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// One server that may hold a repository.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// The name under which logins are kept.
    pub(super) registry: String,
    /// The server's root, ending in a slash.
    pub(super) root: Url,
    /// The repository's name there.
    pub(super) repository: String,
    /// Whether it stands in for another registry.
    pub(super) role: Role,
}

/// Whether a server stands in for another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Mirror,
    Origin,
}

impl Endpoint {
    /// The address of a manifest or a blob.
    ///
    /// # Errors
    /// If the parts make no address, which sound references and digests never do.
    pub(super) fn address(&self, kind: &str, id: &str) -> Result<Url, RegistryError> {
        let path = format!("v2/{}/{kind}/{id}", self.repository);
        self.root.join(&path).map_err(|error| unusable(&self.registry, &error.to_string()))
    }

    /// The address for the log and for errors: `HOST` or `HOST:PORT`.
    pub(super) fn host(&self) -> String {
        host(&self.root)
    }
}

/// The servers to ask for `reference`, in order.
///
/// # Errors
/// If a mirror is configured with no usable address.
pub(super) fn endpoints(
    reference: &Reference,
    settings: &RegistrySettings,
) -> Result<Vec<Endpoint>, RegistryError> {
    let registry = reference.registry();
    let mirrors = settings.registry.get(registry).map(|own| own.mirrors.as_slice()).unwrap_or_default();
    let mut endpoints = Vec::with_capacity(mirrors.len() + 1);
    for mirror in mirrors {
        let (root, prefix) = location(mirror, settings)?;
        let repository = format!("{prefix}{}", reference.repository());
        endpoints.push(Endpoint { registry: host(&root), root, repository, role: Role::Mirror });
    }
    endpoints.push(Endpoint {
        registry: registry.to_owned(),
        root: root(registry, settings)?,
        repository: reference.repository().to_owned(),
        role: Role::Origin,
    });
    Ok(endpoints)
}

/// The root of the registry that settings and references call `registry`.
///
/// # Errors
/// If the name makes no address.
pub(super) fn root(registry: &str, settings: &RegistrySettings) -> Result<Url, RegistryError> {
    let plain = settings.registry.get(registry).is_some_and(|own| own.plain_http);
    let host = if registry == DOCKER_HUB { DOCKER_HUB_HOST } else { registry };
    parsed(registry, &format!("{}://{host}/", if plain { "http" } else { "https" }))
}

/// Reads `[SCHEME://]HOST[:PORT][/PREFIX]` into a root and a prefix that is empty or ends in a slash.
fn location(text: &str, settings: &RegistrySettings) -> Result<(Url, String), RegistryError> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (Some(scheme), rest),
        Some(_) => return Err(unusable(text, "expected HOST[:PORT][/PREFIX]")),
        None => (None, text),
    };
    let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
    if !prefix.bytes().all(sound) || prefix.split('/').any(|part| part == "..") {
        return Err(unusable(text, "the part after the host is no beginning of a repository's name"));
    }
    let root = match scheme {
        Some(scheme) => parsed(text, &format!("{scheme}://{host}/"))?,
        None => root(host, settings)?,
    };
    Ok((root, if prefix.is_empty() { String::new() } else { format!("{prefix}/") }))
}

fn parsed(setting: &str, address: &str) -> Result<Url, RegistryError> {
    let url = Url::parse(address).map_err(|error| unusable(setting, &error.to_string()))?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.path() == "/" && url.query().is_none();
    if bare && url.fragment().is_none() && url.host_str().is_some() {
        Ok(url)
    } else {
        Err(unusable(setting, "expected a host and perhaps a port, no more"))
    }
}

fn unusable(what: &str, why: &str) -> RegistryError {
    // What stands before an @ could be a password.
    let what = what.rsplit('@').next().unwrap_or(what);
    RegistryError::Settings { what: format!("{what:?}"), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> RegistrySettings {
        serde_json::from_str(json).unwrap()
    }

    fn addresses(reference: &str, settings: &RegistrySettings) -> Vec<String> {
        let endpoints = endpoints(&reference.parse().unwrap(), settings).unwrap();
        endpoints.iter().map(|endpoint| endpoint.address("manifests", "1").unwrap().to_string()).collect()
    }

    #[test]
    fn mirrors_come_first() {
        let settings = settings(
            r#"{"registry": {"docker.io": {"mirrors": ["http://m:5000", "n.example/hub/", "p"]}, "p": {"plain-http": true}}}"#,
        );
        let expected = [
            "http://m:5000/v2/library/x/manifests/1",
            "https://n.example/v2/hub/library/x/manifests/1",
            "http://p/v2/library/x/manifests/1",
            "https://registry-1.docker.io/v2/library/x/manifests/1",
        ];
        assert_eq!(addresses("x", &settings), expected);
        assert_eq!(addresses("[::1]:5000/x", &settings), ["https://[::1]:5000/v2/x/manifests/1"]);
    }

    #[test]
    fn loopback_is_not_plain_by_itself() {
        assert_eq!(
            addresses("localhost:5000/x", &settings("{}")),
            ["https://localhost:5000/v2/x/manifests/1"]
        );
    }

    #[test]
    fn unsound_mirrors_are_refused() {
        for mirror in ["", "ftp://x", "u:p@x", "x/../y", "x?y", "x/Y", "x#y"] {
            let json = format!(r#"{{"registry": {{"r.io": {{"mirrors": ["{mirror}"]}}}}}}"#);
            let error = endpoints(&"r.io/x".parse().unwrap(), &settings(&json)).unwrap_err();
            assert!(!error.to_string().contains("u:p"), "{error}");
        }
    }
}
