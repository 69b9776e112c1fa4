//! Logs in: basic credentials (RFC 7617), tokens from a token service
//! (<https://distribution.github.io/distribution/spec/auth/token/>) and the exchange of an identity token (the OAuth 2
//! form of the same). What a login gave is kept in memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_http::{clipped, host};
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde::Deserialize;

use super::challenge::Challenge;
use super::credentials::{Credential, CredentialSources, Found};
use super::endpoint::Endpoint;
use super::error::{Login, RegistryError};

use super::transport::{Ask, Failure, Transport};
use plimsoll_http::Secret;

/// By the name under which a token service knows us.
const CLIENT: &str = "plimsoll";
/// How long a token lives that does not say so, and the least that one lives (by the specification).
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(10);
/// How long to wait while another logs in.
const TURN: Duration = Duration::from_secs(5);
/// The most grants kept; a fleet's server has no more repositories in use at once.
const MOST_GRANTS: usize = 4096;

/// Knows where logins come from and keeps what they gave.
pub(super) struct Authenticator {
    sources: Arc<CredentialSources>,
    grants: Mutex<HashMap<Scope, Grant>>,
    /// Who logs in now; whoever wants the same waits for that.
    logging_in: Mutex<HashMap<Scope, Arc<tokio::sync::Mutex<()>>>>,
}

/// What a grant is for: a server and a repository to pull from.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Scope {
    server: String,
    scope: String,
}

/// What a login gave: the header to send.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) header: HeaderValue,
    pub(super) login: Login,
    /// What went wrong while looking for credentials, which may explain a later refusal.
    pub(super) trouble: Option<String>,
    /// How the registry asked for it.
    asked: Vec<Challenge>,
    expires: Option<Instant>,
}

/// What a token service answers.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<Secret>,
    access_token: Option<Secret>,
    /// In seconds; what is no number counts as absent.
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl Authenticator {
    pub(super) fn new(sources: CredentialSources) -> Self {
        Self { sources: Arc::new(sources), grants: Mutex::default(), logging_in: Mutex::default() }
    }

    /// The grant of an earlier login that still holds.
    pub(super) fn known(&self, endpoint: &Endpoint) -> Option<Grant> {
        let grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.get(&Scope::of(endpoint)).filter(|grant| grant.holds_at(Instant::now())).cloned()
    }

    /// The grant that answers `challenges` instead of the header that was refused. Many who want the same log in once.
    pub(super) async fn renewed(
        &self,
        transport: &Transport,
        endpoint: &Endpoint,
        (challenges, refused): (&[Challenge], Option<&HeaderValue>),
        what: &str,
    ) -> Result<Grant, Failure> {
        let turn = self.turn(endpoint);
        // Without the turn it is only done more often: nobody waits long for a service that does not answer another.
        let _held = tokio::time::timeout(TURN, turn.lock()).await;
        let other = self.known(endpoint);
        let other = other.filter(|grant| Some(&grant.header) != refused && grant.asked == challenges);
        match other {
            Some(grant) => Ok(grant),
            None => {
                self.forget(endpoint);
                self.log_in(transport, endpoint, challenges, what).await
            }
        }
    }

    fn turn(&self, endpoint: &Endpoint) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.logging_in.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= MOST_GRANTS {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(turns.entry(Scope::of(endpoint)).or_default())
    }

    /// Forgets a grant that the registry no longer takes.
    pub(super) fn forget(&self, endpoint: &Endpoint) {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner).remove(&Scope::of(endpoint));
    }

    /// Answers the first of `challenges` that can be answered, and keeps what that gave.
    async fn log_in(
        &self,
        transport: &Transport,
        endpoint: &Endpoint,
        challenges: &[Challenge],
        what: &str,
    ) -> Result<Grant, Failure> {
        let Found { credential, trouble } = self.find(endpoint).await?;
        let note = Some(trouble.join("; ")).filter(|note| !note.is_empty());
        let refused = |login: Login, note| RegistryError::AuthRefused {
            host: endpoint.host(),
            what: what.to_owned(),
            login,
            note,
        };
        let mut grant = match (challenges.first(), &credential) {
            (Some(Challenge::Basic), Some(Credential::Password { username, password })) => Grant {
                header: basic(username, password, endpoint)?,
                login: login(&credential),
                trouble: None,
                asked: Vec::new(),
                expires: None,
            },
            (Some(Challenge::Bearer { realm, service, scope }), _) => {
                let realm = self::realm(transport, endpoint, realm)?;
                let default = Scope::of(endpoint).scope;
                let query =
                    Query { realm, service: service.as_deref(), scope: scope.as_deref().unwrap_or(&default) };
                query
                    .token(transport, credential.as_ref())
                    .await
                    .map_err(|failure| noted(failure, note.clone()))?
            }
            (Some(Challenge::Basic), _) => return Err(refused(login(&credential), note).into()),
            (None, _) => {
                let note = note.or_else(|| Some("it wants a kind of login that is not supported".to_owned()));
                return Err(refused(login(&credential), note).into());
            }
        };
        grant.trouble = note;
        grant.asked = challenges.to_vec();
        self.keep(Scope::of(endpoint), grant.clone());
        Ok(grant)
    }

    async fn find(&self, endpoint: &Endpoint) -> Result<Found, RegistryError> {
        let sources = Arc::clone(&self.sources);
        let (registry, repository) = (endpoint.registry.clone(), endpoint.repository.clone());
        tokio::task::spawn_blocking(move || sources.find(&registry, &repository))
            .await
            .map_err(|_| RegistryError::Stopped)
    }

    fn keep(&self, scope: Scope, grant: Grant) {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.len() >= MOST_GRANTS {
            let now = Instant::now();
            grants.retain(|_, grant| grant.holds_at(now));
        }
        if grants.len() < MOST_GRANTS {
            grants.insert(scope, grant);
        }
    }
}

