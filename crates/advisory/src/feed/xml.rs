//! XML as feeds use it: a long list of records, each a small tree. One tree is in memory at a time. Entities are the
//! five of XML and numbers; a document type's own are refused.

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use super::FeedError;

/// The deepest that the elements of a record may nest.
const DEPTH_LIMIT: usize = 64;
/// The most elements of one record: errata of the kernel name some thousand packages.
const NODE_LIMIT: usize = 200_000;

/// An element; names are without their prefixes.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    pub(crate) children: Vec<Self>,
}

impl Node {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its own text, without the blanks around it.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements of this name below it, in the order of the document.
    pub(crate) fn all<'n>(&'n self, name: &str) -> Vec<&'n Self> {
        let mut found = Vec::new();
        let mut open: Vec<&Self> = self.children.iter().rev().collect();
        while let Some(node) = open.pop() {
            if node.name == name {
                found.push(node);
            }
            open.extend(node.children.iter().rev());
        }
        found
    }

    /// The first element of this name below it.
    pub(crate) fn first<'n>(&'n self, name: &str) -> Option<&'n Self> {
        self.all(name).into_iter().next()
    }
}

/// The name of the outermost element.
pub(crate) fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    // A prologue has a declaration, comments, perhaps a document type.
    for _ in 0..20 {
        if let Event::Start(start) | Event::Empty(start) = reader.read_event().ok()? {
            return Some(local(&start));
        }
    }
    None
}

/// Offers `take` each outermost element that has one of `names`.
pub(crate) fn each(text: &str, names: &[&str], take: &mut dyn FnMut(Node)) -> Result<(), FeedError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let mut nodes = 0_usize;
    loop {
        match reader.read_event()? {
            Event::Start(start) if !open.is_empty() || names.contains(&local(&start).as_str()) => {
                nodes = if open.is_empty() { 1 } else { nodes.saturating_add(1) };
                check(&open, nodes)?;
                open.push(node(&start)?);
            }
            Event::Empty(start) if !open.is_empty() || names.contains(&local(&start).as_str()) => {
                nodes = nodes.saturating_add(1);
                check(&open, nodes)?;
                close(node(&start)?, &mut open, take);
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(text) => append(&mut open, &text.xml10_content()),
            Event::GeneralRef(entity) => match entity.resolve_char_ref()? {
                Some(character) => append(&mut open, character.encode_utf8(&mut [0; 4])),
                None => append(&mut open, named(&entity)?),
            },
            Event::End(_) => {
                if let Some(node) = open.pop() {
                    close(node, &mut open, take);
                }
            }
            Event::Eof => break,
            Event::Start(_)
            | Event::Empty(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(FeedError::value("end of the document", "within a record")) }
}

fn check(open: &[Node], nodes: usize) -> Result<(), FeedError> {
    if open.len() >= DEPTH_LIMIT {
        return Err(FeedError::TooMany { what: "nested elements", found: open.len(), limit: DEPTH_LIMIT });
    }
    if nodes > NODE_LIMIT {
        return Err(FeedError::TooMany { what: "elements", found: nodes, limit: NODE_LIMIT });
    }
    Ok(())
}

fn close(node: Node, open: &mut [Node], take: &mut dyn FnMut(Node)) {
    match open.last_mut() {
        Some(parent) => parent.children.push(node),
        None => take(node),
    }
}

fn append(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}

fn named(entity: &str) -> Result<&'static str, FeedError> {
    resolve_xml_entity(entity).ok_or_else(|| FeedError::value("entity", entity))
}

fn local(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

fn node(start: &BytesStart<'_>) -> Result<Node, FeedError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        let name = attribute.key.local_name().as_ref().to_owned();
        attributes.push((name, unescape(&attribute.value).map_err(quick_xml::Error::from)?.into_owned()));
    }
    Ok(Node { name: local(start), attributes, ..Node::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_trees() {
        let text = r#"<?xml version="1.0"?><!-- x --><p:list><r a="1 &lt; 2"><b>x &amp; &#121;<![CDATA[ <z>]]></b><c/></r><other/><r/></p:list>"#;
        assert_eq!(root(text).as_deref(), Some("list"));
        let mut records = Vec::new();
        each(text, &["r"], &mut |node| records.push(node)).unwrap();
        let [first, second] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!(first.attribute("a"), Some("1 < 2"));
        assert_eq!(first.child("b").unwrap().text(), "x & y <z>");
        assert_eq!((first.all("c").len(), second.children.len()), (1, 0));
    }

    #[test]
    fn bombs_are_refused() {
        let laugh = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x><r>&b;</r></x>"#;
        let deep = format!("<x>{}</x>", "<r>".repeat(1_000));
        let wide = format!("<x><r>{}</r></x>", "<a/>".repeat(NODE_LIMIT + 1));
        for text in [laugh, &deep, &wide, "<x><r>", "<x><r></x>", "<x><r a=></r></x>"] {
            assert!(each(text, &["r"], &mut |_| {}).is_err(), "{:.60}", text);
        }
    }
}
