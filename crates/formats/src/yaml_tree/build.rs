//! From the parser's events to a tree, under limits.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

use super::{Content, Limits, MERGE, Node, Tree, YamlError};

pub(super) fn build(text: &str, limits: Limits) -> Tree {
    if text.len() > limits.bytes {
        return Tree { error: Some(YamlError::TooLarge { limit: limits.bytes }), ..Tree::default() };
    }
    let mut builder = Builder {
        limits,
        places: Places::new(text),
        tree: Tree::default(),
        weights: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        total: 0,
    };
    if let Err(error) = builder.run(text) {
        builder.tree.error = Some(error);
    }
    builder.tree.scalars.sort_unstable_by_key(|span| span.start);
    builder.tree
}

struct Builder<'a> {
    limits: Limits,
    places: Places<'a>,
    tree: Tree,
    /// Of each node; of a collection once it is closed.
    weights: Vec<Weight>,
    open: Vec<Open>,
    anchors: HashMap<usize, usize>,
    /// Nodes of all documents, aliases counted as what they repeat.
    total: usize,
}

/// What a node is if all aliases in it were copies.
#[derive(Clone, Copy)]
struct Weight {
    nodes: usize,
    height: usize,
    is_open: bool,
}

/// A collection whose end has not come.
struct Open {
    id: usize,
    is_mapping: bool,
    children: Vec<usize>,
    nodes: usize,
    height: usize,
}

impl Builder<'_> {
    fn run(&mut self, text: &str) -> Result<(), YamlError> {
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| self.refused(&error))?;
            self.event(event, span)?;
        }
        Ok(())
    }

    /// The parser has a limit of its own, for collections in flow style.
    fn refused(&self, error: &ScanError) -> YamlError {
        let line = error.marker().line();
        if error.info().contains("recursion limit") {
            return YamlError::TooDeep { limit: self.limits.depth, line };
        }
        YamlError::Syntax { line, reason: error.info().to_owned() }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.places.scalar(span, style);
                if !span.is_empty() {
                    self.tree.scalars.push(span.clone());
                }
                let is_string = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let is_plain = style == ScalarStyle::Plain && !is_string;
                let content = Content::Scalar { text: text.into(), is_plain };
                let id = self.node(span, content, anchor, false);
                self.attach(id, line)
            }
            Event::SequenceStart(anchor, _) => self.begin(span, anchor, false),
            Event::MappingStart(anchor, _) => self.begin(span, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let target = target.filter(|&id| self.weights.get(id).is_some_and(|weight| !weight.is_open));
                self.attach(target.ok_or(YamlError::Circular { line })?, line)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn node(
        &mut self,
        span: std::ops::Range<usize>,
        content: Content,
        anchor: usize,
        is_open: bool,
    ) -> usize {
        let id = self.tree.nodes.len();
        self.tree.nodes.push(Node { span, content });
        self.weights.push(Weight { nodes: 1, height: 0, is_open });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    fn begin(&mut self, span: Span, anchor: usize, is_mapping: bool) -> Result<(), YamlError> {
        if self.open.len() >= self.limits.depth {
            return Err(YamlError::TooDeep { limit: self.limits.depth, line: span.start.line() });
        }
        let content = if is_mapping { Content::Mapping(Vec::new()) } else { Content::Sequence(Vec::new()) };
        let range = self.places.range(span);
        let id = self.node(range, content, anchor, true);
        self.open.push(Open { id, is_mapping, children: Vec::new(), nodes: 1, height: 0 });
        Ok(())
    }

    /// Makes a finished node part of the innermost open collection, or a document.
    fn attach(&mut self, id: usize, line: usize) -> Result<(), YamlError> {
        let weight = self.weights.get(id).copied().unwrap_or(Weight { nodes: 1, height: 0, is_open: false });
        self.total = self.total.saturating_add(weight.nodes);
        if self.total > self.limits.nodes {
            return Err(YamlError::TooManyNodes { limit: self.limits.nodes, line });
        }
        if self.open.len().saturating_add(weight.height) > self.limits.depth {
            return Err(YamlError::TooDeep { limit: self.limits.depth, line });
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(id);
                parent.nodes = parent.nodes.saturating_add(weight.nodes);
                parent.height = parent.height.max(weight.height.saturating_add(1));
            }
            None => self.tree.documents.push(id),
        }
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), YamlError> {
        let Some(Open { id, is_mapping, children, nodes, height }) = self.open.pop() else { return Ok(()) };
        let end = self.places.offset(span.end);
        let repeated = if is_mapping { self.repeated(&children) } else { Vec::new() };
        self.tree.repeated.extend(repeated);
        let height = height.max(1);
        if let Some(weight) = self.weights.get_mut(id) {
            *weight = Weight { nodes, height, is_open: false };
        }
        if let Some(node) = self.tree.nodes.get_mut(id) {
            node.span.end = end.max(node.span.start);
            node.content = if is_mapping {
                let pairs = children.chunks_exact(2);
                Content::Mapping(pairs.filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect())
            } else {
                Content::Sequence(children)
            };
        }
        // The nodes within were counted when they came.
        self.total = self.total.saturating_sub(nodes.saturating_sub(1));
        self.attach(id, span.end.line())
    }

    fn repeated(&self, children: &[usize]) -> Vec<usize> {
        let mut known = HashSet::new();
        let is_repeated = |id: &&usize| match self.tree.nodes.get(**id).map(|node| &node.content) {
            Some(Content::Scalar { text, .. }) => &**text != MERGE && !known.insert(&**text),
            Some(Content::Sequence(_) | Content::Mapping(_)) | None => false,
        };
        children.iter().step_by(2).filter(is_repeated).copied().collect()
    }
}

/// The parser counts characters; we count bytes. Of every [`STEP`] characters one is known.
struct Places<'a> {
    known: Vec<usize>,
    text: &'a str,
}

const STEP: usize = 64;

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        if text.is_ascii() {
            return Self { known: Vec::new(), text };
        }
        let known = text.char_indices().step_by(STEP).map(|(offset, _)| offset).collect();
        Self { known, text }
    }

    fn offset(&self, marker: Marker) -> usize {
        let index = marker.index();
        if self.known.is_empty() {
            return index.min(self.text.len());
        }
        let Some(&start) = index.checked_div(STEP).and_then(|step| self.known.get(step)) else {
            return self.text.len();
        };
        let rest = index.checked_rem(STEP).unwrap_or_default();
        let tail = self.text.get(start..).unwrap_or_default();
        tail.char_indices().nth(rest).map_or(self.text.len(), |(within, _)| start.saturating_add(within))
    }

    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let start = self.offset(span.start);
        start..self.offset(span.end).max(start)
    }

    /// The bytes of a scalar. The parser's span of one in quotes goes on to what follows.
    fn scalar(&self, span: Span, style: ScalarStyle) -> std::ops::Range<usize> {
        let range = self.range(span);
        let text = self.text.get(range.clone()).unwrap_or_default();
        let length = match style {
            ScalarStyle::SingleQuoted => after_single_quoted(text),
            ScalarStyle::DoubleQuoted => after_double_quoted(text),
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => text.trim_end().len(),
        };
        range.start..range.start.saturating_add(length)
    }
}

fn after_single_quoted(text: &str) -> usize {
    let mut quotes = text.match_indices('\'').skip(1);
    while let Some((at, _)) = quotes.next() {
        let after = at.saturating_add(1);
        if !text.get(after..).is_some_and(|rest| rest.starts_with('\'')) {
            return after;
        }
        quotes.next();
    }
    text.len()
}

fn after_double_quoted(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at.saturating_add(1),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}
