use plimsoll_model::inventory::{Location, Origin};

use super::*;

/// Packages at their places, and what they need.
#[derive(Default)]
struct Image {
    packages: Vec<InstalledPackage>,
    owned: Vec<Vec<String>>,
    found: Vec<Found>,
}

impl Image {
    /// A package in a file; `inside` may be empty. Needs are `a|b`, what it provides `=c`.
    fn add(&mut self, package: Package, reach: Reach, (path, inside): (&str, &str), words: &[&str]) {
        let inside = Some(inside.to_owned()).filter(|inside| !inside.is_empty());
        let mut needs = Needs::of(&package, reach);
        for word in words {
            match word.strip_prefix('=') {
                Some(name) => needs.provide(name),
                None => needs.need(word.split('|')),
            }
        }
        self.found.push(Found { path: path.into(), inside: inside.clone(), needs });
        self.packages.push(InstalledPackage {
            package,
            locations: vec![Location { path: path.into(), inside, layer: 0 }],
            layer: 0,
            origin: Origin::Unknown,
            owned_by: None,
            file_count: 0,
        });
        self.owned.push(Vec::new());
    }

    /// `NAME VERSION > NAME VERSION` of all relations.
    fn relations(&self) -> Vec<String> {
        let (all, gap) = resolve(&self.packages, &self.owned, &self.found);
        assert_eq!(gap, None);
        let title = |index: u32| {
            let package = &self.packages[index as usize].package;
            format!("{} {}", package.name, package.version)
        };
        all.iter().map(|relation| format!("{} > {}", title(relation.from), title(relation.to))).collect()
    }
}

fn built(ecosystem: Ecosystem, name: &str, architecture: &str) -> Package {
    Package { architecture: Some(architecture.into()), ..Package::new(ecosystem, name, architecture) }
}

#[test]
fn alternatives_and_virtual_packages_are_followed_within_an_architecture() {
    let mut image = Image::default();
    let status = ("var/lib/dpkg/status", "");
    let deb = |name, architecture| built(Ecosystem::Deb, name, architecture);
    image.add(
        deb("app", "amd64"),
        Reach::System,
        status,
        &["libc6", "cron|cron-daemon", "mta", "gone", "app"],
    );
    image.add(deb("app", "i386"), Reach::System, status, &["libc6", "only-amd64"]);
    image.add(deb("libc6", "amd64"), Reach::System, status, &[]);
    image.add(deb("libc6", "i386"), Reach::System, status, &[]);
    image.add(deb("systemd-cron", "all"), Reach::System, status, &["=cron-daemon", "libc6"]);
    image.add(deb("exim4", "amd64"), Reach::System, status, &["=mta"]);
    image.add(deb("only-amd64", "amd64"), Reach::System, status, &[]);
    assert_eq!(
        image.relations(),
        [
            "app amd64 > libc6 amd64",
            "app amd64 > systemd-cron all",
            "app amd64 > exim4 amd64",
            "app i386 > libc6 i386",
            "app i386 > only-amd64 amd64",
            "systemd-cron all > libc6 amd64",
            "systemd-cron all > libc6 i386",
        ]
    );
}

#[test]
fn files_that_rpm_packages_need_are_those_of_whoever_brings_them() {
    let mut image = Image::default();
    let database = ("var/lib/rpm/rpmdb.sqlite", "");
    image.add(
        built(Ecosystem::Rpm, "app", "x"),
        Reach::System,
        database,
        &["/bin/sh", "/usr/sbin/x", "/gone"],
    );
    image.add(built(Ecosystem::Rpm, "bash", "x"), Reach::System, database, &[]);
    image.owned[1] = vec!["usr/bin/sh".into()];
    image.add(built(Ecosystem::Rpm, "tools", "x"), Reach::System, database, &[]);
    image.owned[2] = vec!["usr/sbin/x".into()];
    assert_eq!(image.relations(), ["app x > bash x", "app x > tools x"]);
}

