//! Bills of materials that lie in an image: CycloneDX and SPDX as JSON, of Bitnami, Chainguard, Python wheels and others.
//! Of each the packages with a purl are taken; what a package manager knows too is the same package when layers are
//! merged (<https://cyclonedx.org/docs/1.6/json/>, <https://spdx.github.io/spdx-spec/v2.3/>).

use std::collections::BTreeSet;

use packageurl::PackageUrl;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::gap::GapKind;
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::path::file_name;
use serde::Deserialize;

use crate::lang::document::{json, text_files};

/// Reads bills of materials.
pub(crate) const SBOM: Extractor = Extractor {
    name: "sbom",
    revision: 1,
    wants: text_files(&[
        PathRule::Suffix(".cdx.json"),
        PathRule::Suffix(".spdx.json"),
        PathRule::Suffix(".spdx"),
        PathRule::Name("bom.json"),
        PathRule::Name("sbom.json"),
    ]),
    extract,
};

/// More than any product has.
const PACKAGES_LIMIT: usize = 200_000;

/// Types of purl that name sources and whole images.
const NO_PACKAGES: [&str; 6] = ["bitbucket", "docker", "github", "gitlab", "oci", "swid"];

#[derive(Deserialize)]
pub(crate) struct Bill {
    #[serde(rename = "bomFormat")]
    cyclonedx: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    packages: Vec<SpdxPackage>,
}

/// Of CycloneDX.
#[derive(Deserialize)]
struct Component {
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Self>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    reference_type: String,
    reference_locator: String,
}

/// Whose bill it is: that decides whether a distribution's packages in it are the image's.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Author {
    /// Who made the image.
    Image,
    /// Somebody who built a part of it, maybe on another distribution.
    Part,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let may_be_other = matches!(file_name(file.path), "bom.json" | "sbom.json");
    if file.path.ends_with(".spdx") {
        let text = file.text()?;
        if !text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
            let names_packages = text.lines().any(|line| line.starts_with("PackageName:"));
            let reason = "SPDX in the form of tags and values is not read";
            return if names_packages { Err(ExtractError::Malformed(reason.to_owned())) } else { Ok(()) };
        }
    }
    let bill: Bill = match json(file) {
        Err(_) if may_be_other => return Ok(()),
        bill => bill?,
    };
    if bill.cyclonedx.is_none() && bill.spdx.is_none() {
        let reason = "it is neither CycloneDX nor SPDX";
        return if may_be_other { Ok(()) } else { Err(ExtractError::Malformed(reason.to_owned())) };
    }
    let is_of_image = file.path.starts_with("var/lib/db/sbom/") || file.path.starts_with("opt/bitnami/");
    take(bill, if is_of_image { Author::Image } else { Author::Part }, facts);
    Ok(())
}

/// Adds the packages of a bill.
pub(crate) fn take(bill: Bill, author: Author, facts: &mut Facts) {
    let mut unknown: BTreeSet<String> = BTreeSet::new();
    let mut count: usize = 0;
    for purl in purls(bill) {
        count = count.saturating_add(1);
        if count > PACKAGES_LIMIT {
            facts.gap(
                GapKind::LimitReached,
                format!("only the first {PACKAGES_LIMIT} packages of the bill are read"),
            );
            break;
        }
        match package(&purl, author) {
            Taken::Package(package) => facts.push(Fact::Package(*package)),
            Taken::None => {}
            Taken::Unknown(kind) => {
                unknown.insert(kind);
            }
        }
    }
    if !unknown.is_empty() {
        let kinds: Vec<String> = unknown.into_iter().take(10).collect();
        let reason = format!("the bill has packages of ecosystems that are not known: {}", kinds.join(", "));
        facts.gap(GapKind::RecordUnread, reason);
    }
}

fn purls(bill: Bill) -> Vec<String> {
    let mut purls = Vec::new();
    let mut pending = bill.components;
    while let Some(component) = pending.pop() {
        purls.extend(component.purl);
        pending.extend(component.components);
    }
    let references = bill.packages.into_iter().flat_map(|package| package.external_refs);
    purls.extend(references.filter(|of| of.reference_type == "purl").map(|of| of.reference_locator));
    purls
}

/// What became of a purl.
enum Taken {
    Package(Box<Package>),
    /// It names no package.
    None,
    /// Nothing is known of its type.
    Unknown(String),
}

