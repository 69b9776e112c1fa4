//! Installed Python distributions: `*.dist-info/METADATA`, `*.egg-info` (a directory with `PKG-INFO`, or one file), `*.egg`
//! (a zip archive that is imported as it is), and the files they own from `RECORD`, `installed-files.txt`.
//! Format: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.

use plimsoll_formats::deb822::stanzas;
use plimsoll_formats::zip::{Directory, ZipError};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Deprecation, Ecosystem, Package, python_name};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};

use super::executable::source;
use super::markers;

/// Reads installed distributions.
pub(crate) const PYTHON: Extractor = Extractor {
    name: "python",
    revision: 3,
    wants: Wants {
        paths: &[PathRule::Name("METADATA"), PathRule::Name("PKG-INFO"), PathRule::Suffix(".egg-info")],
        content: ContentRule::Text,
        max_size: 16 << 20,
    },
    extract,
};

/// Reads distributions that are one zip archive.
pub(crate) const PYTHON_EGG: Extractor = Extractor {
    name: "python-egg",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".egg")],
        content: ContentRule::Magic(&[b"PK"]),
        max_size: 4 << 30,
    },
    extract: extract_egg,
};

/// Reads which files a distribution owns.
pub(crate) const PYTHON_RECORD: Extractor = Extractor {
    name: "python-record",
    revision: 1,
    wants: Wants {
        paths: &[
            PathRule::Suffix(".dist-info/RECORD"),
            PathRule::Name("RECORD"),
            PathRule::Name("installed-files.txt"),
        ],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract: extract_record,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let directory = parent(file.path);
    let is_metadata = match file_name(file.path) {
        "METADATA" => directory.ends_with(".dist-info"),
        "PKG-INFO" => directory.ends_with(".egg-info") || directory.ends_with("EGG-INFO"),
        name => name.ends_with(".egg-info"),
    };
    if !is_metadata {
        return Ok(());
    }
    let text = file.text()?;
    let package = distribution(&text)?;
    facts.push_needs(needs(&text, &package, directory));
    if is_inactive(&text) {
        facts.push(Fact::Deprecated {
            ecosystem: package.ecosystem,
            name: package.name.clone(),
            version: package.version.clone(),
            deprecation: Deprecation::new(Some("its development status is inactive"), None),
        });
    }
    facts.push(Fact::Package(package));
    Ok(())
}

fn extract_egg(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let mut source = source(file)?;
    let malformed = |error: ZipError| ExtractError::Malformed(error.to_string());
    let directory = Directory::read(&mut source, 16 << 20).map_err(malformed)?;
    for member in directory.members() {
        let member = member.map_err(malformed)?;
        if member.name == "EGG-INFO/PKG-INFO" {
            let bytes = member.read(&mut source, 16 << 20).map_err(malformed)?;
            facts.push(Fact::Package(distribution(&String::from_utf8_lossy(&bytes))?));
            return Ok(());
        }
    }
    Err(ExtractError::Malformed("the egg has no EGG-INFO/PKG-INFO".to_owned()))
}

/// The distribution that a file of metadata describes.
fn distribution(text: &str) -> Result<Package, ExtractError> {
    // The headers end at the first empty line; what follows is the description.
    let Some(headers) = stanzas(text).next() else {
        return Err(ExtractError::Malformed("the metadata is empty".to_owned()));
    };
    let field = |name| {
        headers.get(name).map(|value| value.first_line().trim().to_owned()).filter(|value| !value.is_empty())
    };
    let (Some(name), Some(version)) = (field("Name"), field("Version")) else {
        return Err(ExtractError::Malformed("the metadata has no Name or no Version".to_owned()));
    };
    let mut package = Package::new(Ecosystem::PyPi, name, version);
    let classifiers = headers.fields().filter(|(key, _)| key.eq_ignore_ascii_case("Classifier"));
    let by_classifier = classifiers.filter_map(|(_, value)| {
        let licence = value.first_line().strip_prefix("License ::")?;
        licence.rsplit("::").next().map(|last| last.trim().to_owned())
    });
    package.licenses = match field("License-Expression") {
        Some(expression) => vec![expression],
        None => {
            let declared = field("License").filter(|license| license.len() < 100 && license != "UNKNOWN");
            declared.map_or_else(|| by_classifier.collect(), |license| vec![license])
        }
    };
    Ok(package)
}

/// What the metadata in `directory` says that the distribution needs where no extra is asked for.
fn needs(text: &str, package: &Package, directory: &str) -> Needs {
    let mut needs = Needs::of(package, Reach::Folder);
    let python = directory.split('/').find_map(|part| part.strip_prefix("python"));
    let python = python.filter(|version| version.starts_with("3.") || version.starts_with("2."));
    // Unlike in a paragraph of Debian's, a line of blanks may be a part of a licence's text.
    let headers = text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
    for (_, wish) in headers.filter(|(key, _)| key.eq_ignore_ascii_case("Requires-Dist")) {
        let (wish, condition) = wish.split_once(';').unwrap_or((wish, ""));
        if markers::may_hold(condition, python) {
            needs.need([required_name(wish)]);
        }
    }
    needs
}

/// The name at the start of a requirement: `Name[extra] (>=1.0)`, `name>=1.0`, `name @ https://…`.
pub(super) fn required_name(wish: &str) -> &str {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let wish = wish.trim_start();
    wish.get(..wish.find(|c| !is_name(c)).unwrap_or(wish.len())).unwrap_or_default()
}

/// Tells whether its makers classify it as one that they gave up (<https://pypi.org/classifiers/>).
fn is_inactive(text: &str) -> bool {
    let Some(headers) = stanzas(text).next() else { return false };
    headers.fields().any(|(key, value)| {
        key.eq_ignore_ascii_case("Classifier")
            && value.first_line().trim() == "Development Status :: 7 - Inactive"
    })
}

/// How a distribution owns files: normalized name and version, as PEP 503 and the directory's name have it.
pub(crate) fn owner_key(name: &str, version: &str) -> String {
    format!("{}-{version}", python_name(name))
}

fn extract_record(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let directory = parent(file.path).to_owned();
    let site_packages = parent(&directory).to_owned();
    let folder = file_name(&directory);
    let (stem, base) =
        match (folder.strip_suffix(".dist-info"), folder.strip_suffix(".egg-info"), file_name(file.path)) {
            (Some(stem), _, "RECORD") => (stem, site_packages),
            (_, Some(stem), "installed-files.txt") => (stem, directory.clone()),
            _ => return Ok(()),
        };
    // An egg's folder may end with the Python version: `x-1.0-py3.11`.
    let stem = stem.split_once("-py").map_or(stem, |(before, _)| before);
    let Some((name, version)) = stem.split_once('-') else { return Ok(()) };
    let owner = owner_key(name, version);
    let text = file.text()?;
    let files = text.lines().filter_map(|line| match normalize(&format!("{base}/{}", first_field(line))) {
        Normalized::Path(path) => Some(path),
        _ => None,
    });
    facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::PyPi, owner, files: files.collect() });
    Ok(())
}

