//! Every reader of records and lock files against input that no tool wrote: nothing panics, and nothing grows.
#![cfg(test)]

use plimsoll_catalog::all::EXTRACTORS;
use plimsoll_model::extractor::{Facts, ScanFile};

/// Readers, each with a path that it reads; the fuzz target `packages` has the same list.
const KINDS: [(&str, &str); 60] = [
    ("beam", "app/lib/x-1/ebin/x.app"),
    ("beam-lock", "app/mix.lock"),
    ("beam-lock", "app/rebar.lock"),
    ("binaries", "usr/bin/python3"),
    ("bitnami", "opt/bitnami/.bitnami_components.json"),
    ("bottlerocket", "usr/share/bottlerocket/application-inventory.json"),
    ("cargo-lock", "app/Cargo.lock"),
    ("chisel", "var/lib/chisel/manifest.wall"),
    ("cocoapods-lock", "app/Podfile.lock"),
    ("composer", "app/vendor/composer/installed.json"),
    ("composer-lock", "app/composer.lock"),
    ("conan", "app/conan.lock"),
    ("conan", "app/conaninfo.txt"),
    ("conda", "opt/conda/conda-meta/x-1-0.json"),
    ("dart-lock", "app/pubspec.lock"),
    ("dotnet", "app/shop.deps.json"),
    ("dotnet-lock", "app/packages.lock.json"),
    ("elf-notes", "usr/bin/x"),
    ("flatpak", "var/lib/flatpak/app/a/b/c/d/metadata"),
    ("gguf", "models/x.gguf"),
    ("github-actions", "app/.github/workflows/ci.yml"),
    ("go-mod", "app/go.mod"),
    ("gradle-lock", "app/gradle.lockfile"),
    ("haskell", "opt/package.conf.d/x.conf"),
    ("haskell-lock", "app/cabal.project.freeze"),
    ("haskell-lock", "app/stack.yaml.lock"),
    ("js-locks", "app/bun.lock"),
    ("js-locks", "app/deno.lock"),
    ("js-locks", "app/pnpm-lock.yaml"),
    ("js-locks", "app/yarn.lock"),
    ("julia", "root/packages/JSON/93Ea8/Project.toml"),
    ("julia-lock", "app/Manifest.toml"),
    ("jvm", "opt/java/release"),
    ("luarocks", "app/luarocks.lock"),
    ("nix", "nix/store/0c2wfw3ykqwpqgdm41ck20a6n3bfiq7b-x-1"),
    ("nuget-config", "app/packages.config"),
    ("nuget-config", "app/obj/project.assets.json"),
    ("opam", "root/.opam/x/.opam-switch/switch-state"),
    ("opam", "app/x.opam.locked"),
    ("opkg", "usr/lib/opkg/status"),
    ("opkg-files", "usr/lib/opkg/info/x.list"),
    ("pacman", "var/lib/pacman/local/x-1-1/desc"),
    ("pacman", "var/lib/pacman/local/x-1-1/files"),
    ("portage", "var/db/pkg/a/x-1/CONTENTS"),
    ("python-locks", "app/Pipfile.lock"),
    ("python-locks", "app/poetry.lock"),
    ("r", "usr/lib/R/library/x/DESCRIPTION"),
    ("r-lock", "app/renv.lock"),
    ("ruby", "gems/specifications/x-1.gemspec"),
    ("ruby-lock", "app/Gemfile.lock"),
    ("safetensors", "models/x.safetensors"),
    ("sbom", "app/x.cdx.json"),
    ("sbom", "opt/bitnami/x/.spdx-x.spdx"),
    ("snap", "snap/x/1/meta/snap.yaml"),
    ("snap", "snap/x/1/snap/manifest.yaml"),
    ("swift-lock", "app/Package.resolved"),
    ("terraform-lock", "app/.terraform.lock.hcl"),
    ("vcpkg", "opt/vcpkg/status"),
    ("wordpress", "wp-content/plugins/x/x.php"),
    ("wordpress", "wp-includes/version.php"),
];

/// Beginnings of what they expect, and things that look alike.
const TEXTS: [&str; 22] = [
    "",
    "\u{feff}",
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    "{}",
    "[]",
    "null",
    "{\"packages\":[{\"name\":\"é\",\"version\":1}],\"pins\":[{}],\"content\":[{}],\"default\":{\"a\":{}}}",
    "{\"bomFormat\":\"CycloneDX\",\"components\":[{\"purl\":\"pkg:\"},{\"purl\":\"pkg:deb/é@1\"}]}",
    "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{\"externalRefs\":[{\"referenceType\":\"purl\",\"referenceLocator\":\"é\"}]}]}",
    "[[package]]\nname = \"é\"\nversion = \"\"\n[[deps.é]]\nversion = 1\n",
    "packages:\n  é@é: {}\n  /é/: {}\n  '@': {}\nPODS:\n- é (\nname: é\nversion: [1]\n",
    "a: &a [*a, *a]\npackages: &b {x: *b}\n",
    "\"@\":\n  version \"1\"\n@é@:\n  resolution: \"é@\"\n  version: 1\n",
    "require (\n\té v\n)\nreplace é =>\nmodule\n)\n",
    "{application,\n{vsn,\"\n%{\"é\": {:hex, :é, \"\n{pkg,<<\"é\">>,<<\"",
    "obj é\nsym \nobj  0 1\nobj /é 0 1\n",
    "Package: é\nVersion:\nBuilt: é\nStatus: install ok installed\n\n:\n",
    "provider \"é\n  version = \"\ninstalled: [ \"é.\ndepends: [ \"é\" {= \"",
    "<package id='é' version='><package id=\"\" version=\"\"/><package ",
    "<?php\n/*\nPlugin Name: é\nVersion: */\n$wp_version = '",
    "JAVA_VERSION=\nJAVA_VERSION=\"\"\n[Application]\n[full_requires]\né/\n/\n",
    "GGUF\u{3}\0\0\0\0\0\0\0\0\0\0\0\u{7f}\0\0\0\0\0\0\0\u{2}\0\0\0\0\0\0\0é",
];

fn read(name: &str, path: &str, bytes: &[u8]) {
    let extractor = EXTRACTORS.iter().find(|extractor| extractor.name == name).expect("it is listed");
    let mut facts = Facts::new();
    facts.at(path, 1);
    // Whether it is refused is not the question here.
    let result = (extractor.extract)(&mut ScanFile::in_memory(path, 0o644, bytes), &mut facts);
    let (facts, _) = facts.into_parts(|_, _| true);
    assert!(facts.len() <= bytes.len().max(2), "{name}: {} facts, {result:?}", facts.len());
}

#[test]
fn nothing_panics_on_texts_that_no_tool_wrote() {
    for (name, path) in KINDS {
        for text in TEXTS {
            // Cut off everywhere, in the midst of characters too.
            for end in 0..=text.len() {
                read(name, path, &text.as_bytes()[..end]);
            }
        }
    }
}

#[test]
fn nothing_nests_without_end() {
    for (name, path) in KINDS {
        for open in
            ["[", "{\"a\":", "{a: ", "- ", "[[a.b]]\n", "[\"", "(\n", "{", "{\"components\":[", "x-", "./"]
        {
            read(name, path, open.repeat(20_000).as_bytes());
        }
    }
}
