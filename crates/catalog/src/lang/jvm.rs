//! Java runtimes by the `release` file in their home, as `jlink` writes it
//! (<https://openjdk.org/jeps/220>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};

/// Reads the file.
pub(crate) const JVM: Extractor = Extractor {
    name: "jvm",
    revision: 1,
    wants: Wants { paths: &[PathRule::Name("release")], content: ContentRule::Text, max_size: 64 << 10 },
    extract,
};

/// Who makes a runtime, by a word in `IMPLEMENTOR`; all others build OpenJDK.
const MAKERS: [(&str, &str); 8] = [
    ("Adoptium", "temurin"),
    ("Amazon", "corretto"),
    ("Azul", "zulu"),
    ("BellSoft", "liberica"),
    ("GraalVM", "graalvm"),
    ("IBM", "semeru"),
    ("Microsoft", "microsoft-openjdk"),
    ("Oracle", "oracle-java"),
];

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    let value = |name: &str| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        values.next().map(|value| value.trim().trim_matches('"')).filter(|value| !value.is_empty())
    };
    // Other projects have files of this name.
    let Some(version) = value("JAVA_VERSION") else { return Ok(()) };
    let full = value("JAVA_RUNTIME_VERSION").or_else(|| value("FULL_VERSION")).unwrap_or(version);
    let implementor = value("IMPLEMENTOR").unwrap_or_default();
    let maker = MAKERS.iter().find(|(word, _)| implementor.contains(word));
    let name = maker.map_or("openjdk", |(_, name)| name);
    // `-LTS` and what a builder adds are no part of the version.
    let full = full.split('-').next().unwrap_or(full);
    let architecture = value("OS_ARCH").map(str::to_owned);
    facts.push(Fact::Package(Package { architecture, ..Package::new(Ecosystem::Generic, name, full) }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    #[test]
    fn runtimes_are_told_with_their_maker() {
        let text = "IMPLEMENTOR=\"Eclipse Adoptium\"\nIMPLEMENTOR_VERSION=\"Temurin-17.0.9+9\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9-LTS\"\nJAVA_VERSION=\"17.0.9\"\nOS_ARCH=\"x86_64\"\n";
        let package = |name, version| {
            let package = Package::new(Ecosystem::Generic, name, version);
            [Fact::Package(Package { architecture: Some("x86_64".into()), ..package })]
        };
        let path = "opt/java/openjdk/release";
        assert_eq!(facts_of(&JVM, path, text.as_bytes()), package("temurin", "17.0.9+9"));
        let old = "JAVA_VERSION=\"1.8.0_392\"\nOS_ARCH=\"x86_64\"\n";
        assert_eq!(facts_of(&JVM, path, old.as_bytes()), package("openjdk", "1.8.0_392"));
        assert_eq!(facts_of(&JVM, path, b"VERSION=1\n"), []);
    }
}
