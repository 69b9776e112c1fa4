//! Rules over `RUN` instructions that are not about one package manager.

use plimsoll_model::severity::Severity;

use super::super::shell::Command;
use super::super::syntax::{Instruction, Kind};
use super::super::view::{Run, Stage, View};
use super::{Breach, Rule, always};
use crate::build_file::FileRule;
use crate::secrets::{Form, Pattern};

pub(crate) const POINTLESS: Rule = always(
    FileRule {
        id: "pointless-command",
        aliases: &["DL3001"],
        title: "The command makes no sense in the build of an image",
        severity: Severity::Negligible,
        remedy: "Take the command out",
    },
    |view| {
        let pointless =
            ["free", "ifconfig", "kill", "mount", "nano", "ps", "service", "shutdown", "ssh", "top", "vim"];
        commands(view, |_, command| pointless.contains(&command.program()))
    },
);

pub(crate) const CD: Rule = always(
    FileRule {
        id: "cd-instead-of-workdir",
        aliases: &["DL3003"],
        title: "A step changes the folder by itself",
        severity: Severity::Negligible,
        remedy: "Use WORKDIR to change the folder",
    },
    |view| commands(view, |_, command| command.program() == "cd"),
);

pub(crate) const SUDO: Rule = always(
    FileRule {
        id: "sudo-in-build-step",
        aliases: &["DL3004"],
        title: "A build step uses sudo",
        severity: Severity::Low,
        remedy: "Use USER to change the user in the build, and leave sudo out of the image",
    },
    |view| commands(view, |_, command| command.has_sudo()),
);

pub(crate) const APT: Rule = always(
    FileRule {
        id: "apt-instead-of-apt-get",
        aliases: &["DL3027"],
        title: "apt is made for people, and its command line may change",
        severity: Severity::Low,
        remedy: "Use apt-get or apt-cache",
    },
    apt,
);

pub(crate) const USERADD: Rule = always(
    FileRule {
        id: "useradd-without-no-log-init",
        aliases: &["DL3046"],
        title: "useradd with a high number writes huge sparse files",
        severity: Severity::Low,
        remedy: "Call useradd with -l (--no-log-init)",
    },
    useradd,
);

pub(crate) const WGET: Rule = always(
    FileRule {
        id: "wget-progress",
        aliases: &["DL3047"],
        title: "wget writes a line of progress for each 50 KB to the build's log",
        severity: Severity::Negligible,
        remedy: "Call wget with --progress=dot:giga, or quietly",
    },
    wget,
);

pub(crate) const CONSECUTIVE: Rule = always(
    FileRule {
        id: "consecutive-runs",
        aliases: &["DL3059"],
        title: "Two RUN instructions of one command each follow each other",
        severity: Severity::Negligible,
        remedy: "Make one instruction of them, so that there is one layer less",
    },
    consecutive,
);

pub(crate) const WGET_AND_CURL: Rule = always(
    FileRule {
        id: "wget-and-curl",
        aliases: &["DL4001"],
        title: "The stage uses both wget and curl",
        severity: Severity::Negligible,
        remedy: "Use one of them, so that the other need not be in the image",
    },
    wget_and_curl,
);

pub(crate) const SHELL_LINK: Rule = always(
    FileRule {
        id: "shell-link-replaced",
        aliases: &["DL4005"],
        title: "A step replaces /bin/sh",
        severity: Severity::Low,
        remedy: "Use SHELL to change the shell of the steps",
    },
    |view| {
        commands(view, |_, command| {
            command.program() == "ln" && command.arguments().iter().any(|word| word.text == "/bin/sh")
        })
    },
);

pub(crate) const PIPEFAIL: Rule = always(
    FileRule {
        id: "pipe-without-pipefail",
        aliases: &["DL4006"],
        title: "A step goes on if a command before a pipe fails",
        severity: Severity::Low,
        remedy: "Set SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] before",
    },
    pipefail,
);

pub(crate) const PIPED_TO_SHELL: Rule = always(
    FileRule {
        id: "download-piped-to-shell",
        aliases: &[],
        title: "A build step runs a script straight from the network",
        severity: Severity::Medium,
        remedy: "Download the script, verify its digest or signature, and run it then",
    },
    piped_to_shell,
);

