//! Reads `WWW-Authenticate` headers (RFC 9110, section 11.6.1), as registries write them: several challenges in
//! one header or in several, parameters quoted or not. What it cannot read it skips.

/// The most of a header that is looked at.
const LONGEST: usize = 8 << 10;

/// How a registry wants to be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Challenge {
    /// With a name and a password.
    Basic,
    /// With a token that another service gives.
    Bearer {
        /// The address of the token service.
        realm: String,
        /// The name by which it knows the registry.
        service: Option<String>,
        /// What to ask access for, separated by spaces.
        scope: Option<String>,
    },
}

/// Reads all challenges of `headers` that Plimsoll can answer, those with a token first.
pub(super) fn challenges<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = headers.flat_map(of_header).collect();
    found.sort_by_key(|challenge| *challenge == Challenge::Basic);
    found
}

fn of_header(header: &str) -> Vec<Challenge> {
    let mut rest = header.get(..LONGEST).unwrap_or(header);
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', '=', '"']);
        let (word, after) = token(rest);
        if word.is_empty() {
            // A character that has no place here is skipped, so that the loop always ends.
            let Some(skipped) = rest.chars().next() else { break };
            rest = rest.get(skipped.len_utf8()..).unwrap_or_default();
            continue;
        }
        match after.trim_start_matches([' ', '\t']).strip_prefix('=') {
            Some(after) => {
                let (value, after) = value(after.trim_start_matches([' ', '\t']));
                if let Some((_, parameters)) = found.last_mut() {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            None => {
                found.push((word.to_ascii_lowercase(), Vec::new()));
                rest = after;
            }
        }
    }
    found.into_iter().filter_map(|(scheme, parameters)| understood(&scheme, &parameters)).collect()
}

fn understood(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let parameter = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .filter(|v| !v.is_empty())
    };
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameter("realm")?,
            service: parameter("service"),
            scope: parameter("scope"),
        }),
        _ => None,
    }
}

/// Splits off the longest token (RFC 9110, section 5.6.2).
fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// Splits off a quoted string, or what stands before the next comma or blank: some registries forget the quotes.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            _ => value.push(character),
        }
    }
    (value, characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        }
    }

    fn read(header: &str) -> Vec<Challenge> {
        challenges([header].into_iter())
    }

    #[test]
    fn challenges_of_real_registries_are_read() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/debian:pull""#;
        let expected = bearer(
            "https://auth.docker.io/token",
            Some("registry.docker.io"),
            Some("repository:library/debian:pull"),
        );
        assert_eq!(read(hub), [expected]);
        let ghcr =
            r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push""#;
        assert_eq!(
            read(ghcr),
            [bearer("https://ghcr.io/token", Some("ghcr.io"), Some("repository:a/b:pull,push"))]
        );
        assert_eq!(read(r#"Basic realm="Registry Realm""#), [Challenge::Basic]);
        assert_eq!(read("basic"), [Challenge::Basic]);
    }

    #[test]
    fn a_token_is_preferred_and_strangers_are_skipped() {
        let header = r#"Negotiate, Basic realm="a, Bearer b", BEARER realm=https://t/x , service = "s\"q""#;
        assert_eq!(read(header), [bearer("https://t/x", Some("s\"q"), None), Challenge::Basic]);
        let two = challenges(["Basic realm=x", "Bearer realm=\"https://t\""].into_iter());
        assert_eq!(two, [bearer("https://t", None, None), Challenge::Basic]);
    }

    #[test]
    fn malformed_headers_end() {
        for header in
            ["", "=", "\"", "Bearer", "Bearer realm", "Bearer realm=", "Bearer realm=\"", "é=é", ",,,=\"\\"]
        {
            assert_eq!(read(header), [], "{header:?}");
        }
        assert_eq!(read(&"Basic,".repeat(10_000)).len(), LONGEST / "Basic,".len());
    }
}
