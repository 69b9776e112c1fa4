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
        to_stdout(|out| writeln!(out, "{}", command(args, &outputs)))?;
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

/// The command that does the same, but for the bill of materials, which `plimsoll sbom` writes.
fn command(args: &Ci, outputs: &[Output]) -> String {
    let mut words = vec!["plimsoll".to_owned(), "check".to_owned(), args.image.clone()];
    let mut option = |name: &str, value: Option<String>| {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    option("--policy", path(&args.policy));
    option("--environment", args.environment.clone());
    option("--new-since", path(&args.new_since));
    option("--dockerfile", path(&args.dockerfile));
    option("--platform", args.platform.as_ref().map(ToString::to_string));
    let of_check = |output: &&Output| CHECK_FORMATS.iter().any(|format| format.name == output.format.name);
    for output in outputs.iter().filter(of_check) {
        let place = output.path.as_ref().map(|path| format!("={}", path.display()));
        option("-o", Some(format!("{}{}", output.format.name, place.unwrap_or_default())));
    }
    let quoted = |word: &String| {
        let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
