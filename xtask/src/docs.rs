//! The pages that are made from lists in the code: `cargo xtask docs` writes them, `tidy` tells which are out of date.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use plimsoll_model::extractor::{ContentRule, Extractor, PathRule};
use serde::Deserialize;

use crate::{cargo_output, output};

const GENERATED: &str = "<!-- Written by `cargo xtask docs`. -->\n\n";

/// A generated page.
struct Page {
    path: &'static str,
    text: String,
}

/// Writes all pages.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    for page in pages(root)? {
        let path = root.join(page.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, page.text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Names the pages that are out of date.
#[expect(clippy::disallowed_methods, reason = "our own files")]
pub(crate) fn stale(root: &Path) -> anyhow::Result<Vec<String>> {
    let differs =
        |page: &Page| std::fs::read_to_string(root.join(page.path)).ok().as_deref() != Some(&page.text);
    let complaint = |page: Page| format!("{}: out of date, run `cargo xtask docs`", page.path);
    Ok(pages(root)?.into_iter().filter(differs).map(complaint).collect())
}

fn pages(root: &Path) -> anyhow::Result<Vec<Page>> {
    Ok(vec![
        Page { path: "docs/schema/scan-1.json", text: plimsoll_report::json::schema() },
        Page { path: "docs/reference/catalogers.md", text: catalogers() },
        Page { path: "docs/reference/checks.md", text: checks(root)? },
        Page { path: "docs/reference/cli.md", text: command_line(root)? },
    ])
}

fn catalogers() -> String {
    let mut text = format!(
        "{GENERATED}# What is read\n\nEach file of each layer is offered to these extractors. Raising a revision makes the \
         cache read layers again for that extractor alone.\n\n\
         | extractor | revision | files | content | up to |\n| --- | --- | --- | --- | --- |\n"
    );
    for extractor in plimsoll_engine::scan::extractors() {
        text.push_str(&extractor_row(&extractor));
    }
    text
}

fn extractor_row(extractor: &Extractor) -> String {
    let paths: Vec<String> = extractor.wants.paths.iter().map(path_rule).collect();
    let content = match extractor.wants.content {
        ContentRule::Any => "any",
        ContentRule::Magic(_) => "told by its first bytes",
        ContentRule::Text => "text",
    };
    let (name, revision) = (extractor.name, extractor.revision);
    format!(
        "| {name} | {revision} | {} | {content} | {} |\n",
        paths.join(", "),
        size(extractor.wants.max_size)
    )
}

fn path_rule(rule: &PathRule) -> String {
    match rule {
        PathRule::Any => "all".to_owned(),
        PathRule::Exact(path) => format!("`/{path}`"),
        PathRule::In(folder) => format!("`/{folder}/*`"),
        PathRule::Name(name) => format!("`**/{name}`"),
        PathRule::Suffix(suffix) => format!("`**/*{suffix}`"),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        u64::MAX => "any size".to_owned(),
        _ if bytes >= 1 << 30 => format!("{} GiB", bytes >> 30),
        _ if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
        _ => format!("{} KiB", bytes >> 10),
    }
}

#[derive(Deserialize)]
struct SecretRules {
    rule: Vec<SecretRule>,
}

#[derive(Deserialize)]
struct SecretRule {
    id: String,
    title: String,
    severity: String,
}

#[expect(clippy::disallowed_methods, reason = "our own file")]
fn checks(root: &Path) -> anyhow::Result<String> {
    let path = root.join("crates/checks/rules/secrets.toml");
    let rules = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let secrets: SecretRules =
        toml::from_str(&rules).with_context(|| format!("reading {}", path.display()))?;
    let mut text =
        format!("{GENERATED}# What is checked\n\nIds are a public contract: never renamed, only retired.\n");
    text.push_str("\n## The image's configuration\n\n| id | severity | what it finds | what to do |\n| --- | --- | --- | --- |\n");
    for rule in plimsoll_checks::all::IMAGE_RULES {
        writeln!(text, "| `{}` | {} | {} | {} |", rule.id, rule.severity, rule.title, rule.remedy)?;
    }
    text.push_str(
        "\n## Secrets\n\nThe rules are `crates/checks/rules/secrets.toml`, the specific ones first. Files are searched in every \
         layer, also those that an upper layer deletes.\n\n| id | severity | what it finds |\n| --- | --- | --- |\n",
    );
    for rule in secrets.rule {
        writeln!(text, "| `{}` | {} | {} |", rule.id, rule.severity, rule.title)?;
    }
    Ok(text)
}

/// The help of all commands, as the program prints it.
fn command_line(root: &Path) -> anyhow::Result<String> {
    let program = build(root)?;
    let mut text = format!("{GENERATED}# The command line\n");
    for command in commands(&program)? {
        let name = std::iter::once("plimsoll")
            .chain(command.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ");
        write!(text, "\n## {name}\n\n```text\n{}\n```\n", help(&program, &command)?.trim_end())?;
    }
    Ok(text)
}

/// All commands and their subcommands, as the help lists them.
fn commands(program: &Path) -> anyhow::Result<Vec<Vec<String>>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = found.get(next).cloned() {
        let help = help(program, &command)?;
        let below: Vec<Vec<String>> =
            subcommands(&help).map(|name| [command.as_slice(), &[name]].concat()).collect();
        next += 1;
        found.splice(next..next, below);
    }
    Ok(found)
}

/// The first words of the lines of the section `Commands:`.
fn subcommands(help: &str) -> impl Iterator<Item = String> + '_ {
    let section =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = section.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned))
}

fn help(program: &Path, command: &[String]) -> anyhow::Result<String> {
    // What is set in the environment shows in the help, the width of the terminal too.
    output(Command::new(program).env_clear().args(command).arg("--help"))
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Builds the program; gives where it is.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let messages =
        cargo_output(root, &["build", "--quiet", "--package", "plimsoll", "--message-format", "json"])?;
    let executables =
        messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable);
    executables.last().context("cargo built no program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subcommands_are_told_from_their_words() {
        let help = "Usage: x\n\nCommands:\n  scan   Find\n         what is wrong\n  cache  Look\n\nOptions:\n  -q  quiet\n";
        assert_eq!(subcommands(help).collect::<Vec<_>>(), ["scan", "cache"]);
    }

    #[test]
    fn sizes_are_told_in_the_largest_unit() {
        assert_eq!(size(256 << 20), "256 MiB");
        assert_eq!(size(4 << 30), "4 GiB");
        assert_eq!(size(64 << 10), "64 KiB");
        assert_eq!(size(u64::MAX), "any size");
    }
}
