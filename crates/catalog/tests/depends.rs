//! Which package needs which, held against what the package managers themselves say of it. A tool that is absent is told
//! and passed over, unless `PLIMSOLL_REQUIRE_TOOLS=1`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test reads its own files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_catalog::all::EXTRACTORS;
use plimsoll_catalog::overlay::merge;
use plimsoll_catalog::pass::{PassOptions, read_directory};
use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::evidence::LayerEvidence;
use plimsoll_model::inventory::Origin;
use plimsoll_model::package::Ecosystem;
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::Value;

/// `NAME > NAME` of all relations between packages of an ecosystem below `root`, each as `title` has it.
fn relations(root: &Path, ecosystem: Ecosystem, title: impl Fn(&str, &str) -> String) -> BTreeSet<String> {
    let seen = read_directory(root, EXTRACTORS, &PassOptions::new(std::env::temp_dir()));
    let diff_id = DiffId(Digest::of(b""));
    let layer =
        LayerEvidence { diff_id, plain_size: 0, entries: seen.entries, facts: seen.facts, gaps: seen.gaps };
    let merged = merge(&[layer], &[Origin::Unknown]);
    let packages: Vec<_> = merged.inventory.packages.iter().map(|installed| &installed.package).collect();
    let named = |index: u32| {
        let package = packages[index as usize];
        (package.ecosystem == ecosystem).then(|| title(&package.name, &package.version))
    };
    let all = merged.dependencies.iter();
    all.filter_map(|relation| Some(format!("{} > {}", named(relation.from)?, named(relation.to)?))).collect()
}

fn text_of(command: &mut Command) -> String {
    String::from_utf8(output_of(command)).unwrap()
}

/// Below each package, apt names what it needs (`  Depends: x`, ` |Depends: y`) and, farther in, what stands for that.
fn of_apt(text: &str) -> BTreeSet<String> {
    let mut relations = BTreeSet::new();
    let mut package = "";
    for line in text.lines() {
        let words = line.trim_start_matches([' ', '|']);
        let needed = match words.split_once(": ") {
            Some(("Depends" | "PreDepends", needed)) => needed,
            None if line.starts_with("    ") => words,
            None if !line.starts_with(' ') => {
                package = words;
                continue;
            }
            _ => panic!("{line}"),
        };
        if !needed.starts_with('<') && needed != package {
            relations.insert(format!("{package} > {needed}"));
        }
    }
    relations
}

#[test]
fn debian_packages_need_what_apt_says() {
    let status = Path::new("/var/lib/dpkg/status");
    if !installed(&["apt-cache", "dpkg-query"]) || !status.is_file() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("var/lib/dpkg")).unwrap();
    fs::copy(status, root.path().join("var/lib/dpkg/status")).unwrap();
    let format = "-f=${db:Status-Status} ${Package}\n";
    let all = text_of(Command::new("dpkg-query").args(["-W", format]));
    let names = all.lines().filter_map(|line| line.strip_prefix("installed "));
    // Without lists apt knows only what is installed.
    let lists = format!("Dir::State::lists={}", root.path().display());
    let mut apt = Command::new("apt-cache");
    apt.args(["depends", "--no-recommends", "--no-suggests", "--no-conflicts"]);
    apt.args(["--no-breaks", "--no-replaces", "--no-enhances", "-o", &lists]).args(names);
    let said = of_apt(&text_of(&mut apt));
    let found = relations(root.path(), Ecosystem::Deb, |name, _| name.to_owned());
    assert!(said.len() > 100, "{}", said.len());
    let differing: Vec<&String> = found.symmetric_difference(&said).collect();
    assert_eq!(differing, Vec::<&String>::new());
}

/// Asks `packaging`, which pip brings along, what holds here.
const PYTHON: &str = r#"
import importlib.metadata as metadata, re, sys
from pip._vendor.packaging.requirements import Requirement
normal = lambda name: re.sub(r"[-_.]+", "-", name).lower()
all = {normal(one.metadata["Name"]): one for one in metadata.distributions(path=[sys.argv[1]])}
for name, one in all.items():
    for wish in map(Requirement, one.requires or []):
        if wish.marker is None or wish.marker.evaluate({"extra": ""}):
            if normal(wish.name) in all and normal(wish.name) != name:
                print(name, ">", normal(wish.name))
