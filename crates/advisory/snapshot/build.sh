#!/bin/sh
# Compiles the snapshot from a folder that holds the feeds of ATTRIBUTION.md, one folder each.
# usage: build.sh FEEDS YYYY-MM-DD
set -eu
feeds=$1 day=$2 here=$(dirname "$0")
cd "$here/../../.."
cargo run --release -p plimsoll-advisory --example snapshot -- crates/advisory/snapshot/advisories.db "$day" \
  "$feeds/rustsec" "$feeds/golang" "$feeds/pypa" "$feeds/almalinux" "$feeds/wolfi" \
  "$feeds/npm-nodejs-security-wg" "$feeds/js-retirejs" "$feeds/java-project-kb" "$feeds/kev" "$feeds/vulnrichment" "$feeds/bitnami" \
  "$feeds/php-friendsofphp" "$feeds/haskell" "$feeds/azurelinux" "$feeds/eol"
