//! Perl's distributions from CPAN: by what cpanm keeps of each in `.meta/DIST/` (`install.json`, `MYMETA.json`), by
//! `perllocal.pod`, in which installations are noted, and the files of each by its `.packlist`
//! (<https://metacpan.org/pod/CPAN::Meta::Spec>, <https://metacpan.org/pod/ExtUtils::Packlist>).

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::document::json;

/// Reads installed distributions and their files.
pub(crate) const CPAN: Extractor = Extractor {
    name: "cpan",
    revision: 1,
    wants: Wants {
        paths: &[
            PathRule::Name("install.json"),
            PathRule::Name("MYMETA.json"),
            PathRule::Name("perllocal.pod"),
            PathRule::Name(".packlist"),
        ],
        content: ContentRule::Text,
        max_size: 16 << 20,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let is_kept = file_name(parent(parent(file.path))) == ".meta";
    match file_name(file.path) {
        "install.json" if is_kept => installed(&json(file)?, facts),
        "MYMETA.json" if is_kept => described(json(file)?, facts),
        "perllocal.pod" => noted(&file.text()?, facts),
        ".packlist" => listed(file, facts)?,
        _ => {}
    }
    Ok(())
}

/// What cpanm notes.
#[derive(Deserialize)]
struct Installed {
    /// The distribution with its version.
    dist: String,
    version: Value,
    /// The modules in it.
    #[serde(default)]
    provides: BTreeMap<String, IgnoredAny>,
}

fn installed(read: &Installed, facts: &mut Facts) {
    let Some(version) = text(&read.version) else { return };
    // `DateTime-1.55`, in which the version may be written otherwise.
    let name = read.dist.rsplit_once('-').map_or(read.dist.as_str(), |(name, _)| name);
    let package = Package::new(Ecosystem::Cpan, name, version);
    let mut needs = Needs::of(&package, Reach::System);
    read.provides.keys().for_each(|module| needs.provide(module));
    facts.push_needs(needs);
    facts.push(Fact::Package(package));
}

/// What the distribution says of itself once it is configured.
#[derive(Deserialize)]
struct Described {
    name: String,
    version: Value,
    #[serde(default)]
    license: Vec<String>,
    #[serde(default)]
    prereqs: BTreeMap<String, Phase>,
}

#[derive(Default, Deserialize)]
struct Phase {
    #[serde(default)]
    requires: BTreeMap<String, IgnoredAny>,
}

fn described(read: Described, facts: &mut Facts) {
    let Some(version) = text(&read.version) else { return };
    let licenses = read.license.into_iter().filter(|license| license != "unknown").collect();
    let package = Package { licenses, ..Package::new(Ecosystem::Cpan, read.name, version) };
    let mut needs = Needs::of(&package, Reach::System);
    let wanted = read.prereqs.get("runtime").into_iter().flat_map(|phase| phase.requires.keys());
    wanted.for_each(|module| needs.need([module.as_str()]));
    facts.push_needs(needs);
    facts.push(Fact::Package(package));
}

fn text(version: &Value) -> Option<String> {
    match version {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `=head2 DATE: C<Module> L<Foo::Bar|Foo::Bar>`, and below it `C<VERSION: 1.23>`. What was installed later is the last.
fn noted(text: &str, facts: &mut Facts) {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    let mut module = None;
    for line in text.lines() {
        if line.starts_with("=head2") {
            module = line.split_once("L<").and_then(|(_, rest)| rest.split(['|', '>']).next());
        } else if let Some((_, rest)) = line.split_once("C<VERSION: ")
            && let (Some(module), Some(version)) = (module, rest.split('>').next())
        {
            last.insert(module, version.trim());
        }
    }
    for (module, version) in
        last.into_iter().filter(|(module, version)| !module.is_empty() && !version.is_empty())
    {
        let package = Package::new(Ecosystem::Cpan, module.replace("::", "-"), version);
        let mut needs = Needs::of(&package, Reach::System);
        needs.provide(module);
        facts.push_needs(needs);
        facts.push(Fact::Package(package));
    }
}

/// The files of the distribution that the folders below `auto` name; of Perl's own list there are none.
fn listed(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let Some((_, folders)) = parent(file.path).rsplit_once("/auto/") else { return Ok(()) };
    let owner = folders.replace('/', "-");
    let text = file.text()?;
    // Behind a path may stand what kind of file it is: `type=link`.
    let paths = text.lines().filter_map(|line| line.split(' ').next());
    let files = paths.filter_map(|path| match normalize(path) {
        Normalized::Path(path) => Some(path),
        Normalized::Root | Normalized::Escapes => None,
    });
    let files: Vec<String> = files.collect();
    facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Cpan, owner, files });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn what_cpanm_keeps_is_read() {
        let folder = "usr/local/lib/perl5/site_perl/5.36.0/x86_64-linux/.meta/Try-Tiny-0.31";
        let (install, meta) = (format!("{folder}/install.json"), format!("{folder}/MYMETA.json"));
        let text = br#"{"dist":"Try-Tiny-0.31","name":"Try::Tiny","version":"0.31","target":"Try::Tiny","provides":{"Try::Tiny":{"file":"lib/Try/Tiny.pm","version":"0.31"}}}"#;
        let package = Package::new(Ecosystem::Cpan, "Try-Tiny", "0.31");
        assert_eq!(facts_of(&CPAN, &install, text), [Fact::Package(package.clone())]);
        assert_eq!(needs_of(&CPAN, &install, text), ["Try-Tiny: ; Try::Tiny"]);
        let text = br#"{"name":"Try-Tiny","version":0.31,"license":["mit"],"prereqs":{"runtime":{"requires":{"Carp":"0","perl":"5.006"}},"test":{"requires":{"Test::More":"0"}}}}"#;
        let package = Package { licenses: vec!["mit".into()], ..package };
        assert_eq!(facts_of(&CPAN, &meta, text), [Fact::Package(package)]);
        assert_eq!(needs_of(&CPAN, &meta, text), ["Try-Tiny: Carp, perl; "]);
        assert_eq!(facts_of(&CPAN, "srv/x/install.json", b"{"), []);
        for text in ["{", "[]", r#"{"dist":1}"#] {
            assert!(error_of(&CPAN, &install, text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn installations_and_files_are_noted() {
        let pod = "=head2 Mon Jan  1 00:00:00 2026: C<Module> L<Try::Tiny|Try::Tiny>\n\n=over 4\n\n=item *\n\nC<installed into: /usr/local/share/perl/5.36.0>\n\n=item *\n\nC<VERSION: 0.30>\n\n=back\n\n=head2 x: C<Module> L<Try::Tiny|Try::Tiny>\n\nC<VERSION: 0.31>\n\n=head2\n\nC<VERSION: 1>\n";
        let package = Package::new(Ecosystem::Cpan, "Try-Tiny", "0.31");
        let path = "usr/local/lib/x86_64-linux-gnu/perl/5.36.0/perllocal.pod";
        assert_eq!(facts_of(&CPAN, path, pod.as_bytes()), [Fact::Package(package)]);
        let list =
            b"/usr/local/man/man3/Try::Tiny.3pm\n/usr/local/share/perl/5.36.0/Try/Tiny.pm type=file\n/\n";
        let files = ["usr/local/man/man3/Try::Tiny.3pm", "usr/local/share/perl/5.36.0/Try/Tiny.pm"];
        let owned = Fact::OwnedFiles {
            ecosystem: Ecosystem::Cpan,
            owner: "Try-Tiny".into(),
            files: files.map(str::to_owned).into(),
        };
        assert_eq!(facts_of(&CPAN, "usr/local/lib/perl5/auto/Try/Tiny/.packlist", list), [owned]);
        assert_eq!(facts_of(&CPAN, "usr/local/lib/perl5/5.36.0/.packlist", list), []);
    }
}
