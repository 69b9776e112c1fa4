//! What further package managers install and lock, against what they themselves list. One that is absent is told and
//! passed over, unless `PLIMSOLL_REQUIRE_TOOLS=1`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_catalog::all::EXTRACTORS;
use plimsoll_catalog::pass::{PassOptions, read_directory};
use plimsoll_model::evidence::Fact;
use plimsoll_testkit::tools::{installed, output_of};

/// Runs a command in a directory and gives what it prints.
fn run(directory: &Path, environment: &[(&str, &str)], command: &[&str]) -> String {
    let output = output_of(
        Command::new(command[0]).args(&command[1..]).current_dir(directory).envs(environment.iter().copied()),
    );
    String::from_utf8(output).unwrap()
}

fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A program that `tools/requirements.txt` brings.
fn of_python(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/venv/bin").join(name);
    if path.is_file() {
        return Some(path);
    }
    installed(&[name]).then(|| PathBuf::from(name))
}

/// `ecosystem name version` of each package below a directory, installed or asked for, sorted.
fn packages(root: &Path) -> Vec<String> {
    let seen = read_directory(root, EXTRACTORS, &PassOptions::new(std::env::temp_dir()));
    let mut found = Vec::new();
    for facts in seen.facts {
        assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);
        for located in facts.facts {
            if let Fact::Package(package) | Fact::DeclaredPackage(package) = located.fact {
                found.push(format!("{} {} {}", package.ecosystem, package.name, package.version));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn rocks_are_what_luarocks_lists() {
    if !installed(&["luarocks"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rock = "package = 'plimsoll-test'\nversion = '1.2-3'\nsource = { url = 'file:///x' }\nbuild = { type = 'builtin', modules = { x = 'x.lua' } }\n";
    write(folder.path(), &[("plimsoll-test-1.2-3.rockspec", rock), ("x.lua", "return {}\n")]);
    run(folder.path(), &[], &["luarocks", "make", "--tree", "root", "plimsoll-test-1.2-3.rockspec"]);
    let listed = run(folder.path(), &[], &["luarocks", "list", "--tree", "root", "--porcelain"]);
    assert!(listed.starts_with("plimsoll-test\t1.2-3\tinstalled"), "{listed}");
    assert_eq!(packages(&folder.path().join("root")), ["luarocks plimsoll-test 1.2-3"]);
}

#[test]
fn packages_of_a_switch_are_what_opam_lists() {
    if !installed(&["opam"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let about = "opam-version: \"2.0\"\nsynopsis: \"x\"\nmaintainer: \"x\"\n";
    write(
        folder.path(),
        &[
            ("from/repo", "opam-version: \"2.0\"\n"),
            ("from/packages/plimsoll-test/plimsoll-test.1.2~rc1/opam", about),
        ],
    );
    let (root, from) = (folder.path().join("root"), folder.path().join("from"));
    let environment =
        [("OPAMROOT", root.to_str().unwrap()), ("OPAMYES", "1"), ("OPAMROOTISOK", "1"), ("HOME", "/nowhere")];
    let opam = |arguments: &[&str]| run(folder.path(), &environment, &[&["opam"][..], arguments].concat());
    opam(&[
        "init",
        "--bare",
        "--no-setup",
        "--disable-sandboxing",
        "--kind=local",
        "default",
        from.to_str().unwrap(),
    ]);
    opam(&["switch", "create", "test", "--empty"]);
    opam(&["install", "--switch=test", "plimsoll-test"]);
    let listed = opam(&["list", "--switch=test", "--short", "--columns=package"]);
    assert_eq!(listed.trim(), "plimsoll-test.1.2~rc1");
    assert_eq!(packages(&root.join("test")), ["opam plimsoll-test 1.2~rc1"]);
}

#[test]
fn libraries_of_r_are_what_r_lists() {
    if !installed(&["R", "Rscript"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let about = "Package: plimsoll.test\nVersion: 1.2-3\nTitle: X\nDescription: X.\nLicense: MIT\nAuthor: x\nMaintainer: x <x@example.org>\n";
    write(folder.path(), &[("source/DESCRIPTION", about), ("source/NAMESPACE", "")]);
    fs::create_dir(folder.path().join("root")).unwrap();
    run(folder.path(), &[], &["R", "CMD", "INSTALL", "--library=root", "source"]);
    let script = "i <- installed.packages('root'); cat(i[,'Package'], i[,'Version'])";
    assert_eq!(run(folder.path(), &[], &["Rscript", "-e", script]), "plimsoll.test 1.2-3");
    assert_eq!(packages(folder.path()), ["cran plimsoll.test 1.2-3"]);
}

#[test]
fn applications_of_erlang_have_the_versions_that_it_tells() {
    if !installed(&["erl"]) {
        return;
    }
    let script = "io:format(\"~s\", [code:lib_dir()]), [io:format(\"~n~s ~s\", [A, V]) || {A, _, V} <- application:loaded_applications()], halt().";
    let told = run(Path::new("/"), &[], &["erl", "-noshell", "-eval", script]);
    let mut lines = told.lines();
    let found = packages(Path::new(lines.next().unwrap()));
    let applications: Vec<&str> = lines.collect();
    assert!(applications.len() > 1, "{told}");
    for application in applications {
        assert!(found.contains(&format!("otp {application}")), "{application}: {found:?}");
    }
}

#[test]
fn locks_of_conan_hold_what_it_resolved() {
    let Some(conan) = of_python("conan") else { return };
    let folder = tempfile::tempdir().unwrap();
    let recipe = "from conan import ConanFile\nclass Recipe(ConanFile):\n    name = 'plimsoll-test'\n    version = '1.2.3'\n";
    write(
        folder.path(),
        &[
            ("recipe/conanfile.py", recipe),
            ("root/conanfile.txt", "[requires]\nplimsoll-test/[>=1.0]\n"),
            ("profile", "[settings]\nos=Linux\narch=x86_64\n"),
        ],
    );
    let home = folder.path().join("home");
    let environment = [("CONAN_HOME", home.to_str().unwrap())];
    let conan = |arguments: &[&str]| {
        let command = [&[conan.to_str().unwrap()][..], arguments, &["-pr:a", "profile", "-nr"]].concat();
        run(folder.path(), &environment, &command)
    };
    conan(&["create", "recipe"]);
    conan(&["lock", "create", "root"]);
    assert_eq!(packages(&folder.path().join("root")), ["conan plimsoll-test 1.2.3"]);
}

#[test]
fn locks_of_uv_hold_what_it_exports() {
    let Some(uv) = of_python("uv") else { return };
    if !installed(&["python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = "[project]\nname = 'shop'\nversion = '0.1'\nrequires-python = '>=3.8'\ndependencies = ['plimsoll-part']\n";
    let wheel = "import zipfile\n\
        with zipfile.ZipFile('part/plimsoll_part-1.2-py3-none-any.whl', 'w') as wheel:\n\
        \x20   folder = 'plimsoll_part-1.2.dist-info/'\n\
        \x20   wheel.writestr(folder + 'METADATA', 'Metadata-Version: 2.1\\nName: plimsoll-part\\nVersion: 1.2\\n')\n\
        \x20   wheel.writestr(folder + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        \x20   wheel.writestr(folder + 'RECORD', '')\n";
    write(folder.path(), &[("root/pyproject.toml", project), ("part/readme", "")]);
    run(folder.path(), &[], &["python3", "-c", wheel]);
    let part = folder.path().join("part");
    let root = folder.path().join("root");
    let cache = folder.path().join("cache");
    let environment = [("UV_CACHE_DIR", cache.to_str().unwrap()), ("UV_FIND_LINKS", part.to_str().unwrap())];
    let uv = |arguments: &[&str]| {
        let all = [&[uv.to_str().unwrap()][..], arguments, &["--offline", "--no-index"]].concat();
        run(&root, &environment, &all)
    };
    uv(&["lock", "--quiet"]);
    let exported = uv(&["export", "--quiet", "--frozen", "--no-hashes", "--no-emit-project"]);
    assert!(exported.contains("plimsoll-part==1.2"), "{exported}");
    assert_eq!(packages(&root), ["pypi plimsoll-part 1.2"]);
    uv(&["export", "--quiet", "--frozen", "--format=pylock.toml", "--output-file=pylock.toml"]);
    fs::remove_file(root.join("uv.lock")).unwrap();
    assert_eq!(packages(&root), ["pypi plimsoll-part 1.2"]);
}

#[test]
fn executables_tell_their_note_and_their_bill() {
    if !installed(&["gcc", "gzip", "objcopy"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bill = r#"{"bomFormat":"CycloneDX","components":[{"purl":"pkg:maven/org.example/part@1.4"}]}"#;
    write(folder.path(), &[("bill", bill), ("heap", "x")]);
    run(folder.path(), &[], &["gzip", "--no-name", "bill"]);
    let bytes = fs::read(folder.path().join("bill.gz")).unwrap();
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    // As native images have it: two names that the dynamic symbols tell, and a section of their own.
    let program = format!(
        "const unsigned char sbom[] = {{{}}};\nconst unsigned long sbom_length = {};\nint main(void) {{ return 0; }}\n",
        list.join(","),
        bytes.len()
    );
    write(folder.path(), &[("shop.c", &program)]);
    let note = r#"--package-metadata={"type":"deb","os":"debian","name":"shop","version":"1.0-2","architecture":"amd64"}"#;
    run(folder.path(), &[], &["gcc", "-rdynamic", "-Xlinker", note, "-o", "shop", "shop.c"]);
    let add = ["objcopy", "--add-section", ".svm_heap=heap", "--strip-debug", "shop", "root"];
    run(folder.path(), &[], &add);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::copy(folder.path().join("root"), out.join("shop")).unwrap();
    assert_eq!(packages(&out), ["generic shop 1.0-2", "maven org.example:part 1.4"]);
}
