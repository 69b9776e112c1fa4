//! Scans hostile images, each followed by a good one with the same cache.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use plimsoll_engine::cache::Cache;
use plimsoll_engine::evidence::EvidenceOptions;
use plimsoll_engine::limits::Limits;
use plimsoll_engine::observe::{Observer, Silent};
use plimsoll_engine::scan::{ScanOptions, extractors, scan};
use plimsoll_image::Image;
use plimsoll_image::source::archive::ArchiveOptions;
use plimsoll_image::source::layout::Selector;
use plimsoll_image::source::{PlatformChoice, archive, layout};
use plimsoll_model::digest::DiffId;
use plimsoll_model::gap::GapKind;
use plimsoll_model::scan::Scan;

use crate::build::{Layer, Layout, Tar};

/// A cache, and the options to scan with it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) options: ScanOptions,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 1 << 30, SystemTime::UNIX_EPOCH).unwrap();
        let evidence = EvidenceOptions {
            extractors: extractors(),
            spool: cache.spool(),
            cache: Some(cache),
            limits: Limits::for_cores(2),
            details: true,
        };
        let options = ScanOptions {
            evidence,
            databases: Vec::new(),
            vex: Default::default(),
            vulnerabilities: true,
            configuration: true,
            secrets_baseline: Default::default(),
            licenses: None,
            today: jiff::civil::date(2026, 11, 23),
            database_max_age_days: 7,
            database_gaps: Vec::new(),
            gate: None,
            build_file: None,
        };
        Self { folder, options }
    }

    fn cache(&self) -> &Cache {
        self.options.evidence.cache.as_ref().unwrap()
    }

    pub(crate) fn keeps(&self, layer: DiffId) -> bool {
        self.cache().layer(layer).is_some()
    }

    /// Scans the layout, then a good image, which has to come out right.
    pub(crate) fn scan(&self, layout: &Layout) -> Result<Scan, String> {
        let result = self.scan_once(layout);
        self.is_sound();
        result
    }

    fn scan_once(&self, layout: &Layout) -> Result<Scan, String> {
        let images = images(layout).map_err(|error| told(&error))?;
        self.scan_images(&images)
    }

    fn scan_images(&self, images: &[Image]) -> Result<Scan, String> {
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        let mut scans = scan(images, &self.options, &observer).map_err(|error| told(&error))?;
        assert_eq!(scans.len(), 1);
        Ok(scans.remove(0))
    }

    pub(crate) fn scan_archive(&self, path: &Path) -> Result<Scan, String> {
        let options = ArchiveOptions { spool: self.folder.path().to_owned(), inflated: 8 << 30 };
        let images = archive::images(path, &Selector::Only, &PlatformChoice::Host, &options);
        let result = images.map_err(|error| told(&error)).and_then(|images| self.scan_images(&images));
        self.is_sound();
        result
    }

    /// Scans a layer that is refused: the message says `problem` and which layer, and nothing of it is kept.
    pub(crate) fn refuses(&self, layer: &Layer, problem: &str) {
        let message = self.scan(&Layout::of(std::slice::from_ref(layer))).unwrap_err();
        assert!(message.contains(problem), "{message}");
        assert!(message.starts_with(&format!("layer 1 of 1 ({})", layer.digest)), "{message}");
        assert!(!self.keeps(layer.diff_id));
    }

    /// Scans a layer of which a limit ends the reading: a gap says `problem`, and nothing of it is kept.
    pub(crate) fn limits(&self, layer: &Layer, problem: &str) {
        let scan = self.scan(&Layout::of(std::slice::from_ref(layer))).unwrap();
        let of_layer = |gap: &&plimsoll_model::gap::Gap| gap.kind == GapKind::LayerUnread;
        let gap = scan.gaps.iter().find(of_layer).expect("a gap");
        assert_eq!(gap.subject, layer.digest.to_string());
        assert!(gap.reason.contains(problem), "{gap:?}");
        assert!(!self.keeps(layer.diff_id));
    }

    /// Scans a layer that is odd, but can be read whole.
    pub(crate) fn reads(&self, layer: &Layer) -> Scan {
        let scan = self.scan(&Layout::of(std::slice::from_ref(layer))).unwrap();
        assert!(self.keeps(layer.diff_id));
        scan
    }

    fn is_sound(&self) {
        for _ in 0..2 {
            let good = self.scan_once(&Layout::of(&[good()])).unwrap();
            assert_eq!(names(&good), ["left-pad"]);
            assert!(self.keeps(super::bench::good().diff_id));
        }
    }
}

/// A layer with one package.
pub(crate) fn good() -> Layer {
    Layer::gzipped(&Tar::default().file("srv/node_modules/left-pad/package.json", PACKAGE).end())
}

pub(crate) const PACKAGE: &str = r#"{"name":"left-pad","version":"1.3.0"}"#;

pub(crate) fn images(layout: &Layout) -> Result<Vec<Image>, plimsoll_image::SourceError> {
    layout::images(layout.path(), &Selector::Only, &PlatformChoice::Host)
}

/// The packages' names, sorted.
pub(crate) fn names(scan: &Scan) -> Vec<&str> {
    let mut names: Vec<&str> =
        scan.inventory.packages.iter().map(|installed| installed.package.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// The gaps of one kind: subject and reason.
pub(crate) fn gaps(scan: &Scan, kind: GapKind) -> Vec<(&str, &str)> {
    let of_kind = scan.gaps.iter().filter(|gap| gap.kind == kind);
    of_kind.map(|gap| (gap.subject.as_str(), gap.reason.as_str())).collect()
}

/// An error with all its sources.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!(": {source}"));
        next = source.source();
    }
    text
}
