//! WordPress with its plugins and themes, by the comments at the head of their files
//! (<https://developer.wordpress.org/plugins/plugin-basics/header-requirements/>,
//! <https://developer.wordpress.org/themes/basics/main-stylesheet-style-css/>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};

/// Reads what is installed.
pub(crate) const WORDPRESS: Extractor = Extractor {
    name: "wordpress",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".php"), PathRule::Name("style.css")],
        content: ContentRule::Text,
        max_size: 16 << 20,
    },
    extract,
};

/// WordPress itself reads no more of a file for its header.
const HEAD: usize = 8 << 10;

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let (folder, name) = (parent(file.path), file_name(file.path));
    let slug = file_name(folder);
    let holder = parent(folder);
    let (title, prefix) = if name == "version.php" && slug == "wp-includes" {
        let text = file.text()?;
        let version = text.lines().find_map(|line| line.trim_start().strip_prefix("$wp_version"));
        let version = version.and_then(|rest| rest.split(['\'', '"']).nth(1));
        let Some(version) = version.filter(|version| !version.is_empty()) else {
            return Err(ExtractError::Malformed("it does not tell the version of WordPress".to_owned()));
        };
        facts.push(Fact::Package(Package::new(Ecosystem::WordPress, "wordpress", version)));
        return Ok(());
    } else if name == "style.css" && holder.ends_with("wp-content/themes") {
        ("Theme Name:", "theme")
    } else if name.ends_with(".php") && holder.ends_with("wp-content/plugins") {
        ("Plugin Name:", "plugin")
    } else {
        return Ok(());
    };
    let bytes = file.read()?;
    let text = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(&bytes));
    let value = |key: &str| {
        let mut values = text
            .lines()
            .filter_map(|line| line.trim_start_matches([' ', '\t', '/', '*', '#', '@']).strip_prefix(key));
        values.next().map(|value| value.trim_end_matches("*/").trim()).filter(|value| !value.is_empty())
    };
    if let (Some(_), Some(version)) = (value(title), value("Version:")) {
        let licenses = value("License:").map(|license| vec![license.to_owned()]).unwrap_or_default();
        let package = Package::new(Ecosystem::WordPress, format!("{prefix}/{slug}"), version);
        facts.push(Fact::Package(Package { licenses, ..package }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    #[test]
    fn core_plugins_and_themes_are_read() {
        let package = |name, version| [Fact::Package(Package::new(Ecosystem::WordPress, name, version))];
        let plugin =
            b"<?php\n/**\n * @package Akismet\n */\n/*\nPlugin Name: Akismet Anti-spam\nVersion: 5.3\n*/\n";
        let path = "var/www/html/wp-content/plugins/akismet/akismet.php";
        assert_eq!(facts_of(&WORDPRESS, path, plugin), package("plugin/akismet", "5.3"));
        assert_eq!(facts_of(&WORDPRESS, "var/www/html/index.php", plugin), []);
        let theme = b"/*\nTheme Name: Twenty\nVersion: 1.2 */\n";
        let path = "wp-content/themes/twenty/style.css";
        assert_eq!(facts_of(&WORDPRESS, path, theme), package("theme/twenty", "1.2"));
        let core = b"<?php\n/** x */\n$wp_version = '6.4.2';\n";
        let path = "var/www/html/wp-includes/version.php";
        assert_eq!(facts_of(&WORDPRESS, path, core), package("wordpress", "6.4.2"));
        assert!(error_of(&WORDPRESS, path, b"<?php\n$wp_version = ").is_some());
    }
}
