//! Where an image's apt gets packages, with the options that say whom to trust: sources.list(5), in both of its forms.
//! The extractor of the same files tells of repositories only; here it matters who must have signed them.

use plimsoll_formats::deb822::stanzas;

use crate::stock::mirrored;

/// The most repositories of one image.
const LIMIT: usize = 200;

/// One suite of a repository.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Suite {
    /// The address, without a slash at its end.
    pub uri: String,
    /// `bookworm-security`.
    pub suite: String,
    /// `main`.
    pub components: Vec<String>,
    /// Who must have signed it.
    pub signed_by: SignedBy,
    /// Whether the last day that a release names for itself counts.
    pub valid_until: ValidUntil,
}

/// Who must have signed a repository.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SignedBy {
    /// Any key that apt trusts.
    Anyone,
    /// A key of one of these files of the image.
    Files(Vec<String>),
    /// This key, as it stands there.
    Key(String),
    /// A key by its fingerprint, which Plimsoll does not look for.
    Fingerprint(String),
}

/// Whether the last day that a release names for itself counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValidUntil {
    /// It does.
    Checked,
    /// The image's configuration says that it does not.
    Ignored,
}

/// Why a line names no repository.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is no repository: expected `[deb] [OPTIONS] ADDRESS SUITE COMPONENT…`, as in /etc/apt/sources.list"
)]
pub struct SourceError(String);

impl Suite {
    /// The same, from `mirror` in the place of scheme and host.
    #[must_use]
    pub fn from_mirror(self, mirror: &str) -> Self {
        Self { uri: mirrored(&self.uri, mirror), ..self }
    }
}

/// The suites that a file of `etc/apt` names; none for files that apt passes over.
#[must_use]
pub fn suites(path: &str, text: &str) -> Vec<Suite> {
    let mut found = if path.ends_with(".sources") {
        deb822(text)
    } else if path.ends_with(".list") {
        text.lines().filter_map(|line| one_line(line).ok().flatten()).collect()
    } else {
        Vec::new()
    };
    found.truncate(LIMIT);
    found
}

/// The suite that a user names in the form of one line.
///
/// # Errors
/// If it names none.
pub fn named(line: &str) -> Result<Suite, SourceError> {
    let wrong = || SourceError(line.chars().take(200).collect());
    let with_type =
        if line.trim_start().starts_with("deb ") { line.to_owned() } else { format!("deb {line}") };
    one_line(&with_type)?.ok_or_else(wrong)
}

/// `deb [options] uri suite component…`; none for a line that is empty, a comment or of sources.
fn one_line(line: &str) -> Result<Option<Suite>, SourceError> {
    let wrong = || SourceError(line.chars().take(200).collect());
    let line = line.split('#').next().unwrap_or_default().trim();
    let Some(rest) = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t'])) else {
        return Ok(None);
    };
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']').ok_or_else(wrong)?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = words.next().zip(words.next()).ok_or_else(wrong)?;
    let components: Vec<String> = words.collect();
    if components.is_empty() || !uri.contains("://") {
        return Err(wrong());
    }
    let option = |name: &str| {
        let mut pairs = options.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    Ok(Some(Suite {
        uri: uri.trim_end_matches('/').to_owned(),
        suite,
        components,
        signed_by: option("signed-by").map_or(SignedBy::Anyone, |value| signed_by(&value.replace(',', " "))),
        valid_until: valid_until(option("check-valid-until").as_deref()),
    }))
}

fn deb822(text: &str) -> Vec<Suite> {
    let mut found = Vec::new();
    for stanza in stanzas(text) {
        let whole = |name: &str| stanza.get(name).map(|value| value.folded().into_owned());
        let words = |name: &str| -> Vec<String> {
            whole(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        };
        if whole("Enabled").is_some_and(|value| is_no(&value))
            || !words("Types").iter().any(|kind| kind == "deb")
        {
            continue;
        }
        let components = words("Components");
        let key = stanza.get("Signed-By").map(|value| value.lines().collect::<Vec<_>>().join("\n"));
        for uri in words("URIs") {
            for suite in words("Suites").into_iter().filter(|_| !components.is_empty()) {
                if found.len() >= LIMIT {
                    return found;
                }
                found.push(Suite {
                    uri: uri.trim_end_matches('/').to_owned(),
                    suite,
                    components: components.clone(),
                    signed_by: key.as_deref().map_or(SignedBy::Anyone, signed_by),
                    valid_until: valid_until(whole("Check-Valid-Until").as_deref()),
                });
            }
        }
    }
    found
}

fn signed_by(value: &str) -> SignedBy {
    if value.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        // An empty line of the key stands as a dot.
        let lines = value.trim().lines().map(|line| if line.trim() == "." { "" } else { line.trim() });
        return SignedBy::Key(lines.collect::<Vec<_>>().join("\n"));
    }
    let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
    if words.iter().all(|word| word.starts_with('/')) && !words.is_empty() {
        SignedBy::Files(words)
    } else {
        SignedBy::Fingerprint(value.trim().chars().take(200).collect())
    }
}

fn is_no(value: &str) -> bool {
    ["no", "false", "without", "off", "disable"].contains(&value.trim().to_lowercase().as_str())
}

fn valid_until(value: Option<&str>) -> ValidUntil {
    if value.is_some_and(is_no) { ValidUntil::Ignored } else { ValidUntil::Checked }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_tell_whom_to_trust() {
        let list = "# x\ndeb [arch=amd64 signed-by=/k.gpg,/l.gpg check-valid-until=no] http://m/debian/ bookworm main contrib # c\n\
            deb-src http://m/debian bookworm main\ndeb http://n/debian bookworm main\nnonsense\n";
        let found = suites("etc/apt/sources.list", list);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].uri, "http://m/debian");
        assert_eq!(found[0].components, ["main", "contrib"]);
        assert_eq!(found[0].signed_by, SignedBy::Files(vec!["/k.gpg".into(), "/l.gpg".into()]));
        assert_eq!((found[0].valid_until, found[1].valid_until), (ValidUntil::Ignored, ValidUntil::Checked));
        let sources = "Types: deb\nURIs: http://m/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n\
            Types: deb\nURIs: http://m/own\nSuites: x\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n\n\
            Types: deb\nEnabled: no\nURIs: http://off\nSuites: x\nComponents: main\n";
        let found = suites("etc/apt/sources.list.d/a.sources", sources);
        assert_eq!(found.len(), 3);
        assert!(matches!(&found[2].signed_by, SignedBy::Key(key) if key.contains("\n\nabc\n")), "{found:?}");
        assert!(suites("etc/apt/sources.list.d/a.save", list).is_empty());
    }

    #[test]
    fn a_user_may_name_one_and_a_mirror_takes_the_hosts_place() {
        let suite = named("http://deb.debian.org/debian-security bookworm-security main").unwrap();
        assert_eq!(
            suite.clone().from_mirror("https://mirror.example/").uri,
            "https://mirror.example/debian-security"
        );
        for wrong in ["", "http://only", "deb [x http://a b c", "a b c"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hostile_file_does_not_multiply() {
        let many = "x ".repeat(3_000);
        let text = format!("Types: deb\nURIs: {many}\nSuites: {many}\nComponents: main\n");
        assert!(suites("a.sources", &text).len() <= LIMIT);
    }
}
