//! Trust policies (`trustpolicy.json`,
//! <https://github.com/notaryproject/specifications/blob/main/specs/trust-store-trust-policy.md>): for which repositories which
//! stores and names are trusted, and what follows if a check fails.
//!
//! A key that is not known is refused rather than ignored: misspelled, it would have said something.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use plimsoll_formats::strict::{self, StrictError};
use serde::Deserialize;

use super::identity::{Subject, SubjectError};
use super::store::{StoreKind, StoreName};

/// A larger file is no trust policy.
pub const POLICY_LIMIT: usize = 1 << 20;

/// All policies of a file.
#[derive(Clone, Debug)]
pub struct Policies(Vec<Scoped>);

/// A policy with the repositories that it is for.
#[derive(Clone, Debug)]
struct Scoped {
    name: String,
    scopes: Vec<String>,
    /// None if nothing is verified.
    policy: Option<Policy>,
}

/// What is checked of signatures, and what follows.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What people call it.
    pub name: String,
    /// The level, with overrides.
    pub level: String,
    pub(crate) authenticity: Action,
    pub(crate) timestamp: Action,
    pub(crate) expiry: Action,
    pub(crate) revocation: Action,
    /// Whether timestamps count for nothing until a certificate has expired.
    pub(crate) only_after_expiry: bool,
    /// The stores that are trusted.
    pub stores: Vec<StoreName>,
    /// The signers that are trusted; none for all whom an authority in the stores vouches for.
    pub(crate) identities: Option<Vec<Subject>>,
}

/// What follows from a check that fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// The signature is refused.
    Enforce,
    /// It is told.
    Log,
    /// The check is not made.
    Skip,
}

