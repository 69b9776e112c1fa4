//! Edits of YAML in block style that keep all other bytes.

use plimsoll_formats::yaml_tree::Yaml;

use crate::build_file::{Edit, FileRule};

/// The edit that puts `lines` as entries before the first one of `mapping`; each line begins where that entry does, and
/// may be indented further. None where the mapping is not in block style, or what stands before its first key is more
/// than space and dashes.
pub(crate) fn inserted(
    rule: &'static FileRule,
    text: &str,
    mapping: Yaml<'_>,
    lines: &[&str],
) -> Option<Edit> {
    let (key, _) = mapping.own_entries().next()?;
    let at = key.offset();
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = text.get(start..at)?;
    // A key in flow style, an anchor, a tag or `? ` may stand before it; then it is not ours to change.
    let is_block = text.get(mapping.offset()..)?.starts_with(|c| c != '{');
    if !is_block || mapping.offset() != at || !before.chars().all(|c| matches!(c, ' ' | '-')) {
        return None;
    }
    let ending = if text.get(at..)?.split_inclusive('\n').next()?.ends_with("\r\n") { "\r\n" } else { "\n" };
    let indent = " ".repeat(before.len());
    let replacement = lines.iter().map(|line| format!("{line}{ending}{indent}")).collect();
    Some(Edit { rule: rule.id, range: at..at, replacement })
}

/// The edit that puts `replacement` in the place of a scalar on one line.
pub(crate) fn replaced(
    rule: &'static FileRule,
    text: &str,
    scalar: Yaml<'_>,
    replacement: &str,
) -> Option<Edit> {
    let range = scalar.span();
    let written = text.get(range.clone())?;
    let is_simple = !written.is_empty() && !written.contains('\n') && !written.starts_with(['|', '>']);
    is_simple.then(|| Edit { rule: rule.id, range, replacement: replacement.to_owned() })
}

/// The edits in the order of the text, each once and without overlaps.
pub(super) fn in_order(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut kept: Vec<Edit> = Vec::new();
    for edit in edits {
        let overlaps = kept.last().is_some_and(|last| edit.range.start < last.range.end);
        if !overlaps
            && !kept
                .iter()
                .rev()
                .take_while(|last| last.range.start == edit.range.start)
                .any(|last| *last == edit)
        {
            kept.push(edit);
        }
    }
    kept
}
