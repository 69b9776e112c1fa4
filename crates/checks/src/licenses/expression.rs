//! What a licence expression comes to: of what is joined by `AND` the worst decides, of what `OR` offers the best is
//! chosen (<https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/>).
//!
//! More is read than SPDX allows: names of no list, in words, stand between the operators too, for one name that nobody
//! knows must not hide what the others are.

use std::collections::BTreeSet;

use plimsoll_model::license;
use plimsoll_model::licensing::{LicenseCategory, LicenseClass, Obligation};

use super::class;

/// Parentheses deeper than this are not followed.
const DEEPEST: usize = 32;
/// Longer texts are no expressions.
const LONGEST: usize = 16 << 10;

/// What an expression, or a part of one, comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Outcome {
    pub(super) category: LicenseCategory,
    /// The class of the licence that decides.
    pub(super) class: LicenseClass,
    /// The licences that remain.
    pub(super) chosen: BTreeSet<Chosen>,
}

/// One licence that remains.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Chosen {
    pub(super) name: String,
    pub(super) rank: (LicenseCategory, LicenseClass),
    pub(super) obligations: Vec<Obligation>,
}

impl Outcome {
    fn unknown(words: &str) -> Self {
        Self::of(words, (LicenseCategory::Unknown, LicenseClass::Unknown), Vec::new())
    }

    fn of(name: &str, rank: (LicenseCategory, LicenseClass), obligations: Vec<Obligation>) -> Self {
        let chosen = BTreeSet::from([Chosen { name: name.to_owned(), rank, obligations }]);
        Self { category: rank.0, class: rank.1, chosen }
    }

    /// The names of those that decide.
    pub(super) fn deciding(&self) -> Vec<String> {
        let deciding = self.chosen.iter().filter(|chosen| chosen.rank == self.rank());
        deciding.map(|chosen| chosen.name.clone()).collect()
    }

    pub(super) const fn rank(&self) -> (LicenseCategory, LicenseClass) {
        (self.category, self.class)
    }

    /// Both hold.
    pub(super) fn and(self, other: Self) -> Self {
        let (category, class) = self.rank().max(other.rank());
        Self { category, class, chosen: self.chosen.into_iter().chain(other.chosen).collect() }
    }

    /// One of them may be chosen.
    fn or(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }
}

/// What `text` comes to if `categorize` judges each licence by its name and class.
pub(super) fn evaluate(text: &str, categorize: &dyn Fn(&str, LicenseClass) -> LicenseCategory) -> Outcome {
    if text.len() > LONGEST {
        return Outcome::unknown(text.get(..64).unwrap_or_default());
    }
    // Names in words have operators and parentheses in them: `… v3 or later (GPLv3+)`.
    if let Some(known) = class::of_words(text.trim()) {
        return named(text.trim(), known, categorize);
    }
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, next: 0, depth: 0, categorize };
    match parser.list() {
        Some(outcome) if parser.next == tokens.len() => outcome,
        _ => term(text.trim(), categorize, 0),
    }
}

/// Names in the form that is judged: those of GNU with `-only` or `-or-later`, operators in capitals.
pub(super) fn canonical(text: &str) -> Option<String> {
    let expression = license::expression(text)?;
    Some(expression.split(' ').map(modern).collect::<Vec<_>>().join(" "))
}

