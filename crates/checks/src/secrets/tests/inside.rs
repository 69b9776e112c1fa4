//! Secrets in UTF-16, archives, databases and base64.

use std::io::Cursor;
use std::process::Command;

use plimsoll_testkit::tools::{installed, output_of};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// What an extractor tells of a file: the member, the rule and the line of each secret, and the reasons of gaps.
type Told = (Vec<(Option<String>, String, u32)>, Vec<String>);

fn told(file: &mut ScanFile<'_>) -> Told {
    let mut facts = Facts::new();
    facts.at(file.path, 1);
    (SECRETS_INSIDE.extract)(file, &mut facts).unwrap();
    let (facts, gaps) = facts.into_parts(|_, _| true);
    let hit = |located: Located| match located.fact {
        Fact::Secret(hit) => (located.inside, hit.rule, hit.line),
        fact => panic!("{fact:?}"),
    };
    (facts.into_iter().map(hit).collect(), gaps.into_iter().map(|gap| gap.reason).collect())
}

/// The same in memory and spooled.
fn inside(path: &str, bytes: &[u8]) -> Told {
    let in_memory = told(&mut ScanFile::in_memory(path, 0o644, bytes));
    let mut spool = tempfile::tempfile().unwrap();
    spool.write_all(bytes).unwrap();
    let spooled = told(&mut ScanFile::new(path, 0o644, bytes.len() as u64, Content::Spool(&mut spool)));
    assert_eq!(in_memory, spooled);
    in_memory
}

