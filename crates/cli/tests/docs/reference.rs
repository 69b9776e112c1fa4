//! The pages that are made from lists in the code. A test tells which are out of date; with `UPDATE=1` in the
//! environment (`cargo xtask docs`) it writes them.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use plimsoll_checks::build_file::{FileRule, When};
use plimsoll_checks::kubernetes::pod_security::CONTROLS;
use plimsoll_model::extractor::{ContentRule, Extractor, PathRule};
use serde::Deserialize;

const GENERATED: &str = "<!-- Written by `cargo xtask docs`. -->\n\n";

/// A generated page.
struct Page {
    path: &'static str,
    text: String,
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests may look at their environment and read our own files")]
fn the_generated_pages_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let mut stale = Vec::new();
    for page in pages(&root) {
        let path = root.join(page.path);
        if update {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, page.text).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(&page.text) {
            stale.push(page.path);
        }
    }
    assert!(stale.is_empty(), "out of date, run `cargo xtask docs`: {stale:?}");
}

fn pages(root: &Path) -> Vec<Page> {
    vec![
        Page { path: "docs/schema/scan-1.json", text: plimsoll_report::json::schema() },
        Page { path: "docs/schema/audit-entry-1.json", text: plimsoll_trust::audit::entry::schema() },
        Page { path: "docs/schema/check-1.json", text: plimsoll_report::check::schema() },
        Page { path: "docs/schema/copy-1.json", text: plimsoll_report::copy::schema() },
        Page { path: "docs/schema/drift-1.json", text: plimsoll_report::drift::schema() },
        Page { path: "docs/schema/promote-1.json", text: plimsoll_report::promote::schema() },
        Page { path: "docs/schema/retire-1.json", text: plimsoll_report::retire::schema() },
        Page { path: "docs/schema/tree-1.json", text: plimsoll_report::tree::schema() },
        Page { path: "docs/schema/diff-1.json", text: plimsoll_report::diff::schema() },
        Page { path: "docs/schema/explain-1.json", text: plimsoll_report::explain::schema() },
        Page { path: "docs/schema/inventory-1.json", text: plimsoll_report::account::schema() },
        Page { path: "docs/schema/lineage-1.json", text: plimsoll_report::lineage::schema() },
        Page { path: "docs/schema/lint-1.json", text: plimsoll_report::lint::schema() },
        Page { path: "docs/schema/pins-1.json", text: plimsoll_report::pins::schema() },
        Page { path: "docs/schema/plan-1.json", text: plimsoll_report::plan::schema() },
        Page { path: "docs/schema/policy-1.json", text: plimsoll_policy::schema() },
        Page { path: "docs/schema/rego-input-1.json", text: plimsoll_policy::input_schema() },
        Page { path: "docs/schema/secrets-1.json", text: plimsoll_report::secrets::schema() },
        Page { path: "docs/schema/licenses-1.json", text: plimsoll_report::licenses::schema() },
        Page {
            path: "docs/schema/scrub-repository-1.json",
            text: plimsoll_report::scrub::repository::schema(),
        },
        Page { path: "docs/schema/scrub-1.json", text: plimsoll_report::scrub::schema() },
        Page { path: "docs/schema/sbom-check-1.json", text: plimsoll_report::sbom::check::schema() },
        Page { path: "docs/schema/sbom-diff-1.json", text: plimsoll_report::sbom::diff::schema() },
        Page { path: "docs/schema/trust-1.json", text: plimsoll_trust::domain::schema() },
        Page { path: "docs/schema/trust-status-1.json", text: plimsoll_report::trust::schema() },
        Page { path: "docs/schema/verify-1.json", text: plimsoll_report::verify::schema() },
        Page { path: "docs/schema/sbom-verify-1.json", text: plimsoll_report::sbom::truth::schema() },
        Page { path: "docs/reference/catalogers.md", text: catalogers() },
        Page { path: "docs/reference/checks.md", text: checks(root) },
        Page { path: "docs/reference/cli.md", text: command_line() },
        Page { path: "docs/reference/rules.md", text: dockerfile_rules() },
    ]
}

fn catalogers() -> String {
    let mut text = format!(
        "{GENERATED}# What is read\n\nEach file of each layer is offered to these extractors. Raising a revision makes the \
         cache read layers again for that extractor alone.\n\n\
         | extractor | revision | files | content | up to |\n| --- | --- | --- | --- | --- |\n"
    );
    let mut all = plimsoll_engine::scan::extractors();
    all.extend(plimsoll_engine::account::extractors());
    all.extend(plimsoll_engine::licenses::extractors(plimsoll_engine::licenses::Texts::Read));
    all.sort_by_key(|extractor| extractor.name);
    all.dedup_by_key(|extractor| extractor.name);
    for extractor in all {
        text.push_str(&extractor_row(&extractor));
    }
    text
}

