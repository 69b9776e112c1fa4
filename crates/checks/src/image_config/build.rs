//! Rules over how the image was built, as far as its history tells.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use plimsoll_model::severity::Severity;

use super::history::Step;
use super::run::secrets_of_variable;
use super::{Breach, ImageFacts, Rule, clipped, line};
use crate::secrets::{Form, Pattern, redacted, secrets_in_text};

pub(crate) const ADD_FROM_URL: Rule = Rule {
    id: "add-from-url",
    title: "A build step adds a file from a URL without verifying it",
    severity: Severity::Medium,
    remedy: "Pin the file with ADD --checksum, or verify a signature or digest in the step that downloads it",
    check: add_from_url,
};

pub(crate) const DOWNLOAD_PIPED_TO_SHELL: Rule = Rule {
    id: "download-piped-to-shell",
    title: "A build step runs a script straight from the network",
    severity: Severity::Medium,
    remedy: "Download the script, verify its digest or signature, and run it then",
    check: download_piped_to_shell,
};

pub(crate) const SECRET_IN_HISTORY: Rule = Rule {
    id: "secret-in-history",
    title: "Secret in the image's history",
    severity: Severity::High,
    remedy: "Revoke the secret and rebuild with RUN --mount=type=secret: build arguments stay in the image",
    check: secret_in_history,
};

pub(crate) const SUDO_IN_BUILD_STEP: Rule = Rule {
    id: "sudo-in-build-step",
    title: "A build step uses sudo",
    severity: Severity::Low,
    remedy: "Use USER to change the user in the build, and leave sudo out of the image",
    check: sudo_in_build_step,
};

static DOWNLOAD_PIPED: LazyLock<Pattern> = LazyLock::new(|| {
    let shell = r"(?:sudo\s+(?:-\S+\s+)*)?(?:/usr|/usr/local)?(?:/bin/)?(?:(?:ba|da|z|k|a)?sh|python[0-9.]*|perl|node|ruby)\b";
    let download = r"\b(?:curl|wget)\b";
    let pipe = format!(r"{download}(?:[^|;&\n]|&[^&])*\|\s*{shell}");
    let substituted = format!(r#"\b(?:ba|da|z|k|a)?sh\s+(?:-\S+\s+)*(?:<\(|["']?\$\()\s*{download}"#);
    Pattern::new(Form::Made(format!("(?:{pipe}|{substituted})")))
});

fn steps<'a>(facts: &'a ImageFacts<'_>) -> impl Iterator<Item = (usize, Step<'a>)> {
    facts.history.iter().map(|text| Step::parse(text)).enumerate()
}

/// A step as evidence, secrets in it replaced.
fn evidence(position: usize, step: &Step<'_>) -> Breach {
    let mut text = step.arguments.to_owned();
    for (name, value) in step.variables() {
        if !secrets_of_variable(name, value, "", position).is_empty() {
            text = text.replace(value, &redacted(value.as_bytes()));
        }
    }
    let text = if secrets_in_text(&text).is_empty() { clipped(&text) } else { "[holds a secret]".to_owned() };
    let evidence = format!("step {}: {} {text}", line(position), step.instruction);
    Breach::Step { step: position, evidence }
}

/// The same breach, said to lie in a build step.
pub(super) fn in_step(breach: Breach, number: usize) -> Breach {
    match breach {
        Breach::Seen(evidence) => Breach::Step { step: number, evidence },
        Breach::Step { evidence, .. } => Breach::Step { step: number, evidence },
        Breach::Secret { place, hit, .. } => Breach::Secret { step: Some(number), place, hit },
    }
}

fn breaches(facts: &ImageFacts<'_>, breaks: impl Fn(&Step<'_>) -> bool) -> Vec<Breach> {
    steps(facts).filter(|(_, step)| breaks(step)).map(|(position, step)| evidence(position, &step)).collect()
}

fn add_from_url(facts: &ImageFacts<'_>) -> Vec<Breach> {
    breaches(facts, |step| {
        let url = |word: &str| ["http://", "https://"].iter().any(|scheme| word.starts_with(scheme));
        let mut words = step.arguments.split_whitespace().map(|word| word.trim_matches(['[', ']', '"', ',']));
        step.instruction == "ADD" && !step.arguments.contains("--checksum=") && words.any(url)
    })
}

fn download_piped_to_shell(facts: &ImageFacts<'_>) -> Vec<Breach> {
    let downloads = |text: &str| text.contains("curl") || text.contains("wget");
    let pipes = |text: &str| downloads(text) && DOWNLOAD_PIPED.compiled().is_match(text);
    breaches(facts, |step| step.instruction == "RUN" && pipes(step.arguments))
}

fn sudo_in_build_step(facts: &ImageFacts<'_>) -> Vec<Breach> {
    breaches(facts, |step| step.instruction == "RUN" && runs_sudo(step.arguments))
}

/// Tells whether `sudo` stands where a command does, not where it is an argument.
fn runs_sudo(command: &str) -> bool {
    let parts = command.split(['\n', ';', '&', '|', '(', '{', '`']);
    let mut programs = parts.filter_map(|part| {
        let leads = |word: &&str| matches!(*word, "then" | "do" | "else" | "if" | "!") || word.contains('=');
        part.split_whitespace().find(|word| !leads(word))
    });
    programs.any(|program| matches!(program, "sudo" | "/usr/bin/sudo"))
}

fn secret_in_history(facts: &ImageFacts<'_>) -> Vec<Breach> {
    // What is in the environment is reported there.
    let environment: BTreeSet<&str> = facts.env.iter().map(String::as_str).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut breaches = Vec::new();
    for (position, step) in steps(facts) {
        let mut found = Vec::new();
        for (name, value) in step.variables() {
            if !environment.contains(format!("{name}={value}").as_str()) {
                let place = format!("{} of step {}", clipped(name), line(position));
                found.extend(
                    secrets_of_variable(name, value, &place, position)
                        .into_iter()
                        .map(|breach| in_step(breach, position)),
                );
            }
        }
        if step.instruction != "ENV" {
            let place = format!("step {}", line(position));
            let hits = secrets_in_text(step.arguments).into_iter();
            found.extend(hits.map(|hit| {
                let hit = plimsoll_model::evidence::SecretHit { line: line(position), ..hit };
                Breach::Secret { step: Some(position), place: place.clone(), hit }
            }));
        }
        // A build argument is repeated in each later step of its stage.
        found.retain(|breach| match breach {
            Breach::Secret { hit, .. } => seen.insert(hit.fingerprint.clone()),
            Breach::Seen(_) | Breach::Step { .. } => true,
        });
        breaches.extend(found);
    }
    breaches
}