/// The first words of a command, as evidence.
pub(super) fn shown(command: &Command) -> String {
    let words: Vec<&str> = command.words.iter().take(12).map(|word| word.text.as_str()).collect();
    words.join(" ")
}

/// A breach for each command that breaks a rule.
pub(super) fn commands(view: &View<'_>, breaks: impl Fn(&Run<'_>, &Command) -> bool) -> Vec<Breach> {
    let broken = view.commands().filter(|(run, command)| breaks(run, command));
    broken.map(|(run, command)| Breach::new(run.start_of(command), shown(command))).collect()
}

fn apt(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, command) in view.commands().filter(|(_, command)| command.program() == "apt") {
        let breach = Breach::new(run.start_of(command), shown(command));
        let subcommand = command.operands(&["-t", "-o", "-c"]).first().map_or("", |word| word.text.as_str());
        let same =
            ["autoremove", "dist-upgrade", "full-upgrade", "install", "purge", "remove", "update", "upgrade"];
        let word = command.effective().first().filter(|word| word.text == "apt" && run.is_editable());
        found.push(match word {
            Some(word) if same.contains(&subcommand) && subcommand != "full-upgrade" => {
                breach.replacing(run.script.source_range(&word.range), "apt-get")
            }
            _ => breach,
        });
    }
    found
}

fn useradd(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, command) in view.commands().filter(|(_, command)| command.program() == "useradd") {
        let words = command.arguments();
        let attached = words.iter().find_map(|word| word.text.strip_prefix("--uid="));
        let after = words.iter().position(|word| matches!(word.text.as_str(), "-u" | "--uid"));
        let separate = after.and_then(|at| words.get(at + 1)).map(|word| word.text.as_str());
        let number = attached.or(separate).unwrap_or_default();
        let is_high = number.bytes().all(|byte| byte.is_ascii_digit()) && number.len() > 5;
        let has_flag = command.has_short('l') || command.has_long(&["--no-log-init"]);
        if is_high && !has_flag {
            found.push(with_option(run, command, " -l"));
        }
    }
    found
}

/// The breach of a command whose program lacks an option, mended by the option behind the program.
pub(super) fn with_option(run: &Run<'_>, command: &Command, option: &str) -> Breach {
    let breach = Breach::new(run.start_of(command), shown(command));
    match command.effective().first() {
        Some(word) if run.is_editable() => breach.inserting(run.end_of(word), option),
        _ => breach,
    }
}

fn wget(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, command) in view.commands().filter(|(_, command)| command.program() == "wget") {
        let long = [
            "--progress",
            "--quiet",
            "--no-verbose",
            "--output-file",
            "--append-output",
            "--version",
            "--help",
        ];
        let is_quiet = command.has_long(&long)
            || ['q', 'o', 'a'].into_iter().any(|letter| command.has_short(letter))
            || command.arguments().iter().any(|word| word.text == "-nv");
        if !is_quiet {
            found.push(with_option(run, command, " --progress=dot:giga"));
        }
    }
    found
}

/// How a `RUN` is run, its script left out.
fn flags(instruction: &Instruction) -> Vec<(&str, &str)> {
    instruction.flags.iter().map(|flag| (flag.name.as_str(), flag.value.as_str())).collect()
}

/// Whether a `RUN` is one command, what is nested left out.
fn is_single(run: &Run<'_>) -> bool {
    run.instruction.heredocs.is_empty()
        && run.commands.iter().filter(|command| command.depth == 0).count() <= 1
}

fn consecutive(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for pair in view.runs.windows(2) {
        let [first, second] = pair else { continue };
        let stage = view.stages.get(first.stage).filter(|_| first.stage == second.stage);
        let after = |stage: &Stage<'_>| {
            let next = stage.instructions.partition_point(|found| found.at() <= first.instruction.at());
            stage.instructions.get(next).map(Instruction::at)
        };
        let is_next = stage.and_then(after) == Some(second.instruction.at());
        if is_next
            && flags(first.instruction) == flags(second.instruction)
            && is_single(first)
            && is_single(second)
        {
            found.push(Breach::new(second.instruction.at(), "follows another RUN"));
        }
    }
    found
}

fn wget_and_curl(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for number in 0..view.stages.len() {
        let uses = |program: &'static str| {
            let own = view.commands().filter(move |(run, _)| run.stage == number);
            own.filter(move |(_, command)| command.program() == program)
                .map(|(run, command)| run.start_of(command))
        };
        if let (Some(wget), Some(curl)) = (uses("wget").next(), uses("curl").next()) {
            found.push(Breach::new(wget.max(curl), "wget and curl"));
        }
    }
    found
}

