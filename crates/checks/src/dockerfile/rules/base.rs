//! Rules over the images that stages begin from.

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::{Stage, View};
use super::super::words;
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

pub(crate) const UNTAGGED: Rule = always(
    FileRule {
        id: "base-image-untagged",
        aliases: &["DL3006"],
        title: "The base image has no tag",
        severity: Severity::Medium,
        remedy: "Name a tag of the base image, best with its digest",
    },
    |view| references(view, |image| image.tag.is_none() && image.digest.is_none()),
);

pub(crate) const LATEST: Rule = always(
    FileRule {
        id: "base-image-latest",
        aliases: &["DL3007"],
        title: "The base image is whatever is latest",
        severity: Severity::Medium,
        remedy: "Name the tag of a release, best with its digest",
    },
    |view| references(view, |image| image.tag == Some("latest") && image.digest.is_none()),
);

pub(crate) const NOT_PINNED: Rule = always(
    FileRule {
        id: "base-image-not-pinned",
        aliases: &[],
        title: "The base image is named by a tag, which may come to mean another image",
        severity: Severity::Low,
        remedy: "Add the digest (NAME:TAG@sha256:…), and let a tool keep it up to date",
    },
    |view| references(view, |image| image.tag.is_some_and(|tag| tag != "latest") && image.digest.is_none()),
);

pub(crate) const UNTRUSTED_REGISTRY: Rule = always(
    FileRule {
        id: "untrusted-registry",
        aliases: &["DL3026"],
        title: "The image is of a registry that is not trusted",
        severity: Severity::Medium,
        remedy: "Take the image from a trusted registry",
    },
    untrusted_registry,
);

pub(crate) const FIXED_PLATFORM: Rule = always(
    FileRule {
        id: "platform-in-from",
        aliases: &["DL3029", "FromPlatformFlagConstDisallowed"],
        title: "The platform of the base image is fixed",
        severity: Severity::Low,
        remedy: "Leave --platform to whoever builds, or use $BUILDPLATFORM",
    },
    fixed_platform,
);

pub(crate) const TARGET_PLATFORM: Rule = always(
    FileRule {
        id: "redundant-target-platform",
        aliases: &["DL3065", "RedundantTargetPlatform"],
        title: "The platform of the base image is said to be the one that it is anyway",
        severity: Severity::Negligible,
        remedy: "Leave --platform=$TARGETPLATFORM out",
    },
    target_platform,
);

/// The parts of an image's name, as far as they are written.
struct Image<'a> {
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        let tag = name.get(last..).and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
        Self { tag, digest }
    }
}

/// Whether the stage begins from an image of a registry.
fn is_image(stage: &Stage<'_>) -> bool {
    stage.parent.is_none() && !stage.base.text.is_empty() && !stage.base.text.eq_ignore_ascii_case("scratch")
}

/// The image's name with the defaults of arguments in place of the arguments, as far as they have some.
pub(super) fn resolved(view: &View<'_>, stage: &Stage<'_>) -> String {
    let value_of = |name: &str| {
        view.global_args.iter().rev().find(|arg| arg.name == name).and_then(|arg| arg.value.clone())
    };
    words::expanded(&stage.base.text, &value_of).unwrap_or_else(|| stage.base.text.clone())
}

fn references(view: &View<'_>, breaks: impl Fn(&Image<'_>) -> bool) -> Vec<Breach> {
    let mut found = Vec::new();
    for stage in view.stages.iter().filter(|stage| is_image(stage)) {
        let Some(from) = stage.from else { continue };
        // A name that is an argument as a whole is the builder's affair, unless there is a default.
        let name = resolved(view, stage);
        let parsed = Image::parse(&name);
        if name.is_empty() || (name.contains('$') && parsed.tag.is_none_or(|tag| tag.contains('$'))) {
            continue;
        }
        if breaks(&parsed) {
            found.push(Breach::new(from.source(&stage.base), name.clone()));
        }
    }
    found
}

fn untrusted_registry(view: &View<'_>) -> Vec<Breach> {
    if view.settings.trusted_registries.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for stage in view.stages.iter().filter(|stage| is_image(stage)) {
        let name = resolved(view, stage);
        if let Some(from) = stage.from
            && !is_trusted(view, &name)
        {
            found.push(Breach::new(from.source(&stage.base), name));
        }
    }
    for (stage, instruction) in view.instructions() {
        let image = |name: &&str| {
            let is_index = name.bytes().all(|byte| byte.is_ascii_digit());
            !is_index && view.stage_called(name, stage).is_none() && name.contains(['/', ':', '.'])
        };
        let untrusted = sources(instruction).into_iter().filter(image).filter(|name| !is_trusted(view, name));
        found.extend(untrusted.map(|name| Breach::new(instruction.at(), name.to_owned())));
    }
    found
}

/// What the instruction takes files from: `--from` and `--mount=from=`.
fn sources(instruction: &Instruction) -> Vec<&str> {
    match instruction.kind {
        Kind::Copy => instruction.flag("from").into_iter().collect(),
        Kind::Run => instruction
            .mounts()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key == "from")
            .map(|(_, value)| value)
            .collect(),
        _ => Vec::new(),
    }
}

/// The registry of an image's name: what is before the first slash, if it can be a host.
fn registry(name: &str) -> &str {
    match name.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

fn is_trusted(view: &View<'_>, name: &str) -> bool {
    let registry = registry(name);
    // What an argument decides cannot be told.
    registry.contains('$')
        || name.starts_with('$')
        || view.settings.trusted_registries.iter().any(|trusted| words::matches_pattern(trusted, registry))
}

fn platforms<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Instruction, &'a str)> {
    view.stages.iter().filter_map(|stage| Some((stage.from?, stage.from?.flag("platform")?)))
}

/// The name of the only variable that `value` is.
fn only_variable(value: &str) -> Option<String> {
    match words::references(value).as_slice() {
        [reference] if reference.range == (0..value.len()) => Some(reference.name.clone()),
        _ => None,
    }
}

fn fixed_platform(view: &View<'_>) -> Vec<Breach> {
    let automatic = |value: &str| {
        only_variable(value).is_some_and(|name| matches!(name.as_str(), "BUILDPLATFORM" | "TARGETPLATFORM"))
    };
    let fixed = platforms(view).filter(|(_, value)| !automatic(value));
    fixed.map(|(from, value)| Breach::new(from.at(), format!("--platform={value}"))).collect()
}

fn target_platform(view: &View<'_>) -> Vec<Breach> {
    let redundant =
        platforms(view).filter(|(_, value)| only_variable(value).as_deref() == Some("TARGETPLATFORM"));
    redundant
        .map(|(from, value)| {
            let breach = Breach::new(from.at(), format!("--platform={value}"));
            let flag = from.flags.iter().find(|flag| flag.name == "platform");
            // With the white space behind it.
            let range =
                flag.map(|flag| from.logical.source(flag.range.start)..from.logical.source(from.arguments));
            range.map_or(breach.clone(), |range| breach.replacing(range, ""))
        })
        .collect()
}
