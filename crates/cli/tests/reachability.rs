//! Whether vulnerable code is in an image: programs that real compilers linked with and without it, against what
//! govulncheck sees in them.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::tools::{found, installed};
use serde_json::{Value, json};
use support::{Plimsoll, fetched, said, text, write};

// ---- advisories ----

/// An advisory of this test's own: all versions of a module are affected, by these functions of these packages.
fn advisory(ecosystem: &str, id: &str, package: &str, specific: &Value) -> (String, Value) {
    let record = json!({
        "schema_version": "1.3.1", "id": id, "modified": "2026-08-01T00:00:00Z", "published": "2026-08-01T00:00:00Z",
        "summary": "an example", "details": "an example",
        "affected": [{
            "package": { "name": package, "ecosystem": ecosystem },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "99.0.0" }] }],
            "ecosystem_specific": specific,
        }],
        "database_specific": { "url": format!("https://pkg.go.dev/vuln/{id}") },
    });
    (id.to_owned(), record)
}

fn of_go(id: &str, module: &str, imports: &[(&str, &[&str])]) -> (String, Value) {
    let import = |(path, symbols): &(&str, &[&str])| {
        if symbols.is_empty() { json!({ "path": path }) } else { json!({ "path": path, "symbols": symbols }) }
    };
    let imports: Vec<Value> = imports.iter().map(import).collect();
    advisory("Go", id, module, &if imports.is_empty() { json!({}) } else { json!({ "imports": imports }) })
}

fn database(plimsoll: &Plimsoll, advisories: &[(String, Value)]) -> PathBuf {
    let (feed, path) = (plimsoll.folder().join("feed"), plimsoll.folder().join("test.db"));
    for (id, advisory) in advisories {
        write(&feed.join(format!("{id}.json")), advisory.to_string());
    }
    let built = plimsoll.run(&["db", "build", feed.to_str().unwrap(), "-o", path.to_str().unwrap()]);
    assert_eq!((built.code, built.err.as_str()), (0, ""));
    path
}

/// What a scan of a folder says: advisory to the answer and what was seen.
fn states(plimsoll: &Plimsoll, folder: &Path, database: &Path) -> BTreeMap<String, (String, Vec<String>)> {
    let name = format!("dir:{}", folder.display());
    let options = ["--db", database.to_str().unwrap(), "--scanners", "vulnerabilities"];
    let scan = plimsoll.scan(&name, &options);
    let findings = scan["findings"].as_array().unwrap().iter();
    let told = findings.map(|finding| {
        let reachability = &finding["vulnerability"]["reachability"];
        let seen = reachability["seen"].as_array().unwrap().iter().map(|seen| text(seen).to_owned());
        (text(&finding["id"]).to_owned(), (text(&reachability["state"]).to_owned(), seen.collect()))
    });
    told.collect()
}

// ---- Go ----

const TEXT: &str = "golang.org/x/text";

fn advisories_of_go() -> Vec<(String, Value)> {
    let language = "golang.org/x/text/language";
    vec![
        of_go("GO-2099-0001", TEXT, &[(language, &["Parse", "MatchStrings"])]),
        of_go("GO-2099-0002", TEXT, &[(language, &["Tag.IsRoot"])]),
        of_go("GO-2099-0003", TEXT, &[(language, &[])]),
        of_go("GO-2099-0004", TEXT, &[("golang.org/x/text/unicode/norm", &["Form.String"])]),
        of_go("GO-2099-0005", TEXT, &[]),
        of_go("GO-2099-0006", "gopkg.in/yaml.v2", &[("gopkg.in/yaml.v2", &["decoder.unmarshal", "Marshal"])]),
        of_go("GO-2099-0007", "stdlib", &[("net/http", &["Server.Serve"])]),
        of_go("GO-2099-0008", "stdlib", &[("reflect", &["Value.Elem"])]),
        of_go("GO-2099-0009", "stdlib", &[("slices", &["Contains"])]),
    ]
}

