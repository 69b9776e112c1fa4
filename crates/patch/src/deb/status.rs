//! dpkg's database: `status`, or the `status.d` of distroless images, read and written again with other packages in it.
//! Format: deb-control(5), dpkg(1).

use plimsoll_formats::deb822::{Stanza, stanzas};
use plimsoll_model::version::Scheme;

use super::relations::relations_of;
use crate::stock::{Present, Standing};

/// Where the database of a whole system is.
pub const STATUS: &str = "var/lib/dpkg/status";
/// Where images without dpkg keep one file a package.
pub const STATUS_D: &str = "var/lib/dpkg/status.d";
/// Where the lists of files are.
pub const INFO: &str = "var/lib/dpkg/info";

/// The order in which dpkg writes fields; those that it does not know come last, as they were.
const FIELDS: [&str; 22] = [
    "Package",
    "Essential",
    "Protected",
    "Status",
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
];

/// The packages that are installed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Database {
    /// In the order of the file.
    pub packages: Vec<Installed>,
    /// Whether each has a file of its own.
    pub is_split: bool,
}

/// A package that the database tells of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// Its paragraph.
    pub text: String,
    /// The file that tells of it.
    pub place: String,
}

/// A configuration file as the database knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conffile {
    /// Its path as written.
    pub path: String,
    /// The MD5 of what the package brought, or `newconffile`.
    pub md5: String,
    /// Whether the package has it no longer.
    pub is_obsolete: bool,
}

impl Installed {
    /// A field, on one line.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        field(&self.text, name)
    }

    /// `amd64` of a package that may be installed for several architectures at once.
    #[must_use]
    pub fn is_multi_arch_same(&self) -> bool {
        self.field("Multi-Arch").as_deref() == Some("same")
    }

    /// Tells whether it is there: neither removed nor half installed.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.status().is_none_or(|status| status.2 == "installed")
    }

    /// Tells whether whoever made the image wants it to stay as it is.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.status().is_some_and(|status| status.0 == "hold")
    }

    fn status(&self) -> Option<(String, String, String)> {
        let status = self.field("Status")?;
        let mut words = status.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.next()?, words.next()?))
    }

    /// Its configuration files.
    #[must_use]
    pub fn conffiles(&self) -> Vec<Conffile> {
        let Some(stanza) = stanzas(&self.text).next() else { return Vec::new() };
        let lines = stanza.get("Conffiles").map(|value| value.lines().map(str::to_owned).collect());
        let conffile = |line: &String| {
            let mut words = line.split_whitespace();
            let (path, md5) = (words.next()?, words.next()?);
            Some(Conffile {
                path: path.to_owned(),
                md5: md5.to_owned(),
                is_obsolete: words.next() == Some("obsolete"),
            })
        };
        lines.unwrap_or_else(Vec::new).iter().filter_map(conffile).collect()
    }

    /// What its files in `info` begin with, the likelier name first.
    #[must_use]
    pub fn info_names(&self) -> [String; 2] {
        let (plain, qualified) = (self.name.clone(), format!("{}:{}", self.name, self.architecture));
        if self.is_multi_arch_same() { [qualified, plain] } else { [plain, qualified] }
    }
}

/// A field of a paragraph, on one line.
#[must_use]
pub fn field(text: &str, name: &str) -> Option<String> {
    let value = stanzas(text).next()?.get(name)?;
    let folded = value.folded().trim().to_owned();
    (!folded.is_empty()).then_some(folded)
}

impl Database {
    /// Reads files that tell of packages: paths and texts.
    #[must_use]
    pub fn read(files: &[(String, String)]) -> Self {
        let is_split = files.iter().all(|(path, _)| path != STATUS);
        let packages = files.iter().flat_map(|(path, text)| {
            text.split("\n\n").filter_map(move |text| {
                let text = text.trim_matches('\n');
                let stanza: Stanza<'_> = stanzas(text).next()?;
                let field = |name| stanza.get(name).map(|value| value.first_line().to_owned());
                Some(Installed {
                    name: field("Package")?,
                    version: field("Version").unwrap_or_default(),
                    architecture: field("Architecture").unwrap_or_default(),
                    text: format!("{text}\n"),
                    place: path.clone(),
                })
            })
        });
        Self { packages: packages.collect(), is_split }
    }

    /// The package of this name and architecture, if it is installed.
    #[must_use]
    pub fn get(&self, name: &str, architecture: &str) -> Option<&Installed> {
        self.packages.iter().find(|package| {
            package.name == name
                && package.is_installed()
                && (package.architecture == architecture || architecture.is_empty())
        })
    }

