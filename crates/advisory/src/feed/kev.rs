//! CISA's catalog of Known Exploited Vulnerabilities, as JSON
//! (<https://www.cisa.gov/known-exploited-vulnerabilities-catalog>).

use serde::Deserialize;

use super::date::day;
use super::loose::{is_cve, nullable};
use super::source::Source;
use super::{Document, Enrichment, Feed, FeedError, Harvest, Syntax, check_length};

pub(crate) const KEV: Feed = Feed { name: "kev", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "kev",
    title: "CISA",
    license: "CC0-1.0",
    url: "https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Json && document.has(&["catalogVersion", "vulnerabilities"])
}

#[derive(Deserialize)]
struct Catalog {
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID", default, deserialize_with = "nullable")]
    cve: String,
    #[serde(default, deserialize_with = "nullable")]
    date_added: String,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let catalog: Catalog = document.parse()?;
    check_length("vulnerabilities", catalog.vulnerabilities.len())?;
    for entry in catalog.vulnerabilities {
        let exploited = day(&entry.date_added);
        if is_cve(&entry.cve) && exploited.is_some() {
            let more = Enrichment { exploited, ..Enrichment::default() };
            harvest.enrich(&SOURCE, &entry.cve, exploited, more);
        } else {
            harvest.problem(document.path, KEV.name, &FeedError::value("entry", &entry.cve));
        }
    }
    Ok(())
}
