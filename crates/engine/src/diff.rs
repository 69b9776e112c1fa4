//! Two images beside each other: what came, went and changed.

mod compare;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_catalog::account::account;
use plimsoll_catalog::overlay::merge;
use plimsoll_checks::image_config::redact::shown_value;
use plimsoll_image::Image;
use plimsoll_model::accounting::Accounting;
use plimsoll_model::difference::Difference;
use plimsoll_model::extractor::Extractor;
use plimsoll_model::scan::Scan;

use crate::evidence::{EvidenceError, layers, origins};
use crate::observe::{Event, Observer};
use crate::scan::{ScanOptions, judge};

/// Everything that a comparison looks at files with, sorted by name.
#[must_use]
pub fn extractors() -> Vec<Extractor> {
    let mut all = crate::scan::extractors();
    all.extend_from_slice(plimsoll_catalog::all::ACCOUNTING);
    all.sort_by_key(|extractor| extractor.name);
    all
}

/// One of the images that are compared.
struct Side {
    scan: Scan,
    accounting: Accounting,
    /// The configuration as names and values, secrets replaced.
    settings: BTreeMap<String, String>,
}

/// Tells what changed from the image `before` to the image `after`. `options` must have all of [`extractors`].
///
/// # Errors
/// If a layer is corrupt or cannot be read.
pub fn diff(
    before: &Image,
    after: &Image,
    options: &ScanOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Difference, EvidenceError> {
    for image in [before, after] {
        observer.event(Event::Image { name: image.name.clone(), layers: image.layers.len() });
    }
    // As many as images, in their order.
    let mut read = layers(&[before, after], &options.evidence, observer)?.into_iter();
    let mut side = |image: &Image| {
        let layers = read.next().unwrap_or_default();
        let merged = merge(&layers, &origins(image));
        let accounting = account(&layers, &merged);
        Side { scan: judge(image, merged.into(), options, observer), accounting, settings: settings(image) }
    };
    let before = side(before);
    Ok(compare::compare(before, side(after)))
}

/// An image's configuration as names and values.
fn settings(image: &Image) -> BTreeMap<String, String> {
    let run = &image.config.config;
    let mut settings = BTreeMap::new();
    let mut set = |name: String, value: String| {
        if !value.is_empty() {
            settings.insert(name, value);
        }
    };
    set("Platform".to_owned(), image.platform.to_string());
    set("User".to_owned(), run.user.clone());
    set("Entrypoint".to_owned(), words(&run.entrypoint));
    set("Cmd".to_owned(), words(&run.cmd));
    for port in run.exposed_ports.keys() {
        set(format!("Port {port}"), "exposed".to_owned());
    }
    for variable in &run.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        set(format!("Env {name}"), shown_value(name, value));
    }
    for (name, value) in &run.labels {
        set(format!("Label {name}"), shown_value(name, value));
    }
    if let Some(check) = &run.healthcheck {
        set("Healthcheck".to_owned(), shown_value("Healthcheck", &check.to_string()));
    }
    settings
}

fn words(words: &[String]) -> String {
    if words.is_empty() {
        return String::new();
    }
    shown_value("words", &serde_json::Value::from(words).to_string())
}
