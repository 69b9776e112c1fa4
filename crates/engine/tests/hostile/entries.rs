//! Layers whose tar entries lie, loop, escape or never end.

use plimsoll_model::gap::GapKind;
use plimsoll_model::scan::Scan;
use plimsoll_report::template::Template;
use plimsoll_report::{Report, Style};

use crate::bench::{Bench, PACKAGE, gaps, names};
use crate::build::{HARDLINK, Layer, Layout, SYMLINK, Tar};

const TEN_GB: &str = "10737418240";

fn read(tar: Tar) -> Scan {
    Bench::new().reads(&Layer::gzipped(&tar.end()))
}

#[test]
fn sparse_files_of_ten_gigabytes_are_not_expanded() {
    let name = "node_modules/x/package.json";
    let map = b"1\n10737418239\n1\n";
    let mut body = map.to_vec();
    body.resize(512, 0);
    body.push(b'}');
    let one = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", name)];
    let one = Tar::default().pax(&[&one[..], &[("GNU.sparse.realsize", TEN_GB)]].concat());
    let zero_one = Tar::default().pax(&[
        ("GNU.sparse.size", TEN_GB),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.map", "10737418239,1"),
    ]);
    let zero = Tar::default().pax(&[
        ("GNU.sparse.size", TEN_GB),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.offset", "10737418239"),
        ("GNU.sparse.numbytes", "1"),
    ]);
    let forms = [one.file("GNUSparseFile.1/x", &body), zero_one.file(name, "}"), zero.file(name, "}")];
    for tar in forms.into_iter().chain([old_gnu(name, 0)]) {
        let scan = read(tar);
        assert_eq!(gaps(&scan, GapKind::FileUnread), [(&*format!("/{name}"), "the file is sparse")]);
    }
}

/// An old GNU sparse file with `more` further blocks of its map.
fn old_gnu(name: &str, more: usize) -> Tar {
    let mut block = Tar::header(name, b'S', "", 1);
    block[257..265].copy_from_slice(b"ustar  \0");
    block[386..398].copy_from_slice(b"77777777777\0");
    block[398..410].copy_from_slice(b"00000000001\0");
    block[482] = u8::from(more > 0);
    block[483] = 0x80;
    block[487..495].copy_from_slice(&(10_u64 << 30).to_be_bytes());
    Tar::sign(&mut block);
    let mut tar = Tar::default().raw(&block);
    for left in (0..more).rev() {
        let mut block = [0; 512];
        block[504] = u8::from(left > 0);
        tar = tar.raw(&block);
    }
    tar.raw(b"}").raw(&[0; 511])
}

#[test]
fn an_endless_sparse_map_ends_at_a_limit() {
    let layer = Layer::gzipped(&old_gnu("x", 10_000).end());
    Bench::new().limits(&layer, "bytes of a sparse map");
}

#[test]
fn endless_extended_headers_end_at_a_limit() {
    let many = (0..5_000).fold(Tar::default(), |tar, _| tar.pax(&[("comment", "x")])).file("a", "b");
    let large = Tar::default().pax(&[("comment", &"x".repeat(2 << 20))]).file("a", "b");
    let long_name = Tar::default().entry("././@LongLink", b'L', "", &vec![b'a'; 2 << 20]).file("a", "b");
    let mut claimed = Tar::default().raw(&Tar::header("pax", b'x', "", u64::MAX));
    claimed.0.resize(1 << 20, b' ');
    for tar in [many, large, long_name, claimed] {
        Bench::new().limits(&Layer::gzipped(&tar.end()), "bytes of extended headers");
    }
}

#[test]
fn global_headers_do_not_add_up() {
    let tar = (0..3_000).fold(Tar::default(), |tar, n| {
        tar.entry("g", b'g', "", b"13 comment=x\n").file(&format!("file-{n}"), "x")
    });
    assert!(read(tar).gaps.is_empty());
}

#[test]
fn names_that_lead_out_of_the_root_are_gaps() {
    let tar = Tar::default()
        .file("../../etc/cron.d/evil", "x")
        .file("a/../../package.json", PACKAGE)
        .file("srv/../../package.json", PACKAGE);
    let scan = read(tar);
    assert_eq!(gaps(&scan, GapKind::SuspiciousEntry).len(), 3);
    assert!(names(&scan).is_empty());
}

