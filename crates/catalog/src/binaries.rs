//! Well-known programs and libraries that no package manager knows: told by a version in their bytes. What they look
//! like is data (`rules/binaries.toml`); which of them a package owns is decided where layers are merged.
//!
//! Only files that a rule names are searched, in windows, so that memory stays bounded.

use std::io::Read;
use std::sync::{LazyLock, OnceLock};

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::file_name;
use plimsoll_model::wildcard::fits;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Input, util::captures::Captures};
use serde::Deserialize;

/// Reads executables and shared libraries of Linux.
pub(crate) const BINARIES: Extractor = Extractor {
    name: "binaries",
    revision: 2,
    wants: Wants { paths: &[PathRule::Any], content: ContentRule::Magic(&[b"\x7fELF"]), max_size: 2 << 30 },
    extract,
};

/// How many bytes are in memory at once.
const WINDOW: usize = 1 << 20;
/// No version is longer, together with what a rule wants around it.
const OVERLAP: usize = 1 << 10;

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
    Rules::parse(include_str!("../rules/binaries.toml")).expect("the embedded rules are sound")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(rename = "binary")]
    rules: Vec<Rule>,
}

impl Rules {
    fn parse(text: &str) -> Result<Vec<Rule>, toml::de::Error> {
        toml::from_str::<Self>(text).map(|rules| rules.rules)
    }
}

/// One program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Its name.
    name: String,
    /// Names of its files, where a star stands for anything.
    files: Vec<String>,
    /// Expressions over bytes, tried in turn; the group `version` of the first that is found is the version.
    versions: Vec<Pattern>,
}

#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct Pattern {
    text: String,
    /// Compiled when a file has the name.
    compiled: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl Pattern {
    fn compiled(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.text)).as_ref()
    }

    /// The version in `bytes`. What ends with them and is not the end of the file may be cut off, and is not told.
    fn find(&self, bytes: &[u8], end: End) -> Option<String> {
        let regex = self.compiled()?;
        let mut captures: Captures = regex.create_captures();
        regex.search_captures(&Input::new(bytes), &mut captures);
        let is_cut = end == End::OfWindow && captures.get_match()?.end() == bytes.len();
        let version = bytes.get(captures.get_group_by_name("version")?.range()).filter(|_| !is_cut)?;
        std::str::from_utf8(version).ok().map(str::to_owned)
    }
}

/// What lies behind some bytes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    OfFile,
    OfWindow,
}

fn compile(text: &str) -> Option<Regex> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    Regex::builder().syntax(syntax).build(text).ok()
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    // There the name of the folder tells what it is.
    if file.path.starts_with("nix/store/") {
        return Ok(());
    }
    let name = file_name(file.path);
    for rule in RULES.iter().filter(|rule| rule.files.iter().any(|pattern| fits(pattern, name))) {
        if let Some(version) = find(rule, file)? {
            facts.push(Fact::Package(Package::new(Ecosystem::Generic, rule.name.as_str(), version)));
        }
    }
    Ok(())
}

/// The version by the first expression that is found anywhere.
fn find(rule: &Rule, file: &mut ScanFile<'_>) -> Result<Option<String>, ExtractError> {
    if let Some(bytes) = file.bytes() {
        return Ok(rule.versions.iter().find_map(|pattern| pattern.find(bytes, End::OfFile)));
    }
    let mut reader = file.reader()?;
    let mut found: Vec<Option<String>> = vec![None; rule.versions.len()];
    let mut window: Vec<u8> = Vec::with_capacity(WINDOW);
    loop {
        let room = WINDOW.saturating_sub(window.len());
        #[expect(clippy::disallowed_methods, reason = "bounded by take")]
        let read = reader.by_ref().take(room as u64).read_to_end(&mut window).map_err(ExtractError::Spool)?;
        let end = if read < room { End::OfFile } else { End::OfWindow };
        for (pattern, found) in rule.versions.iter().zip(&mut found) {
            if found.is_none() {
                *found = pattern.find(&window, end);
            }
        }
        if end == End::OfFile || found.first().is_some_and(Option::is_some) {
            return Ok(found.into_iter().flatten().next());
        }
        window.drain(..window.len().saturating_sub(OVERLAP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;
    use std::collections::HashSet;

    #[test]
    fn the_rules_are_sound() {
        assert!(RULES.len() >= 80, "{}", RULES.len());
        let mut names = HashSet::new();
        for rule in RULES.iter() {
            assert!(names.insert(&rule.name), "{} stands twice", rule.name);
            assert!(!rule.files.is_empty() && !rule.versions.is_empty(), "{}", rule.name);
            for pattern in &rule.versions {
                let regex = pattern.compiled().unwrap_or_else(|| panic!("{}: {}", rule.name, pattern.text));
                let names = regex.group_info().all_names().filter_map(|(_, _, name)| name);
                assert_eq!(names.collect::<Vec<_>>(), ["version"], "{}", rule.name);
                assert!(
                    pattern.find(b"\x7fELF", End::OfFile).is_none(),
                    "{} finds nothing in nothing",
                    rule.name
                );
            }
            // A name without letters would fit everything.
            assert!(rule.files.iter().all(|file| file.starts_with(|c: char| c.is_alphanumeric())));
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        assert!(fits("python*", "python3.11") && fits("libssl.so*", "libssl.so.3") && fits("a*b*c", "axbxc"));
        assert!(!fits("python*", "ipython") && !fits("node", "node2") && !fits("a*b*c", "axcxb"));
        assert!(fits("node", "node") && !fits("a*a", "a"));
    }

    #[test]
    fn versions_are_found_in_memory() {
        let bytes = b"\x7fELF\0\0nginx version: nginx/1.22.1\0rest";
        let package = |version| [Fact::Package(Package::new(Ecosystem::Generic, "nginx", version))];
        assert_eq!(facts_of(&BINARIES, "usr/sbin/nginx", bytes), package("1.22.1"));
        assert_eq!(facts_of(&BINARIES, "usr/sbin/other", bytes), []);
        assert_eq!(facts_of(&BINARIES, "nix/store/x-nginx-1.22.1/bin/nginx", bytes), []);
        assert_eq!(facts_of(&BINARIES, "usr/sbin/nginx", b"\x7fELF nginx/"), []);
        let python = b"\x7fELF\0/root/.pyenv/versions/3.11.7\0EXEC_PREFIX\0";
        let found = facts_of(&BINARIES, "usr/local/lib/libpython3.11.so.1.0", python);
        assert_eq!(found, [Fact::Package(Package::new(Ecosystem::Generic, "python", "3.11.7"))]);
    }

    #[test]
    fn a_version_on_the_edge_of_a_window_is_found() {
        use plimsoll_model::extractor::Content;
        use std::io::{Seek, SeekFrom, Write};
        let rule = RULES.iter().find(|rule| rule.name == "nginx").unwrap();
        for at in [10, WINDOW - 8, WINDOW - 1, 3 * WINDOW - 2 * OVERLAP - 5] {
            let mut spool = tempfile::tempfile().unwrap();
            spool.write_all(&vec![b'x'; at]).unwrap();
            spool.write_all(b"nginx/1.22.1\0").unwrap();
            spool.write_all(&vec![0; 10_000]).unwrap();
            let size = spool.stream_position().unwrap();
            spool.seek(SeekFrom::Start(0)).unwrap();
            let mut file = ScanFile::new("nginx", 0o755, size, Content::Spool(&mut spool));
            assert_eq!(find(rule, &mut file).unwrap().as_deref(), Some("1.22.1"), "{at}");
        }
    }
}
