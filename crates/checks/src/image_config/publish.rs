//! Rules over what whoever gets the image must know or carry: its base, its size, its ports and user, its time.

use plimsoll_model::severity::Severity;

use super::{Breach, ImageFacts, Rule, clipped};

const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// More layers than this are a sign of steps that belong together; overlayfs has room for 500 at most.
const LAYERS: usize = 60;

/// Compressed, more than nearly all services need.
const LARGE: u64 = 1 << 30;

pub(crate) const BASE_NOT_PINNED: Rule = Rule {
    id: "base-not-pinned",
    title: "The base image is named by a tag that moves",
    severity: Severity::Low,
    remedy: "Name the base by a version and a digest: FROM name:1.2@sha256:…",
    check: base_not_pinned,
};

pub(crate) const LARGE_IMAGE: Rule = Rule {
    id: "large-image",
    title: "The image is larger than 1 GiB",
    severity: Severity::Negligible,
    remedy: "Look which layers are large (plimsoll inventory), and leave out what does not run",
    check: large_image,
};

pub(crate) const MANY_LAYERS: Rule = Rule {
    id: "many-layers",
    title: "The image has more than 60 layers",
    severity: Severity::Negligible,
    remedy: "Join steps that belong together, or copy the result of a build stage in one step",
    check: many_layers,
};

pub(crate) const MISSING_BASE_LABEL: Rule = Rule {
    id: "missing-base-label",
    title: "No label tells which image this one is based on",
    severity: Severity::Negligible,
    remedy: "Label the image with org.opencontainers.image.base.name and org.opencontainers.image.base.digest",
    check: missing_base_label,
};

pub(crate) const PRIVILEGED_PORT_EXPOSED: Rule = Rule {
    id: "privileged-port-exposed",
    title: "The image listens on a port that is kept for root",
    severity: Severity::Negligible,
    remedy: "Listen on a port from 1024 on, and map it where the image is deployed",
    check: privileged_port_exposed,
};

pub(crate) const UNREPRODUCIBLE_TIMESTAMP: Rule = Rule {
    id: "unreproducible-timestamp",
    title: "The image holds the moment of its build, so the same source gives another digest each time",
    severity: Severity::Negligible,
    remedy: "Build with SOURCE_DATE_EPOCH set to the time of the commit",
    check: unreproducible_timestamp,
};

pub(crate) const USER_NOT_NUMERIC: Rule = Rule {
    id: "user-not-numeric",
    title: "USER is a name, which Kubernetes cannot tell from root",
    severity: Severity::Negligible,
    remedy: "Set USER to a number, so that runAsNonRoot can be verified",
    check: user_not_numeric,
};

fn base_not_pinned(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let label = |name| facts.labels.get(name).copied().map(str::trim).filter(|value| !value.is_empty());
    let Some(name) = label(BASE_NAME) else { return Vec::new() };
    if label(BASE_DIGEST).is_some() || name.contains('@') {
        return Vec::new();
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        None => vec![Breach::Seen(format!("the base is {} without a tag or digest", clipped(name)))],
        Some((_, "latest")) => vec![Breach::Seen(format!("the base is {}", clipped(name)))],
        Some(_) => Vec::new(),
    }
}

fn missing_base_label(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let missing: Vec<&str> = [BASE_NAME, BASE_DIGEST]
        .into_iter()
        .filter(|label| facts.labels.get(label).is_none_or(|value| value.trim().is_empty()))
        .collect();
    if missing.is_empty() {
        Vec::new()
    } else {
        vec![Breach::Seen(format!("there is no {}", missing.join(", no ")))]
    }
}

fn large_image(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let breach = |size: u64| Breach::Seen(format!("its layers have {} MB, compressed", size / 1_000_000));
    facts.size.filter(|size| *size > LARGE).map(breach).into_iter().collect()
}

fn many_layers(facts: &ImageFacts<'_>) -> Vec<Breach> {
    if facts.layers > LAYERS {
        vec![Breach::Seen(format!("it has {} layers", facts.layers))]
    } else {
        Vec::new()
    }
}

/// Port 22 has a rule of its own.
fn privileged_port_exposed(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let number = |port: &str| port.split(['/', '-']).next().and_then(|number| number.parse::<u16>().ok());
    let ports = facts
        .exposed_ports
        .iter()
        .filter(|port| number(port).is_some_and(|number| number != 22 && (1..1024).contains(&number)));
    ports.map(|port| Breach::Seen(format!("EXPOSE {}", clipped(port)))).collect()
}

/// `SOURCE_DATE_EPOCH` has whole seconds, clocks have not.
fn unreproducible_timestamp(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let is_of_clock = |created: &str| {
        let fraction = created.split_once('.').map(|(_, fraction)| fraction);
        fraction.is_some_and(|fraction| {
            fraction.bytes().take_while(u8::is_ascii_digit).any(|digit| digit != b'0')
        })
    };
    let breach = |created: &str| Breach::Seen(format!("it was created at {}", clipped(created)));
    facts.created.filter(|created| is_of_clock(created)).map(breach).into_iter().collect()
}

fn user_not_numeric(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let user = facts.user.trim().split(':').next().unwrap_or_default();
    if user.is_empty() || user == "root" || user.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    vec![Breach::Seen(format!("USER is {}", clipped(user)))]
}
