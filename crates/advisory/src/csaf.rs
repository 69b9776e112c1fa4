//! Documents of the Common Security Advisory Framework, version 2.0
//! (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>): what the reader of feeds and that of VEX documents
//! have in common. What follows from a document is theirs to say.

pub(crate) mod package;
pub(crate) mod tree;

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::feed::loose::nullable;
use tree::{Products, Tree};

/// The most products of one document, and statements on products: those on the kernel reach some ten thousand.
pub(crate) const LIMIT: usize = 1_000_000;
/// The most groups that one product may be in.
pub(crate) const GROUP_LIMIT: usize = 100;

/// One of a document's lists is longer than it may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooMany {
    pub(crate) what: &'static str,
    pub(crate) found: usize,
    pub(crate) limit: usize,
}

#[derive(Deserialize)]
pub(crate) struct File {
    pub(crate) document: Head,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) product_tree: Tree,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
pub(crate) struct Head {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) category: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) title: String,
    pub(crate) publisher: Publisher,
    pub(crate) tracking: Tracking,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) aggregate_severity: Text,
}

#[derive(Deserialize)]
pub(crate) struct Publisher {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) namespace: String,
}

#[derive(Deserialize)]
pub(crate) struct Tracking {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) initial_release_date: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) current_release_date: String,
}

#[derive(Default, Deserialize)]
pub(crate) struct Text {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) text: String,
}

#[derive(Deserialize)]
pub(crate) struct Vulnerability {
    pub(crate) cve: Option<String>,
    /// Other ids, as `{ system_name, text }`.
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) ids: Vec<Text>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) product_status: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) flags: Vec<Remark>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) remediations: Vec<Remark>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) threats: Vec<Remark>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) scores: Vec<BTreeMap<String, serde_json::Value>>,
}

/// A remediation, a threat or a flag: a word about some products, or about all if it names none.
#[derive(Deserialize)]
pub(crate) struct Remark {
    /// Which kind; of a flag its label.
    #[serde(default, deserialize_with = "nullable", alias = "label")]
    pub(crate) category: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) details: String,
    #[serde(default, deserialize_with = "nullable")]
    product_ids: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    group_ids: Vec<String>,
}

impl File {
    /// Makes sure that the statements are not more than anybody needs.
    pub(crate) fn check(&self) -> Result<(), TooMany> {
        let lists = self.vulnerabilities.iter().flat_map(|v| v.product_status.values()).map(Vec::len);
        let found = lists.fold(0_usize, usize::saturating_add);
        if found > LIMIT { Err(TooMany { what: "statements", found, limit: LIMIT }) } else { Ok(()) }
    }
}

/// What the remarks say of each product.
pub(crate) struct Remarks<'f> {
    of: HashMap<&'f str, &'f Remark>,
    of_group: HashMap<&'f str, &'f Remark>,
    of_all: Option<&'f Remark>,
}

impl<'f> Remarks<'f> {
    pub(crate) fn new(remarks: &'f [Remark], wanted: impl Fn(&Remark) -> bool) -> Self {
        let (mut of, mut of_group, mut of_all) = (HashMap::new(), HashMap::new(), None);
        for remark in remarks.iter().filter(|remark| wanted(remark)) {
            for product in &remark.product_ids {
                of.entry(product.as_str()).or_insert(remark);
            }
            for group in &remark.group_ids {
                of_group.entry(group.as_str()).or_insert(remark);
            }
            if remark.product_ids.is_empty() && remark.group_ids.is_empty() && of_all.is_none() {
                of_all = Some(remark);
            }
        }
        Self { of, of_group, of_all }
    }

    pub(crate) fn get(&self, product: &str, products: &Products<'_>) -> Option<&'f Remark> {
        let by_group = || products.groups(product).iter().find_map(|group| self.of_group.get(group));
        self.of.get(product).or_else(by_group).copied().or(self.of_all)
    }
}