/// Shells that know `pipefail`.
const WITH_PIPEFAIL: [&str; 4] = ["ash", "bash", "ksh", "zsh"];
/// Shells for which the question does not arise.
const OTHER: [&str; 4] = ["cmd", "powershell", "pwsh", "cmd.exe"];

/// Whether a `SHELL` instruction is safe for pipes.
fn is_safe(shell: &Instruction) -> bool {
    let words = shell.json.as_deref().unwrap_or_default();
    let program = words.first().map_or("", |word| word.rsplit(['/', '\\']).next().unwrap_or(word));
    let program = program.strip_suffix(".exe").unwrap_or(program).to_ascii_lowercase();
    let mut options = words.iter().skip(1);
    let sets = |word: &&String| {
        word.strip_prefix('-').is_some_and(|cluster| !cluster.starts_with('-') && cluster.ends_with('o'))
    };
    let mut has_option = false;
    while let Some(word) = options.next() {
        has_option |= sets(&word) && options.next().is_some_and(|value| value == "pipefail");
    }
    OTHER.contains(&program.as_str()) || (WITH_PIPEFAIL.contains(&program.as_str()) && has_option)
}

/// The `SHELL` that holds for `run`.
pub(crate) fn shell_of<'a>(view: &View<'a>, run: &Run<'_>) -> Option<&'a Instruction> {
    let before = |stage: &&Stage<'a>| {
        let earlier = stage.own(Kind::Shell).filter(|shell| shell.at() < run.instruction.at());
        earlier.last()
    };
    view.lineage(run.stage).iter().find_map(before)
}

fn pipefail(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for run in view.runs.iter().filter(|run| run.is_editable()) {
        let is_windows =
            view.file.directives.iter().any(|directive| directive.name == "escape" && directive.value == "`");
        // The script itself may set it, where its shell knows it.
        let sets = |command: &Command| {
            command.program() == "set" && command.arguments().iter().any(|word| word.text == "pipefail")
        };
        let Some(pipe) = run.commands.iter().find(|command| command.is_piped) else { continue };
        let is_set = run.commands.iter().take_while(|command| !command.is_piped).any(sets);
        if !is_windows && !is_set && !shell_of(view, run).is_some_and(is_safe) {
            found.push(Breach::new(run.start_of(pipe), shown(pipe)));
        }
    }
    found
}

static SUBSTITUTED: Pattern =
    Pattern::new(Form::Regex(r#"\b(?:ba|da|z|k|a)?sh\s+(?:-\S+\s+)*(?:<\(|["']?\$\()\s*(?:curl|wget)\b"#));

fn is_interpreter(program: &str) -> bool {
    matches!(program, "ash" | "bash" | "dash" | "ksh" | "node" | "perl" | "ruby" | "sh" | "zsh")
        || program
            .strip_prefix("python")
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// Whether an interpreter reads its program from the pipe: it is given no file and no text of one.
fn reads_pipe(command: &Command) -> bool {
    let reads = |word: &super::super::words::Word| {
        word.text.starts_with('-') && !matches!(word.text.as_str(), "-c" | "-e" | "-m" | "-n")
    };
    is_interpreter(command.program())
        && (command.arguments().iter().all(reads)
            || command.arguments().iter().any(|word| matches!(word.text.as_str(), "-s" | "-" | "/dev/stdin")))
}

fn piped_to_shell(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for run in &view.runs {
        let before = found.len();
        let mut downloaded: Option<&Command> = None;
        for command in &run.commands {
            if command.join != super::super::shell::Join::Pipe {
                downloaded = None;
            }
            if matches!(command.program(), "curl" | "wget") && command.is_piped {
                downloaded = Some(command);
            } else if let Some(download) = downloaded.filter(|_| reads_pipe(command)) {
                found.push(Breach::new(
                    run.start_of(download),
                    format!("{} | {}", shown(download), shown(command)),
                ));
                downloaded = None;
            }
        }
        if found.len() == before && SUBSTITUTED.compiled().is_match(run.text()) {
            found.push(Breach::new(run.instruction.at(), "a shell runs the output of a download"));
        }
    }
    found
}
