//! What the real tools of the languages make, against what they themselves say of it. A tool that is absent is told
//! and passed over, unless `PLIMSOLL_REQUIRE_TOOLS=1`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_catalog::all::EXTRACTORS;
use plimsoll_catalog::pass::{PassOptions, read_directory};
use plimsoll_model::code::{Code, Name};
use plimsoll_model::evidence::Fact;

/// Tells whether all of `tools` are there; a tool is told by a command that succeeds.
fn present(tools: &[&[&str]]) -> bool {
    for tool in tools {
        let there =
            Command::new(tool[0]).args(&tool[1..]).output().is_ok_and(|output| output.status.success());
        if !there {
            let required = std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "{} is required and absent", tool[0]);
            println!("skipped: no {}", tool[0]);
            return false;
        }
    }
    true
}

/// Runs a command in a directory and gives what it prints.
fn run(directory: &Path, environment: &[(&str, &str)], command: &[&str]) -> String {
    let output = Command::new(command[0])
        .args(&command[1..])
        .current_dir(directory)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// `path!/inside name@version` of each package below a directory; small files in memory, others spooled.
fn packages(root: &Path, in_memory: u64) -> BTreeSet<String> {
    let options = PassOptions { in_memory, ..PassOptions::new(std::env::temp_dir()) };
    let seen = read_directory(root, EXTRACTORS, &options);
    let mut found = BTreeSet::new();
    for facts in seen.facts {
        assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);
        for located in facts.facts {
            let Fact::Package(package) = located.fact else { continue };
            let inside = located.inside.map(|inside| format!("!/{inside}")).unwrap_or_default();
            found.insert(format!("{}{inside} {}@{}", located.path, package.name, package.version));
        }
    }
    found
}

fn set<const N: usize>(items: [&str; N]) -> BTreeSet<String> {
    items.map(str::to_owned).into()
}

/// What `go version -m` says of an executable, as [`packages`] has it.
fn go_says(directory: &Path, name: &str) -> BTreeSet<String> {
    let text = run(directory, &[], &["go", "version", "-m", name]);
    let mut said = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.trim_start().split('\t').collect();
        match fields[..] {
            ["mod" | "dep", path, version, ..] => said.push((path, version)),
            ["=>", path, _, ..] if path.starts_with('.') => said.last_mut().unwrap().1 = "",
            ["=>", path, version, ..] => *said.last_mut().unwrap() = (path, version),
            _ => {}
        }
    }
    let version = text.lines().next().unwrap().rsplit_once(": go").unwrap().1;
    said.push(("stdlib", version.split(' ').next().unwrap()));
    let title = |(path, version): (&str, &str)| format!("{name} {path}@{}", version.replace("(devel)", ""));
    said.into_iter().map(title).collect()
}

