use super::*;
use crate::testing::{error_of, facts_of, located_of};
use plimsoll_model::gap::Gap;

/// A zip archive of stored members, by the word of the specification.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, body) in members {
        let mut crc = flate2::Crc::new();
        crc.update(body);
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend([crc.sum().to_le_bytes(), size, size].concat());
        fields.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        fields.extend([0, 0]);
        let offset = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        bytes.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), body].concat());
        directory.extend([b"PK\x01\x02\x14\0", &fields[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let offset = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    [&bytes[..], &directory, b"PK\x05\x06\0\0\0\0\0\0\0\0", &size, &offset, &[0, 0]].concat()
}

fn pom(group: &str, artifact: &str, version: &str) -> (String, Vec<u8>) {
    let name = format!("META-INF/maven/{group}/{artifact}/pom.properties");
    let text = format!("#Generated\nversion={version}\r\ngroupId = {group}\nartifactId:{artifact}\n");
    (name, text.into_bytes())
}

fn found(path: &str, bytes: &[u8]) -> Vec<String> {
    let (located, gaps) = located_of(&JAVA, path, bytes);
    assert_eq!(gaps, [] as [Gap; 0]);
    located.into_iter().map(|located| title(&located)).collect()
}

fn title(located: &plimsoll_model::evidence::Located) -> String {
    let Fact::Package(package) = &located.fact else { panic!("{located:?}") };
    let inside = located.inside.as_deref().unwrap_or("-");
    format!("{}@{} {inside}", package.name, package.version)
}

fn manifest(fields: &str) -> Vec<u8> {
    zip(&[(
        "META-INF/MANIFEST.MF",
        format!("Manifest-Version: 1.0\r\n{fields}\r\n\r\nName: x\r\n").as_bytes(),
    )])
}

#[test]
fn properties_tell_the_jar_and_what_was_copied_into_it() {
    let (own, copied) = (pom("org.example", "shop", "1.2"), pom("com.fasterxml", "jackson", "2.9.0"));
    let alone = zip(&[(&own.0, &own.1)]);
    assert_eq!(found("app/shop-1.2.jar", &alone), ["org.example:shop@1.2 -"]);
    assert_eq!(found("app/app.jar", &alone), ["org.example:shop@1.2 -"]);
    let shaded = zip(&[(&copied.0, &copied.1), (&own.0, &own.1)]);
    let expected = [
        "org.example:shop@1.2 -",
        "com.fasterxml:jackson@2.9.0 META-INF/maven/com.fasterxml/jackson/pom.properties",
    ];
    assert_eq!(found("app/shop.jar", &shaded), expected);
    // A jar of another name, in which somebody copied one library.
    let other = found("app/other-7.jar", &zip(&[(&copied.0, &copied.1)]));
    assert_eq!(other, ["other@7 -", expected[1]]);
    let text = b"Bundle-SymbolicName: com.google.inject\nBundle-Version: 4.2.3\n";
    let other = found("guice.jar", &zip(&[(&copied.0, &copied.1), ("META-INF/MANIFEST.MF", text)]));
    assert_eq!(other, ["guice@4.2.3 -", expected[1]]);
}

#[test]
fn jars_in_jars_are_found_by_their_places() {
    let (own, library) = (pom("org.example", "shop", "1.2"), pom("com.fasterxml", "jackson", "2.9.0"));
    let library = zip(&[(&library.0, &library.1)]);
    let war = zip(&[(&own.0, &own.1), ("WEB-INF/lib/jackson-2.9.0.jar", &library)]);
    let ear = zip(&[("shop.war", &war)]);
    let expected = ["org.example:shop@1.2 -", "com.fasterxml:jackson@2.9.0 WEB-INF/lib/jackson-2.9.0.jar"];
    assert_eq!(found("app/shop.war", &war), expected);
    let expected = [
        "all@ -",
        "org.example:shop@1.2 shop.war",
        "com.fasterxml:jackson@2.9.0 shop.war!/WEB-INF/lib/jackson-2.9.0.jar",
    ];
    assert_eq!(found("app/all.ear", &ear), expected);
}

#[test]
fn manifests_and_names_tell_the_rest() {
    for (path, fields, expected) in [
        ("derby-10.14.2.0.jar", "Implementation-Version: 10.14.2.0 - (1828579)", "derby@10.14.2.0"),
        ("log4j-1.2-api-2.14.1.jar", "Implementation-Version: 2.14.1", "log4j-1.2-api@2.14.1"),
        ("app.jar", "Implementation-Title: shop\r\nImplementation-Version: 1.2", "shop@1.2"),
        ("app.jar", "Implementation-Title: The Shop\r\nImplementation-Version: ${v}", "app@"),
        ("x-1.0.jar", "Automatic-Module-Name: org.example.x", "x@1.0"),
        ("x-1.0.jar", "Implementation-Vendor-Id: org.exa\r\n mple", "org.example:x@1.0"),
        (
            "log4j-core-2.0.jar",
            "Bundle-SymbolicName: org.logging.log4j.core",
            "org.logging.log4j:log4j-core@2.0",
        ),
        (
            "y_1.0.v2020.jar",
            "Bundle-SymbolicName: org.eclipse.x.y;singleton:=true",
            "org.eclipse.x:y@1.0.v2020",
        ),
        ("velocity-1.5.jar", "Implementation-Vendor-Id: org.apache", "velocity@1.5"),
        ("kafka_2.13-3.0.0.jar", "", "kafka_2.13@3.0.0"),
        ("guava-31.1-jre.jar", "", "guava@31.1-jre"),
    ] {
        assert_eq!(found(path, &manifest(fields)), [format!("{expected} -")], "{path} {fields}");
    }
}

#[test]
fn groups_of_known_artifacts_need_their_classes() {
    let beans = zip(&[("org/springframework/beans/PropertyValue.class", b"x")]);
    assert_eq!(found("spring-beans-5.3.17.jar", &beans), ["org.springframework:spring-beans@5.3.17 -"]);
    assert_eq!(found("spring-beans-5.3.17.jar", &zip(&[("a/B.class", b"x")])), ["spring-beans@5.3.17 -"]);
    let asm = zip(&[("org/objectweb/asm/Handle.class", b"x")]);
    assert_eq!(found("asm-9.3.jar", &asm), ["org.ow2.asm:asm@9.3 -"]);
}

#[test]
fn parts_of_a_runtime_are_no_packages() {
    let fields = "Specification-Title: Java Platform API Specification\r\nImplementation-Version: 1.8.0_392";
    assert_eq!(found("opt/java/jre/lib/rt.jar", &manifest(fields)), [""; 0]);
    // A library that was built with such a manifest by mistake says what it is.
    let own = pom("org.example", "shop", "1.2");
    let text = format!("{fields}\r\n");
    let jar = zip(&[("META-INF/MANIFEST.MF", text.as_bytes()), (&own.0, &own.1)]);
    assert_eq!(found("app/shop-1.2.jar", &jar), ["org.example:shop@1.2 -"]);
}

#[test]
fn properties_without_sense_are_gaps() {
    let jar = zip(&[("META-INF/maven/a b/c d/pom.properties", b"groupId=${x}\n")]);
    let (_, gaps) = located_of(&JAVA, "x-1.jar", &jar);
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].subject, "/x-1.jar!/META-INF/maven/a b/c d/pom.properties");
}