    /// What is installed, as finding a change needs it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let present = |package: &Installed| Present {
            name: package.name.clone(),
            architecture: package.architecture.clone(),
            version: package.version.clone(),
            held: package.is_held().then(|| "the image holds it back (`hold` in dpkg's database)".to_owned()),
            relations: relations_of(&package.text),
        };
        let packages = self.packages.iter().filter(|package| package.is_installed()).map(present);
        Standing { scheme: Scheme::Deb, packages: packages.collect() }
    }

    /// Puts `text` in the place of the paragraph of a package, or as a new one.
    pub fn put(&mut self, new: Installed) {
        let is_it = |old: &&mut Installed| {
            old.name == new.name && (old.architecture == new.architecture || is_all(old, &new))
        };
        if let Some(old) = self.packages.iter_mut().find(is_it) {
            let place = std::mem::take(&mut old.place);
            *old = Installed { place, ..new };
            return;
        }
        let at = self.packages.iter().position(|package| package.name > new.name);
        self.packages.insert(at.unwrap_or(self.packages.len()), new);
    }

    /// The text of `status`.
    #[must_use]
    pub fn text(&self) -> String {
        self.packages.iter().map(|package| format!("{}\n", package.text)).collect()
    }
}

/// A package may become one for all architectures, or no longer be one.
fn is_all(old: &Installed, new: &Installed) -> bool {
    old.architecture == "all" || new.architecture == "all"
}

/// The paragraph of a package as dpkg would write it, made of the package's own control file.
#[must_use]
pub fn paragraph(control: &str, conffiles: &[Conffile]) -> String {
    let Some(stanza) = stanzas(control).next() else { return String::new() };
    let mut text = String::new();
    let mut add = |name: &str, lines: &mut dyn Iterator<Item = &str>| {
        text.push_str(name);
        text.push(':');
        let first = lines.next().unwrap_or_default();
        if !first.is_empty() {
            text.push(' ');
            text.push_str(first);
        }
        text.push('\n');
        for line in lines {
            text.push(' ');
            text.push_str(line);
            text.push('\n');
        }
    };
    for name in FIELDS {
        if name == "Status" {
            add(name, &mut std::iter::once("install ok installed"));
        } else if let Some(value) = stanza.get(name) {
            add(name, &mut value.lines().map(str::trim_end));
        }
    }
    if !conffiles.is_empty() {
        let lines: Vec<String> = conffiles.iter().map(conffile_line).collect();
        add("Conffiles", &mut std::iter::once("").chain(lines.iter().map(String::as_str)));
    }
    for (name, value) in stanza.fields() {
        let is_known = FIELDS
            .iter()
            .chain(&["Conffiles", "Config-Version"])
            .any(|known| known.eq_ignore_ascii_case(name));
        if !is_known {
            add(name, &mut value.lines().map(str::trim_end));
        }
    }
    text
}

fn conffile_line(conffile: &Conffile) -> String {
    let obsolete = if conffile.is_obsolete { " obsolete" } else { "" };
    format!("{} {}{obsolete}", conffile.path, conffile.md5)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS_TEXT: &str = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1\nConffiles:\n /etc/a 0123 \n /etc/b 4567 obsolete\n\nPackage: c\nStatus: hold ok installed\nArchitecture: all\nVersion: 2\n\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n";

    #[test]
    fn what_is_not_touched_stays_as_it_is() {
        let mut database = Database::read(&[(STATUS.to_owned(), STATUS_TEXT.to_owned())]);
        assert_eq!(
            database.text().replace("\n\n\n", "\n\n"),
            format!("{}\n", STATUS_TEXT.replace("\n\n\n", "\n\n"))
        );
        let a = database.get("a", "amd64").unwrap();
        assert_eq!(a.info_names()[0], "a:amd64");
        assert_eq!(a.conffiles().len(), 2);
        assert!(a.conffiles()[1].is_obsolete && !a.is_held());
        assert!(database.get("c", "all").unwrap().is_held());
        assert!(database.get("gone", "amd64").is_none());
        let new = |name: &str, version: &str| Installed {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: "amd64".to_owned(),
            text: format!("Package: {name}\nVersion: {version}\n"),
            place: String::new(),
        };
        database.put(new("a", "9"));
        database.put(new("b", "1"));
        let names: Vec<String> =
            database.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        assert_eq!(names, ["a 9", "b 1", "c 2", "gone 1"]);
        assert_eq!(database.packages[0].place, STATUS);
    }

    #[test]
    fn a_paragraph_has_dpkgs_order_and_keeps_all_fields() {
        let control = "Package: a\nVersion: 2\nArchitecture: amd64\nDepends: b (>= 1)\nDescription: first\n folded\n .\n more\nHomepage: https://a\nStatus: evil\nConffiles: evil\n";
        let conffile = Conffile { path: "/etc/a".into(), md5: "01".into(), is_obsolete: false };
        assert_eq!(
            paragraph(control, &[conffile]),
            "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\nDepends: b (>= 1)\nConffiles:\n /etc/a 01\nDescription: first\n folded\n .\n more\nHomepage: https://a\n"
        );
    }
}
