//! rpm databases: of all three forms written here, made by the machine's own tools, and hostile ones.
#![cfg(test)]

mod forms;
mod hostile;
mod real;
mod write;

use plimsoll_formats::rpmdb::{Header, Limits, RpmDbError, headers};

/// A package in one line: name, epoch, version-release, architecture, source.
fn describe(header: &Header<'_>) -> String {
    let text = |value: Option<std::borrow::Cow<'_, str>>| value.map_or("(none)".into(), |v| v.into_owned());
    format!(
        "{}\t{}\t{}-{}\t{}\t{}",
        text(header.name()),
        header.epoch().unwrap_or(0),
        text(header.version()),
        text(header.release()),
        text(header.architecture()),
        text(header.source_rpm()),
    )
}

/// The packages and the errors of a database.
fn read(bytes: &[u8]) -> (Vec<Header<'_>>, Vec<RpmDbError>) {
    let (mut good, mut broken) = (Vec::new(), Vec::new());
    for header in headers(bytes, &Limits::default()) {
        match header {
            Ok(header) => good.push(header),
            Err(error) => broken.push(error),
        }
    }
    (good, broken)
}
