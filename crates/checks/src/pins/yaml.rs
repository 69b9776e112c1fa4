//! The images and actions that YAML names: Compose, Kubernetes, kustomize, charts' values, GitHub, GitLab.

use std::ops::Range;

use plimsoll_formats::yaml_tree::Yaml;

use super::{Name, Names, Place, What};
use crate::yaml_file::read;

/// Maps are looked at this deep.
const DEPTH: usize = 100;

/// What is looked for in one document.
type Look = fn(&str, Yaml<'_>, &mut Names);

pub(super) fn names(path: &str, text: &str) -> Option<Names> {
    let look = kind_of(path, text)?;
    let tree = read(text);
    let mut names = Names::default();
    for document in tree.documents() {
        look(text, document, &mut names);
    }
    if let Some(error) = tree.error() {
        let reason = if text.contains("{{") {
            format!("{error}; templates are to be rendered first")
        } else {
            error.to_string()
        };
        names.unknown.push((0, reason));
    }
    Some(names)
}

/// How the file is looked at, by its name first.
fn kind_of(path: &str, text: &str) -> Option<Look> {
    let lower = path.to_ascii_lowercase().replace('\\', "/");
    let name = lower.rsplit('/').next().unwrap_or_default();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    if lower.contains(".github/workflows/") && stem.is_some() {
        return Some(workflow);
    }
    match stem {
        Some("kustomization") => return Some(kustomization),
        Some("action") if text.contains("runs:") => return Some(workflow),
        Some(stem) if stem.ends_with(".gitlab-ci") || lower.contains(".gitlab/ci/") => return Some(gitlab),
        Some(stem) if stem.starts_with("values") || stem.ends_with("values") => return Some(chart),
        Some(_) => {}
        None => return None,
    }
    let kind = crate::all::FILE_KINDS.iter().find(|kind| (kind.recognizes)(path, text))?;
    match kind.name {
        "compose" => Some(compose),
        "kubernetes" => Some(kubernetes),
        _ => None,
    }
}

/// Where the text of a scalar is written as it is, without quotes and the anchor before it.
fn written(text: &str, scalar: Yaml<'_>) -> Option<Range<usize>> {
    let (span, value) = (scalar.span(), scalar.string()?);
    let whole = text.get(span.clone())?;
    let inner = whole.strip_suffix(['"', '\'']).unwrap_or(whole);
    let before = inner.strip_suffix(value)?;
    let is_before = before.trim_end_matches(['"', '\'']);
    let is_ours = is_before.is_empty() || (is_before.starts_with(['&', '!']) && is_before.ends_with(' '));
    let start = span.start + before.len();
    is_ours.then(|| start..start + value.len())
}

/// Adds the image that a scalar is.
fn image(text: &str, scalar: Yaml<'_>, names: &mut Names) {
    match (scalar.string(), written(text, scalar)) {
        (Some(""), _) => {}
        (Some(_), Some(range)) => names.image(text, range),
        (Some(value), None) => {
            names
                .unknown
                .push((scalar.offset(), format!("{value:?} is written in a way that is not changed")));
        }
        (None, _) => {}
    }
}

/// Adds an image that is named alone or in a map under `key`.
fn image_or(text: &str, node: Yaml<'_>, key: &str, names: &mut Names) {
    image(text, node.get(key).unwrap_or(node), names);
}

fn compose(text: &str, document: Yaml<'_>, names: &mut Names) {
    let services = document.get("services").map(Yaml::entries).unwrap_or_default();
    // What is built here is not pulled: its image is the name that it gets.
    for (_, service) in services.into_iter().filter(|(_, service)| service.get("build").is_none()) {
        service.get("image").into_iter().for_each(|scalar| image(text, scalar, names));
    }
}

fn kubernetes(text: &str, document: Yaml<'_>, names: &mut Names) {
    containers(text, document, DEPTH, names);
}

/// Adds the images of all lists of containers, wherever they are, and those of volumes.
fn containers(text: &str, node: Yaml<'_>, depth: usize, names: &mut Names) {
    if depth == 0 {
        names
            .unknown
            .push((node.offset(), format!("what is more than {DEPTH} levels deep is not looked at")));
        return;
    }
    for (key, value) in node.own_entries() {
        let key = key.text().unwrap_or_default();
        if key.ends_with("ontainers") {
            value.items().filter_map(|item| item.get("image")).for_each(|scalar| image(text, scalar, names));
        }
        if key == "volumes" {
            let sources = value.items().filter_map(|item| item.at(&["image", "reference"]));
            sources.for_each(|scalar| image(text, scalar, names));
        }
        containers(text, value, depth - 1, names);
    }
    node.items().for_each(|item| containers(text, item, depth - 1, names));
}

fn kustomization(text: &str, document: Yaml<'_>, names: &mut Names) {
    for entry in document.get("images").map(|list| list.items().collect::<Vec<_>>()).unwrap_or_default() {
        let scalar = |key: &str| entry.get(key).and_then(Yaml::string);
        let Some(name) = scalar("newName").or_else(|| scalar("name")) else { continue };
        let (tag, digest) = (entry.get("newTag"), entry.get("digest"));
        let reference = match (tag.and_then(Yaml::string), digest.and_then(Yaml::string)) {
            (Some(tag), Some(digest)) => format!("{name}:{tag}@{digest}"),
            (Some(tag), None) => format!("{name}:{tag}"),
            (None, Some(digest)) => format!("{name}@{digest}"),
            // Only the name is changed; the tag is in the manifests.
            (None, None) => continue,
        };
        let at = tag.or(digest).map_or(entry.offset(), Yaml::offset);
        let place = match (digest.and_then(|digest| written(text, digest)), tag) {
            (Some(digest), _) => Some(Place::Digest(digest)),
            (None, Some(tag)) => line_after(text, entry, tag),
            (None, None) => None,
        };
        match place {
            Some(place) => names.add(&reference, at, place),
            None => names.unknown.push((at, format!("{reference} is written in a way that is not changed"))),
        }
    }
}

/// The end of the line of `scalar`, a value of the block mapping `entry`, and the column of its keys.
fn line_after(text: &str, entry: Yaml<'_>, scalar: Yaml<'_>) -> Option<Place> {
    let (key, _) = entry.own_entries().next()?;
    let start = text.get(..key.offset())?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = text.get(start..key.offset())?;
    let is_block = text.get(entry.offset()..)?.starts_with(|c| c != '{');
    let is_plain = before.chars().all(|c| matches!(c, ' ' | '-'));
    let end = scalar.span().end;
    let rest = text.get(end..)?;
    let end = end + rest.find('\n').unwrap_or(rest.len());
    (is_block && is_plain).then_some(Place::Line(end, before.len()))
}

/// The values of a chart: an image as a text, or in parts.
fn chart(text: &str, document: Yaml<'_>, names: &mut Names) {
    values(text, document, DEPTH, names);
}

fn values(text: &str, node: Yaml<'_>, depth: usize, names: &mut Names) {
    if depth == 0 {
        names
            .unknown
            .push((node.offset(), format!("what is more than {DEPTH} levels deep is not looked at")));
        return;
    }
    parts(text, node, names);
    for (key, value) in node.own_entries() {
        let is_image = key.text().is_some_and(|key| key == "image" || key.ends_with("Image"));
        if is_image && value.string().is_some_and(|value| value.contains([':', '/', '@'])) {
            image(text, value, names);
        }
        values(text, value, depth - 1, names);
    }
    node.items().for_each(|item| values(text, item, depth - 1, names));
}

/// An image in parts: `registry`, `repository`, `tag`, `digest`.
fn parts(text: &str, node: Yaml<'_>, names: &mut Names) {
    let scalar = |key: &str| node.get(key).and_then(Yaml::string).filter(|value| !value.is_empty());
    let (Some(repository), Some(tag)) = (scalar("repository"), scalar("tag")) else { return };
    let registry = scalar("registry").map_or(String::new(), |registry| format!("{registry}/"));
    let digest = node.get("digest");
    let known = digest.and_then(Yaml::string).filter(|digest| !digest.is_empty());
    let known = known.map_or(String::new(), |digest| format!("@{digest}"));
    let reference = format!("{registry}{repository}:{tag}{known}");
    let at = node.get("tag").map_or(node.offset(), Yaml::offset);
    // Of an empty digest the quotes stay.
    let place = match digest.and_then(|digest| written(text, digest)) {
        Some(digest) => Some(Place::Digest(digest)),
        None => node.get("tag").and_then(|tag| written(text, tag)).map(Place::Tag),
    };
    match place {
        Some(place) => names.add(&reference, at, place),
        None => names.unknown.push((at, format!("{reference} is written in a way that is not changed"))),
    }
}

/// A workflow or an action of GitHub.
fn workflow(text: &str, document: Yaml<'_>, names: &mut Names) {
    for (_, job) in document.get("jobs").map(Yaml::entries).unwrap_or_default() {
        job.get("container").into_iter().for_each(|node| image_or(text, node, "image", names));
        for (_, service) in job.get("services").map(Yaml::entries).unwrap_or_default() {
            service.get("image").into_iter().for_each(|scalar| image(text, scalar, names));
        }
        job.get("uses").into_iter().for_each(|scalar| uses(text, scalar, names));
        steps(text, job, names);
    }
    if let Some(runs) = document.get("runs") {
        runs.get("image").into_iter().for_each(|scalar| uses(text, scalar, names));
        steps(text, runs, names);
    }
}

fn steps(text: &str, node: Yaml<'_>, names: &mut Names) {
    let steps = node.get("steps").into_iter().flat_map(Yaml::items);
    steps.filter_map(|step| step.get("uses")).for_each(|scalar| uses(text, scalar, names));
}

/// What a step uses: `docker://IMAGE`, or an action of a repository; what lies in the own repository needs no pin.
fn uses(text: &str, scalar: Yaml<'_>, names: &mut Names) {
    let Some(value) = scalar.string() else { return };
    let Some(range) = written(text, scalar) else {
        names.unknown.push((scalar.offset(), format!("{value:?} is written in a way that is not changed")));
        return;
    };
    if value.starts_with("docker://") {
        names.image(text, range.start + "docker://".len()..range.end);
        return;
    }
    let Some((repository, by)) = value.split_once('@').filter(|_| !value.starts_with('.')) else { return };
    if value.contains("${{") {
        names.unknown.push((range.start, format!("{value} is known only when it is run")));
        return;
    }
    let end = scalar.span().end;
    let line = text.get(end..).unwrap_or_default().split('\n').next().unwrap_or_default();
    let comment = line.trim().strip_prefix('#').map(|comment| comment.trim().trim_start_matches("tag="));
    let is_commit = by.len() == 40 && by.bytes().all(|byte| byte.is_ascii_hexdigit());
    let in_comment = comment.and_then(|comment| comment.split_whitespace().next()).map(str::to_owned);
    let (tag, commit) =
        if is_commit { (in_comment, Some(by.to_owned())) } else { (Some(by.to_owned()), None) };
    let by = range.end - by.len()..range.end;
    let place = Place::Commit(by, comment.is_none().then_some(end));
    let what = What::Action { repository: repository.to_owned(), tag, commit };
    names.names.push(Name { what, at: range.start, place });
}

/// A pipeline of GitLab.
fn gitlab(text: &str, document: Yaml<'_>, names: &mut Names) {
    let jobs = document.entries().into_iter().map(|(_, job)| job);
    for node in [document].into_iter().chain(jobs) {
        node.get("image").into_iter().for_each(|node| image_or(text, node, "name", names));
        let services = node.get("services").into_iter().flat_map(Yaml::items);
        services.for_each(|service| image_or(text, service, "name", names));
    }
}
