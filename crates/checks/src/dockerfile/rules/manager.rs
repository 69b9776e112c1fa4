//! Rules over the package managers of distributions: versions, questions to nobody, caches left in the image.

use plimsoll_model::severity::Severity;

use super::super::shell::Command;
use super::super::view::{Run, View};
use super::super::words::Word;
use super::run::shown;
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

/// A package manager.
struct Manager {
    /// Its programs.
    programs: &'static [&'static str],
    /// The commands that install, in full and short.
    install: &'static [&'static str],
    /// Its options that take a value.
    with_value: &'static [&'static str],
    /// Whether an operand names a version, or a file.
    is_pinned: fn(&str) -> bool,
    /// The commands after which its cache is kept.
    caching: &'static [&'static str],
    /// What empties the cache, each as the words that a command has.
    cleaning: &'static [&'static [&'static str]],
    /// Folders whose removal does the same.
    caches: &'static [&'static str],
}

const APT: Manager = Manager {
    programs: &["apt-get"],
    install: &["install"],
    with_value: &[
        "-t",
        "--target-release",
        "--default-release",
        "-o",
        "--option",
        "-c",
        "--config-file",
        "-a",
    ],
    is_pinned: |name| name.contains('=') || name.contains('/') || name.ends_with(".deb"),
    caching: &["update"],
    cleaning: &[],
    caches: &["/var/lib/apt/lists"],
};

const APK: Manager = Manager {
    programs: &["apk"],
    install: &["add"],
    with_value: &[
        "-t",
        "--virtual",
        "-X",
        "--repository",
        "-p",
        "--root",
        "--arch",
        "--keys-dir",
        "--repositories-file",
        "--cache-dir",
        "--cache-max-age",
        "--wait",
    ],
    is_pinned: |name| name.contains(['=', '~', '<', '>']) || name.ends_with(".apk"),
    caching: &["add"],
    cleaning: &[],
    caches: &[],
};

const YUM: Manager = Manager {
    programs: &["yum"],
    install: &["install"],
    with_value: RPM_VALUES,
    is_pinned: is_rpm_pinned,
    caching: &["install"],
    cleaning: &[&["clean", "all"]],
    caches: &["/var/cache/yum"],
};

const DNF: Manager = Manager {
    programs: &["dnf", "dnf5", "microdnf"],
    install: &["in", "install"],
    with_value: RPM_VALUES,
    is_pinned: is_rpm_pinned,
    caching: &[
        "i",
        "in",
        "install",
        "rei",
        "reinstall",
        "up",
        "up-mi",
        "up-min",
        "upgrade",
        "upgrade-minimal",
    ],
    cleaning: &[&["clean", "all"]],
    caches: &["/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5"],
};

const ZYPPER: Manager = Manager {
    programs: &["zypper"],
    install: &["in", "install"],
    with_value: &["-r", "--repo", "-t", "--type", "-R", "--root", "--from"],
    is_pinned: |name| name.contains(['=', '<', '>']) || name.ends_with(".rpm"),
    caching: &["in", "install"],
    cleaning: &[&["clean"], &["cc"]],
    caches: &["/var/cache/zypp"],
};

const RPM_VALUES: &[&str] = &[
    "-c",
    "--config",
    "--installroot",
    "--releasever",
    "--enablerepo",
    "--disablerepo",
    "--setopt",
    "-x",
    "--exclude",
];

/// Whether a name has a version behind a dash, or is a file or an address.
fn is_rpm_pinned(name: &str) -> bool {
    let mut parts = name.split('-').skip(1);
    name.ends_with(".rpm")
        || name.contains("://")
        || parts.any(|part| part.starts_with(|c: char| c.is_ascii_digit()))
}

pub(crate) const APT_VERSION: Rule = always(
    FileRule {
        id: "apt-version-not-pinned",
        aliases: &["DL3008"],
        title: "apt-get installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (apt-get install NAME=VERSION), or install from a snapshot of the repository",
    },
    |view| unpinned(view, &APT),
);

