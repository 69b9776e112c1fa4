//! `plimsoll admit`: the answer to one review, or a webhook that answers them all.

mod judge;
mod listen;
mod manifest;
mod scope;
mod tell;

use std::io;
use std::path::Path;

use anyhow::Context as _;
use plimsoll_checks::admission::{self, Asked, Review, SIZE, Unchanged};
use plimsoll_formats::bounded;
use plimsoll_report::admission::{Answer, Fate};

use super::Context;
use super::trail::Trail;
use crate::args::Global;
use crate::args::admit::{Admit, UnknownKinds};
use crate::exit::Code;
use crate::output::to_stdout;
use judge::Judge;

pub(super) fn run(args: &Admit, global: Global) -> anyhow::Result<Code> {
    if args.manifest.manifest {
        return manifest::print(&args.manifest);
    }
    if let (Some(address), false) = (args.webhook.listen, args.webhook.worker) {
        return listen::run(address, args, &Context::new(global)?);
    }
    let (bytes, answer) = match review(args.review.as_deref().filter(|_| !args.webhook.worker)) {
        Ok(bytes) => {
            // Whatever is wrong, with the configuration, too, is an answer.
            let answer = Context::new(global).and_then(|context| answered(&bytes, args, &context));
            (bytes, answer)
        }
        Err(error) => (Vec::new(), Err(error)),
    };
    let uid = || admission::uid(&bytes).unwrap_or_default();
    let answer = answer.unwrap_or_else(|error| Answer::new(&uid(), Fate::Undecided, &format!("{error:#}")));
    to_stdout(|out| out.write_all(&answer.write()))?;
    Ok(match answer.fate {
        Fate::Allowed => Code::Pass,
        Fate::Denied => Code::Fail,
        Fate::Undecided | Fate::Malformed => Code::Undecided,
    })
}

fn review(path: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    match path.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            bounded::read_file(path, SIZE as u64).with_context(|| format!("reading {}", path.display()))
        }
        None => {
            bounded::read(io::stdin().lock(), SIZE as u64).context("reading the review from standard input")
        }
    }
}

/// The answer, which the audit trail knows before anybody else.
fn answered(bytes: &[u8], args: &Admit, context: &Context) -> anyhow::Result<Answer> {
    let trail = if args.webhook.worker { None } else { Trail::of(&args.auditing, context)? };
    let answer = decided(bytes, args, context).unwrap_or_else(|error| {
        let uid = admission::uid(bytes).unwrap_or_default();
        Answer::new(&uid, Fate::Undecided, &format!("it could not be decided: {error:#}"))
    });
    if let Some(trail) = trail {
        tell::tell(&trail, trail.time, bytes, &answer)?;
    }
    Ok(answer)
}

fn decided(bytes: &[u8], args: &Admit, context: &Context) -> anyhow::Result<Answer> {
    let review = match Review::read(bytes) {
        Ok(review) => review,
        Err(error) => {
            let uid = admission::uid(bytes).unwrap_or_default();
            let words = format!("{:#}", anyhow::Error::from(error));
            return Ok(Answer::new(&uid, Fate::Malformed, &words));
        }
    };
    let unchanged = if args.scope.accept_unchanged { Unchanged::LeftOut } else { Unchanged::Counts };
    let asked = admission::asked(&review, unchanged);
    if let Ok(Asked::Nothing(why)) = asked {
        return Ok(Answer::new(&review.uid, Fate::Allowed, why));
    }
    if let Some(why) = scope::exemption(&review, &args.scope)? {
        let mut answer = Answer::new(&review.uid, Fate::Allowed, &why);
        answer.warnings.push(format!("plimsoll verified nothing: {why}"));
        answer.annotations.insert("exemption".to_owned(), why);
        return Ok(answer);
    }
    let (wanted, left) = match asked? {
        Asked::Images(wanted, left) => (wanted, left),
        Asked::Unknown(wanted) if args.scope.unknown_kinds == UnknownKinds::Verify => (wanted, 0),
        Asked::Unknown(wanted) => return Ok(judge::unknown(&review, &wanted)),
        Asked::Nothing(why) => return Ok(Answer::new(&review.uid, Fate::Allowed, why)),
    };
    let mut answer = Judge::new(args, context).answer(&review, &wanted)?;
    if left > 0 {
        let words = format!("{left} images that the stored object names already");
        answer.annotations.insert("not-looked-at".to_owned(), words);
    }
    Ok(answer)
}
