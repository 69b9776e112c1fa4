//! Vulnerable functions looked for among those that programs hold.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod support;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::matching::match_contents;
use plimsoll_model::code::{Code, LazyCode, LocatedCode, Name, Names};
use plimsoll_model::finding::Finding;
use plimsoll_model::inventory::{Inventory, Location};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::reachability::{Basis, Reach, Reachability};
use support::{database, inventory, package, vulnerability};

/// An advisory about all versions of a package below 9, that says this of its code.
fn advisory(id: &str, aliases: &[&str], ecosystem: &str, name: &str, specific: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-02-03T00:00:00Z","aliases":{aliases:?},
        "affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},
        "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"9.0.0"}}]}}],
        "ecosystem_specific":{specific}}}]}}"#
    )
}

fn code(path: &str, ecosystem: Ecosystem, is_whole: bool, names: &[&str]) -> LocatedCode {
    let names = Names::from_iter(names.iter().map(|name| Name::of(&[name])));
    let location = Location { path: path.into(), inside: None, layer: 0 };
    LocatedCode { location, code: Code { ecosystem, is_whole, names } }
}

fn findings(inventory: &Inventory, code: Vec<LocatedCode>, database: &Database) -> Vec<Finding> {
    match_contents(inventory, &LazyCode::new(|| code), &[database]).findings
}

/// What is said of the one vulnerability of a package in a program.
fn told(specific: &str, program: Option<(bool, &[&str])>) -> Reachability {
    let database = database(&[("a.json", &advisory("GO-2099-0001", &[], "Go", "a.org/m", specific))]);
    let inventory = inventory(None, vec![package(Ecosystem::Go, "a.org/m", "v1.0.0")]);
    let program = program.map(|(is_whole, names)| code("some/evidence", Ecosystem::Go, is_whole, names));
    let found = findings(&inventory, program.into_iter().collect(), &database);
    vulnerability(&found[0]).reachability.clone().unwrap()
}

const FUNCTIONS: &str = r#"{"imports":[{"path":"a.org/m/p","symbols":["F","T.M","init#1"]}]}"#;

#[test]
fn each_state_has_its_reason() {
    let module = ["runtime#main", "a.org/m", "a.org/m/p", "a.org/m/p#G"];
    let linked = ["runtime#main", "a.org/m", "a.org/m/p", "a.org/m/p#T.M"];
    let other = ["runtime#main"];
    let package = r#"{"imports":[{"path":"a.org/m/p"}]}"#;
    for (specific, program, expected) in [
        (FUNCTIONS, Some((true, &linked[..])), Basis::FunctionLinked),
        (FUNCTIONS, Some((false, &linked[..])), Basis::FunctionLinked),
        (FUNCTIONS, Some((true, &module[..])), Basis::NoFunctionLinked),
        (FUNCTIONS, Some((true, &other[..])), Basis::NoFunctionLinked),
        (FUNCTIONS, Some((false, &module[..])), Basis::NamesIncomplete),
        (FUNCTIONS, Some((false, &other[..])), Basis::NothingSeen),
        (FUNCTIONS, None, Basis::NoNames),
        (package, Some((true, &module[..])), Basis::PackageLinked),
        (package, Some((true, &other[..])), Basis::NoFunctionLinked),
        ("{}", Some((true, &module[..])), Basis::PackageLinked),
        ("{}", Some((true, &other[..])), Basis::NoPackageLinked),
        ("{}", Some((false, &other[..])), Basis::NothingSeen),
        ("{}", None, Basis::NoNames),
    ] {
        let told = told(specific, program);
        assert_eq!((told.basis, told.state), (expected, expected.state()), "{specific} {program:?}");
    }
    let told = told(FUNCTIONS, Some((true, &["a.org/m/p#T.M", "a.org/m/p#init"])));
    assert_eq!(told.seen, ["a.org/m/p#T.M", "a.org/m/p#init#1"]);
    assert_eq!((told.seen_count, told.sought_count, told.sought.len()), (2, 3, 3));
}

