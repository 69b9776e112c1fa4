//! What an audit trail is told of an answer to a review.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_checks::admission::Review;
use plimsoll_report::admission::{Answer, shortened};
use plimsoll_trust::audit::entry::{Entry, Kind, Named};

use super::super::trail::Trail;

/// An entry has an end: of each detail so many characters are told.
const WORDS: usize = 300;

/// Tells what was answered, at which time, to which bytes.
pub(super) fn tell(trail: &Trail, time: Timestamp, bytes: &[u8], answer: &Answer) -> anyhow::Result<()> {
    let mut details: BTreeMap<String, String> = answer.annotations.clone();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            details.insert(name.to_owned(), value.to_owned());
        }
    };
    add("uid", &answer.uid);
    add("reason", &answer.message);
    let name = match Review::read(bytes) {
        Ok(review) => {
            add("operation", review.operation.as_str());
            add("user", &review.user);
            add("dry-run", if review.is_dry_run { "true" } else { "" });
            review.subject()
        }
        Err(_) => "a review that is not understood".to_owned(),
    };
    details.remove("decision");
    details.values_mut().for_each(|value| *value = shortened(value, WORDS));
    let subject = Named { name: shortened(&name, WORDS), digest: None };
    let outcome = Some(answer.fate.as_str().to_owned());
    trail.append(&[Entry {
        outcome,
        details,
        ..Entry::new(Kind::Admission, time, &trail.actor, subject)
    }])?;
    Ok(())
}
