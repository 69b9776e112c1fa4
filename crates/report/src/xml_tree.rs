//! An XML document as a tree, under limits. Entities are the five of XML and numbers; a document type is refused.

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};

/// The deepest that elements may nest.
const DEPTH_LIMIT: usize = 128;

/// An element; names are without their prefixes.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    pub(crate) children: Vec<Self>,
}

/// Why a text is no tree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeError {
    /// It breaks the grammar.
    #[error(transparent)]
    Grammar(#[from] quick_xml::Error),
    /// Elements nest too deeply.
    #[error("elements nest more than {DEPTH_LIMIT} deep")]
    Depth,
    /// A document type, which may define entities.
    #[error("it has a document type")]
    DocumentType,
    /// An entity that XML does not define.
    #[error("the entity {0:?} is not known")]
    Entity(String),
    /// It ends within an element, or has none.
    #[error("it ends too early")]
    End,
}

impl Node {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The values of all its attributes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(_, value)| value.as_str())
    }

    /// How many elements of this name are below it.
    pub(crate) fn count(&self, name: &str) -> usize {
        let mut open = vec![self];
        let mut count = 0_usize;
        while let Some(node) = open.pop() {
            count = count.saturating_add(usize::from(node.name == name));
            open.extend(&node.children);
        }
        count
    }

    /// Its own text as written.
    pub(crate) fn raw(&self) -> &str {
        &self.text
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name.
    pub(crate) fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.trim().to_owned())
    }

    /// The children of the first child of this name: `components` → each `component`.
    pub(crate) fn list(&self, name: &str) -> &[Self] {
        self.child(name).map(|child| child.children.as_slice()).unwrap_or_default()
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Node, TreeError> {
    let mut reader = Reader::from_str(text);
    // The document itself is the outermost node.
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                if open.len() > DEPTH_LIMIT {
                    return Err(TreeError::Depth);
                }
                open.push(node(&start)?);
            }
            Event::Empty(start) => {
                let node = node(&start)?;
                close(node, &mut open);
            }
            Event::End(_) => {
                if let Some(node) = open.pop() {
                    close(node, &mut open);
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(text) => append(&mut open, &text.xml10_content()),
            Event::GeneralRef(entity) => match entity.resolve_char_ref()? {
                Some(character) => append(&mut open, character.encode_utf8(&mut [0; 4])),
                None => {
                    let known = resolve_xml_entity(&entity);
                    append(
                        &mut open,
                        known.ok_or_else(|| TreeError::Entity(entity.chars().take(40).collect()))?,
                    );
                }
            },
            Event::DocType(_) => return Err(TreeError::DocumentType),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(document), true) => document.children.into_iter().next().ok_or(TreeError::End),
        _ => Err(TreeError::End),
    }
}

fn close(node: Node, open: &mut [Node]) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(node);
    }
}

fn append(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}

fn node(start: &BytesStart<'_>) -> Result<Node, TreeError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        let name = attribute.key.local_name().as_ref().to_owned();
        attributes.push((name, unescape(&attribute.value).map_err(quick_xml::Error::from)?.into_owned()));
    }
    Ok(Node { name: start.local_name().as_ref().to_owned(), attributes, ..Node::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_tree() {
        let text = r#"<?xml version="1.0"?><!-- x --><p:list n="1 &lt; 2"><a>x &amp; &#121;<![CDATA[ <z>]]></a><b/></p:list>"#;
        let root = parse(text).unwrap();
        assert_eq!((root.name.as_str(), root.attribute("n")), ("list", Some("1 < 2")));
        assert_eq!(root.text_of("a").as_deref(), Some("x & y <z>"));
    }

    #[test]
    fn bombs_and_broken_documents_are_refused() {
        let laugh = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>"#;
        let deep = "<x>".repeat(1_000_000);
        for text in [laugh, &deep, "", "x", "<x>", "<x></y>", "<x a=></x>", "<x>&b;</x>"] {
            assert!(parse(text).is_err(), "{text:.60}");
        }
    }
}
