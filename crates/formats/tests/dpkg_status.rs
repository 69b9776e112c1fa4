//! Reads this machine's dpkg database and compares with what dpkg itself says.
#![cfg(test)]

use std::collections::BTreeMap;
use std::process::Command;

use plimsoll_formats::deb822::stanzas;

const STATUS: &str = "/var/lib/dpkg/status";

/// What dpkg tells about each package: its key to its fields, in the order of `FIELDS`.
const FIELDS: [&str; 8] =
    ["Package", "Status", "Version", "Architecture", "Source", "Conffiles", "Depends", "Description"];

#[test]
fn the_status_file_reads_as_dpkg_reads_it() {
    #[expect(clippy::disallowed_methods, reason = "a test over a file of this machine")]
    let Ok(text) = std::fs::read_to_string(STATUS) else {
        println!("skipped: no {STATUS}");
        return;
    };
    let format: String = FIELDS.iter().map(|field| format!("${{{field}}}\x1f")).collect();
    let Ok(output) = Command::new("dpkg-query").args(["-W", "-f", &format!("{format}\x1e")]).output() else {
        println!("skipped: no dpkg-query");
        return;
    };
    let told = String::from_utf8(output.stdout).unwrap();
    let mut expected: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for record in told.split_terminator('\x1e') {
        let values: Vec<String> = record.split_terminator('\x1f').map(squeeze).collect();
        expected.insert((values[0].clone(), values[3].clone()), values);
    }
    let mut count = 0;
    for stanza in stanzas(&text) {
        let get = |name: &str| stanza.get(name).map(|value| value.folded().into_owned()).unwrap_or_default();
        let values: Vec<String> = FIELDS.iter().map(|field| squeeze(&get(field))).collect();
        assert_eq!(
            Some(&values),
            expected.get(&(values[0].clone(), values[3].clone())),
            "line {}",
            stanza.line()
        );
        assert_eq!(stanza.stray_lines().count(), 0);
        count += 1;
    }
    assert_eq!(count, expected.len());
    println!("{count} packages");
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
