//! Functions that call one another in a circle. The language forbids them; the interpreter, which finds circles of rules
//! itself, would call until its stack ends.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The functions that each function's text names, by the last part of its name.
type Calls = BTreeMap<String, BTreeSet<String>>;

/// A function that comes to call itself, of modules whose syntax is `document`.
pub(super) fn circle(document: &Value) -> Option<String> {
    let empty = Vec::new();
    let mut calls = Calls::new();
    for module in document.as_array().unwrap_or(&empty) {
        let Some(module) = module.get("ast") else { continue };
        let imports = module.get("imports").and_then(Value::as_array).unwrap_or(&empty);
        let roots: BTreeSet<&str> = imports.iter().filter_map(alias).chain(["data"]).collect();
        for rule in module.get("rules").and_then(Value::as_array).unwrap_or(&empty) {
            let Some(name) = function(rule) else { continue };
            let mut named = BTreeSet::new();
            // The head names the function itself.
            for part in [
                rule.pointer("/Spec/bodies"),
                rule.pointer("/Spec/head/Func/assign"),
                rule.pointer("/Default/value"),
            ] {
                part.into_iter().for_each(|part| names(part, &roots, &mut named));
            }
            calls.entry(name.to_owned()).or_default().extend(named.into_iter().map(str::to_owned));
        }
    }
    let start = |name: &&String| reaches(&calls, name);
    calls.keys().find(start).cloned()
}

/// What an import is called: its other name, or the last part of its own.
fn alias(import: &Value) -> Option<&str> {
    let other = import.get("as").and_then(|span| span.get("text")).and_then(Value::as_str);
    other.or_else(|| last(import.get("refr")?))
}

/// The name of a function that a rule defines.
fn function(rule: &Value) -> Option<&str> {
    if let Some(head) = rule.pointer("/Spec/head/Func") {
        return last(head.get("refr")?);
    }
    let head = rule.get("Default")?;
    let has_arguments = head.get("args").and_then(Value::as_array).is_some_and(|args| !args.is_empty());
    if has_arguments { last(head.get("refr")?) } else { None }
}

/// The last part of a reference.
fn last(reference: &Value) -> Option<&str> {
    if let Some(name) = reference.pointer("/Var/value") {
        return name.as_str();
    }
    if let Some(field) = reference.pointer("/RefDot/field/1") {
        return field.as_str();
    }
    reference.pointer("/RefBrack/index/String/value").and_then(Value::as_str)
}

/// The names in an expression, save for texts and the fields of what is not a package.
fn names<'a>(value: &'a Value, roots: &BTreeSet<&str>, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, roots, found)),
        Value::Object(object) => {
            for (key, inner) in object {
                match key.as_str() {
                    "String" | "RawString" | "span" => {}
                    "Var" => found.extend(inner.get("value").and_then(Value::as_str)),
                    "RefDot" | "RefBrack" => {
                        if root(value).is_some_and(|name| roots.contains(name)) {
                            found.extend(last(value));
                        }
                        names(inner.get("refr").unwrap_or(&Value::Null), roots, found);
                        names(inner.get("index").unwrap_or(&Value::Null), roots, found);
                    }
                    _ => names(inner, roots, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The variable that a reference begins with.
fn root(reference: &Value) -> Option<&str> {
    let mut reference = reference;
    loop {
        if let Some(name) = reference.pointer("/Var/value") {
            return name.as_str();
        }
        let inner = reference.get("RefDot").or_else(|| reference.get("RefBrack"))?;
        reference = inner.get("refr")?;
    }
}

/// Tells whether a function comes to call itself.
fn reaches(calls: &Calls, name: &str) -> bool {
    let mut waiting: Vec<&str> = vec![name];
    let mut seen = BTreeSet::new();
    while let Some(next) = waiting.pop() {
        for called in calls.get(next).into_iter().flatten() {
            if called == name {
                return true;
            }
            if calls.contains_key(called) && seen.insert(called.as_str()) {
                waiting.push(called);
            }
        }
    }
    false
}
