//! Packages over small images.

use super::*;
use crate::deb::archive::md5_of;
use crate::deb::archive::tests::{FILE, FOLDER, Member, deb};
use crate::tree::tests::tree;

const CONTROL: &str = "Package: a\nVersion: 2\nArchitecture: amd64\nDescription: x\n";
const OLD: &str = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n";

struct Case<'a> {
    tree: &'a [&'a str],
    list: &'a str,
    conffiles: &'a [(&'a str, &'a str)],
    there: &'a [(&'a str, &'a str)],
    new_conffiles: &'a str,
    files: &'a [Member<'a>],
}

const EMPTY: Case<'static> =
    Case { tree: &[], list: "", conffiles: &[], there: &[], new_conffiles: "", files: &[] };

impl Case<'_> {
    fn run(&self) -> Result<(Changes, String), UnpackError> {
        let mut status = OLD.to_owned();
        if !self.conffiles.is_empty() {
            status.push_str("Conffiles:\n");
            for (path, content) in self.conffiles {
                status.push_str(&format!(" {path} {}\n", md5_of(content.as_bytes())));
            }
        }
        let database = Database::read(&[(STATUS.to_owned(), status)]);
        let tree = tree(self.tree);
        let mut owners = Owners::default();
        owners.add("a", self.list, &tree);
        owners.add("other", "/usr/share/other\n", &tree);
        let digests: BTreeMap<String, String> =
            self.there.iter().map(|(path, text)| ((*path).to_owned(), md5_of(text.as_bytes()))).collect();
        let mut settings = Settings::default();
        settings.add_configuration("path-exclude=/usr/share/doc/*\n");
        let old = database.packages[0].clone();
        let mut ground = Ground { tree, database, owners, settings, digests };
        let mut changes = Changes::default();
        let others: &[(&str, &str)] =
            if self.new_conffiles.is_empty() { &[] } else { &[("conffiles", self.new_conffiles)] };
        let deb = deb(CONTROL, others, self.files).unwrap();
        unpack(0, &deb, Some(&old), &mut ground, &mut changes)?;
        Ok((changes, ground.database.text()))
    }
}

fn told(changes: &Changes) -> Vec<String> {
    let word = |item: &Item| match item {
        Item::Unpacked(_, index) => format!("entry {index}"),
        Item::Link(target) => format!("link {target}"),
        Item::Bytes(..) | Item::Moved(..) => "bytes".to_owned(),
        Item::Whiteout => "gone".to_owned(),
    };
    let items = changes.items.iter().filter(|(path, _)| !path.starts_with("var/lib/dpkg"));
    items.map(|(path, item)| format!("{path}: {}", word(item))).collect()
}

