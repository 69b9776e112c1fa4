//! Where an image's dnf, yum or zypper gets packages: `.repo` files, dnf.conf(5).

use std::collections::BTreeMap;

use crate::stock::mirrored;

/// The most repositories of one image.
const LIMIT: usize = 200;

/// A repository.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Repository {
    /// Its name in square brackets.
    pub id: String,
    /// Addresses, the first choice first, without a slash at their ends.
    pub addresses: Vec<String>,
    /// The address of a list of addresses (`mirrorlist`, `metalink`).
    pub mirrors: Option<String>,
    /// Whether its metadata is signed (`repo_gpgcheck`).
    pub is_signed: bool,
    /// The keys of which one must have signed its packages: paths in the image.
    pub keys: Vec<String>,
}

/// The values of `$releasever` and its like, by name.
pub type Variables = BTreeMap<String, String>;

/// The repositories that a file names and does not turn off.
#[must_use]
pub fn repositories(text: &str, variables: &Variables) -> Vec<Repository> {
    let mut sections: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut key = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        let trimmed = line.trim();
        if let Some(id) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((id.to_owned(), BTreeMap::new()));
            key.clear();
            continue;
        }
        let Some((_, values)) = sections.last_mut() else { continue };
        // A line that is set in goes on with the value before.
        if line.starts_with([' ', '\t']) && !key.is_empty() {
            let value: &mut String = values.entry(key.clone()).or_default();
            value.push(' ');
            value.push_str(trimmed);
        } else if let Some((name, value)) = trimmed.split_once('=') {
            key = name.trim().to_ascii_lowercase();
            values.insert(key.clone(), value.trim().to_owned());
        }
    }
    let all = sections.into_iter().filter(|(id, _)| id != "main").take(LIMIT);
    all.filter_map(|(id, values)| repository(id, &values, variables)).collect()
}

fn repository(id: String, values: &BTreeMap<String, String>, variables: &Variables) -> Option<Repository> {
    let is_yes = |text: &String| matches!(text.to_ascii_lowercase().as_str(), "1" | "yes" | "true" | "on");
    if values.get("enabled").is_some_and(|value| !is_yes(value)) {
        return None;
    }
    let words = |name: &str| -> Vec<String> {
        let text = values.get(name).map(|text| filled(text, variables)).unwrap_or_default();
        text.split([' ', ',', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let one = |name: &str| words(name).into_iter().next();
    let addresses = words("baseurl").into_iter().map(|address| address.trim_end_matches('/').to_owned());
    let keys = words("gpgkey").into_iter().filter_map(|key| key.strip_prefix("file://").map(str::to_owned));
    Some(Repository {
        id,
        addresses: addresses.collect(),
        mirrors: one("metalink").or_else(|| one("mirrorlist")),
        is_signed: values.get("repo_gpgcheck").is_some_and(is_yes),
        keys: keys.collect(),
    })
}

/// A text with the values of variables in their places: `$name` and `${name}`.
fn filled(text: &str, variables: &Variables) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let (name, left) = match after.strip_prefix('{').and_then(|after| after.split_once('}')) {
            Some((name, left)) => (name, left),
            None => after.split_at(
                after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len()),
            ),
        };
        match variables.get(name) {
            Some(value) => filled.push_str(value),
            None => filled.push_str(&format!("${name}")),
        }
        rest = left;
    }
    filled.push_str(rest);
    filled
}

impl Repository {
    /// The same, from `mirror` in the place of scheme and host.
    #[must_use]
    pub fn from_mirror(self, mirror: &str) -> Self {
        let moved = |address: &String| mirrored(address, mirror);
        Self { addresses: self.addresses.iter().map(moved).collect(), ..self }
    }
}

/// The addresses in a list of mirrors, one a line, or in a metalink of `repomd.xml`.
#[must_use]
pub fn mirrors(text: &str) -> Vec<String> {
    const END: &str = "/repodata/repomd.xml";
    let of_metalink = text.split('>').filter_map(|piece| {
        let address = piece.split('<').next()?.trim();
        address.strip_suffix(END).filter(|address| address.starts_with("http"))
    });
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("http"));
    let found: Vec<&str> = if text.contains("<metalink") { of_metalink.collect() } else { lines.collect() };
    found.into_iter().take(5).map(|address| address.trim_end_matches('/').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_addresses_keys_and_what_is_off() {
        let text = "[main]\ngpgcheck=1\n# x\n[base]\nname=Base\nbaseurl=https://m/$releasever/${basearch}/os/\n  https://n/os\nenabled=1\ngpgkey=file:///etc/pki/rpm-gpg/KEY https://evil/KEY\nrepo_gpgcheck = yes\n\n[off]\nbaseurl=http://m\nenabled=0\n[list]\nmirrorlist=http://m/?repo=$repo\n";
        let variables =
            Variables::from([("releasever".into(), "9".into()), ("basearch".into(), "x86_64".into())]);
        let found = repositories(text, &variables);
        assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["base", "list"]);
        assert_eq!(found[0].addresses, ["https://m/9/x86_64/os", "https://n/os"]);
        assert_eq!(found[0].keys, ["/etc/pki/rpm-gpg/KEY"], "a key from elsewhere is none");
        assert!(found[0].is_signed && !found[1].is_signed);
        assert_eq!(found[1].mirrors.as_deref(), Some("http://m/?repo=$repo"), "what is not known stays");
        assert_eq!(found[0].clone().from_mirror("https://x/").addresses[0], "https://x/9/x86_64/os");
        assert!(repositories(&"[a]\nbaseurl=http://m\n".repeat(5000), &variables).len() <= LIMIT);
    }

    #[test]
    fn mirrors_are_read_in_both_forms() {
        assert_eq!(mirrors("# x\nhttp://a/os/\nftp://b\n"), ["http://a/os"]);
        let metalink = "<metalink><url protocol=\"https\">https://a/x/repodata/repomd.xml</url><url>rsync://b/repodata/repomd.xml</url></metalink>";
        assert_eq!(mirrors(metalink), ["https://a/x"]);
    }
}