/// `GPL-2.0` and `GPL-2.0+` by their names of today.
fn modern(name: &str) -> String {
    let (open, rest) = name.split_at(name.len() - name.trim_start_matches('(').len());
    let (bare, close) = rest.split_at(rest.trim_end_matches(')').len());
    let (version, suffix) = bare.strip_suffix('+').map_or((bare, "-only"), |version| (version, "-or-later"));
    match spdx::license_id(&format!("{version}{suffix}")) {
        Some(id) => format!("{open}{}{close}", id.name),
        None => name.to_owned(),
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    /// `A or B, and C` of Debian's copyright files: it binds less than all else.
    CommaAnd,
    CommaOr,
    And,
    Or,
    Open,
    Close,
    /// One licence, with its exception; or words.
    Term(String),
}

/// Cuts a text at operators and parentheses. A parenthesis behind words belongs to them: `ISC License (ISCL)`.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    // With the comma in the operator, for it says how that binds.
    let spaced = text.replace(", and ", " ,and ").replace(", or ", " ,or ");
    let spaced = spaced.replace('(', " ( ").replace(')', " ) ");
    let mut within = 0_usize;
    for word in spaced.split_whitespace() {
        let operator = match word {
            "(" if words.is_empty() => Some(Token::Open),
            "(" => {
                within = within.saturating_add(1);
                None
            }
            ")" if within == 0 => Some(Token::Close),
            ")" => {
                within = within.saturating_sub(1);
                None
            }
            _ if within > 0 => None,
            _ => operator(word),
        };
        match operator {
            None => words.push(word),
            Some(operator) => {
                finish(&mut words, &mut tokens);
                tokens.push(operator);
            }
        }
    }
    finish(&mut words, &mut tokens);
    tokens
}

fn operator(word: &str) -> Option<Token> {
    match word.to_ascii_lowercase().as_str() {
        "and" | "&" => Some(Token::And),
        "or" | "|" | "and/or" => Some(Token::Or),
        ",and" => Some(Token::CommaAnd),
        ",or" => Some(Token::CommaOr),
        _ => None,
    }
}

fn finish(words: &mut Vec<&str>, tokens: &mut Vec<Token>) {
    if !words.is_empty() {
        tokens.push(Token::Term(words.join(" ").replace("( ", "(").replace(" )", ")")));
        words.clear();
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    depth: usize,
    categorize: &'a dyn Fn(&str, LicenseClass) -> LicenseCategory,
}

impl Parser<'_> {
    fn takes(&mut self, token: &Token) -> bool {
        let is_next = self.tokens.get(self.next) == Some(token);
        self.next += usize::from(is_next);
        is_next
    }

    /// `A or B, and C`.
    fn list(&mut self) -> Option<Outcome> {
        let mut outcome = self.alternatives()?;
        loop {
            if self.takes(&Token::CommaAnd) {
                outcome = outcome.and(self.alternatives()?);
            } else if self.takes(&Token::CommaOr) {
                outcome = outcome.or(self.alternatives()?);
            } else {
                return Some(outcome);
            }
        }
    }

    /// `A OR B`.
    fn alternatives(&mut self) -> Option<Outcome> {
        let mut outcome = self.conjunction()?;
        while self.takes(&Token::Or) {
            outcome = outcome.or(self.conjunction()?);
        }
        Some(outcome)
    }

    /// `A AND B`.
    fn conjunction(&mut self) -> Option<Outcome> {
        let mut outcome = self.single()?;
        while self.takes(&Token::And) {
            outcome = outcome.and(self.single()?);
        }
        Some(outcome)
    }

    fn single(&mut self) -> Option<Outcome> {
        if self.takes(&Token::Open) {
            self.depth += 1;
            if self.depth > DEEPEST {
                return None;
            }
            let outcome = self.list()?;
            self.depth -= 1;
            return self.takes(&Token::Close).then_some(outcome);
        }
        let Some(Token::Term(text)) = self.tokens.get(self.next) else { return None };
        self.next += 1;
        Some(term(text, self.categorize, 0))
    }
}

