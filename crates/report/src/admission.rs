//! The answer to a review of Kubernetes' admission control: `AdmissionReview` of `admission.k8s.io/v1`, written and read again by
//! who passes it on. Whatever was not decided is a denial.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::table::clean;

/// The server cuts warnings that are longer, and all beyond some thousand characters.
const WARNING: usize = 250;
const WARNINGS: usize = 12;
/// A longer message, or value of an annotation, is cut.
const WORDS: usize = 4096;

/// What was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// The request is admitted.
    Allowed,
    /// It is not.
    Denied,
    /// It is not, since it could not be decided.
    Undecided,
    /// It is not, since the review itself was not understood.
    Malformed,
}

impl Fate {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Undecided => "undecided",
            Self::Malformed => "malformed",
        }
    }

    /// The status of HTTP, and what Kubernetes calls it.
    const fn status(self) -> (u16, &'static str) {
        match self {
            Self::Allowed => (200, ""),
            Self::Denied => (403, "Forbidden"),
            Self::Undecided => (503, "ServiceUnavailable"),
            Self::Malformed => (400, "BadRequest"),
        }
    }

    fn of(allowed: bool, code: u16) -> Option<Self> {
        let all = [Self::Allowed, Self::Denied, Self::Undecided, Self::Malformed];
        all.into_iter().find(|fate| (*fate == Self::Allowed) == allowed && fate.status().0 == code)
    }
}

/// An answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The identifier of the review; empty if it had none.
    pub uid: String,
    /// What was decided.
    pub fate: Fate,
    /// Why, in words.
    pub message: String,
    /// What whoever asked should know, though it stands against nothing.
    pub warnings: Vec<String>,
    /// What the cluster's own audit log is to tell. The names have no domain.
    pub annotations: BTreeMap<String, String>,
    /// What is changed in the object: JSON pointers of what is replaced by what.
    pub changes: Vec<(String, String)>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: String,
    response: Response,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    uid: String,
    allowed: bool,
    status: Status,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patch_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Status {
    code: u16,
    message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
}

impl Answer {
    /// An answer without more to tell.
    #[must_use]
    pub fn new(uid: &str, fate: Fate, message: &str) -> Self {
        Self {
            uid: uid.to_owned(),
            fate,
            message: message.to_owned(),
            warnings: Vec::new(),
            annotations: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// The document, on one line. Text from outside cannot move a cursor, and has an end.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let (code, reason) = self.fate.status();
        let allowed = self.fate == Fate::Allowed;
        let changes: Vec<Value> = self.changes.iter().map(change).collect();
        let patch =
            (allowed && !changes.is_empty()).then(|| STANDARD.encode(Value::from(changes).to_string()));
        let mut annotations = self.annotations.clone();
        annotations.insert("decision".to_owned(), self.fate.as_str().to_owned());
        annotations.values_mut().for_each(|value| *value = cut(value, WORDS));
        let document = Document {
            api_version: "admission.k8s.io/v1".to_owned(),
            kind: "AdmissionReview".to_owned(),
            response: Response {
                uid: self.uid.clone(),
                allowed,
                status: Status { code, message: cut(&self.message, WORDS), reason: reason.to_owned() },
                warnings: self.warnings.iter().take(WARNINGS).map(|words| cut(words, WARNING)).collect(),
                audit_annotations: annotations,
                patch_type: patch.is_some().then(|| "JSONPatch".to_owned()),
                patch,
            },
        };
        let mut bytes = serde_json::to_vec(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`Self::write`] wrote; what is changed is not told. None if it is anything else, or says two things at once.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(bytes).ok()?;
        let Response { uid, allowed, status, warnings, audit_annotations, .. } = document.response;
        let fate = Fate::of(allowed, status.code)?;
        (document.kind == "AdmissionReview").then_some(Self {
            uid,
            fate,
            message: status.message,
            warnings,
            annotations: audit_annotations,
            changes: Vec::new(),
        })
    }
}

fn change((place, value): &(String, String)) -> Value {
    json!({ "op": "replace", "path": place, "value": value })
}

fn cut(text: &str, most: usize) -> String {
    shortened(&clean(text), most)
}

/// At most so many characters of a text, and a sign if there were more.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_they_were_written() {
        for fate in [Fate::Allowed, Fate::Denied, Fate::Undecided, Fate::Malformed] {
            let mut answer = Answer::new("7", fate, "a reason");
            answer.warnings.push("a warning".to_owned());
            answer.annotations.insert("decision".to_owned(), fate.as_str().to_owned());
            assert_eq!(Answer::read(&answer.write()), Some(answer));
        }
    }

    #[test]
    fn n57_an_answer_that_says_two_things_is_none() {
        let allowed = String::from_utf8(Answer::new("7", Fate::Allowed, "").write()).unwrap();
        for (from, to) in [
            ("200", "403"),
            ("true", "false"),
            ("true", "\"true\""),
            ("\"allowed\":true", "\"allowed\":false,\"allowed\":true"),
            ("AdmissionReview", "Pod"),
            ("\"uid\":\"7\",", ""),
            ("}}", "}"),
            ("}}", "}}{}"),
        ] {
            let changed = allowed.replacen(from, to, 1);
            assert_ne!(changed, allowed);
            assert_eq!(Answer::read(changed.as_bytes()), None, "{changed}");
        }
        assert_eq!(Answer::read(b""), None);
    }

    #[test]
    fn changes_go_with_what_is_allowed_only_and_words_have_an_end() {
        let mut answer = Answer::new("7", Fate::Allowed, &"\u{1b}[2J\u{202e}x".repeat(5000));
        answer.changes.push(("/spec/containers/0/image".to_owned(), "a@sha256:b".to_owned()));
        answer.warnings = vec!["w".repeat(1000); 100];
        let document: Value = serde_json::from_slice(&answer.write()).unwrap();
        let response = &document["response"];
        let patch = STANDARD.decode(response["patch"].as_str().unwrap()).unwrap();
        let patch: Value = serde_json::from_slice(&patch).unwrap();
        assert_eq!(
            patch,
            json!([{ "op": "replace", "path": "/spec/containers/0/image", "value": "a@sha256:b" }])
        );
        assert_eq!(response["patchType"], "JSONPatch");
        assert_eq!(response["warnings"].as_array().unwrap().len(), WARNINGS);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.chars().count() == WORDS + 1 && !message.contains(['\u{1b}', '\u{202e}']));
        answer.fate = Fate::Denied;
        let document: Value = serde_json::from_slice(&answer.write()).unwrap();
        assert!(document["response"].get("patch").is_none());
    }
}
