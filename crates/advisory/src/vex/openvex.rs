//! OpenVEX, versions 0.0.1 and 0.2.0 (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>).

use plimsoll_model::vex::{Product, Provenance, Statement, VexStatus};
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

/// The statements; those that name no product are about those of `around`, the document that holds this one.
pub(super) fn statements(
    value: serde_json::Value,
    name: &str,
    around: &[Product],
) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_value(value)?;
    check_length("statements", document.statements.len())?;
    let without = document.statements.iter().filter(|entry| entry.products.is_empty()).count();
    check_length("products", without.saturating_mul(around.len()))?;
    let statements = document.statements.iter();
    (1..)
        .zip(statements)
        .map(|(number, entry)| {
            let mut statement = statement(entry, number)?;
            if statement.products.is_empty() {
                if around.is_empty() {
                    let problem = "it names no product".to_owned();
                    return Err(VexError::Statement { number, problem });
                }
                statement.products = around.to_vec();
            }
            Ok(Statement { document: name.to_owned(), author: document.author.clone(), ..statement })
        })
        .collect()
}

fn statement(entry: &Entry, number: usize) -> Result<Statement, VexError> {
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
    check_length("products in one statement", entry.products.len())?;
    let products = entry.products.iter().map(|product| self::product(product, number));
    Ok(Statement {
        ids,
        products: products.collect::<Result<_, _>>()?,
        status,
        justification: entry.justification.clone(),
        impact: entry.impact_statement.clone(),
        document: String::new(),
        provenance: Provenance::Given,
        author: None,
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
        release: None,
    })
}