#[test]
fn files_go_where_the_images_links_lead_and_old_ones_go_away() {
    let case = Case {
        tree: &[
            "usr/",
            "usr/lib/",
            "lib -> usr/lib",
            "usr/lib/a.so.1.0",
            "usr/lib/a.so.1 -> a.so.1.0",
            "usr/lib/gone/",
            "usr/lib/gone/x",
            "usr/share/",
            "var/lib/dpkg/info/a.list",
            "var/lib/dpkg/info/a.prerm",
        ],
        list: "/.\n/lib\n/lib/a.so.1.0\n/lib/a.so.1\n/usr\n/usr/lib\n/usr/lib/gone\n/usr/lib/gone/x\n/usr/share\n/usr/share/other\n",
        files: &[
            ("./", FOLDER, ""),
            ("./usr/", FOLDER, ""),
            ("./usr/lib/", FOLDER, ""),
            ("./usr/lib/a.so.1.1", FILE, "new"),
            ("./usr/lib/a.so.1", tar::EntryType::Symlink, "a.so.1.1"),
            ("./usr/lib/b", tar::EntryType::Link, "./usr/lib/a.so.1.1"),
            ("./usr/share/doc/", FOLDER, ""),
            ("./usr/share/doc/a", FILE, "excluded"),
            ("./usr/new/", FOLDER, ""),
        ],
        ..EMPTY
    };
    let (changes, status) = case.run().unwrap();
    assert_eq!(
        told(&changes),
        [
            "usr/lib/a.so.1: entry 3",
            "usr/lib/a.so.1.0: gone",
            "usr/lib/a.so.1.1: entry 2",
            "usr/lib/b: link usr/lib/a.so.1.1",
            "usr/lib/gone: gone",
            "usr/lib/gone/x: gone",
            "usr/new: entry 7",
            "usr/share/doc: entry 5",
        ]
    );
    assert!(status.contains("Version: 2\n") && !status.contains("Version: 1\n"), "{status}");
    let Some(Item::Bytes(_, list)) = changes.items.get("var/lib/dpkg/info/a.list") else {
        panic!("{changes:?}")
    };
    let list = String::from_utf8(list.clone()).unwrap();
    assert!(list.starts_with("/.\n/usr\n/usr/lib\n") && list.contains("/usr/share/doc/a\n"), "{list}");
    assert_eq!(changes.items.get("var/lib/dpkg/info/a.prerm"), Some(&Item::Whiteout));
}

#[test]
fn configuration_that_was_changed_stays() {
    let etc = ["etc/", "etc/same", "etc/mine", "etc/touched", "etc/left"];
    let case = Case {
        tree: &etc,
        list: "/.\n/etc\n/etc/same\n/etc/mine\n/etc/touched\n/etc/deleted\n/etc/left\n",
        conffiles: &[
            ("/etc/same", "1"),
            ("/etc/mine", "1"),
            ("/etc/touched", "2"),
            ("/etc/deleted", "1"),
            ("/etc/left", "1"),
        ],
        there: &[("etc/same", "1"), ("etc/mine", "own"), ("etc/touched", "own"), ("etc/left", "1")],
        new_conffiles: "/etc/same\n/etc/mine\n/etc/touched\n/etc/deleted\n",
        files: &[
            ("./etc/", FOLDER, ""),
            ("./etc/same", FILE, "2"),
            ("./etc/mine", FILE, "2"),
            ("./etc/touched", FILE, "2"),
            ("./etc/deleted", FILE, "2"),
        ],
    };
    let (changes, status) = case.run().unwrap();
    assert_eq!(told(&changes), ["etc/mine.dpkg-dist: entry 2", "etc/same: entry 1"]);
    let kept = Kept::Stays { path: "/etc/mine".into(), new: "/etc/mine.dpkg-dist".into() };
    assert_eq!(changes.kept, [kept]);
    let two = md5_of(b"2");
    assert!(status.contains(&format!(" /etc/mine {two}\n")), "{status}");
    assert!(status.contains(&format!(" /etc/left {} obsolete\n", md5_of(b"1"))), "{status}");
}

#[test]
fn what_would_harm_the_image_is_refused() {
    let cases: [(&str, Case<'_>); 5] = [
        (
            "foreign-file",
            Case { tree: &["usr/share/other"], files: &[("./usr/share/other", FILE, "x")], ..EMPTY },
        ),
        ("directory-to-file", Case { tree: &["etc/", "etc/x"], files: &[("./etc", FILE, "x")], ..EMPTY }),
        ("file-to-directory", Case { tree: &["etc"], files: &[("./etc/", FOLDER, "")], ..EMPTY }),
        (
            "behind-own-link",
            Case {
                files: &[("./usr/a", tar::EntryType::Symlink, "/etc"), ("./usr/a/passwd", FILE, "x")],
                ..EMPTY
            },
        ),
        ("link-out", Case { tree: &["usr -> ../../host"], files: &[("./usr/a", FILE, "x")], ..EMPTY }),
    ];
    for (name, case) in cases {
        assert!(case.run().is_err(), "{name}");
    }
}
