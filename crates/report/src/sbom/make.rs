//! What images hold, as a bill of materials.

use jiff::Timestamp;
use plimsoll_model::inventory::{Dependency, Inventory, LayerSummary};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::reference::Reference;
use plimsoll_model::scan::{Contents, ImageIdentity, Scan};
use plimsoll_model::time::in_seconds;

use super::facts::{self, PRODUCT};
use super::{
    Bill, Completeness, Hash, License, Part, PartKind, References, RelationKind, Tool, digest, made,
};
use crate::Report;

/// An image and what it holds.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Which image.
    pub image: &'a ImageIdentity,
    /// Its layers, lowest first.
    pub layers: &'a [LayerSummary],
    /// What it contains.
    pub inventory: &'a Inventory,
    /// The files that each package owns.
    pub owned_files: &'a [Vec<String>],
    /// Which packages need which.
    pub dependencies: &'a [Dependency],
}

impl<'a> From<&'a Scan> for Subject<'a> {
    fn from(scan: &'a Scan) -> Self {
        Self {
            image: &scan.image,
            layers: &scan.layers,
            inventory: &scan.inventory,
            owned_files: &scan.owned_files,
            dependencies: &scan.dependencies,
        }
    }
}

impl<'a> From<&'a Contents> for Subject<'a> {
    fn from(contents: &'a Contents) -> Self {
        Self {
            image: &contents.image,
            layers: &contents.layers,
            inventory: &contents.inventory,
            owned_files: &contents.owned_files,
            dependencies: &contents.dependencies,
        }
    }
}

/// Who makes a document, and when.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    /// Plimsoll's version.
    pub version: &'a str,
    /// When the document is to say that it was made, if that was given (`SOURCE_DATE_EPOCH`).
    pub made: Option<Timestamp>,
    /// The time, where neither that nor the image tells one.
    pub now: Timestamp,
}

/// The bill of materials of a report, with its vulnerabilities.
#[must_use]
pub fn of_report(report: &Report<'_>) -> Bill {
    let subjects: Vec<Subject<'_>> = report.scans.iter().map(Subject::from).collect();
    let maker = Maker { version: report.version, made: report.made, now: report.now };
    let mut making = Making::new(&maker, &subjects);
    for (subject, scan) in subjects.iter().zip(report.scans) {
        let packages = making.image(subject);
        let names: Vec<&str> =
            packages.iter().filter_map(|index| Some(making.bill.part(*index)?.reference.as_str())).collect();
        let found = crate::cyclonedx::vulnerabilities(scan, &names);
        making.bill.vulnerabilities.extend(found);
    }
    making.finish(subjects.first().map(|subject| subject.image.name.as_str()))
}

/// The bill of materials of images that were not scanned.
#[must_use]
pub fn of_contents(contents: &[Contents], maker: &Maker<'_>) -> Bill {
    let subjects: Vec<Subject<'_>> = contents.iter().map(Subject::from).collect();
    let mut making = Making::new(maker, &subjects);
    for subject in &subjects {
        making.image(subject);
    }
    making.finish(subjects.first().map(|subject| subject.image.name.as_str()))
}

/// Several bills of materials as one: of a product that is called `name`, or of the platforms of one image.
#[must_use]
pub fn merge(bills: Vec<Bill>, name: &str, version: Option<&str>, maker: &Maker<'_>) -> Bill {
    let mut making = Making::new(maker, &[]);
    for bill in bills {
        making.take(bill);
    }
    let mut bill = making.finish(Some(name));
    if let Some(part) = bill.subject.and_then(|index| bill.parts.get_mut(index)) {
        part.kind = PartKind::Application;
        part.version = version.unwrap_or_default().to_owned();
    }
    bill
}

/// A bill of materials while it is made.
struct Making {
    bill: Bill,
    references: References,
    /// The images, or what else stands on top.
    roots: Vec<usize>,
    is_merged: bool,
}

