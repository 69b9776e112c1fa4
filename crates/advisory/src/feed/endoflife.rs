//! The products of endoflife.date: Markdown whose front matter lists release cycles with the days on which their
//! support ends (<https://github.com/endoflife-date/endoflife.date>).

use serde::Deserialize;

use super::date::day;
use super::harvest::{Cycle, Until};
use super::loose::nullable;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};

pub(crate) const ENDOFLIFE: Feed = Feed { name: "endoflife", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: crate::database::END_OF_LIFE,
    title: "endoflife.date",
    license: "MIT",
    url: "https://github.com/endoflife-date/endoflife.date",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Text
        && document.name().ends_with(".md")
        && front_matter(document.text)
            .is_some_and(|text| text.contains("\nreleases:") && text.contains("\npermalink:"))
}

/// What stands between two lines of three dashes at the start.
fn front_matter(text: &str) -> Option<&str> {
    text.strip_prefix("---\n")?.split_once("\n---").map(|(front, _)| front)
}

#[derive(Deserialize)]
struct Product {
    permalink: String,
    #[serde(default, deserialize_with = "nullable")]
    releases: Vec<Release>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Release {
    release_cycle: String,
    #[serde(default, deserialize_with = "nullable")]
    release_date: String,
    eoas: Option<String>,
    eol: Option<String>,
    eoes: Option<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let front = front_matter(document.text).unwrap_or_default();
    let product: Product = serde_yaml_ng::from_str(front)?;
    check_length("releases", product.releases.len())?;
    let name = product.permalink.trim_matches('/').to_owned();
    if name.is_empty() {
        return Err(FeedError::NoId);
    }
    let cycle = |release: Release| Cycle {
        released: day(&release.release_date),
        active: until(release.eoas.as_deref()),
        security: until(release.eol.as_deref()),
        extended: until(release.eoes.as_deref()),
        name: release.release_cycle,
    };
    harvest.product(&SOURCE, name, product.releases.into_iter().map(cycle).collect());
    Ok(())
}

/// A day, or whether it has come.
fn until(text: Option<&str>) -> Until {
    match text {
        Some("false") => Until::Open,
        Some("true") => Until::Ended,
        Some(text) => day(text).map_or(Until::Unknown, Until::Day),
        None => Until::Unknown,
    }
}