pub(crate) const APT_LISTS: Rule = always(
    FileRule {
        id: "apt-lists-kept",
        aliases: &["DL3009"],
        title: "The lists of packages stay in the image",
        severity: Severity::Negligible,
        remedy: "End the step that updates them with rm -rf /var/lib/apt/lists/*",
    },
    apt_lists,
);

pub(crate) const APT_YES: Rule = always(
    FileRule {
        id: "apt-get-without-yes",
        aliases: &["DL3014"],
        title: "apt-get asks whether to install, and nobody answers",
        severity: Severity::Low,
        remedy: "Call apt-get install with -y",
    },
    |view| {
        asking(view, &APT, " -y", |command| {
            command.has_short('y')
                || command.has_long(&["--yes", "--assume-yes"])
                || command.count_short('q') + count_quiet(command) > 1
                || command.arguments().iter().any(|word| matches!(word.text.as_str(), "-q=2" | "--quiet=2"))
        })
    },
);

pub(crate) const APT_RECOMMENDS: Rule = always(
    FileRule {
        id: "apt-installs-recommended",
        aliases: &["DL3015"],
        title: "apt-get installs packages that are only recommended",
        severity: Severity::Negligible,
        remedy: "Call apt-get install with --no-install-recommends",
    },
    |view| {
        asking(view, &APT, " --no-install-recommends", |command| {
            command.has_long(&["--no-install-recommends"])
                || command.arguments().iter().any(|word| {
                    word.text.contains("APT::Install-Recommends=")
                        && !word.text.ends_with("=true")
                        && !word.text.ends_with("=1")
                })
        })
    },
);

pub(crate) const APK_VERSION: Rule = always(
    FileRule {
        id: "apk-version-not-pinned",
        aliases: &["DL3018"],
        title: "apk installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (apk add NAME=VERSION or NAME~VERSION)",
    },
    |view| unpinned(view, &APK),
);

pub(crate) const APK_CACHE: Rule = always(
    FileRule {
        id: "apk-cache-kept",
        aliases: &["DL3019"],
        title: "apk's index stays in the image",
        severity: Severity::Negligible,
        remedy: "Call apk add with --no-cache",
    },
    |view| {
        asking_in(view, &APK, " --no-cache", |run, command| {
            command.has_long(&["--no-cache"]) || run.instruction.keeps_out("/var/cache/apk")
        })
    },
);

pub(crate) const YUM_YES: Rule = always(
    FileRule {
        id: "yum-without-yes",
        aliases: &["DL3030"],
        title: "yum asks whether to install, and nobody answers",
        severity: Severity::Low,
        remedy: "Call yum install with -y",
    },
    |view| asking(view, &YUM, " -y", |command| command.has_short('y') || command.has_long(&["--assumeyes"])),
);

pub(crate) const YUM_CACHE: Rule = always(
    FileRule {
        id: "yum-cache-kept",
        aliases: &["DL3032"],
        title: "yum's cache stays in the image",
        severity: Severity::Negligible,
        remedy: "End the step with yum clean all",
    },
    |view| kept(view, &YUM, " && yum clean all"),
);

pub(crate) const YUM_VERSION: Rule = always(
    FileRule {
        id: "yum-version-not-pinned",
        aliases: &["DL3033"],
        title: "yum installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (yum install NAME-VERSION)",
    },
    |view| unpinned(view, &YUM),
);

pub(crate) const ZYPPER_YES: Rule = always(
    FileRule {
        id: "zypper-interactive",
        aliases: &["DL3034"],
        title: "zypper asks whether to install, and nobody answers",
        severity: Severity::Low,
        remedy: "Call zypper install with -y",
    },
    |view| {
        asking(view, &ZYPPER, " -y", |command| {
            command.has_short('y')
                || command.has_short('n')
                || command.has_long(&["--non-interactive", "--no-confirm"])
        })
    },
);