impl Scope {
    fn of(endpoint: &Endpoint) -> Self {
        Self { server: endpoint.root.to_string(), scope: format!("repository:{}:pull", endpoint.repository) }
    }
}

impl Grant {
    fn holds_at(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// What to ask a token service.
struct Query<'a> {
    realm: Url,
    service: Option<&'a str>,
    scope: &'a str,
}

impl Query<'_> {
    async fn token(&self, transport: &Transport, credential: Option<&Credential>) -> Result<Grant, Failure> {
        let what = "a token";
        let asked = Instant::now();
        let login = login(&credential.cloned());
        let answer = match credential {
            Some(Credential::IdentityToken(token)) => {
                let mut form = vec![
                    ("grant_type", "refresh_token"),
                    ("client_id", CLIENT),
                    ("scope", self.scope),
                    ("refresh_token", token.reveal()),
                ];
                form.extend(self.service.map(|service| ("service", service)));
                transport.post(&self.realm, what, &form).await?
            }
            Some(Credential::Password { username, password }) => {
                let header = basic_header(username, password).ok_or_else(|| self.malformed("of our name"))?;
                transport.get(&self.ask(what, Some(username)), Some(&header)).await?
            }
            None => transport.get(&self.ask(what, None), None).await?,
        };
        let is_refusal = answer.status().as_u16() == 400;
        let answer =
            answer.accepted(transport, login.clone()).await.map_err(|failure| match failure.error {
                // By RFC 6749, section 5.2, a refresh token that is refused gets this status.
                RegistryError::Status { host, what, message, .. } if is_refusal => {
                    RegistryError::AuthRefused { host, what, login: login.clone(), note: message }.into()
                }
                error => Failure { error, ..failure },
            })?;
        let body = answer.body(transport.limits.token, transport.timeouts.document).await?;
        let answer: TokenAnswer =
            serde_json::from_slice(&body).map_err(|_| self.malformed("it is not JSON"))?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| self.malformed("it holds no token"))?;
        let header = sensitive(format!("Bearer {}", token.reveal()));
        let header = header.ok_or_else(|| self.malformed("the token holds control characters"))?;
        let life = answer.expires_in.as_u64().map(Duration::from_secs).unwrap_or_default().max(SHORTEST_LIFE);
        let expires = asked.checked_add(life.saturating_sub(MARGIN));
        Ok(Grant { header, login, trouble: None, asked: Vec::new(), expires })
    }

    fn ask(&self, what: &str, account: Option<&str>) -> Ask {
        let mut url = self.realm.clone();
        {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(self.service.map(|service| ("service", service)));
            pairs.extend_pairs(self.scope.split_ascii_whitespace().map(|scope| ("scope", scope)));
            pairs.extend_pairs(account.map(|account| ("account", account)));
        }
        Ask { url, what: what.to_owned(), accept: None, from: 0, upload: None }
    }

    fn malformed(&self, why: &str) -> RegistryError {
        RegistryError::Malformed { host: host(&self.realm), what: "a token".to_owned(), why: why.to_owned() }
    }
}

/// Reads the address of the token service: credentials go there, so it must be as well protected as the registry.
fn realm(transport: &Transport, endpoint: &Endpoint, text: &str) -> Result<Url, RegistryError> {
    let malformed = |why: &str| RegistryError::Malformed {
        host: endpoint.host(),
        what: "a login".to_owned(),
        why: format!("its token service {:?} {why}", clipped(text)),
    };
    let url = Url::parse(text).map_err(|_| malformed("is no address"))?;
    let plain_is_fine = endpoint.root.scheme() == "http" || transport.may_be_plain(&url);
    match url.scheme() {
        "https" => {}
        "http" if plain_is_fine => {}
        "http" => return Err(malformed("is not reached by https")),
        _ => return Err(malformed("is no http address")),
    }
    if url.host_str().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("is no plain address"));
    }
    Ok(url)
}

fn login(credential: &Option<Credential>) -> Login {
    match credential {
        None => Login::Anonymous,
        Some(Credential::Password { username, .. }) => Login::User(clipped(username)),
        Some(Credential::IdentityToken(_)) => Login::IdentityToken,
    }
}

fn basic(username: &str, password: &Secret, endpoint: &Endpoint) -> Result<HeaderValue, RegistryError> {
    basic_header(username, password).ok_or_else(|| RegistryError::Settings {
        what: format!("login for {}", endpoint.registry),
        why: "a user's name cannot hold a colon".to_owned(),
    })
}

fn basic_header(username: &str, password: &Secret) -> Option<HeaderValue> {
    if username.contains(':') {
        return None;
    }
    sensitive(format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.reveal()))))
}

/// A header that prints as `Sensitive`.
fn sensitive(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Adds the trouble met while looking for credentials to a refusal, which it may explain.
pub(super) fn noted(failure: Failure, trouble: Option<String>) -> Failure {
    let error = match failure.error {
        RegistryError::AuthRefused { host, what, login, note } => {
            let note = match (note, trouble) {
                (Some(note), Some(trouble)) => Some(format!("{note}; {trouble}")),
                (note, trouble) => note.or(trouble),
            };
            RegistryError::AuthRefused { host, what, login, note }
        }
        error => error,
    };
    Failure { error, ..failure }
}
