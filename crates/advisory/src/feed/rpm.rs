//! Names and versions of rpm packages as errata write them.

/// Epoch, version and release in one; an epoch of zero goes without saying.
pub(crate) fn evr(epoch: Option<&str>, version: &str, release: &str) -> String {
    match epoch.filter(|epoch| !epoch.is_empty() && *epoch != "0") {
        Some(epoch) => format!("{epoch}:{version}-{release}"),
        None => format!("{version}-{release}"),
    }
}

/// Tells whether a package holds debugging information alone.
pub(crate) fn is_debug(name: &str) -> bool {
    name.ends_with("-debuginfo") || name.ends_with("-debugsource")
}

/// `eap7-x-1:1.0-4.el7.noarch` → name, version with epoch, architecture.
pub(crate) fn nevra(text: &str) -> Option<(&str, String, &str)> {
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    let (rest, architecture) = text.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) =
        version.split_once(':').map_or((None, version), |(epoch, rest)| (Some(epoch), rest));
    let known =
        ["noarch", "src", "x86_64", "i686", "i586", "i386", "aarch64", "ppc64le", "ppc64", "s390x", "s390"];
    (!name.is_empty() && known.contains(&architecture))
        .then(|| (name, evr(epoch, version, release), architecture))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_taken_apart() {
        assert_eq!(nevra("a-b-1:1.0-4.el7.noarch"), Some(("a-b", "1:1.0-4.el7".into(), "noarch")));
        assert_eq!(nevra("a-0:1.0-4.el7.src.rpm"), Some(("a", "1.0-4.el7".into(), "src")));
        for text in ["samba", "samba.src", "a-1.x86_64", "-1-2.src", "a-1-2.exe"] {
            assert_eq!(nevra(text), None, "{text}");
        }
    }
}
