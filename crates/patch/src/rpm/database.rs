//! rpm's database: read in SQLite's form, and written anew by SQLite itself with other packages in it, its indexes as rpm makes them.
//! The image's own file is read by our reader alone. <https://github.com/rpm-software-management/rpm/blob/master/lib/backend/sqlite.cc>.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_formats::rpmdb::{Limits, headers};
use plimsoll_model::version::Scheme;
use rusqlite::{Connection, params};

use super::archive::version_of;
use super::files::{FileRecord, files_of};
use super::header::Header;
use super::index::MODULE;
use super::relations::relations_of;
use super::tags::{
    ARCH, BASE_NAMES, CONFLICT_NAME, DIR_NAMES, ENHANCE_NAME, FILE_TRIGGER_INDEX, FILE_TRIGGER_NAME, GROUP,
    INSTALL_COLOR, INSTALL_TID, NAME, OBSOLETE_NAME, PROVIDE_NAME, RECOMMEND_NAME, REQUIRE_FLAGS,
    REQUIRE_NAME, SHA1_HEADER, SIG_MD5, SUGGEST_NAME, SUPPLEMENT_NAME, TRANS_FILE_TRIGGER_INDEX,
    TRANS_FILE_TRIGGER_NAME, TRIGGER_NAME,
};
use crate::stock::{Present, Relations, Standing};

/// Where the database may be.
pub const FOLDERS: [&str; 3] = ["usr/lib/sysimage/rpm", "usr/share/rpm", "var/lib/rpm"];
/// Its name in SQLite's form.
pub const FILE: &str = "rpmdb.sqlite";

/// Which columns of a table SQLite is told to index.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Indexed {
    Nothing,
    Key,
    Both,
}

/// The tables of what packages are found by.
const TABLES: [(&str, u32, Indexed); 18] = [
    ("Name", NAME, Indexed::Key),
    ("Basenames", BASE_NAMES, Indexed::Both),
    ("Group", GROUP, Indexed::Key),
    ("Requirename", REQUIRE_NAME, Indexed::Both),
    ("Providename", PROVIDE_NAME, Indexed::Both),
    ("Conflictname", CONFLICT_NAME, Indexed::Both),
    ("Obsoletename", OBSOLETE_NAME, Indexed::Both),
    ("Triggername", TRIGGER_NAME, Indexed::Both),
    ("Dirnames", DIR_NAMES, Indexed::Both),
    ("Installtid", INSTALL_TID, Indexed::Nothing),
    ("Sigmd5", SIG_MD5, Indexed::Nothing),
    ("Sha1header", SHA1_HEADER, Indexed::Key),
    ("Filetriggername", FILE_TRIGGER_NAME, Indexed::Both),
    ("Transfiletriggername", TRANS_FILE_TRIGGER_NAME, Indexed::Both),
    ("Recommendname", RECOMMEND_NAME, Indexed::Both),
    ("Suggestname", SUGGEST_NAME, Indexed::Both),
    ("Supplementname", SUPPLEMENT_NAME, Indexed::Both),
    ("Enhancename", ENHANCE_NAME, Indexed::Both),
];

/// The packages that are installed.
#[derive(Clone, Debug, Default)]
pub struct Database {
    /// In the order of the database.
    pub packages: Vec<Installed>,
}

/// A package that the database tells of.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its header.
    pub header: Header,
    /// Its files.
    pub files: Vec<FileRecord>,
}

/// Why the database is not used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DatabaseError {
    /// It is of an older form.
    #[error("the rpm database is not in SQLite's form, and others are not written")]
    Form,
    /// Something of it cannot be read, and would be lost.
    #[error("the rpm database is damaged: {0}")]
    Damaged(String),
    /// It cannot be written.
    #[error("the rpm database cannot be written: {0}")]
    Write(String),
}

impl Installed {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.header.text(NAME).unwrap_or_default()
    }

    /// Its architecture.
    #[must_use]
    pub fn architecture(&self) -> String {
        self.header.text(ARCH).unwrap_or_default()
    }

    /// How it is told from all others.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}.{}", self.name(), self.architecture())
    }

    /// What its triggers wait for: names of packages, and what the paths of files begin with.
    #[must_use]
    pub fn triggers(&self) -> (Vec<String>, Vec<String>) {
        let folders = [FILE_TRIGGER_NAME, TRANS_FILE_TRIGGER_NAME].map(|tag| self.header.strings(tag));
        (self.header.strings(TRIGGER_NAME), folders.concat())
    }

    /// A public key, which rpm keeps among the packages.
    fn is_key(&self) -> bool {
        self.name() == "gpg-pubkey"
    }
}

