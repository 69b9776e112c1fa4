//! Rules over the package managers of programming languages.

use plimsoll_model::severity::Severity;

use super::super::shell::Command;
use super::super::syntax::{Instruction, Kind};
use super::super::view::{Run, View};
use super::super::words::Word;
use super::run::shown;
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

pub(crate) const PIP_VERSION: Rule = always(
    FileRule {
        id: "pip-version-not-pinned",
        aliases: &["DL3013"],
        title: "pip installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (NAME==VERSION), or install from a file of requirements with hashes",
    },
    pip_version,
);

pub(crate) const PIP_CACHE: Rule = always(
    FileRule {
        id: "pip-cache-kept",
        aliases: &["DL3042"],
        title: "pip's cache stays in the image",
        severity: Severity::Negligible,
        remedy: "Call pip install with --no-cache-dir, or mount a cache at /root/.cache/pip",
    },
    pip_cache,
);

pub(crate) const NPM_VERSION: Rule = always(
    FileRule {
        id: "npm-version-not-pinned",
        aliases: &["DL3016"],
        title: "npm installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (NAME@VERSION), or use npm ci with a lock file",
    },
    |view| unpinned(view, npm),
);

pub(crate) const GEM_VERSION: Rule = always(
    FileRule {
        id: "gem-version-not-pinned",
        aliases: &["DL3028"],
        title: "gem installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (gem install NAME:VERSION)",
    },
    |view| unpinned(view, gem),
);

pub(crate) const GO_VERSION: Rule = always(
    FileRule {
        id: "go-version-not-pinned",
        aliases: &["DL3062"],
        title: "go takes whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (go install PACKAGE@VERSION)",
    },
    |view| unpinned(view, go),
);

pub(crate) const YARN_CACHE: Rule = always(
    FileRule {
        id: "yarn-cache-kept",
        aliases: &["DL3060"],
        title: "yarn's cache stays in the image",
        severity: Severity::Negligible,
        remedy: "End the step with yarn cache clean, or mount a cache",
    },
    yarn_cache,
);

/// Options of pip that take a value.
const PIP_VALUES: &[&str] = &[
    "--abi",
    "--build",
    "--cache-dir",
    "--config-settings",
    "-e",
    "--editable",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--global-option",
    "-i",
    "--implementation",
    "--index-url",
    "--install-option",
    "--log",
    "--no-binary",
    "--only-binary",
    "--platform",
    "--prefix",
    "--progress-bar",
    "--proxy",
    "--python",
    "--python-version",
    "--retries",
    "--root",
    "--root-user-action",
    "--src",
    "-t",
    "--target",
    "--timeout",
    "--trusted-host",
    "--upgrade-strategy",
];

/// The operands of `pip install`, if `command` is that; `python -m pip` counts.
fn pip(command: &Command) -> Option<Vec<&Word>> {
    let program = command.program();
    let mut operands = command.operands(PIP_VALUES).into_iter();
    let is_module = program.starts_with("python")
        && command
            .arguments()
            .windows(2)
            .any(|pair| matches!(pair, [m, pip] if m.text == "-m" && pip.text == "pip"));
    if is_module {
        operands.next().filter(|word| word.text == "pip")?;
    } else if !is_pip(program) {
        return None;
    }
    operands.next().filter(|word| word.text == "install")?;
    Some(operands.collect())
}