impl Making {
    fn new(maker: &Maker<'_>, subjects: &[Subject<'_>]) -> Self {
        let tool = Tool { vendor: None, name: "plimsoll".to_owned(), version: maker.version.to_owned() };
        let time = made(maker.made, subjects.first().map(|subject| subject.image), maker.now);
        let bill = Bill {
            made: Some(in_seconds(time)),
            tools: vec![tool],
            lifecycle: Some("post-build".to_owned()),
            ..Bill::default()
        };
        Self { bill, references: References::default(), roots: Vec::new(), is_merged: false }
    }

    fn add(&mut self, part: Part) -> usize {
        self.bill.parts.push(part);
        self.bill.parts.len().saturating_sub(1)
    }

    /// Adds an image with all that is in it; tells where its packages are.
    fn image(&mut self, subject: &Subject<'_>) -> Vec<usize> {
        let root = image_part(subject, &mut self.references);
        let root = self.add(root);
        self.roots.push(root);
        let distribution = subject.inventory.distribution.as_ref();
        if let Some(distribution) = distribution {
            let part = Part {
                reference: self.references.unique(&format!("os:{}", distribution.id)),
                kind: PartKind::OperatingSystem,
                name: distribution.id.clone(),
                version: distribution.version_id.clone().unwrap_or_default(),
                description: Some(distribution.title()),
                supplier: Some(distribution.id.clone()),
                cpes: distribution.cpe_name.iter().filter(|name| is_cpe(name)).cloned().collect(),
                properties: facts::of_distribution(distribution),
                ..Part::default()
            };
            let system = self.add(part);
            self.bill.relate(root, RelationKind::Contains, system);
        }
        let purls: Vec<String> = subject
            .inventory
            .packages
            .iter()
            .map(|installed| self.references.unique(&installed.package.purl(distribution)))
            .collect();
        let first = self.bill.parts.len();
        for (index, (installed, reference)) in subject.inventory.packages.iter().zip(&purls).enumerate() {
            let owner = installed.owned_by.and_then(|owner| usize::try_from(owner).ok());
            let owner_name = owner.and_then(|owner| purls.get(owner)).map(String::as_str);
            let part = package_part(subject, index, reference, owner_name);
            let own = self.add(part);
            self.bill.relate(root, RelationKind::Contains, own);
            if owner_name.is_some() {
                self.bill.relate(first.saturating_add(owner.unwrap_or(0)), RelationKind::Owns, own);
            }
        }
        let place = |index: u32| first.saturating_add(usize::try_from(index).unwrap_or(usize::MAX));
        for Dependency { from, to } in subject.dependencies {
            self.bill.relate(place(*from), RelationKind::DependsOn, place(*to));
        }
        (first..self.bill.parts.len()).collect()
    }

    /// Adds a whole bill of materials.
    fn take(&mut self, bill: Bill) {
        self.is_merged = true;
        let first = self.bill.parts.len();
        let moved = |index: usize| first.saturating_add(index);
        let is_product = bill.subject().is_some_and(|part| part.property(PRODUCT).is_some());
        let roots: Vec<usize> = match bill.subject {
            Some(subject) if is_product => {
                let inside = bill
                    .relations
                    .iter()
                    .filter(|relation| relation.from == subject && relation.kind == RelationKind::Contains);
                inside.map(|relation| moved(relation.to)).collect()
            }
            Some(subject) => vec![moved(subject)],
            None => Vec::new(),
        };
        let subject = bill.subject.map(moved);
        let mut renamed = std::collections::HashMap::new();
        for mut part in bill.parts {
            let name = self.references.unique(&part.reference);
            if name != part.reference {
                renamed.insert(part.reference.clone(), name.clone());
            }
            part.reference = name;
            part.properties.retain(|(name, _)| name != PRODUCT);
            self.bill.parts.push(part);
        }
        for part in self.bill.parts.iter_mut().skip(first) {
            for (_, value) in part.properties.iter_mut().filter(|(name, _)| name == "plimsoll:ownedBy") {
                if let Some(name) = renamed.get(value) {
                    value.clone_from(name);
                }
            }
        }
        let taken = bill.relations.into_iter().map(|mut relation| {
            (relation.from, relation.to) = (moved(relation.from), moved(relation.to));
            relation
        });
        // What held the images of a merged document together is no image itself.
        let kept = taken.filter(|relation| !(is_product && Some(relation.from) == subject));
        self.bill.relations.extend(kept);
        self.bill.authors.extend(bill.authors);
        self.bill.tools.extend(bill.tools);
        for (what, count) in bill.passed_over {
            self.bill.pass_over(&what, count);
        }
        if is_product && let Some(index) = subject {
            self.drop_part(index);
            self.roots.extend(
                roots.into_iter().map(|root| if root > index { root.saturating_sub(1) } else { root }),
            );
        } else {
            self.roots.extend(roots);
        }
    }

    fn drop_part(&mut self, index: usize) {
        if index < self.bill.parts.len() {
            self.bill.parts.remove(index);
        }
        let moved = |other: usize| if other > index { other.saturating_sub(1) } else { other };
        self.bill.relations.retain(|relation| relation.from != index && relation.to != index);
        for relation in &mut self.bill.relations {
            (relation.from, relation.to) = (moved(relation.from), moved(relation.to));
        }
    }

    fn finish(mut self, name: Option<&str>) -> Bill {
        self.bill.name = name.unwrap_or("nothing").to_owned();
        self.bill.tools.sort();
        self.bill.tools.dedup();
        self.bill.authors.sort();
        self.bill.authors.dedup();
        self.bill.subject = match self.roots.as_slice() {
            [only] if !self.is_merged => Some(*only),
            roots => {
                let roots = roots.to_vec();
                let (reference, name) = (self.references.unique("index"), self.bill.name.clone());
                let index = self.add(Part {
                    reference,
                    kind: PartKind::Container,
                    name,
                    properties: vec![(PRODUCT.to_owned(), roots.len().to_string())],
                    completeness: Completeness::Complete,
                    ..Part::default()
                });
                for root in roots {
                    self.bill.relate(index, RelationKind::Contains, root);
                }
                Some(index)
            }
        };
        self.bill.settle();
        self.bill
    }
}

