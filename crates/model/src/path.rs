//! Paths inside a layer: relative to the root, `/`-separated, without `.` and `..`.

/// A tar entry's name brought to normal form, or the reason why it has none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Normalized {
    /// The root directory itself (`.`, `./`, `/`).
    Root,
    /// A path below the root, `etc/passwd`.
    Path(String),
    /// A name that climbs above the root with `..`; what it would name is outside of the image.
    Escapes,
}

/// Normalizes a name as found in an archive: `./etc//passwd`, `/etc/passwd` and `etc/passwd` are one path.
///
/// A `..` that stays inside is resolved by its text; one that leaves the root makes the name [`Normalized::Escapes`].
#[must_use]
pub fn normalize(name: &str) -> Normalized {
    if is_normal(name) {
        return Normalized::Path(name.to_owned());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Normalized::Escapes;
                }
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Normalized::Root } else { Normalized::Path(parts.join("/")) }
}

/// Tells whether `name` is already in normal form: the common case, found without allocating.
fn is_normal(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Resolves a symbolic link's `target` as seen from the directory of `link`; `None` if it leaves the root.
#[must_use]
pub fn resolve(link: &str, target: &str) -> Option<String> {
    let joined =
        if target.starts_with('/') { target.to_owned() } else { format!("{}/{target}", parent(link)) };
    match normalize(&joined) {
        Normalized::Path(path) => Some(path),
        Normalized::Root => Some(String::new()),
        Normalized::Escapes => None,
    }
}

/// The directory part, empty for a path directly below the root.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The last part.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_path_are_equal() {
        for name in
            ["etc/passwd", "./etc/passwd", "/etc/passwd", "etc//passwd", "etc/./passwd", "a/../etc/passwd"]
        {
            assert_eq!(normalize(name), Normalized::Path("etc/passwd".into()), "{name}");
        }
        for name in ["", ".", "./", "/", "a/.."] {
            assert_eq!(normalize(name), Normalized::Root, "{name}");
        }
        for name in ["..", "../x", "a/../../x", "/../x"] {
            assert_eq!(normalize(name), Normalized::Escapes, "{name}");
        }
    }

    #[test]
    fn links_resolve_inside_the_root() {
        assert_eq!(resolve("etc/os-release", "../usr/lib/os-release").as_deref(), Some("usr/lib/os-release"));
        assert_eq!(resolve("lib", "usr/lib").as_deref(), Some("usr/lib"));
        assert_eq!(resolve("a/b", "/c").as_deref(), Some("c"));
        assert_eq!(resolve("a/b", "../../../c"), None);
    }
}