/// `pip`, `pip3`, `pip3.11`.
fn is_pip(program: &str) -> bool {
    program.strip_prefix("pip").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// The operands of `pipx install`.
fn pipx(command: &Command) -> Option<Vec<&Word>> {
    let mut operands = (command.program() == "pipx").then(|| command.operands(PIP_VALUES).into_iter())?;
    operands.next().filter(|word| word.text == "install")?;
    Some(operands.collect())
}

fn is_pip_pinned(name: &str) -> bool {
    if let Some(address) = name.strip_prefix("git+") {
        let path = address.split_once("://").map_or(address, |(_, rest)| rest);
        return path.contains('@');
    }
    let compares = ["==", ">=", "<=", "~=", "!=", "<", ">", "@"];
    let ends = [".whl", ".tar.gz", ".zip"];
    compares.iter().any(|sign| name.contains(sign))
        || ends.iter().any(|end| name.ends_with(end))
        || name.contains('/')
        || name == "."
        || name.starts_with(".[")
}

fn pip_version(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, command) in view.commands() {
        let Some(operands) = pip(command).or_else(|| pipx(command)) else { continue };
        let is_constrained = command.has_long(&["--requirement", "--constraint"])
            || command.arguments().iter().any(|word| matches!(word.text.as_str(), "-r" | "-c"));
        let loose: Vec<&&Word> = operands.iter().filter(|word| !is_pip_pinned(&word.text)).collect();
        if let Some(first) = loose.first().filter(|_| !is_constrained) {
            found.push(Breach::new(run.at(first), names(&loose)));
        }
    }
    found
}

