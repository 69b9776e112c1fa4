//! The rules of repositories: those of the command line, or of a file.

use std::path::Path;

use anyhow::Context as _;
use jiff::SignedDuration;
use plimsoll_engine::retire::Rules;
use plimsoll_engine::scrub::glob::Glob;
use plimsoll_formats::bounded;
use plimsoll_model::reference::Reference;
use serde::Deserialize;

use crate::args::Retire as Args;
use crate::args::retire::{age, pattern};

/// No sound file is larger.
const LIMIT: u64 = 1 << 20;

/// The rules, each with the repositories that it is for.
pub(super) struct RuleSet(Vec<(Vec<Glob>, Rules)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rule {
    repositories: Vec<String>,
    older_than: Option<String>,
    keep_last: Option<usize>,
    #[serde(default)]
    keep_tags: Vec<String>,
}

impl RuleSet {
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        match &args.rules {
            Some(path) => Self::read(path),
            None => {
                let rules = Rules {
                    older_than: args.older_than,
                    keep_last: args.keep_last,
                    keep_tags: args.keep_tag.clone(),
                };
                Ok(Self(vec![(Vec::new(), rules)]))
            }
        }
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let named = || format!("reading {}", path.display());
        let text =
            String::from_utf8(bounded::read_file(path, LIMIT).with_context(named)?).with_context(named)?;
        let file: File = toml::from_str(&text).with_context(named)?;
        let read = |rule: Rule| -> anyhow::Result<(Vec<Glob>, Rules)> {
            anyhow::ensure!(!rule.repositories.is_empty(), "a rule names no repositories");
            let repositories = rule.repositories.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
            let told = |error: String| anyhow::anyhow!(error);
            let older_than: Option<SignedDuration> =
                rule.older_than.as_deref().map(age).transpose().map_err(told).context("older-than")?;
            let keep_tags = rule.keep_tags.iter().map(|text| pattern(text)).collect::<Result<_, _>>();
            let keep_tags = keep_tags.map_err(told).context("keep-tags")?;
            anyhow::ensure!(
                older_than.is_some() || rule.keep_last.is_some(),
                "a rule has neither older-than nor keep-last"
            );
            Ok((repositories, Rules { older_than, keep_last: rule.keep_last, keep_tags }))
        };
        let rules = file.rule.into_iter().map(|rule| read(rule).with_context(named));
        Ok(Self(rules.collect::<anyhow::Result<_>>()?))
    }

    /// The first rules that are for a repository.
    pub(super) fn of_repository(&self, name: &Reference) -> Option<&Rules> {
        let name = format!("{}/{}", name.registry(), name.repository());
        let is_for = |globs: &[Glob]| globs.is_empty() || globs.iter().any(|glob| glob.covers(&name));
        self.0.iter().find(|(globs, _)| is_for(globs)).map(|(_, rules)| rules)
    }
}
