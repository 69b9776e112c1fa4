//! stub
use super::{Document, Feed, FeedError, Harvest};
pub(crate) const DEBIAN_LISTS: Feed = Feed { name: "debian_lists", recognizes: |_: &Document<'_>| false, read: |_: &Document<'_>, _: &mut Harvest| Err(FeedError::NoId), bulk: true };
