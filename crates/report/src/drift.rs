//! What `plimsoll drift` tells: what files pin, what tags mean now, and what runs; in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::gap::Gap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::json::GapDocument;
use crate::table::{bold, clean, plural};

/// The version of the JSON document's schema, `docs/schema/drift-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// A way in which an image drifted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Drift {
    /// Its tag means something else than what is pinned.
    TagMoved,
    /// Something else of its repository runs.
    RunningOther,
    /// Nothing of its repository runs, though a file deploys it.
    NotRunning,
    /// It runs, and no file names its repository.
    InNoFile,
}

impl Drift {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TagMoved => "tag-moved",
            Self::RunningOther => "running-other",
            Self::NotRunning => "not-running",
            Self::InNoFile => "in-no-file",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::TagMoved => "tag moved",
            Self::RunningOther => "something else runs",
            Self::NotRunning => "not running",
            Self::InNoFile => "runs, but is in no file",
        }
    }
}

/// An image that a file names or that runs.
#[derive(Clone, Debug)]
pub struct Image {
    /// What it is called, with its tag.
    pub name: String,
    /// The files that name it so, each as `FILE:LINE`.
    pub files: Vec<String>,
    /// The digest that it is pinned to.
    pub pinned: Option<String>,
    /// The digest that its tag means now.
    pub now: Option<String>,
    /// What runs of its repository.
    pub running: Vec<Running>,
    /// How it drifted; not at all if there is none.
    pub drifts: Vec<Drift>,
}

/// Something that runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its digest, as the cluster tells it.
    pub digest: String,
    /// Whether it is what the file means.
    pub is_meant: bool,
    /// The containers, each as `NAMESPACE/POD/CONTAINER`.
    pub containers: Vec<String>,
}

/// Writes it for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(images: &[Image], gaps: &[Gap], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for image in images.iter().filter(|image| !image.drifts.is_empty()) {
        let words: Vec<&str> = image.drifts.iter().map(|drift| drift.words()).collect();
        writeln!(out, "{}  {}", bold(&clean(&image.name), style), words.join(", "))?;
        for file in &image.files {
            writeln!(out, "  {}", clean(file))?;
        }
        let lines = [("pinned", &image.pinned), ("the tag means", &image.now)];
        for (word, digest) in lines.into_iter().filter_map(|(word, digest)| Some((word, digest.as_ref()?))) {
            writeln!(out, "  {word:<14} {}", clean(digest))?;
        }
        for running in &image.running {
            let word = if running.is_meant { "runs" } else { "runs instead" };
            let word = if image.files.is_empty() { "runs" } else { word };
            writeln!(out, "  {word:<14} {}  {}", clean(&running.digest), containers(&running.containers))?;
        }
    }
    for gap in gaps {
        writeln!(out, "not compared: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    let all = images.len();
    let sound = images.iter().filter(|image| image.drifts.is_empty()).count();
    writeln!(out, "{all} image{}, {sound} in sync", plural(all))
}

fn containers(all: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = all.iter().take(SHOWN).map(|name| clean(name)).collect();
    let more = all.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}

/// Writes it as JSON, by the schema `docs/schema/drift-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(images: &[Image], gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    let images = images.iter().map(ImageDocument::new).collect();
    let gaps = gaps.iter().map(GapDocument::new).collect();
    crate::write_json(&Document { schema_version: SCHEMA_VERSION, images, gaps }, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// What files pin, what tags mean now, and what runs.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The images, sorted by name.
    images: Vec<ImageDocument<'a>>,
    /// What could not be read, told apart or asked for.
    gaps: Vec<GapDocument<'a>>,
}

/// An image that a file names or that runs.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument<'a> {
    /// What it is called, with its tag.
    name: &'a str,
    /// The files that name it so, each as `FILE:LINE`; none if it only runs.
    files: &'a [String],
    /// The digest that it is pinned to.
    pinned: Option<&'a str>,
    /// The digest that its tag means now.
    tag_means: Option<&'a str>,
    /// What runs of its repository.
    running: Vec<RunningDocument<'a>>,
    /// `tag-moved`, `running-other`, `not-running`, `in-no-file`; empty if it is in sync.
    drifts: Vec<&'static str>,
}

/// Something that runs.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunningDocument<'a> {
    /// Its digest, as the cluster tells it: of an index, of a manifest, or of a configuration.
    digest: &'a str,
    /// Whether it is what the file means.
    is_meant: bool,
    /// The containers, each as `NAMESPACE/POD/CONTAINER`.
    containers: &'a [String],
}

impl<'a> ImageDocument<'a> {
    fn new(image: &'a Image) -> Self {
        let running = image.running.iter().map(|running| RunningDocument {
            digest: &running.digest,
            is_meant: running.is_meant,
            containers: &running.containers,
        });
        Self {
            name: &image.name,
            files: &image.files,
            pinned: image.pinned.as_deref(),
            tag_means: image.now.as_deref(),
            running: running.collect(),
            drifts: image.drifts.iter().map(|drift| drift.as_str()).collect(),
        }
    }
}
