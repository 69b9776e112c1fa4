//! Ruby's gems: installed ones by the specifications that RubyGems writes, asked-for ones by `Gemfile.lock`
//! (<https://guides.rubygems.org/specification-reference/>, <https://bundler.io/guides/rationale.html>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};

use super::document::is_authors;

/// Reads installed gems.
pub(crate) const RUBY: Extractor = Extractor {
    name: "ruby",
    revision: 3,
    // Where a gem has several extensions, a zero byte stands between their names.
    wants: Wants { paths: &[PathRule::Suffix(".gemspec")], content: ContentRule::Any, max_size: 4 << 20 },
    extract,
};

/// Reads lock files.
pub(crate) const RUBY_LOCK: Extractor = Extractor {
    name: "ruby-lock",
    revision: 3,
    wants: Wants {
        paths: &[PathRule::Name("Gemfile.lock"), PathRule::Name("gems.locked")],
        content: ContentRule::Text,
        max_size: 16 << 20,
    },
    extract: extract_lock,
};

/// A specification as RubyGems writes it after an installation has one assignment a line; those in a gem's own folder
/// are programs of its author.
fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let folder = parent(file.path);
    let folder = if file_name(folder) == "default" { parent(folder) } else { folder };
    if file_name(folder) != "specifications" {
        return Ok(());
    }
    let text = file.text()?;
    let value = |name: &str| text.lines().find_map(|line| assigned(line, name));
    let (Some(name), Some(version)) = (
        value("name").and_then(|text| quoted(text).next()),
        value("version").and_then(|text| quoted(text).next()),
    ) else {
        return Err(ExtractError::Malformed("it assigns no name or no version".to_owned()));
    };
    let licenses =
        value("licenses").or_else(|| value("license")).map(|text| quoted(text).map(str::to_owned).collect());
    let package =
        Package { licenses: licenses.unwrap_or_default(), ..Package::new(Ecosystem::Gem, name, version) };
    let mut needs = Needs::of(&package, Reach::Folder);
    text.lines().filter_map(needed).for_each(|name| needs.need([name]));
    facts.push_needs(needs);
    facts.push(Fact::Package(package));
    Ok(())
}

/// `s.add_runtime_dependency(%q<rack>.freeze, …)`, and by the RubyGems of today `s.add_dependency("rack".freeze, …)`.
fn needed(line: &str) -> Option<&str> {
    let call = line.trim_start().strip_prefix("s.add_")?;
    let call = call.strip_prefix("runtime_dependency").or_else(|| call.strip_prefix("dependency"))?;
    let name = call.trim_start_matches(['(', ' ']);
    match name.strip_prefix("%q<") {
        Some(name) => name.split('>').next(),
        None => name.strip_prefix('"')?.split('"').next(),
    }
}

/// What `s.NAME = …` assigns.
fn assigned<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let rest = line.trim_start().strip_prefix("s.")?.strip_prefix(name)?;
    rest.trim_start().strip_prefix('=')
}

/// The texts in double quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// Gems are listed below `GEM` and `specs:`, four blanks in; what they need in their turn, six.
fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let text = file.text()?;
    let mut in_gems = false;
    let mut gem: Option<Needs> = None;
    for line in text.lines() {
        if !line.starts_with(' ') {
            in_gems = line.trim_end() == "GEM";
            continue;
        }
        if let (Some(wish), Some(gem)) = (line.strip_prefix("      "), &mut gem) {
            gem.need(wish.split(' ').take(1));
            continue;
        }
        let Some(entry) = line.strip_prefix("    ").filter(|entry| in_gems && !entry.starts_with(' ')) else {
            continue;
        };
        let Some((name, version)) =
            entry.trim_end().strip_suffix(')').and_then(|entry| entry.split_once(" ("))
        else {
            continue;
        };
        // Behind a dash is the platform that the gem was built for.
        let version = version.split('-').next().unwrap_or(version);
        let package = Package::new(Ecosystem::Gem, name, version);
        if let Some(gem) = gem.replace(Needs::of(&package, Reach::File)) {
            facts.push_needs(gem);
        }
        facts.push(Fact::DeclaredPackage(package));
    }
    gem.into_iter().for_each(|gem| facts.push_needs(gem));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn needs_are_read_as_each_rubygems_writes_them() {
        let text = format!(
            "{}  s.add_runtime_dependency(%q<rake>.freeze, [\"~> 13.0\".freeze])\n  s.add_dependency(\"json\".freeze, [\">= 2\"])\n  s.add_development_dependency(%q<minitest>, [\">= 0\"])\n",
            SPECIFICATION
        );
        let path = "var/lib/gems/3.1.0/specifications/rack-2.2.3.gemspec";
        assert_eq!(needs_of(&RUBY, path, text.as_bytes()), ["rack: rake, json; "]);
    }

    const SPECIFICATION: &str = "# -*- encoding: utf-8 -*-\n# stub: rack 2.2.3 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.3\"\n\n  s.required_rubygems_version = Gem::Requirement.new(\">= 0\".freeze)\n  s.licenses = [\"MIT\".freeze, \"Ruby\".freeze]\nend\n";

    #[test]
    fn specifications_of_installed_gems_are_read() {
        let expected = Package {
            licenses: vec!["MIT".into(), "Ruby".into()],
            ..Package::new(Ecosystem::Gem, "rack", "2.2.3")
        };
        for path in [
            "var/lib/gems/3.1.0/specifications/rack-2.2.3.gemspec",
            "usr/lib/ruby/gems/3.1.0/specifications/default/rack-2.2.3.gemspec",
        ] {
            let found = facts_of(&RUBY, path, SPECIFICATION.as_bytes());
            assert_eq!(found, [Fact::Package(expected.clone())]);
        }
        let own = "var/lib/gems/3.1.0/gems/rack-2.2.3/rack.gemspec";
        assert_eq!(facts_of(&RUBY, own, SPECIFICATION.as_bytes()), []);
        assert!(error_of(&RUBY, "x/specifications/x.gemspec", b"s.name = x").is_some());
    }

    #[test]
    fn gems_with_several_extensions_are_read() {
        let text = "# stub: json 2.6.1 ruby lib\n# stub: ext/a/extconf.rb\0ext/b/extconf.rb\n\nGem::Specification.new do |s|\n  s.name = \"json\".freeze\n  s.version = \"2.6.1\"\nend\n";
        let path = "usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec";
        let json = Package::new(Ecosystem::Gem, "json", "2.6.1");
        assert_eq!(facts_of(&RUBY, path, text.as_bytes()), [Fact::Package(json)]);
    }

    #[test]
    fn lock_files_tell_gems_and_not_their_wishes() {
        let text = "GIT\n  remote: https://x\n  specs:\n    own (1.0)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.15.4-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.7.1)\n\nDEPENDENCIES\n  nokogiri\n    odd (1)\n";
        let declared = |name, version| Fact::DeclaredPackage(Package::new(Ecosystem::Gem, name, version));
        let found = facts_of(&RUBY_LOCK, "app/Gemfile.lock", text.as_bytes());
        assert_eq!(found, [declared("nokogiri", "1.15.4"), declared("racc", "1.7.1")]);
        assert_eq!(needs_of(&RUBY_LOCK, "app/Gemfile.lock", text.as_bytes()), ["nokogiri: racc; "]);
        let own = "var/lib/gems/3.1.0/gems/rbs-2.1.0/steep/Gemfile.lock";
        assert_eq!(facts_of(&RUBY_LOCK, own, text.as_bytes()), []);
    }
}
