//! What the `Cargo.toml` files of a workspace ask for, and exact wishes (`=1.2.3`) of it that are raised with the lock file.
//! <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html>

use std::ops::Range;

use plimsoll_model::plan::Raise;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::Texts;

/// A wish of a package of the workspace.
#[derive(Debug)]
pub(super) struct Wish {
    /// What it takes.
    pub(super) range: String,
    /// The file that says so, and where, quotes included.
    place: (String, Range<usize>),
}

impl Wish {
    /// Where the version stands and what stands there, if the wish is for the old version and no other.
    pub(super) fn pinned(&self, raise: &Raise, texts: &Texts) -> Option<(String, Range<usize>)> {
        let exact = self.range.trim().strip_prefix('=')?.trim();
        let (path, place) = &self.place;
        let at = texts.get(path)?.get(place.clone())?.find(&raise.from)?;
        let start = place.start.checked_add(at)?;
        let range = start..start.checked_add(raise.from.len())?;
        (exact == raise.from).then(|| (path.clone(), range))
    }
}

/// What the `Cargo.toml` of a package of the workspace asks for of a crate.
pub(super) fn wishes(package: &str, lock: &str, name: &str, texts: &Texts) -> Vec<Wish> {
    let folder = lock.rsplit_once('/').map_or("", |(folder, _)| folder);
    let texts = texts.iter().filter(|(path, _)| path.starts_with(folder) && path.ends_with("Cargo.toml"));
    let tables: Vec<(&String, Spanned<DeTable<'_>>)> =
        texts.filter_map(|(path, text)| Some((path, DeTable::parse(text).ok()?))).collect();
    let is_own = |table: &DeTable<'_>| {
        table.get("package").and_then(|own| own.get_ref().get("name")?.get_ref().as_str()) == Some(package)
    };
    let shared = |key: &str| {
        tables.iter().find_map(|(path, table)| {
            let shared = table.get_ref().get("workspace")?.get_ref().get("dependencies")?;
            Some((*path, shared.get_ref().get(key)?))
        })
    };
    let mut wishes = Vec::new();
    for (path, table) in &tables {
        let table = table.get_ref();
        if !is_own(table) {
            continue;
        }
        for (key, wish) in dependencies(table) {
            let is_shared = wish.get_ref().get("workspace").is_some();
            let (path, wish) = shared(key).filter(|_| is_shared).unwrap_or((*path, wish));
            let called = wish.get_ref().get("package").and_then(|called| called.get_ref().as_str());
            let range = if wish.get_ref().is_str() { Some(wish) } else { wish.get_ref().get("version") };
            if let Some(range) = range.filter(|_| called.unwrap_or(key) == name)
                && let Some(text) = range.get_ref().as_str()
            {
                wishes.push(Wish { range: text.to_owned(), place: (path.clone(), range.span()) });
            }
        }
    }
    wishes
}

/// All that a file asks for, whatever for.
fn dependencies<'t>(table: &'t DeTable<'t>) -> Vec<(&'t str, &'t Spanned<DeValue<'t>>)> {
    let table_of = |value: &'t Spanned<DeValue<'t>>| value.get_ref().as_table();
    let targets = table.get("target").and_then(table_of).into_iter().flatten();
    let targets = targets.filter_map(|(_, table)| table_of(table));
    let mut found = Vec::new();
    for part in std::iter::once(table).chain(targets) {
        for list in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let listed = part.get(list).and_then(table_of).into_iter().flatten();
            found.extend(listed.map(|(key, wish)| (key.get_ref().as_ref(), wish)));
        }
    }
    found
}
