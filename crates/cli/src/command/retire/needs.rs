//! What workloads and files need. Whatever is not understood is a reason to remove nothing.

use std::io;

use anyhow::{Context as _, bail};
use plimsoll_checks::pins::What;
use plimsoll_checks::pods::SIZE;
use plimsoll_checks::workloads::{self, Need};
use plimsoll_engine::retire::Needs;
use plimsoll_formats::bounded;
use plimsoll_model::gap::{Gap, GapKind};

use super::super::drift::of_cluster;
use super::super::pin::{Lines, Source, sources};
use crate::args::Retire as Args;

/// What may hold a pod, or make one.
const KINDS: &str =
    "pods,replicationcontrollers,replicasets,deployments,statefulsets,daemonsets,jobs,cronjobs";

pub(super) fn needs(args: &Args) -> anyhow::Result<(Needs, Vec<Gap>)> {
    let (mut needs, mut gaps) = (Needs::default(), Vec::new());
    if args.cluster {
        of_workloads("kubectl", &of_cluster(KINDS, "--workloads")?, &mut needs, &mut gaps)?;
    }
    for path in &args.workloads {
        let bytes = if path.as_os_str() == "-" {
            bounded::read(io::stdin().lock(), SIZE).context("reading standard input")?
        } else {
            bounded::read_file(path, SIZE).with_context(|| format!("reading {}", path.display()))?
        };
        of_workloads(&path.display().to_string(), &bytes, &mut needs, &mut gaps)?;
    }
    if !args.pinned.is_empty() {
        let (sources, unread) = sources(&args.pinned)?;
        gaps.extend(unread);
        for source in &sources {
            of_file(source, &mut needs, &mut gaps);
        }
    }
    Ok((needs, gaps))
}

fn of_workloads(place: &str, bytes: &[u8], needs: &mut Needs, gaps: &mut Vec<Gap>) -> anyhow::Result<()> {
    let read = workloads::read(bytes).with_context(|| format!("reading {place}"))?;
    if read.needs.is_empty() {
        // A wrong cluster is more likely than one in which nothing runs.
        bail!("{place} tells of no workload at all: if that is right, say --no-workloads");
    }
    for Need { by, image, digest } in read.needs {
        if let Some(digest) = digest {
            needs.digests.entry(digest).or_insert_with(|| by.clone());
        }
        needs.tags.extend(image.map(|image| (image, by)));
    }
    let unknown = read.unknown.into_iter();
    gaps.extend(unknown.map(|(name, reason)| Gap::new(GapKind::RecordUnread, name, reason)));
    Ok(())
}

fn of_file(source: &Source, needs: &mut Needs, gaps: &mut Vec<Gap>) {
    let mut lines = Lines::new(&source.text);
    for name in &source.names.names {
        let What::Image(reference) = &name.what else { continue };
        let by = format!("{}:{}", source.name, lines.of(name.at));
        if let Some(digest) = reference.digest() {
            needs.digests.entry(digest).or_insert_with(|| by.clone());
        }
        needs.tags.push((reference.clone(), by));
    }
    gaps.extend(source.gaps());
}