#[test]
fn absolute_names_lie_in_the_root() {
    let scan = read(Tar::default().file("/node_modules/x/package.json", PACKAGE));
    assert_eq!(names(&scan), ["left-pad"]);
    assert_eq!(scan.inventory.packages[0].locations[0].path, "node_modules/x/package.json");
}

#[test]
fn links_out_of_the_root_are_not_followed() {
    let tar = Tar::default()
        .entry("etc/os-release", SYMLINK, "../../../../../etc/os-release", b"")
        .entry("var/lib/dpkg/status", SYMLINK, "/var/lib/dpkg/status", b"")
        .entry("lib/apk/db/installed", HARDLINK, "../../../lib/apk/db/installed", b"")
        .entry("node_modules/x/package.json", HARDLINK, "/", b"");
    let scan = read(tar);
    assert!(names(&scan).is_empty() && scan.inventory.distribution.is_none());
    assert_eq!(gaps(&scan, GapKind::SuspiciousEntry).len(), 2);
}

#[test]
fn links_in_circles_lead_nowhere() {
    let tar = Tar::default()
        .entry("a", SYMLINK, "b", b"")
        .entry("b", SYMLINK, "a", b"")
        .entry("self/package.json", HARDLINK, "self/package.json", b"")
        .entry("x/package.json", HARDLINK, "y/package.json", b"")
        .entry("y/package.json", HARDLINK, "x/package.json", b"");
    let upper = Layer::gzipped(&Tar::default().file("a/node_modules/a/package.json", PACKAGE).end());
    let layout = Layout::of(&[Layer::gzipped(&tar.end()), upper]);
    assert_eq!(names(&Bench::new().scan(&layout).unwrap()), ["left-pad"]);
}

/// The last name of a file shows what the first did, over any number of links.
#[test]
fn chains_of_hard_links_end_at_the_file() {
    let lower = Tar::default()
        .file("node_modules/a/package.json", PACKAGE)
        .entry("node_modules/b/package.json", HARDLINK, "node_modules/a/package.json", b"")
        .entry("node_modules/c/package.json", HARDLINK, "node_modules/b/package.json", b"");
    let upper = Tar::default()
        .file("node_modules/a/.wh.package.json", "")
        .file("node_modules/b/.wh.package.json", "");
    let layout = Layout::of(&[Layer::gzipped(&lower.end()), Layer::gzipped(&upper.end())]);
    let scan = Bench::new().scan(&layout).unwrap();
    assert_eq!(names(&scan), ["left-pad"]);
    assert_eq!(scan.inventory.packages[0].locations[0].path, "node_modules/c/package.json");
}

/// Facts times names would be a hundred million.
#[test]
fn many_names_of_a_file_with_many_facts_are_a_gap() {
    let status: String = (0..10_000)
        .map(|n| format!("Package: p{n}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"))
        .collect();
    let mut tar = Tar::default().file("var/lib/dpkg/status", status);
    for n in 0..10_000 {
        tar.add(&format!("links/{n}"), HARDLINK, "var/lib/dpkg/status", b"");
    }
    let scan = read(tar);
    assert_eq!(names(&scan).len(), 10_000);
    assert_eq!(gaps(&scan, GapKind::LimitReached)[0].0, "hard links");
}

#[test]
fn devices_and_pipes_hold_nothing() {
    let tar = [b'3', b'4', b'6']
        .iter()
        .fold(Tar::default(), |tar, kind| tar.entry(&format!("dev/{kind}/package.json"), *kind, "", b""));
    let scan = read(tar.entry("odd/package.json", b'Z', "", PACKAGE.as_bytes()));
    assert!(names(&scan).is_empty());
    assert_eq!(gaps(&scan, GapKind::SuspiciousEntry).len(), 1);
}

#[test]
fn of_duplicate_entries_the_last_counts() {
    let other = PACKAGE.replace("left", "right");
    let name = "node_modules/x/package.json";
    assert_eq!(names(&read(Tar::default().file(name, PACKAGE).file(name, &other))), ["right-pad"]);
    assert_eq!(
        names(&read(Tar::default().file(name, &other).file("./node_modules//x/package.json", PACKAGE))),
        ["left-pad"]
    );
    assert!(names(&read(Tar::default().file(name, PACKAGE).entry(name, SYMLINK, "y", b""))).is_empty());
}

#[test]
fn whiteouts_of_nothing_do_nothing() {
    let tar = Tar::default()
        .file(".wh.absent", "")
        .file("no/such/.wh..wh..opq", "")
        .file(".wh.", "")
        .file(".wh..wh.", "")
        .file(".wh..wh..opq", "")
        .file("node_modules/x/package.json", PACKAGE);
    assert_eq!(names(&read(tar)), ["left-pad"]);
}

