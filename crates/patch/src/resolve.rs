//! Which packages have to change so that wanted fixes come in and nothing that held before breaks. The smallest such change
//! that a walk from need to need finds; what cannot hold is an error, never a guess.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::version::Scheme;

use crate::relation::Relation;
use crate::stock::{Candidate, Present, Relations, Standing, Stock, is_any};

/// The most packages that change at once.
const LIMIT: usize = 500;

/// A package that is to have at least this version.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// The lowest version that mends it.
    pub version: String,
}

/// A package that comes, and the one that it takes the place of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What is there now; none for a package that is new.
    pub old: Option<Present>,
    /// What comes.
    pub new: Candidate,
}

/// What has to change.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Transaction {
    /// The packages, sorted by name and architecture.
    pub changes: Vec<Change>,
    /// Wishes that the repositories do not fulfill, and why.
    pub unfulfilled: Vec<(Wish, String)>,
}

/// Why no change makes everything hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResolveError {
    /// A package needs what neither the image nor its repositories have.
    #[error("{package} needs {needs}, which neither the image nor its repositories have")]
    Unsatisfiable {
        /// Which package, with its version.
        package: String,
        /// What it needs.
        needs: String,
    },
    /// Two packages exclude each other.
    #[error("{package} does not go with {other}, and the repositories have no version of it that does")]
    Conflict {
        /// One, with its version.
        package: String,
        /// The other one, with its version.
        other: String,
    },
    /// Needs lead ever further.
    #[error("more than {LIMIT} packages would have to change")]
    TooMany,
}

type Key = (String, String);

/// A package as the needs of others see it.
#[derive(Clone, Debug)]
struct Seen {
    version: String,
    relations: Relations,
}

impl Seen {
    /// Whether it, called `name`, is what `relation` means.
    fn is(&self, name: &str, relation: &Relation, scheme: Scheme) -> bool {
        if name == relation.name && relation.fits(scheme, &self.version) {
            return true;
        }
        if self.has_file(&relation.name) {
            return true;
        }
        self.relations.provide(relation, scheme)
    }

    fn provides(&self, name: &str) -> bool {
        self.relations.provides.iter().any(|provided| provided.name == name) || self.has_file(name)
    }

    /// Whether it has a file, by either of its names where `/bin` is `/usr/bin`.
    fn has_file(&self, path: &str) -> bool {
        let files = &self.relations.files;
        path.starts_with('/')
            && (files.contains(path)
                || files.contains(&format!("/usr{path}"))
                || path.strip_prefix("/usr").is_some_and(|path| files.contains(path)))
    }
}

struct Resolver<'a> {
    standing: &'a Standing,
    stock: &'a dyn Stock,
    seen: BTreeMap<Key, Seen>,
    chosen: BTreeMap<Key, Candidate>,
    /// Needs that did not hold before either.
    broken: BTreeSet<(Key, String)>,
}

/// Finds what has to change so that `wishes` come true.
///
/// # Errors
/// See [`ResolveError`].
pub fn resolve(standing: &Standing, stock: &dyn Stock, wishes: &[Wish]) -> Result<Transaction, ResolveError> {
    let seen = standing.packages.iter().map(|package| {
        let seen = Seen { version: package.version.clone(), relations: package.relations.clone() };
        ((package.name.clone(), package.architecture.clone()), seen)
    });
    let mut resolver =
        Resolver { standing, stock, seen: seen.collect(), chosen: BTreeMap::new(), broken: BTreeSet::new() };
    resolver.broken = resolver.unmet().map(|(key, needs)| (key.clone(), words(needs))).collect();
    let mut unfulfilled = Vec::new();
    for wish in wishes {
        match resolver.grant(wish) {
            Ok(candidate) => resolver.choose(candidate)?,
            Err(reason) => unfulfilled.push((wish.clone(), reason)),
        }
    }
    // Each round chooses something or is the last one.
    while resolver.mend()? {}
    let changes = resolver.chosen.into_iter().map(|((name, architecture), new)| Change {
        old: before(standing, &name, &architecture).cloned(),
        new,
    });
    Ok(Transaction { changes: changes.collect(), unfulfilled })
}

