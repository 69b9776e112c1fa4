//! What the extractors' unit tests share.

use plimsoll_model::code::Code;
use plimsoll_model::evidence::{Fact, Located};
use plimsoll_model::extractor::{Extractor, Facts, ScanFile};
use plimsoll_model::gap::Gap;
use plimsoll_model::package::{Ecosystem, Package};

/// What `extractor` finds in `bytes` at `path`, with places, and its gaps; the names of code are left to
/// [`code_of`], and needs to [`needs_of`].
pub(crate) fn located_of(extractor: &Extractor, path: &str, bytes: &[u8]) -> (Vec<Located>, Vec<Gap>) {
    let (mut facts, gaps) = all_of(extractor, path, bytes);
    facts.retain(|located| !matches!(located.fact, Fact::Code(_) | Fact::Needs(_)));
    (facts, gaps)
}

/// What `extractor` finds that packages need, a line each: `NAME: NEED|ALTERNATIVE, NEED; PROVIDED, PROVIDED`.
pub(crate) fn needs_of(extractor: &Extractor, path: &str, bytes: &[u8]) -> Vec<String> {
    let facts = all_of(extractor, path, bytes).0.into_iter();
    let needs = facts.filter_map(|located| match located.fact {
        Fact::Needs(needs) => Some(needs),
        _ => None,
    });
    let line = |needs: plimsoll_model::needs::Needs| {
        let all: Vec<String> = needs.needs().map(|one| one.collect::<Vec<_>>().join("|")).collect();
        let provided: Vec<&str> = needs.provides().collect();
        format!("{}: {}; {}", needs.name, all.join(", "), provided.join(", "))
    };
    needs.map(line).collect()
}

/// The code that `extractor` finds in `bytes` at `path`, each with the member that holds it.
pub(crate) fn code_of(extractor: &Extractor, path: &str, bytes: &[u8]) -> Vec<(Option<String>, Code)> {
    let facts = all_of(extractor, path, bytes).0.into_iter();
    let code = facts.filter_map(|located| match located.fact {
        Fact::Code(code) => Some((located.inside, code)),
        _ => None,
    });
    code.collect()
}

fn all_of(extractor: &Extractor, path: &str, bytes: &[u8]) -> (Vec<Located>, Vec<Gap>) {
    let mut facts = Facts::new();
    facts.at(path, 1);
    (extractor.extract)(&mut ScanFile::in_memory(path, 0o644, bytes), &mut facts).expect("the file is read");
    facts.into_parts(|_, _| true)
}

/// The facts that `extractor` finds in `bytes` at `path`, sorted.
pub(crate) fn facts_of(extractor: &Extractor, path: &str, bytes: &[u8]) -> Vec<Fact> {
    located_of(extractor, path, bytes).0.into_iter().map(|located| located.fact).collect()
}

/// The gaps that `extractor` reports of `bytes` at `path`.
pub(crate) fn gaps_of(extractor: &Extractor, path: &str, bytes: &[u8]) -> Vec<Gap> {
    located_of(extractor, path, bytes).1
}

/// Why `extractor` refuses `bytes` at `path`, if it does.
pub(crate) fn error_of(extractor: &Extractor, path: &str, bytes: &[u8]) -> Option<String> {
    let mut facts = Facts::new();
    facts.at(path, 1);
    let result = (extractor.extract)(&mut ScanFile::in_memory(path, 0o644, bytes), &mut facts);
    result.err().map(|error| error.to_string())
}

/// Asked-for packages of one ecosystem, named with their versions.
pub(crate) fn declared(ecosystem: Ecosystem, packages: &[(&str, &str)]) -> Vec<Fact> {
    packages
        .iter()
        .map(|(name, version)| Fact::DeclaredPackage(Package::new(ecosystem, *name, *version)))
        .collect()
}