/// Calls a vulnerable function; one that the compiler inlines; one of a package whose path the linker escapes; one with type
/// arguments, which is inlined too.
const CALLS: &str = "package main\nimport (\"os\"; \"slices\"; \"golang.org/x/text/language\"; \"gopkg.in/yaml.v2\")\n\
    //go:noinline\nfunc sell(tag language.Tag) { println(tag.IsRoot()) }\n\
    func main() {\n\ttag, _ := language.Parse(os.Args[0])\n\tsell(tag)\n\tvar into []string\n\
    \tprintln(yaml.Unmarshal([]byte(os.Args[0]), &into), slices.Contains(into, \"x\"))\n}\n";
/// Uses the same modules otherwise.
const OTHERWISE: &str = "package main\nimport (\"golang.org/x/text/language\"; \"gopkg.in/yaml.v2\")\n\
    func main() {\n\tvar slice yaml.MapSlice\n\tprintln(language.English.String(), len(slice))\n}\n";

fn go(folder: &Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod -buildvcs=false");
    command.env("GOTOOLCHAIN", "local");
    command
}

/// Builds a program in each of the ways; none where the modules cannot be had.
fn built(plimsoll: &Plimsoll, name: &str, source: &str) -> Option<PathBuf> {
    let folder = plimsoll.folder().join(name);
    let module = "module example.com/shop\ngo 1.21\nrequire golang.org/x/text v0.3.5\nrequire gopkg.in/yaml.v2 v2.2.2\n";
    write(&folder.join("go.mod"), module);
    write(&folder.join("main.go"), source);
    fetched(go(&folder).args(["build", "-o", "out/plain/shop", "."]))?;
    said(go(&folder).args(["build", "-ldflags=-s -w", "-trimpath", "-o", "out/stripped/shop", "."]));
    said(go(&folder).args(["build", "-ldflags=-s -w", "-buildmode=pie", "-o", "out/pie/shop", "."]));
    Some(folder.join("out"))
}

