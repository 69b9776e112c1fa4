//! The canonical form of a policy file: the order of keys, two spaces for each level, at most one empty line in a row.
//!
//! It works on lines. A comment stays above what it stands above, texts of several lines and what is in brackets keep their
//! form, and a file in a form that is not understood is refused. What comes out must mean what went in.

use std::ops::Range;

use plimsoll_formats::yaml_tree::{Limits as TreeLimits, Tree, Yaml};

use crate::read::{Limits, PolicyError, document};

/// Keys in their order, by the place of their mapping.
const ORDERS: &[(&[&str], &[&str])] = &[
    (
        &[],
        &[
            "version",
            "trust",
            "extends",
            "environments",
            "rego",
            "rules",
            "exceptions",
            "exceptions-from",
            "gaps",
            "tests",
        ],
    ),
    (&["environments", "*"], &["fail", "warn", "undecided"]),
    (&["rules"], &["id", "match", "image", "require", "after", "then", "reason"]),
    (&["exceptions"], &["match", "reason", "owner", "expires", "ticket"]),
    (&["gaps", "*"], &["then", "reason"]),
    (&["tests"], &["name", "finding", "image", "environment", "date", "digest", "expect", "rule"]),
];

/// An empty line within a text, which counts.
const KEPT: &str = "\0";

/// Puts the policy file `name` into canonical form.
///
/// # Errors
/// If it is no policy, or in a form that is not understood.
pub fn format(name: &str, bytes: &[u8], limits: Limits) -> Result<String, PolicyError> {
    let before = document(name, bytes, limits)?;
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let tree = Tree::read(&text, TreeLimits { bytes: limits.bytes, ..TreeLimits::default() });
    let refused = |reason: &str| PolicyError::Invalid {
        name: name.to_owned(),
        reason: format!("it cannot be put into canonical form: {reason}"),
    };
    let root = tree.documents().next().ok_or_else(|| refused("it is empty"))?;
    let printer = Printer { tree: &tree, lines: lines(&text) };
    let formatted = printer
        .document(root)
        .map_err(|Odd { line }| refused(&format!("line {} is in a form that is not understood", line + 1)))?;
    match document(name, formatted.as_bytes(), limits) {
        Ok(after) if after == before => Ok(formatted),
        _ => Err(refused("it would mean something else")),
    }
}

/// Lines with the place of their first byte.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut start = 0;
    let line = |line| {
        let place = (start, line);
        start += str::len(line) + 1;
        place
    };
    text.lines().map(line).collect()
}

/// A line in a form that is not understood.
struct Odd {
    line: usize,
}

struct Printer<'t> {
    tree: &'t Tree,
    lines: Vec<(usize, &'t str)>,
}

/// An entry of a mapping or an item of a sequence: its lines, those of the comments above it first.
struct Part<'t> {
    key: Option<Yaml<'t>>,
    value: Yaml<'t>,
    /// The line that it begins in.
    line: usize,
    region: Range<usize>,
}

impl<'t> Printer<'t> {
    fn document(&self, root: Yaml<'t>) -> Result<String, Odd> {
        let first = self.line_of(root.offset());
        // A header stands apart from the first key by an empty line, or is for editors.
        let is_header = |line: &usize| {
            self.text(*line).trim().is_empty()
                || self.text(*line).starts_with("# yaml-language-server")
                || self.text(*line).starts_with("---")
        };
        let header = (0..first).rev().find(is_header).map_or(0, |line| line + 1);
        let is_footer = |line: &usize| self.is_comment(*line) && self.indent(*line) == 0;
        let footer = (first..self.lines.len()).rev().take_while(is_footer).last().unwrap_or(self.lines.len());
        let mut out: Vec<String> = (0..header).map(|line| self.text(line).trim_end().to_owned()).collect();
        self.collection(root, header..footer, 0, &mut Vec::new(), &mut out)?;
        out.extend((footer..self.lines.len()).map(|line| self.text(line).trim_end().to_owned()));
        let mut text = String::new();
        let mut was_empty = true;
        for line in out {
            if line.is_empty() && was_empty {
                continue;
            }
            was_empty = line.is_empty();
            text.push_str(if line == KEPT { "" } else { &line });
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        Ok(text)
    }

    /// Writes a mapping or a sequence in block style, whose lines are `region`.
    fn collection(
        &self,
        node: Yaml<'t>,
        region: Range<usize>,
        indent: usize,
        path: &mut Vec<String>,
        out: &mut Vec<String>,
    ) -> Result<(), Odd> {
        let (region, tail) = self.split_tail(node, region)?;
        let mut parts = self.parts(node, region)?;
        if node.is_mapping() {
            let order = order(path);
            let rank = |part: &Part<'_>| {
                let name = part.key.and_then(Yaml::text).unwrap_or_default();
                order.iter().position(|known| *known == name).unwrap_or(order.len())
            };
            parts.sort_by_key(rank);
        }
        let from = out.len();
        for part in parts {
            self.part(&part, indent, path, out)?;
        }
        let empty = out.iter().skip(from).take_while(|line| line.is_empty()).count();
        out.drain(from..from + empty);
        out.extend(tail.map(|line| indented(self.text(line).trim(), indent)));
        Ok(())
    }

