//! OCaml's packages of opam: installed ones by a switch's state, asked-for ones by `NAME.opam.locked`
//! (<https://opam.ocaml.org/doc/Manual.html>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::{Ecosystem, Package};

use super::document::{declare, is_authors, text_files};

/// Reads switches and lock files.
pub(crate) const OPAM: Extractor = Extractor {
    name: "opam",
    revision: 1,
    wants: text_files(&[PathRule::Suffix(".opam-switch/switch-state"), PathRule::Suffix(".opam.locked")]),
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    if file.path.ends_with("/switch-state") {
        let Some(list) = list(&text, "installed:") else {
            return Err(ExtractError::Malformed("it lists no installed packages".to_owned()));
        };
        for title in quoted(list) {
            // `base` packages stand for what the compiler brings.
            if let Some((name, version)) = title.split_once('.').filter(|(_, version)| *version != "base") {
                facts.push(Fact::Package(Package::new(Ecosystem::Opam, name, version)));
            }
        }
    } else if !is_authors(file.path) {
        for entry in list(&text, "depends:").unwrap_or_default().split('}') {
            let mut texts = quoted(entry);
            let is_exact = entry.split('{').nth(1).is_some_and(|rest| rest.trim_start().starts_with("= "));
            if let (Some(name), Some(version), true) = (texts.next(), texts.next(), is_exact) {
                declare(facts, Ecosystem::Opam, name, version);
            }
        }
    }
    Ok(())
}

/// What stands in brackets behind a field at the start of a line.
fn list<'t>(text: &'t str, field: &str) -> Option<&'t str> {
    let start = if text.starts_with(field) { 0 } else { text.find(&format!("\n{field}"))?.checked_add(1)? };
    let rest = text.get(start..)?.strip_prefix(field)?;
    rest.trim_start().strip_prefix('[')?.split(']').next()
}

/// The texts in double quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn switches_and_lock_files_are_read() {
        let state = "opam-version: \"2.0\"\ncompiler: [\"ocaml-base-compiler.4.14.1\"]\nroots: [\"dune.3.7.0\"]\ninstalled: [\n  \"base-unix.base\"\n  \"dune.3.7.0\"\n  \"ocaml.4.14.1\"\n]\n";
        let package = |name, version| Fact::Package(Package::new(Ecosystem::Opam, name, version));
        let path = "root/.opam/default/.opam-switch/switch-state";
        let found = facts_of(&OPAM, path, state.as_bytes());
        assert_eq!(found, [package("dune", "3.7.0"), package("ocaml", "4.14.1")]);
        let locked = "opam-version: \"2.0\"\ndepends: [\n  \"dune\" {= \"3.7.0\"}\n  \"odoc\" {= \"2.2.0\" & with-doc}\n  \"conf\" {>= \"1\"}\n]\n";
        let found = facts_of(&OPAM, "app/shop.opam.locked", locked.as_bytes());
        assert_eq!(found, declared(Ecosystem::Opam, &[("dune", "3.7.0"), ("odoc", "2.2.0")]));
        assert!(error_of(&OPAM, path, b"roots: []").is_some());
        assert_eq!(facts_of(&OPAM, "x.opam.locked", b"depends: [ \"x\" {= \""), []);
    }
}