"#;

#[test]
fn python_distributions_need_what_packaging_says() {
    if !installed(&["python3", "pip3"]) {
        return;
    }
    let paths = "import pip, os, sys; print('%d.%d' % sys.version_info[:2]); print(os.path.dirname(os.path.dirname(pip.__file__)))";
    let told = text_of(Command::new("python3").args(["-c", paths]));
    let (version, packages) = told.trim().split_once('\n').unwrap();
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join(format!("usr/lib/python{version}/site-packages"));
    let metadata = |name: &str, text: String| {
        let folder = here.join(format!("{name}.dist-info"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("METADATA"), text).unwrap();
    };
    for entry in fs::read_dir(packages).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".dist-info")
            && let Ok(text) = fs::read_to_string(entry.path().join("METADATA"))
        {
            metadata(name, text);
        }
    }
    let wishes = [
        "One.Two>=1",
        "three; python_version < '3'",
        "four (>=1); python_version >= '3.6' and sys_platform == 'linux'",
        "five; os_name == 'nt' or (platform_system == 'Linux' and implementation_name == 'cpython')",
        "six; extra == 'x'",
        "seven[x] ; python_full_version > '3.0'",
        "eight; 'win' in sys_platform",
        "nine; python_version not in '2.7, 3.1'",
    ];
    let all: String = wishes.map(|wish| format!("Requires-Dist: {wish}\n")).concat();
    metadata("zero-1", format!("Metadata-Version: 2.1\nName: zero\nVersion: 1\n{all}\n"));
    for name in ["one_two", "three", "four", "five", "six", "seven", "eight", "nine"] {
        metadata(&format!("{name}-1"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"));
    }
    let said = text_of(Command::new("python3").args(["-c", PYTHON]).arg(&here));
    let said: BTreeSet<String> = said.lines().map(str::to_owned).collect();
    let normal = |name: &str, _: &str| name.to_lowercase().replace(['_', '.'], "-");
    assert!(said.len() >= 5, "{said:?}");
    assert_eq!(relations(root.path(), Ecosystem::PyPi, normal), said);
}

/// `NAME@VERSION > NAME@VERSION` in the tree that npm prints.
fn of_npm(package: &Value, title: Option<&str>, relations: &mut BTreeSet<String>) {
    let dependencies = package["dependencies"].as_object();
    for (name, inner) in dependencies.into_iter().flatten().filter(|(_, inner)| inner["version"].is_string())
    {
        let own = format!("{name}@{}", inner["version"].as_str().unwrap());
        relations.extend(title.map(|title| format!("{title} > {own}")));
        of_npm(inner, Some(&own), relations);
    }
}

#[test]
fn node_modules_need_what_npm_says() {
    if !installed(&["node", "npm"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| root.path().join(name);
    let npm = |place: &Path, arguments: &[&str]| {
        let mut npm = Command::new("npm");
        npm.current_dir(place).env("npm_config_cache", folder("cache")).env("npm_config_offline", "true");
        text_of(npm.args(["--no-audit", "--no-fund", "--no-update-notifier"]).args(arguments))
    };
    let tarball = |name: &str| format!("file:{}", folder(&format!("{name}.tgz")).display());
    let wishes = |names: &[(&str, &str)]| -> BTreeMap<String, String> {
        names.iter().map(|(name, file)| ((*name).to_owned(), tarball(file))).collect()
    };
    let make = |place: &str, name: &str, version: &str, needs: &[(&str, &str)], optional: &[(&str, &str)]| {
        fs::create_dir_all(folder(place)).unwrap();
        let document = serde_json::json!({
            "name": name, "version": version, "dependencies": wishes(needs), "optionalDependencies": wishes(optional),
        });
        fs::write(folder(place).join("package.json"), document.to_string()).unwrap();
    };
    for (place, version) in [("c1", "1.0.0"), ("c2", "2.0.0")] {
        make(place, "@s/c", version, &[], &[]);
    }
    make("b", "b", "1.0.0", &[("@s/c", "c2")], &[]);
    make("a", "a", "1.0.0", &[("b", "b"), ("@s/c", "c1")], &[("d", "d")]);
    make("d", "d", "3.0.0", &[("@s/c", "c2")], &[]);
    for place in ["c1", "c2", "d", "b", "a"] {
        let made = npm(&folder(place), &["pack", "--silent"]);
        fs::rename(folder(place).join(made.trim()), folder(&format!("{place}.tgz"))).unwrap();
        fs::remove_dir_all(folder(place)).unwrap();
    }
    make("app", "app", "1.0.0", &[("a", "a"), ("@s/c", "c1")], &[]);
    npm(&folder("app"), &["install"]);
    let tree: Value = serde_json::from_str(&npm(&folder("app"), &["ls", "--all", "--json"])).unwrap();
    let mut said = BTreeSet::new();
    of_npm(&tree, None, &mut said);
    let title = |name: &str, version: &str| format!("{name}@{version}");
    assert_eq!(said.len(), 5, "{said:?}");
    assert_eq!(relations(&folder("app"), Ecosystem::Npm, title), said);
    // The lock file alone tells the same.
    fs::remove_dir_all(folder("app").join("node_modules")).unwrap();
    assert_eq!(relations(&folder("app"), Ecosystem::Npm, title), said);
}

/// The folder of shared images: said by the environment, or beside the repository.
fn images() -> Option<PathBuf> {
    let told = std::env::var_os("PLIMSOLL_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("../shared"));
    told.into_iter().chain(beside).map(|folder| folder.join("images")).find(|folder| folder.is_dir())
}

/// What rpm lists of all packages: their names, each with each value of a tag.
fn of_rpm(database: &Path, tag: &str) -> Vec<(String, String)> {
    let mut rpm = Command::new("rpm");
    rpm.args(["--nosignature", "-D", "_db_backend sqlite", "--dbpath"]).arg(database);
    let text = text_of(rpm.args(["-qa", "--qf", &format!("[%{{=NAME}}\t%{{{tag}}}\n]")]));
    text.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn rpm_packages_need_what_rpm_lists() {
    let Some(images) = images().filter(|_| installed(&["rpm", "tar"])) else {
        println!("skipped: no rpm, or no shared images");
        return;
    };
    // In the other shared image that this rpm reads, packages say nothing of what they require.
    let (image, file) = ("rpm-mariner2-sqlite", "var/lib/rpm/rpmdb.sqlite");
    let root = tempfile::tempdir().unwrap();
    for blob in fs::read_dir(images.join(image).join("blobs/sha256")).unwrap() {
        // Blobs that are no layers, and layers without it.
        let mut tar = Command::new("tar");
        drop(tar.arg("-xzf").arg(blob.unwrap().path()).arg("-C").arg(root.path()).arg(file).output());
    }
    let database = root.path().join(file);
    let list = |tag: &str| of_rpm(database.parent().unwrap(), tag);
    let mut providers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (package, name) in list("PROVIDENAME").into_iter().chain(list("FILENAMES")) {
        providers.entry(name).or_default().insert(package);
    }
    let mut said = BTreeSet::new();
    for (package, name) in list("REQUIRENAME") {
        let all = providers.get(&name).filter(|all| !name.starts_with("rpmlib(") && !all.contains(&package));
        said.extend(all.into_iter().flatten().map(|provider| format!("{package} > {provider}")));
    }
    assert!(said.len() > 100, "{image}: {}", said.len());
    let found = relations(root.path(), Ecosystem::Rpm, |name, _| name.to_owned());
    let differing: Vec<&String> = found.symmetric_difference(&said).collect();
    assert_eq!(differing, Vec::<&String>::new(), "{image}");
}
