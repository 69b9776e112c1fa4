//! apk's database of installed packages (`lib/apk/db/installed`): records of `X:value` lines.
//!
//! Reads without copying and without refusing: a line without a key is set aside ([`Record::stray_lines`]). Format:
//! apk-package(5) and apk-tools' `database.c`, <https://wiki.alpinelinux.org/wiki/Apk_spec#Syntax>.

use crate::lines::{Block, Blocks, chomp};

/// Iterates over the records of `text`.
#[must_use]
pub fn records(text: &str) -> Records<'_> {
    Records(Blocks::new(text))
}

/// The records of a database.
#[derive(Clone, Debug)]
pub struct Records<'a>(Blocks<'a>);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.0.next().map(Record)
    }
}

/// One installed package. It has at least one line, though perhaps no field.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a>(Block<'a>);

impl<'a> Record<'a> {
    /// The number of its first line, counted from one.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.0.line
    }

    /// Iterates over the lines as key and value, those that tell of files included.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &'a str)> + use<'a> {
        self.lines().filter_map(split_field)
    }

    /// The value of a field that tells of the package; of repeated ones the last, as apk takes it. Empty values
    /// count as absent. Each call reads the record anew.
    #[must_use]
    pub fn get(&self, key: u8) -> Option<&'a str> {
        self.fields()
            .filter(|(found, _)| *found == key)
            .last()
            .map(|(_, value)| value)
            .filter(|v| !v.is_empty())
    }

    /// The name (`P`).
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.get(b'P')
    }

    /// The version (`V`).
    #[must_use]
    pub fn version(&self) -> Option<&'a str> {
        self.get(b'V')
    }

    /// The architecture (`A`).
    #[must_use]
    pub fn architecture(&self) -> Option<&'a str> {
        self.get(b'A')
    }

    /// The licence (`L`).
    #[must_use]
    pub fn license(&self) -> Option<&'a str> {
        self.get(b'L')
    }

    /// The source package (`o`).
    #[must_use]
    pub fn origin(&self) -> Option<&'a str> {
        self.get(b'o')
    }

    /// Iterates over the files that it owns (`R`, below the `F` before it).
    pub fn files(&self) -> impl Iterator<Item = OwnedFile<'a>> + use<'a> {
        let mut directory = "";
        self.fields().filter_map(move |(key, value)| match key {
            b'F' => {
                directory = value;
                None
            }
            b'R' => Some(OwnedFile { directory, name: value }),
            _ => None,
        })
    }

    /// The lines that have no key.
    pub fn stray_lines(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.lines().filter(|line| split_field(line).is_none())
    }

    fn lines(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.text.split_inclusive('\n').map(chomp)
    }
}

/// A file of a package.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OwnedFile<'a> {
    /// Its directory, empty for the root.
    pub directory: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl OwnedFile<'_> {
    /// The path as recorded, without a leading slash; not brought to normal form.
    #[must_use]
    pub fn path(&self) -> String {
        if self.directory.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}/{}", self.directory, self.name)
        }
    }
}

fn split_field(line: &str) -> Option<(u8, &str)> {
    let (key, value) = line.split_once(':')?;
    match key.as_bytes() {
        [key] if key.is_ascii_alphabetic() => Some((*key, value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written in the manner of apk-tools 2.14.
    const INSTALLED: &str = "\
C:Q1abc=
P:musl
V:1.2.4-r2
A:x86_64
S:389
T:the musl c library (libc) implementation: small
L:MIT
o:musl
D:so:libc.musl-x86_64.so.1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1def=
R:libc.musl-x86_64.so.1
F:usr
F:usr/share
M:0:0:1777
F:
R:top

C:Q1x=
P:nothing
V:0
L:

not a field
";

    #[test]
    fn records_tell_package_and_files() {
        let all: Vec<Record<'_>> = records(INSTALLED).collect();
        assert_eq!(all.len(), 3);
        let musl = &all[0];
        assert_eq!((musl.name(), musl.version()), (Some("musl"), Some("1.2.4-r2")));
        assert_eq!((musl.architecture(), musl.license()), (Some("x86_64"), Some("MIT")));
        assert_eq!((musl.origin(), musl.line()), (Some("musl"), 1));
        assert_eq!(musl.get(b'T'), Some("the musl c library (libc) implementation: small"));
        let files: Vec<String> = musl.files().map(|file| file.path()).collect();
        assert_eq!(files, ["lib/ld-musl-x86_64.so.1", "lib/libc.musl-x86_64.so.1", "top"]);
        assert_eq!((all[1].license(), all[1].origin(), all[1].files().count()), (None, None, 0));
        assert_eq!(all[2].stray_lines().collect::<Vec<_>>(), ["not a field"]);
        assert_eq!(all[2].line(), 26);
    }

    #[test]
    fn carriage_returns_are_no_part_of_values() {
        let text = INSTALLED.replace('\n', "\r\n");
        assert_eq!(records(&text).next().unwrap().version(), Some("1.2.4-r2"));
        assert_eq!(records(&text).count(), 3);
    }
}
