//! What a Debian package says of others: `a (>= 1) | b:any, c`.
//! <https://www.debian.org/doc/debian-policy/ch-relationships.html>.

use super::status::field;
use crate::relation::{Compare, Relation};
use crate::stock::Relations;

/// The most relations of one field that are read.
const LIMIT: usize = 10_000;

/// What a paragraph says of other packages.
#[must_use]
pub fn relations_of(text: &str) -> Relations {
    let read = |name: &str| field(text, name).map(|value| relations(&value)).unwrap_or_default();
    let flat = |name: &str| read(name).into_iter().flatten();
    Relations {
        is_foreign: field(text, "Multi-Arch").as_deref() == Some("foreign"),
        needs: read("Pre-Depends").into_iter().chain(read("Depends")).collect(),
        breaks: flat("Breaks").chain(flat("Conflicts")).collect(),
        provides: flat("Provides").collect(),
        ..Relations::default()
    }
}

/// Reads a field: groups that all must hold, each of alternatives of which one must.
#[must_use]
pub fn relations(field: &str) -> Vec<Vec<Relation>> {
    let groups = field.split(',').take(LIMIT).map(|group| group.split('|').filter_map(relation).collect());
    groups.filter(|group: &Vec<Relation>| !group.is_empty()).collect()
}

fn relation(text: &str) -> Option<Relation> {
    let (name, rest) = match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest.split(')').next().unwrap_or_default().trim())),
        None => (text, None),
    };
    let name = name.split(['[', '<']).next().unwrap_or_default().trim();
    let (name, architecture) = match name.split_once(':') {
        Some((name, architecture)) => (name, Some(architecture.trim().to_owned())),
        None => (name, None),
    };
    if name.is_empty() {
        return None;
    }
    // Of old, `<` and `>` meant `<=` and `>=`.
    const SIGNS: [(&str, Compare); 7] = [
        ("<<", Compare::Before),
        ("<=", Compare::AtMost),
        (">>", Compare::After),
        (">=", Compare::AtLeast),
        ("=", Compare::Equal),
        ("<", Compare::AtMost),
        (">", Compare::AtLeast),
    ];
    let version = rest.and_then(|rest| {
        SIGNS.iter().find_map(|(sign, compare)| Some((*compare, rest.strip_prefix(sign)?.trim().to_owned())))
    });
    Some(Relation { name: name.to_owned(), architecture, version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::version::Scheme;

    #[test]
    fn fields_are_read_and_versions_compared() {
        let all =
            relations("libc6 (>= 2.36), debconf (<< 2) | debconf-2.0, python3:any, x(=1:2), , y [amd64]");
        let words: Vec<String> = all
            .iter()
            .map(|group| group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))
            .collect();
        assert_eq!(
            words,
            ["libc6 (>= 2.36)", "debconf (<< 2) | debconf-2.0", "python3:any", "x (= 1:2)", "y"]
        );
        assert!(all[0][0].fits(Scheme::Deb, "2.36-9") && !all[0][0].fits(Scheme::Deb, "2.36~rc1"));
        assert!(all[3][0].fits(Scheme::Deb, "1:2") && !all[3][0].fits(Scheme::Deb, "2"));
        assert!(!relations("a (>= 1)")[0][0].fits(Scheme::Deb, "no version!"));
        assert!(relations(&"a,".repeat(100_000)).len() <= LIMIT);
    }
}
