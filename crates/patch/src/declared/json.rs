//! Where values stand in a JSON text, so that one can be replaced and all other bytes stay.

use std::ops::Range;

/// How deep values may be nested.
const DEPTH: usize = 64;

/// The place of the value that `keys` lead to from the top.
pub(super) fn place(text: &str, keys: &[&str]) -> Option<Range<usize>> {
    let mut at = 0;
    for key in keys {
        at = member(text, at, key)?;
    }
    let start = blanks(text, at);
    Some(start..skip(text, start, DEPTH)?)
}

/// Where the value of a member begins, of the object at `at`. Of several with the same name the last counts, as for others.
fn member(text: &str, at: usize, wanted: &str) -> Option<usize> {
    let mut at = expect(text, at, b'{')?;
    let mut found = None;
    if byte(text, blanks(text, at))? == b'}' {
        return None;
    }
    loop {
        let start = blanks(text, at);
        let end = string(text, start)?;
        let value = expect(text, end, b':')?;
        let name: String = serde_json::from_str(text.get(start..end)?).ok()?;
        if name == wanted {
            found = Some(value);
        }
        let after = blanks(text, skip(text, blanks(text, value), DEPTH)?);
        match byte(text, after)? {
            b',' => at = after + 1,
            _ => return found,
        }
    }
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

fn blanks(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn expect(text: &str, at: usize, wanted: u8) -> Option<usize> {
    let at = blanks(text, at);
    (byte(text, at)? == wanted).then_some(at + 1)
}

/// The end of the string that begins at `at`.
fn string(text: &str, at: usize) -> Option<usize> {
    let mut at = expect(text, at, b'"')?;
    loop {
        match byte(text, at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The end of the value that begins at `at`.
fn skip(text: &str, at: usize, depth: usize) -> Option<usize> {
    let depth = depth.checked_sub(1)?;
    let close = match byte(text, at)? {
        b'"' => return string(text, at),
        b'{' => b'}',
        b'[' => b']',
        _ => {
            let rest = text.as_bytes().get(at..)?;
            return Some(at + rest.iter().take_while(|byte| !b",]} \t\r\n".contains(byte)).count());
        }
    };
    let mut at = blanks(text, at + 1);
    while byte(text, at)? != close {
        at = match byte(text, at)? {
            b',' | b':' => at + 1,
            _ => skip(text, at, depth)?.max(at + 1),
        };
        at = blanks(text, at);
    }
    Some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_they_stand() {
        let text = "{ \"a\\\"\": [1, {\"b\": \"}\"}], \"c\" : { \"\": {\"d\": 12 }, \"e\": null } }";
        let found = |keys: &[&str]| place(text, keys).and_then(|range| text.get(range));
        assert_eq!(found(&["c", "", "d"]), Some("12"));
        assert_eq!(found(&["a\""]), Some("[1, {\"b\": \"}\"}]"));
        assert_eq!(found(&["c", "e"]), Some("null"));
        assert_eq!(found(&["c", "f"]), None);
        assert_eq!(found(&["a\"", "b"]), None);
    }

    #[test]
    fn hostile_texts_end() {
        for text in ["", "{", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":\"\\", "{}", "[", "{\"a\":1,}", "{:1}"]
        {
            assert_eq!(place(text, &["b"]), None, "{text}");
        }
        let deep = format!("{{\"b\":{}", "[".repeat(1_000_000));
        assert_eq!(place(&deep, &["b"]), None);
    }
}
