use std::collections::BTreeMap;

use super::*;

/// Answers by their addresses.
struct Answers(BTreeMap<String, String>);

impl Answers {
    fn new(answers: &[(&str, &str)]) -> Self {
        Self(answers.iter().map(|(address, text)| ((*address).to_owned(), (*text).to_owned())).collect())
    }
}

impl Registry for Answers {
    fn get(&self, address: &str) -> Result<Vec<u8>, String> {
        let text = self.0.get(address).ok_or_else(|| format!("nothing is at {address}"))?;
        Ok(text.clone().into_bytes())
    }
}

/// Nobody may be asked.
struct Closed;

impl Registry for Closed {
    fn get(&self, _address: &str) -> Result<Vec<u8>, String> {
        Err("nobody may be asked".to_owned())
    }

    fn is_closed(&self) -> bool {
        true
    }
}

fn wish(kind: Kind, name: &str, from: &str, to: &str) -> Raise {
    Raise { ecosystem: kind.ecosystem(), name: name.into(), from: from.into(), to: to.into() }
}

fn texts(all: &[(&str, &str)]) -> Texts {
    all.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn names(contents: &Contents) -> Vec<String> {
    contents.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

#[test]
fn kinds_are_told_by_names() {
    assert_eq!(Kind::of("a/requirements-dev.txt"), Some(Kind::Requirements));
    assert_eq!(Kind::of("Cargo.lock"), Some(Kind::Cargo));
    assert_eq!(Kind::of("my-requirements.txt"), None);
    assert!(is_other("yarn.lock"));
}

const REQUIREMENTS: &str = "# ours\nDjango==3.2.0\r\n  flask [async] == 0.12.2 ; python_version >= '3' # why == 1\n\
    urllib3>=1,==1.24.1\nJinja2 ~= 2.10\n-r other.txt\n./local==1\nx @ https://a/x==1\nsix==1.16.0 \\\n    --hash=sha256:aa \\\n    \
    --hash=sha256:bb\nwild==1.*\nlast==1";

#[test]
fn pinned_requirements_are_read_and_others_are_told() {
    let contents = requirements::read(REQUIREMENTS);
    assert_eq!(names(&contents), ["django 3.2.0", "flask 0.12.2", "six 1.16.0", "last 1"]);
    assert_eq!(contents.open, ["urllib3", "jinja2", "wild"]);
}

#[test]
fn a_requirement_is_raised_with_its_hashes_and_nothing_else_changes() {
    let mut all = texts(&[("requirements.txt", REQUIREMENTS)]);
    let (digest, other) = ("c".repeat(64), "d".repeat(64));
    let page = format!(
        "<a href=\"x#sha256={digest}\">six-1.17.0-py3-none-any.whl</a> <a href=\"y#sha256={other}\" data-x=\"1\">six-1.17.0.tar.gz</a>\
         <a href=\"z#sha256={digest}\">six-1.17.1.tar.gz</a> <a href=\"z#sha256=zz\">six-1.17.0.zip</a>"
    );
    let index = Answers::new(&[("https://pypi.org/simple/six/", &page)]);
    let kind = Kind::Requirements;
    raise(kind, "requirements.txt", &wish(kind, "Six", "1.16.0", "1.17"), &mut all, &index).unwrap();
    let flask = wish(kind, "Flask", "0.12.2", "0.12.3");
    raise(kind, "requirements.txt", &flask, &mut all, &Closed).unwrap();
    let expected = REQUIREMENTS
        .replace("six==1.16.0", "six==1.17")
        .replace("0.12.2", "0.12.3")
        .replace("--hash=sha256:aa", &format!("--hash=sha256:{digest}"))
        .replace("--hash=sha256:bb", &format!("--hash=sha256:{other}"));
    assert_eq!(all["requirements.txt"], expected);
    let unknown = raise(kind, "requirements.txt", &wish(kind, "six", "1.17", "9"), &mut all, &index);
    assert_eq!(unknown, Err(Refused::Unknown("six".into(), "9".into())));
    let absent = raise(kind, "requirements.txt", &wish(kind, "urllib3", "1.24.1", "2"), &mut all, &index);
    assert_eq!(absent, Err(Refused::Absent("urllib3".into(), "1.24.1".into())));
    assert_eq!(all["requirements.txt"], expected, "what is refused changes nothing");
}

#[test]
fn a_requirement_that_others_do_not_take_stays() {
    let kind = Kind::Requirements;
    let file = |name: &str, version: &str| {
        let digest = "e".repeat(64);
        format!(
            "<a href=\"../../p/{name}-{version}.whl#sha256={digest}\">{name}-{version}-py3-none-any.whl</a>"
        )
    };
    let index = |name: &str| format!("https://pypi.org/simple/{name}/");
    let metadata = |name: &str| format!("https://pypi.org/p/{name}.whl.metadata");
    let flask = format!("{}{}", file("flask", "2"), file("flask", "3"));
    let answers = Answers::new(&[
        (&index("flask"), &flask),
        (&index("jinja2"), &(file("jinja2", "2.10") + &file("jinja2", "3.1"))),
        (&index("other"), &file("other", "1")),
        (&metadata("flask-2"), "Name: flask\nRequires-Dist: Jinja2 (>=2)\n"),
        (
            &metadata("flask-3"),
            "Name: flask\nRequires-Dist: Jinja2>=3.0\nRequires-Dist: z; extra == 'z'\n\nRequires-Dist: other<1\n",
        ),
        (&metadata("other-1"), "Requires-Dist: jinja2<3.1\n"),
    ]);
    let mut all = texts(&[("requirements.txt", "flask==2\nJinja2==2.10\nother==1\n")]);
    let refused = |name: &str, from: &str, to: &str, all: &mut Texts| {
        raise(kind, "requirements.txt", &wish(kind, name, from, to), all, &answers).unwrap_err().to_string()
    };
    assert_eq!(
        refused("flask", "2", "3", &mut all),
        "flask 3 needs jinja2 >=3.0, which the file does not have"
    );
    assert_eq!(refused("jinja2", "2.10", "3.1", &mut all), "other asks for jinja2 <3.1");
    assert!(refused("jinja2", "2.10", "9", &mut all).contains("has no jinja2 9"));
    let mut alone = texts(&[("requirements.txt", "flask==2\nJinja2==2.10\n")]);
    raise(kind, "requirements.txt", &wish(kind, "jinja2", "2.10", "3.1"), &mut alone, &answers).unwrap();
    raise(kind, "requirements.txt", &wish(kind, "flask", "2", "3"), &mut alone, &answers).unwrap();
    assert_eq!(alone["requirements.txt"], "flask==3\nJinja2==3.1\n");
}

const PACKAGE: &str = "{\n  \"dependencies\": {\n    \"a\": \"^1.0.0\",\n    \"b\": \"1.0.0\"\n  }\n}\n";
const LOCK: &str = r#"{
  "name": "x",
  "lockfileVersion": 3,
  "packages": {
    "": {
      "dependencies": {
        "a": "^1.0.0",
        "b": "1.0.0"
      }
    },
    "node_modules/a": {
      "version": "1.0.0",
      "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz",
      "integrity": "sha512-old",
      "dependencies": {
        "b": "~1.0.0"
      }
    },
    "node_modules/b": {
      "version": "1.0.0",
      "resolved": "https://registry.npmjs.org/b/-/b-1.0.0.tgz",
      "integrity": "sha512-b"
    }
  }
}
"#;

fn npm_answers() -> Answers {
    let version = |name: &str, version: &str, more: &str| {
        format!(
            r#""{version}": {{ "dist": {{ "tarball": "https://registry.npmjs.org/{name}/-/{name}-{version}.tgz",
            "integrity": "sha512-{version}" }}, {more} "license": "MIT" }}"#
        )
    };
    let a = [
        version(
            "a",
            "1.0.1",
            r#""dependencies": { "b": "^1.0.0" }, "bin": "a.js", "scripts": { "install": "x" },"#,
        ),
        version("a", "1.2.0", r#""dependencies": { "c": "^1.0.0" },"#),
        version("a", "2.0.0", r#""dependencies": { "b": "^1.0.0" },"#),
    ];
    let b = [version("b", "1.0.5", ""), version("b", "1.1.0", "")];
    let all = |versions: &[String]| format!("{{ \"versions\": {{ {} }} }}", versions.join(","));
    Answers::new(&[("https://registry.npmjs.org/a", &all(&a)), ("https://registry.npmjs.org/b", &all(&b))])
}

#[test]
fn an_entry_of_npm_gets_what_the_registry_says() {
    let kind = Kind::Npm;
    let mut all = texts(&[("f/package-lock.json", LOCK), ("f/package.json", PACKAGE)]);
    let contents = read(kind, "package-lock.json", LOCK).unwrap();
    assert_eq!(names(&contents), ["a 1.0.0", "b 1.0.0"]);
    assert_eq!(contents.packages[0].needs, [1]);
    raise(kind, "f/package-lock.json", &wish(kind, "a", "1.0.0", "1.0.1"), &mut all, &npm_answers()).unwrap();
    let entry = r#"    "node_modules/a": {
      "version": "1.0.1",
      "resolved": "https://registry.npmjs.org/a/-/a-1.0.1.tgz",
      "integrity": "sha512-1.0.1",
      "hasInstallScript": true,
      "license": "MIT",
      "dependencies": {
        "b": "^1.0.0"
      },
      "bin": {
        "a": "a.js"
      }
    },
"#;
    assert!(all["f/package-lock.json"].contains(entry), "{}", all["f/package-lock.json"]);
    assert_eq!(all["f/package.json"], PACKAGE);
    raise(kind, "f/package-lock.json", &wish(kind, "b", "1.0.0", "1.0.5"), &mut all, &npm_answers()).unwrap();
    assert_eq!(all["f/package.json"], PACKAGE.replace("\"b\": \"1.0.0\"", "\"b\": \"1.0.5\""));
    assert!(all["f/package-lock.json"].contains("        \"b\": \"1.0.5\"\n      }\n    },\n"));
}

