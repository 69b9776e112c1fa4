//! Rules over `COPY` and `ADD`.

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::{Run, View};
use super::super::words::{self, Word};
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

pub(crate) const ADD: Rule = always(
    FileRule {
        id: "add-instead-of-copy",
        aliases: &["DL3020"],
        title: "ADD does what COPY would do",
        severity: Severity::Low,
        remedy: "Use COPY for files and folders; ADD is for archives and addresses",
    },
    add,
);

pub(crate) const ADD_FROM_URL: Rule = always(
    FileRule {
        id: "add-from-url",
        aliases: &[],
        title: "A build step adds a file from a URL without verifying it",
        severity: Severity::Medium,
        remedy: "Pin the file with ADD --checksum, or verify a signature or digest in the step that downloads it",
    },
    add_from_url,
);

pub(crate) const DESTINATION: Rule = always(
    FileRule {
        id: "copy-destination-not-folder",
        aliases: &["DL3021"],
        title: "Several files are copied to what is not written as a folder",
        severity: Severity::Medium,
        remedy: "End the destination with a slash",
    },
    destination,
);

pub(crate) const UNKNOWN_STAGE: Rule = always(
    FileRule {
        id: "copy-from-unknown-stage",
        aliases: &["DL3022"],
        title: "COPY --from names neither an earlier stage nor an image with a tag",
        severity: Severity::Medium,
        remedy: "Name a stage that is defined above, or an image with its tag or digest",
    },
    unknown_stage,
);

pub(crate) const OWN_STAGE: Rule = always(
    FileRule {
        id: "copy-from-own-stage",
        aliases: &["DL3023"],
        title: "COPY --from names the stage that it is in",
        severity: Severity::High,
        remedy: "Name another stage, or leave --from out",
    },
    own_stage,
);

pub(crate) const RELATIVE: Rule = always(
    FileRule {
        id: "copy-to-relative-path",
        aliases: &["DL3045"],
        title: "COPY to a relative path, and no WORKDIR is set",
        severity: Severity::Low,
        remedy: "Set WORKDIR before, or copy to an absolute path",
    },
    relative,
);

pub(crate) const WHOLE: Rule = always(
    FileRule {
        id: "copy-whole-filesystem",
        aliases: &["DL3067"],
        title: "The whole file system of another stage is copied",
        severity: Severity::Medium,
        remedy: "Copy what is needed, or begin the stage with FROM that stage",
    },
    whole,
);

pub(crate) const EXTRACTED: Rule = always(
    FileRule {
        id: "archive-copied-and-extracted",
        aliases: &["DL3010"],
        title: "An archive is copied, and extracted in a later step",
        severity: Severity::Negligible,
        remedy: "Use ADD, which extracts archives, so that the archive itself is in no layer",
    },
    extracted,
);

pub(crate) const IGNORED_FILE: Rule = always(
    FileRule {
        id: "copy-ignored-file",
        aliases: &["CopyIgnoredFile"],
        title: "What is copied is left out of the build by .dockerignore",
        severity: Severity::Medium,
        remedy: "Take the pattern out of .dockerignore, or the instruction out",
    },
    ignored_file,
);

/// What ADD extracts, by the ends of names.
const ARCHIVES: [&str; 12] = [
    ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".gz", ".bz2", ".xz", ".tar.zst",
    ".zst",
];

fn is_archive(name: &str) -> bool {
    ARCHIVES.iter().any(|end| name.ends_with(end))
}

fn is_remote(word: &str) -> bool {
    let schemes = ["http://", "https://", "git://", "ssh://", "git@"];
    schemes.iter().any(|scheme| word.starts_with(scheme))
}

/// The sources of `COPY` or `ADD`, and its destination.
fn operands(instruction: &Instruction) -> Option<(Vec<Word>, Word)> {
    let mut words = instruction.words();
    let last = words.pop()?;
    Some((words, last))
}

fn copies<'a>(
    view: &'a View<'_>,
    kind: Kind,
) -> impl Iterator<Item = (usize, &'a Instruction, Vec<Word>, Word)> {
    view.of_kind(kind).filter_map(|(stage, instruction)| {
        let (sources, destination) = operands(instruction)?;
        Some((stage, instruction, sources, destination))
    })
}

