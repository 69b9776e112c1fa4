//! `go.mod`, and the hashes of `go.sum` (<https://go.dev/ref/mod#go-mod-file>, <https://go.dev/ref/mod#checksum-database>). A
//! module gets the new version if what it requires is required in no lower version already; its hashes are those of the
//! checksum database.

use std::collections::BTreeMap;
use std::ops::Range;

use plimsoll_model::plan::Raise;
use plimsoll_model::version::Scheme;

use super::{Contents, Declared, Refused, Registry, Texts, beside, replaced, text};

/// Where modules are.
const PROXY: &str = "https://proxy.golang.org";
/// Who knows their hashes.
const SUMS: &str = "https://sum.golang.org";

/// A `go.mod`, with the places of versions in the text.
#[derive(Default)]
struct Module {
    /// The version of the language.
    go: Option<String>,
    /// What it requires.
    required: Vec<(String, Range<usize>)>,
    /// What is taken from elsewhere.
    replaced: Vec<String>,
}

impl Module {
    fn read(text: &str) -> Self {
        let mut module = Self::default();
        let mut block: Option<&str> = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let plain = line.split("//").next().unwrap_or_default();
            let words: Vec<&str> = plain.split_whitespace().collect();
            let (verb, rest) = match (block, words.as_slice()) {
                (_, []) => continue,
                (_, [")"]) => {
                    block = None;
                    continue;
                }
                (Some(verb), rest) => (verb, rest),
                (None, [verb, "("]) => {
                    block = Some(verb);
                    continue;
                }
                (None, [verb, rest @ ..]) => (*verb, rest),
            };
            match (verb, rest) {
                ("go", [version]) => module.go = Some((*version).to_owned()),
                ("require", [path, version]) => {
                    // The version is the line's last word.
                    let end = start + plain.trim_end().len();
                    module.required.push((unquoted(path), end - version.len()..end));
                }
                ("replace", [path, ..]) => module.replaced.push(unquoted(path)),
                _ => {}
            }
        }
        module
    }

    fn versions<'t>(&self, text: &'t str) -> BTreeMap<&str, &'t str> {
        self.required.iter().filter_map(|(path, at)| Some((path.as_str(), text.get(at.clone())?))).collect()
    }
}

fn unquoted(text: &str) -> String {
    text.trim_matches(['"', '`']).to_owned()
}

pub(super) fn read(text: &str) -> Contents {
    let module = Module::read(text);
    let is_own = |path: &str| !module.replaced.iter().any(|replaced| replaced == path);
    let versions = module.versions(text);
    let packages = versions.into_iter().filter(|(path, _)| is_own(path)).map(|(path, version)| Declared {
        name: path.to_owned(),
        version: version.to_owned(),
        needs: Vec::new(),
    });
    Contents { packages: packages.collect(), open: Vec::new() }
}

pub(super) fn raise(
    path: &str,
    raise: &Raise,
    texts: &Texts,
    registry: &dyn Registry,
) -> Result<Texts, Refused> {
    let own_text = text(texts, path)?;
    let own = Module::read(own_text);
    let is_meant = |(path, at): &&(String, Range<usize>)| {
        *path == raise.name && own_text.get(at.clone()) == Some(raise.from.as_str())
    };
    let Some((_, at)) = own.required.iter().find(is_meant) else {
        return Err(Refused::Absent(raise.name.clone(), raise.from.clone()));
    };
    let to = if raise.to.starts_with('v') { raise.to.clone() } else { format!("v{}", raise.to) };
    fits(&own, own_text, raise, &to, registry)?;
    let mut changed = Texts::from([(path.to_owned(), replaced(own_text, vec![(at.clone(), to.clone())]))]);
    let sums_path = beside(path, "go.sum");
    if let Some(sums) = texts.get(&sums_path) {
        changed.insert(sums_path, with_sums(sums, raise, &to, registry)?);
    }
    Ok(changed)
}

/// Whether what the new version requires is there already, or was required by the old one too.
fn fits(
    own: &Module,
    own_text: &str,
    raise: &Raise,
    to: &str,
    registry: &dyn Registry,
) -> Result<(), Refused> {
    let (before, after) =
        (module_of(&raise.name, &raise.from, registry)?, module_of(&raise.name, to, registry)?);
    let (old, new) = (Module::read(&before), Module::read(&after));
    let lacks = |need: String| Refused::Needs(raise.name.clone(), to.to_owned(), need);
    let (ours, theirs) = (own.versions(own_text), old.versions(&before));
    let is_more =
        |version: &str, than: &str| Scheme::Go.compare(version, than).is_ok_and(std::cmp::Ordering::is_gt);
    if let Some(go) = new.go.as_deref().filter(|go| own.go.as_deref().is_none_or(|own| is_more(go, own))) {
        return Err(lacks(format!("go {go}")));
    }
    for (need, version) in new.versions(&after) {
        let is_there = ours.get(need).is_some_and(|has| !is_more(version, has));
        if !is_there && theirs.get(need) != Some(&version) {
            return Err(lacks(format!("{need} {version}")));
        }
    }
    Ok(())
}

/// The `go.mod` of a version of a module.
fn module_of(name: &str, version: &str, registry: &dyn Registry) -> Result<String, Refused> {
    let address = format!("{PROXY}/{}/@v/{}.mod", escaped(name), escaped(version));
    let bytes = registry.get(&address).map_err(Refused::Registry)?;
    String::from_utf8(bytes).map_err(|_| Refused::Registry(format!("{address} gives no text")))
}

/// Capitals as proxies have them.
fn escaped(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            made.push('!');
        }
        made.push(c.to_ascii_lowercase());
    }
    made
}

/// `go.sum` with the hashes of the new version in front of those of the old one, which others may still need.
fn with_sums(sums: &str, raise: &Raise, to: &str, registry: &dyn Registry) -> Result<String, Refused> {
    let address = format!("{SUMS}/lookup/{}@{}", escaped(&raise.name), escaped(to));
    let bytes = registry.get(&address).map_err(Refused::Registry)?;
    let record = String::from_utf8_lossy(&bytes);
    let starts = [format!("{} {to} h1:", raise.name), format!("{} {to}/go.mod h1:", raise.name)];
    let mut made = String::new();
    for start in &starts {
        let line = record.lines().find(|line| line.starts_with(start));
        let line = line.ok_or_else(|| Refused::Unknown(raise.name.clone(), to.to_owned()))?;
        if !sums.lines().any(|known| known == line) {
            made.push_str(line);
            made.push('\n');
        }
    }
    let old = format!("{} {}", raise.name, raise.from);
    let at = sums.find(&old).filter(|at| *at == 0 || sums.as_bytes().get(at - 1) == Some(&b'\n'));
    Ok(replaced(sums, vec![(at.unwrap_or(sums.len())..at.unwrap_or(sums.len()), made)]))
}
