//! Signatures that lie aside of their registry, in a folder or on a web server, as podman keeps them
//! (<https://github.com/containers/image/blob/main/docs/signature-protocols.md>).

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_formats::bounded;
use plimsoll_http::{Clients, ProxySettings, chain};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::Digest;
use plimsoll_model::reference::Reference;
use plimsoll_model::signature::{
    Check, CheckResult, Checked, Demand, Fate, Looked, Outcome, Role, Signature, Signer, Subject, Unread,
    Verification,
};
use plimsoll_trust::lookaside::{Payload, SIGNATURE_LIMIT, SIGNATURES, path};
use reqwest::Url;
use tokio::runtime::Builder;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
const FORMAT: &str = "GPG signature (simple signing)";

/// Where signatures lie.
#[derive(Clone, Debug)]
pub enum Lookaside {
    /// Below a folder.
    Folder(PathBuf),
    /// Below an address.
    Web(Url, ProxySettings),
}

/// What a signature says, and who made it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opened {
    /// What was signed.
    pub text: Vec<u8>,
    /// Whom the key is of.
    pub by: String,
}

/// Opens a signature by the keys that are trusted, or tells why they have not made it.
pub type Opens<'a> = &'a dyn Fn(&[u8]) -> Result<Opened, String>;

/// Why there is no such place.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither a folder nor an http or https address")]
pub struct NoPlace(String);

impl Lookaside {
    /// A folder, or an address.
    ///
    /// # Errors
    /// If it is neither.
    pub fn new(text: &str, proxy: ProxySettings) -> Result<Self, NoPlace> {
        let none = || NoPlace(text.chars().take(200).collect());
        if text.starts_with("http://") || text.starts_with("https://") {
            let url: Url = text.parse().map_err(|_| none())?;
            let is_plain = url.query().is_none() && url.fragment().is_none() && url.password().is_none();
            return if is_plain && url.host_str().is_some() {
                Ok(Self::Web(url, proxy))
            } else {
                Err(none())
            };
        }
        let path = Path::new(text.strip_prefix("file://").unwrap_or(text));
        if path.is_dir() { Ok(Self::Folder(path.to_owned())) } else { Err(none()) }
    }

    fn title(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Web(url, _) => url.to_string(),
        }
    }

    /// The signatures at these paths, up to the first that is not there; or what went wrong, and where.
    fn signatures(&self, path: impl Fn(usize) -> String) -> (Vec<(String, Vec<u8>)>, Option<Unread>) {
        let mut found = Vec::new();
        let reader = match self.reader() {
            Ok(reader) => reader,
            Err(reason) => return (found, Some(Unread { place: self.title(), reason })),
        };
        for number in 1..=SIGNATURES {
            let path = path(number);
            let place = format!("{}/{path}", self.title().trim_end_matches('/'));
            match reader(&path) {
                Ok(Some(bytes)) => found.push((place, bytes)),
                Ok(None) => return (found, None),
                Err(reason) => return (found, Some(Unread { place, reason })),
            }
        }
        let reason = format!("there are more than {SIGNATURES}; the rest was not looked at");
        (found, Some(Unread { place: self.title(), reason }))
    }

    fn reader(&self) -> Result<Box<Read<'_>>, String> {
        match self {
            Self::Folder(folder) => {
                Ok(Box::new(|path| match bounded::read_file(&folder.join(path), SIGNATURE_LIMIT) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error.to_string()),
                }))
            }
            Self::Web(root, proxy) => {
                let runtime = Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                let clients = Clients::new(proxy.clone(), Vec::new(), HashMap::new(), CONNECT);
                Ok(Box::new(move |path| {
                    let mut url = root.clone();
                    url.set_path(&format!("{}/{path}", root.path().trim_end_matches('/')));
                    let client = clients.of(&url).map_err(|error| error.to_string())?;
                    runtime.block_on(async {
                        let got = tokio::time::timeout(ANSWER, get(client.get(url))).await;
                        got.unwrap_or_else(|_| Err(format!("nothing came within {} s", ANSWER.as_secs())))
                    })
                }))
            }
        }
    }
}

type Read<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>, String> + 'a;