fn extractor_row(extractor: &Extractor) -> String {
    let paths: Vec<String> = extractor.wants.paths.iter().map(path_rule).collect();
    let content = match extractor.wants.content {
        ContentRule::Any => "any",
        ContentRule::Magic(_) => "told by its first bytes",
        ContentRule::Head(..) => "told by its first bytes, of which alone it reads",
        ContentRule::Directory => "directories",
        ContentRule::Text => "text",
        ContentRule::Wide(_) => "told by its first bytes, or text in UTF-16",
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
fn checks(root: &Path) -> String {
    let path = root.join("crates/checks/rules/secrets.toml");
    let rules = std::fs::read_to_string(&path).unwrap();
    let secrets: SecretRules = toml::from_str(&rules).unwrap();
    let mut text =
        format!("{GENERATED}# What is checked\n\nIds are a public contract: never renamed, only retired.\n");
    text.push_str("\n## The image's configuration\n\n| id | severity | what it finds | what to do |\n| --- | --- | --- | --- |\n");
    for rule in plimsoll_checks::all::IMAGE_RULES {
        writeln!(text, "| `{}` | {} | {} | {} |", rule.id, rule.severity, rule.title, rule.remedy).unwrap();
    }
    text.push_str("\n## The image's files\n\nA tool is told by its bytes and by the package that owns it, not by its name alone; one rule gives one finding \
         with all places.\n\n| id | severity | what it finds | what to do |\n| --- | --- | --- | --- |\n");
    for rule in plimsoll_checks::all::CONTENT_RULES {
        writeln!(text, "| `{}` | {} | {} | {} |", rule.id, rule.severity, rule.title, rule.remedy).unwrap();
    }
    file_rules(&mut text);
    text.push_str("\n## Licences\n\nOnly with `--scanners licenses`; [licenses.md](../licenses.md) tells which licence is in which category.\n\n\
         | id | severity | what it finds | what to do |\n| --- | --- | --- | --- |\n");
    for rule in plimsoll_checks::all::LICENSE_RULES {
        writeln!(text, "| `{}` | {} | {} | {} |", rule.id, rule.severity, rule.title, rule.remedy).unwrap();
    }
    writeln!(
        text,
        "\n## Packages that were given up\n\n`{}` (low): npm's `deprecated`, Composer's `abandoned`, Python's classifier \"7 - Inactive\", Debian's \
         transitional packages. The remedy names the successor where one is told.",
        plimsoll_checks::deprecated::DEPRECATED_COMPONENT
    )
    .unwrap();
    text.push_str(
        "\n## Secrets\n\nThe rules are `crates/checks/rules/secrets.toml`, the specific ones first. Files are searched in every \
         layer, also those that an upper layer deletes.\n\n| id | severity | what it finds |\n| --- | --- | --- |\n",
    );
    for rule in secrets.rule {
        writeln!(text, "| `{}` | {} | {} |", rule.id, rule.severity, rule.title).unwrap();
    }
    text
}

/// The rules over files that people edit; `docs/checks.md` tells how they are applied.
fn file_rules(text: &mut String) {
    let controls: Vec<FileRule> = CONTROLS.iter().map(|control| control.rule).collect();
    for (title, rules) in [
        ("Kubernetes: Pod Security Standards", controls.as_slice()),
        ("Kubernetes: further rules", plimsoll_checks::all::KUBERNETES_RULES),
        ("Compose", plimsoll_checks::all::COMPOSE_RULES),
        ("YAML", plimsoll_checks::all::YAML_RULES),
    ] {
        write!(text, "\n## {title}\n\n| id | severity | what it finds | what to do | also known as |\n")
            .unwrap();
        text.push_str("| --- | --- | --- | --- | --- |\n");
        for FileRule { id, severity, title, remedy, aliases } in rules {
            let aliases: Vec<String> = aliases.iter().map(|alias| format!("`{alias}`")).collect();
            let aliases = aliases.join(", ");
            writeln!(text, "| `{id}` | {severity} | {title} | {remedy} | {aliases} |").unwrap();
        }
    }
}

/// The rules over build files.
fn dockerfile_rules() -> String {
    let mut text = format!(
        "{GENERATED}# Rules over Dockerfiles\n\nWhat `plimsoll lint` looks for; those over manifests are in [checks](checks.md). Ids are a public contract: never renamed, only \
         retired. Other linters' names for a rule stand beside it, and can be used in its place.\n\n\
         ## Dockerfiles\n\n| id | also | severity | what it finds | what to do |\n| --- | --- | --- | --- | --- |\n"
    );
    for rule in plimsoll_checks::all::DOCKERFILE_RULES {
        let asked = if rule.when == When::OnRequest { ", only with `--rule`" } else { "" };
        let rule = &rule.rule;
        let (id, severity, title, remedy) = (rule.id, rule.severity, rule.title, rule.remedy);
        writeln!(text, "| `{id}` | {} | {severity}{asked} | {title} | {remedy} |", rule.aliases.join(", "))
            .unwrap();
    }
    text
}

/// The help of all commands, as the program prints it.
fn command_line() -> String {
    let mut text = format!("{GENERATED}# The command line\n");
    for command in commands() {
        let name = std::iter::once("plimsoll")
            .chain(command.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ");
        write!(text, "\n## {name}\n\n```text\n{}\n```\n", help(&command).trim_end()).unwrap();
    }
    text
}

/// All commands and their subcommands, as the help lists them.
fn commands() -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = found.get(next).cloned() {
        let help = help(&command);
        let below: Vec<Vec<String>> =
            subcommands(&help).map(|name| [command.as_slice(), &[name]].concat()).collect();
        next += 1;
        found.splice(next..next, below);
    }
    found
}

/// The first words of the lines of the section `Commands:`.
fn subcommands(help: &str) -> impl Iterator<Item = String> + '_ {
    let section =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = section.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned))
}

fn help(command: &[String]) -> String {
    // What is set in the environment shows in the help, the width of the terminal too.
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .env_clear()
        .args(command)
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?} has no help");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

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
