//! What a Dockerfile names with a version and a plan can raise: its bases, and packages of the operating system
//! (`apt-get install NAME=VERSION`, `apk add NAME=VERSION`).

use std::ops::Range;

use plimsoll_model::ecosystem::Ecosystem;

use super::parse;
use super::shell::Command;
use super::view::View;
use crate::build_file::Settings;

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

/// The packages that the commands of `text` install in one version each. What a variable tells is left out.
#[must_use]
pub fn package_pins(text: &str) -> Vec<PackagePin> {
    let file = parse(text);
    let settings = Settings::default();
    let view = View::new(text, &file, &settings);
    let mut pins = Vec::new();
    for (run, command) in view.commands() {
        let Some(ecosystem) = manager(command) else { continue };
        let found = command.arguments().iter().filter_map(|word| {
            let (name, version) = pin(&word.text)?;
            let at = run.inside(word, &word.text)?;
            let at = at.end - version.len()..at.end;
            // A version over two lines is not there in one piece.
            let is_whole = text.get(at.clone()) == Some(version);
            is_whole.then(|| PackagePin { ecosystem, name: name.to_owned(), version: version.to_owned(), at })
        });
        pins.extend(found);
    }
    pins
}

/// Whose packages a command installs.
fn manager(command: &Command) -> Option<Ecosystem> {
    let (verb, ecosystem) = match command.program() {
        "apk" => ("add", Ecosystem::Apk),
        "apt-get" | "apt" | "aptitude" => ("install", Ecosystem::Deb),
        _ => return None,
    };
    command.arguments().iter().any(|word| word.text == verb).then_some(ecosystem)
}

/// The name and the version of a word `NAME=VERSION`.
fn pin(word: &str) -> Option<(&str, &str)> {
    let (name, version) = word.split_once('=')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.:_".contains(c);
    let is_version = |c: char| c.is_ascii_alphanumeric() || "+-.:~_".contains(c);
    let is_one = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_name)
        && version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.chars().all(is_version);
    is_one.then(|| (name.split(':').next().unwrap_or(name), version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_where_they_are_written() {
        let text = "FROM debian:12\nENV A=1 curl=2\nRUN apt-get update && apt-get install -y --no-install-recommends \\\n    \
            # why\n    curl=7.88.1-10+deb12u5 \\\n    \"libssl3:amd64=3.0.11-1~deb12u2\" wget=$V jq=1.* \\\n && X=1 make a=1\n\
            RUN --mount=type=cache,target=/x apk add --no-cache 'busybox=1.36.1-r2' git<2 \"a>=1\"\nRUN echo curl=1\n\
            RUN echo apt-get install jq=1 && sudo -u root apt-get -y install jq=2\nRUN [\"apk\", \"add\", \"jq=3\"]\n\
            RUN <<EOF\napt-get install jq=4\n# apt-get install jq=5\nEOF\n";
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
                "Deb jq 2 2",
                "Apk jq 3 3",
                "Deb jq 4 4",
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
