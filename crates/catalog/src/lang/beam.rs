//! Packages of Elixir and Erlang: installed ones by the application resource `ebin/NAME.app` of each, asked-for ones by
//! `mix.lock` and `rebar.lock` (<https://www.erlang.org/doc/apps/kernel/app.html>,
//! <https://hexdocs.pm/mix/Mix.Tasks.Deps.html>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};

use super::document::{declare, is_authors, text_files};

/// Reads applications.
pub(crate) const BEAM: Extractor = Extractor {
    name: "beam",
    revision: 1,
    wants: Wants { paths: &[PathRule::Suffix(".app")], content: ContentRule::Text, max_size: 4 << 20 },
    extract,
};

/// Reads lock files.
pub(crate) const BEAM_LOCK: Extractor = Extractor {
    name: "beam-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name("mix.lock"), PathRule::Name("rebar.lock")]),
    extract: extract_lock,
};

/// The applications of Erlang/OTP, which no package manager installs.
const OTP: [&str; 37] = [
    "asn1",
    "common_test",
    "compiler",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eldap",
    "erl_docgen",
    "erl_interface",
    "erts",
    "et",
    "eunit",
    "ftp",
    "inets",
    "jinterface",
    "kernel",
    "megaco",
    "mnesia",
    "observer",
    "odbc",
    "os_mon",
    "parsetools",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "tftp",
    "tools",
    "wx",
    "xmerl",
];

/// What Elixir consists of beside itself; all have its version.
const ELIXIR: [&str; 5] = ["eex", "ex_unit", "iex", "logger", "mix"];

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if file_name(parent(file.path)) != "ebin" {
        return Ok(());
    }
    let text = file.text()?;
    let Some(rest) = after(&text, &["{", "application", ","]) else {
        return Err(ExtractError::Malformed("it describes no application of Erlang".to_owned()));
    };
    let name = rest.split([',', ' ', '\n', '[']).next().unwrap_or_default().trim().trim_matches('\'');
    let version = after(rest, &["{", "vsn", ",", "\""]).and_then(|rest| rest.split('"').next());
    let Some(version) = version.filter(|version| !version.is_empty() && !name.is_empty()) else {
        // While it is built, the version may be a word (`git`) for the build to replace.
        return Ok(());
    };
    let ecosystem = if OTP.contains(&name) {
        Ecosystem::Otp
    } else if name == "elixir" {
        Ecosystem::Generic
    } else if ELIXIR.contains(&name) {
        return Ok(());
    } else {
        Ecosystem::Hex
    };
    facts.push(Fact::Package(Package::new(ecosystem, name, version)));
    Ok(())
}

/// What follows the first place where `words` stand one after the other, blanks between allowed.
fn after<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    let (first, others) = words.split_first()?;
    text.match_indices(first).find_map(|(at, _)| {
        let mut rest = text.get(at..)?.strip_prefix(first)?;
        for word in others {
            rest = rest.trim_start().strip_prefix(word)?;
        }
        Some(rest.trim_start())
    })
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) || file.path.split('/').any(|part| part == "deps") {
        return Ok(());
    }
    let text = file.text()?;
    let is_mix = file_name(file.path) == "mix.lock";
    for line in text.lines() {
        let entry = if is_mix { of_mix(line) } else { of_rebar(line) };
        if let Some((name, version)) = entry {
            declare(facts, Ecosystem::Hex, name, version);
        }
    }
    Ok(())
}

/// `"cowboy": {:hex, :cowboy, "2.9.0", …`
fn of_mix(line: &str) -> Option<(&str, &str)> {
    let rest = after(line, &["{", ":hex", ",", ":"])?;
    let (name, rest) = rest.split_once(',')?;
    let version = rest.trim_start().strip_prefix('"')?.split('"').next()?;
    Some((name.trim().trim_matches('"'), version))
}

/// `{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0}`
fn of_rebar(line: &str) -> Option<(&str, &str)> {
    let rest = after(line, &["{", "pkg", ",", "<<\""])?;
    let (name, rest) = rest.split_once("\">>")?;
    let version = after(rest, &[",", "<<\""])?.split('"').next()?;
    Some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn applications_are_told_from_those_of_otp() {
        let text = |name: &str| {
            format!(
                "%% x\n{{application, {name},\n [{{description, \"x\"}},\n  {{vsn, \"2.9.0\"}},\n  {{modules, []}}]}}.\n"
            )
        };
        let found = |name: &str| {
            facts_of(&BEAM, &format!("app/lib/{name}-2.9.0/ebin/{name}.app"), text(name).as_bytes())
        };
        let package = |ecosystem, name| [Fact::Package(Package::new(ecosystem, name, "2.9.0"))];
        assert_eq!(found("cowboy"), package(Ecosystem::Hex, "cowboy"));
        assert_eq!(found("ssl"), package(Ecosystem::Otp, "ssl"));
        assert_eq!(found("elixir"), package(Ecosystem::Generic, "elixir"));
        assert_eq!(found("logger"), []);
        assert_eq!(facts_of(&BEAM, "app/x.app", b"x"), []);
        assert_eq!(facts_of(&BEAM, "ebin/x.app", b"{application,x,[{vsn,git}]}."), []);
        assert!(error_of(&BEAM, "ebin/x.app", b"{app").is_some());
    }

    #[test]
    fn lock_files_of_mix_and_rebar_are_read() {
        let mix = "%{\n  \"cowboy\": {:hex, :cowboy, \"2.9.0\", \"865d\", [:make, :rebar3], [{:cowlib, \"2.11.0\", [hex: :cowlib]}], \"hexpm\", \"2c72\"},\n  \"own\": {:git, \"https://x\", \"abc\", []},\n}\n";
        let expected = declared(Ecosystem::Hex, &[("cowboy", "2.9.0")]);
        assert_eq!(facts_of(&BEAM_LOCK, "app/mix.lock", mix.as_bytes()), expected);
        let rebar = "{\"1.2.0\",\n[{<<\"cowboy\">>,{pkg,<<\"cowboy\">>,<<\"2.9.0\">>},0},\n {<<\"own\">>,{git,\"https://x\",{ref,\"a\"}},0}]}.\n";
        assert_eq!(facts_of(&BEAM_LOCK, "app/rebar.lock", rebar.as_bytes()), expected);
        assert_eq!(facts_of(&BEAM_LOCK, "app/deps/x/rebar.lock", rebar.as_bytes()), []);
        assert_eq!(facts_of(&BEAM_LOCK, "app/mix.lock", b"{:hex, :\n{:hex"), []);
    }
}
