//! Asks providers whether secrets are still accepted. A secret goes to the provider that issued it and to nobody else: no
//! redirect is followed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::time::Duration;

use plimsoll_checks::secrets::provider::{Answer, Question, question};
use plimsoll_http::{Clients, ProxySettings, chain};
use plimsoll_model::liveness::Liveness;
use reqwest::{Response, Url};
use tokio::runtime::{Builder, Runtime};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);
/// The most bytes of an answer that are looked at.
const BODY: usize = 64 << 10;
/// The most secrets that are asked about.
const LIMIT: usize = 1_000;

/// The secrets that were found, by fingerprint, each with the id of its rule. They are in memory only, and shown nowhere.
#[derive(Default)]
pub struct Values(BTreeMap<String, (String, Vec<u8>)>);

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl Values {
    /// Keeps a secret.
    pub fn keep(&mut self, fingerprint: &str, rule: &str, secret: &[u8]) {
        if self.0.len() < LIMIT || self.0.contains_key(fingerprint) {
            self.0.entry(fingerprint.to_owned()).or_insert_with(|| (rule.to_owned(), secret.to_vec()));
        }
    }
}

impl Values {
    /// Those with these fingerprints.
    #[must_use]
    pub fn only(&self, fingerprints: &BTreeSet<&str>) -> Self {
        let wanted = |(fingerprint, _): &(&String, _)| fingerprints.contains(fingerprint.as_str());
        Self(self.0.iter().filter(wanted).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// Asks about all of `values`, one after the other; what it says is by fingerprint. `instead` takes the place of the
/// providers' own addresses, for tests.
///
/// # Errors
/// If no thread can be started.
pub fn ask(
    values: &Values,
    proxy: ProxySettings,
    instead: Option<&str>,
) -> io::Result<BTreeMap<String, Liveness>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let clients = Clients::new(proxy, Vec::new(), HashMap::new(), CONNECT);
    let told = values.0.iter().map(|(fingerprint, (rule, secret))| {
        let liveness = match (question(rule), std::str::from_utf8(secret)) {
            (Some(question), Ok(secret)) => one(&runtime, &clients, question, secret, instead),
            _ => Liveness::NotAsked("nobody is known who could be asked about it".to_owned()),
        };
        (fingerprint.clone(), liveness)
    });
    Ok(told.collect())
}

fn one(
    runtime: &Runtime,
    clients: &Clients,
    question: &Question,
    secret: &str,
    instead: Option<&str>,
) -> Liveness {
    // What is no plain token would change the request.
    if secret.is_empty()
        || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:=+/".contains(&byte))
    {
        return Liveness::NotAsked("it holds characters that no token of the provider has".to_owned());
    }
    let address = question.address.replace("{}", &secret.replace('/', "%2F"));
    let address = match instead {
        Some(instead) => address.replacen("https://", instead, 1),
        None => address,
    };
    let host = question.address.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let unanswered = |reason: String| Liveness::NotAsked(format!("{host}: {reason}"));
    let Ok(url) = Url::parse(&address) else { return unanswered("the address is none".to_owned()) };
    let client = match clients.of(&url) {
        Ok(client) => client,
        Err(error) => return unanswered(error.to_string()),
    };
    let mut request = if question.post { client.post(url) } else { client.get(url) };
    for (name, value) in question.headers {
        request = request.header(*name, value.replace("{}", secret));
    }
    let read = async {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let body =
            if matches!(question.answer, Answer::Body(..)) { body(response).await? } else { Vec::new() };
        Ok::<_, reqwest::Error>((status, body))
    };
    let answered = runtime.block_on(async { tokio::time::timeout(ANSWER, read).await });
    let (status, body) = match answered {
        Err(_) => return unanswered(format!("no answer within {} s", ANSWER.as_secs())),
        Ok(Err(error)) => return unanswered(chain(&error.without_url())),
        Ok(Ok(answer)) => answer,
    };
    let says = |text: &str| {
        let squeezed: String =
            String::from_utf8_lossy(&body).chars().filter(|c| !c.is_whitespace()).collect();
        status == 200 && squeezed.contains(text)
    };
    let (accepts, refuses) = match question.answer {
        Answer::Status(accepting, refusing) => (accepting.contains(&status), refusing.contains(&status)),
        Answer::Body(accepting, refusing) => (says(accepting), says(refusing)),
    };
    match (accepts, refuses) {
        (true, false) => Liveness::Accepted(host.to_owned()),
        (false, true) => Liveness::Refused(host.to_owned()),
        _ => unanswered(format!("it answered {status}, which tells nothing")),
    }
}

async fn body(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = BODY.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if body.len() >= BODY {
            break;
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use plimsoll_testkit::http::HttpServer;

    use super::*;

    /// What is told of one secret of `rule`, if the provider answers so; and what it was asked.
    fn told(
        rule: &str,
        secret: &str,
        status: u16,
        body: &'static str,
    ) -> (Liveness, Vec<(String, Option<String>)>) {
        let server = HttpServer::start(move |_, connection| {
            connection.answer(status, &[("location", "http://127.0.0.1:1/elsewhere")], body.as_bytes());
        });
        let mut values = Values::default();
        values.keep("f", rule, secret.as_bytes());
        let instead = format!("{}/", server.url().trim_end_matches('/'));
        let told = ask(&values, ProxySettings::default(), Some(&instead)).unwrap().remove("f").unwrap();
        let asked = server.requests();
        let asked = asked
            .iter()
            .map(|request| (request.target.clone(), request.header("authorization").map(str::to_owned)))
            .collect();
        (told, asked)
    }

    #[test]
    fn a_provider_says_what_its_status_means() {
        let (said, asked) = told("github-token", "ghp_abc", 200, "{}");
        assert_eq!(said, Liveness::Accepted("api.github.com".to_owned()));
        assert_eq!(asked, [("/api.github.com/user".to_owned(), Some("Bearer ghp_abc".to_owned()))]);
        assert_eq!(told("github-token", "x", 401, "").0, Liveness::Refused("api.github.com".to_owned()));
        // A redirect is not followed: the secret would go to another host.
        for status in [302, 404, 500] {
            let (said, asked) = told("github-token", "x", status, "");
            assert_eq!(asked.len(), 1);
            assert!(said.as_str() == "unknown" && said.why().contains(&status.to_string()), "{said:?}");
        }
        let (said, asked) = told("telegram-bot-token", "12:ab", 200, "{}");
        assert_eq!((said.as_str(), asked[0].0.as_str()), ("accepted", "/api.telegram.org/bot12:ab/getMe"));
    }

    #[test]
    fn a_provider_that_answers_in_the_body_is_read() {
        assert_eq!(told("slack-token", "xoxb-1", 200, "{ \"ok\": true }").0.as_str(), "accepted");
        assert_eq!(told("slack-token", "xoxb-1", 200, "{\"ok\":false}").0.as_str(), "refused");
        assert_eq!(told("slack-token", "xoxb-1", 500, "{\"ok\":true}").0.as_str(), "unknown");
    }

    #[test]
    fn nothing_is_asked_about_what_nobody_knows_or_no_token_is() {
        for (rule, secret) in [("private-key", "x"), ("github-token", "a\r\nx-evil: 1"), ("github-token", "")]
        {
            let (said, asked) = told(rule, secret, 200, "{}");
            assert!(asked.is_empty() && said.as_str() == "unknown", "{said:?}");
        }
        assert_eq!(format!("{:?}", Values::default()), "0 secrets");
    }
}
