//! Every outward document. A format is one file and one line in [`all`].
#![forbid(unsafe_code)]

pub mod account;
pub mod admission;
pub mod all;
mod case;
pub mod check;
pub mod copy;
pub mod csv;
pub mod cyclonedx;
pub mod diff;
pub mod drift;
pub mod explain;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod in_toto;
pub mod json;
pub mod junit;
pub mod known;
pub mod licenses;
pub mod lineage;
pub mod lint;
pub mod markdown;
pub mod openvex;
pub mod pins;
pub mod plan;
pub mod promote;
pub mod retire;
pub mod sarif;
pub mod sbom;
pub mod scrub;
pub mod secrets;
pub mod spdx;
pub mod spdx3;
pub mod summary;
pub mod table;
pub mod template;
pub mod tree;
pub mod trust;
mod upgrade;
pub mod verify;
mod xml_tree;
mod xml_write;

#[cfg(test)]
mod testing;

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_model::decision::Decision;
use plimsoll_model::scan::Scan;

use sbom::BillFormat;
use template::Template;

/// The JSON schema of a document, as it is published.
pub(crate) fn schema_of<T: schemars::JsonSchema>() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(T)).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes a JSON document as all of them are: with indentation, and an end of line.
pub(crate) fn write_json(document: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}

/// A list that is made while it is written, so that it is never there as a whole.
pub(crate) struct Each<F>(pub(crate) F);

impl<F, I> serde::Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: serde::Serialize,
{
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Everything a report may show.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The scans, one a platform.
    pub scans: &'a [Scan],
    /// What follows from each of them under a policy; empty if none was asked.
    pub decisions: &'a [Decision],
    /// The last day to mend each finding of each scan, by the policy's days; empty where that was not asked.
    pub due: &'a [Vec<Option<Date>>],
    /// Plimsoll's version.
    pub version: &'a str,
    /// How long the scan took; formats that must be the same bytes each time leave it out.
    pub elapsed: Option<Duration>,
    /// When documents that must tell say that they were made, if that was given (`SOURCE_DATE_EPOCH`).
    pub made: Option<Timestamp>,
    /// The time, for those documents where neither that nor the image tells one.
    pub now: Timestamp,
    /// The user's template, for the format that needs one.
    pub template: Option<&'a Template>,
    /// How it may look, for formats that people read.
    pub style: Style,
}

/// How a format that people read may look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Whether colors may be used.
    pub color: bool,
    /// The terminal's width in columns; unbounded where there is no terminal.
    pub width: Option<u16>,
}

/// A way to write a report.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The name in options.
    pub name: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// Whether it lists the files that packages own, and which packages need which.
    pub needs_details: bool,
    /// Writes it.
    pub writer: Writer,
}

/// How a format is written.
#[derive(Clone, Copy, Debug)]
pub enum Writer {
    /// From everything that a report shows.
    Report(fn(&Report<'_>, &mut dyn Write) -> io::Result<()>),
    /// As a bill of materials, for which nothing need be scanned.
    Bill(BillFormat),
}

impl Format {
    /// Writes the report.
    ///
    /// # Errors
    /// If `out` takes nothing.
    pub fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        match &self.writer {
            Writer::Report(write) => write(report, out),
            Writer::Bill(format) => (format.write)(&sbom::make::of_report(report), out),
        }
    }

    /// How it holds a bill of materials, if it does.
    #[must_use]
    pub const fn bill(&self) -> Option<&BillFormat> {
        match &self.writer {
            Writer::Report(_) => None,
            Writer::Bill(format) => Some(format),
        }
    }
}
