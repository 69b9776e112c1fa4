//! Terraform's providers by `.terraform.lock.hcl` (<https://developer.hashicorp.com/terraform/language/files/dependency-lock>).

use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::Ecosystem;

use super::document::{declare, is_authors, text_files};

/// Reads lock files.
pub(crate) const TERRAFORM_LOCK: Extractor = Extractor {
    name: "terraform-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name(".terraform.lock.hcl")]),
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let text = file.text()?;
    let mut provider = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("provider ") {
            provider = rest.split('"').nth(1);
        } else if let (Some(name), Some(rest)) = (provider, line.trim_start().strip_prefix("version")) {
            let Some(version) = rest.trim_start().strip_prefix('=').and_then(|rest| rest.split('"').nth(1))
            else {
                continue;
            };
            // The registry that need not be named.
            let name = name.strip_prefix("registry.terraform.io/").unwrap_or(name);
            declare(facts, Ecosystem::Terraform, name, version);
            provider = None;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, facts_of};

    #[test]
    fn providers_are_read() {
        let text = "# x\n\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"4.67.0\"\n  constraints = \"~> 4.0\"\n  hashes = [\n    \"h1:x=\",\n  ]\n}\n\nprovider \"registry.opentofu.org/a/b\" {\n  version = \"1.0.0\"\n}\nprovider \"x\nversion\n";
        let found = facts_of(&TERRAFORM_LOCK, "app/.terraform.lock.hcl", text.as_bytes());
        let expected = [("hashicorp/aws", "4.67.0"), ("registry.opentofu.org/a/b", "1.0.0")];
        assert_eq!(found, declared(Ecosystem::Terraform, &expected));
    }
}