impl Database {
    /// Reads the database.
    ///
    /// # Errors
    /// If it is of another form, or not wholly sound.
    pub fn read(bytes: &[u8]) -> Result<Self, DatabaseError> {
        if !bytes.starts_with(b"SQLite format 3\0") {
            return Err(DatabaseError::Form);
        }
        let damaged = |what: &str| DatabaseError::Damaged(what.to_owned());
        let package = |header: Result<plimsoll_formats::rpmdb::Header<'_>, _>| {
            let header =
                header.map_err(|error: plimsoll_formats::rpmdb::RpmDbError| damaged(&error.to_string()))?;
            let header = Header::read(header.as_bytes()).ok_or_else(|| damaged("a header is broken"))?;
            let files = files_of(&header).ok_or_else(|| damaged("a list of files is broken"))?;
            Ok(Installed { header, files })
        };
        let packages = headers(bytes, &Limits::default()).map(package).collect::<Result<_, _>>()?;
        Ok(Self { packages })
    }

    /// What is installed, as finding a change needs it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for package in &self.packages {
            let count = counts.entry(package.key()).or_default();
            *count = count.saturating_add(1);
        }
        let present = |package: &Installed| {
            let version = version_of(&package.header);
            let held = if counts.get(&package.key()).is_some_and(|count| *count > 1) {
                Some("it is installed in several versions".to_owned())
            } else if version.contains(MODULE) {
                Some("it belongs to a module, whose streams the repositories' lists do not tell".to_owned())
            } else {
                None
            };
            let files = package.files.iter().map(|file| file.path.clone()).collect();
            Present {
                name: package.name(),
                architecture: package.architecture(),
                version,
                held,
                relations: Relations { files, ..relations_of(&package.header) },
            }
        };
        let packages = self.packages.iter().filter(|package| !package.is_key()).map(present);
        Standing { scheme: Scheme::Rpm, packages: packages.collect() }
    }

    /// The package of this name and architecture.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Installed> {
        self.packages.iter().find(|package| package.key() == key)
    }

    /// Takes a package away, and puts another one behind all others, as rpm does.
    pub fn replace(&mut self, old: Option<&str>, new: Installed) {
        if let Some(at) = self.packages.iter().position(|package| Some(package.key().as_str()) == old) {
            self.packages.remove(at);
        }
        self.packages.push(new);
    }

    /// The architectures that files count for, as rpm colors them.
    #[must_use]
    pub fn color(&self) -> u32 {
        let colors = self.packages.iter().filter_map(|package| package.header.number(INSTALL_COLOR));
        colors.max().and_then(|color| u32::try_from(color).ok()).unwrap_or(0)
    }

    /// The database's bytes.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn bytes(&self) -> Result<Vec<u8>, DatabaseError> {
        self.written().map_err(|error| DatabaseError::Write(error.to_string()))
    }

    fn written(&self) -> rusqlite::Result<Vec<u8>> {
        let mut connection = Connection::open_in_memory()?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)",
        )?;
        for (number, package) in (1_i64..).zip(&self.packages) {
            transaction
                .execute("INSERT INTO 'Packages' VALUES(?, ?)", params![number, package.header.bytes()])?;
        }
        for (table, tag, indexed) in TABLES {
            let kind = if indexed == Indexed::Nothing { "BLOB" } else { "TEXT" };
            transaction.execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS '{table}' (key '{kind}' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))"
            ))?;
            let mut insert = transaction.prepare(&format!("INSERT INTO '{table}' VALUES(?, ?, ?)"))?;
            for (number, package) in (1_i64..).zip(&self.packages) {
                for (key, index) in keys(&package.header, tag) {
                    match key {
                        Key::Text(text) => insert.execute(params![text, number, index])?,
                        Key::Bytes(bytes) => insert.execute(params![bytes, number, index])?,
                    };
                }
            }
            drop(insert);
            let columns: &[&str] = match indexed {
                Indexed::Nothing => &[],
                Indexed::Key => &["key"],
                Indexed::Both => &["key", "hnum"],
            };
            for column in columns {
                transaction.execute_batch(&format!(
                    "CREATE INDEX IF NOT EXISTS '{table}_{column}_idx' ON '{table}'({column} ASC)"
                ))?;
            }
        }
        transaction.commit()?;
        Ok(connection.serialize(rusqlite::MAIN_DB)?.to_vec())
    }
}

/// By what a package is found.
enum Key {
    Text(String),
    Bytes(Vec<u8>),
}