#[test]
fn modules_are_found_as_node_finds_them() {
    let mut image = Image::default();
    let npm = |name, version| Package::new(Ecosystem::Npm, name, version);
    let mut at = |package, path: &str, inside: &str, needs: &[&str]| {
        image.add(package, Reach::Nested, (path, inside), needs);
    };
    at(npm("a", "1"), "srv/node_modules/a/package.json", "", &["b", "@s/c", "debug"]);
    at(npm("b", "1"), "srv/node_modules/b/package.json", "", &[]);
    at(npm("b", "2"), "srv/node_modules/a/node_modules/b/package.json", "", &["@s/c", "a"]);
    at(npm("@s/c", "1"), "srv/node_modules/@s/c/package.json", "", &["b"]);
    at(npm("b", "3"), "opt/node_modules/b/package.json", "", &["a"]);
    at(npm("debug", "1"), "usr/share/nodejs/debug/package.json", "", &["b"]);
    at(npm("l", "1"), "app/package-lock.json", "node_modules/l", &["m", "b"]);
    at(npm("m", "1"), "app/package-lock.json", "node_modules/m", &[]);
    at(npm("m", "2"), "app/package-lock.json", "node_modules/l/node_modules/m", &[]);
    assert_eq!(
        image.relations(),
        [
            "a 1 > b 2",
            "a 1 > @s/c 1",
            "a 1 > debug 1",
            "b 2 > a 1",
            "b 2 > @s/c 1",
            "@s/c 1 > b 1",
            "l 1 > m 2",
        ]
    );
}

#[test]
fn environments_and_lock_files_are_each_their_own_world() {
    let mut image = Image::default();
    let python = |name, version| Package::new(Ecosystem::PyPi, name, version);
    let folder = |folder: &str, name: &str| format!("{folder}/{name}.dist-info/METADATA");
    let venv = "srv/venv/lib/python3.11/site-packages";
    let (system, local) = ("usr/lib/python3/dist-packages", "usr/local/lib/python3.11/site-packages");
    image.add(python("flask", "1"), Reach::Folder, (&folder(venv, "flask-1"), ""), &["Jinja_2", "click"]);
    image.add(python("jinja-2", "1"), Reach::Folder, (&folder(venv, "jinja-1"), ""), &[]);
    image.add(python("jinja-2", "2"), Reach::Folder, (&folder(system, "jinja-2"), ""), &[]);
    image.add(python("click", "8"), Reach::Folder, (&folder(system, "click-8"), ""), &[]);
    image.add(python("rich", "9"), Reach::Folder, (&folder(local, "rich-9"), ""), &["click", "jinja.2"]);
    let gems = "usr/lib/ruby/gems/3.1.0/specifications";
    let gem = |version| Package::new(Ecosystem::Gem, "json", version);
    image.add(gem("2.9.0"), Reach::Folder, (&format!("{gems}/default/json-2.9.0.gemspec"), ""), &[]);
    image.add(gem("2.10.0"), Reach::Folder, (&format!("{gems}/json-2.10.0.gemspec"), ""), &[]);
    let rubocop = Package::new(Ecosystem::Gem, "rubocop", "1");
    image.add(rubocop, Reach::Folder, ("var/lib/gems/3.1.0/specifications/rubocop-1.gemspec", ""), &["json"]);
    let cargo = |name, version| Package::new(Ecosystem::Cargo, name, version);
    image.add(cargo("app", "1"), Reach::File, ("usr/bin/app", ""), &["time 0.1", "rand", "gone 1"]);
    image.add(cargo("time", "0.1"), Reach::File, ("usr/bin/app", ""), &[]);
    image.add(cargo("time", "0.3"), Reach::File, ("usr/bin/app", ""), &[]);
    image.add(cargo("rand", "1"), Reach::File, ("usr/bin/other", ""), &[]);
    assert_eq!(
        image.relations(),
        [
            "flask 1 > jinja-2 1",
            "rich 9 > jinja-2 2",
            "rich 9 > click 8",
            "rubocop 1 > json 2.10.0",
            "app 1 > time 0.1",
        ]
    );
}

/// Ten thousand packages that all stand for one name that all of them need.
#[test]
fn packages_that_all_need_each_other_end_in_a_gap() {
    let mut image = Image::default();
    for number in 0..10_000 {
        let package = built(Ecosystem::Deb, &format!("p{number}"), "all");
        image.add(package, Reach::System, ("var/lib/dpkg/status", ""), &["=all", "all"]);
    }
    let (all, gap) = resolve(&image.packages, &image.owned, &image.found);
    assert!(all.len() <= LOOKS as usize && gap.is_some_and(|gap| gap.kind == GapKind::LimitReached));
}
