//! OpenVEX, versions 0.0.1 and 0.2.0 (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>).

use plimsoll_model::vex::{Product, Statement, VexStatus};
use serde::Deserialize;

use super::{VexError, check_length, checked};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    author: Option<String>,
    statements: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    vulnerability: Named,
    #[serde(default)]
    products: Vec<Thing>,
    status: String,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    impact_statement: Option<String>,
}

/// Version 0.0.1 has a text alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Text(String),
    Full {
        #[serde(default)]
        name: String,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Thing {
    Text(String),
    Full {
        #[serde(default, rename = "@id")]
        id: String,
        #[serde(default)]
        identifiers: Identifiers,
        #[serde(default)]
        subcomponents: Vec<Self>,
    },
}

#[derive(Default, Deserialize)]
struct Identifiers {
    #[serde(default)]
    purl: Option<String>,
}

impl Thing {
    fn purl(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Full { id, identifiers, .. } => identifiers.purl.as_deref().unwrap_or(id),
        }
    }
}

pub(super) fn statements(value: serde_json::Value, name: &str) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_value(value)?;
    check_length("statements", document.statements.len())?;
    (1..)
        .zip(&document.statements)
        .map(|(number, entry)| statement(entry, number, name, &document.author))
        .collect()
}

fn statement(
    entry: &Entry,
    number: usize,
    document: &str,
    author: &Option<String>,
) -> Result<Statement, VexError> {
    let wrong = |problem: String| VexError::Statement { number, problem };
    let ids = match &entry.vulnerability {
        Named::Text(text) => vec![text.clone()],
        Named::Full { name, aliases } => [name].into_iter().chain(aliases).cloned().collect(),
    };
    if ids.iter().all(String::is_empty) {
        return Err(wrong("it names no vulnerability".to_owned()));
    }
    let status = match entry.status.as_str() {
        "not_affected" => VexStatus::NotAffected,
        "fixed" => VexStatus::Fixed,
        "affected" => VexStatus::Affected,
        "under_investigation" => VexStatus::UnderInvestigation,
        other => {
            let other: String = other.chars().take(80).collect();
            return Err(wrong(format!(
                "status {other:?} is not one of not_affected, affected, fixed, under_investigation"
            )));
        }
    };
    if entry.products.is_empty() {
        return Err(wrong("it names no product".to_owned()));
    }
    check_length("products in one statement", entry.products.len())?;
    let products = entry.products.iter().map(|product| self::product(product, number));
    Ok(Statement {
        ids,
        products: products.collect::<Result<_, _>>()?,
        status,
        justification: entry.justification.clone(),
        impact: entry.impact_statement.clone(),
        document: document.to_owned(),
        author: author.clone(),
    })
}

fn product(thing: &Thing, number: usize) -> Result<Product, VexError> {
    let subcomponents = match thing {
        Thing::Text(_) => [].as_slice(),
        Thing::Full { subcomponents, .. } => subcomponents,
    };
    check_length("subcomponents of one product", subcomponents.len())?;
    Ok(Product {
        purl: checked(thing.purl(), number)?,
        subcomponents: subcomponents
            .iter()
            .map(|part| checked(part.purl(), number))
            .collect::<Result<_, _>>()?,
    })
}
