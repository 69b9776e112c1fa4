//! What an rpm says of others: names with versions, files, and rich dependencies, `(a or b)`, `(a if b)`.
//! <https://rpm.org/docs/latest/manual/boolean_dependencies.html>.

use super::header::Header;
use super::tags::{
    CONFLICT_FLAGS, CONFLICT_NAME, CONFLICT_VERSION, OBSOLETE_FLAGS, OBSOLETE_NAME, OBSOLETE_VERSION,
    PROVIDE_FLAGS, PROVIDE_NAME, PROVIDE_VERSION, REQUIRE_FLAGS, REQUIRE_NAME, REQUIRE_VERSION,
};
use crate::relation::{Compare, Relation};
use crate::stock::{Conditional, Relations};

/// The most words of a rich dependency that are read.
const WORDS: usize = 1000;

/// One dependency as headers and indexes have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dependency {
    /// A name, a file, or a rich dependency.
    pub name: String,
    /// How the version has to be, if it has.
    pub compare: Option<Compare>,
    /// The version.
    pub version: String,
}

impl Dependency {
    fn relation(self) -> Relation {
        let version = self.compare.map(|compare| (compare, self.version));
        Relation { name: self.name, architecture: None, version }
    }
}

/// What is compared, by the flags of a header.
#[must_use]
pub const fn compare_of(flags: u64) -> Option<Compare> {
    match flags & 14 {
        2 => Some(Compare::Before),
        10 => Some(Compare::AtMost),
        8 => Some(Compare::Equal),
        12 => Some(Compare::AtLeast),
        4 => Some(Compare::After),
        _ => None,
    }
}

/// What an installed package says of others, without its files.
#[must_use]
pub fn relations_of(header: &Header) -> Relations {
    let read = |names, flags, versions| -> Vec<Dependency> {
        let (flags, versions) = (header.numbers(flags), header.strings(versions));
        let dependency = |(index, name)| Dependency {
            name,
            compare: compare_of(flags.get(index).copied().unwrap_or_default()),
            version: versions.get(index).cloned().unwrap_or_default(),
        };
        header.strings(names).into_iter().enumerate().map(dependency).collect()
    };
    relations(
        read(REQUIRE_NAME, REQUIRE_FLAGS, REQUIRE_VERSION),
        read(PROVIDE_NAME, PROVIDE_FLAGS, PROVIDE_VERSION),
        [
            read(CONFLICT_NAME, CONFLICT_FLAGS, CONFLICT_VERSION),
            read(OBSOLETE_NAME, OBSOLETE_FLAGS, OBSOLETE_VERSION),
        ]
        .concat(),
    )
}

/// The same of what is required, provided, and not to be there.
#[must_use]
pub fn relations(requires: Vec<Dependency>, provides: Vec<Dependency>, breaks: Vec<Dependency>) -> Relations {
    let mut relations = Relations {
        // Names say for which architecture they stand: `libc.so.6()(64bit)`.
        is_foreign: true,
        provides: provides.into_iter().map(Dependency::relation).collect(),
        breaks: breaks
            .into_iter()
            .filter(|other| !other.name.starts_with('('))
            .map(Dependency::relation)
            .collect(),
        ..Relations::default()
    };
    for dependency in requires {
        if dependency.name.starts_with("rpmlib(") {
            continue;
        }
        if !dependency.name.starts_with('(') {
            relations.needs.push(vec![dependency.relation()]);
        } else if !rich(&dependency.name, &mut relations) {
            // It holds only if it held before.
            relations.needs.push(vec![dependency.relation()]);
        }
    }
    relations
}

/// Reads a rich dependency of one level: all of `and`, one of `or`, the first of `if` where the second is there. False for others.
fn rich(text: &str, relations: &mut Relations) -> bool {
    let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return false };
    let words: Vec<&str> = inside.split_whitespace().take(WORDS).collect();
    if words.iter().any(|word| word.starts_with('(')) || words.len() == WORDS {
        return false;
    }
    let mut operands: Vec<Relation> = Vec::new();
    let mut operators: Vec<&str> = Vec::new();
    let mut at = words.into_iter().peekable();
    while let Some(name) = at.next() {
        let mut relation = Relation { name: name.to_owned(), architecture: None, version: None };
        if let Some(compare) = at.peek().and_then(|word| sign(word)) {
            at.next();
            let Some(version) = at.next() else { return false };
            relation.version = Some((compare, version.to_owned()));
        }
        operands.push(relation);
        operators.extend(at.next());
    }
    if operands.len() != operators.len().saturating_add(1) {
        return false;
    }
    let all = |word: &str| operators.iter().all(|operator| *operator == word);
    if all("or") {
        relations.needs.push(operands);
        return true;
    }
    if all("and") {
        relations.needs.extend(operands.into_iter().map(|operand| vec![operand]));
        return true;
    }
    match (operators.as_slice(), operands.as_slice()) {
        (["if"], [needs, when]) => {
            relations.conditional.push(Conditional { needs: vec![needs.clone()], when: when.clone() });
            true
        }
        _ => false,
    }
}

fn sign(word: &str) -> Option<Compare> {
    match word {
        "<" => Some(Compare::Before),
        "<=" => Some(Compare::AtMost),
        "=" => Some(Compare::Equal),
        ">=" => Some(Compare::AtLeast),
        ">" => Some(Compare::After),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_model::version::Scheme;

    use super::*;

    fn plain(name: &str) -> Dependency {
        Dependency { name: name.into(), compare: None, version: String::new() }
    }

    #[test]
    fn rich_dependencies_of_one_level_are_read() {
        let names =
            ["(a or b >= 2)", "(c and d)", "(e if f)", "(g if (h and i))", "(broken", "rpmlib(X)", "/bin/sh"];
        let found = relations(names.map(plain).to_vec(), vec![], vec![]);
        let words =
            |group: &Vec<Relation>| group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        let needs: Vec<String> = found.needs.iter().map(words).collect();
        assert_eq!(needs, ["a | b (>= 2)", "c", "d", "(g if (h and i))", "(broken", "/bin/sh"]);
        assert_eq!(
            (found.conditional[0].needs[0].name.as_str(), found.conditional[0].when.name.as_str()),
            ("e", "f")
        );
    }

    #[test]
    fn a_version_without_release_stands_for_all_of_them() {
        let relation =
            Dependency { name: "a".into(), compare: compare_of(8), version: "1.2".into() }.relation();
        assert!(relation.fits(Scheme::Rpm, "1.2-3.el9") && !relation.fits(Scheme::Rpm, "1:1.2-3"));
        assert_eq!(compare_of(12 | 1 << 14), Some(Compare::AtLeast));
    }
}
