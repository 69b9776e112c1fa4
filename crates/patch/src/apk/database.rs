//! apk's database, `lib/apk/db/installed`: read, and written again with other packages in it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_formats::apkdb::records;
use plimsoll_model::digest::hex;
use plimsoll_model::version::Scheme;

use super::relations::{relation, relations_of};
use crate::stock::{Present, Standing};

/// Where the database may be: newer systems have it below `usr`.
pub const FOLDERS: [&str; 2] = ["lib/apk/db", "usr/lib/apk/db"];

/// The packages that are installed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Database {
    /// In the order of the file.
    pub packages: Vec<Installed>,
}

/// A package that the database tells of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its paragraph, without an empty line behind it.
    pub text: String,
}

/// A file that the database tells of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recorded {
    /// The SHA-1 of its content in hexadecimal digits.
    pub digest: Option<String>,
    /// Whether it is a directory.
    pub is_folder: bool,
}

impl Installed {
    /// A field.
    #[must_use]
    pub fn field(&self, key: u8) -> Option<&str> {
        records(&self.text).next()?.get(key)
    }

    /// Its files and directories by path, without a leading slash.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Recorded> {
        let mut files: BTreeMap<String, Recorded> = BTreeMap::new();
        let (mut folder, mut at) = (String::new(), String::new());
        for (key, value) in records(&self.text).next().iter().flat_map(|record| record.fields()) {
            match key {
                b'F' => {
                    folder = value.to_owned();
                    at.clone_from(&folder);
                    if !folder.is_empty() {
                        files.entry(at.clone()).or_default().is_folder = true;
                    }
                }
                b'R' => {
                    at = if folder.is_empty() { value.to_owned() } else { format!("{folder}/{value}") };
                    files.insert(at.clone(), Recorded::default());
                }
                b'Z' => {
                    files.entry(at.clone()).or_default().digest = identity(value).map(|sum| hex(&sum));
                }
                _ => {}
            }
        }
        files.remove("");
        files
    }

    /// The paragraph without one file, which another package took over.
    pub fn give_up(&mut self, path: &str) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (mut here, mut dropping) = ("", false);
        let mut left = String::new();
        for line in self.text.lines() {
            if let Some(value) = line.strip_prefix("F:") {
                (here, dropping) = (value, false);
            } else if let Some(value) = line.strip_prefix("R:") {
                dropping = here == folder && value == name;
            }
            if !dropping {
                left.push_str(line);
                left.push('\n');
            }
        }
        self.text = left;
    }
}

impl Database {
    /// Reads the text of `installed`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let packages = text.split("\n\n").filter_map(|text| {
            let text = format!("{}\n", text.trim_matches('\n'));
            let record = records(&text).next()?;
            let (name, version) = (record.name()?.to_owned(), record.version()?.to_owned());
            Some(Installed { name, version, text })
        });
        Self { packages: packages.collect() }
    }

    /// What is installed, as finding a change needs it; `world` is what somebody asked for.
    #[must_use]
    pub fn standing(&self, world: &str) -> Standing {
        let asked = |name: &str| world.split_whitespace().find(|word| relation(word).name == name);
        let present = |package: &Installed| {
            let held = asked(&package.name).filter(|word| word.contains(['=', '<', '>', '~', '@']));
            Present {
                name: package.name.clone(),
                architecture: package.field(b'A').unwrap_or_default().to_owned(),
                version: package.version.clone(),
                held: held.map(|word| format!("the image holds it back ({word:?} in /etc/apk/world)")),
                relations: relations_of(
                    package.field(b'D').unwrap_or_default(),
                    package.field(b'p').unwrap_or_default(),
                ),
            }
        };
        Standing { scheme: Scheme::Apk, packages: self.packages.iter().map(present).collect() }
    }

    /// The package of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Installed> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Puts a package in the place of the one of its name, or behind all others.
    pub fn put(&mut self, new: Installed) {
        match self.packages.iter_mut().find(|package| package.name == new.name) {
            Some(old) => *old = new,
            None => self.packages.push(new),
        }
    }

    /// The text of `installed`.
    #[must_use]
    pub fn text(&self) -> String {
        self.packages.iter().map(|package| format!("{}\n", package.text)).collect()
    }
}

/// A SHA-1 as apk writes it: `Q1` and Base64, or `X1` and hexadecimal digits.
#[must_use]
pub fn identity(text: &str) -> Option<[u8; 20]> {
    if let Some(text) = text.strip_prefix("Q1") {
        return STANDARD.decode(text).ok()?.try_into().ok();
    }
    let digits = text.strip_prefix("X1").filter(|digits| digits.len() == 40 && digits.is_ascii())?;
    let bytes =
        (0_usize..40).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at.checked_add(2)?)?, 16).ok());
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// The same in Base64.
#[must_use]
pub fn spelled(identity: &[u8]) -> String {
    format!("Q1{}", STANDARD.encode(identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:a\nV:1-r0\nA:x86_64\nD:so:libb.so.1\np:cmd:a=1-r0\nF:etc\nR:a.conf\nZ:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nR:x\na:0:0:600\nF:var/tmp\nM:0:0:1777\n\nP:b\nV:2-r1\nA:x86_64\nF:\nR:top\n\n\nP:nameless\n\n";

    #[test]
    fn what_is_not_touched_stays_as_it_is() {
        let mut database = Database::read(TEXT);
        let sound = TEXT.replace("\n\n\nP:nameless\n\n", "\n\n");
        assert_eq!(database.text(), sound);
        let files = database.get("a").unwrap().files();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["etc", "etc/a.conf", "etc/x", "var/tmp"]);
        assert_eq!(files["etc/a.conf"].digest.as_deref(), Some("00".repeat(20).as_str()));
        assert!(files["var/tmp"].is_folder && !files["etc/x"].is_folder);
        assert!(database.get("b").unwrap().files().contains_key("top"));
        let mut a = database.get("a").unwrap().clone();
        a.give_up("etc/a.conf");
        assert!(!a.text.contains("a.conf") && !a.text.contains("Z:") && a.text.contains("R:x\na:0:0:600\n"));
        database.put(a);
        database.put(Installed { name: "c".into(), version: "1".into(), text: "P:c\nV:1\n".into() });
        assert!(database.text().ends_with("R:top\n\nP:c\nV:1\n\n"));
    }

    #[test]
    fn what_somebody_asked_for_by_its_version_is_held() {
        let standing = Database::read(TEXT).standing("a=1-r0\nb\n");
        assert!(standing.packages[0].held.as_deref().unwrap().contains("a=1-r0"));
        assert_eq!(standing.packages[1].held, None);
    }

    #[test]
    fn identities_have_two_spellings() {
        let spelling = spelled(&[7; 20]);
        assert_eq!(identity(&spelling), Some([7; 20]));
        assert_eq!(identity(&format!("X1{}", "07".repeat(20))), Some([7; 20]));
        for wrong in ["", "Q1", "Q2AAAA", "X1zz", "Q1AAAA=", &format!("X1{}", "é".repeat(20))] {
            assert_eq!(identity(wrong), None, "{wrong}");
        }
    }
}
