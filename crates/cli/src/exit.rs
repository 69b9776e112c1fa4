//! Exit codes and the last words: 0 pass, 1 the verdict is fail, 2 could not decide (wrong use, an error, a gap).

use std::io::{self, Write};
use std::process::ExitCode;

use plimsoll_engine::sign::SignImageError;
use plimsoll_image::SourceError;
use plimsoll_image::source::registry::RegistryError;
use plimsoll_model::decision::Outcome;
use plimsoll_model::verdict::Verdict;
use plimsoll_trust::online::error::ServiceError;
use plimsoll_trust::online::fulcio::CertificateError;
use plimsoll_trust::online::sealer::KeylessError;
use plimsoll_trust::online::tuf::TufError;
use plimsoll_trust::signing::bundle::SealError;

use crate::output::lines;

/// What the process ends with.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Code {
    /// 0.
    Pass,
    /// 1.
    Fail,
    /// 2.
    Undecided,
}

impl Code {
    /// The code of a verdict.
    pub(crate) const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail { .. } => Self::Fail,
            Verdict::Undecided { .. } => Self::Undecided,
        }
    }

    /// The code of what follows under a policy.
    pub(crate) const fn of_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass | Outcome::Warn => Self::Pass,
            Outcome::Undecided => Self::Undecided,
            Outcome::Fail => Self::Fail,
        }
    }
}

impl Code {
    /// The code of what came of looking for signatures.
    pub(crate) const fn of_signatures(outcome: plimsoll_model::signature::Outcome) -> Self {
        use plimsoll_model::signature::Outcome;
        match outcome {
            Outcome::Verified => Self::Pass,
            Outcome::Refused => Self::Fail,
            Outcome::Undecided => Self::Undecided,
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        match code {
            Code::Pass => Self::from(0),
            Code::Fail => Self::from(1),
            Code::Undecided => Self::from(2),
        }
    }
}

/// Shows what clap has to say: help and version are no errors.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() { Code::Undecided.into() } else { Code::Pass.into() }
}

/// Shows an error with its causes and, where there is one, a hint.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        // Whoever read us has seen enough.
        return Code::Pass.into();
    }
    let mut text = format!("error: {}\n", lines(&error.to_string()));
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let words = cause.to_string();
        // Some errors repeat their source in their own words.
        if !last.contains(&words) {
            text.push_str(&format!("  caused by: {}\n", lines(&words)));
        }
        last = words;
    }
    if let Some(hint) = hint(error) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    drop(io::stderr().write_all(text.as_bytes()));
    Code::Undecided.into()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A service that did not do what it was asked, also inside of errors that speak with its words.
fn service_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a ServiceError> {
    if let Some(KeylessError::Certificate(CertificateError::Service(error))) = cause.downcast_ref() {
        return Some(error);
    }
    match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(SealError::Service(error)), _) | (_, Some(SignImageError::Seal(SealError::Service(error)))) => {
            Some(error)
        }
        _ => cause.downcast_ref(),
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = service_error(cause) {
            return error.hint().map(str::to_owned);
        }
        if let Some(hint) = cause.downcast_ref::<TufError>().and_then(TufError::hint) {
            return Some(hint.to_owned());
        }
        let registry =
            cause.downcast_ref::<RegistryError>().or_else(|| match cause.downcast_ref::<SourceError>() {
                Some(SourceError::Registry(error)) => Some(error),
                _ => cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<RegistryError>(),
            });
        registry.and_then(RegistryError::hint).map(str::to_owned)
    })
}
