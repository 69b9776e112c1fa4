//! How providers can be asked whether a secret is still accepted: one request each that changes nothing.

use Answer::{Body, Status};

/// A question to a provider.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The ids of the rules whose secrets are asked about, sorted.
    pub rules: &'static [&'static str],
    /// The address; `{}` stands for the secret where it belongs there.
    pub address: &'static str,
    /// Whether it is a `POST` without a body; else it is a `GET`.
    pub post: bool,
    /// Names and values of headers; `{}` stands for the secret.
    pub headers: &'static [(&'static str, &'static str)],
    /// How the answer is read.
    pub answer: Answer,
}

/// How an answer is read.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// By its status: those that accept the secret, and those that refuse it. All others tell nothing.
    Status(&'static [u16], &'static [u16]),
    /// By a text in the body of an answer with status 200: one that accepts it, one that refuses it.
    Body(&'static str, &'static str),
}

const BEARER: &[(&str, &str)] = &[("authorization", "Bearer {}")];
/// 403 is a known secret without the right to ask.
const USUAL: Answer = Status(&[200, 403], &[401]);

const fn get(
    rules: &'static [&'static str],
    address: &'static str,
    headers: &'static [(&'static str, &'static str)],
    answer: Answer,
) -> Question {
    Question { rules, address, post: false, headers, answer }
}

/// All questions, sorted by their first rule.
pub const QUESTIONS: &[Question] = &[
    get(&["airtable-personal-token"], "https://api.airtable.com/v0/meta/whoami", BEARER, USUAL),
    get(
        &["anthropic-api-key"],
        "https://api.anthropic.com/v1/models",
        &[("anthropic-version", "2023-06-01"), ("x-api-key", "{}")],
        USUAL,
    ),
    get(&["asana-token"], "https://app.asana.com/api/1.0/users/me", BEARER, USUAL),
    get(&["digitalocean-token"], "https://api.digitalocean.com/v2/account", BEARER, USUAL),
    get(&["doppler-token"], "https://api.doppler.com/v3/me", BEARER, USUAL),
    get(&["figma-token"], "https://api.figma.com/v1/me", &[("x-figma-token", "{}")], Status(&[200], &[403])),
    get(&["github-fine-grained-token", "github-token"], "https://api.github.com/user", BEARER, USUAL),
    get(&["gitlab-token"], "https://gitlab.com/api/v4/user", &[("private-token", "{}")], USUAL),
    get(&["groq-api-key"], "https://api.groq.com/openai/v1/models", BEARER, USUAL),
    get(&["heroku-token"], "https://api.heroku.com/account", HEROKU, USUAL),
    get(&["huggingface-token"], "https://huggingface.co/api/whoami-v2", BEARER, USUAL),
    get(&["netlify-token"], "https://api.netlify.com/api/v1/user", BEARER, USUAL),
    get(
        &["notion-token"],
        "https://api.notion.com/v1/users/me",
        &[("authorization", "Bearer {}"), ("notion-version", "2022-06-28")],
        USUAL,
    ),
    get(&["npm-token", "npmrc-auth-token"], "https://registry.npmjs.org/-/whoami", BEARER, USUAL),
    get(&["openai-api-key"], "https://api.openai.com/v1/models", BEARER, USUAL),
    get(&["postman-api-key"], "https://api.getpostman.com/me", &[("x-api-key", "{}")], USUAL),
    get(&["render-api-key"], "https://api.render.com/v1/users", BEARER, USUAL),
    get(&["replicate-api-token"], "https://api.replicate.com/v1/account", BEARER, USUAL),
    get(&["sendgrid-api-key"], "https://api.sendgrid.com/v3/scopes", BEARER, USUAL),
    get(&["sentry-user-token"], "https://sentry.io/api/0/", BEARER, USUAL),
    Question {
        post: true,
        ..get(
            &["slack-token"],
            "https://slack.com/api/auth.test",
            BEARER,
            Body("\"ok\":true", "\"ok\":false"),
        )
    },
    get(&["square-access-token"], "https://connect.squareup.com/v2/merchants", BEARER, USUAL),
    get(&["stripe-live-key", "stripe-test-key"], "https://api.stripe.com/v1/balance", BEARER, USUAL),
    get(&["telegram-bot-token"], "https://api.telegram.org/bot{}/getMe", &[], Status(&[200], &[401, 404])),
    get(&["terraform-cloud-token"], "https://app.terraform.io/api/v2/account/details", BEARER, USUAL),
    get(&["vercel-prefixed-token"], "https://api.vercel.com/v2/user", BEARER, USUAL),
    get(&["xai-api-key"], "https://api.x.ai/v1/api-key", BEARER, Status(&[200, 403], &[400, 401])),
];

const HEROKU: &[(&str, &str)] =
    &[("accept", "application/vnd.heroku+json; version=3"), ("authorization", "Bearer {}")];

/// The question about secrets of a rule, if its provider can be asked.
#[must_use]
pub fn question(rule: &str) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| question.rules.contains(&rule))
}

#[cfg(test)]
mod tests {
    use super::super::rules::RuleSet;
    use super::*;

    #[test]
    fn questions_are_about_rules_that_exist_and_tell_the_secret_to_its_provider_once() {
        let firsts: Vec<&str> = QUESTIONS.iter().map(|question| question.rules[0]).collect();
        assert!(firsts.is_sorted() && firsts.len() > 20);
        for question in QUESTIONS {
            for rule in question.rules {
                assert!(RuleSet::embedded().rules.iter().any(|known| known.id == *rule), "{rule}");
            }
            let told = question.headers.iter().map(|(_, value)| value).chain([&question.address]);
            assert_eq!(told.filter(|text| text.contains("{}")).count(), 1, "{}", question.address);
            assert!(question.address.starts_with("https://"), "{}", question.address);
            assert!(question.headers.iter().all(|(name, _)| name.chars().all(|c| !c.is_uppercase())));
        }
    }
}
