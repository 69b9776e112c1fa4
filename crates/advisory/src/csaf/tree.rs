//! The product tree of a CSAF document: what a product id stands for, in a plain look-up. A tree whose
//! relationships run in a circle is read all the same; who follows them takes a few steps only.

use std::collections::HashMap;

use serde::Deserialize;

use super::{GROUP_LIMIT, LIMIT, TooMany};
use crate::feed::loose::nullable;

/// How many relationships are followed from a product to its platform: a module, and a platform.
pub(crate) const CHAIN_LIMIT: usize = 4;

#[derive(Default, Deserialize)]
pub(crate) struct Tree {
    #[serde(default, deserialize_with = "nullable")]
    branches: Vec<Branch>,
    #[serde(default, deserialize_with = "nullable")]
    full_product_names: Vec<Product>,
    #[serde(default, deserialize_with = "nullable")]
    relationships: Vec<Relationship>,
    #[serde(default, deserialize_with = "nullable")]
    product_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default, deserialize_with = "nullable")]
    category: String,
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    branches: Vec<Self>,
    product: Option<Product>,
}

/// A product with its names.
#[derive(Deserialize)]
pub(crate) struct Product {
    pub(crate) product_id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "nullable", rename = "product_identification_helper")]
    pub(crate) helper: Helper,
}

/// Names of a product that others know, too.
#[derive(Default, Deserialize)]
pub(crate) struct Helper {
    pub(crate) purl: Option<String>,
    pub(crate) cpe: Option<String>,
}

#[derive(Deserialize)]
struct Relationship {
    full_product_name: Product,
    product_reference: String,
    relates_to_product_reference: String,
}

#[derive(Deserialize)]
struct Group {
    group_id: String,
    #[serde(default, deserialize_with = "nullable")]
    product_ids: Vec<String>,
}

/// What one product id means by itself.
#[derive(Clone, Copy)]
pub(crate) struct Leaf<'f> {
    pub(crate) product: &'f Product,
    /// The branch that it stands on: its category and its name; empty if it stands on none.
    pub(crate) branch: (&'f str, &'f str),
}

/// A product that is one in another: a package in a platform.
#[derive(Clone, Copy)]
pub(crate) struct Joined<'f> {
    pub(crate) product: &'f Product,
    /// The part.
    pub(crate) part: &'f str,
    /// What it is in.
    pub(crate) whole: &'f str,
}

/// The tree as a look-up.
pub(crate) struct Products<'f> {
    plain: HashMap<&'f str, Leaf<'f>>,
    joined: HashMap<&'f str, Joined<'f>>,
    groups: HashMap<&'f str, Vec<&'f str>>,
}

impl<'f> Products<'f> {
    pub(crate) fn new(tree: &'f Tree) -> Result<Self, TooMany> {
        let mut plain: HashMap<&str, Leaf<'_>> = HashMap::new();
        let mut add = |product: &'f Product, branch| {
            plain.insert(product.product_id.as_str(), Leaf { product, branch });
        };
        tree.full_product_names.iter().for_each(|product| add(product, ("", "")));
        let mut open: Vec<&Branch> = tree.branches.iter().collect();
        while let Some(branch) = open.pop() {
            if let Some(product) = &branch.product {
                add(product, (branch.category.as_str(), branch.name.as_str()));
            }
            open.extend(&branch.branches);
        }
        let joined = tree.relationships.iter().map(|Relationship { full_product_name: product, .. }| product);
        let joined = joined.zip(&tree.relationships).map(|(product, relationship)| {
            let (part, whole) = (&relationship.product_reference, &relationship.relates_to_product_reference);
            (product.product_id.as_str(), Joined { product, part, whole })
        });
        let found = plain.len().saturating_add(tree.relationships.len());
        if found > LIMIT {
            return Err(TooMany { what: "products", found, limit: LIMIT });
        }
        Ok(Self { joined: joined.collect(), groups: groups(&tree.product_groups)?, plain })
    }

    /// What `id` means by itself, if it is no product in another.
    pub(crate) fn plain(&self, id: &str) -> Option<Leaf<'f>> {
        self.plain.get(id).copied()
    }

    /// Of a product in another, both.
    pub(crate) fn joined(&self, id: &str) -> Option<Joined<'f>> {
        self.joined.get(id).copied()
    }

    /// What `id` lies in, from the nearest to the outermost; never more than a few.
    pub(crate) fn wholes(&self, id: &str) -> Vec<&'f str> {
        let mut wholes = Vec::new();
        let mut at = self.joined(id).map(|joined| joined.whole);
        while let Some(whole) = at.filter(|_| wholes.len() <= CHAIN_LIMIT) {
            wholes.push(whole);
            at = self.joined(whole).map(|joined| joined.whole);
        }
        wholes
    }

    /// The groups that a product is in.
    pub(crate) fn groups(&self, id: &str) -> &[&'f str] {
        self.groups.get(id).map_or(&[], Vec::as_slice)
    }
}

fn groups(listed: &[Group]) -> Result<HashMap<&str, Vec<&str>>, TooMany> {
    let mut groups: HashMap<&str, Vec<&str>> = HashMap::new();
    for group in listed {
        for product in &group.product_ids {
            let of = groups.entry(product).or_default();
            if of.len() >= GROUP_LIMIT {
                let found = of.len().saturating_add(1);
                return Err(TooMany { what: "groups of one product", found, limit: GROUP_LIMIT });
            }
            of.push(&group.group_id);
        }
    }
    Ok(groups)
}
