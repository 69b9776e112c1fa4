//! Databases that are written are read again, in both forms; whether rpm reads them is told by `cli/tests/apply/`.

use super::*;
use crate::rpm::header::Value;
use crate::rpm::header::tests::{header, strings};
use crate::rpm::tags::INSTALL_TID;

pub(super) fn package(number: u32, name: &str) -> Installed {
    let header =
        header(&[(NAME, strings(&[name])), (ARCH, strings(&["noarch"])), (INSTALL_TID, Value::Number(7))]);
    Installed { number, header, files: Vec::new() }
}

fn names(database: &Database) -> Vec<(u32, String)> {
    database.packages.iter().map(|package| (package.number, package.name())).collect()
}

#[test]
fn what_is_written_is_read() {
    for form in [Form::Sqlite, Form::Ndb { generation: 7 }] {
        let mut database = Database { packages: vec![package(1, "a"), package(2, "b")], form, next: 3 };
        let new = package(0, "c");
        database.replace(Some("a.noarch"), new.header, new.files);
        let files = database.files().unwrap();
        assert_eq!(files, database.files().unwrap(), "the same packages give the same bytes");
        let read = Database::read(&files[0].1).unwrap();
        let expected: &[(u32, &str)] =
            if form == Form::Sqlite { &[(1, "b"), (2, "c")] } else { &[(2, "b"), (3, "c")] };
        assert_eq!(names(&read), expected.iter().map(|(n, t)| (*n, (*t).to_owned())).collect::<Vec<_>>());
        assert!(matches!(Database::read(&files[0].1[..4096]), Err(DatabaseError::Damaged(_))));
        if let Form::Ndb { .. } = read.form {
            assert_eq!((read.form, read.next), (Form::Ndb { generation: 8 }, 4));
        }
    }
    assert_eq!(Database::read(b"\0\0").unwrap_err(), DatabaseError::Form);
}