#[test]
fn what_npm_would_decide_anew_is_refused() {
    let kind = Kind::Npm;
    let mut all = texts(&[("package-lock.json", LOCK), ("package.json", PACKAGE)]);
    let mut refused = |name: &str, to: &str| {
        raise(kind, "package-lock.json", &wish(kind, name, "1.0.0", to), &mut all, &npm_answers())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused("a", "1.2.0"), "a 1.2.0 needs c ^1.0.0, which the file does not have");
    assert_eq!(refused("b", "1.1.0"), "node_modules/a asks for b ~1.0.0");
    assert_eq!(refused("a", "9.0.0"), "the registry has no a 9.0.0");
    let old = r#"{ "lockfileVersion": 1, "dependencies": {} }"#;
    assert!(matches!(read(kind, "package-lock.json", old), Err(Refused::Form(_))));
}

const CARGO_LOCK: &str = r#"version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "h 1.0.0",
 "h 2.0.0",
]

[[package]]
name = "h"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
dependencies = [
 "k",
]

[[package]]
name = "h"
version = "2.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

[[package]]
name = "k"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
"#;

#[test]
fn a_crate_gets_the_checksum_of_the_index() {
    let kind = Kind::Cargo;
    let digest = "d".repeat(64);
    let line = |version: &str, deps: &str| {
        format!(
            r#"{{"name":"h","vers":"{version}","deps":[{deps}],"cksum":"{digest}","features":{{}},"yanked":false}}"#
        )
    };
    let need = |name: &str, req: &str| {
        format!(
            r#"{{"name":"{name}","req":"{req}","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"}}"#
        )
    };
    let index = [
        line("1.0.0", &need("k", "^1")),
        line("1.0.1", &need("k", "^1.0.0")),
        line("1.0.2", &need("k", "^1.5")),
        line("1.0.3", &format!("{},{}", need("k", "^1"), need("m", "^1"))),
        line("3.0.0", &need("k", "^1")),
    ];
    let answers = Answers::new(&[("https://index.crates.io/1/h", &index.join("\n"))]);
    let manifest =
        "[package]\nname = \"app\"\n[dependencies]\nh = \"1\"\nh2 = { package = \"h\", version = \"2\" }\n";
    let mut all = texts(&[("Cargo.lock", CARGO_LOCK), ("Cargo.toml", manifest)]);
    let contents = read(kind, "Cargo.lock", CARGO_LOCK).unwrap();
    assert_eq!(names(&contents), ["h 1.0.0", "h 2.0.0", "k 1.0.0"]);
    assert_eq!(contents.packages[0].needs, [2]);
    let refused = |to: &str, all: &mut Texts| {
        raise(kind, "Cargo.lock", &wish(kind, "h", "1.0.0", to), all, &answers).unwrap_err().to_string()
    };
    assert_eq!(refused("1.0.2", &mut all), "h 1.0.2 needs k ^1.5, which the file does not have");
    assert_eq!(refused("1.0.3", &mut all), "h 1.0.3 needs m ^1, which the file does not have");
    assert!(refused("3.0.0", &mut all).contains("another version"));
    for below in ["~1.0.0, <1.0.1", ">=1, <=1.0.0"] {
        let strict = manifest.replace("h = \"1\"", &format!("h = \"{below}\""));
        let mut strict = texts(&[("Cargo.lock", CARGO_LOCK), ("Cargo.toml", &strict)]);
        assert_eq!(refused("1.0.1", &mut strict), format!("app asks for h {below}"));
    }
    for pin in ["h = \"=1.0.0\"", "h = { version = '= 1.0.0' } # =1.0.0"] {
        let pinned = manifest.replace("h = \"1\"", pin);
        let mut pinned_texts = texts(&[("Cargo.lock", CARGO_LOCK), ("Cargo.toml", &pinned)]);
        raise(kind, "Cargo.lock", &wish(kind, "h", "1.0.0", "1.0.1"), &mut pinned_texts, &answers).unwrap();
        assert_eq!(pinned_texts["Cargo.toml"], pinned.replacen("1.0.0", "1.0.1", 1));
    }
    raise(kind, "Cargo.lock", &wish(kind, "h", "1.0.0", "1.0.1"), &mut all, &answers).unwrap();
    let expected = CARGO_LOCK
        .replace("\"h 1.0.0\"", "\"h 1.0.1\"")
        .replace("name = \"h\"\nversion = \"1.0.0\"", "name = \"h\"\nversion = \"1.0.1\"")
        .replace(&"a".repeat(64), &digest);
    assert_eq!(all["Cargo.lock"], expected);
}

