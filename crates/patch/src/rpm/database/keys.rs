//! By what packages are found in rpm's database, whatever form it has: the tags that it has indexes of, and under which keys of these a
//! package stands. <https://github.com/rpm-software-management/rpm/blob/master/lib/rpmdb.cc>.

use std::collections::BTreeSet;

use crate::rpm::header::Header;
use crate::rpm::tags::{
    BASE_NAMES, CONFLICT_NAME, DIR_NAMES, ENHANCE_NAME, FILE_TRIGGER_INDEX, FILE_TRIGGER_NAME, GROUP,
    INSTALL_TID, NAME, OBSOLETE_NAME, PROVIDE_NAME, RECOMMEND_NAME, REQUIRE_FLAGS, REQUIRE_NAME, SHA1_HEADER,
    SIG_MD5, SUGGEST_NAME, SUPPLEMENT_NAME, TRANS_FILE_TRIGGER_INDEX, TRANS_FILE_TRIGGER_NAME, TRIGGER_NAME,
};

/// The tags that packages are found by, in rpm's order.
pub(super) const FOUND_BY: [u32; 18] = [
    NAME,
    BASE_NAMES,
    GROUP,
    REQUIRE_NAME,
    PROVIDE_NAME,
    CONFLICT_NAME,
    OBSOLETE_NAME,
    TRIGGER_NAME,
    DIR_NAMES,
    INSTALL_TID,
    SIG_MD5,
    SHA1_HEADER,
    FILE_TRIGGER_NAME,
    TRANS_FILE_TRIGGER_NAME,
    RECOMMEND_NAME,
    SUGGEST_NAME,
    SUPPLEMENT_NAME,
    ENHANCE_NAME,
];

/// By what a package is found.
pub(super) enum Key {
    Text(String),
    Bytes(Vec<u8>),
}

impl Key {
    pub(super) const fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes.as_slice(),
        }
    }
}

/// Under which keys a package stands in the table of a tag, each with its number.
pub(super) fn keys(header: &Header, tag: u32) -> Vec<(Key, u32)> {
    match tag {
        INSTALL_TID => {
            let numbers = header.numbers(tag).into_iter().filter_map(|number| u32::try_from(number).ok());
            return (0..)
                .zip(numbers)
                .map(|(index, number)| (Key::Bytes(number.to_le_bytes().to_vec()), index))
                .collect();
        }
        SIG_MD5 => {
            return header.binary(tag).map(|bytes| (Key::Bytes(bytes.to_vec()), 0)).into_iter().collect();
        }
        _ => {}
    }
    let mut texts = header.strings(tag);
    if tag == GROUP {
        texts.truncate(1);
        if texts.is_empty() {
            texts.push("Unknown".to_owned());
        }
    }
    let flags = if tag == REQUIRE_NAME { header.numbers(REQUIRE_FLAGS) } else { Vec::new() };
    let numbers = match tag {
        FILE_TRIGGER_NAME => header.numbers(FILE_TRIGGER_INDEX),
        TRANS_FILE_TRIGGER_NAME => header.numbers(TRANS_FILE_TRIGGER_INDEX),
        _ => Vec::new(),
    };
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, text) in texts.into_iter().enumerate() {
        let is_left_out = is_transient(flags.get(index).copied().unwrap_or_default())
            || (tag == TRIGGER_NAME && !seen.insert(text.clone()))
            || (text.is_empty() && tag != BASE_NAMES);
        if is_left_out {
            continue;
        }
        let number = numbers.get(index).copied().and_then(|number| u32::try_from(number).ok());
        let number = number.unwrap_or_else(|| u32::try_from(index).unwrap_or_default());
        let rich =
            if text.starts_with('(') && tag != PROVIDE_NAME { parts_of(&text) } else { BTreeSet::new() };
        found.push((Key::Text(text), number));
        found.extend(rich.into_iter().map(|part| (Key::Text(part), number)));
    }
    found
}

/// Needs that hold only while a package is being installed.
const fn is_transient(flags: u64) -> bool {
    const INSTALLING: u64 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 24 | 1 << 26;
    const REMOVING: u64 = 1 << 11 | 1 << 12 | 1 << 20 | 1 << 21;
    const META: u64 = 1 << 29;
    flags & INSTALLING != 0 && flags & (REMOVING | META) == 0
}

/// The names in a rich dependency; a `!` is before those whose absence it asks about.
fn parts_of(text: &str) -> BTreeSet<String> {
    let spaced = text.replace("((", "( (").replace("))", ") )");
    let (mut parts, mut is_condition, mut is_version) = (BTreeSet::new(), false, false);
    for word in spaced.split_whitespace() {
        // Parentheses belong to names, too: `(libc.so.6()(64bit) if x)`.
        let inside = word.strip_prefix('(').unwrap_or(word);
        let closes = inside.matches(')').count() > inside.matches('(').count();
        let inside = if closes { inside.strip_suffix(')').unwrap_or(inside) } else { inside };
        match inside {
            "" | ")" | "and" | "or" | "with" | "without" => {}
            "if" | "unless" => is_condition = true,
            "else" => is_condition = false,
            "<" | "<=" | "=" | ">=" | ">" => is_version = true,
            _ if is_version => is_version = false,
            name => drop(parts.insert(if is_condition { format!("!{name}") } else { name.to_owned() })),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_dependencies_are_found_by_their_parts() {
        let parts = |text: &str| parts_of(text).into_iter().collect::<Vec<_>>();
        assert_eq!(parts("(a >= 1 if b)"), ["!b", "a"]);
        assert_eq!(parts("((libc.so.6()(64bit) or c) and d)"), ["c", "d", "libc.so.6()(64bit)"]);
        assert!(is_transient(1 << 24) && is_transient(1 << 9) && !is_transient(1 << 9 | 1 << 12));
    }
}