/// To some, a whiteout without a name is one of the directory itself.
#[test]
fn whiteouts_without_a_name_hide_nothing() {
    let lower = Tar::default().file("node_modules/x/package.json", PACKAGE);
    let upper = Tar::default().file(".wh.", "").file("srv/.wh..", "").file("node_modules/x/.wh...", "");
    let layout = Layout::of(&[Layer::gzipped(&lower.end()), Layer::gzipped(&upper.end())]);
    let scan = Bench::new().scan(&layout).unwrap();
    assert_eq!(names(&scan), ["left-pad"]);
    assert_eq!(gaps(&scan, GapKind::SuspiciousEntry).len(), 3);
}

#[test]
fn bodies_that_are_not_there_are_refused() {
    let bench = Bench::new();
    for size in [1_u64, 1 << 30, 1 << 62, u64::MAX] {
        let tar = Tar::default().file("a", "b").raw(&Tar::header("srv/package.json", b'0', "", size)).0;
        bench.refuses(&Layer::gzipped(&tar), "");
    }
    let tar = Tar::default().pax(&[("size", "18446744073709551615")]).file("srv/package.json", PACKAGE);
    bench.refuses(&Layer::gzipped(&tar.end()), "the archive ends inside entry");
    let mut tar = Tar::default().file("a", "b").end();
    tar[148] ^= 1;
    bench.refuses(&Layer::gzipped(&tar), "checksum");
}

#[test]
fn a_path_of_ten_thousand_parts_is_a_gap() {
    let deep = format!("{}package.json", "a/".repeat(10_000));
    let wide = format!("{}/package.json", "a".repeat(100_000));
    let scan = read(Tar::default().long(&deep, PACKAGE.as_bytes()).long(&wide, PACKAGE.as_bytes()));
    let gaps = gaps(&scan, GapKind::SuspiciousEntry);
    assert_eq!(gaps.len(), 2);
    assert!(gaps.iter().all(|(subject, _)| subject.len() <= 200));
    assert!(names(&scan).is_empty());
}

#[test]
fn deep_paths_that_a_system_can_hold_are_read() {
    let deep = format!("{}node_modules/a/package.json", "a/".repeat(400));
    assert_eq!(names(&read(Tar::default().long(&deep, PACKAGE.as_bytes()))), ["left-pad"]);
}

#[test]
fn more_names_than_memory_end_at_a_limit() {
    let mut bench = Bench::new();
    bench.options.evidence.limits.tar.name_bytes = 10_000;
    let name = "n".repeat(900);
    let tar = (0..20).fold(Tar::default(), |tar, n| tar.long(&format!("{n}/{name}"), b"x"));
    bench.limits(&Layer::gzipped(&tar.end()), "bytes of names");
    bench.options.evidence.limits.tar.entries = 10;
    bench.options.evidence.limits.tar.name_bytes = 1 << 20;
    let tar = (0..20).fold(Tar::default(), |tar, n| tar.file(&format!("{n}"), "x"));
    bench.limits(&Layer::gzipped(&tar.end()), "more than 10 entries");
}

#[test]
fn names_that_a_terminal_would_obey_are_shown_harmless() {
    let tar = Tar::default()
        .file("../\u{1b}]0;owned\u{7}\nNo findings.\n", "x")
        .file("node_modules/\u{1b}[2J\n/package.json", "{")
        .long("node_modules/\u{202e}gpj.\r/package.json", b"{");
    let scan = read(tar);
    assert!(scan.gaps.len() >= 3, "{:?}", scan.gaps);
    let now = jiff::Timestamp::UNIX_EPOCH;
    let template = Template::parse("x.html", "{{ scans }}".to_owned()).unwrap();
    let report = Report {
        scans: &[scan],
        decisions: &[],
        due: &[],
        version: "0",
        elapsed: None,
        made: None,
        now,
        template: Some(&template),
        style: Style::default(),
    };
    for format in plimsoll_report::all::FORMATS {
        let mut out = Vec::new();
        format.write(&report, &mut out).unwrap();
        // CSV has other line ends.
        let text = String::from_utf8(out).unwrap().replace("\r\n", "\n");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\r']), "{text}");
        assert!(!text.contains("\nNo findings.\n/"), "{text}");
    }
}
