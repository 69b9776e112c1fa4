//! The database in SQLite's form, written anew by SQLite itself, its indexes as rpm makes them.
//! <https://github.com/rpm-software-management/rpm/blob/master/lib/backend/sqlite.cc>.

use rusqlite::{Connection, params};

use super::Installed;
use super::keys::{FOUND_BY, Key, keys};

/// Which columns of a table SQLite is told to index.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Indexed {
    Nothing,
    Key,
    Both,
}

/// The tables of what packages are found by, in the order of [`FOUND_BY`].
const TABLES: [(&str, Indexed); FOUND_BY.len()] = [
    ("Name", Indexed::Key),
    ("Basenames", Indexed::Both),
    ("Group", Indexed::Key),
    ("Requirename", Indexed::Both),
    ("Providename", Indexed::Both),
    ("Conflictname", Indexed::Both),
    ("Obsoletename", Indexed::Both),
    ("Triggername", Indexed::Both),
    ("Dirnames", Indexed::Both),
    ("Installtid", Indexed::Nothing),
    ("Sigmd5", Indexed::Nothing),
    ("Sha1header", Indexed::Key),
    ("Filetriggername", Indexed::Both),
    ("Transfiletriggername", Indexed::Both),
    ("Recommendname", Indexed::Both),
    ("Suggestname", Indexed::Both),
    ("Supplementname", Indexed::Both),
    ("Enhancename", Indexed::Both),
];

/// The bytes of a database with these packages.
pub(super) fn written(packages: &[Installed]) -> rusqlite::Result<Vec<u8>> {
    let mut connection = Connection::open_in_memory()?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)",
    )?;
    for package in packages {
        let row = params![package.number, package.header.bytes()];
        transaction.execute("INSERT INTO 'Packages' VALUES(?, ?)", row)?;
    }
    for ((table, indexed), tag) in TABLES.into_iter().zip(FOUND_BY) {
        let kind = if indexed == Indexed::Nothing { "BLOB" } else { "TEXT" };
        transaction.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS '{table}' (key '{kind}' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))"
        ))?;
        let mut insert = transaction.prepare(&format!("INSERT INTO '{table}' VALUES(?, ?, ?)"))?;
        for package in packages {
            for (key, index) in keys(&package.header, tag) {
                match key {
                    Key::Text(text) => insert.execute(params![text, package.number, index])?,
                    Key::Bytes(bytes) => insert.execute(params![bytes, package.number, index])?,
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
