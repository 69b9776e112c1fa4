//! What was taken out of an image, in words and as JSON: what changed, what must be rotated, and what does not hold for the
//! new image.

mod document;
pub mod repository;

use std::io::{self, Write};

use comfy_table::Cell;
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::scrub::{Rotation, Scrub, ScrubbedImage};

use crate::Style;
use crate::table::{bold, clean, first_gaps, new_table, plural, section};

pub use document::{SCHEMA_VERSION, schema, write_json};

/// Said of every new image.
pub const OLD_DIGEST: &str = "Signatures, attestations and bills of materials of the image before do not hold for the image after: it has \
another digest. Sign it, attest it and list its contents anew.";

/// Said where secrets went.
pub const STILL_OUT: &str = "Whoever could pull the image before may have these secrets, and keeps them: revoke each and issue a new one, \
then delete the image before wherever it lies.";

/// Writes what was done, or would be, for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(scrub: &Scrub, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for image in &scrub.images {
        header(image, style, out)?;
        layers(image, style, out)?;
        settings(image, style, out)?;
        rotate(image, style, out)?;
        remaining(image, style, out)?;
        if !image.gaps.is_empty() {
            section("Not searched", style, out)?;
            first_gaps(&image.gaps, out)?;
            writeln!(out)?;
        }
    }
    summary(scrub, out)
}

fn header(image: &ScrubbedImage, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let digest = |image: &ImageIdentity| {
        let digest = image.manifest_digest.or(image.config_digest);
        digest.map_or_else(|| "no digest".to_owned(), |digest| digest.to_string())
    };
    writeln!(out, "{}  {}", bold(&clean(&image.before.name), style), image.before.platform)?;
    writeln!(out, "{:>6}  {}", "before", digest(&image.before))?;
    if let Some(after) = &image.after {
        writeln!(out, "{:>6}  {}", "after", digest(after))?;
    }
    writeln!(out)
}

fn layers(image: &ScrubbedImage, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let changed = || image.layers.iter().enumerate().filter(|(_, layer)| !layer.files.is_empty());
    if changed().next().is_none() {
        return Ok(());
    }
    section("Files", style, out)?;
    let steps: Vec<_> = image.layers.iter().map(|layer| layer.created_by.as_deref()).collect();
    let mut table = new_table(style, &["Layer", "File", "What", "Why"]);
    for (index, layer) in changed() {
        for file in &layer.files {
            table.add_row(vec![
                Cell::new(layer_title(&steps, index)),
                Cell::new(clean(&format!("/{}", file.path))),
                Cell::new(file.change.as_str()),
                Cell::new(clean(&file.rules.join(", "))),
            ]);
        }
    }
    writeln!(out, "{table}\n")?;
    if image.after.is_none() {
        return Ok(());
    }
    section("Layers", style, out)?;
    let mut table = new_table(style, &["Layer", "", "Diff ID", "Digest"]);
    for (index, layer) in changed() {
        for (sign, ids) in [("before", Some(layer.before)), ("after", layer.after)] {
            let Some(ids) = ids else { continue };
            table.add_row(vec![
                Cell::new(index + 1),
                Cell::new(sign),
                Cell::new(ids.diff_id.map_or_else(String::new, |id| id.to_string())),
                Cell::new(ids.digest.map_or_else(String::new, |digest| digest.to_string())),
            ]);
        }
    }
    writeln!(out, "{table}\n")
}

fn layer_title(steps: &[Option<&str>], index: usize) -> String {
    match steps.get(index).copied().flatten() {
        Some(step) => format!("{}: {}", index + 1, crate::table::shortened(&clean(step))),
        None => (index + 1).to_string(),
    }
}

fn settings(image: &ScrubbedImage, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if image.settings.is_empty() {
        return Ok(());
    }
    section("Documents", style, out)?;
    let mut table = new_table(style, &["Where", "What", "Why"]);
    for setting in &image.settings {
        table.add_row(vec![
            Cell::new(clean(&setting.place)),
            Cell::new("redacted"),
            Cell::new(clean(&setting.rules.join(", "))),
        ]);
    }
    writeln!(out, "{table}\n")
}

fn rotate(image: &ScrubbedImage, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if image.rotate.is_empty() {
        return Ok(());
    }
    section("Must be rotated", style, out)?;
    rotations(&image.rotate, style, out)?;
    writeln!(out, "{STILL_OUT}\n")
}

/// Secrets, each with where it was.
fn rotations(rotate: &[Rotation], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut table = new_table(style, &["Severity", "Secret", "Head", "Fingerprint", "Where it was"]);
    for rotation in rotate {
        let more = rotation.places.len().saturating_sub(1);
        let first = rotation.places.first().map(|place| clean(place)).unwrap_or_default();
        let places = if more == 0 { first } else { format!("{first} and {more} more") };
        table.add_row(vec![
            Cell::new(rotation.severity.as_str()),
            Cell::new(clean(&rotation.title)),
            Cell::new(clean(&rotation.redacted)),
            Cell::new(rotation.fingerprint.chars().take(16).collect::<String>()),
            Cell::new(places),
        ]);
    }
    writeln!(out, "{table}")
}

fn remaining(image: &ScrubbedImage, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if image.remaining.is_empty() {
        return Ok(());
    }
    section("Secrets that remain", style, out)?;
    let mut table = new_table(style, &["Severity", "Rule", "What"]);
    for finding in &image.remaining {
        table.add_row(vec![
            Cell::new(finding.severity.as_str()),
            Cell::new(clean(&finding.id)),
            Cell::new(clean(&finding.title)),
        ]);
    }
    writeln!(out, "{table}\n")
}

fn summary(scrub: &Scrub, out: &mut dyn Write) -> io::Result<()> {
    if scrub.is_empty() {
        writeln!(out, "Nothing has to go.")?;
    }
    let Some(destination) = &scrub.destination else {
        return writeln!(out, "Nothing was written: this is what would change.");
    };
    if let (Some(before), Some(after)) = (scrub.index_before, scrub.index_after) {
        writeln!(out, "The index was {before} and is {after}.")?;
    }
    let dropped = scrub.dropped_attestations;
    if dropped > 0 {
        let s = plural(dropped);
        writeln!(
            out,
            "{dropped} attestation{s} of the index before {} left out.",
            if s.is_empty() { "is" } else { "are" }
        )?;
    }
    writeln!(out, "Written to {}.", clean(destination))?;
    writeln!(out, "{}", verdict(scrub))?;
    if !scrub.is_empty() || dropped > 0 {
        writeln!(out, "{OLD_DIGEST}")?;
    }
    Ok(())
}

/// What the new image was proved to be.
fn verdict(scrub: &Scrub) -> &'static str {
    if scrub.leaves_secrets() {
        "Every other file, its metadata and all packages are the same, but secrets remain: see above."
    } else if scrub.images.iter().any(|image| !image.gaps.is_empty()) {
        "Every other file, its metadata and all packages are the same; not all files could be searched for secrets: see above."
    } else {
        "Verified: every other file, its metadata and all packages are the same, and a scan finds no secret."
    }
}

#[cfg(test)]
mod tests;
