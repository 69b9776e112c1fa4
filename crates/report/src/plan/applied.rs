//! What was put into an image, and what it became, for a person.

use std::io::{self, Write};

use comfy_table::Cell;
use plimsoll_model::decision::Decision;
use plimsoll_model::patch::Kept;

use super::AppliedReport;
use crate::Style;
use crate::table::{bold, clean, new_table, plural, section};

/// Said of every new image.
pub(super) const NOT_RUN: &str = "No script of a package was run, and the cache of the dynamic linker (/etc/ld.so.cache) is the one of before. \
Signatures, attestations and bills of materials of the old digest do not hold for the new one.";

/// How much of a script's line is shown.
const LINE: usize = 40;

/// The head of a script's line.
fn short(line: &str) -> String {
    let head: String = line.chars().take(LINE).collect();
    if head.len() < line.len() { format!("{head}…") } else { head }
}

pub(super) fn write(
    applied: &AppliedReport<'_>,
    before: &Decision,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let patch = applied.patch;
    section("Applied", style, out)?;
    for repository in &patch.repositories {
        writeln!(out, "  from {}, signed by {}", clean(&repository.name), clean(&repository.signed_by))?;
    }
    for (name, reason) in &patch.refused {
        writeln!(out, "  not from {}: {}", clean(name), clean(reason))?;
    }
    if !patch.packages.is_empty() {
        let mut table = new_table(style, &["Package", "From", "To", "Not run"]);
        for package in &patch.packages {
            let scripts: Vec<String> =
                package.scripts.iter().map(|(name, line)| format!("{name}: {}", short(line))).collect();
            table.add_row(vec![
                Cell::new(clean(&package.name)),
                Cell::new(clean(package.from.as_deref().unwrap_or("new"))),
                Cell::new(clean(&package.to)),
                Cell::new(clean(&scripts.join("; "))),
            ]);
        }
        writeln!(out, "{table}")?;
    }
    for (name, version, reason) in &patch.unfulfilled {
        writeln!(out, "  not upgraded: {} to {}: {}", clean(name), clean(version), clean(reason))?;
    }
    patch.kept.iter().try_for_each(|kept| write_kept(kept, out))?;
    let (Some(layer), Some((after, decision))) = (&patch.layer, applied.after) else {
        return writeln!(out, "\nnothing was upgraded, and no image is written");
    };
    writeln!(
        out,
        "\none new layer of {} bytes: {} file{} written, {} taken away\n{NOT_RUN}\n",
        layer.size,
        layer.files,
        plural(layer.files),
        layer.removed
    )?;
    if let Some(destination) = &patch.destination {
        writeln!(out, "written to {}", clean(destination))?;
    }
    if let Some(digest) = patch.digest {
        writeln!(out, "{digest}")?;
    }
    let (from, to) = (before.outcome.as_str().to_uppercase(), decision.outcome.as_str().to_uppercase());
    let policy = clean(&decision.policy.name);
    writeln!(out, "{} → {}  under the policy {policy}", bold(&from, style), bold(&to, style))?;
    writeln!(out, "{} finding{} left", after.findings.len(), plural(after.findings.len()))
}

/// What became of configuration that was changed in the image.
fn write_kept(kept: &Kept, out: &mut dyn Write) -> io::Result<()> {
    match kept {
        Kept::Stays { path, new } => writeln!(
            out,
            "  kept: {} was changed in the image; the new one lies beside it as {}",
            clean(path),
            clean(new)
        ),
        Kept::Saved { path, old } => writeln!(
            out,
            "  replaced: {} was changed in the image, and lies as {} now",
            clean(path),
            clean(old)
        ),
    }
}
