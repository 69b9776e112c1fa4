//! The functions of a program of Rust, named as RustSec names them: `krate::module::function`, `krate::Type::method`.
//!
//! A program holds more code than it has names of functions: the compiler inlines across crates and leaves no trace of it
//! in the table of symbols. So a name that is missing says nothing.

use std::collections::HashSet;

use plimsoll_formats::executable::symbols::Symbols;
use plimsoll_model::code::{Code, Name, Names};
use plimsoll_model::package::Ecosystem;

const NAMES_LIMIT: usize = 2_000_000;

/// The names of the functions of `crates`; `None` if no name is Rust's.
pub(super) fn code<'a>(symbols: &Symbols<'_>, crates: impl Iterator<Item = &'a str>) -> Option<Code> {
    let crates: HashSet<String> = crates.map(|name| name.replace('-', "_")).collect();
    let mut names = Vec::new();
    let mut is_rust = false;
    for symbol in symbols.functions() {
        let Ok(demangled) = rustc_demangle::try_demangle(symbol) else { continue };
        is_rust = true;
        if names.len() >= NAMES_LIMIT {
            return None;
        }
        // Demangling of hostile names may repeat without end; a name of this length is none that an advisory has.
        let Some(text) = bounded(&demangled) else { continue };
        let Some(path) = path(&text) else { continue };
        let Some(krate) = path.first().filter(|krate| crates.contains(**krate)) else { continue };
        names.push(Name::of(&[krate]));
        names.extend(titles(&path).iter().map(|title| Name::of(&[title])));
    }
    is_rust.then(|| Code { ecosystem: Ecosystem::Cargo, is_whole: false, names: Names::from_iter(names) })
}

const TEXT_LIMIT: usize = 4 << 10;

fn bounded(demangled: &rustc_demangle::Demangle<'_>) -> Option<String> {
    struct Bounded(String);
    impl std::fmt::Write for Bounded {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            if self.0.len() + text.len() > TEXT_LIMIT {
                return Err(std::fmt::Error);
            }
            self.0.push_str(text);
            Ok(())
        }
    }
    let mut text = Bounded(String::new());
    std::fmt::write(&mut text, format_args!("{demangled:#}")).ok()?;
    Some(text.0)
}

/// The names that an advisory may have for a path: the whole path, and, as types are mostly known by another module than their
/// own, the crate with the type and its method.
fn titles(path: &[&str]) -> Vec<String> {
    let mut titles = vec![path.join("::")];
    if let [krate, .., kind, method] = path
        && kind.starts_with(|c: char| c.is_ascii_uppercase())
    {
        titles.push(format!("{krate}::{kind}::{method}"));
    }
    titles
}

/// The parts of a function's path, without type arguments, closures and shims: of `<a::T<u8> as b::Trait>::f`, `a`, `T`, `f`.
fn path(demangled: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    collect(demangled, &mut parts, 0)?;
    let end = parts.iter().position(|part| part.starts_with('{')).unwrap_or(parts.len());
    parts.truncate(end);
    (parts.len() > 1).then_some(parts)
}

/// Deeper types than any that has methods of its own.
const DEPTH_LIMIT: usize = 8;

fn collect<'a>(text: &'a str, parts: &mut Vec<&'a str>, depth: usize) -> Option<()> {
    if depth > DEPTH_LIMIT {
        return None;
    }
    for part in split(text) {
        let Some(inner) = part.strip_prefix('<').and_then(|part| part.strip_suffix('>')) else {
            // `Vec<u8>` as legacy mangling has it.
            parts.push(part.split('<').next().filter(|part| !part.is_empty())?);
            continue;
        };
        match (parts.is_empty(), inner.strip_prefix("impl ")) {
            // `<a::T as b::Trait>::f`: a method of the type.
            (true, None) => collect(before_as(inner).trim_start_matches(['&', '*']), parts, depth + 1)?,
            // `a::m::<impl b::Trait for a::m::T>::f`: the type lies in the crate that has the code.
            (false, Some(implementation)) => {
                let kind = implementation.rsplit_once(" for ").map_or(implementation, |(_, kind)| kind);
                let mut of_type = Vec::new();
                collect(kind.trim_start_matches(['&', '*']), &mut of_type, depth + 1)?;
                parts.extend(of_type.last());
            }
            // Arguments of a type or function, `T::<u8>::f`.
            (false, None) => {}
            (true, Some(_)) => return None,
        }
    }
    Some(())
}

/// What stands before ` as ` outside of brackets.
fn before_as(inner: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in inner.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && inner.get(at..).is_some_and(|rest| rest.starts_with(" as ")) => {
                return inner.get(..at).unwrap_or(inner);
            }
            _ => {}
        }
    }
    inner
}

/// Splits at each `::` outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start, mut before) = (Vec::new(), 0_usize, 0, ' ');
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            // The arrow of a function's type is no bracket.
            '>' if before == '-' => {}
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && before == ':' => {
                parts.extend(text.get(start..at - 1));
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    parts.extend(text.get(start..));
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demangled_names_become_those_of_advisories() {
        for (demangled, expected) in [
            ("time::at", "time::at"),
            ("crossbeam_deque::deque::Stealer<T>::steal", "crossbeam_deque::deque::Stealer::steal"),
            ("<crossbeam_deque::deque::Stealer<u8>>::steal", "crossbeam_deque::deque::Stealer::steal"),
            ("<smallvec::SmallVec<[u8; 4]> as core::iter::Extend<u8>>::extend", "smallvec::SmallVec::extend"),
            ("<&a::T as core::fmt::Debug>::fmt", "a::T::fmt"),
            ("a::m::<impl core::fmt::Debug for a::m::T<u8>>::fmt", "a::m::T::fmt"),
            ("a::f::<fn(u8) -> u8>", "a::f"),
            ("a::f::{{closure}}", "a::f"),
            ("a::f::{closure#0}::{shim:vtable#0}", "a::f"),
            ("<a::T<<b::U as c::V>::W> as d::X>::f", "a::T::f"),
        ] {
            assert_eq!(path(demangled).unwrap().join("::"), expected, "{demangled}");
        }
        for none in ["main", "", "::", "<", "<>", ">>::<<", "<a", "<impl a for b>::c", "{closure#0}"] {
            assert_eq!(path(none), None, "{none}");
        }
        let deep = "<".repeat(100_000);
        assert_eq!(path(&deep), None);
    }

    #[test]
    fn a_type_is_known_without_its_module() {
        assert_eq!(titles(&["a", "m", "n", "T", "f"]), ["a::m::n::T::f", "a::T::f"]);
        assert_eq!(titles(&["a", "m", "f"]), ["a::m::f"]);
    }
}