#[test]
fn a_module_gets_the_hashes_of_the_checksum_database() {
    let kind = Kind::Go;
    let own = "module x\n\ngo 1.21\n\nrequire (\n\texample.org/A v1.0.0 // ours\n\texample.org/b v1.1.0\n)\n\nreplace example.org/b => ../b\n";
    let sums = "example.org/A v1.0.0 h1:old=\nexample.org/A v1.0.0/go.mod h1:old=\n";
    let mod_of = |version: &str| format!("https://proxy.golang.org/example.org/!a/@v/{version}.mod");
    let answers = Answers::new(&[
        (&mod_of("v1.0.0"), "module example.org/A\nrequire example.org/c v1.0.0\n"),
        (
            &mod_of("v1.0.1"),
            "module example.org/A\ngo 1.20\nrequire (\n example.org/c v1.0.0\n example.org/b v1.0.0\n)\n",
        ),
        (&mod_of("v1.0.2"), "module example.org/A\nrequire example.org/c v1.0.1\n"),
        (&mod_of("v1.0.3"), "module example.org/A\ngo 1.30\n"),
        (
            "https://sum.golang.org/lookup/example.org/!a@v1.0.1",
            "7\nexample.org/A v1.0.1 h1:new=\nexample.org/A v1.0.1/go.mod h1:newer=\n\ngo.sum database tree\n",
        ),
    ]);
    assert_eq!(names(&read(kind, "go.mod", own).unwrap()), ["example.org/A v1.0.0"]);
    let mut all = texts(&[("go.mod", own), ("go.sum", sums)]);
    let refused = |to: &str, all: &mut Texts| {
        raise(kind, "go.mod", &wish(kind, "example.org/A", "v1.0.0", to), all, &answers)
            .unwrap_err()
            .to_string()
    };
    assert!(refused("1.0.2", &mut all).contains("needs example.org/c v1.0.1"));
    assert!(refused("1.0.3", &mut all).contains("needs go 1.30"));
    raise(kind, "go.mod", &wish(kind, "example.org/A", "v1.0.0", "1.0.1"), &mut all, &answers).unwrap();
    assert_eq!(all["go.mod"], own.replace("v1.0.0", "v1.0.1"));
    let expected = format!("example.org/A v1.0.1 h1:new=\nexample.org/A v1.0.1/go.mod h1:newer=\n{sums}");
    assert_eq!(all["go.sum"], expected);
}