/// Under which keys a package stands in the table of a tag, each with its number.
fn keys(header: &Header, tag: u32) -> Vec<(Key, i64)> {
    match tag {
        INSTALL_TID => {
            let numbers = header.numbers(tag).into_iter().filter_map(|number| u32::try_from(number).ok());
            return (0..)
                .zip(numbers)
                .map(|(index, number)| (Key::Bytes(number.to_le_bytes().to_vec()), index))
                .collect();
        }
        SIG_MD5 => {
            return header.binary(tag).map(|bytes| (Key::Bytes(bytes.to_vec()), 0)).into_iter().collect();
        }
        _ => {}
    }
    let mut texts = header.strings(tag);
    if tag == GROUP {
        texts.truncate(1);
        if texts.is_empty() {
            texts.push("Unknown".to_owned());
        }
    }
    let flags = if tag == REQUIRE_NAME { header.numbers(REQUIRE_FLAGS) } else { Vec::new() };
    let numbers = match tag {
        FILE_TRIGGER_NAME => header.numbers(FILE_TRIGGER_INDEX),
        TRANS_FILE_TRIGGER_NAME => header.numbers(TRANS_FILE_TRIGGER_INDEX),
        _ => Vec::new(),
    };
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, text) in texts.into_iter().enumerate() {
        let is_left_out = is_transient(flags.get(index).copied().unwrap_or_default())
            || (tag == TRIGGER_NAME && !seen.insert(text.clone()))
            || (text.is_empty() && tag != BASE_NAMES);
        if is_left_out {
            continue;
        }
        let number = numbers.get(index).copied().and_then(|number| i64::try_from(number).ok());
        let number = number.unwrap_or_else(|| i64::try_from(index).unwrap_or_default());
        let rich =
            if text.starts_with('(') && tag != PROVIDE_NAME { parts_of(&text) } else { BTreeSet::new() };
        found.push((Key::Text(text), number));
        found.extend(rich.into_iter().map(|part| (Key::Text(part), number)));
    }
    found
}

/// Needs that hold only while a package is being installed.
const fn is_transient(flags: u64) -> bool {
    const INSTALLING: u64 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 24 | 1 << 26;
    const REMOVING: u64 = 1 << 11 | 1 << 12 | 1 << 20 | 1 << 21;
    const META: u64 = 1 << 29;
    flags & INSTALLING != 0 && flags & (REMOVING | META) == 0
}

/// The names in a rich dependency; a `!` is before those whose absence it asks about.
fn parts_of(text: &str) -> BTreeSet<String> {
    let spaced = text.replace("((", "( (").replace("))", ") )");
    let (mut parts, mut is_condition, mut is_version) = (BTreeSet::new(), false, false);
    for word in spaced.split_whitespace() {
        // Parentheses belong to names, too: `(libc.so.6()(64bit) if x)`.
        let inside = word.strip_prefix('(').unwrap_or(word);
        let closes = inside.matches(')').count() > inside.matches('(').count();
        let inside = if closes { inside.strip_suffix(')').unwrap_or(inside) } else { inside };
        match inside {
            "" | ")" | "and" | "or" | "with" | "without" => {}
            "if" | "unless" => is_condition = true,
            "else" => is_condition = false,
            "<" | "<=" | "=" | ">=" | ">" => is_version = true,
            _ if is_version => is_version = false,
            name => drop(parts.insert(if is_condition { format!("!{name}") } else { name.to_owned() })),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::header::Value;
    use super::super::header::tests::{header, strings};
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let package = |name: &str| Installed {
            header: header(&[
                (NAME, strings(&[name])),
                (ARCH, strings(&["noarch"])),
                (INSTALL_TID, Value::Number(7)),
            ]),
            files: Vec::new(),
        };
        let mut database = Database { packages: vec![package("a"), package("b")] };
        database.replace(Some("a.noarch"), package("c"));
        let bytes = database.bytes().unwrap();
        assert_eq!(bytes, database.bytes().unwrap(), "the same packages give the same bytes");
        let names: Vec<String> =
            Database::read(&bytes).unwrap().packages.iter().map(Installed::name).collect();
        assert_eq!(names, ["b", "c"]);
        assert_eq!(Database::read(b"\0\0").unwrap_err(), DatabaseError::Form);
        assert!(matches!(Database::read(&bytes[..4096]), Err(DatabaseError::Damaged(_))));
    }

    #[test]
    fn rich_dependencies_are_found_by_their_parts() {
        let parts = |text: &str| parts_of(text).into_iter().collect::<Vec<_>>();
        assert_eq!(parts("(a >= 1 if b)"), ["!b", "a"]);
        assert_eq!(parts("((libc.so.6()(64bit) or c) and d)"), ["c", "d", "libc.so.6()(64bit)"]);
        assert!(is_transient(1 << 24) && is_transient(1 << 9) && !is_transient(1 << 9 | 1 << 12));
    }
}
