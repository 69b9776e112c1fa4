use plimsoll_model::distribution::Distribution;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{Dependency, DeprecatedPackage, InstalledPackage};
use plimsoll_model::package::{Deprecation, Ecosystem, Package, SourcePackage};
use plimsoll_model::scan::{Contents, Scan};
use serde_json::{Value, json};

use super::*;
use crate::all::FORMATS;
use crate::sbom::contents::contents;
use crate::sbom::{PartKind, RelationKind};
use crate::testing::{HOSTILE, hostile, scan, written};
use crate::{Format, Style};

/// A scan with all that a document has to keep: owners, sources, several licences and places, files, gaps, odd names.
fn full() -> Scan {
    let mut scan = scan();
    let all = &mut scan.inventory.packages;
    like(all, Ecosystem::PyPi, "Django_Thing", "3.2").owned_by = Some(0);
    like(all, Ecosystem::Npm, "@scope/a b", "1.0.0").package.licenses =
        vec!["(MIT OR Apache-2.0)".into(), "as you <like> & \"so\"".into(), "MIT".into()];
    like(all, Ecosystem::Maven, "org.apache:log4j", "2.14.1").locations[0].inside =
        Some("BOOT-INF/lib/x.jar".into());
    like(all, Ecosystem::Maven, "no-group", "1").package.licenses = vec!["do what\nyou will".into()];
    like(all, Ecosystem::Go, "stdlib", "").layer = 1;
    let rpm = &mut like(all, Ecosystem::Rpm, "bash", "1:5.1-2.el9").package;
    rpm.source = Some(SourcePackage { name: "bash".into(), version: "5.1-2".into() });
    rpm.modularity = Some("nodejs:18".into());
    like(all, Ecosystem::Rpm, "bash", "1:5.1-2.el9");
    let mut second = scan.inventory.packages[1].locations[0].clone();
    second.path = "srv/two words.txt".into();
    scan.inventory.packages[1].locations.push(second);
    for installed in &mut scan.inventory.packages {
        installed.origin = scan.layers[installed.layer as usize].origin;
    }
    scan.inventory.distribution.as_mut().unwrap().id_like = vec!["one".into(), "two".into()];
    scan.inventory.gaps = vec![Gap::new(GapKind::FileUnread, "a file", "it is damaged: 1 < 2")];
    let deprecated = |package, reason, successor| DeprecatedPackage {
        package,
        deprecation: Deprecation::new(reason, successor),
    };
    scan.inventory.deprecated =
        vec![deprecated(1, Some("use <httpx>"), Some("httpx")), deprecated(2, None, None)];
    scan.owned_files = vec![Vec::new(); scan.inventory.packages.len()];
    scan.owned_files[0] = vec!["usr/lib/libz.so.1".into(), "usr/share/doc/a b".into()];
    scan.inventory.packages[0].file_count = 2;
    let pairs = [(0, 1), (0, 4), (2, 0), (2, 3), (3, 2)];
    scan.dependencies = pairs.map(|(from, to)| Dependency { from, to }).into();
    scan
}

/// One more package at the place of the first.
fn like<'p>(
    packages: &'p mut Vec<InstalledPackage>,
    ecosystem: Ecosystem,
    name: &str,
    version: &str,
) -> &'p mut InstalledPackage {
    let mut installed = packages[0].clone();
    installed.package = Package::new(ecosystem, name, version);
    packages.push(installed);
    packages.last_mut().unwrap()
}

fn of(scan: &Scan) -> Contents {
    Contents {
        image: scan.image.clone(),
        layers: scan.layers.clone(),
        inventory: scan.inventory.clone(),
        owned_files: scan.owned_files.clone(),
        dependencies: scan.dependencies.clone(),
    }
}

fn bills() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().filter(|format| format.bill().is_some())
}

fn read_text(text: &str) -> Bill {
    read(text.as_bytes()).unwrap()
}

#[test]
fn what_is_written_is_read_as_it_was_in_every_format() {
    for format in bills() {
        let bill = read_text(&written(format, &[full()], Style::default()));
        assert_eq!(contents(&bill), [of(&full())], "{}", format.name);
        let bill = read_text(&written(format, &[full(), scan()], Style::default()));
        assert_eq!(contents(&bill), [of(&full()), of(&scan())], "{}", format.name);
        assert!(
            contents(&read_text(&written(format, &[], Style::default())))[0].inventory.packages.is_empty()
        );
    }
}