/// The first field of a line of CSV; quoted if it holds a comma.
pub(crate) fn first_field(line: &str) -> String {
    match line.strip_prefix('"') {
        Some(rest) => {
            let end = rest.find("\",").unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default().trim_end_matches('"').replace("\"\"", "\"")
        }
        None => line.split(',').next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts_of, needs_of};

    #[test]
    fn needs_without_extras_are_read() {
        let metadata = b"Metadata-Version: 2.1\nName: Flask\nVersion: 2\nLicense: a text\n        \n        of two parts\nRequires-Dist: Werkzeug>=2.0\nRequires-Dist: Jinja2[i18n] (>=3.0)\nRequires-Dist: asgiref (>=3.2) ; extra == 'async'\nRequires-Dist: importlib-metadata ; python_version < \"3.10\"\nRequires-Dist: colorama; platform_system == 'Windows'\n\nRequires-Dist: prose\n";
        let path = |version: &str| format!("usr/lib/{version}/site-packages/Flask-2.dist-info/METADATA");
        assert_eq!(needs_of(&PYTHON, &path("python3.11"), metadata), ["Flask: Werkzeug, Jinja2; "]);
        let known = ["Flask: Werkzeug, Jinja2, importlib-metadata; "];
        assert_eq!(needs_of(&PYTHON, &path("python3.9"), metadata), known);
        assert_eq!(needs_of(&PYTHON, &path("python3"), metadata), known);
    }

    #[test]
    fn wheels_and_eggs_are_read() {
        let metadata = b"Metadata-Version: 2.1\nName: Flask\nVersion: 0.12.2\nLicense: BSD\nClassifier: Programming Language :: Python\n\nName: not-a-header\n";
        let facts =
            facts_of(&PYTHON, "usr/lib/python3/site-packages/Flask-0.12.2.dist-info/METADATA", metadata);
        let mut flask = Package::new(Ecosystem::PyPi, "Flask", "0.12.2");
        flask.licenses = vec!["BSD".into()];
        assert_eq!(facts, [Fact::Package(flask.clone())]);
        assert_eq!(facts_of(&PYTHON, "x/Flask-0.12.2.egg-info", metadata), facts);
        assert_eq!(facts_of(&PYTHON, "x/Flask-0.12.2-py3.11.egg-info/PKG-INFO", metadata), facts);
        assert!(facts_of(&PYTHON, "srv/METADATA", metadata).is_empty());
    }

    #[test]
    fn licences_come_from_the_best_place() {
        let of = |fields: &str| {
            let text = format!("Name: x\nVersion: 1\n{fields}\n");
            let facts = facts_of(&PYTHON, "a/x-1.dist-info/METADATA", text.as_bytes());
            let Some(Fact::Package(package)) = facts.into_iter().next() else { panic!() };
            package.licenses
        };
        assert_eq!(of("License-Expression: MIT OR Apache-2.0\nLicense: other"), ["MIT OR Apache-2.0"]);
        assert_eq!(
            of("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License"),
            ["BSD License"]
        );
    }

    #[test]
    fn what_is_inactive_is_told() {
        let of = |status: &str| {
            let text = format!(
                "Name: x\nVersion: 1\nClassifier: Development Status :: {status}\n\nClassifier: Development Status :: 7 - Inactive\n"
            );
            let facts = facts_of(&PYTHON, "a/x-1.dist-info/METADATA", text.as_bytes());
            facts.iter().any(|fact| matches!(fact, Fact::Deprecated { name, .. } if name == "x"))
        };
        assert!(of("7 - Inactive"));
        assert!(!of("5 - Production/Stable"));
    }

    #[test]
    fn records_resolve_against_site_packages() {
        let record = b"flask/app.py,sha256=x,10\n../../../bin/flask,,\n\"odd,name.py\",sha256=y,1\n";
        let path = "usr/lib/python3.11/site-packages/Flask-0.12.2.dist-info/RECORD";
        let files = [
            "usr/lib/python3.11/site-packages/flask/app.py",
            "usr/bin/flask",
            "usr/lib/python3.11/site-packages/odd,name.py",
        ];
        let files = files.map(str::to_owned).to_vec();
        assert_eq!(
            facts_of(&PYTHON_RECORD, path, record),
            [Fact::OwnedFiles { ecosystem: Ecosystem::PyPi, owner: "flask-0.12.2".into(), files }]
        );
    }
}
