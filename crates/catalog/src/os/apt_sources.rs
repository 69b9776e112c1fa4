//! apt's list of repositories, in its one-line and its deb822 form
//! (<https://manpages.debian.org/bookworm/apt/sources.list.5.en.html>).

use plimsoll_formats::deb822::stanzas;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::repository::{AptRepository, Repository};

/// Reads `sources.list` and the files of `sources.list.d`.
pub(crate) const APT_SOURCES: Extractor = Extractor {
    name: "apt-sources",
    revision: 2,
    wants: Wants {
        paths: &[PathRule::Exact("etc/apt/sources.list"), PathRule::In("etc/apt/sources.list.d")],
        content: ContentRule::Text,
        max_size: 1 << 20,
    },
    extract,
};

/// More than any image names; the product of URIs, suites and components can be huge in a hostile file.
const LIMIT: usize = 1_000;

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    let found = if file.path.ends_with(".sources") {
        deb822(&text)
    } else if file.path.ends_with(".list") {
        one_line(&text)
    } else {
        // apt passes over files with other names.
        Vec::new()
    };
    for repository in found.into_iter().take(LIMIT) {
        facts.push(Fact::Repository(Repository::Apt(repository)));
    }
    Ok(())
}

/// `deb [options] uri suite component…`
fn one_line(text: &str) -> Vec<AptRepository> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(rest) = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t'])) else {
            continue;
        };
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let mut words = rest.split_whitespace();
        if let (Some(uri), Some(suite)) = (words.next(), words.next()) {
            found.extend(words.take(LIMIT).map(|component| repository(uri, suite, component)));
        }
    }
    found
}

fn deb822(text: &str) -> Vec<AptRepository> {
    let mut found = Vec::new();
    for stanza in stanzas(text) {
        let words = |name: &str| -> Vec<String> {
            let folded = stanza.get(name).map(|value| value.folded().into_owned()).unwrap_or_default();
            folded.split_whitespace().map(str::to_owned).collect()
        };
        let is_off = stanza.get("Enabled").is_some_and(|value| {
            ["no", "false", "without", "off", "disable"].contains(&value.first_line().to_lowercase().as_str())
        });
        if is_off || !words("Types").iter().any(|kind| kind == "deb") {
            continue;
        }
        let (suites, components) = (words("Suites"), words("Components"));
        for uri in &words("URIs") {
            for suite in &suites {
                found.extend(components.iter().map(|component| repository(uri, suite, component)));
                if found.len() > LIMIT {
                    return found;
                }
            }
        }
    }
    found
}

fn repository(uri: &str, suite: &str, component: &str) -> AptRepository {
    AptRepository {
        uri: uri.trim_end_matches('/').to_owned(),
        suite: suite.to_owned(),
        component: component.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: &[AptRepository]) -> Vec<String> {
        found.iter().map(|r| format!("{} {} {}", r.uri, r.suite, r.component)).collect()
    }

    #[test]
    fn both_forms_are_read() {
        let old = "# deb http://x y z\ndeb http://deb.debian.org/debian/ bookworm main contrib # so\n\
            deb-src http://deb.debian.org/debian bookworm main\n\
            deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/sec bookworm-security main\ndeb http://only\n";
        let main =
            ["http://deb.debian.org/debian bookworm main", "http://deb.debian.org/debian bookworm contrib"];
        let security = "https://mirror.example/sec bookworm-security main";
        assert_eq!(told(&one_line(old)), [main[0], main[1], security]);
        let new = "Types: deb deb-src\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main\n contrib\n\n\
            Types: deb\nEnabled: no\nURIs: http://off\nSuites: x\nComponents: main\n\n\
            Types: deb-src\nURIs: http://source\nSuites: x\nComponents: main\n\n\
            Types: deb\nURIs: https://mirror.example/sec\nSuites: bookworm-security\nComponents: main\n";
        assert_eq!(told(&deb822(new)), [main[0], main[1], security]);
    }

    #[test]
    fn a_hostile_file_does_not_multiply() {
        let many = "x ".repeat(3_000);
        let text = format!("Types: deb\nURIs: {many}\nSuites: {many}\nComponents: {many}\n");
        assert!(deb822(&text).len() < 10_000);
        assert_eq!(one_line(&format!("deb u s {many}")).len(), LIMIT);
    }
}