/// The package that one of this name and architecture takes the place of.
fn before<'a>(standing: &'a Standing, name: &str, architecture: &str) -> Option<&'a Present> {
    let mut all = standing.packages.iter().filter(|package| package.name == name);
    let same = all.clone().find(|package| package.architecture == architecture);
    same.or_else(|| all.find(|package| package.architecture.is_empty() || is_any(&package.architecture)))
}

impl Resolver<'_> {
    /// The package that a wish asks for, or why there is none.
    fn grant(&self, wish: &Wish) -> Result<Candidate, String> {
        let mut installed = self.standing.packages.iter().filter(|package| package.name == wish.name);
        if let Some(held) = installed.find_map(|package| package.held.clone()) {
            return Err(held);
        }
        let candidate = self
            .stock
            .newest(&wish.name, &wish.architecture)
            .ok_or_else(|| "the repositories do not have it".to_owned())?;
        if self.standing.scheme.compare(&candidate.version, &wish.version).is_ok_and(Ordering::is_ge) {
            Ok(candidate)
        } else {
            Err(format!("the repositories have {} only", candidate.version))
        }
    }

    fn choose(&mut self, candidate: Candidate) -> Result<(), ResolveError> {
        if self.chosen.len() >= LIMIT {
            return Err(ResolveError::TooMany);
        }
        let key = (candidate.name.clone(), candidate.architecture.clone());
        // A package that becomes one for all architectures is still the same.
        let is_it = |other: &Key| other.0 == key.0 && (is_any(&key.1) || is_any(&other.1));
        self.seen.retain(|other, _| !is_it(other));
        let seen = Seen { version: candidate.version.clone(), relations: candidate.relations.clone() };
        self.seen.insert(key.clone(), seen);
        self.chosen.insert(key, candidate);
        Ok(())
    }

    /// Chooses what one more need asks for; false if all hold.
    fn mend(&mut self) -> Result<bool, ResolveError> {
        let unmet = self.unmet().find(|(key, needs)| !self.broken.contains(&((*key).clone(), words(needs))));
        if let Some((key, needs)) = unmet.map(|(key, needs)| (key.clone(), needs.clone())) {
            let architecture = if is_any(&key.1) { self.native() } else { key.1.clone() };
            let candidate = needs.iter().find_map(|relation| self.candidate_for(relation, &architecture));
            let candidate = candidate.or_else(|| self.newer_of(&key));
            let candidate = candidate.ok_or_else(|| ResolveError::Unsatisfiable {
                package: self.title(&key),
                needs: words(&needs),
            })?;
            self.choose(candidate)?;
            return Ok(true);
        }
        let Some((key, other)) = self.conflict() else { return Ok(false) };
        let candidate = [&other, &key].into_iter().find_map(|key| self.newer_of(key));
        let candidate = candidate
            .ok_or_else(|| ResolveError::Conflict { package: self.title(&key), other: self.title(&other) })?;
        self.choose(candidate)?;
        Ok(true)
    }

    /// A package that fulfills a need, if it was not chosen already.
    fn candidate_for(&self, relation: &Relation, architecture: &str) -> Option<Candidate> {
        let mut candidates = self.stock.providing(relation, architecture).into_iter();
        let is_free = |candidate: &Candidate| {
            !self.chosen.contains_key(&(candidate.name.clone(), candidate.architecture.clone()))
        };
        let mut free: Vec<Candidate> = candidates.by_ref().filter(is_free).collect();
        // What is there already, in another version, goes before what would be new.
        let there =
            free.iter().position(|candidate| self.seen.keys().any(|(name, _)| *name == candidate.name));
        let best = there.unwrap_or(0);
        (best < free.len()).then(|| free.swap_remove(best))
    }

    /// A newer version of a package that is installed and was not chosen yet.
    fn newer_of(&self, key: &Key) -> Option<Candidate> {
        let seen = self.seen.get(key)?;
        let candidate = self.stock.newest(&key.0, &key.1)?;
        let is_newer =
            self.standing.scheme.compare(&candidate.version, &seen.version) == Ok(Ordering::Greater);
        (is_newer && !self.chosen.contains_key(key)).then_some(candidate)
    }

    /// Needs that nothing fulfills, those of each package in its order.
    fn unmet(&self) -> impl Iterator<Item = (&Key, &Vec<Relation>)> {
        self.seen.iter().flat_map(move |(key, seen)| {
            let conditional = seen.relations.conditional.iter();
            let conditional = conditional.filter(|conditional| self.is_met(&conditional.when, &key.1));
            let needs = seen.relations.needs.iter().chain(conditional.map(|conditional| &conditional.needs));
            needs
                .filter(|needs| !needs.iter().any(|relation| self.is_met(relation, &key.1)))
                .map(move |needs| (key, needs))
        })
    }

    fn is_met(&self, relation: &Relation, architecture: &str) -> bool {
        self.named(&relation.name).any(|((name, own), seen)| {
            let fits =
                own == architecture || is_any(own) || is_any(architecture) || seen.relations.is_foreign;
            (fits || relation.architecture.as_deref() == Some("any"))
                && seen.is(name, relation, self.standing.scheme)
        })
    }

    /// What may be meant by a name: packages of that name, and those that provide it.
    fn named<'b>(&'b self, name: &'b str) -> impl Iterator<Item = (&'b Key, &'b Seen)> {
        let range =
            self.seen.range((name.to_owned(), String::new())..).take_while(move |((own, _), _)| own == name);
        range.chain(self.seen.iter().filter(move |((own, _), seen)| own != name && seen.provides(name)))
    }

    /// Two packages of which one breaks the other, one of them chosen.
    fn conflict(&self) -> Option<(Key, Key)> {
        self.seen.iter().find_map(|(key, seen)| {
            let is_chosen = self.chosen.contains_key(key);
            seen.relations.breaks.iter().find_map(|relation| {
                let mut others = self.named(&relation.name);
                let other = others.find(|(other, found)| {
                    other.0 != key.0
                        && (is_chosen || self.chosen.contains_key(*other))
                        && found.is(&other.0, relation, self.standing.scheme)
                })?;
                Some((key.clone(), other.0.clone()))
            })
        })
    }

    fn title(&self, key: &Key) -> String {
        let version = self.seen.get(key).map_or("", |seen| seen.version.as_str());
        format!("{} {version}", key.0).trim_end().to_owned()
    }

    /// The architecture of the image: that of most of its packages.
    fn native(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, architecture) in self.seen.keys().filter(|(_, architecture)| !is_any(architecture)) {
            let count = counts.entry(architecture).or_default();
            *count = count.saturating_add(1);
        }
        counts
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .map_or_else(String::new, |(name, _)| name.to_owned())
    }
}

