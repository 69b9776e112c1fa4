//! Lua's rocks: installed ones by the folders of LuaRocks' tree, asked-for ones by `luarocks.lock`
//! (<https://github.com/luarocks/luarocks/blob/main/docs/file_locations.md>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};

use super::document::{declare, is_authors, text_files};

/// Reads installed rocks and lock files.
pub(crate) const LUAROCKS: Extractor = Extractor {
    name: "luarocks",
    revision: 1,
    wants: text_files(&[PathRule::Name("rock_manifest"), PathRule::Name("luarocks.lock")]),
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if file_name(file.path) == "rock_manifest" {
        // `…/rocks-5.1/NAME/VERSION-REVISION/rock_manifest`
        let rock = parent(file.path);
        let (name, version) = (file_name(parent(rock)), file_name(rock));
        if file_name(parent(parent(rock))).starts_with("rocks") && !name.is_empty() && !version.is_empty() {
            facts.push(Fact::Package(Package::new(Ecosystem::LuaRocks, name, version)));
        }
        return Ok(());
    }
    if is_authors(file.path) {
        return Ok(());
    }
    let text = file.text()?;
    for line in text.lines() {
        let Some((name, version)) = line.split_once('=') else { continue };
        let name = name.trim().trim_matches(|c| matches!(c, '[' | ']' | '"'));
        let version = version.trim().trim_end_matches(',').trim_matches('"');
        if version.starts_with(|first: char| first.is_ascii_digit()) {
            declare(facts, Ecosystem::LuaRocks, name, version);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, facts_of};

    #[test]
    fn rocks_and_lock_files_are_read() {
        let path = "usr/local/lib/luarocks/rocks-5.1/lua-cjson/2.1.0.10-1/rock_manifest";
        let package = Package::new(Ecosystem::LuaRocks, "lua-cjson", "2.1.0.10-1");
        assert_eq!(facts_of(&LUAROCKS, path, b"rock_manifest = {}"), [Fact::Package(package)]);
        assert_eq!(facts_of(&LUAROCKS, "srv/rock_manifest", b"x"), []);
        let lock = "return {\n   dependencies = {\n      [\"lua-cjson\"] = \"2.1.0.10-1\",\n      inspect = \"3.1.2-0\"\n   }\n}\n";
        let found = facts_of(&LUAROCKS, "app/luarocks.lock", lock.as_bytes());
        assert_eq!(
            found,
            declared(Ecosystem::LuaRocks, &[("inspect", "3.1.2-0"), ("lua-cjson", "2.1.0.10-1")])
        );
    }
}
