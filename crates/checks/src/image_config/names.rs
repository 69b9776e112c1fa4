//! Tells from a variable's name and value whether the value is likely a secret, where no rule knows its structure.

/// Words that make a name secret.
const SECRET_WORDS: &[&str] = &[
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
];

/// Pairs of words that do.
const SECRET_PAIRS: &[(&str, &str)] =
    &[("ACCESS", "KEY"), ("API", "KEY"), ("AUTH", "KEY"), ("ENCRYPTION", "KEY"), ("PRIVATE", "KEY")];

/// Last words after which the value only tells about a secret.
const ABOUT: &[&str] = &[
    "ALGORITHM",
    "AUDIENCE",
    "COUNT",
    "DIR",
    "ENABLED",
    "ENDPOINT",
    "EXPIRATION",
    "EXPIRY",
    "FILE",
    "FORMAT",
    "HEADER",
    "HOST",
    "ID",
    "ISSUER",
    "LENGTH",
    "LIFETIME",
    "NAME",
    "PATH",
    "PATTERN",
    "POLICY",
    "PREFIX",
    "REQUIRED",
    "SOURCE",
    "TIMEOUT",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "VERSION",
];

/// Values that are switches or say that somebody has to fill them in.
const PLACEHOLDERS: &[&str] = &[
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "none",
    "null",
    "nil",
    "undefined",
    "unset",
    "changeme",
    "change-me",
    "change_me",
    "todo",
    "tbd",
    "placeholder",
    "example",
    "secret",
    "password",
    "token",
    "dummy",
    "redacted",
    super::remove::REMOVED,
];

/// Tells whether `name` says that its value is secret, and `value` is one.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    names_secret(name) && !is_harmless(value)
}

fn names_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(['_', '-', '.']).filter(|word| !word.is_empty()).collect();
    let single = |word: &&str| {
        // `PWD` and `OLDPWD` alone are the shell's directory.
        SECRET_WORDS.contains(word) && (*word != "PWD" || words.len() > 1) || word.ends_with("PASSWORD")
    };
    let pair = |pair: &[&str]| matches!(pair, [a, b] if SECRET_PAIRS.contains(&(a, b)));
    let about = words.last().is_some_and(|last| ABOUT.contains(last));
    let public = words.contains(&"PUBLIC");
    !about && !public && (words.iter().any(single) || words.windows(2).any(pair))
}

fn is_harmless(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = value.to_ascii_lowercase();
    let path = value.starts_with(['/', '.', '~']) && !value.contains(char::is_whitespace);
    let reference = value.contains('$') && (value.contains("${") || value.starts_with('$'));
    let template = value.starts_with('<') || value.starts_with("{{") || value.starts_with("your");
    let masked = value.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '-' | '_'));
    let short_number = value.len() < 5 && value.chars().all(|c| c.is_ascii_digit());
    let url = ["http://", "https://", "file://"].iter().any(|scheme| lower.starts_with(scheme));
    path || reference
        || template
        || masked
        || short_number
        || (url && !value.contains('@'))
        || PLACEHOLDERS.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_of_secrets_are_told_from_those_about_secrets() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("POSTGRESPASSWORD", "s3cr3t!"),
            ("api-key", "8f1c"),
            ("STRIPE_SECRET_KEY", "abc"),
            ("MYSQL_ROOT_PWD", "root1"),
            ("GITHUB_TOKEN", "v1.abc"),
        ] {
            assert!(is_secret(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("PWD", "x1y2"),
            ("DB_PASSWORD", ""),
            ("DB_PASSWORD_FILE", "abc"),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("DB_PASSWORD", "${DB_PASSWORD}"),
            ("ALLOW_EMPTY_PASSWORD", "yes"),
            ("TOKEN_TTL", "3600"),
            ("TOKEN_URL", "x"),
            ("API_KEY", "<your key>"),
            ("GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568"),
            ("PUBLIC_API_KEY", "abc"),
            ("TOKENIZER", "fast"),
        ] {
            assert!(!is_secret(name, value), "{name}={value}");
        }
    }
}
