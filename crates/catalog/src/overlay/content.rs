//! What the files of all layers tell beside packages: rights, tools, accounts, and what a build left behind.

use std::collections::{BTreeMap, HashMap, HashSet};

use plimsoll_model::content::{
    Account, Content, HiddenFiles, Leftover, LeftoverKind, Password, SpecialFile, Tool, ToolKind,
};
use plimsoll_model::evidence::{Entry, EntryKind, LayerEvidence};
use plimsoll_model::inventory::{InstalledPackage, Location};
use plimsoll_model::path::file_name;

use super::owners::{Owners, other_name};
use super::{Stack, narrow};

/// Special files and tools beyond so many are not listed one by one; no sound image has them.
const LIST_LIMIT: usize = 10_000;

/// What facts told, before it is known who owns what.
#[derive(Default)]
pub(super) struct Told {
    pub(super) accounts: Vec<Account>,
    pub(super) passwords: HashMap<String, Password>,
    /// Paths of files that are programs.
    pub(super) programs: HashSet<String>,
}

/// What the entries of `layers` and what was `told` add up to.
pub(super) fn content(
    layers: &[LayerEvidence],
    stack: &mut Stack<'_>,
    told: Told,
    packages: &[InstalledPackage],
    owned_files: &[Vec<String>],
) -> Content {
    let mut content = Content { accounts: accounts(told.accounts, &told.passwords), ..Content::default() };
    let mut leftovers = BTreeMap::new();
    for (index, layer) in layers.iter().enumerate() {
        for entry in &layer.entries {
            content.special.extend(special(entry, index).filter(|_| stack.is_visible(index, &entry.path)));
            if let Some(kind) = tool_kind(entry, &told.programs)
                && stack.is_visible(index, &entry.path)
            {
                content.tools.push(Tool { kind, location: location(entry, index), owner: None });
            }
            if entry.kind == EntryKind::File
                && entry.size > 0
                && let Some((kind, folder)) = LeftoverKind::of_path(&entry.path)
            {
                let hidden = !stack.is_visible(index, &entry.path);
                let place: &mut Leftover = leftovers
                    .entry((folder, index, hidden))
                    .or_insert_with(|| leftover(kind, folder, index, hidden));
                place.files = place.files.saturating_add(1);
                place.bytes = place.bytes.saturating_add(entry.size);
            }
        }
    }
    content.leftovers = leftovers.into_values().collect();
    content.leftovers.sort();
    content.hidden = hidden(layers);
    content.special.truncate(LIST_LIMIT);
    content.tools.truncate(LIST_LIMIT);
    assign(&mut content, packages, owned_files);
    content.special.sort();
    content.tools.sort_by(|a, b| (&a.location, a.kind).cmp(&(&b.location, b.kind)));
    content
}

/// The accounts with what `etc/shadow` says of their passwords, which counts if it has a line for them.
fn accounts(mut accounts: Vec<Account>, passwords: &HashMap<String, Password>) -> Vec<Account> {
    for account in &mut accounts {
        if let Some(password) = passwords.get(&account.name).filter(|_| account.password == Password::Locked)
        {
            account.password = *password;
        }
    }
    accounts.sort();
    accounts.dedup();
    accounts
}

/// The entry with what makes it special, if anything does.
fn special(entry: &Entry, layer: usize) -> Option<SpecialFile> {
    let is_directory = entry.kind == EntryKind::Directory;
    // Most entries have nothing of it, so no path is copied for them.
    if entry.mode & 0o6002 == 0 && !entry.capabilities || entry.kind != EntryKind::File && !is_directory {
        return None;
    }
    let file = SpecialFile {
        location: location(entry, layer),
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        capabilities: entry.capabilities,
        is_directory,
        owner: None,
    };
    (file.is_world_writable() || file.is_set_id() || file.capabilities).then_some(file)
}

/// What a program is for; a hard link is the program it links to, as all of busybox's names are.
fn tool_kind(entry: &Entry, programs: &HashSet<String>) -> Option<ToolKind> {
    let is_program = match &entry.kind {
        EntryKind::File => programs.contains(&*entry.path),
        EntryKind::Hardlink(target) => {
            let folder = plimsoll_model::path::parent(target);
            entry.mode & 0o111 != 0 && folder.rsplit('/').next().is_some_and(|name| name.ends_with("bin"))
        }
        _ => return None,
    };
    is_program.then(|| ToolKind::of_name(file_name(&entry.path))).flatten()
}

fn location(entry: &Entry, layer: usize) -> Location {
    Location { path: entry.path.to_string(), inside: None, layer: narrow(layer) }
}

fn leftover(kind: LeftoverKind, folder: &str, layer: usize, hidden: bool) -> Leftover {
    let location = Location { path: folder.to_owned(), inside: None, layer: narrow(layer) };
    Leftover { location, kind, hidden, files: 0, bytes: 0 }
}

