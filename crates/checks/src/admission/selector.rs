//! Selectors of labels, as kubectl takes them: `tier=prod,team!=lab,zone in (a,b),!legacy`; and the labels of namespaces, as
//! `kubectl get namespaces -o json` tells them.
//!
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>

use std::collections::BTreeMap;
use std::str::FromStr;

use plimsoll_formats::strict::{self, StrictError};
use serde_json::Value;

/// A longer list of namespaces is refused.
pub const LIST: u64 = 64 << 20;

/// The labels of something.
pub type Labels = BTreeMap<String, String>;

/// A selector: all of it must hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Requirement {
    /// The label has one of these values.
    In(String, Vec<String>),
    /// The label is not there, or has another value.
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// Why a text is no selector.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is no requirement of a label selector: KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY, !KEY"
)]
pub struct SelectorError(String);

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parts(text).into_iter().map(requirement).collect::<Result<_, _>>().map(Self)
    }
}

/// What is between commas that are in no parentheses.
fn parts(text: &str) -> Vec<&str> {
    let mut is_inside = false;
    let outside = |c: char| {
        match c {
            '(' => is_inside = true,
            ')' => is_inside = false,
            _ => {}
        }
        c == ',' && !is_inside
    };
    text.split(outside).map(str::trim).collect()
}

fn requirement(text: &str) -> Result<Requirement, SelectorError> {
    let wrong = || SelectorError(text.to_owned());
    let key = |key: &str| self::key(key.trim()).ok_or_else(wrong);
    let value = |value: &str| self::value(value.trim()).ok_or_else(wrong);
    if let Some(absent) = text.strip_prefix('!') {
        return Ok(Requirement::Absent(key(absent)?));
    }
    if let Some((left, right)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(key(left)?, vec![value(right)?]));
    }
    if let Some((left, right)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(key(left)?, vec![value(right)?]));
    }
    let Some(list) = text.strip_suffix(')') else { return Ok(Requirement::Exists(key(text)?)) };
    let (left, list) = list.split_once('(').ok_or_else(wrong)?;
    let values = list.split(',').map(value).collect::<Result<_, _>>()?;
    match left.trim().rsplit_once(char::is_whitespace) {
        Some((left, "in")) => Ok(Requirement::In(key(left)?, values)),
        Some((left, "notin")) => Ok(Requirement::NotIn(key(left)?, values)),
        _ => Err(wrong()),
    }
}

/// A label's key: a name, perhaps with a domain before it.
fn key(text: &str) -> Option<String> {
    let (domain, name) = text.split_once('/').unwrap_or(("x", text));
    (!name.is_empty() && value(domain).is_some() && value(name).is_some()).then(|| text.to_owned())
}

/// A label's value, which may be empty.
fn value(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (text.len() <= 253 && text.chars().all(allowed)).then(|| text.to_owned())
}

impl Selector {
    /// Whether all of it holds for these labels.
    #[must_use]
    pub fn fits(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Absent(key) => !labels.contains_key(key),
        })
    }
}

/// Why the labels of a namespace are not known.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// It is no JSON, or can be read in two ways.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// It is something else.
    #[error("this is not what `kubectl get namespaces -o json` prints")]
    Other,
    /// There is none of that name, or more than one.
    #[error("it tells {1} namespaces {0:?}")]
    Count(String, usize),
}

/// Reads the labels of one namespace, from a list of namespaces or from that one.
///
/// # Errors
/// See [`LabelsError`].
pub fn labels(bytes: &[u8], namespace: &str) -> Result<Labels, LabelsError> {
    let document: Value = strict::read(bytes, usize::try_from(LIST).unwrap_or(usize::MAX))?;
    let kind = |value: &Value| value.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = match (kind(&document).as_str(), document.get("items")) {
        ("List" | "NamespaceList", Some(Value::Array(items))) => items.as_slice(),
        ("Namespace", None) => std::slice::from_ref(&document),
        _ => return Err(LabelsError::Other),
    };
    let is_it = |item: &&Value| {
        matches!(kind(item).as_str(), "Namespace" | "")
            && item.pointer("/metadata/name").and_then(Value::as_str) == Some(namespace)
    };
    let found: Vec<&Value> = all.iter().filter(is_it).collect();
    let [only] = found.as_slice() else {
        return Err(LabelsError::Count(namespace.chars().take(80).collect(), found.len()));
    };
    match only.pointer("/metadata/labels") {
        None | Some(Value::Null) => Ok(Labels::new()),
        Some(labels) => serde_json::from_value(labels.clone()).map_err(|_| LabelsError::Other),
    }
}