#[test]
fn a_bill_that_went_through_all_formats_is_the_same() {
    let mut text = written(crate::all::by_name("cyclonedx").unwrap(), &[full()], Style::default());
    let mut names: Vec<&str> = bills().map(|format| format.name).collect();
    names.reverse();
    for name in names {
        let bill = read_text(&text);
        let mut out = Vec::new();
        (crate::all::by_name(name).unwrap().bill().unwrap().write)(&bill, &mut out).unwrap();
        text = String::from_utf8(out).unwrap();
        let mut found = contents(&read_text(&text));
        assert_eq!(found.remove(0), of(&full()), "{name}");
    }
}

#[test]
fn our_report_is_read_too() {
    let mut scan = full();
    // Two packages of one package URL cannot be told apart as owners, and the report has no order of them.
    scan.inventory.distribution.as_mut().unwrap().pretty_name = Some("Debian GNU/Linux 12 (bookworm)".into());
    let bill = read_text(&written(&crate::json::JSON, &[scan.clone()], Style::default()));
    scan.inventory.gaps.clear();
    assert_eq!(contents(&bill), [of(&scan)]);
}

#[test]
fn documents_in_a_statement_are_read() {
    let document: Value =
        serde_json::from_str(&written(&crate::spdx::SPDX, &[full()], Style::default())).unwrap();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
        "subject": [{ "name": "x", "digest": { "sha256": "00" } }], "predicate": document,
    });
    assert_eq!(contents(&read_text(&statement.to_string())), [of(&full())]);
}

#[test]
fn hostile_texts_stay_what_they_are_or_lose_what_the_format_cannot_write() {
    for format in bills() {
        let text = written(format, &[hostile()], Style::default());
        assert!(!text.contains('\u{1b}'), "{}", format.name);
        let found = contents(&read_text(&text)).remove(0);
        assert_eq!(found.inventory.packages.len(), hostile().inventory.packages.len(), "{}", format.name);
        let name = &found.inventory.packages[1].package.name;
        if format.name.contains("xml") {
            assert!(name.contains('\u{fffd}'), "{name:?}");
        } else {
            assert_eq!(name, HOSTILE, "{}", format.name);
        }
    }
}

fn cyclonedx(components: &Value) -> Bill {
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": { "component": { "type": "container", "name": "shop" } },
        "components": components,
    });
    read_text(&document.to_string())
}

#[test]
fn the_documents_of_others_tell_distribution_sources_and_places_their_way() {
    let bill = cyclonedx(&json!([
        { "type": "operating-system", "name": "debian", "version": "12.5" },
        { "type": "library", "name": "libssl3", "version": "3.0.11-1", "purl": "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.5",
          "properties": [
            { "name": "aquasecurity:trivy:SrcName", "value": "openssl" }, { "name": "aquasecurity:trivy:SrcVersion", "value": "3.0.11" },
            { "name": "aquasecurity:trivy:SrcRelease", "value": "1" }, { "name": "aquasecurity:trivy:SrcEpoch", "value": "1" } ] },
        { "type": "library", "name": "requests", "version": "2.19.0", "purl": "pkg:pypi/requests@2.19.0",
          "properties": [{ "name": "syft:location:0:path", "value": "/srv/METADATA" }] },
        { "type": "application", "name": "package-lock.json", "properties": [{ "name": "aquasecurity:trivy:Class", "value": "lang-pkgs" }] },
        { "type": "library", "name": "mystery" }, { "type": "library", "name": "tool", "purl": "pkg:qpkg/tool@1" },
        { "type": "library", "name": "broken", "purl": "pkg:npm" }, { "type": "file", "name": "/etc/passwd" },
    ]));
    let found = contents(&bill).remove(0);
    assert_eq!(found.image.name, "shop");
    let debian =
        Distribution { id: "debian".into(), version_id: Some("12.5".into()), ..Distribution::default() };
    assert_eq!(found.inventory.distribution, Some(debian));
    let [ssl, requests] = found.inventory.packages.as_slice() else { panic!("{found:?}") };
    let source = SourcePackage { name: "openssl".into(), version: "1:3.0.11-1".into() };
    assert_eq!(ssl.package.source, Some(source));
    assert_eq!(requests.locations[0].path, "srv/METADATA");
    let reasons: Vec<&str> = found.inventory.gaps.iter().map(|gap| gap.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "1 component without a package URL, so that nothing can be looked up: mystery",
            "1 component with a malformed package URL: broken",
            "1 component of a package type that is not known (qpkg): tool",
        ]
    );
}

#[test]
fn what_a_document_is_about_may_be_a_package() {
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5",
        "metadata": { "component": { "type": "library", "name": "x", "version": "1", "purl": "pkg:npm/x@1" } },
    });
    let found = contents(&read_text(&document.to_string())).remove(0);
    assert_eq!(found.inventory.packages[0].package.name, "x");
    assert!(found.inventory.gaps.is_empty());
}