#[test]
fn functions_of_go_are_told_apart_by_what_is_linked() {
    if !installed(&["go"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let advisories = advisories_of_go();
    let database = database(&plimsoll, &advisories);
    let states_of = |(n, state, seen): (usize, &str, &[&str])| {
        let seen = seen.iter().map(|name| (*name).to_owned()).collect();
        (format!("GO-2099-{n:04}"), (state.to_owned(), seen))
    };
    let calls: BTreeMap<_, _> = [
        (1, "reachable", &["golang.org/x/text/language#Parse"][..]),
        (2, "reachable", &["golang.org/x/text/language#Tag.IsRoot"]),
        (3, "present", &[]),
        (4, "absent", &[]),
        (5, "present", &[]),
        (6, "reachable", &["gopkg.in/yaml.v2#decoder.unmarshal"]),
        (7, "absent", &[]),
        (8, "reachable", &["reflect#Value.Elem"]),
        (9, "reachable", &["slices#Contains"]),
    ]
    .into_iter()
    .map(states_of)
    .collect();
    let otherwise: BTreeMap<_, _> = [
        (1, "absent", &[][..]),
        (2, "absent", &[]),
        (3, "present", &[]),
        (4, "absent", &[]),
        (5, "present", &[]),
        (6, "absent", &[]),
        (7, "absent", &[]),
        (8, "reachable", &["reflect#Value.Elem"]),
        (9, "absent", &[]),
    ]
    .into_iter()
    .map(states_of)
    .collect();
    for (name, source, expected) in [("calls", CALLS, calls), ("otherwise", OTHERWISE, otherwise)] {
        let Some(out) = built(&plimsoll, name, source) else { return };
        for way in ["plain", "stripped", "pie"] {
            let found = states(&plimsoll, &out.join(way), &database);
            assert_eq!(found, expected, "{name} {way}");
        }
        compare_with_govulncheck(&plimsoll, &out.join("plain/shop"), &advisories, &expected);
    }
}

/// The advisories with functions that govulncheck finds in a program, from a database in the form of
/// <https://go.dev/doc/security/vuln/database>.
fn govulncheck(
    tool: &Path,
    folder: &Path,
    program: &Path,
    advisories: &[(String, Value)],
) -> BTreeSet<String> {
    let mut modules: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut index = Vec::new();
    for (id, advisory) in advisories {
        let module = text(&advisory["affected"][0]["package"]["name"]);
        let modified = &advisory["modified"];
        modules.entry(module).or_default().push(json!({ "id": id, "modified": modified, "fixed": "99.0.0" }));
        index.push(json!({ "id": id, "modified": modified }));
        write(&folder.join(format!("ID/{id}.json")), advisory.to_string());
    }
    let modules: Vec<Value> =
        modules.into_iter().map(|(path, vulns)| json!({ "path": path, "vulns": vulns })).collect();
    write(&folder.join("index/db.json"), json!({ "modified": "2026-08-01T00:00:00Z" }).to_string());
    write(&folder.join("index/modules.json"), Value::from(modules).to_string());
    write(&folder.join("index/vulns.json"), Value::from(index).to_string());
    let database = format!("file://{}", folder.display());
    let told = said(Command::new(tool).args(["-mode=binary", "-format=json", "-db", &database]).arg(program));
    let messages = serde_json::Deserializer::from_str(&told).into_iter::<Value>().map(Result::unwrap);
    let findings = messages.filter_map(|mut message| message.get_mut("finding").map(Value::take));
    let linked = findings.filter(|finding| finding["trace"][0]["function"].is_string());
    linked.map(|finding| text(&finding["osv"]).to_owned()).collect()
}

/// What govulncheck sees linked is reachable here, or present where no function is named. It passes over functions with type
/// arguments that are only there inlined (`slices.Contains[go.shape.[]string,go.shape.string]`).
fn compare_with_govulncheck(
    plimsoll: &Plimsoll,
    program: &Path,
    advisories: &[(String, Value)],
    ours: &BTreeMap<String, (String, Vec<String>)>,
) {
    let Some(tool) = found("govulncheck") else {
        println!("skipped: govulncheck not installed");
        return;
    };
    let told = govulncheck(&tool, &plimsoll.folder().join("vulndb"), program, advisories);
    let is_told = |id: &&String| id.as_str() != "GO-2099-0009";
    let linked = ours.iter().filter(|(_, (state, _))| state != "absent").map(|(id, _)| id);
    let linked: BTreeSet<String> = linked.filter(is_told).cloned().collect();
    assert_eq!(told, linked, "{}", program.display());
}

#[test]
fn what_is_absent_is_reported_last_and_can_be_left_to_pass() {
    if !installed(&["go"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let advisories = [
        of_go("GO-2099-0001", TEXT, &[("golang.org/x/text/language", &["Parse", "MatchStrings"])]),
        of_go("GO-2099-0002", TEXT, &[("golang.org/x/text/language", &["Tag.String"])]),
    ];
    let Some(out) = built(&plimsoll, "otherwise", OTHERWISE) else { return };
    let image = format!("dir:{}", out.join("stripped").display());
    let db = database(&plimsoll, &advisories);
    let options = ["--db", db.to_str().unwrap(), "--scanners", "vulnerabilities"];
    let ran = plimsoll.run(&[&["scan", &image], &options[..]].concat());
    let place = |id: &str| ran.out.find(id).unwrap_or_else(|| panic!("no {id} in {}", ran.out));
    assert!(place("GO-2099-0002  reachable") < place("GO-2099-0001  code absent"), "{}", ran.out);
    assert!(ran.out.contains("2, of which 2 can be fixed, 1 whose code is absent"), "{}", ran.out);
    let code = |db: &Path, gate: &str| {
        let options = ["--db", db.to_str().unwrap(), "--scanners", "vulnerabilities", "--fail-on", gate];
        plimsoll.run(&[&["scan", &image], &options[..]].concat()).code
    };
    assert_eq!((code(&db, "unknown"), code(&db, "unknown,reachable")), (1, 1));
    fs::remove_dir_all(plimsoll.folder().join("feed")).unwrap();
    let only_absent = database(&plimsoll, &advisories[..1]);
    assert_eq!(code(&only_absent, "unknown"), 1);
    assert_ne!(code(&only_absent, "unknown,reachable"), 1);
    let told = plimsoll.run(&["explain", "GO-2099-0001", &image, "--db", db.to_str().unwrap()]).out;
    let expected = "  code        absent: none of the vulnerable functions is linked into the program\n  \
        code        looked for golang.org/x/text/language#MatchStrings, golang.org/x/text/language#Parse\n";
    assert!(told.contains(expected), "{told}");
}

/// esbuild was published with each release of Go from 1.15 on. Before 1.16 the table did not tell what is inlined.
#[test]
fn programs_of_older_releases_of_go_are_read() {
    if !installed(&["npm"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let advisories = [
        of_go("GO-2099-0001", "stdlib", &[("fmt", &["Sprintf"])]),
        of_go("GO-2099-0002", "stdlib", &[("html/template", &["Template.Execute"])]),
    ];
    let database = database(&plimsoll, &advisories);
    for (esbuild, release, of_missing) in
        [("0.8.0", "1.15", "present"), ("0.9.0", "1.16", "absent"), ("0.14.30", "1.18", "absent")]
    {
        let folder = plimsoll.folder().join(esbuild);
        fs::create_dir(&folder).unwrap();
        let package = format!("esbuild-linux-64@{esbuild}");
        if fetched(Command::new("npm").args(["pack", "-s", &package]).current_dir(&folder)).is_none() {
            return;
        }
        let archive = folder.join(format!("esbuild-linux-64-{esbuild}.tgz"));
        said(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&folder));
        let found = states(&plimsoll, &folder, &database);
        let found: Vec<&str> = found.values().map(|(state, _)| state.as_str()).collect();
        assert_eq!(found, ["reachable", of_missing], "Go {release}");
    }
}

// ---- Rust ----

/// A program of two crates, one of which has functions, a type with arguments, and a module that is not its public path.
fn write_program_of_rust(folder: &Path) {
    let manifest = |name: &str, version: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n")
    };
    let dependencies = "[dependencies]\na-crate = { path = \"a\" }\nb = { path = \"b\" }\n[workspace]\n";
    let library = "mod inner {\n\
        #[inline(never)] pub fn weigh(x: usize) -> usize { x.wrapping_mul(7) }\n\
        pub struct Kept<T>(T);\n\
        impl<T> Kept<T> { #[inline(never)] pub fn grow(x: usize) -> usize { super::outer(x) + 1 } }\n}\n\
        pub use inner::Kept;\n\
        #[inline(never)] pub fn outer(x: usize) -> usize { inner::weigh(x) + 1 }\npub fn unused() {}\n";
    let main = "fn main() {\n    let x = std::env::args().count();\n    \
        println!(\"{} {} {}\", a_crate::outer(x), a_crate::Kept::<u8>::grow(x), b::X);\n}\n";
    write(&folder.join("Cargo.toml"), manifest("shop", "0.3.0") + dependencies);
    write(&folder.join("src/main.rs"), main);
    write(&folder.join("a/Cargo.toml"), manifest("a-crate", "1.2.3"));
    write(&folder.join("a/src/lib.rs"), library);
    write(&folder.join("b/Cargo.toml"), manifest("b", "1.0.0"));
    write(&folder.join("b/src/lib.rs"), "pub const X: u8 = 1;\n");
}

/// Builds it with names in one of the two manglings, or stripped, and gives the folder of the program.
fn built_by_cargo(folder: &Path, mangling: &str, strip: &str) -> PathBuf {
    let mut build = Command::new("cargo");
    build.args(["auditable", "build", "--release", "--offline", "--target-dir", "target"]);
    let flags = format!("-Csymbol-mangling-version={mangling} -Zunstable-options");
    build.current_dir(folder).env("RUSTFLAGS", flags).env("RUSTC_BOOTSTRAP", "1");
    said(build.env("CARGO_PROFILE_RELEASE_STRIP", strip));
    let out = folder.join(format!("{mangling}-{strip}"));
    write(&out.join("shop"), fs::read(folder.join("target/release/shop")).unwrap());
    out
}

#[test]
fn functions_of_rust_are_seen_as_long_as_they_have_names() {
    if !Command::new("cargo").args(["auditable", "--version"]).output().is_ok_and(|ran| ran.status.success())
    {
        println!("skipped: cargo-auditable not installed");
        return;
    }
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("rust");
    write_program_of_rust(&folder);
    let of_rust = |id: &str, krate: &str, functions: &[&str]| {
        advisory("crates.io", id, krate, &json!({ "affects": { "functions": functions } }))
    };
    let advisories = [
        of_rust("RUSTSEC-2099-0001", "a-crate", &["a_crate::outer"]),
        of_rust("RUSTSEC-2099-0002", "a-crate", &["a_crate::Kept::grow"]),
        of_rust("RUSTSEC-2099-0003", "a-crate", &["a_crate::unused"]),
        of_rust("RUSTSEC-2099-0004", "a-crate", &[]),
        of_rust("RUSTSEC-2099-0005", "b", &["b::f"]),
    ];
    let database = database(&plimsoll, &advisories);
    let states_in = |mangling: &str, strip: &str| -> Vec<(String, Vec<String>)> {
        states(&plimsoll, &built_by_cargo(&folder, mangling, strip), &database).into_values().collect()
    };
    let state = |state: &str, seen: &[&str]| {
        (state.to_owned(), seen.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>())
    };
    let named = [
        state("reachable", &["a_crate::outer"]),
        state("reachable", &["a_crate::Kept::grow"]),
        state("present", &[]),
        state("present", &[]),
        state("unknown", &[]),
    ];
    assert_eq!(states_in("legacy", "none"), named);
    assert_eq!(states_in("v0", "none"), named);
    assert_eq!(states_in("v0", "symbols"), vec![state("unknown", &[]); 5]);
}

// ---- Java ----

#[test]
fn libraries_in_shaded_jars_are_told_by_their_classes() {
    if !installed(&["jar"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let tree = plimsoll.folder().join("tree");
    for (group, artifact) in
        [("org.example", "shop"), ("org.kept", "kept"), ("org.moved.lib", "moved"), ("org.gone", "gone")]
    {
        let pom = format!("groupId={group}\nartifactId={artifact}\nversion=1.0\n");
        write(&tree.join(format!("META-INF/maven/{group}/{artifact}/pom.properties")), pom);
    }
    for class in ["org/example/shop/Shop", "org/kept/Kept", "org/example/shaded/org/moved/lib/Moved"] {
        write(&tree.join(format!("{class}.class")), "no real class");
    }
    let root = plimsoll.folder().join("root");
    fs::create_dir(&root).unwrap();
    said(
        Command::new("jar")
            .args(["cf", root.join("shop-1.0.jar").to_str().unwrap(), "-C"])
            .arg(&tree)
            .arg("."),
    );
    let bare = plimsoll.folder().join("bare");
    write(
        &bare.join("META-INF/maven/org.bare/bare/pom.properties"),
        "groupId=org.bare\nartifactId=bare\nversion=1.0\n",
    );
    said(
        Command::new("jar")
            .args(["cf", root.join("bare-1.0.jar").to_str().unwrap(), "-C"])
            .arg(&bare)
            .arg("."),
    );
    let of_maven = |id: &str, name: &str| advisory("Maven", id, name, &json!({}));
    let advisories = [
        of_maven("GHSA-2222-2222-2222", "org.example:shop"),
        of_maven("GHSA-2222-2222-2223", "org.kept:kept"),
        of_maven("GHSA-2222-2222-2224", "org.moved.lib:moved"),
        of_maven("GHSA-2222-2222-2225", "org.gone:gone"),
        of_maven("GHSA-2222-2222-2226", "org.bare:bare"),
    ];
    let database = database(&plimsoll, &advisories);
    let found = states(&plimsoll, &root, &database);
    let found: Vec<&str> = found.values().map(|(state, _)| state.as_str()).collect();
    assert_eq!(found, ["present", "present", "present", "unknown", "absent"]);
}