fn package(text: &str, author: Author) -> Taken {
    let Ok(purl) = text.parse::<PackageUrl<'_>>() else {
        return Taken::Unknown(text.chars().take(40).collect());
    };
    let Some(ecosystem) = Ecosystem::of_purl_type(purl.ty()) else {
        let is_none = NO_PACKAGES.contains(&purl.ty());
        return if is_none { Taken::None } else { Taken::Unknown(purl.ty().to_owned()) };
    };
    let (ecosystem, keeps_namespace) = match (ecosystem, author) {
        // The sources that a package of the distribution was built of.
        (Ecosystem::Generic, Author::Image) => return Taken::None,
        (Ecosystem::Ebuild, Author::Image) => (ecosystem, true),
        (os, Author::Image) if os.is_os() => (os, false),
        // Of whatever distribution: no advisories of the image's own hold for it.
        (os, Author::Part) if os.is_os() => (Ecosystem::Generic, false),
        (other, _) => (other, true),
    };
    let Some(version) = purl.version().filter(|version| !version.is_empty()) else { return Taken::None };
    let separator = if ecosystem == Ecosystem::Maven { ':' } else { '/' };
    let name = match purl.namespace().filter(|namespace| keeps_namespace && !namespace.is_empty()) {
        Some(namespace) => format!("{namespace}{separator}{}", purl.name()),
        None => purl.name().to_owned(),
    };
    let qualifier = |key: &str| purl.qualifiers().get(key).map(|value| value.to_string());
    let version = match qualifier("epoch").filter(|epoch| epoch != "0") {
        Some(epoch) if ecosystem == Ecosystem::Rpm => format!("{epoch}:{version}"),
        _ => version.to_owned(),
    };
    let source = qualifier("upstream").filter(|_| ecosystem.is_os()).map(|upstream| {
        let (name, of) = upstream.split_once('@').unwrap_or((&upstream, &version));
        SourcePackage { name: name.to_owned(), version: of.to_owned() }
    });
    let architecture = qualifier("arch").filter(|_| ecosystem.is_os());
    Taken::Package(Box::new(Package { architecture, source, ..Package::new(ecosystem, name, version) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, gaps_of};

    fn package(ecosystem: Ecosystem, name: &str, version: &str) -> Fact {
        Fact::Package(Package::new(ecosystem, name, version))
    }

    #[test]
    fn components_of_cyclonedx_are_read_with_those_inside() {
        let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"purl":"pkg:maven/own/app@1"}},"components":[
            {"type":"library","name":"x","purl":"pkg:maven/org.a/b@1.0?type=jar","components":[{"type":"library","name":"y","purl":"pkg:npm/%40s/y@2"}]},
            {"type":"operating-system","name":"debian"},{"type":"library","name":"g","purl":"pkg:rpm/almalinux/libgfortran@8.5.0-22.el8?arch=x86_64"},
            {"type":"library","name":"n","purl":"pkg:pypi/n"},{"name":"s","purl":"pkg:github/a/b@1"}]}"#;
        let expected = [
            package(Ecosystem::Npm, "@s/y", "2"),
            package(Ecosystem::Maven, "org.a:b", "1.0"),
            package(Ecosystem::Generic, "libgfortran", "8.5.0-22.el8"),
        ];
        for path in ["srv/x.cdx.json", "srv/bom.json"] {
            assert_eq!(facts_of(&SBOM, path, text.as_bytes()), expected);
        }
        assert_eq!(gaps_of(&SBOM, "srv/x.cdx.json", text.as_bytes()), []);
    }

    #[test]
    fn packages_of_spdx_are_read_by_who_wrote_it() {
        let text = r#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"nginx","versionInfo":"1.25","externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/nginx@1.25.3-1?arch=amd64"}]},
            {"name":"x","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:apk/wolfi/x@1-r0?arch=x86_64&upstream=y"},{"referenceType":"cpe23Type","referenceLocator":"cpe:x"}]},
            {"name":"s","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:generic/x@1?download_url=https://x"}]},
            {"name":"c","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:qpkg/A/B@1"},{"referenceType":"purl","referenceLocator":"no purl"}]}]}"#;
        let source = Some(SourcePackage { name: "y".into(), version: "1-r0".into() });
        let apk = Package {
            architecture: Some("x86_64".into()),
            source,
            ..Package::new(Ecosystem::Apk, "x", "1-r0")
        };
        let expected = [Fact::Package(apk), package(Ecosystem::Bitnami, "nginx", "1.25.3-1")];
        for path in ["opt/bitnami/nginx/.spdx-nginx.spdx", "var/lib/db/sbom/x-1-r0.spdx.json"] {
            assert_eq!(facts_of(&SBOM, path, text.as_bytes()), expected);
            assert_eq!(gaps_of(&SBOM, path, text.as_bytes()).len(), 1);
        }
    }

    #[test]
    fn what_is_no_bill_is_said_unless_it_never_claimed_to_be() {
        for text in ["", "{}", "[1]", r#"{"bomFormat":"CycloneDX","components":{}}"#] {
            assert!(error_of(&SBOM, "x.cdx.json", text.as_bytes()).is_some(), "{text}");
            assert!(error_of(&SBOM, "bom.json", text.as_bytes()).is_none(), "{text}");
        }
        assert!(error_of(&SBOM, "x.spdx", b"SPDXVersion: SPDX-2.3\nPackageName: x\n").is_some());
        assert!(error_of(&SBOM, "x.spdx", b"LicenseName: x\n").is_none());
        let deep = format!("{}{}", r#"{"bomFormat":"","components":["#, r#"{"components":["#.repeat(10_000));
        assert!(error_of(&SBOM, "x.cdx.json", deep.as_bytes()).is_some());
    }
}