    /// Parts the comments at the end that stand no deeper than what the collection has in it.
    fn split_tail(&self, node: Yaml<'t>, region: Range<usize>) -> Result<(Range<usize>, Range<usize>), Odd> {
        let first = node.own_entries().next().map(|(key, _)| (key, false));
        let Some((first, is_item)) = first.or_else(|| node.items().next().map(|item| (item, true))) else {
            return Err(Odd { line: region.start });
        };
        let column = self.column(self.line_of(first.offset()), first.offset(), is_item)?;
        let comments = region.clone().rev().take_while(|line| self.is_comment(*line)).last();
        let is_outer = |line: &usize| !self.text(*line).trim().is_empty() && self.indent(*line) <= column;
        let tail = (comments.unwrap_or(region.end)..region.end).find(is_outer).unwrap_or(region.end);
        Ok((region.start..tail, tail..region.end))
    }

    fn parts(&self, node: Yaml<'t>, region: Range<usize>) -> Result<Vec<Part<'t>>, Odd> {
        let all: Vec<(Option<Yaml<'t>>, Yaml<'t>)> = if node.is_mapping() {
            node.own_entries().map(|(key, value)| (Some(key), value)).collect()
        } else {
            node.items().map(|item| (None, item)).collect()
        };
        let mut parts: Vec<Part<'t>> = Vec::new();
        let mut start = region.start;
        for (key, value) in all {
            let offset = key.unwrap_or(value).offset();
            let line = self.line_of(offset);
            let column = self.column(line, offset, key.is_none())?;
            if let Some(last) = parts.last_mut() {
                start = self.comments_above(line, last.line, column);
                last.region.end = start;
                if line <= last.line {
                    return Err(Odd { line });
                }
            }
            if !region.contains(&line) {
                return Err(Odd { line });
            }
            parts.push(Part { key, value, line, region: start..region.end });
        }
        Ok(parts)
    }

    /// The column of what begins at `offset`: of the dash for an item.
    fn column(&self, line: usize, offset: usize, is_item: bool) -> Result<usize, Odd> {
        let before = self.text(line).get(..self.in_line(line, offset)).ok_or(Odd { line })?;
        let before = before.trim_end_matches(' ');
        match (is_item, before.strip_suffix('-')) {
            (true, Some(before)) => Ok(before.len()),
            (true, None) => Err(Odd { line }),
            (false, _) => Ok(self.in_line(line, offset)),
        }
    }

    /// The first line of the comments above `line` that belong to what is there, not to what is before.
    fn comments_above(&self, line: usize, floor: usize, column: usize) -> usize {
        let above = (floor + 1..line).rev().take_while(|line| self.is_comment(*line)).last().unwrap_or(line);
        let is_deeper = |line: &usize| !self.text(*line).trim().is_empty() && self.indent(*line) > column;
        (above..line).rev().find(is_deeper).map_or(above, |line| line + 1)
    }

    fn part(
        &self,
        part: &Part<'t>,
        indent: usize,
        path: &mut Vec<String>,
        out: &mut Vec<String>,
    ) -> Result<(), Odd> {
        for line in part.region.start..part.line {
            out.push(indented(self.text(line).trim(), indent));
        }
        let Some(key) = part.key else { return self.item(part, indent, path, out) };
        let value = self.line_of(part.value.offset());
        if self.is_block(part.value) && value > part.line && part.region.contains(&value) {
            let rest = self.text(part.line).get(self.in_line(part.line, key.offset())..).unwrap_or_default();
            out.push(indented(rest.trim_end(), indent));
            path.push(key.text().unwrap_or_default().to_owned());
            self.collection(part.value, part.line + 1..part.region.end, indent + 2, path, out)?;
            path.pop();
            return Ok(());
        }
        self.as_written(part, key.offset(), indent, "", out);
        Ok(())
    }

    fn item(
        &self,
        part: &Part<'t>,
        indent: usize,
        path: &mut Vec<String>,
        out: &mut Vec<String>,
    ) -> Result<(), Odd> {
        if !self.is_block(part.value) {
            self.as_written(part, part.value.offset(), indent, "- ", out);
            return Ok(());
        }
        if !part.value.is_mapping() {
            return Err(Odd { line: part.line });
        }
        let from = out.len();
        self.collection(part.value, part.line..part.region.end, indent + 2, path, out)?;
        let is_key = |line: &String| !line.is_empty() && !line.trim_start().starts_with('#');
        for line in out.iter_mut().skip(from) {
            if is_key(line) {
                *line = format!("{}- {}", " ".repeat(indent), line.trim_start());
                return Ok(());
            }
            *line = indented(line.trim_start(), indent);
        }
        Err(Odd { line: part.line })
    }

    /// Writes what begins at `offset` as it stands, moved to `indent`, and what comments follow.
    fn as_written(&self, part: &Part<'t>, offset: usize, indent: usize, dash: &str, out: &mut Vec<String>) {
        let column = self.in_line(part.line, offset);
        let rest = self.text(part.line).get(column..).unwrap_or_default();
        out.push(indented(&format!("{dash}{}", rest.trim_end()), indent));
        let target = indent + dash.len();
        let lines = part.line + 1..part.region.end;
        let comments = lines.clone().rev().take_while(|line| self.is_comment(*line)).count();
        let content = lines.end.saturating_sub(comments);
        for line in lines {
            let text = self.text(line);
            if line >= content {
                // Deeper, it could become a part of the text before it.
                out.push(indented(text.trim(), indent));
                continue;
            }
            let own = text.len() - text.trim_start_matches(' ').len();
            let moved = (own + target).saturating_sub(column);
            let text = text.trim_start_matches(' ');
            out.push(if text.is_empty() { KEPT.to_owned() } else { indented(text, moved) });
        }
    }

    fn is_block(&self, node: Yaml<'t>) -> bool {
        let line = self.line_of(node.offset());
        let first = self.text(line).get(self.in_line(line, node.offset())..).unwrap_or_default();
        if node.is_mapping() {
            return !first.starts_with('{');
        }
        // A sequence without indentation begins where its first item does.
        let is_at_item = node.items().next().is_some_and(|item| item.offset() == node.offset());
        node.is_sequence() && (is_at_item || !first.starts_with('['))
    }

    /// Whether a line is empty or but a comment.
    fn is_comment(&self, line: usize) -> bool {
        let text = self.text(line).trim_start();
        let offset = self.lines.get(line).map_or(0, |(start, whole)| start + whole.len() - text.len());
        text.is_empty() || (text.starts_with('#') && !self.tree.is_in_scalar(offset))
    }

    fn indent(&self, line: usize) -> usize {
        self.text(line).len() - self.text(line).trim_start_matches(' ').len()
    }

    fn text(&self, line: usize) -> &'t str {
        self.lines.get(line).map_or("", |(_, text)| text)
    }

    fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|(start, _)| *start <= offset).saturating_sub(1)
    }

    fn in_line(&self, line: usize, offset: usize) -> usize {
        self.lines.get(line).map_or(0, |(start, _)| offset.saturating_sub(*start))
    }
}

fn indented(text: &str, indent: usize) -> String {
    if text.is_empty() { String::new() } else { format!("{}{text}", " ".repeat(indent)) }
}

/// The order of the keys of the mapping at `path`; selectors keep theirs.
fn order(path: &[String]) -> &'static [&'static str] {
    let is_at = |place: &&[&str]| {
        place.len() == path.len()
            && place.iter().zip(path).all(|(known, name)| *known == "*" || known == name)
    };
    ORDERS.iter().find(|(place, _)| is_at(place)).map_or(&[], |(_, order)| *order)
}

#[cfg(test)]
mod tests;
