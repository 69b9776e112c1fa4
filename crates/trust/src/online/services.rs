//! Which services confirm a signature: as a signing configuration of Sigstore says
//! (<https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_trustroot.proto>), or by their addresses.
//!
//! Of each operator the newest service with the highest version that is known here counts. The rules of the configuration are kept
//! to: `ANY` asks one, and the next if it does not answer, which is told; `EXACT` and `ALL` want as many answers as they say.

use std::collections::BTreeSet;

use jiff::Timestamp;
use plimsoll_formats::strict::{self, StrictError};
use sigstore_trust_root::{
    SIGSTORE_PRODUCTION_SIGNING_CONFIG, ServiceEndpoint, ServiceSelector, SigningConfig,
};

use super::error::ServiceError;
use super::rekor::Version;
use crate::root::ours;

/// A larger file is no signing configuration.
pub const CONFIG_LIMIT: usize = 1 << 20;
/// More services of a kind are not asked.
const SERVICE_LIMIT: usize = 16;
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";

/// The services that a signature is confirmed by.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Services {
    /// Authorities of certificates, of which one is asked.
    pub fulcio: Vec<String>,
    /// Where people log in.
    pub issuer: Option<String>,
    /// Logs.
    pub rekor: Choice<(String, Version)>,
    /// Authorities of timestamps.
    pub timestamps: Choice<String>,
}

/// Services, and how many of them it takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice<T> {
    /// In the order in which they are asked.
    pub from: Vec<T>,
    /// How many must answer.
    pub needed: usize,
}

impl<T> Default for Choice<T> {
    fn default() -> Self {
        Self { from: Vec::new(), needed: 0 }
    }
}

/// Why a file is no signing configuration that can be followed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No unambiguous JSON of its form.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Of another version.
    #[error("it is no signing configuration v0.2")]
    MediaType,
    /// It does not say how many services to take.
    #[error("it does not tell how many of the {0} to take")]
    Rule(&'static str),
    /// It asks for more than there are.
    #[error("it asks for {needed} of the {kind}, and names {found} that are valid now and known here")]
    TooFew {
        /// Which.
        kind: &'static str,
        /// How many there must be.
        needed: usize,
        /// How many there are.
        found: usize,
    },
}

impl Services {
    /// Those of Sigstore's public service, as they were when Plimsoll was built.
    ///
    /// # Errors
    /// Never, unless none of them is valid any more.
    pub fn built_in(now: Timestamp) -> Result<Self, ConfigError> {
        Self::read(SIGSTORE_PRODUCTION_SIGNING_CONFIG.as_bytes(), now)
    }

    /// Reads a signing configuration.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn read(bytes: &[u8], now: Timestamp) -> Result<Self, ConfigError> {
        let config: SigningConfig = strict::read(bytes, CONFIG_LIMIT)?;
        if config.media_type != MEDIA_TYPE {
            return Err(ConfigError::MediaType);
        }
        let address = |endpoint: &ServiceEndpoint| endpoint.url.clone();
        let logs = eligible(&config.rekor_tlog_urls, 2, now);
        let logs = logs.iter().map(|endpoint| {
            let version = if endpoint.major_api_version == 2 { Version::V2 } else { Version::V1 };
            (address(endpoint), version)
        });
        let (rule, count) = (config.rekor_tlog_config.selector, config.rekor_tlog_config.count);
        let rekor = choice(logs.collect(), rule, count, "transparency logs")?;
        let authorities = eligible(&config.tsa_urls, 1, now).into_iter().map(address).collect();
        let (rule, count) = (config.tsa_config.selector, config.tsa_config.count);
        let timestamps = choice(authorities, rule, count, "timestamp authorities")?;
        Ok(Self {
            fulcio: eligible(&config.ca_urls, 1, now).into_iter().map(address).collect(),
            issuer: eligible(&config.oidc_urls, 1, now).first().map(|endpoint| address(endpoint)),
            rekor,
            timestamps,
        })
    }
}

/// Those that are valid now and known here, one of each operator, the newest first.
fn eligible(endpoints: &[ServiceEndpoint], highest: u32, now: Timestamp) -> Vec<&ServiceEndpoint> {
    let is_now = |endpoint: &&ServiceEndpoint| {
        let range = &endpoint.valid_for;
        ours(range.start).is_ok_and(|start| start <= now)
            && range.end.is_none_or(|end| ours(end).is_ok_and(|end| now <= end))
            && (1..=highest).contains(&endpoint.major_api_version)
    };
    let mut found: Vec<&ServiceEndpoint> = endpoints.iter().filter(is_now).collect();
    found.sort_by_key(|endpoint| {
        std::cmp::Reverse((endpoint.major_api_version, ours(endpoint.valid_for.start).ok()))
    });
    let mut operators = BTreeSet::new();
    // Without an operator's name each is taken to have one of its own.
    found.retain(|endpoint| operators.insert(endpoint.operator.as_ref().unwrap_or(&endpoint.url).clone()));
    found.truncate(SERVICE_LIMIT);
    found
}