fn words(needs: &[Relation]) -> String {
    needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::index::Index;
    use crate::deb::index::tests::paragraph;
    use crate::deb::status::{Database, STATUS};

    fn database(packages: &[(&str, &str, &str)]) -> Database {
        let text = |(name, version, more): &(&str, &str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n{more}\n"
            )
        };
        Database::read(&[(STATUS.to_owned(), packages.iter().map(text).collect())])
    }

    fn index(packages: &[(&str, &str, &str)]) -> Index {
        let mut index = Index::default();
        index.add(
            "http://m",
            packages.iter().map(|(name, version, more)| paragraph(name, version, more)).collect(),
        );
        index
    }

    fn wish(name: &str, version: &str) -> Wish {
        Wish { name: name.into(), architecture: "amd64".into(), version: version.into() }
    }

    fn solved(database: &Database, index: &Index, wishes: &[Wish]) -> Result<Vec<String>, ResolveError> {
        let found = resolve(&database.standing(), index, wishes)?;
        let title = |change: &Change| {
            let from = change.old.as_ref().map_or("-", |old| old.version.as_str());
            format!("{} {from} {}", change.new.name, change.new.version)
        };
        Ok(found.changes.iter().map(title).collect())
    }

    #[test]
    fn what_goes_together_comes_together() {
        let database = database(&[
            ("libssl3", "1", ""),
            ("openssl", "1", "Depends: libssl3 (= 1)\n"),
            ("libc6", "1", ""),
            ("other", "1", "Depends: gone\n"),
        ]);
        let index = index(&[
            ("libssl3", "2", "Depends: libc6 (>= 1), libnew (>= 3)\n"),
            ("openssl", "2", "Depends: libssl3 (= 2)\n"),
            ("libnew", "3", ""),
            ("libc6", "2", ""),
        ]);
        let changes = solved(&database, &index, &[wish("libssl3", "2")]).unwrap();
        assert_eq!(changes, ["libnew - 3", "libssl3 1 2", "openssl 1 2"], "libc6 need not change");
    }

    #[test]
    fn what_cannot_hold_is_an_error() {
        let database =
            database(&[("a", "1", ""), ("b", "1", "Depends: a (<< 2)\n"), ("c", "1", ""), ("h", "1", "")]);
        let missing = index(&[("a", "1.5", "Depends: nowhere\n")]);
        let error = solved(&database, &missing, &[wish("a", "1.5")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a 1.5 needs nowhere, which neither the image nor its repositories have"
        );
        let reverse = index(&[("a", "2", "")]);
        assert!(matches!(
            solved(&database, &reverse, &[wish("a", "2")]),
            Err(ResolveError::Unsatisfiable { .. })
        ));
        let breaks = index(&[("a", "1.5", "Breaks: c (<< 2)\n")]);
        assert!(matches!(
            solved(&database, &breaks, &[wish("a", "1.5")]),
            Err(ResolveError::Conflict { .. })
        ));
        let mended = index(&[("a", "1.5", "Breaks: c (<< 2)\n"), ("c", "2", "")]);
        assert_eq!(solved(&database, &mended, &[wish("a", "1.5")]).unwrap(), ["a 1 1.5", "c 1 2"]);
    }

    #[test]
    fn wishes_that_nobody_fulfills_are_told() {
        let mut database = database(&[("a", "1", ""), ("h", "1", "")]);
        database.packages[1].text = database.packages[1].text.replace("install ok", "hold ok");
        let index = index(&[("a", "1.5", ""), ("h", "2", "")]);
        let found =
            resolve(&database.standing(), &index, &[wish("a", "2"), wish("h", "2"), wish("x", "1")]).unwrap();
        assert!(found.changes.is_empty());
        let reasons: Vec<&str> = found.unfulfilled.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "the repositories have 1.5 only",
                "the image holds it back (`hold` in dpkg's database)",
                "the repositories do not have it"
            ]
        );
    }

    #[test]
    fn loops_of_needs_end() {
        let database = database(&[("a", "1", "")]);
        let ring = index(&[
            ("a", "2", "Depends: b\n"),
            ("b", "2", "Depends: c\n"),
            ("c", "2", "Depends: a (>= 2)\n"),
        ]);
        assert_eq!(solved(&database, &ring, &[wish("a", "2")]).unwrap(), ["a 1 2", "b - 2", "c - 2"]);
        let names: Vec<(String, String)> =
            (0..2000).map(|n| (format!("p{n}"), format!("Depends: p{}\n", n + 1))).collect();
        let chain: Vec<(&str, &str, &str)> =
            names.iter().map(|(name, more)| (name.as_str(), "2", more.as_str())).collect();
        let mut endless = chain.clone();
        endless.push(("a", "2", "Depends: p0\n"));
        assert_eq!(solved(&database, &index(&endless), &[wish("a", "2")]), Err(ResolveError::TooMany));
    }
}
