//! Actions that GitHub's workflows use, by the files in `.github/workflows`; a moving tag or a commit is the version as
//! written (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>).

use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::path::{file_name, parent};

use super::document::{declare, is_authors};

/// Reads workflows.
pub(crate) const GITHUB_ACTIONS: Extractor = Extractor {
    name: "github-actions",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".yml"), PathRule::Suffix(".yaml")],
        content: ContentRule::Text,
        max_size: 4 << 20,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let folder = parent(file.path);
    if file_name(folder) != "workflows" || file_name(parent(folder)) != ".github" || is_authors(file.path) {
        return Ok(());
    }
    let text = file.text()?;
    for line in text.lines() {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        let Some(value) = line.strip_prefix("uses:") else { continue };
        let value = value.split(" #").next().unwrap_or_default();
        let value = value.trim().trim_matches(|c| matches!(c, '"' | '\''));
        // `./x` is of the same repository, `docker://x` an image.
        let Some((action, reference)) = value.split_once('@').filter(|_| !value.contains("://")) else {
            continue;
        };
        let mut parts = action.splitn(3, '/');
        if let (Some(owner), Some(name)) = (parts.next(), parts.next())
            && !owner.is_empty()
            && owner != "."
        {
            declare(facts, Ecosystem::GitHubActions, format!("{owner}/{name}"), reference);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, facts_of};

    #[test]
    fn used_actions_are_read() {
        let text = "jobs:\n  test:\n    steps:\n      - uses: actions/checkout@v4 # newest\n      - name: x\n        uses: \"tj-actions/changed-files@v45.0.7\"\n      - uses: ./.github/actions/own\n      - uses: docker://alpine:3@sha256:a\n      - uses: a/b/sub/path@0e58\n      - uses: @\n";
        let expected = declared(
            Ecosystem::GitHubActions,
            &[("a/b", "0e58"), ("actions/checkout", "v4"), ("tj-actions/changed-files", "v45.0.7")],
        );
        assert_eq!(facts_of(&GITHUB_ACTIONS, "src/.github/workflows/ci.yml", text.as_bytes()), expected);
        assert_eq!(facts_of(&GITHUB_ACTIONS, "src/ci.yml", text.as_bytes()), []);
    }
}
