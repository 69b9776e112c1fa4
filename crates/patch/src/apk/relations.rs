//! What an apk says of others: `a>=1.2 !b so:libc.musl-x86_64.so.1 c~2`. apk-package(5).

use crate::relation::{Compare, Relation};
use crate::stock::Relations;

/// The most relations of one field that are read.
const LIMIT: usize = 10_000;
/// The longest first.
const SIGNS: [(&str, Compare); 8] = [
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("~=", Compare::Like),
    ("=~", Compare::Like),
    ("<", Compare::Before),
    (">", Compare::After),
    ("=", Compare::Equal),
    ("~", Compare::Like),
];

/// What the fields `D:` and `p:` say.
#[must_use]
pub fn relations_of(needs: &str, provides: &str) -> Relations {
    let words = || needs.split_whitespace().take(LIMIT);
    Relations {
        // A package serves whoever needs it: there are no others of another architecture beside it.
        is_foreign: true,
        needs: words().filter(|word| !word.starts_with('!')).map(|word| vec![relation(word)]).collect(),
        breaks: words().filter_map(|word| word.strip_prefix('!')).map(relation).collect(),
        provides: provides.split_whitespace().take(LIMIT).map(relation).collect(),
        ..Relations::default()
    }
}

/// One word: a name, and perhaps how its version has to be.
#[must_use]
pub fn relation(word: &str) -> Relation {
    let word = word.split('@').next().unwrap_or_default();
    let at = word.find(['<', '>', '=', '~']).unwrap_or(word.len());
    let (name, rest) = word.split_at(at);
    let version =
        SIGNS.iter().find_map(|(sign, compare)| Some((*compare, rest.strip_prefix(sign)?.to_owned())));
    Relation { name: name.to_owned(), architecture: None, version }
}

#[cfg(test)]
mod tests {
    use plimsoll_model::version::Scheme;

    use super::*;

    #[test]
    fn words_are_read_and_versions_compared() {
        let found = relations_of("a>=1.2-r0 !b<2 so:libc.musl-x86_64.so.1 c~1.2 d=1@edge", "cmd:a=1.2-r0 e");
        let needs: Vec<String> = found.needs.iter().map(|group| group[0].to_string()).collect();
        assert_eq!(needs, ["a (>= 1.2-r0)", "so:libc.musl-x86_64.so.1", "c (~ 1.2)", "d (= 1)"]);
        assert_eq!(found.breaks[0].to_string(), "b (<< 2)");
        assert_eq!(found.provides[0].to_string(), "cmd:a (= 1.2-r0)");
        let like = &found.needs[2][0];
        assert!(like.fits(Scheme::Apk, "1.2.3-r0") && like.fits(Scheme::Apk, "1.2-r1"));
        assert!(!like.fits(Scheme::Apk, "1.20-r0"));
        assert!(
            found.needs[0][0].fits(Scheme::Apk, "1.2-r0")
                && !found.needs[0][0].fits(Scheme::Apk, "1.2_rc1-r0")
        );
        assert!(relations_of(&"a ".repeat(100_000), "").needs.len() <= LIMIT);
    }
}