#[test]
fn hostile_files_and_answers_end_in_words() {
    let hostile = [
        "",
        "\\",
        "\\\n",
        "a==",
        "[[package]]",
        "{\"packages\":{\"\":1}}",
        "require (",
        "a[==1",
        "==1",
        "\u{0}",
    ];
    for kind in [Kind::Cargo, Kind::Go, Kind::Npm, Kind::Requirements] {
        for text in hostile {
            let mut all =
                texts(&[("f", text), ("package.json", text), ("go.sum", text), ("Cargo.toml", text)]);
            let before = all.clone();
            drop(read(kind, "f", text));
            assert!(raise(kind, "f", &wish(kind, "a", "1", "2"), &mut all, &Answers::new(&[])).is_err());
            assert_eq!(all, before);
        }
    }
    let mut all = texts(&[("package-lock.json", LOCK), ("package.json", PACKAGE)]);
    let answers =
        ["", "[]", "{\"versions\":{\"1.0.1\":1}}", "{\"versions\":{\"1.0.1\":{\"dist\":{\"integrity\":1}}}}"];
    for answer in answers {
        let registry = Answers::new(&[("https://registry.npmjs.org/a", answer)]);
        let wish = wish(Kind::Npm, "a", "1.0.0", "1.0.1");
        assert!(raise(Kind::Npm, "package-lock.json", &wish, &mut all, &registry).is_err(), "{answer}");
    }
}
