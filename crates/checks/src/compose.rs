//! Compose files: how services run, what of their host they are given, what they are told.
//!
//! Services are looked at with what they extend in the same file. Extensions (`x-…`) are looked at only where something
//! names them. The specification: <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.

mod exposure;
mod isolation;
pub(crate) mod rules;
mod service;

use plimsoll_formats::yaml_tree::{Tree, Yaml};
use plimsoll_model::gap::{Gap, GapKind};

use crate::build_file::{Checked, Edit};
use crate::image_config::clipped;
use crate::yaml_file::{self, Findings};
use rules::OBSOLETE_VERSION;
use service::{Service, services};

/// Tells whether a file is a Compose file, by its name or by what it holds.
#[must_use]
pub fn recognizes(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) else { return false };
    let is_named = |start: &str| {
        stem.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    };
    if ["compose", "docker-compose", "podman-compose"].into_iter().any(is_named) {
        return true;
    }
    let has_services = text.lines().any(|line| line.trim_end() == "services:");
    has_services && !text.lines().any(|line| line.starts_with("apiVersion:")) && holds_services(text)
}

/// Tells whether the first document has services that name an image or how it is built, as other formats have not.
fn holds_services(text: &str) -> bool {
    let tree = yaml_file::read(text);
    let services = tree.documents().next().and_then(|root| root.get("services")).map(Yaml::entries);
    let has_image = |service: &Yaml<'_>| service.get("image").or_else(|| service.get("build")).is_some();
    services.is_some_and(|services| {
        !services.is_empty() && services.iter().all(|(_, service)| has_image(service))
    })
}

/// Checks one file.
#[must_use]
pub fn check(path: &str, text: &str) -> Checked {
    let tree = yaml_file::read(text);
    let mut findings = Findings::new(path, text, &tree, references);
    for root in tree.documents() {
        version(&mut findings, text, root);
        for service in services(root) {
            if findings.is_full() {
                break;
            }
            let scope = findings.scope(None, service.key);
            isolation::check(&mut findings, text, &service, scope);
            exposure::check(&mut findings, &service, scope);
        }
    }
    let mut checked = findings.finish();
    checked.gaps.extend(gaps(path, &tree));
    checked
}

fn version(findings: &mut Findings<'_>, text: &str, root: Yaml<'_>) {
    let Some((key, value)) = root.entry("version") else { return };
    let evidence = format!("version is {:?}", clipped(value.text().unwrap_or_default()));
    let is_repeated = root.own_entries().filter(|(key, _)| key.text() == Some("version")).count() > 1;
    let edit = if is_repeated { None } else { without_line(text, key, value) };
    findings.tell_with(&OBSOLETE_VERSION, None, key.offset(), evidence, edit);
}

/// The edit that takes out the line on which an entry stands, if nothing else does.
fn without_line(text: &str, key: Yaml<'_>, value: Yaml<'_>) -> Option<Edit> {
    let start = key.offset();
    let line = text.get(start..)?.split_inclusive('\n').next()?;
    let end = start + line.len();
    let is_alone = start == 0 || text.get(..start)?.ends_with('\n');
    let is_plain = line.starts_with("version:") && value.text().is_some() && !value.is_null();
    let is_whole = value.offset() >= start && value.span().end <= end && is_plain && is_alone;
    is_whole.then(|| Edit { rule: OBSOLETE_VERSION.id, range: start..end, replacement: String::new() })
}

/// What is taken from other files is not known.
fn gaps(path: &str, tree: &Tree) -> Vec<Gap> {
    let extended = tree.documents().flat_map(services).filter_map(|service: Service<'_>| {
        let name = clipped(service.name);
        let reason = match service.unknown {
            None => return None,
            Some(service::Unknown::OtherFile(file)) => {
                format!("service {name} extends one of {:?}, which is not looked at", clipped(file))
            }
            Some(service::Unknown::Unresolved) => {
                format!("service {name} extends a service that is not there, or itself")
            }
        };
        Some(Gap::new(GapKind::RecordUnread, path, reason))
    });
    extended.collect()
}

fn references(rule: &str) -> &'static [&'static str] {
    if rule.starts_with("compose-image") {
        &["https://docs.docker.com/reference/compose-file/services/#image"]
    } else if rule.starts_with("compose-secret") {
        &["https://docs.docker.com/compose/how-tos/use-secrets/"]
    } else if rule.starts_with("compose-") {
        &[
            "https://docs.docker.com/reference/compose-file/services/",
            "https://cheatsheetseries.owasp.org/cheatsheets/Docker_Security_Cheat_Sheet.html",
        ]
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests;