#[test]
fn a_hundred_jars_in_each_other_end_at_the_limit() {
    let mut jar = zip(&[]);
    for _ in 0..100 {
        jar = zip(&[("x-1.jar", &jar)]);
    }
    let (located, gaps) = located_of(&JAVA, "x-1.jar", &jar);
    assert_eq!((located.len(), gaps.len()), (DEPTH_LIMIT + 1, 1));
    assert_eq!(gaps[0].kind, GapKind::LimitReached);
}

#[test]
fn a_flood_of_broken_members_is_a_few_gaps() {
    let names: Vec<String> = (0..200).map(|number| format!("lib/{number}.jar")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b"PK\x03\x04"[..])).collect();
    let (_, gaps) = located_of(&JAVA, "x.jar", &zip(&members));
    assert_eq!(gaps.len(), GAP_LIMIT + 1);
}

#[test]
fn members_that_overlap_are_refused() {
    let mut jar = zip(&[("a.jar", b"one and the same"), ("b.jar", b"one and the same")]);
    let at = jar.len() - 22 - 5 - 4;
    jar[at] = 0;
    assert_eq!(error_of(&JAVA, "x.jar", &jar).as_deref(), Some("members of the archive overlap"));
}

#[test]
fn a_member_that_says_it_is_huge_is_a_limit() {
    let mut jar = zip(&[("a.jar", b"12345678")]);
    let at = jar.len() - 22 - 5 - 46 + 24;
    jar[at..at + 4].copy_from_slice(&0xf000_0000_u32.to_le_bytes());
    let (_, gaps) = located_of(&JAVA, "x.jar", &jar);
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].kind, GapKind::LimitReached);
}

#[test]
fn files_that_only_sound_like_archives_are_nothing() {
    assert!(facts_of(&JAVA, "cookies.jar", b"# Netscape HTTP Cookie File").is_empty());
    assert!(error_of(&JAVA, "cut.jar", b"PK\x03\x04 cut off").is_some());
}