fn image_part(subject: &Subject<'_>, references: &mut References) -> Part {
    let digest = digest(subject.image);
    let own = digest.map_or_else(|| subject.image.name.clone(), |digest| digest.to_string());
    let hash = subject
        .image
        .manifest_digest
        .map(|digest| Hash { algorithm: "SHA-256".to_owned(), value: digest.0.hex() });
    let is_whole = subject.inventory.gaps.is_empty();
    Part {
        reference: references.unique(&format!("image:{own}")),
        kind: PartKind::Container,
        name: subject.image.name.clone(),
        version: digest.map(|digest| digest.to_string()).unwrap_or_default(),
        purl: image_purl(subject.image),
        hashes: hash.into_iter().collect(),
        properties: facts::of_image(subject),
        completeness: if is_whole { Completeness::Complete } else { Completeness::Incomplete },
        ..Part::default()
    }
}

/// Whether a name is a CPE as the formats' schemas want it: a URI of version 2.2, or all eleven attributes of version 2.3.
/// Some distributions write less.
fn is_cpe(name: &str) -> bool {
    let attributes = |rest: &str| rest.split(':').count();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-~%:".contains(c);
    match (name.strip_prefix("cpe:/o:"), name.strip_prefix("cpe:2.3:o:")) {
        (Some(rest), _) => attributes(rest) <= 6 && rest.chars().all(is_plain),
        (None, Some(rest)) => attributes(rest) == 10 && rest.chars().all(|c| is_plain(c) || c == '*'),
        (None, None) => false,
    }
}

/// The package URL of an image, if its name tells the registry and its digest is known.
pub(crate) fn image_purl(image: &ImageIdentity) -> Option<String> {
    let digest = image.manifest_digest?;
    let (host, path) = image.name.split_once('/')?;
    let is_registry = host.contains(['.', ':']) || host == "localhost";
    let reference: Reference = image.name.parse().ok().filter(|_| is_registry)?;
    let repository = path.split(['@', ':']).next()?;
    let last = repository.rsplit('/').next()?;
    let encoded = |text: &str| text.replace('/', "%2F").replace(':', "%3A");
    let architecture = &image.platform.architecture;
    let tag = reference.tag().map(|tag| format!("&tag={tag}")).unwrap_or_default();
    let url = encoded(&format!("{host}/{repository}"));
    Some(format!(
        "pkg:oci/{}@sha256%3A{}?arch={architecture}&repository_url={url}{tag}",
        last.to_ascii_lowercase(),
        digest.0.hex()
    ))
}

fn package_part(subject: &Subject<'_>, index: usize, reference: &str, owner: Option<&str>) -> Part {
    let Some(installed) = subject.inventory.packages.get(index) else { return Part::default() };
    let package = &installed.package;
    let distribution = subject.inventory.distribution.as_ref();
    let (group, name) = names(package);
    let declared = package.licenses.iter().filter(|text| !text.trim().is_empty());
    Part {
        reference: reference.to_owned(),
        kind: PartKind::Library,
        group: group.map(str::to_owned),
        name: name.to_owned(),
        version: package.version.clone(),
        purl: Some(package.purl(distribution)),
        supplier: distribution
            .filter(|_| package.ecosystem.is_os())
            .map(|distribution| distribution.id.clone()),
        licenses: declared.map(|text| License::of(text)).collect(),
        places: installed.locations.iter().map(plimsoll_model::inventory::Location::title).collect(),
        properties: facts::of_package(subject, index, owner),
        ..Part::default()
    }
}

/// What its name is in, and the name.
fn names(package: &Package) -> (Option<&str>, &str) {
    let split = match package.ecosystem {
        Ecosystem::Maven => package.name.split_once(':'),
        Ecosystem::Npm => package.name.rsplit_once('/'),
        _ => None,
    };
    split.map_or((None, package.name.as_str()), |(group, name)| (Some(group), name))
}
