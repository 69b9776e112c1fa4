//! Carries out a layer's plan, entry by entry.

use std::collections::{HashMap, HashSet};

use plimsoll_checks::secrets::{SECRETS, secret_places};
use plimsoll_formats::tar::edit::{Change, Editor};
use plimsoll_formats::tar::{Entry, Kind};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};
use plimsoll_model::scrub::FileEdit;

use super::Selection;
use super::plan::LayerPlan;

/// Redacting may uncover what overlapped; searches beyond so many find nothing more.
const SEARCHES: usize = 16;

/// What stands for each byte of a secret.
const MASK: u8 = b'*';

/// The editor of one layer.
pub(super) struct Surgeon<'a> {
    plan: &'a LayerPlan,
    selection: &'a Selection,
    /// Files that go and have a hard link that stays.
    needed: HashSet<&'a str>,
    /// The links that took the places of those, by the file, as written.
    heirs: HashMap<String, String>,
    /// Paths that have their whiteout.
    hidden: HashSet<String>,
}

impl<'a> Surgeon<'a> {
    pub(super) fn new(plan: &'a LayerPlan, selection: &'a Selection) -> Self {
        let staying = plan.links.keys().filter(|link| !plan.goes(link)).map(|link| plan.file_of(link));
        let needed = staying.filter(|file| plan.goes(file)).collect();
        Self { plan, selection, needed, heirs: HashMap::new(), hidden: HashSet::new() }
    }

    fn gone(&mut self, path: String, change: FileEdit, kind: Kind) -> Change {
        let hold = (kind == Kind::File || kind == Kind::Sparse) && self.needed.contains(path.as_str());
        let hold = hold.then(|| path.clone());
        let instead = match change {
            FileEdit::Hidden if self.hidden.insert(path.clone()) => Some(whiteout(&path)),
            _ => None,
        };
        Change::Remove { instead, hold }
    }

    /// A hard link that stays. What it led to may be gone.
    fn link(&mut self, entry: &Entry) -> Change {
        let Normalized::Path(target) = normalize(&entry.link) else { return Change::Keep };
        if !self.plan.goes(&target) {
            return Change::Keep;
        }
        let file = self.plan.file_of(&target).to_owned();
        if !self.plan.goes(&file) {
            return Change::Relink(file);
        }
        if let Some(heir) = self.heirs.get(&file) {
            return Change::Relink(heir.clone());
        }
        self.heirs.insert(file.clone(), entry.name.clone());
        Change::Become(file)
    }
}

/// The name that hides `path`
/// (<https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>).
fn whiteout(path: &str) -> String {
    match parent(path) {
        "" => format!(".wh.{path}"),
        folder => format!("{folder}/.wh.{}", file_name(path)),
    }
}

impl Editor for Surgeon<'_> {
    fn change(&mut self, entry: &Entry) -> Change {
        let Normalized::Path(path) = normalize(&entry.name) else { return Change::Keep };
        if file_name(&path).starts_with(".wh.") {
            return Change::Keep;
        }
        match self.plan.fate(&path) {
            Some(FileEdit::Redacted) if entry.kind == Kind::File => Change::Rewrite(SECRETS.wants.max_size),
            Some(change @ (FileEdit::Removed | FileEdit::Hidden)) => self.gone(path, change, entry.kind),
            _ if entry.kind == Kind::Hardlink => self.link(entry),
            _ => Change::Keep,
        }
    }

    fn rewrite(&mut self, _: &Entry, content: &mut [u8]) {
        for _ in 0..SEARCHES {
            let mut places = secret_places(content);
            places.retain(|place| self.selection.wants_parts(place.rule, &place.fingerprint));
            if places.is_empty() {
                break;
            }
            for place in places {
                let secret = content.get_mut(place.range).unwrap_or_default();
                // Lines stay lines.
                secret.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = MASK);
            }
        }
    }
}