fn names(words: &[&&Word]) -> String {
    words.iter().take(10).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// Whether the value of `PIP_NO_CACHE_DIR` turns the cache off.
fn is_true(value: &str) -> bool {
    ["1", "on", "true", "yes"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn sets_no_cache(run: &Run<'_>, command: &Command) -> bool {
    let is_set = |name: &str, value: &str| name == "PIP_NO_CACHE_DIR" && is_true(value);
    let exported = run.commands.iter().filter(|other| other.program() == "export");
    let mut exported =
        exported.flat_map(|other| other.arguments()).filter_map(|word| word.text.split_once('='));
    let prefixed = command.words.iter().filter_map(|word| word.text.split_once('='));
    command.assignments.iter().any(|(name, value)| is_set(name, value))
        || exported.any(|(name, value)| is_set(name, value))
        || prefixed.clone().any(|(name, value)| is_set(name, value))
}

/// For each stage, where an `ENV` first turns pip's cache off.
fn turned_off(view: &View<'_>) -> Vec<Option<usize>> {
    let sets = |env: &&Instruction| {
        let mut pairs = env.pairs().into_iter();
        pairs.any(|pair| pair.name == "PIP_NO_CACHE_DIR" && pair.value.as_deref().is_some_and(is_true))
    };
    view.stages.iter().map(|stage| stage.own(Kind::Env).find(sets).map(Instruction::at)).collect()
}

fn is_off_by_env(view: &View<'_>, run: &Run<'_>, settings: &[Option<usize>]) -> bool {
    let mut next = Some(run.stage);
    while let Some(number) = next {
        if settings.get(number).copied().flatten().is_some_and(|at| at < run.instruction.at()) {
            return true;
        }
        next = view.stages.get(number).and_then(|stage| stage.parent);
    }
    false
}

fn pip_cache(view: &View<'_>) -> Vec<Breach> {
    let settings = turned_off(view);
    let mut found = Vec::new();
    for (run, command) in view.commands() {
        if pip(command).is_none() {
            continue;
        }
        let is_off = command.has_long(&["--no-cache-dir"])
            || sets_no_cache(run, command)
            || run.instruction.keeps_out("/root/.cache/pip")
            || run.instruction.keeps_out("/root/.cache")
            || is_off_by_env(view, run, &settings);
        if is_off {
            continue;
        }
        let breach = Breach::new(run.start_of(command), shown(command));
        let install = command.words.iter().find(|word| word.text == "install");
        found.push(match install {
            Some(install) if run.is_editable() && command.depth == 0 => {
                breach.inserting(run.end_of(install), " --no-cache-dir")
            }
            _ => breach,
        });
    }
    found
}

/// A breach for each command for which `loose` gives what has no version.
fn unpinned(view: &View<'_>, loose: fn(&Command) -> Vec<&Word>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, command) in view.commands() {
        let loose = loose(command);
        if let Some(first) = loose.first() {
            let names: Vec<&str> = loose.iter().take(10).map(|word| word.text.as_str()).collect();
            found.push(Breach::new(run.at(first), names.join(" ")));
        }
    }
    found
}

fn npm(command: &Command) -> Vec<&Word> {
    let with_value = [
        "--loglevel",
        "--registry",
        "--prefix",
        "-C",
        "--cache",
        "--userconfig",
        "-w",
        "--workspace",
        "--tag",
        "--omit",
        "--include",
        "--install-strategy",
    ];
    let mut operands = command.operands(&with_value).into_iter();
    let is_install = command.program() == "npm"
        && operands.next().is_some_and(|word| matches!(word.text.as_str(), "add" | "i" | "install"));
    if is_install { operands.filter(|word| !is_npm_pinned(&word.text)).collect() } else { Vec::new() }
}

fn is_npm_pinned(name: &str) -> bool {
    if name.starts_with("git://") || name.starts_with("git+") {
        return name.contains('#');
    }
    let has_version = name.char_indices().skip(1).any(|(_, c)| c == '@');
    let ends = [".tar", ".tar.gz", ".tgz"];
    has_version || name.starts_with(['.', '/', '~']) || ends.iter().any(|end| name.ends_with(end))
}

fn gem(command: &Command) -> Vec<&Word> {
    let with_value = [
        "-v",
        "--version",
        "-i",
        "--install-dir",
        "-n",
        "--bindir",
        "-s",
        "--source",
        "-P",
        "--trust-policy",
        "--use-system-libraries",
        "--platform",
    ];
    let is_install = command.program() == "gem"
        && command
            .operands(&with_value)
            .first()
            .is_some_and(|word| matches!(word.text.as_str(), "i" | "install"));
    let is_versioned = command.has_long(&["--version"]) || command.has_short('v');
    if !is_install || is_versioned {
        return Vec::new();
    }
    let end =
        command.arguments().iter().find(|word| word.text == "--").map_or(usize::MAX, |word| word.range.start);
    let operands = command.operands(&with_value).into_iter().skip(1).filter(|word| word.range.start < end);
    operands.filter(|word| !word.text.contains(':')).collect()
}

fn go(command: &Command) -> Vec<&Word> {
    let with_value = ["-C", "-asmflags", "-gcflags", "-ldflags", "-mod", "-modfile", "-o", "-p", "-tags"];
    let mut operands = command.operands(&with_value).into_iter();
    let subcommand = match operands.next() {
        Some(word) if command.program() == "go" => word.text.as_str(),
        _ => return Vec::new(),
    };
    let count = match subcommand {
        "get" | "install" => usize::MAX,
        "run" => 1,
        _ => 0,
    };
    operands.take(count).filter(|word| !is_go_pinned(&word.text)).collect()
}

fn is_go_pinned(package: &str) -> bool {
    let has_version = package.split_once('@').is_some_and(|(_, version)| version != "latest");
    has_version || package.starts_with(['.', '/']) || package.ends_with(".go")
}

fn yarn_cache(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for run in view.runs.iter().filter(|run| view.is_base_or_last(run.stage)) {
        let calls = |command: &Command, words: &[&str]| {
            let operands: Vec<&str> = command.operands(&[]).iter().map(|word| word.text.as_str()).collect();
            command.program() == "yarn" && operands.starts_with(words)
        };
        let last = run.commands.iter().rposition(|command| calls(command, &["install"]));
        let Some((last, command)) = last.and_then(|last| Some((last, run.commands.get(last)?))) else {
            continue;
        };
        let is_clean = run.commands.iter().skip(last).any(|command| calls(command, &["cache", "clean"]));
        let mounts =
            ["/root/.cache/yarn", "/root/.cache", "/usr/local/share/.cache/yarn", "/usr/local/share/.cache"];
        if is_clean || mounts.iter().any(|target| run.instruction.keeps_out(target)) {
            continue;
        }
        let breach = Breach::new(run.start_of(command), shown(command));
        found.push(match run.appendable() {
            Some(end) if command.depth == 0 => breach.inserting(end, " && yarn cache clean"),
            _ => breach,
        });
    }
    found
}