/// One licence. `round` counts names that stand for expressions.
fn term(text: &str, categorize: &dyn Fn(&str, LicenseClass) -> LicenseCategory, round: u8) -> Outcome {
    if let Some(known) = class::of_words(text) {
        return named(text, known, categorize);
    }
    if let Some(canonical) = canonical(text) {
        let is_one = !canonical.contains(" AND ") && !canonical.contains(" OR ");
        if is_one {
            return named(&canonical, class_of(&canonical), categorize);
        }
        if round == 0 {
            // `Perl` means two to choose from.
            let tokens = tokens(&canonical);
            let mut parser = Parser { tokens: &tokens, next: 0, depth: 1, categorize };
            return parser.list().unwrap_or_else(|| Outcome::unknown(text));
        }
    }
    if let Some((licence, _)) = split_exception(text) {
        // An exception that nobody knows takes nothing away.
        let Outcome { class, .. } = term(licence, categorize, 1);
        return named(text, class, categorize);
    }
    let parts: Vec<&str> = text.split('/').collect();
    let is_choice = parts.len() > 1 && parts.iter().all(|part| canonical(part).is_some());
    match parts.split_first() {
        // Cargo's old form: `MIT/Apache-2.0`.
        Some((first, rest)) if is_choice && round == 0 => rest
            .iter()
            .fold(term(first, categorize, 1), |outcome, part| outcome.or(term(part, categorize, 1))),
        _ => named(text, class::of_variant(text).unwrap_or(LicenseClass::Unknown), categorize),
    }
}

/// `GPL-2+ with OpenSSL exception`, `GPL-2+-with-bison-exception`.
fn split_exception(text: &str) -> Option<(&str, &str)> {
    let lower = text.to_ascii_lowercase();
    [" with ", "-with-"].into_iter().find_map(|joint| {
        let at = lower.find(joint)?;
        Some((text.get(..at)?, text.get(at + joint.len()..)?))
    })
}

/// The class of one licence in canonical form.
fn class_of(canonical: &str) -> LicenseClass {
    let (id, exception) = canonical.split_once(" WITH ").unwrap_or((canonical, ""));
    class::with_exception(class::of_id(id.trim_end_matches('+')), exception)
}

