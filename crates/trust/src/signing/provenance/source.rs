//! Where sources are from: git's remotes as URIs, without the logins in them.

use std::collections::BTreeMap;

use super::Material;

/// What git tells of a checkout.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Git {
    /// The id of the commit.
    pub commit: String,
    /// Where it is from, as a URI, if that can be told to others.
    pub remote: Option<String>,
    /// Whether files differ from the commit.
    pub dirty: bool,
}

impl Git {
    pub(super) fn material(&self) -> Material {
        let digest = BTreeMap::from([("gitCommit".to_owned(), self.commit.clone())]);
        Material { uri: self.remote.clone(), digest, modified: self.dirty }
    }
}

/// The URI of a remote as git has it; none of a path on this machine.
#[must_use]
pub fn remote(address: &str) -> Option<String> {
    let address = address.trim();
    if address.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    if let Some((scheme, _)) = address.split_once("://") {
        let known = ["git", "http", "https", "ssh"].contains(&scheme);
        return known.then(|| format!("git+{}", without_login(address)));
    }
    // `user@host:path`, as ssh has it.
    let (host, path) = address.split_once(':')?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let is_host = !host.is_empty() && !host.contains(['/', '\\']) && host.len() > 1;
    is_host.then(|| format!("git+ssh://{host}/{}", path.trim_start_matches('/')))
}

/// A URI without user and password, and without what may be a token in its query.
pub(super) fn without_login(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_told_without_logins() {
        for (address, uri) in [
            ("https://github.com/acme/shop.git", Some("git+https://github.com/acme/shop.git")),
            ("https://user:token@github.com/acme/shop", Some("git+https://github.com/acme/shop")),
            ("https://a@b:c@github.com/acme/shop", Some("git+https://github.com/acme/shop")),
            ("https://github.com/acme/shop?private_token=x", Some("git+https://github.com/acme/shop")),
            ("https://token@github.com", Some("git+https://github.com")),
            ("git@github.com:acme/shop.git", Some("git+ssh://github.com/acme/shop.git")),
            ("ssh://git:secret@host:22/acme/shop", Some("git+ssh://host:22/acme/shop")),
            ("/home/dev/shop", None),
            ("file:///home/dev/shop", None),
            ("../shop", None),
            ("C:\\work", None),
            ("ext::sh -c x", None),
            ("", None),
        ] {
            assert_eq!(remote(address).as_deref(), uri, "{address}");
        }
    }
}