/// Why a file is no trust policy, or has none for an image.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No unambiguous JSON of the form of a trust policy.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Another version.
    #[error("its version is {0:?}, not 1.0")]
    Version(String),
    /// What the specification does not allow.
    #[error("the policy {name:?}: {why}")]
    Refused {
        /// The policy.
        name: String,
        /// Why.
        why: String,
    },
    /// A name of signers that is none.
    #[error("the policy {name:?}: {source}")]
    Subject {
        /// The policy.
        name: String,
        /// Why.
        source: SubjectError,
    },
    /// The policy for the image says that nothing is verified, so there is nothing to tell.
    #[error("the policy {0:?} skips verification, so nothing can be said of this image")]
    Skipped(String),
    /// There is no policy for the image.
    #[error("it has no policy for {0}")]
    None(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    version: String,
    trust_policies: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Statement {
    name: String,
    registry_scopes: Vec<String>,
    signature_verification: Verification,
    #[serde(default)]
    trust_stores: Vec<String>,
    #[serde(default)]
    trusted_identities: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Verification {
    level: String,
    #[serde(rename = "override", default)]
    changes: BTreeMap<String, String>,
    #[serde(default)]
    verify_timestamp: Option<String>,
}

impl Policies {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PolicyError> {
        let file: File = strict::read(bytes, POLICY_LIMIT)?;
        if file.version != "1.0" {
            return Err(PolicyError::Version(file.version.chars().take(40).collect()));
        }
        let (mut names, mut scopes) = (BTreeSet::new(), BTreeSet::new());
        let mut policies = Vec::new();
        for statement in file.trust_policies {
            let wrong = |why: &str| Err(refused(&statement.name, why));
            if statement.name.is_empty() || !names.insert(statement.name.clone()) {
                return wrong("its name is empty, or that of another one");
            }
            check_scopes(&statement)?;
            if !statement.registry_scopes.iter().all(|scope| scopes.insert(scope.clone())) {
                return wrong("a scope is that of another policy, or there twice");
            }
            let policy = policy(&statement)?;
            policies.push(Scoped { name: statement.name, scopes: statement.registry_scopes, policy });
        }
        Ok(Self(policies))
    }

    /// The policy for a repository, by its full name, else the one for all. Images without a repository have only that one.
    ///
    /// # Errors
    /// If there is none, or it says that nothing is verified.
    pub fn select(&self, repository: Option<&str>) -> Result<&Policy, PolicyError> {
        let of = |scope: &str| self.0.iter().find(|own| own.scopes.iter().any(|own| own == scope));
        match repository.and_then(of).or_else(|| of("*")) {
            Some(Scoped { policy: Some(policy), .. }) => Ok(policy),
            Some(Scoped { name, .. }) => Err(PolicyError::Skipped(name.clone())),
            None => Err(PolicyError::None(repository.unwrap_or("images without a repository").to_owned())),
        }
    }
}

impl Policy {
    /// The same for those alone whose certificates have one of these names, with further stores.
    ///
    /// # Errors
    /// If a name is malformed.
    pub(crate) fn of_subjects(
        self,
        subjects: &[String],
        stores: Vec<StoreName>,
    ) -> Result<Self, SubjectError> {
        let named = subjects.iter().map(|subject| Subject::parse(subject)).collect::<Result<Vec<_>, _>>()?;
        let identities = if named.is_empty() { self.identities } else { Some(named) };
        Ok(Self { identities, stores: self.stores.into_iter().chain(stores).collect(), ..self })
    }

    /// The strict policy for whoever has a certificate by an authority in `store`.
    #[must_use]
    pub fn strict(store: StoreName) -> Self {
        let enforced = Action::Enforce;
        Self {
            name: "strict".to_owned(),
            level: "strict".to_owned(),
            authenticity: enforced,
            timestamp: enforced,
            expiry: enforced,
            revocation: enforced,
            only_after_expiry: false,
            stores: vec![store],
            identities: None,
        }
    }
}

fn refused(name: &str, why: &str) -> PolicyError {
    let short = |text: &str| text.chars().take(200).collect();
    PolicyError::Refused { name: short(name), why: short(why) }
}

/// Scopes are full names of repositories, or one asterisk.
fn check_scopes(statement: &Statement) -> Result<(), PolicyError> {
    let wrong = |why: &str| Err(refused(&statement.name, why));
    match statement.registry_scopes.as_slice() {
        [] => wrong("it has no scope"),
        [all] if all == "*" => Ok(()),
        scopes => {
            for scope in scopes {
                let of_names = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
                let (host, path) = scope.split_once('/').unwrap_or_default();
                let host_fits = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
                if host.is_empty() || path.is_empty() || !host_fits || !path.chars().all(of_names) {
                    return wrong(&format!(
                        "the scope {scope:?} is neither HOST/REPOSITORY nor one asterisk"
                    ));
                }
            }
            Ok(())
        }
    }
}

/// None if nothing is verified.
fn policy(statement: &Statement) -> Result<Option<Policy>, PolicyError> {
    let wrong = |why: &str| Err(refused(&statement.name, why));
    let Verification { level, changes, verify_timestamp } = &statement.signature_verification;
    let only_after_expiry = match verify_timestamp.as_deref() {
        None | Some("" | "always") => false,
        Some("afterCertExpiry") => true,
        Some(_) => return wrong("verifyTimestamp is neither always nor afterCertExpiry"),
    };
    use Action::{Enforce, Log};
    let (authenticity, rest) = match level.as_str() {
        "strict" => (Enforce, Enforce),
        "permissive" => (Enforce, Log),
        "audit" => (Log, Log),
        "skip" => {
            let all = statement.registry_scopes.iter().any(|scope| scope == "*");
            let more = [
                !changes.is_empty(),
                !statement.trust_stores.is_empty(),
                !statement.trusted_identities.is_empty(),
            ];
            if all || more.contains(&true) {
                return wrong("with the level skip it cannot be for all repositories, nor say anything else");
            }
            return Ok(None);
        }
        _ => return wrong("its level is none of strict, permissive, audit and skip"),
    };
    let stores = stores(statement)?;
    let mut policy = Policy {
        name: statement.name.clone(),
        level: level.clone(),
        authenticity,
        timestamp: rest,
        expiry: rest,
        revocation: rest,
        only_after_expiry,
        stores,
        identities: identities(statement)?,
    };
    for (check, action) in changes {
        change(&mut policy, check, action).map_err(|why| refused(&statement.name, why))?;
        policy.level = format!("{}, {check}: {action}", policy.level);
    }
    Ok(Some(policy))
}

fn change(policy: &mut Policy, check: &str, action: &str) -> Result<(), &'static str> {
    let action = match action {
        "enforce" => Action::Enforce,
        "log" => Action::Log,
        "skip" if check == "revocation" => Action::Skip,
        _ => return Err("an override is neither enforce nor log, or skips something else than revocation"),
    };
    let own = match check {
        "authenticity" => &mut policy.authenticity,
        "authenticTimestamp" => &mut policy.timestamp,
        "expiry" => &mut policy.expiry,
        "revocation" => &mut policy.revocation,
        _ => return Err("an override is of no check that can be overridden"),
    };
    *own = action;
    Ok(())
}

fn stores(statement: &Statement) -> Result<Vec<StoreName>, PolicyError> {
    let wrong = |why: &str| refused(&statement.name, why);
    let parsed = statement.trust_stores.iter().map(|text| {
        StoreName::parse(text)
            .ok_or_else(|| wrong(&format!("{text:?} is no trust store: expected KIND:NAME")))
    });
    let parsed: Vec<StoreName> = parsed.collect::<Result<_, _>>()?;
    if !parsed.iter().any(|store| store.kind != StoreKind::Tsa) {
        return Err(wrong("it trusts no store of authorities"));
    }
    Ok(parsed)
}

fn identities(statement: &Statement) -> Result<Option<Vec<Subject>>, PolicyError> {
    let name = &statement.name;
    match statement.trusted_identities.as_slice() {
        [] => return Err(refused(name, "it trusts no identity")),
        [all] if all == "*" => return Ok(None),
        _ => {}
    }
    let mut subjects: Vec<Subject> = Vec::new();
    for text in &statement.trusted_identities {
        let Some(subject) = text.strip_prefix("x509.subject:") else {
            return Err(refused(name, &format!("the identity {text:?} does not begin with x509.subject:")));
        };
        let subject =
            Subject::parse(subject).map_err(|source| PolicyError::Subject { name: name.clone(), source })?;
        if subjects.iter().any(|other| other.is_part_of(&subject) || subject.is_part_of(other)) {
            return Err(refused(name, "one of its identities is part of another one"));
        }
        subjects.push(subject);
    }
    Ok(Some(subjects))
}
