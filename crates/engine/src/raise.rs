//! Files that say what an application is built of, as contents to scan; and what a plan asks for, raised in them.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use plimsoll_checks::build_file::{Edit, edited};
use plimsoll_checks::dockerfile::upgrades::package_pins;
use plimsoll_checks::pins::{self, Name, What};
use plimsoll_formats::bounded;
use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{Dependency, InstalledPackage, Inventory, Location, Origin};
use plimsoll_model::package::Package;
use plimsoll_model::patch::{NotRaised, Raised, VersionChange};
use plimsoll_model::path::file_name;
use plimsoll_model::plan::{Action, Plan, Raise};
use plimsoll_model::platform::Platform;
use plimsoll_model::reference::Reference;
use plimsoll_model::scan::{Contents, ImageIdentity, Scan};
use plimsoll_patch::declared::{self, ANSWER, Declared, Kind, Registry, Texts};

use crate::patch::{Outside, Request};

/// So many answers of registries are remembered.
const KNOWN: usize = 1000;
/// Answers with more bytes are not.
const KNOWN_SIZE: usize = 256 << 10;

/// How often it is tried again what did not go before.
const PASSES: usize = 5;

/// A package, as an inventory sorts them.
type Key = (Ecosystem, String, String);

/// Tells whether a file of this name is looked at, for what it says or beside one that does.
#[must_use]
pub fn is_meant(name: &str) -> bool {
    let kinds = [Kind::Cargo, Kind::Go, Kind::Npm, Kind::Requirements];
    Kind::of(name).is_some()
        || declared::is_other(name)
        || kinds.iter().any(|kind| kind.companions().contains(&name))
}

/// What `texts` say that an application is built of. What they do not tell is a gap.
#[must_use]
pub fn contents(name: &str, texts: &Texts, mut gaps: Vec<Gap>) -> Contents {
    let mut found: BTreeMap<Key, BTreeSet<&str>> = BTreeMap::new();
    let mut needs: BTreeSet<(Key, Key)> = BTreeSet::new();
    for (path, text) in texts {
        let Some(kind) = Kind::of(path) else {
            if declared::is_other(file_name(path)) {
                let reason = "lock files of this kind are scanned in images only (dir:FOLDER)";
                gaps.push(Gap::new(GapKind::FileUnread, path.as_str(), reason));
            }
            continue;
        };
        let told = match declared::read(kind, path, text) {
            Ok(told) => told,
            Err(refused) => {
                gaps.push(Gap::new(GapKind::FileUnread, path.as_str(), refused.to_string()));
                continue;
            }
        };
        for open in told.open {
            let reason = format!("{open} is asked for without one exact version, which could be checked");
            gaps.push(Gap::new(GapKind::RecordUnread, path.as_str(), reason));
        }
        let key = |package: &Declared| (kind.ecosystem(), package.name.clone(), package.version.clone());
        for package in &told.packages {
            found.entry(key(package)).or_default().insert(path);
            let needed = package.needs.iter().filter_map(|index| told.packages.get(*index));
            needs.extend(needed.map(|needed| (key(package), key(needed))));
        }
    }
    let indexes: BTreeMap<&Key, u32> = found.keys().zip(0..).collect();
    let index = |key: &Key| indexes.get(key).copied();
    let mut dependencies: Vec<Dependency> = needs
        .iter()
        .filter_map(|(from, to)| Some(Dependency { from: index(from)?, to: index(to)? }))
        .collect();
    dependencies.sort();
    gaps.sort();
    gaps.dedup();
    Contents {
        image: identity(name),
        layers: Vec::new(),
        inventory: Inventory {
            packages: found.iter().map(installed).collect(),
            gaps,
            ..Inventory::default()
        },
        owned_files: Vec::new(),
        dependencies,
    }
}

fn identity(name: &str) -> ImageIdentity {
    ImageIdentity {
        name: name.to_owned(),
        manifest_digest: None,
        index_digest: None,
        config_digest: None,
        platform: Platform::new("any", "any"),
        created: None,
    }
}

fn installed(((ecosystem, name, version), paths): (&Key, &BTreeSet<&str>)) -> InstalledPackage {
    let location = |path: &&str| Location { path: (*path).to_owned(), inside: None, layer: 0 };
    InstalledPackage {
        package: Package::new(*ecosystem, name, version),
        locations: paths.iter().map(location).collect(),
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 0,
    }
}

/// Registries, asked through what lies outside.
struct Asked<'a> {
    /// None if nobody may be asked.
    outside: Option<&'a dyn Outside>,
    /// Takes the place of scheme and host.
    mirror: Option<&'a str>,
    /// What was answered before: the same is asked for again and again.
    known: RefCell<BTreeMap<String, Result<Vec<u8>, String>>>,
}