fn add(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (_, instruction, sources, _) in copies(view, Kind::Add) {
        let plain =
            |word: &&Word| !is_archive(&word.text) && !is_remote(&word.text) && !word.text.starts_with("<<");
        let Some(source) = sources.iter().find(plain) else { continue };
        let breach = Breach::new(instruction.at(), format!("ADD {}", source.text));
        let is_mechanical = sources.iter().all(|word| plain(&word) && !word.is_dynamic())
            && instruction.flags.iter().all(|flag| matches!(flag.name.as_str(), "chown" | "chmod" | "link"));
        let keyword = view.keyword(instruction).filter(|_| is_mechanical);
        let copy = if instruction.keyword.starts_with('a') { "copy" } else { "COPY" };
        found.push(match keyword {
            Some(keyword) => breach.replacing(keyword, copy),
            None => breach,
        });
    }
    found
}

fn add_from_url(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (_, instruction, sources, _) in copies(view, Kind::Add) {
        let file = |word: &&Word| {
            word.text.starts_with("http")
                && is_remote(&word.text)
                && !word.text.split('#').next().unwrap_or("").ends_with(".git")
        };
        if instruction.flag("checksum").is_none() {
            let remote = sources.iter().filter(file);
            found.extend(remote.map(|word| Breach::new(instruction.source(word), word.text.clone())));
        }
    }
    found
}

fn destination(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (_, instruction, sources, destination) in copies(view, Kind::Copy) {
        if sources.len() > 1 && !destination.text.ends_with(['/', '\\']) {
            found.push(Breach::new(instruction.source(&destination), destination.text));
        }
    }
    found
}

fn unknown_stage(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (stage, instruction) in view.of_kind(Kind::Copy) {
        let Some(from) = instruction.flag("from") else { continue };
        let is_known = match from.parse::<usize>() {
            Ok(index) => index < stage,
            // The stage that it is in is another rule's affair.
            Err(_) => view.stage_called(from, stage + 1).is_some() || from.contains(':'),
        };
        if !is_known {
            found.push(Breach::new(instruction.at(), format!("--from={from}")));
        }
    }
    found
}

fn own_stage(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (number, instruction) in view.of_kind(Kind::Copy) {
        let own = view.stages.get(number).and_then(|stage| stage.name.as_ref());
        let from = instruction.flag("from");
        if let (Some(own), Some(from)) = (own, from)
            && own.text.eq_ignore_ascii_case(from)
            && view.stage_called(from, number).is_none()
        {
            found.push(Breach::new(instruction.at(), format!("--from={from}")));
        }
    }
    found
}

/// Whether a path begins at a root, of Windows too, or at a variable.
pub(super) fn is_absolute(path: &str) -> bool {
    let mut chars = path.chars();
    let has_drive =
        matches!((chars.next(), chars.next()), (Some(drive), Some(':')) if drive.is_ascii_alphabetic());
    path.starts_with(['/', '\\', '$']) || has_drive
}

fn relative(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (number, instruction, _, destination) in copies(view, Kind::Copy) {
        let at = instruction.at();
        let before = |other: &&Instruction| other.kind == Kind::Workdir && other.at() < at;
        let is_set =
            view.lineage(number).iter().any(|stage| stage.instructions.iter().any(|other| before(&other)));
        if !is_set && !instruction.is_trigger && !is_absolute(&destination.text) {
            found.push(Breach::new(instruction.source(&destination), destination.text));
        }
    }
    found
}

