//! Reviews of admission control and labels of namespaces. Whatever is read as a review has an identifier to answer to, and what is
//! asked for lies where it is said to; answers are read as they were written.
#![no_main]

use plimsoll_checks::admission::selector::{Selector, labels};
use plimsoll_checks::admission::{Asked, Review, Unchanged, asked, uid};
use plimsoll_report::admission::{Answer, Fate};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(labels(bytes, "shop"));
    drop(Answer::read(bytes));
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(selector) = text.parse::<Selector>()
    {
        selector.fits(&Default::default());
    }
    let Ok(review) = Review::read(bytes) else { return };
    assert_eq!(uid(bytes), Some(review.uid.clone()));
    let answer = Answer::new(&review.uid, Fate::Denied, &review.subject());
    assert_eq!(Answer::read(&answer.write()).map(|read| (read.uid, read.fate)), Some((answer.uid, Fate::Denied)));
    let document: serde_json::Value = serde_json::from_slice(bytes).expect("it was read");
    for unchanged in [Unchanged::Counts, Unchanged::LeftOut] {
        if let Ok(Asked::Images(wanted, _) | Asked::Unknown(wanted)) = asked(&review, unchanged) {
            for wanted in wanted {
                let there = document["request"]["object"].pointer(&wanted.place).and_then(|name| name.as_str());
                assert_eq!(there.and_then(|name| name.parse().ok()), Some(wanted.image));
            }
        }
    }
});