impl Registry for Asked<'_> {
    fn get(&self, address: &str) -> Result<Vec<u8>, String> {
        if let Some(known) = self.known.borrow().get(address) {
            return known.clone();
        }
        let answer = self.ask(address);
        let is_small = |answer: &Result<Vec<u8>, String>| answer.as_ref().map_or(0, Vec::len) <= KNOWN_SIZE;
        let mut known = self.known.borrow_mut();
        if known.len() < KNOWN && is_small(&answer) {
            known.insert(address.to_owned(), answer.clone());
        }
        answer
    }

    fn is_closed(&self) -> bool {
        self.outside.is_none()
    }
}

impl Asked<'_> {
    fn ask(&self, address: &str) -> Result<Vec<u8>, String> {
        let outside = self.outside.ok_or("its registry would have to be asked, which --offline forbids")?;
        let address = match self.mirror {
            Some(mirror) => {
                let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
                let path = rest.split_once('/').map_or("", |(_, path)| path);
                format!("{}/{path}", mirror.trim_end_matches('/'))
            }
            None if address.starts_with("https://") => address.to_owned(),
            None => return Err("its registry is named without TLS, so that anybody could answer".to_owned()),
        };
        let request = Request { name: without_login(&address), addresses: vec![address], limit: ANSWER };
        let file =
            outside.fetch(std::slice::from_ref(&request)).pop().unwrap_or_else(|| Err("no answer".into()));
        let file = file.map_err(|reason| format!("{}: {reason}", request.name))?;
        bounded::read(file, ANSWER).map_err(|error| format!("{}: {error}", request.name))
    }
}

/// An address as it may be shown.
fn without_login(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return String::new() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}/{path}")
}

/// Raises in `texts` what `plan` asks for, the most urgent first. Without `outside` only what needs no registry is raised.
pub fn raise(
    scan: &Scan,
    plan: &Plan,
    texts: &mut Texts,
    outside: Option<&dyn Outside>,
    mirror: Option<&str>,
) -> Raised {
    let registry = Asked { outside, mirror, known: RefCell::default() };
    let mut raised = Raised::default();
    let mut open: Vec<(&Action, &Raise, &str)> = plan
        .actions
        .iter()
        .filter_map(|action| Some((action, action.raise.as_ref()?)))
        .flat_map(|(action, wanted)| paths(scan, wanted).into_iter().map(move |path| (action, wanted, path)))
        .collect();
    // What one needs, another may bring.
    for _ in 0..PASSES {
        let before = open.len();
        raised.refused.clear();
        open.retain(|(action, wanted, path)| {
            let Some(kind) = Kind::of(path) else { return false };
            let change = change(path, wanted);
            let done = declared::raise(kind, path, wanted, texts, &registry);
            match &done {
                Ok(()) => raised.changes.push(change),
                Err(refused) => raised.refused.push(NotRaised {
                    wanted: change,
                    reason: refused.to_string(),
                    commands: commands(kind, action),
                }),
            }
            done.is_err()
        });
        if open.is_empty() || open.len() == before {
            break;
        }
    }
    raised
}

/// Raises what the Dockerfile `text` names: its base, and packages that it installs in one version. What it does not name is told.
#[must_use]
pub fn dockerfile(plan: &Plan, path: &str, text: &str) -> (Raised, String) {
    let mut raised = Raised::default();
    let mut edits: Vec<Edit> = Vec::new();
    let pins = package_pins(text);
    let names = pins::names("Dockerfile", text).unwrap_or_default().names;
    let wanted = |name: &str, from: &str, to: &str| VersionChange {
        path: path.to_owned(),
        name: name.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    };
    for action in &plan.actions {
        let told = raised.changes.len();
        if let Some((old, new)) = &action.rebase {
            let found: Vec<Edit> = names
                .iter()
                .filter(|name| is_image(name, old))
                .filter_map(|name| name.renamed(new))
                .collect();
            let from = found.first().and_then(|edit| text.get(edit.range.clone())).map(str::to_owned);
            raised.changes.extend(from.map(|from| wanted("FROM", &from, new)));
            edits.extend(found);
        }
        for fix in action.packages.iter().filter(|fix| !fix.version.is_empty()) {
            for pin in pins.iter().filter(|pin| (pin.ecosystem, &pin.name) == (fix.ecosystem, &fix.name)) {
                if fix.ecosystem.scheme().compare(&fix.version, &pin.version) == Ok(Ordering::Greater) {
                    raised.changes.push(wanted(&fix.name, &pin.version, &fix.version));
                    let replacement = fix.version.clone();
                    edits.push(Edit { rule: "raise", range: pin.at.clone(), replacement });
                }
            }
        }
        let is_asked = action.rebase.is_some() || !action.packages.is_empty();
        if is_asked && raised.changes.len() == told {
            raised.refused.push(NotRaised {
                wanted: wanted(&action.title, "", ""),
                reason: "the Dockerfile names no version of it; the plan has the line".to_owned(),
                commands: Vec::new(),
            });
        }
    }
    edits.sort_by_key(|edit| edit.range.start);
    edits.dedup_by_key(|edit| edit.range.start);
    let made = edited(text, &edits);
    (raised, made)
}

