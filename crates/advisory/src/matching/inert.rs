//! Packages that bring no running code: what is built from their source package is vulnerable, they hardly are.

use plimsoll_model::finding::Inert;
use plimsoll_model::package::{Ecosystem, Package};

/// What kind of package without running code this is, by the naming rules of the distributions.
///
/// Debian: <https://www.debian.org/doc/debian-policy/ch-sharedlibs.html#s-sharedlibs-dev> and
/// <https://www.debian.org/doc/manuals/developers-reference/best-pkging-practices.html>; Fedora:
/// <https://docs.fedoraproject.org/en-US/packaging-guidelines/#_devel_packages>; Alpine:
/// <https://wiki.alpinelinux.org/wiki/APKBUILD_Reference#subpackages>.
pub(crate) fn inert(package: &Package) -> Option<Inert> {
    let name = package.name.as_str();
    let starts = |heads: &[&str]| heads.iter().any(|head| name.starts_with(head));
    let ends = |tails: &[&str]| tails.iter().any(|tail| name.ends_with(tail));
    let (kernel, development, documentation, debugging) = match package.ecosystem {
        Ecosystem::Deb => (
            name == "linux-libc-dev" || starts(&["linux-headers-", "linux-kbuild-", "linux-source-"]),
            ends(&["-dev", "-dev-bin"]),
            ends(&["-doc", "-docs", "-manpages"]),
            ends(&["-dbg", "-dbgsym"]),
        ),
        Ecosystem::Apk => (
            name == "linux-headers" || (starts(&["linux-"]) && ends(&["-dev"])),
            ends(&["-dev", "-static"]),
            ends(&["-doc"]),
            ends(&["-dbg"]),
        ),
        Ecosystem::Rpm => (
            name == "kernel-headers"
                || (starts(&["kernel-"]) && ends(&["-devel", "-devel-matched", "-headers"])),
            ends(&["-devel", "-headers", "-static"]),
            ends(&["-doc", "-docs", "-javadoc", "-manual"]),
            ends(&["-debuginfo", "-debugsource", "-debuginfo-common"]),
        ),
        _ => return None,
    };
    [
        (kernel, Inert::KernelHeaders),
        (debugging, Inert::DebugSymbols),
        (documentation, Inert::Documentation),
        (development, Inert::DevelopmentFiles),
    ]
    .into_iter()
    .find_map(|(is, kind)| is.then_some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_without_running_code_are_told_by_their_distribution_s_rules() {
        let of = |ecosystem, name: &str| inert(&Package::new(ecosystem, name, "1"));
        for (ecosystem, name, expected) in [
            (Ecosystem::Deb, "linux-libc-dev", Some(Inert::KernelHeaders)),
            (Ecosystem::Deb, "linux-headers-6.1.0-18-common", Some(Inert::KernelHeaders)),
            (Ecosystem::Deb, "libssl-dev", Some(Inert::DevelopmentFiles)),
            (Ecosystem::Deb, "libc6-dbg", Some(Inert::DebugSymbols)),
            (Ecosystem::Deb, "python3-doc", Some(Inert::Documentation)),
            (Ecosystem::Deb, "libssl3", None),
            (Ecosystem::Deb, "linux-image-6.1.0-18-amd64", None),
            (Ecosystem::Deb, "kernel-headers", None),
            (Ecosystem::Apk, "linux-lts-dev", Some(Inert::KernelHeaders)),
            (Ecosystem::Apk, "openssl-dev", Some(Inert::DevelopmentFiles)),
            (Ecosystem::Apk, "openssl-libs-static", Some(Inert::DevelopmentFiles)),
            (Ecosystem::Rpm, "kernel-headers", Some(Inert::KernelHeaders)),
            (Ecosystem::Rpm, "kernel-rt-devel", Some(Inert::KernelHeaders)),
            (Ecosystem::Rpm, "glibc-headers", Some(Inert::DevelopmentFiles)),
            (Ecosystem::Rpm, "ant-javadoc", Some(Inert::Documentation)),
            (Ecosystem::Rpm, "openssl-libs", None),
            (Ecosystem::Npm, "my-doc", None),
        ] {
            assert_eq!(of(ecosystem, name), expected, "{name}");
        }
    }
}