fn whole(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (_, instruction, sources, destination) in copies(view, Kind::Copy) {
        if let Some(from) = instruction.flag("from")
            && destination.text == "/"
            && sources.iter().any(|source| source.text == "/")
        {
            found.push(Breach::new(instruction.at(), format!("--from={from} / /")));
        }
    }
    found
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The archive that a command extracts.
fn extracts<'a>(run: &'a Run<'_>, names: &[&str]) -> Option<&'a str> {
    run.commands.iter().find_map(|command| {
        let is_extraction = match command.program() {
            "tar" => {
                command.has_short('x')
                    || command.has_long(&["--extract", "--get"])
                    || command.arguments().first().is_some_and(|word| {
                        !word.text.starts_with('-') && word.text.contains('x') && !word.text.contains('.')
                    })
            }
            program => matches!(
                program,
                "bunzip2" | "gunzip" | "uncompress" | "unlzma" | "unxz" | "unzip" | "unzstd" | "zcat"
            ),
        };
        let mut words = command.arguments().iter().map(|word| word.text.as_str());
        if is_extraction { words.find(|word| names.contains(&base_name(word))) } else { None }
    })
}

fn extracted(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (stage, instruction, sources, destination) in copies(view, Kind::Copy) {
        if instruction.flag("from").is_some() {
            continue;
        }
        let archives = sources.iter().map(|source| source.text.as_str()).filter(|name| is_archive(name));
        let names: Vec<&str> =
            archives.flat_map(|name| [base_name(name), base_name(&destination.text)]).collect();
        let later =
            view.runs.iter().filter(|run| run.stage == stage && run.instruction.at() > instruction.at());
        if let Some(name) = later.filter_map(|run| extracts(run, &names)).next() {
            found.push(Breach::new(instruction.at(), format!("{name} is extracted later")));
        }
    }
    found
}

/// Whether the patterns of a `.dockerignore` leave `path` out; the last that matches decides
/// (<https://docs.docker.com/build/concepts/context/#dockerignore-files>).
fn is_left_out(patterns: &str, path: &str) -> bool {
    let path = path.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
    let mut is_left_out = false;
    for line in patterns.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (pattern, includes) = line.strip_prefix('!').map_or((line, false), |rest| (rest, true));
        let pattern = pattern.trim_start_matches('/').trim_end_matches('/');
        let parents = path.match_indices('/').map(|(at, _)| path.get(..at).unwrap_or_default());
        if parents.chain([path]).any(|part| matches_path(pattern, part)) {
            is_left_out = !includes;
        }
    }
    is_left_out
}

/// `**` stands for any folders, `*` and `?` for what is within one name. The time is that of a table of both.
fn matches_path(pattern: &str, path: &str) -> bool {
    let names: Vec<&str> = path.split('/').collect();
    // Whether the pattern so far stands for the first so many names.
    let mut reached = vec![false; names.len() + 1];
    reached.iter_mut().take(1).for_each(|start| *start = true);
    for part in pattern.split('/') {
        let mut next = vec![false; names.len() + 1];
        let mut is_open = false;
        for (at, cell) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or_default();
            is_open |= here;
            let before = at.checked_sub(1).and_then(|last| Some((reached.get(last)?, names.get(last)?)));
            *cell = match part {
                "**" => is_open,
                _ => before.is_some_and(|(reached, name)| *reached && words::matches_pattern(part, name)),
            };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

fn ignored_file(view: &View<'_>) -> Vec<Breach> {
    let Some(patterns) = &view.settings.ignore_file else { return Vec::new() };
    let mut found = Vec::new();
    for (_, instruction, sources, _) in copies(view, Kind::Copy).chain(copies(view, Kind::Add)) {
        if instruction.flag("from").is_some() {
            continue;
        }
        let local =
            |word: &&Word| !is_remote(&word.text) && !word.is_dynamic() && !word.text.starts_with("<<");
        // A pattern stands for what is left, and the folder itself is always there.
        let named = |word: &&Word| {
            !word.text.contains(['*', '?', '[']) && !matches!(word.text.as_str(), "." | "./" | "/")
        };
        let gone =
            sources.iter().filter(local).filter(named).filter(|word| is_left_out(patterns, &word.text));
        found.extend(gone.map(|word| Breach::new(instruction.source(word), word.text.clone())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::is_left_out;

    #[test]
    fn patterns_of_dockerignore_are_read() {
        let patterns = "# comment\nnode_modules\n*.log\n**/secret\ndocs/*\n!docs/keep.md\n/build/\n";
        for path in ["node_modules", "./node_modules/x", "a.log", "secret", "a/b/secret/c", "docs/x", "build"]
        {
            assert!(is_left_out(patterns, path), "{path}");
        }
        for path in ["src", "a/x.log", "docs/keep.md", "docs", "a/node_modules"] {
            assert!(!is_left_out(patterns, path), "{path}");
        }
        assert!(is_left_out(&("**/a/".repeat(30) + "b"), &("a/".repeat(60) + "b")));
        assert!(!is_left_out(&("**/a/".repeat(30) + "b"), &("a/".repeat(60) + "c")));
    }
}
