//! Where the signatures of an image lie aside, by the files of `registries.d`, as podman and skopeo read them
//! (<https://github.com/containers/image/blob/main/docs/containers-registries.d.5.md>). Where they would be written to is not read.

use std::collections::BTreeMap;

use plimsoll_model::reference::Reference;
use serde::Deserialize;
use serde_yaml_ng::Value;

/// A larger file is refused.
pub const FILE_LIMIT: u64 = 1 << 20;
/// More files are refused.
pub const FILES: usize = 1024;

/// What all files say.
#[derive(Debug, Default)]
pub struct Registries {
    default: Option<Entry>,
    namespaces: BTreeMap<String, Entry>,
}

/// Where the signatures of an image lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// An address, as it is written.
    pub address: String,
    /// What says so, and in which file.
    pub by: String,
}

/// Why files are not gone by.
#[derive(Debug, thiserror::Error)]
pub enum RegistriesError {
    /// It is not UTF-8.
    #[error("it is not in UTF-8")]
    NotText,
    /// It is not what it should be.
    #[error(transparent)]
    Yaml(#[from] serde_yaml_ng::Error),
    /// Two files say something of the same images, and nothing tells which one counts.
    #[error("{0} is in {1}, too")]
    Twice(String, String),
}

#[derive(Debug)]
struct Entry {
    address: Option<String>,
    file: String,
}

// What else there is goes for other things, or for other versions: podman passes over it, too.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Document {
    default_docker: Option<Namespace>,
    docker: Option<BTreeMap<String, Option<Namespace>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Namespace {
    lookaside: Option<String>,
    /// What `lookaside` was called.
    sigstore: Option<String>,
}

impl Namespace {
    fn address(self) -> Option<String> {
        [self.lookaside, self.sigstore].into_iter().flatten().find(|address| !address.is_empty())
    }
}

impl Registries {
    /// Adds what the file `name` says.
    ///
    /// # Errors
    /// See [`RegistriesError`].
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), RegistriesError> {
        let text = std::str::from_utf8(bytes).map_err(|_| RegistriesError::NotText)?;
        // A value knows no key twice.
        let value: Value = serde_yaml_ng::from_str(text)?;
        let Document { default_docker, docker } =
            serde_yaml_ng::from_value::<Option<Document>>(value)?.unwrap_or_default();
        let twice = |what: &str, other: &Entry| RegistriesError::Twice(what.to_owned(), other.file.clone());
        let entry = |namespace: Namespace| Entry { address: namespace.address(), file: name.to_owned() };
        if let Some(namespace) = default_docker {
            if let Some(other) = &self.default {
                return Err(twice("default-docker", other));
            }
            self.default = Some(entry(namespace));
        }
        for (scope, namespace) in docker.unwrap_or_default() {
            if let Some(other) = self.namespaces.get(&scope) {
                return Err(twice(&format!("docker: {scope}"), other));
            }
            self.namespaces.insert(scope, entry(namespace.unwrap_or_default()));
        }
        Ok(())
    }

    /// Where the signatures of an image lie: what is said of it decides, else of its repository, and so on up to its registry, the
    /// registry's domains, and all images.
    #[must_use]
    pub fn choose(&self, name: &Reference) -> Option<Choice> {
        let of = |entry: &Entry, what: &str| {
            let by = format!("{what} in {}", entry.file);
            entry.address.clone().map(|address| Choice { address, by })
        };
        let mut scopes = scopes(name).into_iter();
        scopes
            .find_map(|scope| of(self.namespaces.get(&scope)?, &format!("docker: {scope}")))
            .or_else(|| of(self.default.as_ref()?, "default-docker"))
    }
}

