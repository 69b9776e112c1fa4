//! `plimsoll drift`.

mod compare;
mod family;

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use plimsoll_checks::pins::What;
use plimsoll_checks::pods::{self, Container, Pods};
use plimsoll_formats::bounded;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_report::drift::{write_json, write_text};

use super::Context;
use super::pin::resolve::Resolver;
use super::pin::{Lines, Source, sources};
use crate::args::{Drift as Args, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use compare::{Meant, compare};
use family::Families;

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Code> {
    let (sources, mut gaps) = sources(&args.paths)?;
    let running = running(args, &mut gaps)?;
    let mut meant = Vec::new();
    for source in &sources {
        add(source, &mut meant, &mut gaps);
    }
    let mut families = Families::new(args.offline, context);
    if !args.offline {
        let mut resolver = Resolver::new(context);
        for image in meant.iter_mut().filter(|image| image.has_tag) {
            match resolver.resolve(&What::Image(image.reference.clone())) {
                Ok(now) => image.now = now.parse().ok(),
                Err(reason) => gaps.push(Gap::new(GapKind::FileUnread, image.name.clone(), reason)),
            }
        }
    }
    let mut images = compare(&meant, running.as_deref(), &mut families);
    images.sort_by(|a, b| (&a.name, &a.pinned).cmp(&(&b.name, &b.pinned)));
    gaps.extend(families.gaps);
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match args.format {
        Words::Text => write_text(&images, &gaps, style, out),
        Words::Json => write_json(&images, &gaps, out),
    })?;
    if !gaps.is_empty() {
        return Ok(Code::Undecided);
    }
    let has_drifted = images.iter().any(|image| !image.drifts.is_empty());
    Ok(if has_drifted { Code::Fail } else { Code::Pass })
}

/// What runs, if that is asked.
fn running(args: &Args, gaps: &mut Vec<Gap>) -> anyhow::Result<Option<Vec<Container>>> {
    let bytes = match &args.pods {
        Some(path) if path.as_os_str() == "-" => {
            bounded::read(io::stdin().lock(), pods::SIZE).context("reading standard input")?
        }
        Some(path) => read(path)?,
        None if args.cluster => of_cluster("pods", "--pods")?,
        None => return Ok(None),
    };
    let place = args.pods.as_ref().map_or_else(|| "kubectl".to_owned(), |path| path.display().to_string());
    let Pods { mut containers, unknown } = pods::read(&bytes).with_context(|| format!("reading {place}"))?;
    let is_wanted = |namespace: &String| args.namespace.is_empty() || args.namespace.contains(namespace);
    containers.retain(|container| is_wanted(&container.namespace));
    let in_namespace = |name: &str| is_wanted(&name.split('/').next().unwrap_or_default().to_owned());
    let unknown = unknown.into_iter().filter(|(name, _)| in_namespace(name));
    gaps.extend(unknown.map(|(name, reason)| Gap::new(GapKind::RecordUnread, name, reason)));
    Ok(Some(containers))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    bounded::read_file(path, pods::SIZE).with_context(|| format!("reading {}", path.display()))
}

/// What kubectl tells of the cluster that it is set up for.
pub(super) fn of_cluster(kinds: &str, instead: &str) -> anyhow::Result<Vec<u8>> {
    told_by_kubectl(&["get", kinds, "--all-namespaces", "--output=json", "--request-timeout=60s"], instead)
}

/// What kubectl writes.
pub(super) fn told_by_kubectl(arguments: &[&str], instead: &str) -> anyhow::Result<Vec<u8>> {
    let mut kubectl = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("kubectl cannot be run: give its output with {instead} FILE"))?;
    let told = kubectl.stdout.take().context("kubectl has no output")?;
    let bytes = bounded::read(told, pods::SIZE).context("reading what kubectl tells")?;
    if !kubectl.wait().context("waiting for kubectl")?.success() {
        bail!("kubectl {} failed", arguments.iter().take(2).copied().collect::<Vec<_>>().join(" "));
    }
    Ok(bytes)
}

/// Adds the images that a file names.
fn add(source: &Source, meant: &mut Vec<Meant>, gaps: &mut Vec<Gap>) {
    let deploys = deploys(&source.name);
    let mut lines = Lines::new(&source.text);
    for name in &source.names.names {
        let place = format!("{}:{}", source.name, lines.of(name.at));
        let What::Image(reference) = &name.what else { continue };
        let known = meant.iter_mut().find(|one| one.name == name.title() && one.pinned == reference.digest());
        match known {
            Some(one) => {
                one.files.push(place);
                one.is_deployed |= deploys;
            }
            None => meant.push(Meant {
                name: name.title(),
                reference: reference.clone(),
                files: vec![place],
                pinned: reference.digest(),
                has_tag: name.has_tag(),
                now: None,
                is_deployed: deploys,
            }),
        }
    }
    gaps.extend(source.gaps());
}

/// Whether what a file names is to run in a cluster, not to build with.
fn deploys(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace('\\', "/");
    let name = path.rsplit('/').next().unwrap_or_default();
    let builds = plimsoll_checks::dockerfile::is_dockerfile(&path, "")
        || path.contains(".github/")
        || path.contains(".gitlab/ci/")
        || name.contains(".gitlab-ci.")
        || matches!(name, "action.yml" | "action.yaml");
    !builds && (super::files::is_yaml(name) || name.ends_with(".tf"))
}