pub(crate) const ZYPPER_UPGRADE: Rule = always(
    FileRule {
        id: "zypper-dist-upgrade",
        aliases: &["DL3035"],
        title: "A step upgrades the whole distribution",
        severity: Severity::Low,
        remedy: "Begin from a newer base image instead",
    },
    |view| {
        super::run::commands(view, |_, command| {
            let subcommand =
                command.operands(ZYPPER.with_value).first().map_or("", |word| word.text.as_str());
            command.program() == "zypper" && matches!(subcommand, "dist-upgrade" | "dup")
        })
    },
);

pub(crate) const ZYPPER_CACHE: Rule = always(
    FileRule {
        id: "zypper-cache-kept",
        aliases: &["DL3036"],
        title: "zypper's cache stays in the image",
        severity: Severity::Negligible,
        remedy: "End the step with zypper clean",
    },
    |view| kept(view, &ZYPPER, " && zypper clean --all"),
);

pub(crate) const ZYPPER_VERSION: Rule = always(
    FileRule {
        id: "zypper-version-not-pinned",
        aliases: &["DL3037"],
        title: "zypper installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (zypper install NAME=VERSION)",
    },
    |view| unpinned(view, &ZYPPER),
);

pub(crate) const DNF_YES: Rule = always(
    FileRule {
        id: "dnf-without-yes",
        aliases: &["DL3038"],
        title: "dnf asks whether to install, and nobody answers",
        severity: Severity::Low,
        remedy: "Call dnf install with -y",
    },
    |view| asking(view, &DNF, " -y", |command| command.has_short('y') || command.has_long(&["--assumeyes"])),
);

pub(crate) const DNF_CACHE: Rule = always(
    FileRule {
        id: "dnf-cache-kept",
        aliases: &["DL3040"],
        title: "dnf's cache stays in the image",
        severity: Severity::Negligible,
        remedy: "End the step with dnf clean all",
    },
    |view| kept(view, &DNF, " clean all"),
);

pub(crate) const DNF_VERSION: Rule = always(
    FileRule {
        id: "dnf-version-not-pinned",
        aliases: &["DL3041"],
        title: "dnf installs whatever version is current",
        severity: Severity::Low,
        remedy: "Name the version (dnf install NAME-VERSION)",
    },
    |view| unpinned(view, &DNF),
);

fn count_quiet(command: &Command) -> usize {
    command.arguments().iter().filter(|word| word.text == "--quiet").count()
}

impl Manager {
    /// The word of `command` that is one of `subcommands`, and the operands behind it.
    fn called<'a>(&self, command: &'a Command, subcommands: &[&str]) -> Option<(&'a Word, Vec<&'a Word>)> {
        if !self.programs.contains(&command.program()) {
            return None;
        }
        let mut operands = command.operands(self.with_value).into_iter();
        let first = operands.next()?;
        // `dnf module install` installs streams, `dnf group install` what belongs together.
        let is_kind = matches!(first.text.as_str(), "group" | "module");
        let subcommand = if is_kind { operands.next()? } else { first };
        subcommands.contains(&subcommand.text.as_str()).then(|| (subcommand, operands.collect()))
    }
}

fn installs<'a>(
    view: &'a View<'_>,
    manager: &'a Manager,
) -> impl Iterator<Item = (&'a Run<'a>, &'a Command, &'a Word, Vec<&'a Word>)> {
    view.commands().filter_map(|(run, command)| {
        let (subcommand, operands) = manager.called(command, manager.install)?;
        Some((run, command, subcommand, operands))
    })
}

fn unpinned(view: &View<'_>, manager: &Manager) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, command, _, operands) in installs(view, manager) {
        let kind = command.operands(manager.with_value).first().map_or("", |word| word.text.as_str());
        let is_pinned = |name: &str| match kind {
            "module" => name.contains(':'),
            // A group has no version.
            "group" => true,
            _ => (manager.is_pinned)(name),
        };
        let loose: Vec<&&Word> = operands.iter().filter(|word| !is_pinned(&word.text)).collect();
        if let Some(first) = loose.first() {
            let names: Vec<&str> = loose.iter().take(10).map(|word| word.text.as_str()).collect();
            found.push(Breach::new(run.at(first), names.join(" ")));
        }
    }
    found
}

