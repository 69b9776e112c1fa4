//! What tags mean now: of images in their registries, of actions in their repositories. Each is asked about once.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use plimsoll_checks::pins::What;
use plimsoll_image::source::registry::RegistryClient;
use plimsoll_model::reference::Reference;

use super::super::{Context, locate};

/// What was learned, or why nothing was.
type Answer = Result<String, String>;

pub(in crate::command) struct Resolver {
    client: Result<RegistryClient, String>,
    known: BTreeMap<String, Answer>,
}

impl Resolver {
    pub(in crate::command) fn new(context: &Context) -> Self {
        let client = locate::client(context).map_err(|error| format!("{error:#}"));
        Self { client, known: BTreeMap::new() }
    }

    /// The digest or the commit that a name's tag means now.
    pub(in crate::command) fn resolve(&mut self, what: &What) -> Answer {
        let key = match what {
            What::Image(image) => tagged(image),
            What::Action { repository, tag, .. } => {
                format!("{repository}@{}", tag.as_deref().unwrap_or_default())
            }
        };
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let answer = match what {
            What::Image(_) => self.digest(&key),
            What::Action { repository, tag, .. } => commit(repository, tag.as_deref().unwrap_or_default()),
        };
        self.known.insert(key, answer.clone());
        answer
    }

    fn digest(&self, image: &str) -> Answer {
        let reference: Reference = image.parse().map_err(|error| format!("{error}"))?;
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let manifest =
            client.manifest(&reference).map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        Ok(manifest.digest.to_string())
    }
}

/// The name with its tag and without its digest.
fn tagged(image: &Reference) -> String {
    let name = image.to_string();
    name.split('@').next().unwrap_or_default().to_owned()
}

/// The commit that a tag or a branch of a repository at github.com names, as git tells it.
fn commit(action: &str, tag: &str) -> Answer {
    let mut parts = action.split('/');
    let (Some(owner), Some(repository)) = (parts.next(), parts.next()) else {
        return Err("it is no action of a repository".to_owned());
    };
    let is_word = |text: &str, more: &str| {
        !text.is_empty()
            && !text.starts_with(['-', '.'])
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c) || more.contains(c))
    };
    if !is_word(owner, "") || !is_word(repository, "") || !is_word(tag, "/+") {
        return Err("it is malformed".to_owned());
    }
    let references =
        [format!("refs/tags/{tag}^{{}}"), format!("refs/tags/{tag}"), format!("refs/heads/{tag}")];
    let ran = Command::new("git")
        .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30", "ls-remote", "--"])
        .arg(format!("https://github.com/{owner}/{repository}"))
        .args(&references)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    let (told, failed) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    if !ran.status.success() {
        return Err(format!("git ls-remote: {}", failed.lines().last().unwrap_or("it failed").trim()));
    }
    let commit_of = |reference: &String| {
        let line = told.lines().find(|line| line.split_whitespace().nth(1) == Some(reference))?;
        line.split_whitespace().next().filter(|id| id.len() == 40).map(str::to_owned)
    };
    references
        .iter()
        .find_map(commit_of)
        .ok_or_else(|| format!("{owner}/{repository} has no tag or branch {tag}"))
}
