//! What is not looked at, since whoever set up the command said so. Labels that cannot be told are an error, never such that do not fit.

use anyhow::{Context as _, bail};
use plimsoll_checks::admission::Review;
use plimsoll_checks::admission::selector::{LIST, Labels, labels};
use plimsoll_formats::bounded;

use super::super::drift::told_by_kubectl;
use crate::args::admit::Scope;

/// Why the review is not looked at, if it is not. What is in no namespace always is.
pub(super) fn exemption(review: &Review, scope: &Scope) -> anyhow::Result<Option<String>> {
    let namespace = review.namespace.as_str();
    if namespace.is_empty() {
        return Ok(None);
    }
    if scope.exempt_namespace.iter().any(|exempt| exempt == namespace) {
        return Ok(Some(format!("the namespace {namespace} is exempt")));
    }
    if !scope.namespace.is_empty() && !scope.namespace.iter().any(|wanted| wanted == namespace) {
        return Ok(Some(format!("the namespace {namespace} is none of those that are looked at")));
    }
    let Some(selector) = &scope.namespace_selector else { return Ok(None) };
    let labels = told(namespace, scope)
        .with_context(|| format!("the labels of the namespace {namespace:?} are not known"))?;
    let fits = selector.fits(&labels);
    Ok((!fits).then(|| format!("the labels of the namespace {namespace} do not fit the selector")))
}

fn told(namespace: &str, scope: &Scope) -> anyhow::Result<Labels> {
    let bytes = match &scope.namespaces {
        Some(path) => {
            bounded::read_file(path, LIST).with_context(|| format!("reading {}", path.display()))?
        }
        None => of_cluster(namespace)?,
    };
    Ok(labels(&bytes, namespace)?)
}

/// The name goes on a command line.
fn of_cluster(namespace: &str) -> anyhow::Result<Vec<u8>> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if namespace.len() > 63 || namespace.starts_with('-') || !namespace.chars().all(fits) {
        bail!("this is no name of a namespace");
    }
    told_by_kubectl(&["get", "namespace", namespace, "--output=json", "--request-timeout=5s"], "--namespaces")
}