fn choice<T>(
    from: Vec<T>,
    rule: ServiceSelector,
    count: Option<u32>,
    kind: &'static str,
) -> Result<Choice<T>, ConfigError> {
    let needed = match rule {
        ServiceSelector::Any => from.len().min(1),
        ServiceSelector::All => from.len(),
        ServiceSelector::Exact => {
            let count = count.filter(|count| *count > 0).ok_or(ConfigError::Rule(kind))?;
            usize::try_from(count).unwrap_or(usize::MAX)
        }
        _ if from.is_empty() => 0,
        _ => return Err(ConfigError::Rule(kind)),
    };
    if from.len() < needed {
        return Err(ConfigError::TooFew { kind, needed, found: from.len() });
    }
    Ok(Choice { from, needed })
}

impl<T> Choice<T> {
    /// Exactly these.
    #[must_use]
    pub fn all(from: Vec<T>) -> Self {
        Self { needed: from.len(), from }
    }

    /// Asks one after the other until as many have answered as are needed. That one did not is told, if another did.
    ///
    /// # Errors
    /// The last error, if too few answered.
    pub(crate) fn ask<A>(
        &self,
        mut ask: impl FnMut(&T) -> Result<A, ServiceError>,
        tell: &dyn Fn(&str),
    ) -> Result<Vec<A>, ServiceError> {
        let mut answers = Vec::new();
        let mut services = self.from.iter();
        while answers.len() < self.needed {
            let Some(service) = services.next() else { break };
            match ask(service) {
                Ok(answer) => answers.push(answer),
                Err(error) if answers.len().saturating_add(services.len()) < self.needed => {
                    return Err(error);
                }
                Err(error) => tell(&format!("{error}; the next one is asked instead")),
            }
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(rule: &str) -> String {
        let service = |url: &str, version: u32, start: &str, operator: &str| {
            format!(
                r#"{{"url":"https://{url}","majorApiVersion":{version},"validFor":{{"start":"{start}"}},"operator":"{operator}"}}"#
            )
        };
        let logs = [
            service("old", 1, "2021-01-01T00:00:00Z", "a"),
            service("new", 2, "2024-01-01T00:00:00Z", "a"),
            service("newer", 2, "2025-01-01T00:00:00Z", "a"),
            service("unknown", 9, "2025-01-01T00:00:00Z", "a"),
            service("future", 2, "2099-01-01T00:00:00Z", "a"),
            service("other", 1, "2021-01-01T00:00:00Z", "b"),
        ];
        format!(
            r#"{{"mediaType":"{MEDIA_TYPE}","rekorTlogUrls":[{}],"rekorTlogConfig":{rule},"tsaConfig":{{"selector":"ANY"}}}}"#,
            logs.join(",")
        )
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn of_each_operator_the_newest_service_is_taken() {
        let services = Services::read(config(r#"{"selector":"ANY"}"#).as_bytes(), now()).unwrap();
        let expected =
            vec![("https://newer".to_owned(), Version::V2), ("https://other".to_owned(), Version::V1)];
        assert_eq!(services.rekor, Choice { from: expected, needed: 1 });
        assert_eq!(services.timestamps, Choice::default());
        let needed =
            |rule: &str| Services::read(config(rule).as_bytes(), now()).map(|services| services.rekor.needed);
        assert_eq!(needed(r#"{"selector":"ALL"}"#).unwrap(), 2);
        assert_eq!(needed(r#"{"selector":"EXACT","count":2}"#).unwrap(), 2);
        assert!(matches!(needed(r#"{"selector":"EXACT","count":3}"#), Err(ConfigError::TooFew { .. })));
        assert!(matches!(needed(r#"{"selector":"EXACT"}"#), Err(ConfigError::Rule(_))));
        assert!(matches!(needed(r#"{"selector":"SERVICE_SELECTOR_UNDEFINED"}"#), Err(ConfigError::Rule(_))));
        assert!(matches!(Services::read(b"{\"mediaType\":\"x\"}", now()), Err(ConfigError::MediaType)));
        assert!(Services::read(b"{\"mediaType\":\"x\",\"mediaType\":\"x\"}", now()).is_err());
    }

    #[test]
    fn the_public_services_are_built_in() {
        let services = Services::built_in(now()).unwrap();
        assert!(!services.fulcio.is_empty() && services.issuer.is_some());
        assert!(services.rekor.needed == 1 && services.timestamps.needed == 1);
    }

    #[test]
    fn another_service_is_asked_where_the_rule_allows_it_and_that_is_told() {
        use super::super::error::{Problem, Service};
        use std::cell::RefCell;
        let ask = |url: &&str| match *url {
            "dead" => Err(ServiceError {
                service: Service::Rekor,
                url: "dead".to_owned(),
                problem: Problem::Status(500, String::new()),
            }),
            url => Ok(url.to_owned()),
        };
        let told = RefCell::new(Vec::new());
        let tell = |words: &str| told.borrow_mut().push(words.to_owned());
        let any = Choice { from: vec!["dead", "a", "b"], needed: 1 };
        assert_eq!(any.ask(ask, &tell).unwrap(), ["a"]);
        assert_eq!(told.borrow().len(), 1);
        assert!(told.borrow()[0].contains("500"));
        let all = Choice::all(vec!["a", "dead", "b"]);
        assert!(all.ask(ask, &tell).is_err());
        assert_eq!(Choice { from: vec!["dead", "a", "b"], needed: 2 }.ask(ask, &tell).unwrap(), ["a", "b"]);
    }
}
