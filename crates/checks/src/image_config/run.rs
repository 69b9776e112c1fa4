//! Rules over how containers of the image run: user, environment, labels, ports, health.

use plimsoll_model::severity::Severity;

use super::build::in_step;
use super::history::Step;
use super::{Breach, Healthcheck, ImageFacts, Rule, clipped, line, named_secret, names};
use crate::secrets::secrets_in_text;

/// The labels of which one tells where an image comes from
/// (<https://github.com/opencontainers/image-spec/blob/main/annotations.md>).
const SOURCE_LABELS: [&str; 4] = [
    "org.opencontainers.image.source",
    "org.opencontainers.image.revision",
    "org.label-schema.vcs-url",
    "org.label-schema.vcs-ref",
];

pub(crate) const RUNS_AS_ROOT: Rule = Rule {
    id: "image-runs-as-root",
    title: "The image runs as root",
    severity: Severity::Medium,
    remedy: "Set USER to a user other than root, by number so that orchestrators can verify it",
    check: runs_as_root,
};

pub(crate) const SECRET_IN_ENVIRONMENT: Rule = Rule {
    id: "secret-in-environment",
    title: "Secret in the image's environment",
    severity: Severity::High,
    remedy: "Revoke the secret, take it out of ENV and give it to the container at run time, best as a file",
    check: secret_in_environment,
};

pub(crate) const SECRET_IN_LABEL: Rule = Rule {
    id: "secret-in-label",
    title: "Secret in an image label",
    severity: Severity::High,
    remedy: "Revoke the secret and take it out of LABEL",
    check: secret_in_label,
};

pub(crate) const SSH_SERVER_EXPOSED: Rule = Rule {
    id: "ssh-server-exposed",
    title: "The image offers an SSH server",
    severity: Severity::Medium,
    remedy: "Take the SSH server out of the image and enter containers with the runtime's exec",
    check: ssh_server_exposed,
};

pub(crate) const MISSING_HEALTHCHECK: Rule = Rule {
    id: "missing-healthcheck",
    title: "The image has no health check",
    severity: Severity::Low,
    remedy: "Add a HEALTHCHECK, or declare probes where the image is deployed",
    check: missing_healthcheck,
};

pub(crate) const MISSING_SOURCE_LABEL: Rule = Rule {
    id: "missing-source-label",
    title: "No label tells which source the image is made from",
    severity: Severity::Negligible,
    remedy: "Label the image with org.opencontainers.image.source and org.opencontainers.image.revision",
    check: missing_source_label,
};

fn runs_as_root(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let user = facts.user.trim();
    let name = user.split(':').next().unwrap_or_default();
    let evidence = if name.is_empty() {
        "USER is not set, so containers run as root".to_owned()
    } else if name == "root" || name.parse() == Ok(0_u32) {
        format!("USER is {}", clipped(user))
    } else {
        return Vec::new();
    };
    let step = facts.history.iter().rposition(|text| Step::parse(text).instruction == "USER");
    let breach = Breach::Seen(evidence);
    vec![step.filter(|_| !name.is_empty()).map_or(breach.clone(), |step| in_step(breach, step))]
}

/// What is secret in `NAME=VALUE`: by structure, else by name.
pub(super) fn secrets_of_variable(name: &str, value: &str, place: &str, position: usize) -> Vec<Breach> {
    let mut hits = secrets_in_text(&format!("{name}={value}"));
    hits.iter_mut().for_each(|hit| hit.line = line(position));
    if hits.is_empty() && names::is_secret(name, value) {
        return vec![named_secret(&clipped(name), value, place.to_owned(), position)];
    }
    hits.into_iter().map(|hit| Breach::Secret { step: None, place: place.to_owned(), hit }).collect()
}

fn secret_in_environment(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let variables = facts.env.iter().enumerate().map(|(position, variable)| {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        let breaches = secrets_of_variable(name, value, &format!("variable {}", clipped(name)), position);
        let step = if breaches.is_empty() { None } else { step_that_sets(facts, name) };
        let placed = move |breach| match step {
            Some(step) => in_step(breach, step),
            None => breach,
        };
        breaches.into_iter().map(placed).collect::<Vec<_>>()
    });
    variables.flatten().collect()
}

/// The last build step that sets the variable.
fn step_that_sets(facts: &ImageFacts<'_>, name: &str) -> Option<usize> {
    facts.history.iter().rposition(|text| {
        let step = Step::parse(text);
        step.instruction == "ENV" && step.variables().iter().any(|(own, _)| *own == name)
    })
}

fn secret_in_label(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let labels = facts.labels.iter().enumerate().map(|(position, (name, value))| {
        secrets_of_variable(name, value, &format!("label {}", clipped(name)), position)
    });
    labels.flatten().collect()
}

fn ssh_server_exposed(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let ports = facts.exposed_ports.iter().filter(|port| matches!(**port, "22" | "22/tcp"));
    let ports = ports.map(|port| format!("EXPOSE {port}"));
    let started = facts.entrypoint.iter().chain(facts.cmd).filter(|word| {
        let program = word.split_whitespace().next().unwrap_or_default();
        program.rsplit('/').next() == Some("sshd")
    });
    let started = started.map(|word| format!("the image starts {}", clipped(word)));
    ports.chain(started).map(Breach::Seen).collect()
}

fn missing_healthcheck(facts: &ImageFacts<'_>) -> Vec<Breach> {
    match facts.healthcheck {
        Healthcheck::Missing => vec![Breach::Seen("HEALTHCHECK is not set, or NONE".to_owned())],
        Healthcheck::Declared | Healthcheck::Inexpressible => Vec::new(),
    }
}

fn missing_source_label(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let labeled = |label: &&str| facts.labels.get(*label).is_some_and(|value| !value.trim().is_empty());
    if SOURCE_LABELS.iter().any(labeled) {
        return Vec::new();
    }
    let evidence = format!("none of {} labels names a source or a revision", facts.labels.len());
    vec![Breach::Seen(evidence)]
}