async fn get(request: reqwest::RequestBuilder) -> Result<Option<Vec<u8>>, String> {
    let told = |error: reqwest::Error| chain(&error.without_url());
    let mut response = request.send().await.map_err(told)?;
    match response.status().as_u16() {
        200 => {}
        404 | 410 => return Ok(None),
        status => return Err(format!("the server answers with status {status}")),
    }
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(told)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > SIGNATURE_LIMIT {
            return Err(format!("it is larger than {SIGNATURE_LIMIT} bytes"));
        }
    }
    Ok(Some(bytes))
}

/// Verifies what was resolved by the signatures that lie aside; `name` is what the image must have been signed as.
#[must_use]
pub fn verify(
    resolved: &Resolved,
    lookaside: &Lookaside,
    name: &Reference,
    (keys, opens): (&[String], Opens<'_>),
    now: Timestamp,
) -> Verification {
    let (found, unread) = lookaside.signatures(|number| path(name.repository(), resolved.digest, number));
    let signatures: Vec<Signature> =
        found.iter().map(|(place, bytes)| one(place, bytes, resolved, name, opens)).collect();
    let accepted = signatures.iter().filter(|one| one.fate == Fate::Accepted).count();
    let (outcome, reason) = match (accepted, &unread, signatures.len()) {
        (1.., _, _) => (Outcome::Verified, format!("{accepted} signature of a trusted key holds")),
        (0, Some(_), _) => (Outcome::Undecided, "not everything could be read".to_owned()),
        (0, None, 0) => (Outcome::Refused, "no signature lies there".to_owned()),
        (0, None, _) => (Outcome::Refused, "no signature counts".to_owned()),
    };
    let looked = Looked { place: lookaside.title(), found: signatures.len(), left: 0 };
    Verification {
        fetched: None,
        name: resolved.name.clone(),
        digest: resolved.digest,
        demand: Demand {
            signers: keys.iter().map(|file| format!("the keys of {file}")).collect(),
            threshold: 1,
            wanted: vec![format!("signed as {name}")],
            ..Demand::default()
        },
        time: now,
        subjects: vec![Subject {
            digest: resolved.digest,
            role: Role::Itself,
            platform: None,
            looked: vec![looked],
            signatures,
        }],
        unread: unread.into_iter().collect(),
        outcome,
        reason,
    }
}

fn one(place: &str, bytes: &[u8], resolved: &Resolved, name: &Reference, opens: Opens<'_>) -> Signature {
    let mut signature = Signature {
        place: place.to_owned(),
        format: FORMAT,
        digest: Some(Digest::of(bytes)),
        predicate_type: None,
        annotations: BTreeMap::new(),
        signer: None,
        known_as: Vec::new(),
        payload: None,
        times: Vec::new(),
        checks: Vec::new(),
        fate: Fate::Accepted,
    };
    if let Err((check, words)) = judge(&mut signature, bytes, resolved, name, opens) {
        signature.checks.push(Checked { check, result: CheckResult::Failed, words: words.clone() });
        signature.fate = Fate::Refused(words);
    }
    signature
}

fn judge(
    signature: &mut Signature,
    bytes: &[u8],
    resolved: &Resolved,
    name: &Reference,
    opens: Opens<'_>,
) -> Result<(), (Check, String)> {
    let Opened { text, by } = opens(bytes).map_err(|reason| (Check::Signature, reason))?;
    let mut passed = |check, words: String| {
        signature.checks.push(Checked { check, result: CheckResult::Passed, words });
    };
    passed(Check::Signature, format!("gpgv accepts it, by {by}"));
    let payload = Payload::read(&text).map_err(|error| (Check::Form, format!("what it signs: {error}")))?;
    passed(Check::Form, "a payload of simple signing".to_owned());
    if payload.digest != resolved.digest {
        return Err((Check::Subject, format!("it signs {}, not {}", payload.digest, resolved.digest)));
    }
    if !payload.is_of(name) {
        return Err((Check::Subject, format!("it was signed as {}, not as {name}", payload.name)));
    }
    passed(Check::Subject, format!("it signs {} as {}", payload.digest, payload.name));
    // The key has no other name than those that its holder gave it.
    signature.signer =
        Some(Signer::Certificate { kind: "openpgp", identity: by, issuer: "the given keyring".to_owned() });
    Ok(())
}