/// What an image is looked up by, the most exact first.
fn scopes(name: &Reference) -> Vec<String> {
    let repository = format!("{}/{}", name.registry(), name.repository());
    let separator = if name.digest().is_some() { '@' } else { ':' };
    let mut scopes = vec![format!("{repository}{separator}{}", name.wanted())];
    let mut rest = repository.as_str();
    scopes.push(rest.to_owned());
    while let Some((parent, _)) = rest.rsplit_once('/') {
        scopes.push(parent.to_owned());
        rest = parent;
    }
    // Domains have no port.
    let mut domain = rest.split(':').next().unwrap_or_default();
    while let Some((_, parent)) = domain.split_once('.') {
        scopes.push(format!("*.{parent}"));
        domain = parent;
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[&str], name: &str) -> Option<String> {
        let mut registries = Registries::default();
        for (number, text) in files.iter().enumerate() {
            registries.add(&format!("{number}.yaml"), text.as_bytes()).unwrap();
        }
        registries.choose(&name.parse().unwrap()).map(|choice| format!("{} by {}", choice.address, choice.by))
    }

    #[test]
    fn what_is_said_of_the_image_itself_comes_first() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let name = Reference::at(&"ghcr.io:5000/acme/shop:1".parse().unwrap(), digest.parse().unwrap());
        let expected = [
            &format!("ghcr.io:5000/acme/shop@{digest}"),
            "ghcr.io:5000/acme/shop",
            "ghcr.io:5000/acme",
            "ghcr.io:5000",
            "*.io",
        ];
        assert_eq!(scopes(&name), expected);
        assert_eq!(
            scopes(&"debian".parse().unwrap())[..2],
            ["docker.io/library/debian:latest", "docker.io/library/debian"]
        );
        assert_eq!(scopes(&"a.b.c/d".parse().unwrap())[3..], ["*.b.c", "*.c"]);
    }

    #[test]
    fn a_place_is_that_of_the_longest_name_that_has_one() {
        let files = [
            "default-docker: {lookaside: 'https://all'}\ndocker:\n  ghcr.io: {sigstore: 'https://old'}\n",
            "docker: {ghcr.io/acme: {lookaside-staging: 'file:///w'}, quay.io: , '*.example': {lookaside: 'https://e', sigstore: x}}",
            "",
            "# nothing\n",
        ];
        for (name, expected) in [
            ("ghcr.io/acme/shop", "https://old by docker: ghcr.io in 0.yaml"),
            ("ghcr.io/other", "https://old by docker: ghcr.io in 0.yaml"),
            ("quay.io/acme/shop", "https://all by default-docker in 0.yaml"),
            ("docker.acme.example/shop", "https://e by docker: *.example in 1.yaml"),
            ("example/shop", "https://all by default-docker in 0.yaml"),
        ] {
            assert_eq!(chosen(&files, name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(chosen(&files[1..], "ghcr.io/acme/shop"), None);
    }

    #[test]
    fn hostile_files_are_refused() {
        let mut registries = Registries::default();
        registries.add("a.yaml", b"default-docker: {}\ndocker: {a.b: {}}").unwrap();
        for text in ["default-docker: {}", "docker: {a.b: {lookaside: x}}"] {
            assert!(
                matches!(registries.add("b.yaml", text.as_bytes()), Err(RegistriesError::Twice(..))),
                "{text}"
            );
        }
        assert!(matches!(registries.add("c.yaml", &[0xff]), Err(RegistriesError::NotText)));
        let deep = "[".repeat(100_000);
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{before}]\n");
        }
        for text in [
            "docker: {x: {}, x: {}}",
            "default-docker: {lookaside: a}\ndefault-docker: {lookaside: b}",
            "docker: []",
            "docker: {x: {lookaside: [a]}}",
            "x",
            "a: b: c",
            "default-docker: {}\n---\ndocker: {}",
            &deep,
            &bomb,
        ] {
            let added = Registries::default().add("d.yaml", text.as_bytes());
            assert!(matches!(added, Err(RegistriesError::Yaml(_))), "{text:.60}");
        }
    }
}
