//! YAML as a tree whose every node knows where in the text it stands; JSON is YAML.
//!
//! Scalars keep their text: what they mean is asked by [`Yaml::boolean`] and its like, as Kubernetes and Compose take it
//! (YAML 1.1's words for booleans included). An alias is its target, never a copy, and what a document would grow to if
//! all were copies has a limit. Specification: <https://yaml.org/spec/1.2.2/>, <https://yaml.org/type/merge.html>.

mod build;
mod scalar;

use std::ops::Range;

/// What a text may grow to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Nodes of all documents, aliases counted as the nodes that they repeat.
    pub nodes: usize,
    /// Collections within collections, those behind aliases included.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, nodes: 1_000_000, depth: 200 }
    }
}

/// Why a text could not be read to its end.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum YamlError {
    /// The text is too long.
    #[error("the text has more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// There is too much in it, or aliases repeat too much.
    #[error("line {line}: more than {limit} nodes, with those that aliases repeat")]
    TooManyNodes {
        /// The limit.
        limit: usize,
        /// Where it was reached, counted from one.
        line: usize,
    },
    /// Too many collections stand within one another.
    #[error("line {line}: more than {limit} collections within one another")]
    TooDeep {
        /// The limit.
        limit: usize,
        /// Where it was reached, counted from one.
        line: usize,
    },
    /// An alias stands for what it is a part of.
    #[error("line {line}: an alias stands for what it is a part of")]
    Circular {
        /// Where, counted from one.
        line: usize,
    },
    /// It is no YAML.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Where, counted from one.
        line: usize,
        /// Why, in the parser's words.
        reason: String,
    },
}

impl YamlError {
    /// Tells whether a limit ended the reading, rather than a mistake in the text.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::TooManyNodes { .. } | Self::TooDeep { .. })
    }
}

/// All documents of a text that could be read.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    documents: Vec<usize>,
    repeated: Vec<usize>,
    scalars: Vec<Range<usize>>,
    error: Option<YamlError>,
}

#[derive(Clone, Debug)]
struct Node {
    span: Range<usize>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Scalar { text: Box<str>, is_plain: bool },
    Sequence(Vec<usize>),
    Mapping(Vec<(usize, usize)>),
}

impl Tree {
    /// Reads `text` as far as it goes; [`Tree::error`] tells where it ended early.
    #[must_use]
    pub fn read(text: &str, limits: Limits) -> Self {
        build::build(text, limits)
    }

    /// The documents up to the first error.
    pub fn documents(&self) -> impl Iterator<Item = Yaml<'_>> {
        self.documents.iter().map(|&id| Yaml { tree: self, id })
    }

    /// Keys that stand in their mapping a second time; the last one counts.
    pub fn repeated_keys(&self) -> impl Iterator<Item = Yaml<'_>> {
        self.repeated.iter().map(|&id| Yaml { tree: self, id })
    }

    /// Keys that stand before a merge key which brings the same key. YAML lets the mapping's own value count; programs that
    /// read with go-yaml 2, kubectl among them, let the later one.
    #[must_use]
    pub fn contested_keys(&self) -> Vec<Yaml<'_>> {
        let mappings =
            (0..self.nodes.len()).map(|id| Yaml { tree: self, id }).filter(|node| node.is_mapping());
        mappings.flat_map(Yaml::contested).collect()
    }

    /// Why the text could not be read to its end; its last document is left out then.
    #[must_use]
    pub const fn error(&self) -> Option<&YamlError> {
        self.error.as_ref()
    }

    /// Tells whether the byte at `offset` belongs to a scalar's text, so that a `#` there begins no comment.
    #[must_use]
    pub fn is_in_scalar(&self, offset: usize) -> bool {
        let after = self.scalars.partition_point(|span| span.start <= offset);
        let before = after.checked_sub(1).and_then(|index| self.scalars.get(index));
        before.is_some_and(|span| span.contains(&offset))
    }
}

/// A node of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Yaml<'t> {
    tree: &'t Tree,
    id: usize,
}