#[test]
fn of_many_functions_ten_are_listed_and_all_counted() {
    let symbols: Vec<String> = (0..25).map(|n| format!("F{n:02}")).collect();
    let specific = format!(r#"{{"imports":[{{"path":"a.org/m","symbols":{symbols:?}}}]}}"#);
    let names: Vec<String> = symbols.iter().map(|symbol| format!("a.org/m#{symbol}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = told(&specific, Some((true, &names)));
    assert_eq!((told.seen.len(), told.seen_count, told.sought.len(), told.sought_count), (10, 25, 10, 25));
    assert_eq!(told.seen[9], "a.org/m#F09");
}

#[test]
fn the_worst_place_counts_and_what_is_absent_comes_last() {
    // The functions are in one feed, the severities in another.
    let rated = |id: &str, alias: &str| {
        advisory(id, &[alias], "Go", "a.org/m", "{}")
            .replace(r#""affected""#, r#""database_specific":{"severity":"HIGH"},"affected""#)
    };
    let of = |function: &str| format!(r#"{{"imports":[{{"path":"a.org/m","symbols":["{function}"]}}]}}"#);
    let database = database(&[
        ("1.json", &advisory("GO-2099-0001", &["CVE-2099-1"], "Go", "a.org/m", &of("Gone"))),
        ("2.json", &advisory("GO-2099-0002", &["CVE-2099-2"], "Go", "a.org/m", &of("There"))),
        ("3.json", &rated("GHSA-2222-2222-2222", "CVE-2099-1")),
        ("4.json", &rated("GHSA-2222-2222-2223", "CVE-2099-2")),
    ]);
    let mut inventory = inventory(None, vec![package(Ecosystem::Go, "a.org/m", "v1.0.0")]);
    let place = |path: &str| Location { path: path.into(), inside: None, layer: 0 };
    inventory.packages[0].locations = vec![place("bin/a"), place("bin/b")];
    let program = |path: &str, names: &[&str]| code(path, Ecosystem::Go, true, names);
    let states = |code: Vec<LocatedCode>| -> Vec<(String, Reach)> {
        let state = |finding: &Finding| vulnerability(finding).reachability.as_ref().unwrap().state;
        findings(&inventory, code, &database).iter().map(|f| (f.id.clone(), state(f))).collect()
    };
    let both = vec![program("bin/a", &["a.org/m"]), program("bin/b", &["a.org/m", "a.org/m#There"])];
    let expected = [("CVE-2099-2".to_owned(), Reach::Reachable), ("CVE-2099-1".to_owned(), Reach::Absent)];
    assert_eq!(states(both), expected);
    // Of one of the programs nothing is known.
    let one = vec![program("bin/a", &["a.org/m"])];
    assert!(states(one).iter().all(|(_, state)| *state == Reach::Unknown));
}

#[test]
fn functions_of_rust_are_compared_without_type_arguments() {
    let specific = r#"{"affects":{"arch":[],"os":[],"functions":["a_b::T::<u8>::f","a_b::g"]}}"#;
    let database = database(&[("a.json", &advisory("RUSTSEC-2099-0001", &[], "crates.io", "a-b", specific))]);
    let inventory = inventory(None, vec![package(Ecosystem::Cargo, "a-b", "1.0.0")]);
    for (names, expected) in [
        (&["a_b", "a_b::T::f"][..], Basis::FunctionLinked),
        (&["a_b", "a_b::h"], Basis::NamesIncomplete),
        (&["c"], Basis::NothingSeen),
    ] {
        let program = code("some/evidence", Ecosystem::Cargo, false, names);
        let found = findings(&inventory, vec![program], &database);
        assert_eq!(vulnerability(&found[0]).reachability.as_ref().unwrap().basis, expected, "{names:?}");
    }
}

#[test]
fn packages_whose_code_has_no_names_are_told_nothing_of() {
    let database = database(&[("a.json", &advisory("GHSA-2222-2222-2222", &[], "npm", "x", "{}"))]);
    let inventory = inventory(None, vec![package(Ecosystem::Npm, "x", "1.0.0")]);
    assert_eq!(vulnerability(&findings(&inventory, vec![], &database)[0]).reachability, None);
}
