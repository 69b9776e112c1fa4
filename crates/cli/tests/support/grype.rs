//! Grype, with a database of facts that a test tells it. Grype itself lays out the tables: it fills up a database that has none but the
//! one that says of which version it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{said, text, write};

/// That versions of a package have a flaw.
#[derive(Clone, Copy)]
pub(crate) struct Fact<'a> {
    pub(crate) id: &'a str,
    pub(crate) alias: Option<&'a str>,
    /// The kind of package as Grype calls it (`deb`, `npm`, `python`), and the order of its versions (`dpkg`, `semver`, `python`). What
    /// Debian packages is of Debian 12.
    pub(crate) ecosystem: (&'a str, &'a str),
    pub(crate) package: &'a str,
    /// The first version without it.
    pub(crate) fixed: Option<&'a str>,
    /// What becomes of it: `fixed`, `not-fixed`, `wont-fix`.
    pub(crate) state: &'a str,
}

/// A finding: the flaw, the package and its version.
pub(crate) type Match = (String, String, String);

/// What Grype found, and what it found and left out for a rule.
pub(crate) struct Matches {
    pub(crate) found: BTreeSet<Match>,
    pub(crate) ignored: BTreeSet<Match>,
}

pub(crate) struct Grype(PathBuf);

impl Grype {
    /// With a home of its own, and a database of these facts.
    pub(crate) fn new(home: PathBuf, facts: &[Fact<'_>]) -> Self {
        std::fs::create_dir_all(&home).unwrap();
        let grype = Self(home);
        let path = grype.0.join("facts.db");
        sqlite(
            &path,
            "create table db_metadata (build_timestamp datetime not null, model integer not null, revision integer not null, addition integer not null);
             insert into db_metadata values ('2026-09-01 00:00:00+00:00', 6, 1, 0);",
        );
        said(grype.command(&["db", "import"]).arg(&path));
        std::fs::copy(grype.0.join("cache/6/vulnerability.db"), &path).unwrap();
        sqlite(&path, &rows(facts));
        said(grype.command(&["db", "import"]).arg(&path));
        grype
    }

    /// What it finds in a layout, by settings of `.grype.yaml`.
    pub(crate) fn matches(&self, layout: &Path, settings: &str) -> Matches {
        let file = self.0.join("settings.yaml");
        write(&file, settings);
        let mut command = self.command(&["--quiet", "--output", "json", "--config"]);
        let report = said(command.arg(file).arg(format!("oci-dir:{}", layout.display())));
        let report: Value = serde_json::from_str(&report).unwrap();
        let all = |name: &str| {
            let one = |found: &Value| {
                let artifact = &found["artifact"];
                [&found["vulnerability"]["id"], &artifact["name"], &artifact["version"]]
                    .map(|t| text(t).to_owned())
                    .into()
            };
            report[name].as_array().into_iter().flatten().map(one).collect()
        };
        Matches { found: all("matches"), ignored: all("ignoredMatches") }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("grype");
        command.current_dir(&self.0).env("HOME", &self.0).env("GRYPE_DB_CACHE_DIR", self.0.join("cache"));
        for name in ["GRYPE_DB_AUTO_UPDATE", "GRYPE_DB_VALIDATE_AGE", "GRYPE_CHECK_FOR_APP_UPDATE"] {
            command.env(name, "false");
        }
        command.args(arguments);
        command
    }
}

fn sqlite(path: &Path, statements: &str) {
    said(Command::new("sqlite3").arg("-bail").arg(path).arg(statements));
}

/// The rows of the facts, each a number of its own in all tables.
fn rows(facts: &[Fact<'_>]) -> String {
    let mut sql = "insert into providers (id, version, processor) values ('test', '1', 'test');
        insert into operating_systems (id, name, release_id, major_version, minor_version, label_version, codename, channel)
        values (1, 'debian', 'debian', '12', '', '', 'bookworm', '');\n"
        .to_owned();
    for (number, fact) in facts.iter().enumerate() {
        let (ecosystem, order) = fact.ecosystem;
        let Fact { id, package, state, .. } = fact;
        let flaw = json!({ "id": id, "aliases": fact.alias.as_slice() });
        let constraint = fact.fixed.map(|fixed| format!("< {fixed}")).unwrap_or_default();
        let fix = json!({ "version": fact.fixed.unwrap_or_default(), "state": state });
        let range =
            json!({ "ranges": [{ "version": { "type": order, "constraint": constraint }, "fix": fix }] });
        let (first, second) = (2 * number + 1, 2 * number + 2);
        let system = if ecosystem == "deb" { "1" } else { "null" };
        write!(
            sql,
            "insert or ignore into packages (ecosystem, name) values ('{ecosystem}', '{package}');
             insert into blobs values ({first}, '{flaw}'), ({second}, '{range}');
             insert into vulnerability_handles (id, name, status, provider_id, blob_id) values ({first}, '{id}', 'active', 'test', {first});
             insert into affected_package_handles (vulnerability_id, operating_system_id, package_id, blob_id)
             select {first}, {system}, id, {second} from packages where ecosystem = '{ecosystem}' and name = '{package}';\n"
        )
        .unwrap();
        if let Some(alias) = fact.alias {
            writeln!(sql, "insert into vulnerability_aliases values ('{id}', '{alias}');").unwrap();
        }
    }
    sql
}
