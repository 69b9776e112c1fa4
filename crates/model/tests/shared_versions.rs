//! All version tables of `../shared/advisories/version-vectors`, line by line: `a < b`, `a = b`, `a > b`.
//!
//! A line from which we differ is counted apart: its reason stands in [`is_explained`], their number in [`TABLES`].
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test finds its tables by the environment and says what it found"
)]

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_model::version::Scheme;

/// The tables by the name of their files, each with the number of lines from which we differ for a reason.
const TABLES: [(&str, Scheme, usize); 19] = [
    ("alpine-versions", Scheme::Apk, 0),
    ("alpine-versions-generated", Scheme::Apk, 0),
    ("cran-versions", Scheme::Cran, 0),
    ("cran-versions-generated", Scheme::Cran, 0),
    ("debian-versions", Scheme::Deb, 0),
    ("debian-versions-generated", Scheme::Deb, 0),
    ("hackage-versions", Scheme::Hackage, 0),
    ("maven-versions", Scheme::Maven, 1),
    ("maven-versions-generated", Scheme::Maven, 18),
    ("nuget-versions", Scheme::NuGet, 0),
    ("packagist-versions", Scheme::Packagist, 1),
    ("packagist-versions-generated", Scheme::Packagist, 10),
    ("pub-versions", Scheme::Pub, 0),
    ("pypi-versions", Scheme::Pep440, 0),
    ("pypi-versions-generated", Scheme::Pep440, 0),
    ("redhat-versions", Scheme::Rpm, 0),
    ("rubygems-versions", Scheme::RubyGems, 0),
    ("rubygems-versions-generated", Scheme::RubyGems, 0),
    ("semver-versions", Scheme::Semver, 0),
];

#[test]
fn every_line_of_the_tables_holds() {
    let Some(archive) = shared("advisories/version-vectors/osv-semantic-vectors.tar.zst") else {
        eprintln!("skipped: no ../shared folder");
        return;
    };
    let mut wrong = Vec::new();
    for (table, scheme, explained_lines) in TABLES {
        let text = unpack(&archive, table);
        let (mut passed, mut explained) = (0, 0);
        for line in text.lines().map(str::trim).filter(|line| is_case(line)) {
            match judge(scheme, line) {
                Outcome::Holds => passed += 1,
                Outcome::Explained => explained += 1,
                Outcome::Wrong(found) => wrong.push(format!("{table}: {line} ({found})")),
            }
        }
        eprintln!("{table}: {passed} lines hold, {explained} differ for a reason");
        assert!(passed > 0, "{table} is empty");
        if explained != explained_lines {
            wrong
                .push(format!("{table}: {explained} lines differ for a reason instead of {explained_lines}"));
        }
    }
    eprintln!("{} wrong", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n"));
}

enum Outcome {
    Holds,
    Explained,
    Wrong(String),
}

fn judge(scheme: Scheme, line: &str) -> Outcome {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[left, sign, right, ..] = words.as_slice() else { panic!("not a line of a table: {line}") };
    let expected = match sign {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        ">" => Ordering::Greater,
        _ => panic!("not a line of a table: {line}"),
    };
    match (scheme.compare(left, right), scheme.compare(right, left)) {
        (Ok(order), Ok(back)) if order == expected && back == expected.reverse() => Outcome::Holds,
        (found, _) if is_explained(scheme, left, right, found.is_err()) => Outcome::Explained,
        found => Outcome::Wrong(format!("{found:?}")),
    }
}

/// Tells whether the ecosystem itself differs from the table.
fn is_explained(scheme: Scheme, left: &str, right: &str, is_refused: bool) -> bool {
    let either = |holds: &dyn Fn(&str) -> bool| holds(left) || holds(right);
    match scheme {
        // The tables are PHP's alone, which is asked for versions as written; Composer gives them four numbers before it
        // asks, folds case, and drops `-stable`.
        Scheme::Packagist => !is_refused && either(&is_changed_by_composer),
        // The tables were made by a Maven before 3.8.7, where a qualifier with a number after it, `.RC1`, did not yet open a
        // list as `-RC1` does (MNG-7644): 3.6.3 and 3.8.6 differ from them in `1-1 = 1-ga-1` alone, 3.9.9 in these lines.
        // The answers of the real class are what `ecosystem_tools.rs` compares with.
        Scheme::Maven => !is_refused && either(&|text| has_numbered_qualifier(text) || text.contains("-ga-")),
        _ => false,
    }
}

/// Tells whether Composer's normal form of a version changes its order: it lacks numbers, or has words in another case.
fn is_changed_by_composer(text: &str) -> bool {
    let numbers = text.trim_start_matches('v').split(['-', '_']).next().unwrap().split('.').count();
    numbers < 3 || text.contains("ALPHA") || text.contains("-stable")
}

/// Tells whether letters right after a dot, and a digit right after them, are in `text`.
fn has_numbered_qualifier(text: &str) -> bool {
    text.split(['.', '-']).skip(1).any(|part| {
        let rest = part.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        part.len() > rest.len() && !rest.is_empty() && text.contains(&format!(".{part}"))
    })
}

fn is_case(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#') && !line.starts_with("//")
}

fn unpack(archive: &Path, table: &str) -> String {
    let output = Command::new("tar")
        .args(["-I", "zstd -d --long=27", "-xOf"])
        .arg(archive)
        .arg(format!("semantic/testdata/{table}.txt"))
        .output()
        .unwrap();
    assert!(output.status.success(), "tar: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The path of a file in the shared folder, which stands beside the checkout.
fn shared(path: &str) -> Option<PathBuf> {
    let given = std::env::var_os("PLIMSOLL_SHARED").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("../shared"));
    given.into_iter().chain(above).map(|folder| folder.join(path)).find(|file| file.is_file())
}
