//! Rust crates, from the list that `cargo auditable` leaves in an executable: a section `.dep-v0` with JSON, compressed
//! by zlib; and the functions of those crates, if the table of symbols was not stripped. Other Rust executables do not tell
//! what they are built of.
//! Format: <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.

mod functions;

use std::io;

use plimsoll_formats::compression::inflate_zlib;
use plimsoll_formats::executable::symbols::Symbols;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, ScanFile};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use serde::Deserialize;

use super::executable::{WANTS, open, source};

/// Reads executables built by `cargo auditable`.
pub(crate) const RUST: Extractor = Extractor { name: "rust", revision: 3, wants: WANTS, extract };

/// A thousand crates take some ten kilobytes.
const COMPRESSED_LIMIT: u64 = 4 << 20;
const PLAIN_LIMIT: u64 = 64 << 20;

#[derive(Deserialize)]
struct Audit {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: Option<String>,
    /// Places in the list.
    #[serde(default)]
    dependencies: Vec<usize>,
}

impl Crate {
    fn is_of_build(&self) -> bool {
        self.kind.as_deref() == Some("build")
    }
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let mut source = source(file)?;
    let Some(executable) = open(&mut source)? else { return Ok(()) };
    let Some(section) = executable.section(".dep-v0") else { return Ok(()) };
    if section.size > COMPRESSED_LIMIT {
        return Err(ExtractError::Limit(format!("the list of crates takes {} bytes", section.size)));
    }
    let compressed = source.read_at(section.offset, section.size).map_err(ExtractError::Spool)?;
    let json = inflate_zlib(&compressed, PLAIN_LIMIT).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => ExtractError::Limit("the list of crates inflates too far".to_owned()),
        _ => ExtractError::Malformed(format!("the list of crates: {error}")),
    })?;
    let audit: Audit = serde_json::from_slice(&json)
        .map_err(|error| ExtractError::Malformed(format!("the list of crates: {error}")))?;
    // What only the build ran is not in the executable.
    let linked: Vec<&Crate> = audit.packages.iter().filter(|package| !package.is_of_build()).collect();
    if let Some(symbols) = Symbols::read(&mut source, &executable).map_err(ExtractError::Spool)?
        && let Some(code) = functions::code(&symbols, linked.iter().map(|package| package.name.as_str()))
    {
        facts.push_code(None, code);
    }
    for linked in linked {
        let package = Package::new(Ecosystem::Cargo, linked.name.as_str(), linked.version.as_str());
        let mut needs = Needs::of(&package, Reach::File);
        for wanted in linked.dependencies.iter().filter_map(|place| audit.packages.get(*place)) {
            needs.need_version(&wanted.name, &wanted.version);
        }
        facts.push_needs(needs);
        facts.push(Fact::Package(package));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};
    use std::io::Write;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A PE file with `data` as its section `.dep-v0`, said to be `size` bytes long.
    fn pe(data: &[u8], size: usize) -> Vec<u8> {
        let mut bytes = b"MZ".to_vec();
        bytes.resize(0x40 + 24 + 240 + 40, 0);
        bytes[0x3c] = 0x40;
        bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
        bytes[0x46] = 1;
        bytes[0x54] = 240;
        bytes[0x58..0x5a].copy_from_slice(&[0x0b, 2]);
        let table = 0x40 + 24 + 240;
        let start = u32::try_from(bytes.len()).unwrap();
        bytes[table..table + 7].copy_from_slice(b".dep-v0");
        bytes[table + 16..table + 20].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
        bytes[table + 20..table + 24].copy_from_slice(&start.to_le_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn crates_are_read_and_those_of_the_build_left_out() {
        let json = br#"{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true,"dependencies":[1]},
            {"name":"time","version":"0.1.40","source":"crates.io"},{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"}]}"#;
        let data = zlib(json);
        let expected = [("app", "0.1.0"), ("time", "0.1.40")]
            .map(|(name, version)| Fact::Package(Package::new(Ecosystem::Cargo, name, version)));
        assert_eq!(facts_of(&RUST, "usr/bin/app", &pe(&data, data.len())), expected);
        assert_eq!(needs_of(&RUST, "usr/bin/app", &pe(&data, data.len())), ["app: time 0.1.40; "]);
        // Sections are padded.
        let padded = [&data[..], &[0; 100]].concat();
        assert_eq!(facts_of(&RUST, "usr/bin/app", &pe(&padded, padded.len())), expected);
    }

    #[test]
    fn lists_that_lie_or_inflate_without_end_are_gaps() {
        let bomb = zlib(&vec![b' '; usize::try_from(PLAIN_LIMIT).unwrap() + 1]);
        let json = zlib(b"{\"packages\":");
        for data in [&bomb[..], &json, b"garbage", b"", &json[..5]] {
            assert!(error_of(&RUST, "x", &pe(data, data.len())).is_some(), "{} bytes", data.len());
        }
        assert!(error_of(&RUST, "x", &pe(b"x", 100_000_000)).is_some());
    }
}