impl<'t> Yaml<'t> {
    fn node(self) -> Option<&'t Node> {
        self.tree.nodes.get(self.id)
    }

    const fn sibling(self, id: usize) -> Self {
        Self { tree: self.tree, id }
    }

    /// The byte at which it starts.
    #[must_use]
    pub fn offset(self) -> usize {
        self.node().map_or(0, |node| node.span.start)
    }

    /// Its bytes. Those of a collection in block style may reach to the start of what follows.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.node().map_or(0..0, |node| node.span.clone())
    }

    /// The text of a scalar, whatever it means.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        match &self.node()?.content {
            Content::Scalar { text, .. } => Some(text),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The text of a scalar without quotes, which may mean something else than its text.
    fn plain(self) -> Option<&'t str> {
        match &self.node()?.content {
            Content::Scalar { text, is_plain: true } => Some(text),
            Content::Scalar { .. } | Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The text of a scalar that is not null.
    #[must_use]
    pub fn string(self) -> Option<&'t str> {
        if self.is_null() { None } else { self.text() }
    }

    /// Tells whether it is null, as an empty value is.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.plain().is_some_and(scalar::is_null)
    }

    /// The truth value of a scalar without quotes.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        self.plain().and_then(scalar::boolean)
    }

    /// The whole number of a scalar without quotes.
    #[must_use]
    pub fn integer(self) -> Option<i64> {
        self.plain().and_then(scalar::integer)
    }

    /// Tells whether it is a mapping.
    #[must_use]
    pub fn is_mapping(self) -> bool {
        matches!(self.node(), Some(Node { content: Content::Mapping(_), .. }))
    }

    /// Tells whether it is a sequence.
    #[must_use]
    pub fn is_sequence(self) -> bool {
        matches!(self.node(), Some(Node { content: Content::Sequence(_), .. }))
    }

    /// The elements of a sequence; none of anything else.
    pub fn items(self) -> impl Iterator<Item = Self> {
        let items: &[usize] = match self.node().map(|node| &node.content) {
            Some(Content::Sequence(items)) => items,
            Some(Content::Scalar { .. } | Content::Mapping(_)) | None => &[],
        };
        items.iter().map(move |&id| self.sibling(id))
    }

    fn pairs(self) -> &'t [(usize, usize)] {
        match self.node().map(|node| &node.content) {
            Some(Content::Mapping(pairs)) => pairs,
            Some(Content::Scalar { .. } | Content::Sequence(_)) | None => &[],
        }
    }

    /// The keys and values that stand in a mapping itself, in the order of the text.
    pub fn own_entries(self) -> impl Iterator<Item = (Self, Self)> {
        self.pairs().iter().map(move |&(key, value)| (self.sibling(key), self.sibling(value)))
    }

    /// The keys and values of a mapping, those behind merge keys (`<<`) included, each key once.
    #[must_use]
    pub fn entries(self) -> Vec<(Self, Self)> {
        let mut entries = Vec::new();
        let mut known = std::collections::HashSet::new();
        self.gather(&mut entries, &mut known);
        entries
    }

    fn gather(self, entries: &mut Vec<(Self, Self)>, known: &mut std::collections::HashSet<&'t str>) {
        let own: Vec<(Self, Self)> = self.own_entries().collect();
        let start = entries.len();
        for &(key, value) in own.iter().rev() {
            if key.text().is_some_and(|name| name != MERGE && known.insert(name)) {
                entries.push((key, value));
            }
        }
        if let Some(added) = entries.get_mut(start..) {
            added.reverse();
        }
        for merged in self.merged() {
            merged.gather(entries, known);
        }
    }

    fn contested(self) -> Vec<Self> {
        let Some(merge) = self.own_entries().position(|(key, _)| key.text() == Some(MERGE)) else {
            return Vec::new();
        };
        let merged: Vec<(Self, Self)> = self.merged().flat_map(Self::entries).collect();
        let names: std::collections::HashSet<&str> =
            merged.iter().filter_map(|(key, _)| key.text()).collect();
        let before = self.own_entries().take(merge).map(|(key, _)| key);
        before.filter(|key| key.text().is_some_and(|name| names.contains(name))).collect()
    }

    /// The mappings that merge keys bring, the strongest first.
    fn merged(self) -> impl Iterator<Item = Self> {
        let values = self.own_entries().filter(|(key, _)| key.text() == Some(MERGE)).map(|(_, value)| value);
        values.flat_map(|value| value.items().chain(value.is_mapping().then_some(value)).collect::<Vec<_>>())
    }

    /// The key and the value of `name` in a mapping. Of repeated ones the last; null counts as absent.
    #[must_use]
    pub fn entry(self, name: &str) -> Option<(Self, Self)> {
        let own = self.own_entries().filter(|(key, _)| key.text() == Some(name)).last();
        let found = own.or_else(|| self.merged().find_map(|merged| merged.entry_or_null(name)))?;
        (!found.1.is_null()).then_some(found)
    }

    fn entry_or_null(self, name: &str) -> Option<(Self, Self)> {
        let own = self.own_entries().filter(|(key, _)| key.text() == Some(name)).last();
        own.or_else(|| self.merged().find_map(|merged| merged.entry_or_null(name)))
    }

    /// The value of `name` in a mapping, if it is not null.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Self> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The value that the names lead to one after another.
    #[must_use]
    pub fn at(self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }
}

/// The key whose value's entries count as the mapping's own.
const MERGE: &str = "<<";

#[cfg(test)]
mod tests;
