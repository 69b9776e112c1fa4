//! What a Dockerfile names with a version and a plan can raise: its bases, and packages of the operating system
//! (`apt-get install NAME=VERSION`, `apk add NAME=VERSION`).

use std::ops::Range;

use plimsoll_model::ecosystem::Ecosystem;

use super::parse;
use super::syntax::Kind;

/// A package that a command installs in one version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PackagePin {
    /// By which packages: `Deb` or `Apk`.
    pub ecosystem: Ecosystem,
    /// Its name, without an architecture.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where the version is in the file.
    pub at: Range<usize>,
}

/// The packages that the commands of `text` install in one version each. What a variable or a heredoc tells is left out.
#[must_use]
pub fn package_pins(text: &str) -> Vec<PackagePin> {
    let mut pins = Vec::new();
    for instruction in parse(text).instructions.iter().filter(|instruction| instruction.kind == Kind::Run) {
        let logical = &instruction.logical;
        for command in commands(logical.text(), instruction.arguments) {
            let own = logical.text().get(command.clone()).unwrap_or_default();
            let Some(ecosystem) = manager(own) else { continue };
            let found = words(own).filter_map(|word| pin(own, word)).filter_map(|(name, version)| {
                let at = logical.source_range(&(command.start + version.start..command.start + version.end));
                let version = own.get(version)?.to_owned();
                // A version over two lines is not there in one piece.
                let is_whole = text.get(at.clone()) == Some(version.as_str());
                is_whole.then_some(PackagePin { ecosystem, name, version, at })
            });
            pins.extend(found);
        }
    }
    pins
}

/// The simple commands of a script: what stands between `;`, `&`, `|` and line ends.
fn commands(script: &str, start: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = start;
    for (at, c) in script.char_indices().filter(|(at, _)| *at >= start) {
        if ";&|\n".contains(c) {
            found.push(begin..at);
            begin = at + 1;
        }
    }
    found.push(begin..script.len().max(begin));
    found
}

/// Whose packages a command installs.
fn manager(command: &str) -> Option<Ecosystem> {
    let mut words = command.split_whitespace();
    let program = words.find(|word| ["apt-get", "apt", "aptitude", "apk"].contains(word))?;
    let (verb, ecosystem) =
        if program == "apk" { ("add", Ecosystem::Apk) } else { ("install", Ecosystem::Deb) };
    words.any(|word| word == verb).then_some(ecosystem)
}

/// The words of a command, quotes left out.
fn words(command: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    command.split(|c: char| c.is_whitespace() || c == '"' || c == '\'').map(move |word| {
        let range = at..at + word.len();
        at = range.end + 1;
        range
    })
}

/// The name of a word `NAME=VERSION`, and where its version is.
fn pin(command: &str, word: Range<usize>) -> Option<(String, Range<usize>)> {
    let own = command.get(word.clone())?;
    let (name, version) = own.split_once('=')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.:_".contains(c);
    let is_version = |c: char| c.is_ascii_alphanumeric() || "+-.:~_".contains(c);
    let is_one = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_name)
        && version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.chars().all(is_version);
    let name = name.split(':').next().unwrap_or(name);
    is_one.then(|| (name.to_owned(), word.end - version.len()..word.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_where_they_are_written() {
        let text = "FROM debian:12\nENV A=1 curl=2\nRUN apt-get update && apt-get install -y --no-install-recommends \\\n    \
            # why\n    curl=7.88.1-10+deb12u5 \\\n    \"libssl3:amd64=3.0.11-1~deb12u2\" wget=$V jq=1.* \\\n && X=1 make a=1\n\
            RUN --mount=type=cache,target=/x apk add --no-cache 'busybox=1.36.1-r2' git<2 \"a>=1\"\nRUN echo curl=1\n";
        let pins = package_pins(text);
        let told: Vec<String> = pins
            .iter()
            .map(|pin| format!("{:?} {} {} {}", pin.ecosystem, pin.name, pin.version, &text[pin.at.clone()]))
            .collect();
        assert_eq!(
            told,
            [
                "Deb curl 7.88.1-10+deb12u5 7.88.1-10+deb12u5",
                "Deb libssl3 3.0.11-1~deb12u2 3.0.11-1~deb12u2",
                "Apk busybox 1.36.1-r2 1.36.1-r2",
            ]
        );
    }

    #[test]
    fn hostile_texts_end() {
        for text in [
            "",
            "RUN",
            "RUN apt-get install =",
            "RUN apt-get install a=\\\n1",
            "RUN apk add \u{e9}=1 =1 a=",
            "RUN ;&|\n;",
        ] {
            assert!(
                package_pins(text).iter().all(|pin| text.get(pin.at.clone()) == Some(pin.version.as_str()))
            );
        }
    }
}
