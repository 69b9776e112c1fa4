//! What a bill of materials says that images hold: the way from a document back to what is scanned. Our own documents
//! give back what they were made of; of those of others, packages are what has a package URL.

use std::collections::{HashMap, HashSet};

use plimsoll_model::gap::Gap;
use plimsoll_model::inventory::{Dependency, DeprecatedPackage, InstalledPackage, Inventory};
use plimsoll_model::scan::Contents;

use super::facts::{self, PRODUCT};
use super::{Bill, PartKind, RelationKind, foreign};

/// What the images of a bill of materials hold; one at least.
#[must_use]
pub fn contents(bill: &Bill) -> Vec<Contents> {
    let children = Children::new(bill);
    let roots: Vec<Option<usize>> = match (bill.subject, bill.subject()) {
        (Some(index), Some(subject)) if subject.property(PRODUCT).is_some() => {
            children.of(index).iter().copied().map(Some).collect()
        }
        (subject, _) => vec![subject],
    };
    let only = roots.len() == 1;
    let mut taken = HashSet::new();
    let mut all: Vec<Contents> = roots
        .into_iter()
        .map(|root| {
            let members = match root {
                Some(root) if !only => children.from(root),
                _ => (0..bill.parts.len()).collect(),
            };
            taken.extend(members.iter().copied());
            of_root(bill, root, &members)
        })
        .collect();
    let lost: Vec<&str> = bill
        .parts
        .iter()
        .enumerate()
        .filter(|(index, part)| {
            !only && !taken.contains(index) && part.kind == PartKind::Library && Some(*index) != bill.subject
        })
        .map(|(_, part)| part.name.as_str())
        .collect();
    if all.is_empty() {
        all.push(of_root(bill, None, &[]));
    }
    if let (Some(first), false) = (all.first_mut(), lost.is_empty()) {
        let reason = foreign::listed("of no image of the document", "component", &lost);
        first.inventory.gaps.push(Gap::new(foreign::UNREAD, &bill.name, reason));
    }
    all
}

fn of_root(bill: &Bill, root: Option<usize>, members: &[usize]) -> Contents {
    let image = root.and_then(|root| bill.part(root)).and_then(facts::image);
    let Some((image, layers, gaps)) = image else { return foreign::contents(bill, root, members) };
    let mut inventory = Inventory { gaps, ..Inventory::default() };
    let (mut owned_files, mut unread) = (Vec::new(), Vec::new());
    let mut place: HashMap<usize, u32> = HashMap::new();
    for index in members.iter().filter(|index| Some(**index) != root) {
        let Some(part) = bill.part(*index) else { continue };
        match (part.kind, facts::package(part, &layers)) {
            (PartKind::OperatingSystem, _) => inventory.distribution = Some(facts::distribution(part)),
            (_, Some((installed, files))) => {
                let package = u32::try_from(inventory.packages.len()).unwrap_or(u32::MAX);
                place.insert(*index, package);
                let deprecation = facts::deprecation(part).into_iter();
                inventory
                    .deprecated
                    .extend(deprecation.map(|deprecation| DeprecatedPackage { package, deprecation }));
                inventory.packages.push(installed);
                owned_files.push(files);
            }
            (_, None) => unread.push(part.name.as_str()),
        }
    }
    take_owners(bill, &place, &mut inventory.packages);
    let dependencies = dependencies(bill, &place);
    if !unread.is_empty() {
        let reason = foreign::listed("without a package that can be told", "component", &unread);
        inventory.gaps.push(Gap::new(foreign::UNREAD, &bill.name, reason));
    }
    Contents { image, layers, inventory, owned_files, dependencies }
}

/// Which package owns which, by the relations of the parts whose packages stand at `place`. Only a distribution's package
/// owns others; whoever writes anything else must not hide a package behind it.
pub(super) fn take_owners(bill: &Bill, place: &HashMap<usize, u32>, packages: &mut [InstalledPackage]) {
    for relation in bill.relations.iter().filter(|relation| relation.kind == RelationKind::Owns) {
        let (Some(owner), Some(owned)) = (place.get(&relation.from), place.get(&relation.to)) else {
            continue;
        };
        if let Some(installed) = usize::try_from(*owned).ok().and_then(|owned| packages.get_mut(owned)) {
            installed.owned_by = Some(*owner);
        }
    }
    let is_os: Vec<bool> = packages.iter().map(|installed| installed.package.ecosystem.is_os()).collect();
    for installed in packages {
        let owner = installed.owned_by.and_then(|owner| is_os.get(usize::try_from(owner).ok()?).copied());
        if owner != Some(true) || installed.package.ecosystem.is_os() {
            installed.owned_by = None;
        }
    }
}

/// Which package needs which, by the same relations.
pub(super) fn dependencies(bill: &Bill, place: &HashMap<usize, u32>) -> Vec<Dependency> {
    let needs = bill.relations.iter().filter(|relation| relation.kind == RelationKind::DependsOn);
    let between = needs.filter_map(|relation| {
        let (from, to) = (*place.get(&relation.from)?, *place.get(&relation.to)?);
        (from != to).then_some(Dependency { from, to })
    });
    let mut dependencies: Vec<Dependency> = between.collect();
    dependencies.sort_unstable();
    dependencies.dedup();
    dependencies
}

/// Which parts each part contains.
struct Children(HashMap<usize, Vec<usize>>);

impl Children {
    fn new(bill: &Bill) -> Self {
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        for relation in bill.relations.iter().filter(|relation| relation.kind == RelationKind::Contains) {
            children.entry(relation.from).or_default().push(relation.to);
        }
        Self(children)
    }

    fn of(&self, index: usize) -> &[usize] {
        self.0.get(&index).map(Vec::as_slice).unwrap_or_default()
    }

    /// A part and everything below it, in the order of the document; relations in a circle are followed once.
    fn from(&self, root: usize) -> Vec<usize> {
        let mut seen = HashSet::from([root]);
        let mut open = vec![root];
        while let Some(index) = open.pop() {
            open.extend(self.of(index).iter().copied().filter(|child| seen.insert(*child)));
        }
        let mut below: Vec<usize> = seen.into_iter().collect();
        below.sort_unstable();
        below
    }
}