#[test]
fn circles_end() {
    let element = |id: &str| {
        json!({ "SPDXID": id, "name": id, "versionInfo": "1", "externalRefs": [
        { "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": format!("pkg:deb/debian/{id}@1") }] })
    };
    let related = |from: &str, to: &str| json!({ "spdxElementId": from, "relationshipType": "CONTAINS", "relatedSpdxElement": to });
    let document = json!({
        "spdxVersion": "SPDX-2.3", "name": "x", "packages": [element("a"), element("b")],
        "relationships": [related("a", "b"), related("b", "a"), related("a", "a"), related("b", "none")],
    });
    let bill = read_text(&document.to_string());
    assert!(bill.relations.iter().all(|relation| relation.kind == RelationKind::Owns));
    let found = contents(&bill).remove(0);
    assert!(
        found.inventory.packages.iter().all(|installed| installed.owned_by.is_none()),
        "both are the distribution's"
    );
    for format in bills() {
        let mut out = Vec::new();
        (format.bill().unwrap().write)(&bill, &mut out).unwrap();
        assert_eq!(read(&out).unwrap().parts.len(), 2, "{}", format.name);
    }
    // An image in an image in itself.
    let inner = json!({ "type": "container", "name": "i", "bom-ref": "i" });
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": { "component": { "type": "container", "name": "o", "bom-ref": "o",
            "properties": [{ "name": "plimsoll:product", "value": "2" }] } },
        "components": [inner], "dependencies": [{ "ref": "o", "dependsOn": ["i", "o"] }, { "ref": "i", "dependsOn": ["o", "i"] }],
    });
    let bill = read_text(&document.to_string());
    assert!(contents(&bill).iter().all(|contents| contents.inventory.packages.is_empty()));
    assert_eq!(bill.count(|part| part.kind == PartKind::Container), 2);
}

#[test]
fn hostile_documents_are_refused_clearly() {
    let head = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":"#;
    let (open, close) = (r#"[{"name":"x","components":"#.repeat(100_000), "}]".repeat(100_000));
    let deep = format!("{head}{open}[]{close}}}");
    let many = format!("{head}[{}]}}", vec!["{}"; COUNT_LIMIT + 1].join(","));
    let half = vec!["{}"; PART_LIMIT / 2].join(",");
    let wide = format!("{head}[{half},{half},{{}}]}}");
    let nested = format!(r#"{head}[{half},{{"components":[{half}]}}]}}"#);
    let tags = format!("SPDXVersion: SPDX-2.3\n{}", "PackageName: x\n".repeat(PART_LIMIT + 1));
    let element = r#"<component type="library"><name>x</name></component>"#;
    let elements = format!(
        r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components>{}</components></bom>"#,
        element.repeat(PART_LIMIT + 1)
    );
    let long = format!(r#"{head}[{{"name":"{}"}}]}}"#, "x".repeat(TEXT_LIMIT + 1));
    let wrong = format!(r#"{head}[{{"name":{{"a":"{}"}}}}]}}"#, "x".repeat(10_000));
    let kind = format!(r#"{head}"{}"}}"#, "y".repeat(10_000));
    let xml = r#"<!DOCTYPE x [<!ENTITY a "b">]><bom xmlns="http://cyclonedx.org/schema/bom/1.6">&a;</bom>"#;
    for (text, words) in [
        ("", "neither CycloneDX"),
        ("PK\u{3}\u{4}", "neither CycloneDX"),
        ("{}", "neither CycloneDX"),
        ("{", "EOF while parsing"),
        (&deep, "recursion limit"),
        (&many, "more than 4000000 objects"),
        (&wide, "more than 250000 components"),
        (&nested, "more than 250000 components"),
        (&tags, "more than 250000 components"),
        (&elements, "more than 250000 components"),
        (&long, "a text of a component has more than"),
        (&wrong, "invalid type: map"),
        (&kind, "invalid type: string"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"9.9"}"#, "of version \"9.9\" is not read"),
        (r#"{"spdxVersion":"SPDX-4.0"}"#, "of version \"4.0\" is not read"),
        (r#"{"@context":"x","@graph":[]}"#, "no CreationInfo"),
        (xml, "it has a document type"),
        ("SPDXVersion: SPDX-2.3\nPackageName: <text>x", "a text that does not end"),
        ("SPDXVersion: SPDX-2.3\nnonsense", "line 2: no tag and value"),
    ] {
        let error = read(text.as_bytes()).map(|bill| bill.parts.len()).unwrap_err().to_string();
        assert!(error.contains(words), "{text:.60}: {error}");
        assert!(error.len() < 400, "{error}");
    }
}