/// Says of files and tools which OS package owns them.
fn assign(content: &mut Content, packages: &[InstalledPackage], owned_files: &[Vec<String>]) {
    let places = content.special.iter().map(|file| &file.location);
    let wanted: HashSet<String> = places
        .chain(content.tools.iter().map(|tool| &tool.location))
        .flat_map(|location| std::iter::once(location.path.clone()).chain(other_name(&location.path)))
        .collect();
    let owners = Owners::new(packages, owned_files, &wanted);
    content.special.iter_mut().for_each(|file| file.owner = owners.of(&file.location.path));
    content.tools.iter_mut().for_each(|tool| tool.owner = owners.of(&tool.location.path));
}

/// How much of each layer upper layers delete or replace.
///
/// From the top layer down, its sorted entries go along with the sorted names above: one step a name, however many
/// layers there are.
fn hidden(layers: &[LayerEvidence]) -> Vec<HiddenFiles> {
    let mut above: Vec<&str> = Vec::new();
    let mut covers: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for (index, layer) in layers.iter().enumerate().rev() {
        let mut sum = HiddenFiles { layer: narrow(index), files: 0, bytes: 0 };
        let mut names = above.iter().peekable();
        let mut cover = covers.iter().peekable();
        for entry in layer.entries.iter().filter(|entry| entry.kind == EntryKind::File) {
            while names.next_if(|name| ***name < *entry.path).is_some() {}
            // A folder's files lie between `folder/` and `folder0`, the next character.
            while cover.next_if(|folder| is_behind(folder, &entry.path)).is_some() {}
            let covered = cover.peek().is_some_and(|folder| entry.path.starts_with(folder.as_str()));
            if covered || names.peek().is_some_and(|name| **name == &*entry.path) {
                sum.files = sum.files.saturating_add(1);
                sum.bytes = sum.bytes.saturating_add(entry.size);
            }
        }
        if sum.files > 0 {
            found.push(sum);
        }
        if index > 0 {
            above = united(&above, layer);
            covers = covering(covers, layer);
        }
    }
    found.reverse();
    found
}

/// Whether all files below `folder` come before `path`.
fn is_behind(folder: &str, path: &str) -> bool {
    folder < path && !path.starts_with(folder)
}

/// The names of what is no directory, here and above, sorted.
fn united<'a>(above: &[&'a str], layer: &'a LayerEvidence) -> Vec<&'a str> {
    let here =
        layer.entries.iter().filter(|entry| !matches!(entry.kind, EntryKind::Directory | EntryKind::Opaque));
    let mut names: Vec<&str> = here.map(|entry| &*entry.path).chain(above.iter().copied()).collect();
    // Two sorted runs, which this sort merges.
    names.sort();
    names.dedup();
    names
}

/// The folders, each with its slash, whose files of lower layers are hidden; none lies in another one. A file in the
/// place of a folder is not looked for: builds do not make such.
fn covering(mut covers: Vec<String>, layer: &LayerEvidence) -> Vec<String> {
    let here =
        layer.entries.iter().filter(|entry| !matches!(entry.kind, EntryKind::Directory | EntryKind::File));
    covers.extend(
        here.map(|entry| if entry.path.is_empty() { String::new() } else { format!("{}/", entry.path) }),
    );
    covers.sort();
    covers.dedup_by(|later, earlier| later.starts_with(earlier.as_str()));
    covers
}

#[cfg(test)]
mod tests {
    use plimsoll_model::digest::{DiffId, Digest};
    use plimsoll_model::evidence::{Entry, EntryKind, LayerEvidence};

    use super::hidden;

    fn layer(entries: &[(&str, EntryKind)]) -> LayerEvidence {
        let mut entries: Vec<Entry> = entries
            .iter()
            .map(|(path, kind)| Entry {
                path: (*path).into(),
                kind: kind.clone(),
                mode: 0o644,
                uid: 0,
                gid: 0,
                size: 10,
                capabilities: false,
            })
            .collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        LayerEvidence {
            diff_id: DiffId(Digest::of(b"")),
            plain_size: 0,
            entries,
            facts: Vec::new(),
            gaps: Vec::new(),
        }
    }

    #[test]
    fn files_that_upper_layers_delete_or_replace_are_counted_once() {
        use EntryKind::{Directory, File, Opaque, Whiteout};
        let layers = [
            layer(&[("a", Directory), ("a/1", File), ("a-b", File), ("b/c/d", File), ("e", File)]),
            layer(&[("a", Whiteout), ("e", File), ("b/c", Directory)]),
            layer(&[("e", Whiteout), ("b", Directory), ("b/c", Opaque)]),
        ];
        let sums: Vec<(u32, u32, u64)> =
            hidden(&layers).iter().map(|sum| (sum.layer, sum.files, sum.bytes)).collect();
        // Of the lowest layer `a/1`, `b/c/d` and `e`.
        assert_eq!(sums, [(0, 3, 30), (1, 1, 10)]);
    }
}
