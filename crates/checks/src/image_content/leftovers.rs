//! Rules over what a build leaves behind.

use plimsoll_model::content::{Content, Leftover, LeftoverKind};
use plimsoll_model::severity::Severity;

use super::{ContentRule, Seen, megabytes};

/// Caches smaller than this in sum are not worth a build step.
const WORTH_REMOVING: u64 = 1_000_000;

/// Hidden files smaller than this in sum are not worth another order of steps.
const WORTH_SAVING: u64 = 20_000_000;

pub(crate) const PACKAGE_CACHE_LEFT: ContentRule = ContentRule {
    id: "package-cache-left",
    title: "Caches of package managers are in the image",
    severity: Severity::Low,
    remedy: "Empty the cache in the step that fills it, or keep it out with RUN --mount=type=cache",
    check: |content| {
        let caches = || content.leftovers.iter().filter(|left| left.kind == LeftoverKind::PackageCache);
        if caches().map(|left| left.bytes).sum::<u64>() < WORTH_REMOVING {
            return Vec::new();
        }
        caches().map(described).collect()
    },
};

pub(crate) const VERSION_CONTROL_LEFT: ContentRule = ContentRule {
    id: "version-control-left",
    title: "The history of the source is in the image, with all that was ever committed",
    severity: Severity::Medium,
    remedy: "Put .git into .dockerignore, or copy only what runs",
    check: |content| {
        let history = content.leftovers.iter().filter(|left| left.kind == LeftoverKind::VersionControl);
        history.map(described).collect()
    },
};

pub(crate) const WASTED_SPACE: ContentRule = ContentRule {
    id: "wasted-space",
    title: "Layers carry files that later layers delete or replace",
    severity: Severity::Negligible,
    remedy: "Delete files in the step that makes them, and change rights with COPY --chown and --chmod",
    check: wasted_space,
};

fn wasted_space(content: &Content) -> Vec<Seen> {
    let bytes: u64 = content.hidden.iter().map(|hidden| hidden.bytes).sum();
    if bytes < WORTH_SAVING {
        return Vec::new();
    }
    let layers = content.hidden.iter().map(|hidden| Seen {
        evidence: format!(
            "{} in {} files of layer {}",
            megabytes(hidden.bytes),
            hidden.files,
            hidden.layer + 1
        ),
        location: None,
    });
    layers.collect()
}

/// `/var/lib/apt/lists (17.1 MB)`.
fn described(left: &Leftover) -> Seen {
    let hidden = if left.hidden { ", deleted by a later layer" } else { "" };
    let evidence = format!("{} ({}{hidden})", left.location.title(), megabytes(left.bytes));
    Seen { evidence, location: Some(left.location.clone()) }
}
