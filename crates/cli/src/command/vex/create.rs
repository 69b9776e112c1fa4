//! `plimsoll vex create`: statements from options, or of the findings of a scan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use plimsoll_advisory::vex::{self, image_purl, is_purl};
use plimsoll_image::source::PlatformChoice;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use plimsoll_model::vex::Product;
use plimsoll_report::openvex::{self, Entry, Head, Why};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::args::Create;
use crate::command::{Context, install, locate};
use crate::exit::Code;
use crate::output::{to_file, to_stdout};

/// The largest report that is read.
const REPORT_LIMIT: u64 = 1 << 30;

pub(super) fn run(args: &Create, context: &Context) -> anyhow::Result<Code> {
    let entries = match &args.from_scan {
        Some(report) => of_scan(report, args, context)?,
        None => of_options(args, context)?,
    };
    let now = context.environment.moment()?;
    let made = Timestamp::from_second(now.as_second())?;
    let document = match &args.add {
        Some(path) => {
            let old = json(path, vex::LIMIT)?;
            openvex::add(old, &entries, made).with_context(|| format!("adding to {}", path.display()))?
        }
        None => {
            let author = args.author.as_deref().unwrap_or_default();
            let id = args.document_id.as_deref();
            openvex::create(&entries, &Head { author, id, made, version: env!("CARGO_PKG_VERSION") })?
        }
    };
    // Nobody should learn from others that it is not understood.
    vex::parse(document.to_string().as_bytes(), "the document").context("the document makes no sense")?;
    match &args.output {
        Some(path) => to_file(path, |out| openvex::write(&document, out))?,
        None => to_stdout(|out| openvex::write(&document, out))?,
    }
    Ok(Code::Pass)
}

/// Reads a JSON file.
fn json<T: DeserializeOwned>(path: &Path, limit: u64) -> anyhow::Result<T> {
    let bytes = install::read(path, limit)?;
    serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()))
}

fn of_options(args: &Create, context: &Context) -> anyhow::Result<Vec<Entry>> {
    if let Some(text) = args.subcomponent.iter().find(|text| !is_purl(text)) {
        bail!("--subcomponent {text:?} is no package URL");
    }
    let mut products = products(args, context)?;
    products.iter_mut().for_each(|product| product.subcomponents.clone_from(&args.subcomponent));
    let ids: BTreeSet<&String> = args.id.iter().collect();
    let entry = |id: &&String| entry(args, id, &BTreeSet::new(), products.clone());
    Ok(ids.iter().map(entry).collect())
}

fn entry(args: &Create, id: &str, aliases: &BTreeSet<String>, products: Vec<Product>) -> Entry {
    let justification = args.justification.clone().map(Why::Justification);
    let why = justification.or_else(|| args.impact.clone().map(Why::Impact));
    Entry {
        vulnerability: id.to_owned(),
        aliases: aliases.iter().cloned().collect(),
        products,
        status: args.status.into(),
        why: why.or_else(|| args.action.clone().map(Why::Action)),
    }
}

/// What `--product` names: package URLs as they are, images by their digests.
fn products(args: &Create, context: &Context) -> anyhow::Result<Vec<Product>> {
    let choice = args.platform.clone().map_or(PlatformChoice::Host, PlatformChoice::One);
    let mut products = Vec::new();
    for text in &args.product {
        if text.starts_with("pkg:") {
            if !is_purl(text) {
                bail!("--product {text:?} is no package URL");
            }
            products.push(Product::of(text));
            continue;
        }
        for image in locate::images(text, &choice, context.environment.temporary(), context)? {
            let digest = image.manifest_digest.or(image.config_digest);
            let digest = digest.with_context(|| format!("{text} has no digest to be named by"))?;
            products.push(product(&image.name, digest));
        }
    }
    Ok(products)
}

fn product(name: &str, digest: BlobDigest) -> Product {
    // A path may look like a short reference; a registry's image always has its full name.
    let reference = name.parse::<Reference>().ok().filter(|reference| reference.to_string() == name);
    let url = reference.map(|reference| format!("{}/{}", reference.registry(), reference.repository()));
    let path = url.as_deref().unwrap_or_else(|| name.split(['@', ':']).next().unwrap_or(name));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Product::of(image_purl(last, url.as_deref(), digest))
}

/// Of a report what is needed here.
#[derive(Deserialize)]
struct Report {
    scans: Vec<Scanned>,
}

#[derive(Deserialize)]
struct Scanned {
    image: Named,
    findings: Vec<Found>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    digest: Option<BlobDigest>,
    id: Option<BlobDigest>,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    vulnerability: Option<Vulnerable>,
}

#[derive(Deserialize)]
struct Vulnerable {
    package: Package,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    purl: String,
}

/// What one vulnerability is in: its other ids, and the products.
type Affected = (BTreeSet<String>, Vec<Product>);

fn of_scan(path: &Path, args: &Create, context: &Context) -> anyhow::Result<Vec<Entry>> {
    let report: Report = json(path, REPORT_LIMIT)?;
    let given = products(args, context)?;
    let mut missing: BTreeSet<&String> = args.id.iter().collect();
    let mut all: BTreeMap<String, Affected> = BTreeMap::new();
    for scan in &report.scans {
        let mut packages: BTreeMap<&str, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        for Found { id, vulnerability } in &scan.findings {
            let Some(vulnerability) = vulnerability else { continue };
            let is_it = |wanted: &str| {
                vulnerability.aliases.iter().chain([id]).any(|own| own.eq_ignore_ascii_case(wanted))
            };
            if !args.id.is_empty() && !args.id.iter().any(|wanted| is_it(wanted)) {
                continue;
            }
            missing.retain(|wanted| !is_it(wanted));
            let (aliases, parts) = packages.entry(id).or_default();
            aliases.extend(vulnerability.aliases.iter().cloned());
            parts.insert(vulnerability.package.purl.clone());
        }
        for (id, (aliases, parts)) in packages {
            let (known, products) = all.entry(id.to_owned()).or_default();
            known.extend(aliases);
            products.extend(with_parts(&given, &scan.image, parts));
        }
    }
    if let Some(id) = missing.first() {
        bail!("{} has no finding {id}", path.display());
    }
    if all.is_empty() {
        bail!("{} has no vulnerabilities", path.display());
    }
    Ok(all.into_iter().map(|(id, (aliases, products))| entry(args, &id, &aliases, products)).collect())
}

/// The packages in the products that were given, else in the image; a root filesystem has no name of its own.
fn with_parts(given: &[Product], image: &Named, parts: BTreeSet<String>) -> Vec<Product> {
    let own = || image.digest.or(image.id).map(|digest| product(&image.name, digest));
    let wholes = if given.is_empty() { own().into_iter().collect() } else { given.to_vec() };
    if wholes.is_empty() {
        return parts.into_iter().map(Product::of).collect();
    }
    let parts: Vec<String> = parts.into_iter().collect();
    wholes.into_iter().map(|whole| Product { subcomponents: parts.clone(), ..whole }).collect()
}