fn token(seed: u64) -> String {
    fill("ghp_{crc:30}", &mut Random::new("inside", seed))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn base64_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        let digit =
            |at: usize| if at > chunk.len() { '=' } else { char::from(DIGITS[bits >> (18 - 6 * at) & 63]) };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn utf16_is_read() {
    let text = format!("# ä\r\n\r\nTOKEN={}\r\n", token(0));
    let hit = (None, "github-token".to_owned(), 3);
    assert_eq!(inside("app/a.ps1", &utf16(&format!("\u{feff}{text}"))), (vec![hit.clone()], vec![]));
    assert_eq!(inside("app/a.reg", &utf16(&text)), (vec![hit.clone()], vec![]));
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(inside("app/a", &big), (vec![hit], vec![]));
    // Beyond the first windows, and with base64 in it.
    let long = format!("{}secret: {}\n", "nothing is here\n".repeat(200_000), base64_of(token(1).as_bytes()));
    let hit = (None, "github-token".to_owned(), 200_001);
    assert_eq!(inside("a.yaml", &utf16(&long)), (vec![hit], vec![]));
}

#[test]
fn members_of_archives_are_searched() {
    let text = format!("a=1\nTOKEN={}\n", token(0));
    let class = [b"\xca\xfe\xba\xbe".as_slice(), text.as_bytes()].concat();
    let members: &[(&str, &[u8])] = &[
        ("config/app.properties", text.as_bytes()),
        ("a/B.class", &class),
        ("wide.txt", &utf16(&format!("\u{feff}{text}"))),
        ("zeros", b"\0\0ghp_"),
        ("empty", b""),
    ];
    let hit = |name: &str| (Some(name.to_owned()), "github-token".to_owned(), 2);
    let expected = (vec![hit("config/app.properties"), hit("wide.txt")], vec![]);
    assert_eq!(inside("srv/app.jar", &archive(members)), expected);
    // Documentation of third parties, by the archive's path and by the member's.
    assert_eq!(inside("usr/share/doc/x/app.jar", &archive(members)).0, []);
    assert_eq!(inside("app/node_modules/a.zip", &archive(&[("test/a.env", text.as_bytes())])).0, []);
}

#[test]
fn what_archives_do_not_give_is_a_gap() {
    let text = format!("TOKEN={}\n", token(0));
    let whole = archive(&[("a.env", text.as_bytes()), ("b.env", text.as_bytes())]);
    // The first member's bytes are not what the directory says.
    let mut damaged = whole.clone();
    damaged[40..50].fill(0xff);
    let (hits, gaps) = inside("app.zip", &damaged);
    assert_eq!(hits, [(Some("b.env".to_owned()), "github-token".to_owned(), 1)]);
    assert!(matches!(&gaps[..], [gap] if gap.contains("a.env")), "{gaps:?}");
    // A bomb: each member shrinks to a thousandth.
    let zeros = vec![b' '; 15 << 20];
    let (hits, gaps) =
        inside("bomb.zip", &archive(&[("a", &zeros), ("b", &zeros), ("c.env", text.as_bytes())]));
    assert_eq!(hits.len(), 1);
    assert!(matches!(&gaps[..], [gap] if gap.contains("a: the member is too large, and 1 more")), "{gaps:?}");
    assert_eq!(inside("cut.zip", &whole[..60]), (vec![], vec![]));
    for length in 0..whole.len() {
        let mut facts = Facts::new();
        drop((SECRETS_INSIDE.extract)(&mut ScanFile::in_memory("a.zip", 0, &whole[..length]), &mut facts));
    }
}

#[test]
fn databases_of_sqlite_are_searched_for_tokens() {
    if !installed(&["python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let key = fill(&fixtures()["private-key"].examples[0], &mut Random::new("inside", 2));
    let long = fill("dop_v1_{hex:64}", &mut Random::new("inside", 3));
    let script = "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\n\
                  d.execute('create table t (id integer primary key, name text, value text)')\n\
                  d.executemany('insert into t (name, value) values (?, ?)',\n\
                  [('token: ', sys.argv[2]), ('key: ', sys.argv[3]), ('no space', sys.argv[4])])\nd.commit()\n";
    let mut python = Command::new("python3");
    drop(output_of(python.args(["-c", script, path.to_str().unwrap(), &token(0), &key, &long])));
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    let bytes = std::fs::read(&path).unwrap();
    let hit = |rule: &str| (None, rule.to_owned(), 1);
    let expected = vec![hit("digitalocean-token"), hit("github-token"), hit("private-key")];
    assert_eq!(inside("srv/app.db", &bytes), (expected, vec![]));
}

#[test]
fn base64_in_configuration_is_decoded_once() {
    let mut random = Random::new("base64", 0);
    let key = fill(&fixtures()["private-key"].examples[0], &mut random);
    let twice = base64_of(base64_of(token(1).as_bytes()).as_bytes());
    let text = format!(
        "kind: Secret\ndata:\n  tls.key: {}\n  token: {}\n  twice: {twice}\n",
        base64_of(key.as_bytes()),
        base64_of(token(0).as_bytes())
    );
    let places = |path: &str| -> Vec<(String, u32, String)> {
        let hits = in_memory(path, text.as_bytes()).0.into_iter();
        hits.map(|hit| (hit.rule, hit.line, hit.fingerprint)).collect()
    };
    let found = places("k8s/secret.yaml");
    let seen: Vec<(&str, u32)> = found.iter().map(|(rule, line, _)| (rule.as_str(), *line)).collect();
    assert_eq!(seen, [("github-token", 4), ("private-key", 3)]);
    assert_eq!(found[0].2, Digest::of(token(0).as_bytes()).hex());
    assert!(!places("src/main.rs").iter().any(|(rule, ..)| rule == "github-token"));
    // Spooled, across the ends of windows.
    let mut long = String::new();
    for seed in 0..60 {
        long.push_str(&"nothing is here\n".repeat(3700));
        long.push_str(&format!("t: {}\n", base64_of(token(seed).as_bytes())));
    }
    let (hits, gaps) = spooled("a.yaml", long.as_bytes());
    assert_eq!((hits.len(), gaps.len()), (60, 0));
    assert_eq!(in_memory("a.yaml", long.as_bytes()).0, hits);
}
