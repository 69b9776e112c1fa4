//! Whether a file can be what its name says. A login page or a half archive must not replace a good copy; whether
//! the records inside are sound is for the readers of feeds.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Which bytes are looked at, at either end of a JSON document.
const EDGE: u64 = 64;

/// Says what is wrong with a file named `name`, if it cannot be what that name says.
pub(super) fn complaint(file: &mut File, name: &str) -> io::Result<Option<String>> {
    let size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Ok(Some("it is empty".to_owned()));
    }
    let head = edge(file, 0)?;
    let begins = |magic: &[u8]| head.starts_with(magic);
    let is_sound = match name.rsplit('.').next().unwrap_or_default() {
        "zip" => {
            file.seek(SeekFrom::Start(0))?;
            zip::ZipArchive::new(BufReader::new(&*file)).is_ok()
        }
        "gz" | "tgz" => begins(&[0x1f, 0x8b]),
        "bz2" => begins(b"BZh"),
        "xz" => begins(b"\xfd7zXZ\0"),
        "zst" => begins(&[0x28, 0xb5, 0x2f, 0xfd]),
        "json" => {
            let tail = edge(file, size.saturating_sub(EDGE))?;
            let first = head.trim_ascii_start().strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
            let (first, last) = (first.trim_ascii_start().first(), tail.trim_ascii_end().last());
            matches!((first, last), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')))
        }
        _ => true,
    };
    let kind = name.rsplit('.').next().unwrap_or_default();
    let looks_like_page = head.trim_ascii_start().first() == Some(&b'<');
    Ok((!is_sound).then(|| {
        let instead = if looks_like_page { ", but a page of HTML or XML" } else { "" };
        format!("it is no whole .{kind} file{instead}")
    }))
}

fn edge(file: &mut File, at: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    io::copy(&mut file.take(EDGE), &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn wrong(name: &str, bytes: &[u8]) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        complaint(&mut file, name).unwrap().is_some()
    }

    #[test]
    fn files_that_are_not_what_their_name_says_are_told() {
        assert!(!wrong("a.json", b"\xef\xbb\xbf {\"a\": 1}\n") && !wrong("a.json", b"[]"));
        assert!(wrong("a.json", b"{\"a\": 1") && wrong("a.json", b"<html>") && wrong("a.json", b" "));
        assert!(wrong("a.zip", b"PK\x03\x04") && wrong("a.csv.gz", b"<html>") && wrong("a.xz", b"x"));
        let long = format!("{{{}}}", " ".repeat(500));
        assert!(!wrong("a.json", long.as_bytes()));
        assert!(!wrong("feed", b"anything") && wrong("feed", b""));
    }
}
