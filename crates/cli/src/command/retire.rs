//! `plimsoll retire`.

mod needs;
mod rules;

use anyhow::{Context as _, bail};
use plimsoll_engine::retire::{Fate, Held, Removal, RetireError, Survey, remove, survey};
use plimsoll_image::source::registry::RegistryClient;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::reference::Reference;
use plimsoll_report::retire::{Image, write_json, write_text};
use plimsoll_trust::audit::entry::Kind;

use super::trail::{Event, Trail};
use super::{Context, locate};
use crate::args::{Retire as Args, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use rules::RuleSet;

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Code> {
    let trail = Trail::of(&args.auditing, context)?;
    let rules = RuleSet::of(args)?;
    if args.yes && !args.no_workloads && !args.cluster && args.workloads.is_empty() {
        bail!(
            "nothing is removed without knowing what runs: --cluster or --workloads FILE, else --no-workloads"
        );
    }
    let repositories: Vec<Reference> =
        args.repositories.iter().map(|text| repository(text)).collect::<anyhow::Result<_>>()?;
    let (needs, mut gaps) = needs::needs(args)?;
    let client = locate::client(context)?;
    let now = context.environment.timestamp()?;
    // All are looked at before the first image goes: what is not known of one may be the reason to keep one of another.
    let mut surveys: Vec<(&Reference, Survey)> = Vec::new();
    for name in &repositories {
        let Some(rules) = rules.of_repository(name) else {
            gaps.push(gap(&title(name), "no rule is for it"));
            continue;
        };
        match survey(&client, name, rules, &needs, now) {
            Ok(survey) => {
                gaps.extend(survey.unlearnt.iter().map(|one| gap(&one.what, &one.reason)));
                surveys.push((name, survey));
            }
            Err(error) => gaps.push(gap(&title(name), &format!("{:#}", anyhow::Error::from(error)))),
        }
    }
    let mut failed = Ok(());
    if args.yes && gaps.is_empty() {
        for (name, survey) in &mut surveys {
            failed = removed(&client, name, survey, trail.as_ref());
            if failed.is_err() {
                break;
            }
        }
    }
    let images: Vec<Image> = surveys
        .iter()
        .flat_map(|(name, survey)| survey.images.iter().map(|held| image(name, held)))
        .collect();
    // What was done is told even if the rest went wrong.
    if let Err(error) = &failed {
        gaps.push(gap("removal", &format!("{error:#}")));
    }
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match args.format {
        Words::Text => write_text(&images, &gaps, style, out),
        Words::Json => write_json(&images, &gaps, out),
    })?;
    let has_failed = images.iter().any(|image| image.fate == "failed");
    Ok(if gaps.is_empty() && !has_failed { Code::Pass } else { Code::Undecided })
}

/// A repository, without a tag: all of it is meant.
fn repository(text: &str) -> anyhow::Result<Reference> {
    let named = || format!("REPO {text:?}");
    let reference: Reference = text.strip_prefix("registry:").unwrap_or(text).parse().with_context(named)?;
    match (reference.tag(), reference.digest()) {
        (None, None) => Ok(reference),
        _ => bail!("{}: a repository has neither tag nor digest", named()),
    }
}

fn title(name: &Reference) -> String {
    format!("{}/{}", name.registry(), name.repository())
}

fn gap(what: &str, reason: &str) -> Gap {
    Gap::new(GapKind::RecordUnread, what, reason)
}

fn removed(
    client: &RegistryClient,
    name: &Reference,
    survey: &mut Survey,
    trail: Option<&Trail>,
) -> anyhow::Result<()> {
    let repository = title(name);
    let mut told = Told { trail, repository: &repository };
    remove(client, name, survey, &mut told).with_context(|| repository.clone())
}

/// Has the audit trail told of each image before and after.
struct Told<'a> {
    trail: Option<&'a Trail>,
    repository: &'a str,
}

impl Told<'_> {
    fn tell(&self, image: &Held, outcome: &str, reason: Option<&str>) -> anyhow::Result<()> {
        let Some(trail) = self.trail else { return Ok(()) };
        let mut details =
            vec![("tags", image.tags.join(", ")), ("manifests", image.doomed.len().to_string())];
        details.extend(image.created.map(|created| ("created", created.to_string())));
        details.extend(reason.map(|reason| ("reason", reason.to_owned())));
        let digest = Some(image.digest.to_string());
        trail.tell(Event { kind: Kind::Retirement, name: self.repository, digest, outcome, details })
    }
}

impl Removal for Told<'_> {
    type Error = Stopped;

    fn begins(&mut self, image: &Held) -> Result<(), Stopped> {
        Ok(self.tell(image, "begun", None)?)
    }

    fn ended(&mut self, image: &Held) -> Result<(), Stopped> {
        let reason = match &image.fate {
            Fate::Failed(reason) | Fate::Kept(reason) => Some(reason.as_str()),
            Fate::Goes | Fate::Gone => None,
        };
        let outcome = if image.fate == Fate::Gone { "done" } else { "failed" };
        Ok(self.tell(image, outcome, reason)?)
    }
}

/// Why nothing more was removed.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Repository(#[from] RetireError),
    #[error(transparent)]
    Trail(#[from] anyhow::Error),
}

fn image(name: &Reference, held: &Held) -> Image {
    let (fate, reason) = match &held.fate {
        Fate::Kept(reason) => ("kept", Some(reason.clone())),
        Fate::Goes => ("removable", None),
        Fate::Gone => ("removed", None),
        Fate::Failed(reason) => ("failed", Some(reason.clone())),
    };
    Image {
        repository: title(name),
        digest: held.digest.to_string(),
        tags: held.tags.clone(),
        created: held.created.map(|created| created.to_string()),
        manifests: held.doomed.len(),
        fate,
        reason,
    }
}
