//! `os-release`: which distribution this is
//! (<https://www.freedesktop.org/software/systemd/man/latest/os-release.html>).

use plimsoll_model::distribution::Distribution;
use plimsoll_model::evidence::{DistributionFact, Fact};
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};

/// Reads `os-release`.
pub(crate) const OS_RELEASE: Extractor = Extractor {
    name: "os-release",
    revision: 2,
    wants: Wants {
        paths: &[PathRule::Exact("etc/os-release"), PathRule::Exact("usr/lib/os-release")],
        content: ContentRule::Text,
        max_size: 64 << 10,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    let distribution = parse(&text);
    if distribution.id.is_empty() {
        return Err(ExtractError::Malformed("there is no ID".to_owned()));
    }
    facts.push(Fact::Distribution(DistributionFact(distribution)));
    Ok(())
}

fn parse(text: &str) -> Distribution {
    let mut distribution = Distribution::default();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let value = unquoted(value);
        let some = Some(value.clone()).filter(|value| !value.is_empty());
        match key {
            "ID" => distribution.id = value.to_lowercase(),
            "ID_LIKE" => distribution.id_like = value.split_whitespace().map(str::to_owned).collect(),
            "VERSION_ID" => distribution.version_id = some,
            "VERSION_CODENAME" => distribution.codename = some,
            "PRETTY_NAME" => distribution.pretty_name = some,
            "CPE_NAME" => distribution.cpe_name = some,
            _ => {}
        }
    }
    distribution
}

/// A value as the shell would read it: quotes taken off, backslashes resolved.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)))
        .unwrap_or(value);
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_values_are_read() {
        let text = "# a comment\nID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian GNU/Linux 12'\nVERSION_CODENAME=bookworm\nID_LIKE=\"rhel fedora\"\nNAME=\"a \\\"b\\\"\"\nCPE_NAME=\"cpe:/o:x:y:9\"\n";
        let found = parse(text);
        assert_eq!((found.id.as_str(), found.version_id.as_deref()), ("debian", Some("12")));
        assert_eq!(found.id_like, ["rhel", "fedora"]);
        assert_eq!(found.title(), "Debian GNU/Linux 12");
        assert_eq!(found.cpe_name.as_deref(), Some("cpe:/o:x:y:9"));
        assert_eq!(unquoted(r#""a \"b\"""#), r#"a "b""#);
        assert_eq!(parse("VERSION_ID=\n").version_id, None);
    }
}
