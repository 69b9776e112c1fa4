//! Takes secrets out of an image's configuration: [`REMOVED`] stands in their places, which no rule takes for a secret.

use plimsoll_model::evidence::SecretHit;

use super::Breach;
use super::history::Step;
use super::run::secrets_of_variable;
use crate::secrets::{secret_places, secrets_in_text};

/// What stands where a secret was.
pub const REMOVED: &str = "[removed]";

/// Words that are shorter may be any others by chance.
const TELLING: usize = 6;

/// Which secrets go.
pub type Wanted<'a> = &'a dyn Fn(&SecretHit) -> bool;

/// A text without its secrets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cleared {
    /// The text.
    pub text: String,
    /// What was in it.
    pub hits: Vec<SecretHit>,
    /// Values that went, to be looked for elsewhere.
    pub values: Vec<String>,
}

/// The value of a variable or label: [`REMOVED`] if it holds a secret that is wanted.
#[must_use]
pub fn cleared_value(name: &str, value: &str, wanted: Wanted<'_>) -> Option<Cleared> {
    let hits = hits_of_variable(name, value, wanted);
    if hits.is_empty() {
        return None;
    }
    Some(Cleared { text: REMOVED.to_owned(), hits, values: vec![value.to_owned()] })
}

/// A build step as its builder recorded it, without the secrets that are wanted.
#[must_use]
pub fn cleared_step(step: &str, wanted: Wanted<'_>) -> Option<Cleared> {
    let mut cleared = Cleared { text: step.to_owned(), ..Cleared::default() };
    for (name, value) in Step::parse(step).variables() {
        let hits = hits_of_variable(name, value, wanted);
        if value.is_empty() || hits.is_empty() {
            continue;
        }
        for (before, after) in [("=", ""), ("=\"", "\""), (" ", "")] {
            let old = format!("{name}{before}{value}{after}");
            cleared.text = cleared.text.replace(&old, &format!("{name}{before}{REMOVED}{after}"));
        }
        cleared.text = without(&cleared.text, value);
        cleared.hits.extend(hits);
        cleared.values.push(value.to_owned());
    }
    if let Some(rest) = cleared_text(&cleared.text, wanted) {
        cleared.text = rest.text;
        cleared.hits.extend(rest.hits);
        cleared.values.extend(rest.values);
    }
    (cleared.text != step).then_some(cleared)
}

/// A text without the secrets that a rule knows by their structure, and that are wanted.
#[must_use]
pub fn cleared_text(text: &str, wanted: Wanted<'_>) -> Option<Cleared> {
    let hits: Vec<SecretHit> = secrets_in_text(text).into_iter().filter(|hit| wanted(hit)).collect();
    if hits.is_empty() {
        return None;
    }
    let mut cleared = Cleared { text: text.to_owned(), hits, values: Vec::new() };
    for place in secret_places(text.as_bytes()) {
        let is_wanted = cleared.hits.iter().any(|hit| hit.fingerprint == place.fingerprint);
        if let Some(secret) = text.get(place.range).filter(|_| is_wanted) {
            cleared.values.push(secret.to_owned());
        }
    }
    for value in &cleared.values {
        cleared.text = cleared.text.replace(value, REMOVED);
    }
    Some(cleared)
}

/// A text without a value that went elsewhere, if that is long enough to be no other word by chance.
#[must_use]
pub fn without(text: &str, value: &str) -> String {
    if value.len() >= TELLING { text.replace(value, REMOVED) } else { text.to_owned() }
}

/// The secrets of a variable that are wanted. One that is known by its name only is asked for by its rule, too.
fn hits_of_variable(name: &str, value: &str, wanted: Wanted<'_>) -> Vec<SecretHit> {
    let found = secrets_of_variable(name, value, "", 0).into_iter().filter_map(|breach| match breach {
        Breach::Secret { hit, .. } => Some(hit),
        Breach::Seen(_) | Breach::Step { .. } => None,
    });
    found.filter(|hit| wanted(hit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted<'static> = &|_| true;
    const NONE: Wanted<'static> = &|_| false;

    fn key() -> String {
        format!("AKIA{}", "QYLPMN5HHHFPZAM2")
    }

    #[test]
    fn values_go_and_what_stands_there_is_no_secret() {
        let cleared = cleared_value("DB_PASSWORD", "correct-horse", ALL).unwrap();
        assert_eq!((cleared.text.as_str(), cleared.values[0].as_str()), (REMOVED, "correct-horse"));
        assert_eq!(cleared.hits[0].rule, "secret-by-name");
        assert_eq!(cleared_value("DB_PASSWORD", REMOVED, ALL), None);
        assert_eq!(cleared_value("DB_PASSWORD", "correct-horse", NONE), None);
        assert_eq!(cleared_value("PATH", "/bin", ALL), None);
        assert!(cleared_value("NOTE", &key(), ALL).is_some());
    }

    #[test]
    fn steps_lose_their_secrets_wherever_they_stand() {
        for (step, cleared) in [
            (
                "|1 DB_PASSWORD=correct-horse /bin/sh -c psql --password correct-horse".to_owned(),
                "|1 DB_PASSWORD=[removed] /bin/sh -c psql --password [removed]",
            ),
            ("ENV DB_PASSWORD=hunt".to_owned(), "ENV DB_PASSWORD=[removed]"),
            ("ENV DB_PASSWORD hunt".to_owned(), "ENV DB_PASSWORD [removed]"),
            (format!("RUN /bin/sh -c use {} # buildkit", key()), "RUN /bin/sh -c use [removed] # buildkit"),
        ] {
            let found = cleared_step(&step, ALL).unwrap();
            assert_eq!(found.text, cleared);
            assert_eq!(cleared_step(&found.text, ALL), None, "nothing is left");
            assert_eq!(cleared_step(&step, NONE), None);
        }
        assert_eq!(cleared_step("RUN |1 VERSION=1 /bin/sh -c make", ALL), None);
    }
}