/// Whether a Dockerfile's name is that of an image, written otherwise perhaps; a digest does not count.
fn is_image(name: &Name, image: &str) -> bool {
    let wanted = image.parse::<Reference>().map(|image| image.to_string());
    matches!(name.what, What::Image(_)) && wanted.is_ok_and(|wanted| name.title() == wanted)
}

/// The files that name a package.
fn paths<'s>(scan: &'s Scan, wanted: &Raise) -> Vec<&'s str> {
    let is_meant = |installed: &&InstalledPackage| {
        let package = &installed.package;
        (package.ecosystem, &package.name, &package.version) == (wanted.ecosystem, &wanted.name, &wanted.from)
    };
    let places = scan.inventory.packages.iter().filter(is_meant).flat_map(|installed| &installed.locations);
    places.map(|location| location.path.as_str()).collect()
}

fn change(path: &str, wanted: &Raise) -> VersionChange {
    VersionChange {
        path: path.to_owned(),
        name: wanted.name.clone(),
        from: wanted.from.clone(),
        to: wanted.to.clone(),
    }
}

/// What to type instead. Cargo has to be told which version of several is meant.
fn commands(kind: Kind, action: &Action) -> Vec<String> {
    match (kind, &action.raise) {
        (Kind::Cargo, Some(wanted)) => {
            let (name, from, to) = (&wanted.name, &wanted.from, &wanted.to);
            vec![format!("cargo update -p {name}@{from} --precise {to}")]
        }
        _ => action.commands.clone(),
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_model::plan::{ActionKind, Effort, PackageFix};

    use super::*;

    #[test]
    fn files_are_told_with_their_places_and_what_is_not_read_with_its_reason() {
        let texts: Texts = [
            ("a/requirements.txt", "six==1.16.0\nflask>=1\n"),
            ("requirements.txt", "six==1.16.0\n"),
            ("yarn.lock", ""),
            ("Cargo.lock", "["),
            ("Cargo.toml", "["),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        let contents = contents("x", &texts, Vec::new());
        let [six] = contents.inventory.packages.as_slice() else { panic!("{contents:?}") };
        let paths: Vec<&str> = six.locations.iter().map(|location| location.path.as_str()).collect();
        assert_eq!(paths, ["a/requirements.txt", "requirements.txt"]);
        let gaps: Vec<(GapKind, &str)> =
            contents.inventory.gaps.iter().map(|gap| (gap.kind, gap.subject.as_str())).collect();
        assert_eq!(
            gaps,
            [
                (GapKind::FileUnread, "Cargo.lock"),
                (GapKind::FileUnread, "yarn.lock"),
                (GapKind::RecordUnread, "a/requirements.txt"),
            ]
        );
        assert_eq!(without_login("https://a:b@host/x@y"), "https://host/x@y");
        assert!(is_meant("go.sum") && is_meant("package.json") && !is_meant("main.rs"));
    }

    #[test]
    fn a_dockerfile_gets_the_new_base_and_the_new_versions_and_nothing_else() {
        let action = |title: &str| Action {
            kind: ActionKind::UpgradeSystem,
            title: title.into(),
            commands: Vec::new(),
            patch: None,
            mends: Vec::new(),
            risk: 0,
            effort: Effort::Small,
            effort_reason: String::new(),
            due: None,
            packages: Vec::new(),
            raise: None,
            rebase: None,
            notes: Vec::new(),
        };
        let fix = |name: &str, version: &str| PackageFix {
            ecosystem: Ecosystem::Deb,
            name: name.into(),
            architecture: "amd64".into(),
            least: version.into(),
            version: version.into(),
        };
        let new = format!("docker.io/library/debian:12@sha256:{}", "a".repeat(64));
        let rebase = Some(("docker.io/library/debian:12".to_owned(), new.clone()));
        let plan = Plan {
            actions: vec![
                Action { rebase, ..action("Build on it") },
                Action {
                    packages: vec![fix("curl", "7.88-2"), fix("jq", "1.6-2")],
                    ..action("Upgrade curl")
                },
                Action { packages: vec![fix("zlib1g", "2")], ..action("Upgrade zlib") },
            ],
            ..Plan::default()
        };
        let text = "# x\r\nFROM debian:12 AS a\nFROM alpine\nRUN apt-get install curl=7.88-1 \\\n  jq=1.6-3\nCOPY --from=a /x /x\n";
        let (raised, made) = dockerfile(&plan, "Dockerfile", text);
        assert_eq!(made, text.replace("FROM debian:12", &format!("FROM {new}")).replace("7.88-1", "7.88-2"));
        let changes: Vec<&str> = raised.changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(changes, ["FROM", "curl"], "a newer version than the fix stays");
        assert_eq!(raised.refused[0].wanted.name, "Upgrade zlib");
    }
}