/// A name, the environment and the flags of a build.
type Build<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn executables_of_go_give_what_go_itself_reads_from_them() {
    if !present(&[&["go", "version"]]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    // Without the standard library, which would have to be built for each target.
    let main = "package main\nimport (\"example.com/a\"; \"example.com/b\"; \"example.com/c\")\n\
                func main() { println(a.A, b.A, c.A) }\n";
    // Modules from directories, so that no network is needed: as replacements, and vendored under a version.
    write(
        root.path(),
        &[
            (
                "src/go.mod",
                "module example.com/shop\ngo 1.18\nrequire (\n\texample.com/a v1.2.3\n\texample.com/b v0.1.0\n\texample.com/c v2.0.0+incompatible\n)\n\
              replace example.com/b => example.com/b2 v0.2.0\nreplace example.com/c => ../c\n",
            ),
            ("src/main.go", main),
            (
                "src/vendor/modules.txt",
                "# example.com/a v1.2.3\n## explicit\nexample.com/a\n# example.com/b v0.1.0 => example.com/b2 v0.2.0\n## explicit\nexample.com/b\n\
              # example.com/c v2.0.0+incompatible => ../c\n## explicit\nexample.com/c\n# example.com/b => example.com/b2 v0.2.0\n# example.com/c => ../c\n",
            ),
            ("src/vendor/example.com/a/a.go", "package a\nconst A = 1\n"),
            ("src/vendor/example.com/b/b.go", "package b\nconst A = 1\n"),
            ("src/vendor/example.com/c/c.go", "package c\nconst A = 1\n"),
        ],
    );
    let (source, out) = (root.path().join("src"), root.path().join("out"));
    fs::create_dir(&out).unwrap();
    let local = [("GOFLAGS", "-mod=vendor"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")];
    let builds: [Build<'_>; 6] = [
        ("plain", &[], &[]),
        ("stripped", &[], &["-ldflags=-s -w", "-trimpath"]),
        ("position-independent", &[], &["-buildmode=pie"]),
        ("big-endian", &[("GOOS", "linux"), ("GOARCH", "s390x")], &["-ldflags=-s -w"]),
        ("windows.exe", &[("GOOS", "windows"), ("GOARCH", "amd64")], &[]),
        ("darwin", &[("GOOS", "darwin"), ("GOARCH", "arm64")], &["-ldflags=-s -w"]),
    ];
    let mut expected = BTreeSet::new();
    for (name, environment, flags) in builds {
        let target = out.join(name);
        let command = [&["go", "build", "-o", target.to_str().unwrap()], flags, &["."]].concat();
        run(&source, &[&local[..], environment].concat(), &command);
        expected.append(&mut go_says(&out, name));
    }
    assert!(expected.contains("plain example.com/b2@v0.2.0") && expected.contains("darwin example.com/c@"));
    assert_eq!(packages(&out, 8 << 20), expected, "in memory");
    assert_eq!(packages(&out, 0), expected, "spooled");
    // The main package goes by its path, and what was not linked has no name.
    let names = [("example.com/shop#main", true), ("runtime#main", true), ("net/http", false)];
    let all: BTreeSet<String> = builds.iter().map(|(name, ..)| (*name).to_owned()).collect();
    for in_memory in [8 << 20, 0] {
        assert_eq!(programs_of_go(&out, in_memory, &names), all);
    }
    without_section_table(&out.join("plain"));
    assert_eq!(packages(&out, 8 << 20), expected, "without a section table");
    assert_eq!(programs_of_go(&out, 8 << 20, &names), all, "without a section table");
}

/// The programs below a directory whose functions are all known, and that have, or have not, these names.
fn programs_of_go(root: &Path, in_memory: u64, names: &[(&str, bool)]) -> BTreeSet<String> {
    let options = PassOptions { in_memory, ..PassOptions::new(std::env::temp_dir()) };
    let facts = read_directory(root, EXTRACTORS, &options).facts.into_iter().flat_map(|facts| facts.facts);
    let fits = |code: &Code| {
        code.is_whole && names.iter().all(|(name, there)| code.names.contains(Name::of(&[name])) == *there)
    };
    let programs = facts.filter_map(|located| match located.fact {
        Fact::Code(code) => fits(&code).then_some(located.path),
        _ => None,
    });
    programs.collect()
}

/// Forgets the section table, as `sstrip` does.
fn without_section_table(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[40..48].fill(0);
    bytes[60..64].fill(0);
    fs::write(path, bytes).unwrap();
}

#[test]
fn executables_of_cargo_auditable_give_their_crates() {
    if !present(&[&["cargo", "auditable", "--version"]]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            (
                "Cargo.toml",
                "[package]\nname = \"shop\"\nversion = \"0.3.0\"\nedition = \"2021\"\n[dependencies]\na = { path = \"a\" }\n[build-dependencies]\nb = { path = \"b\" }\n[workspace]\n",
            ),
            ("src/main.rs", "fn main() { println!(\"{}\", a::A); }\n"),
            ("build.rs", "fn main() { println!(\"cargo:rerun-if-changed={}\", b::B); }\n"),
            ("a/Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.2.3\"\nedition = \"2021\"\n"),
            ("a/src/lib.rs", "pub const A: u8 = 1;\n"),
            ("b/Cargo.toml", "[package]\nname = \"b\"\nversion = \"4.5.6\"\nedition = \"2021\"\n"),
            ("b/src/lib.rs", "pub const B: &str = \"build.rs\";\n"),
        ],
    );
    run(root.path(), &[("CARGO_TARGET_DIR", "target")], &["cargo", "auditable", "build", "--offline"]);
    let out = root.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::copy(root.path().join("target/debug/shop"), out.join("shop")).unwrap();
    let expected = set(["shop shop@0.3.0", "shop a@1.2.3"]);
    assert_eq!(packages(&out, 64 << 20), expected, "in memory");
    assert_eq!(packages(&out, 0), expected, "spooled");
}

#[test]
fn archives_made_by_the_jar_tool_give_what_lies_in_them() {
    if !present(&[&["jar", "--version"]]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let pom = "#Created by Apache Maven\ngroupId=org.example\nartifactId=library\nversion=1.4.0\n";
    write(
        root.path(),
        &[
            ("library/META-INF/maven/org.example/library/pom.properties", pom),
            ("beans/org/springframework/beans/BeanUtils.class", "no real class"),
            ("beans.txt", "Implementation-Title: spring-beans\nImplementation-Version: 5.3.17\n"),
            ("shop/BOOT-INF/classes/Shop.class", "no real class"),
            (
                "shop/META-INF/maven/org.example/shop/pom.properties",
                "groupId=org.example\nartifactId=shop\nversion=2.0\n",
            ),
            ("ear/readme.txt", "an ear"),
            ("out/readme.txt", "what is looked at"),
        ],
    );
    let at = root.path();
    fs::create_dir_all(at.join("shop/BOOT-INF/lib")).unwrap();
    run(at, &[], &["jar", "cf", "shop/BOOT-INF/lib/library-1.4.0.jar", "-C", "library", "."]);
    run(
        at,
        &[],
        &["jar", "cfm", "shop/BOOT-INF/lib/spring-beans-5.3.17.jar", "beans.txt", "-C", "beans", "."],
    );
    // Spring Boot stores the jars inside, other tools deflate them.
    run(at, &[], &["jar", "cf0", "out/app.jar", "-C", "shop", "."]);
    run(at, &[], &["jar", "cf", "ear/shop.war", "-C", "shop", "."]);
    run(at, &[], &["jar", "cf", "out/all.ear", "-C", "ear", "."]);
    let expected = set([
        "out/app.jar org.example:shop@2.0",
        "out/app.jar!/BOOT-INF/lib/library-1.4.0.jar org.example:library@1.4.0",
        "out/app.jar!/BOOT-INF/lib/spring-beans-5.3.17.jar org.springframework:spring-beans@5.3.17",
        "out/all.ear all@",
        "out/all.ear!/shop.war org.example:shop@2.0",
        "out/all.ear!/shop.war!/BOOT-INF/lib/library-1.4.0.jar org.example:library@1.4.0",
        "out/all.ear!/shop.war!/BOOT-INF/lib/spring-beans-5.3.17.jar org.springframework:spring-beans@5.3.17",
    ]);
    for in_memory in [8 << 20, 0] {
        let mut found = packages(at, in_memory);
        found.retain(|package| package.starts_with("out/"));
        assert_eq!(found, expected);
    }
}

#[test]
fn eggs_zipped_by_python_are_read_in_both_widths() {
    if !present(&[&["python3", "--version"]]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let script = "import zipfile\n\
        for name, wide in (('narrow', False), ('wide', True)):\n\
        \x20   with zipfile.ZipFile(f'out/{name}-1.0-py3.11.egg', 'w', zipfile.ZIP_DEFLATED) as egg:\n\
        \x20       with egg.open('EGG-INFO/PKG-INFO', 'w', force_zip64=wide) as member:\n\
        \x20           member.write(f'Metadata-Version: 1.0\\nName: {name}\\nVersion: 1.0\\n'.encode())\n";
    fs::create_dir(root.path().join("out")).unwrap();
    run(root.path(), &[], &["python3", "-c", script]);
    let expected = set(["out/narrow-1.0-py3.11.egg narrow@1.0", "out/wide-1.0-py3.11.egg wide@1.0"]);
    assert_eq!(packages(root.path(), 8 << 20), expected);
    assert_eq!(packages(root.path(), 0), expected);
}

#[test]
fn gems_installed_by_rubygems_are_what_it_lists() {
    if !present(&[&["gem", "--version"]]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let specification = "Gem::Specification.new do |s|\n  s.name = 'plimsoll-test'\n  s.version = '1.2.0.rc1'\n  s.summary = 'x'\n  s.authors = ['x']\n  s.licenses = ['MIT']\n  s.files = ['lib/x.rb']\nend\n";
    write(folder.path(), &[("x.gemspec", specification), ("lib/x.rb", "")]);
    run(folder.path(), &[], &["gem", "build", "-q", "x.gemspec"]);
    let install = [
        "gem",
        "install",
        "-q",
        "--local",
        "--no-document",
        "--install-dir",
        "root/gems",
        "plimsoll-test-1.2.0.rc1.gem",
    ];
    run(folder.path(), &[], &install);
    let listed = run(
        folder.path(),
        &[("GEM_HOME", "root/gems"), ("GEM_PATH", "root/gems")],
        &["gem", "list", "plimsoll-test"],
    );
    assert!(listed.contains("plimsoll-test (1.2.0.rc1)"), "{listed}");
    let found = packages(&folder.path().join("root"), 1 << 20);
    assert_eq!(found, set(["gems/specifications/plimsoll-test-1.2.0.rc1.gemspec plimsoll-test@1.2.0.rc1"]));
}

#[test]
fn what_composer_installed_is_what_it_shows() {
    if !present(&[&["composer", "--version"]]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let part = r#"{"name":"plimsoll/part","version":"v2.1.0","license":"MIT","type":"library"}"#;
    let project = r#"{"name":"plimsoll/shop","require":{"plimsoll/part":"*"},"repositories":[{"type":"path","url":"../part","options":{"symlink":false}},{"packagist.org":false}]}"#;
    write(folder.path(), &[("part/composer.json", part), ("root/composer.json", project)]);
    let environment = [("COMPOSER_HOME", folder.path().to_str().unwrap()), ("COMPOSER_ALLOW_SUPERUSER", "1")];
    let root = folder.path().join("root");
    run(&root, &environment, &["composer", "install", "--no-interaction", "--quiet"]);
    let shown = run(&root, &environment, &["composer", "show", "--format=json"]);
    assert!(shown.contains("v2.1.0"), "{shown}");
    assert_eq!(packages(&root, 1 << 20), set(["vendor/composer/installed.json plimsoll/part@v2.1.0"]));
}

#[test]
fn what_pacman_installed_is_what_it_lists() {
    if !present(&[&["pacman", "--version"]]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let about = "pkgname = spice\npkgbase = spice\npkgver = 1:1.2-3\npkgdesc = x\nurl = https://example.org\nbuilddate = 1700000000\npackager = x\nsize = 2\narch = any\nlicense = MIT\n";
    write(
        folder.path(),
        &[("package/.PKGINFO", about), ("package/usr/share/spice/x", "x\n"), ("root/var/lib/pacman/x", "")],
    );
    let packed = folder.path().join("package");
    run(
        &packed,
        &[],
        &["tar", "-czf", "../spice-1:1.2-3-any.pkg.tar.gz", "--force-local", ".PKGINFO", "usr"],
    );
    write(folder.path(), &[("pacman.conf", "[options]\nSigLevel = Never\nArchitecture = auto\n")]);
    let root = folder.path().join("root");
    let common = [
        "--config",
        "pacman.conf",
        "--root",
        root.to_str().unwrap(),
        "--dbpath",
        root.join("var/lib/pacman").to_str().unwrap(),
    ]
    .map(str::to_owned);
    let pacman = |arguments: &[&str]| {
        let mut command = vec!["pacman"];
        command.extend(arguments);
        command.extend(common.iter().map(String::as_str));
        run(folder.path(), &[], &command)
    };
    pacman(&["-U", "--noconfirm", "--noscriptlet", "--logfile", "log", "spice-1:1.2-3-any.pkg.tar.gz"]);
    assert_eq!(pacman(&["-Q"]), "spice 1:1.2-3\n");
    let found = packages(&root, 1 << 20);
    assert_eq!(found, set(["var/lib/pacman/local/spice-1:1.2-3/desc spice@1:1.2-3"]));
}
