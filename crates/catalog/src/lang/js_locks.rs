//! npm packages asked for by other package managers: `yarn.lock` (of Yarn 1 and later ones), `pnpm-lock.yaml`,
//! `bun.lock` and `deno.lock` (<https://yarnpkg.com/features/security#resolutions>,
//! <https://github.com/pnpm/spec/tree/master/lockfile>, <https://bun.sh/docs/install/lockfile>,
//! <https://docs.deno.com/runtime/fundamentals/modules/#integrity-checking-and-lock-files>).

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::path::file_name;
use serde::Deserialize;
use serde_json::Value;

use super::document::{declare, declare_with, is_authors, json, text_files, yaml};
use super::npm::deprecation;

/// Reads lock files.
pub(crate) const JS_LOCKS: Extractor = Extractor {
    name: "js-locks",
    revision: 3,
    wants: text_files(&[
        PathRule::Name("bun.lock"),
        PathRule::Name("deno.lock"),
        PathRule::Name("pnpm-lock.yaml"),
        PathRule::Name("yarn.lock"),
    ]),
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    match file_name(file.path) {
        "bun.lock" => bun(&file.text()?, facts),
        "deno.lock" => deno(&json(file)?, facts),
        "pnpm-lock.yaml" => {
            pnpm(&yaml(file)?, facts);
            Ok(())
        }
        _ => {
            yarn(&file.text()?, facts);
            Ok(())
        }
    }
}

/// Splits `NAME@WHAT`, where a name may begin with `@`.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')?.checked_add(1)?;
    Some((text.get(..at)?, text.get(at..)?.strip_prefix('@')?))
}

fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(['/', ':'])
}

/// One entry of Yarn's.
#[derive(Default)]
struct Entry<'t> {
    name: Option<&'t str>,
    version: Option<&'t str>,
    /// The wishes that it answers.
    answers: Vec<&'t str>,
    /// What it needs: names and wishes.
    needs: Vec<(&'t str, &'t str)>,
}

/// Both forms have an entry's names at the start of a line, its fields two blanks in and what it needs four.
fn yarn(text: &str, facts: &mut Facts) {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut in_needs = false;
    for line in text.lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if !line.starts_with(' ') {
            let answers = line.trim_end_matches(':').split(", ").map(|one| one.trim_matches('"'));
            entries.push(Entry {
                name: of_descriptors(line),
                answers: answers.collect(),
                ..Entry::default()
            });
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let Some(field) = line.strip_prefix("  ").filter(|field| !field.starts_with(' ')) else {
            if let Some(need) = line.strip_prefix("    ").filter(|_| in_needs) {
                entry.needs.extend(wish(need));
            }
            continue;
        };
        let Some((key, value)) = field.split_once([' ', ':']) else { continue };
        let value = value.trim_matches([' ', ':', '"']);
        let key = key.trim_matches('"');
        in_needs = matches!(key, "dependencies" | "optionalDependencies");
        match key {
            "version" if is_version(value) => entry.version = Some(value),
            "resolution" => entry.name = of_resolution(value),
            _ => {}
        }
    }
    declare_answered(&entries, facts);
}

