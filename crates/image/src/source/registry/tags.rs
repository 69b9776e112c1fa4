//! The tags of a repository
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags>). The registry itself is asked, never a
//! mirror, which may know others.

use plimsoll_model::reference::Reference;
use reqwest::Url;
use serde::Deserialize;

use super::client::AsyncRegistryClient;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::referrers::{of_same_server, too_many};

/// The most tags of a repository that are listed.
pub const TAG_LIMIT: usize = 100_000;
/// The most pages of the list.
const PAGE_LIMIT: usize = 10_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl AsyncRegistryClient {
    /// Lists all tags of the repository of `reference`, sorted. A list that never ends, or comes again and again, is an error: whoever
    /// removes what is not listed must have all of it.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn tags(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        let what = format!("tags of {}/{}", reference.registry(), reference.repository());
        let endpoint = self.core().origin(reference)?;
        let mut tags = std::collections::BTreeSet::new();
        let mut next = Some(first(&endpoint)?);
        for _ in 0..PAGE_LIMIT {
            let Some(url) = next else { return Ok(tags.into_iter().collect()) };
            let page = self.page(&endpoint, &url, &what).await?;
            next = page.next.as_ref().map(|next| of_same_server(next, &endpoint, &what)).transpose()?;
            let read: Page = serde_json::from_slice(&page.bytes).map_err(|error| {
                let why = plimsoll_http::clipped(&error.to_string());
                RegistryError::Malformed { host: page.host.clone(), what: what.clone(), why }
            })?;
            let (before, page) = (tags.len(), read.tags.unwrap_or_default());
            // What can be no tag could not be asked for either.
            if let Some(odd) = page.iter().find(|tag| !is_tag(tag)) {
                let why = format!("{:?} is no tag", plimsoll_http::clipped(odd));
                return Err(RegistryError::Malformed { host: endpoint.host(), what, why });
            }
            tags.extend(page);
            if tags.len() > TAG_LIMIT {
                return Err(too_many(&endpoint.host(), &what, TAG_LIMIT, "tags"));
            }
            if tags.len() == before && next.is_some() {
                let why = "the list goes on with what it had already".to_owned();
                return Err(RegistryError::Malformed { host: endpoint.host(), what, why });
            }
        }
        Err(too_many(&endpoint.host(), &what, PAGE_LIMIT, "pages"))
    }
}

fn first(endpoint: &Endpoint) -> Result<Url, RegistryError> {
    endpoint.address("tags", "list")
}

/// Whether it is of the specification's form.
fn is_tag(text: &str) -> bool {
    let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    text.len() <= 128
        && text.bytes().all(is_in)
        && text.bytes().next().is_some_and(|byte| !b".-".contains(&byte))
}
