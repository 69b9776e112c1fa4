//! `plimsoll ci`: one check, with the reports that the system takes which it runs in.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plimsoll_report::Format;
use plimsoll_report::all::{CHECK_FORMATS, FORMATS};

use super::{Context, check};
use crate::args::Ci;
use crate::environment::Pipeline;
use crate::exit::Code;
use crate::output::{Output, to_stdout};

/// What is written everywhere.
const EVERYWHERE: [(&str, &str); 5] = [
    ("text", "-"),
    ("json", "plimsoll.json"),
    ("html", "plimsoll.html"),
    ("cyclonedx", "plimsoll.cdx.json"),
    ("junit", "plimsoll.xml"),
];

pub(super) fn run(args: &Ci, context: &Context) -> anyhow::Result<Code> {
    let outputs = outputs(context.environment.pipeline(), &args.folder)?;
    if args.print {
        to_stdout(|out| commands(args, &outputs).iter().try_for_each(|line| writeln!(out, "{line}")))?;
        return Ok(Code::Pass);
    }
    std::fs::create_dir_all(&args.folder).with_context(|| format!("making {}", args.folder.display()))?;
    let mut check = args.check();
    check.output = outputs;
    check::run(&check, context)
}

/// The reports for a system.
fn outputs(pipeline: Option<Pipeline>, folder: &Path) -> anyhow::Result<Vec<Output>> {
    let mut wanted: Vec<(&str, Option<PathBuf>)> = Vec::new();
    for (format, name) in EVERYWHERE {
        wanted.push((format, (name != "-").then(|| folder.join(name))));
    }
    match pipeline {
        Some(Pipeline::GitHub { summary }) => {
            wanted.push(("sarif", Some(folder.join("plimsoll.sarif"))));
            wanted.push(("github", None));
            wanted.extend(summary.map(|path| ("markdown", Some(path))));
        }
        Some(Pipeline::GitLab) => {
            wanted
                .push(("gitlab-container-scanning", Some(folder.join("gl-container-scanning-report.json"))));
        }
        Some(Pipeline::Other(_)) | None => {}
    }
    let output = |(name, path): (&str, Option<PathBuf>)| Ok(Output { format: format(name)?, path });
    wanted.into_iter().map(output).collect()
}

/// A format of checks, else of scans: the bill of materials is of the same scan.
fn format(name: &str) -> anyhow::Result<&'static Format> {
    let all = CHECK_FORMATS.iter().chain(FORMATS);
    all.into_iter().find(|format| format.name == name).with_context(|| format!("there is no format {name}"))
}

/// The commands that do the same, one a line: the last one's exit code is that of `plimsoll ci`.
fn commands(args: &Ci, outputs: &[Output]) -> Vec<String> {
    let of_check = |output: &&Output| CHECK_FORMATS.iter().any(|format| format.name == output.format.name);
    let (of_check, bills): (Vec<&Output>, Vec<&Output>) = outputs.iter().partition(of_check);
    let sbom = (!bills.is_empty()).then(|| {
        let options = [("--platform", args.platform.as_ref().map(ToString::to_string))];
        command("sbom", &args.image, options, &bills)
    });
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let mut options = vec![
        ("--policy", path(&args.policy)),
        ("--environment", args.environment.clone()),
        ("--new-since", path(&args.new_since)),
        ("--dockerfile", path(&args.dockerfile)),
        ("--platform", args.platform.as_ref().map(ToString::to_string)),
        ("--db", path(&args.db)),
    ];
    options.extend(args.vex.iter().map(|source| ("--vex", Some(source.to_string()))));
    sbom.into_iter().chain([command("check", &args.image, options, &of_check)]).collect()
}

/// One command, as a shell takes it.
fn command(
    name: &str,
    image: &str,
    options: impl IntoIterator<Item = (&'static str, Option<String>)>,
    outputs: &[&Output],
) -> String {
    let mut words = vec!["plimsoll".to_owned(), name.to_owned(), image.to_owned()];
    for (name, value) in options {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    }
    for output in outputs {
        let place = output.path.as_ref().map(|path| format!("={}", path.display()));
        words.extend(["-o".to_owned(), format!("{}{}", output.format.name, place.unwrap_or_default())]);
    }
    let quoted = |word: &String| {
        let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