/// What an entry needs is another one's answer.
fn declare_answered(entries: &[Entry<'_>], facts: &mut Facts) {
    let known = entries.iter().filter_map(|entry| Some((entry, entry.name?, entry.version?)));
    let mut answers: HashMap<&str, (&str, &str)> = HashMap::new();
    for (entry, name, version) in known.clone() {
        answers.extend(entry.answers.iter().map(|answer| (*answer, (name, version))));
    }
    for (entry, name, version) in known {
        let answered = entry.needs.iter().filter_map(|(name, wish)| {
            let plain = answers.get(format!("{name}@{wish}").as_str());
            plain.or_else(|| answers.get(format!("{name}@npm:{wish}").as_str()))
        });
        let wanted = answered.map(|(name, version)| (*name, Some(*version)));
        declare_with(facts, (Ecosystem::Npm, name, version), wanted);
    }
}

/// `"@babel/core" "^7.0.0"`, and of later ones `"@babel/core": ^7.0.0`.
fn wish(line: &str) -> Option<(&str, &str)> {
    let (name, wish) = line.trim().split_once(' ')?;
    Some((name.trim_end_matches(':').trim_matches('"'), wish.trim_matches('"')))
}

/// `"@babel/core@^7.0.0", "@babel/core@^7.1.0":`, an alias `x@npm:y@^1.0.0`.
fn of_descriptors(line: &str) -> Option<&str> {
    let first = line.trim_end_matches(':').split(", ").next()?.trim_matches('"');
    let (name, wish) = split(first)?;
    if let Some(other) = wish.strip_prefix("npm:") {
        return Some(split(other).map_or(name, |(other, _)| other));
    }
    // An address: the version is that of a repository or a folder.
    (!wish.contains(':')).then_some(name)
}

/// `@babel/core@npm:7.0.0`; of patched packages, what was patched.
fn of_resolution(value: &str) -> Option<&str> {
    let (name, locator) = split(value)?;
    (locator.starts_with("npm:") || locator.starts_with("patch:")).then_some(name)
}

#[derive(Deserialize)]
struct Pnpm {
    #[serde(default)]
    packages: BTreeMap<String, PnpmEntry>,
    /// What packages need, since version 9.
    #[serde(default)]
    snapshots: BTreeMap<String, PnpmEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PnpmEntry {
    #[serde(default)]
    dev: bool,
    deprecated: Option<Value>,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, String>,
}

impl PnpmEntry {
    /// What it needs: versions, or whole titles where the name is another one's.
    fn needs(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let all = self.dependencies.iter().chain(&self.optional_dependencies);
        all.filter_map(|(name, wish)| {
            let version = wish.split(['(', '_']).next().filter(|version| is_version(version));
            match version {
                Some(version) => Some((name.as_str(), Some(version))),
                None => pnpm_title(wish).map(|(name, version)| (name, Some(version))),
            }
        })
    }
}

/// `/NAME/VERSION_PEERS` up to version 5, `/NAME@VERSION(PEERS)` in 6, without the slash in 9.
fn pnpm_title(key: &str) -> Option<(&str, &str)> {
    let text = key.split('(').next().unwrap_or_default();
    let by_at = text.strip_prefix('/').unwrap_or(text);
    let parts = if by_at.starts_with('@') { 2 } else { 1 };
    let by_at =
        split(by_at).filter(|(name, version)| is_version(version) && name.split('/').count() <= parts);
    let by_slash = || {
        let (name, version) = text.strip_prefix('/')?.rsplit_once('/')?;
        Some((name, version.split('_').next()?)).filter(|(_, version)| is_version(version))
    };
    by_at.or_else(by_slash)
}

fn pnpm(lock: &Pnpm, facts: &mut Facts) {
    // One package may be there several times, beside other peers.
    let mut snapshots: HashMap<(&str, &str), Vec<&PnpmEntry>> = HashMap::new();
    for (key, entry) in &lock.snapshots {
        if let Some(title) = pnpm_title(key) {
            snapshots.entry(title).or_default().push(entry);
        }
    }
    for (key, entry) in &lock.packages {
        if let Some((name, version)) = pnpm_title(key).filter(|_| !entry.dev) {
            let more = snapshots.get(&(name, version)).into_iter().flatten().copied();
            let wanted = std::iter::once(entry).chain(more).flat_map(PnpmEntry::needs);
            declare_with(facts, (Ecosystem::Npm, name, version), wanted);
            if let Some(deprecation) = deprecation(entry.deprecated.as_ref()) {
                let (name, version) = (name.to_owned(), version.to_owned());
                facts.push(Fact::Deprecated { ecosystem: Ecosystem::Npm, name, version, deprecation });
            }
        }
    }
}

#[derive(Deserialize)]
struct Bun {
    #[serde(default)]
    packages: BTreeMap<String, Vec<Value>>,
}

fn bun(text: &str, facts: &mut Facts) -> Result<(), ExtractError> {
    let lock: Bun = serde_json::from_str(&without_last_commas(text))
        .map_err(|error| ExtractError::Malformed(error.to_string()))?;
    for entry in lock.packages.into_values() {
        let title = entry.first().and_then(Value::as_str).unwrap_or_default();
        if let Some((name, version)) = split(title).filter(|(_, version)| is_version(version)) {
            declare(facts, Ecosystem::Npm, name, version);
        }
    }
    Ok(())
}

/// JSON as Bun writes it has commas before closing brackets.
fn without_last_commas(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut in_text, mut is_escaped) = (false, false);
    for c in text.chars() {
        if in_text {
            in_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
        } else if c == '"' {
            in_text = true;
        } else if matches!(c, ']' | '}') {
            let kept = plain.trim_end();
            let kept = kept.strip_suffix(',').map_or(plain.len(), str::len);
            plain.truncate(kept);
        }
        plain.push(c);
    }
    plain
}

/// `npm` beside everything else, or, up to version 3, in `packages`.
fn deno(lock: &Value, facts: &mut Facts) -> Result<(), ExtractError> {
    let Some(lock) = lock.as_object() else {
        return Err(ExtractError::Malformed("it is no JSON object".to_owned()));
    };
    let npm = lock.get("npm").or_else(|| lock.get("packages")?.get("npm"));
    for key in npm.and_then(Value::as_object).into_iter().flat_map(|entries| entries.keys()) {
        if let Some((name, version)) = split(key) {
            // Behind an underscore are the peers.
            declare(facts, Ecosystem::Npm, name, version.split('_').next().unwrap_or(version));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of, needs_of};

    #[test]
    fn needs_are_those_that_the_lock_file_chose() {
        let one = "a@^1.0.0, a@^1.1.0:\n  version \"1.2.0\"\n  dependencies:\n    \"@s/b\" \"^2.0.0\"\n    gone \"1\"\n  optionalDependencies:\n    c \"*\"\n\n\"@s/b@^2.0.0\":\n  version \"2.0.1\"\n\nc@*:\n  version \"3.0.0\"\n";
        let two = "\"a@npm:^1.0.0\":\n  version: 1.2.0\n  resolution: \"a@npm:1.2.0\"\n  dependencies:\n    \"@s/b\": ^2.0.0\n    c: \"npm:*\"\n  bin:\n    d: ./d\n\n\"@s/b@npm:^2.0.0\":\n  version: 2.0.1\n  resolution: \"@s/b@npm:2.0.1\"\n\n\"c@npm:*\":\n  version: 3.0.0\n  resolution: \"c@npm:3.0.0\"\n";
        let six = "packages:\n  /a@1.2.0(c@3.0.0):\n    dependencies:\n      '@s/b': 2.0.1(c@3.0.0)\n      alias: /c@3.0.0\n  /@s/b@2.0.1: {}\n  /c@3.0.0: {}\n";
        let nine = "packages:\n  a@1.2.0:\n    resolution: {}\n  '@s/b@2.0.1': {}\n  c@3.0.0: {}\nsnapshots:\n  a@1.2.0(c@3.0.0):\n    dependencies:\n      '@s/b': 2.0.1\n    optionalDependencies:\n      c: 3.0.0\n";
        for (name, text) in
            [("yarn.lock", one), ("yarn.lock", two), ("pnpm-lock.yaml", six), ("pnpm-lock.yaml", nine)]
        {
            let found = needs_of(&JS_LOCKS, &format!("app/{name}"), text.as_bytes());
            assert_eq!(found, ["a: @s/b 2.0.1, c 3.0.0; "], "{text}");
        }
    }

    fn found(name: &str, text: &str) -> Vec<plimsoll_model::evidence::Fact> {
        facts_of(&JS_LOCKS, &format!("app/{name}"), text.as_bytes())
    }

    #[test]
    fn yarn_locks_of_both_forms_are_read() {
        let one = "# yarn lockfile v1\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\":\n  version \"7.12.3\"\n  resolved \"https://registry.yarnpkg.com/x\"\n  dependencies:\n    version \"1.0.0\"\n\nalias@npm:lodash@^4.0.0:\n  version \"4.17.20\"\n\n\"own@git+https://x\":\n  version \"1.0.0\"\n\nminimist@^1.2.0:\n  version \"1.2.5\"\n";
        let two = "__metadata:\n  version: 6\n\n\"@babel/core@npm:^7.0.0, @babel/core@npm:^7.1.0\":\n  version: 7.12.3\n  resolution: \"@babel/core@npm:7.12.3\"\n  languageName: node\n\n\"alias@npm:lodash@^4.0.0\":\n  version: 4.17.20\n  resolution: \"lodash@npm:4.17.20\"\n\n\"minimist@patch:minimist@npm%3A1.2.5#x\":\n  version: 1.2.5\n  resolution: \"minimist@patch:minimist@npm%3A1.2.5#x\"\n\n\"shop@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"shop@workspace:.\"\n";
        let expected = declared(
            Ecosystem::Npm,
            &[("@babel/core", "7.12.3"), ("lodash", "4.17.20"), ("minimist", "1.2.5")],
        );
        assert_eq!(found("yarn.lock", one), expected);
        assert_eq!(found("yarn.lock", two), expected);
        assert_eq!(found("node_modules/x/yarn.lock", one), []);
        assert_eq!(found("yarn.lock", "\"@\":\n  version\n  version \"\n@:\n  resolution: \"@\"\n"), []);
    }

    #[test]
    fn pnpm_locks_of_each_version_are_read() {
        let five = "lockfileVersion: 5.4\npackages:\n  /@babel/core/7.12.3_react@17.0.0:\n    resolution: {integrity: x}\n  /minimist/1.2.5:\n    dev: false\n  /mocha/8.0.0:\n    dev: true\n";
        let six = "lockfileVersion: '6.0'\npackages:\n  /@babel/core@7.12.3(react@17.0.0):\n    resolution: {integrity: x}\n  /minimist@1.2.5:\n    dev: false\n";
        let nine = "lockfileVersion: '9.0'\nimporters:\n  .: {}\npackages:\n  '@babel/core@7.12.3':\n    resolution: {integrity: x}\n  minimist@1.2.5:\n    resolution: {integrity: x}\n  own@https://codeload.github.com/x:\n    version: 1.0.0\nsnapshots: {}\n";
        let expected = declared(Ecosystem::Npm, &[("@babel/core", "7.12.3"), ("minimist", "1.2.5")]);
        for text in [five, six, nine] {
            assert_eq!(found("pnpm-lock.yaml", text), expected);
        }
        assert!(error_of(&JS_LOCKS, "pnpm-lock.yaml", b"packages: [1").is_some());
    }

    #[test]
    fn what_was_given_up_is_told_by_pnpm() {
        let text = "packages:\n  request@2.88.2:\n    deprecated: use something else\n  b@1.0.0: {}\n";
        let facts = found("pnpm-lock.yaml", text);
        let told: Vec<_> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Deprecated { name, deprecation, .. } => {
                    Some((name.as_str(), deprecation.reason.as_deref()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(told, [("request", Some("use something else"))]);
    }

    #[test]
    fn locks_of_bun_and_deno_are_read() {
        let expected = declared(Ecosystem::Npm, &[("@babel/core", "7.12.3"), ("minimist", "1.2.5")]);
        let bun = "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": { \"\": { \"name\": \"a,}\", }, },\n  \"packages\": {\n    \"@babel/core\": [\"@babel/core@7.12.3\", \"\", {}, \"sha\"],\n    \"minimist\": [\"minimist@1.2.5\", \"\", {}, \"sha\",],\n    \"own\": [\"own@workspace:own\"],\n  }\n}\n";
        assert_eq!(found("bun.lock", bun), expected);
        let deno =
            r#"{"version":"4","npm":{"@babel/core@7.12.3_react@17":{"integrity":"x"},"minimist@1.2.5":{}}}"#;
        assert_eq!(found("deno.lock", deno), expected);
        for (name, text) in [("bun.lock", "{\"packages\":{\"a\":1}}"), ("bun.lock", "]"), ("deno.lock", "[]")]
        {
            assert!(error_of(&JS_LOCKS, name, text.as_bytes()).is_some(), "{text}");
        }
    }
}
