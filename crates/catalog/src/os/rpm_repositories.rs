//! The repositories of dnf, yum and zypper, and the variables that their addresses name
//! (<https://dnf.readthedocs.io/en/latest/conf_ref.html#repo-options>).

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::repository::{Repository, RpmRepository};

/// Reads `*.repo` and the folders of variables.
pub(crate) const RPM_REPOSITORIES: Extractor = Extractor {
    name: "rpm-repositories",
    revision: 1,
    wants: Wants {
        paths: &[
            PathRule::In("etc/yum.repos.d"),
            PathRule::In("etc/zypp/repos.d"),
            PathRule::In("etc/dnf/vars"),
            PathRule::In("etc/yum/vars"),
        ],
        content: ContentRule::Text,
        max_size: 1 << 20,
    },
    extract,
};

/// More than any image has.
const LIMIT: usize = 1_000;

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    if file.path.ends_with(".repo") {
        for repository in repositories(&text) {
            facts.push(Fact::Repository(Repository::Rpm(repository)));
        }
    } else if let Some((folder, name)) = file.path.rsplit_once('/')
        && folder.ends_with("/vars")
        && let Some(value) = text.lines().next()
    {
        let (name, value) = (name.to_owned(), value.trim().to_owned());
        facts.push(Fact::Repository(Repository::RpmVariable { name, value }));
    }
    Ok(())
}

/// The sections that are in use and have an address; as Python's `configparser` reads them.
fn repositories(text: &str) -> Vec<RpmRepository> {
    let mut sections: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut key = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if sections.len() >= LIMIT {
                break;
            }
            sections.push((name.to_owned(), BTreeMap::new()));
            key = None;
            continue;
        }
        let Some((_, options)) = sections.last_mut() else { continue };
        if line.starts_with([' ', '\t'])
            && let Some(value) = key.as_ref().and_then(|key| options.get_mut(key))
        {
            // A value goes on where a line is indented.
            let value: &mut String = value;
            value.push('\n');
            value.push_str(trimmed);
        } else if let Some((name, value)) = trimmed.split_once(['=', ':']) {
            let name = name.trim().to_ascii_lowercase();
            options.insert(name.clone(), value.trim().to_owned());
            key = Some(name);
        }
    }
    sections.into_iter().filter(|(id, _)| id != "main").filter_map(repository).collect()
}

fn repository((id, mut options): (String, BTreeMap<String, String>)) -> Option<RpmRepository> {
    let is_off = |value: &String| ["0", "no", "false", "off"].contains(&value.to_ascii_lowercase().as_str());
    if options.get("enabled").is_some_and(is_off) {
        return None;
    }
    let base = options.remove("baseurl").unwrap_or_default();
    let base = base.split([',', ' ', '\n', '\t']).filter(|url| !url.is_empty());
    let base_urls: Vec<String> = base.take(LIMIT).map(|url| url.trim_end_matches('/').to_owned()).collect();
    let (mirror_list, metalink) = (options.remove("mirrorlist"), options.remove("metalink"));
    let is_somewhere = !base_urls.is_empty() || mirror_list.is_some() || metalink.is_some();
    is_somewhere.then_some(RpmRepository { id, base_urls, mirror_list, metalink })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_in_use_are_read_with_all_their_addresses() {
        let text = "[main]\nbaseurl=http://no\n[baseos]\nname = AlmaLinux $releasever - BaseOS\n\
            mirrorlist=https://mirrors.example/$releasever/baseos\n# baseurl=https://repo.example/\nenabled=1\ngpgcheck=1\n\n\
            [extras]\nBaseURL = https://one.example/$basearch/,\n    https://two.example/$basearch\n  https://three.example\nenabled = yes\n\
            [off]\nbaseurl=https://off.example\nenabled=0\n[nowhere]\nname=x\n[fedora]\nmetalink=https://m.example/metalink?repo=fedora-$releasever&arch=$basearch\n";
        let found = repositories(text);
        let ids: Vec<&str> = found.iter().map(|repository| repository.id.as_str()).collect();
        assert_eq!(ids, ["baseos", "extras", "fedora"]);
        assert_eq!(found[0].mirror_list.as_deref(), Some("https://mirrors.example/$releasever/baseos"));
        assert_eq!(
            found[1].base_urls,
            ["https://one.example/$basearch", "https://two.example/$basearch", "https://three.example"]
        );
        assert_eq!(
            found[2].metalink.as_deref(),
            Some("https://m.example/metalink?repo=fedora-$releasever&arch=$basearch")
        );
    }

    #[test]
    fn nonsense_is_no_repository() {
        for text in ["", "baseurl=x", "[a]\n  indented first\n", "[a\nbaseurl=x", "[]\n=\n:"] {
            assert_eq!(repositories(text), [], "{text:?}");
        }
        assert_eq!(repositories(&"[a]\nbaseurl=http://x\n".repeat(5_000)).len(), LIMIT);
    }
}