/// Installations without an option, which `has` looks for; mended by `option` behind the subcommand.
fn asking(view: &View<'_>, manager: &Manager, option: &str, has: impl Fn(&Command) -> bool) -> Vec<Breach> {
    asking_in(view, manager, option, |_, command| has(command))
}

fn asking_in(
    view: &View<'_>,
    manager: &Manager,
    option: &str,
    has: impl Fn(&Run<'_>, &Command) -> bool,
) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, command, subcommand, _) in installs(view, manager) {
        if has(run, command) {
            continue;
        }
        let breach = Breach::new(run.start_of(command), shown(command));
        let is_plain = run.is_editable() && command.depth == 0;
        found.push(if is_plain { breach.inserting(run.end_of(subcommand), option) } else { breach });
    }
    found
}

/// Whether `command` removes one of the manager's caches, or what is in them.
fn removes(command: &Command, caches: &[&str]) -> bool {
    let is_cache = |word: &&Word| {
        let path = word.text.trim_end_matches('*').trim_end_matches('/');
        caches.contains(&path)
    };
    command.program() == "rm" && command.arguments().iter().any(|word| is_cache(&word))
}

/// Whether `command` empties the cache of the manager's `program`; each program has its own.
fn cleans(command: &Command, manager: &Manager, program: &str) -> bool {
    let operands: Vec<&str> =
        command.operands(manager.with_value).iter().map(|word| word.text.as_str()).collect();
    let is_cleaning = manager.cleaning.iter().any(|words| operands.starts_with(words));
    (command.program() == program && is_cleaning) || removes(command, manager.caches)
}

/// The steps that leave the manager's cache behind; mended by `cleaning` at the end.
fn kept(view: &View<'_>, manager: &Manager, cleaning: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    for run in &view.runs {
        let is_kept_out = manager.caches.iter().any(|cache| run.instruction.keeps_out(cache));
        let last =
            run.commands.iter().rposition(|command| manager.called(command, manager.caching).is_some());
        let Some((last, command)) = last.and_then(|last| Some((last, run.commands.get(last)?))) else {
            continue;
        };
        if is_kept_out
            || run.commands.iter().skip(last).any(|later| cleans(later, manager, command.program()))
        {
            continue;
        }
        let breach = Breach::new(run.start_of(command), shown(command));
        let text = match cleaning.strip_prefix(" && ") {
            Some(_) => cleaning.to_owned(),
            None => format!(" && {}{cleaning}", command.program()),
        };
        found.push(match run.appendable() {
            Some(end) if command.depth == 0 => breach.inserting(end, text),
            _ => breach,
        });
    }
    found
}

fn apt_lists(view: &View<'_>) -> Vec<Breach> {
    let programs = ["apt", "apt-get", "aptitude"];
    let mut found = Vec::new();
    for run in view.runs.iter().filter(|run| view.is_base_or_last(run.stage)) {
        let updates = |command: &&Command| {
            let subcommand = command.operands(APT.with_value).first().map_or("", |word| word.text.as_str());
            programs.contains(&command.program()) && subcommand == "update"
        };
        let Some(command) = run.commands.iter().find(updates) else { continue };
        let kept_out = |folder: &str| run.instruction.keeps_out(folder);
        let is_kept_out =
            kept_out("/var/lib/apt/lists") || (kept_out("/var/lib/apt") && kept_out("/var/cache/apt"));
        // Lists that an earlier command removes are made anew.
        let is_removed = run.commands.iter().any(|command| removes(command, APT.caches));
        if is_kept_out || is_removed {
            continue;
        }
        let breach = Breach::new(run.start_of(command), shown(command));
        found.push(match run.appendable() {
            Some(end) if command.depth == 0 => breach.inserting(end, " && rm -rf /var/lib/apt/lists/*"),
            _ => breach,
        });
    }
    found
}
