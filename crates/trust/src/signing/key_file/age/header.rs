//! The text of a file of age: its armor, and the header with a stanza for each who can open it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

pub(super) const MAGIC: &str = "age-encryption.org/v1";
/// How files of all versions begin.
pub(super) const ANY_VERSION: &str = "age-encryption.org/";
pub(super) const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const STANZA: &str = "-> ";
const LAST: &str = "---";
const COLUMNS: usize = 64;
/// More stanzas are not looked at: each costs work.
const STANZAS: usize = 128;

/// What one recipient needs to come to the key of a file.
#[derive(Debug)]
pub(super) struct Stanza {
    pub(super) kind: String,
    pub(super) arguments: Vec<String>,
    pub(super) body: Vec<u8>,
}

pub(super) struct Header {
    pub(super) stanzas: Vec<Stanza>,
    /// What the code authenticates.
    pub(super) signed: Vec<u8>,
    pub(super) mac: [u8; 32],
}

impl Header {
    /// Reads a header; what follows it comes with it.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = bytes;
        if line(&mut rest)? != MAGIC {
            return None;
        }
        let mut stanzas = Vec::new();
        loop {
            let start = bytes.len().checked_sub(rest.len())?;
            let text = line(&mut rest)?;
            if let Some(mac) = text.strip_prefix(LAST) {
                let mac = unencoded(mac.strip_prefix(' ')?)?;
                let signed = bytes.get(..start.checked_add(LAST.len())?)?.to_vec();
                return (!stanzas.is_empty()).then_some((Self { stanzas, signed, mac }, rest));
            }
            if stanzas.len() == STANZAS {
                return None;
            }
            stanzas.push(stanza(text.strip_prefix(STANZA)?, &mut rest)?);
        }
    }
}

fn stanza(first: &str, rest: &mut &[u8]) -> Option<Stanza> {
    let mut words = first.split(' ').map(str::to_owned);
    let (kind, arguments) = (words.next()?, words.collect::<Vec<_>>());
    if kind.is_empty() || arguments.iter().any(String::is_empty) {
        return None;
    }
    let mut body = Vec::new();
    loop {
        let text = line(rest)?;
        if text.len() > COLUMNS {
            return None;
        }
        body.extend(STANDARD_NO_PAD.decode(text).ok()?);
        // A body ends with a line that is not full, which may be empty.
        if text.len() < COLUMNS {
            return Some(Stanza { kind, arguments, body });
        }
    }
}

/// A line of printable ASCII.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, after) = (rest.get(..end)?, rest.get(end.checked_add(1)?..)?);
    *rest = after;
    std::str::from_utf8(line).ok().filter(|line| line.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
}

/// As many bytes in Base64, without padding.
pub(super) fn unencoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// A header; `mac` authenticates it.
pub(super) fn written(stanzas: &[Stanza], mac: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut text = format!("{MAGIC}\n");
    for Stanza { kind, arguments, body } in stanzas {
        // No body here fills a line.
        text += &format!("{STANZA}{kind} {}\n{}\n", arguments.join(" "), encoded(body));
    }
    text += LAST;
    let mac = encoded(&mac(text.as_bytes()));
    text += &format!(" {mac}\n");
    text.into_bytes()
}

pub(super) fn without_armor(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let mut lines = text.strip_prefix(BEGIN)?.strip_suffix(END)?.lines();
    // What stands behind the first line.
    lines.next().filter(|rest| rest.is_empty())?;
    let lines: Vec<&str> = lines.collect();
    let (last, full) = lines.split_last()?;
    let fit = full.iter().all(|line| line.len() == COLUMNS) && (1..=COLUMNS).contains(&last.len());
    fit.then(|| STANDARD.decode(lines.concat()).ok()).flatten()
}

pub(super) fn in_armor(bytes: &[u8]) -> String {
    let mut text = format!("{BEGIN}\n");
    for (index, letter) in STANDARD.encode(bytes).chars().enumerate() {
        if index > 0 && index.is_multiple_of(COLUMNS) {
            text.push('\n');
        }
        text.push(letter);
    }
    text + "\n" + END + "\n"
}
