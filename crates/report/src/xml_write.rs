//! An XML document as it is written: elements with indentation, in which no text can end anything.

use std::io::{self, Write};

/// Whether XML 1.0 has no way to write a character.
pub(crate) const fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Writes elements.
pub(crate) struct Xml<'w> {
    out: &'w mut dyn Write,
    depth: usize,
}

impl<'w> Xml<'w> {
    /// Begins a document.
    pub(crate) fn document(out: &'w mut dyn Write) -> io::Result<Self> {
        out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        Ok(Self { out, depth: 0 })
    }
}

impl Xml<'_> {
    pub(crate) fn within(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inner: impl FnOnce(&mut Xml<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.start(name, attributes)?;
        self.out.write_all(b">\n")?;
        inner(&mut Xml { out: &mut *self.out, depth: self.depth.saturating_add(1) })?;
        writeln!(self.out, "{:width$}</{name}>", "", width = self.depth.saturating_mul(2))
    }

    /// A list in an element of its own, if it is not empty.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: &[T],
        mut write: impl FnMut(&mut Xml<'_>, &T) -> io::Result<()>,
    ) -> io::Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        self.within(name, &[], |xml| items.iter().try_for_each(|item| write(xml, item)))
    }

    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.start(name, attributes)?;
        self.out.write_all(b"/>\n")
    }

    pub(crate) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
        self.start(name, attributes)?;
        writeln!(self.out, ">{}</{name}>", escaped(text))
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.leaf(name, &[], text)
    }

    pub(crate) fn maybe(&mut self, name: &str, text: Option<&str>) -> io::Result<()> {
        text.map_or(Ok(()), |text| self.text(name, text))
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        write!(self.out, "{:width$}<{name}", "", width = self.depth.saturating_mul(2))?;
        attributes.iter().try_for_each(|(name, value)| write!(self.out, " {name}=\"{}\"", escaped(value)))
    }
}

/// Text that can end nothing; what XML cannot write becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\r' => safe.push_str("&#13;"),
            '\n' => safe.push_str("&#10;"),
            '\t' => safe.push_str("&#9;"),
            forbidden if is_forbidden(forbidden) => safe.push('\u{fffd}'),
            plain => safe.push(plain),
        }
    }
    safe
}