fn named(
    name: &str,
    class: LicenseClass,
    categorize: &dyn Fn(&str, LicenseClass) -> LicenseCategory,
) -> Outcome {
    let obligations = class::obligations(name, class).to_vec();
    Outcome::of(name, (categorize(name, class), class), obligations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licenses::policy::by_class;
    use LicenseCategory::{Allowed, Forbidden, Reciprocal, Unknown};

    fn of(text: &str) -> (LicenseCategory, LicenseClass, Vec<String>) {
        let outcome = evaluate(text, &|_, class| by_class(class));
        (outcome.category, outcome.class, outcome.chosen.into_iter().map(|chosen| chosen.name).collect())
    }

    #[test]
    fn expressions_come_to_their_worst_and_best_parts() {
        for (text, category, class, chosen) in [
            ("MIT", Allowed, LicenseClass::Permissive, "MIT"),
            ("mit", Allowed, LicenseClass::Permissive, "MIT"),
            ("CC0-1.0", Allowed, LicenseClass::PublicDomain, "CC0-1.0"),
            ("MIT AND GPL-2.0-only", Reciprocal, LicenseClass::StrongCopyleft, "GPL-2.0-only, MIT"),
            ("MIT OR GPL-2.0-only", Allowed, LicenseClass::Permissive, "MIT"),
            ("AGPL-3.0-only OR LGPL-3.0-only", Reciprocal, LicenseClass::WeakCopyleft, "LGPL-3.0-only"),
            ("MIT OR ISC AND SSPL-1.0", Allowed, LicenseClass::Permissive, "MIT"),
            ("(MIT OR ISC) AND SSPL-1.0", Forbidden, LicenseClass::Restricted, "MIT, SSPL-1.0"),
            ("GPL-2.0", Reciprocal, LicenseClass::StrongCopyleft, "GPL-2.0-only"),
            ("GPL-2.0+", Reciprocal, LicenseClass::StrongCopyleft, "GPL-2.0-or-later"),
            ("(GPL-2.0 OR MIT)", Allowed, LicenseClass::Permissive, "MIT"),
            (
                "GPL-2.0-only WITH Classpath-exception-2.0",
                Reciprocal,
                LicenseClass::WeakCopyleft,
                "GPL-2.0-only WITH Classpath-exception-2.0",
            ),
            (
                "GPL-3.0-or-later WITH GCC-exception-3.1",
                Reciprocal,
                LicenseClass::WeakCopyleft,
                "GPL-3.0-or-later WITH GCC-exception-3.1",
            ),
            (
                "Apache-2.0 WITH LLVM-exception",
                Allowed,
                LicenseClass::Permissive,
                "Apache-2.0 WITH LLVM-exception",
            ),
            (
                "GPL-2.0-or-later WITH openvpn-openssl-exception",
                Reciprocal,
                LicenseClass::StrongCopyleft,
                "GPL-2.0-or-later WITH openvpn-openssl-exception",
            ),
            ("Apache-2.0+", Allowed, LicenseClass::Permissive, "Apache-2.0+"),
            ("CC-BY-NC-4.0", Forbidden, LicenseClass::Restricted, "CC-BY-NC-4.0"),
            ("BUSL-1.1", Forbidden, LicenseClass::Restricted, "BUSL-1.1"),
            ("NOASSERTION", Unknown, LicenseClass::Unknown, "NOASSERTION"),
        ] {
            let found = of(text);
            assert_eq!((found.0, found.1, found.2.join(", ").as_str()), (category, class, chosen), "{text}");
        }
    }

    #[test]
    fn what_is_in_words_is_understood_where_it_is_certain() {
        for (text, category) in [
            ("GPL-2+", Reciprocal),
            ("public-domain", Allowed),
            ("Public Domain and BSD", Allowed),
            ("SSPL-1.0 or MIT, and ISC", Allowed),
            ("MIT or SSPL-1.0 and ISC", Allowed),
            ("Expat, and SSPL-1.0 or GPL-2+", Reciprocal),
            ("BSD-3-clause and/or GPL-3+", Allowed),
            ("BSD-3-clause-Regents", Allowed),
            ("BSD-3-clause-no-nuclear", Unknown),
            ("GPL-3+-autoconf-exception", Reciprocal),
            ("MIT, ISC", Unknown),
            ("LicenseRef-Fedora-Public-Domain AND MIT", Allowed),
            ("LicenseRef-ours", Unknown),
            ("MIT OR LicenseRef-ours", Allowed),
            ("SSPL-1.0 OR LicenseRef-ours", Unknown),
            ("GNU General Public License v3 or later (GPLv3+)", Reciprocal),
            ("GPL-2+ with OpenSSL exception", Reciprocal),
            ("GPL-2+-with-bison-exception", Reciprocal),
            ("ISC License (ISCL)", Allowed),
            ("MIT/Apache-2.0", Allowed),
            ("MIT/whatever", Unknown),
            ("Perl", Allowed),
            ("UNLICENSED", Forbidden),
            ("SEE LICENSE IN LICENSE.txt", Unknown),
            ("BSD-3-Clause and my-own", Unknown),
            ("", Unknown),
            ("and", Unknown),
            ("MIT AND", Unknown),
            ("(MIT", Unknown),
            ("MIT)", Unknown),
        ] {
            assert_eq!(of(text).0, category, "{text}");
        }
    }

    #[test]
    fn depth_and_length_do_no_harm() {
        for text in [
            format!("{}MIT{}", "(".repeat(40), ")".repeat(40)),
            "(".repeat(100_000),
            "MIT AND ".repeat(100_000),
            "\u{e9}".repeat(20_000),
        ] {
            assert_eq!(of(&text).0, Unknown);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_to_something(text in "[A-Za-z0-9+()/ .-]{0,80}|(MIT|GPL-2.0|and|OR|WITH|\\(|\\)| ){0,20}") {
            let (_, _, chosen) = of(&text);
            proptest::prop_assert!(!chosen.is_empty());
        }
    }
}
