//! Programs and libraries of Windows, by the product that their version resource names
//! (<https://learn.microsoft.com/en-us/windows/win32/menuproc/versioninfo-resource>). Those that a package is recorded to own are
//! that package, which is found where layers are merged.

use plimsoll_formats::executable::pe::version::{VersionInfo, version_info};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};

use super::executable::source;

/// Reads version resources.
pub(crate) const PE: Extractor = Extractor {
    name: "pe",
    revision: 1,
    wants: Wants { paths: &[PathRule::Any], content: ContentRule::Magic(&[b"MZ"]), max_size: 2 << 30 },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let mut source = source(file)?;
    let info = version_info(&mut source).map_err(ExtractError::Spool)?;
    if let Some(package) = info.and_then(product) {
        facts.push(Fact::Package(package));
    }
    Ok(())
}

/// The product with the version that is told of it, else that of the file.
fn product(info: VersionInfo) -> Option<Package> {
    let texts = [info.product_version, info.file_version].into_iter().flatten();
    let version = texts.map(|text| plain(&text)).find(|text| is_version(text)).or(info.numbers)?;
    Some(Package::new(Ecosystem::Generic, info.product_name?, version))
}

/// `1, 2, 3, 4` as old programs have it, `10.0.17763.1 (WinBuild.160101.0800)` as Windows has it.
fn plain(version: &str) -> String {
    let version = version.split(" (").next().unwrap_or_default();
    version.replace(", ", ".").replace(',', ".")
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == 'v') && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    fn of(product: &str, file: &str, numbers: &str) -> Option<String> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let info = VersionInfo {
            product_name: Some("Shop".into()),
            product_version: text(product),
            file_version: text(file),
            company_name: None,
            numbers: text(numbers),
        };
        super::product(info).map(|package| package.version)
    }

    #[test]
    fn the_best_version_is_taken() {
        assert_eq!(of("1.2.3+abc", "1.2.3.0", "1.2.3.0").as_deref(), Some("1.2.3+abc"));
        assert_eq!(of("1, 2, 3, 4", "", "").as_deref(), Some("1.2.3.4"));
        assert_eq!(of("10.0.1.2 (WinBuild.1)", "", "").as_deref(), Some("10.0.1.2"));
        assert_eq!(of("the first one", "2.0", "").as_deref(), Some("2.0"));
        assert_eq!(of("", "", "5.0.0.1").as_deref(), Some("5.0.0.1"));
        assert_eq!(of("", "", ""), None);
    }

    #[test]
    fn what_is_no_file_of_windows_is_passed_over() {
        for bytes in [&b"MZ"[..], b"MZ\x90\0", &[b'M'; 100]] {
            assert_eq!(facts_of(&PE, "x.exe", bytes), []);
        }
    }
}
