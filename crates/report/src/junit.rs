//! JUnit XML as Jenkins, GitLab and their like read it
//! (<https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>):
//! a suite a kind of finding, a test a finding, and under a policy one of its rules on the image. A finding is a failure, unless a policy lets it pass; what somebody
//! decided on is skipped; what was not checked is an error. A kind without findings is a test that passes.

use std::io::{self, Write};

use plimsoll_model::decision::Outcome;

use crate::case::image::ImageRow;
use crate::case::{Case, Row, Standing, cases};
use crate::table::{clean, shortened};
use crate::xml_write::Xml;
use crate::{Format, Report, Writer};

/// Writes JUnit XML.
pub const JUNIT: Format = Format {
    name: "junit",
    summary: "test results, JUnit XML",
    needs_details: false,
    writer: Writer::Report(write),
};

/// The kinds of finding, each a suite.
const KINDS: [&str; 5] = ["vulnerability", "secret", "misconfiguration", "end-of-life", "license"];

/// How many tests of a suite ended how.
#[derive(Clone, Copy, Default)]
struct Count {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Count {
    fn of<'a>(rows: impl Iterator<Item = Row<'a>>) -> Self {
        let mut count = Self::default();
        for row in rows {
            count.tests = count.tests.saturating_add(1);
            match row.standing {
                Standing::Open | Standing::Fail => count.failures = count.failures.saturating_add(1),
                Standing::Excepted | Standing::SetAside => count.skipped = count.skipped.saturating_add(1),
                Standing::Warn | Standing::Pass => {}
            }
        }
        count.tests = count.tests.max(1);
        count
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            tests: self.tests.saturating_add(other.tests),
            failures: self.failures.saturating_add(other.failures),
            errors: self.errors.saturating_add(other.errors),
            skipped: self.skipped.saturating_add(other.skipped),
        }
    }
}

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report);
    let suites: Vec<(&Case<'_>, &str, Count)> = cases
        .iter()
        .flat_map(|case| KINDS.map(|kind| (case, kind, Count::of(of_kind(case, kind)))))
        .collect();
    let mut total = suites.iter().fold(Count::default(), |total, (.., count)| total.plus(*count));
    for case in &cases {
        total = total.plus(of_image(case)).plus(unchecked(case));
    }
    let (tests, failures, errors) =
        (total.tests.to_string(), total.failures.to_string(), total.errors.to_string());
    let attributes = [
        ("name", "plimsoll"),
        ("tests", tests.as_str()),
        ("failures", failures.as_str()),
        ("errors", errors.as_str()),
    ];
    Xml::document(out)?.within("testsuites", &attributes, |xml| {
        for (case, kind, count) in &suites {
            suite(xml, case, kind, *count)?;
        }
        cases.iter().try_for_each(|case| {
            image(xml, case)?;
            gaps(xml, case)
        })
    })
}

fn of_kind<'a>(case: &'a Case<'a>, kind: &'a str) -> impl Iterator<Item = Row<'a>> {
    case.rows().filter(move |row| row.finding.kind.as_str() == kind)
}

fn suite(xml: &mut Xml<'_>, case: &Case<'_>, kind: &str, count: Count) -> io::Result<()> {
    within_suite(xml, case, kind, count, |xml| {
        let mut is_empty = true;
        for row in of_kind(case, kind) {
            is_empty = false;
            test(xml, &row)?;
        }
        if is_empty { xml.empty("testcase", &[("classname", kind), ("name", "no findings")]) } else { Ok(()) }
    })
}

fn within_suite(
    xml: &mut Xml<'_>,
    case: &Case<'_>,
    kind: &str,
    count: Count,
    inner: impl FnOnce(&mut Xml<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let name = format!("{} {}: {kind}", clean(&case.scan.image.name), case.scan.image.platform);
    let numbers = [count.tests, count.failures, count.errors, count.skipped].map(|number| number.to_string());
    let [tests, failures, errors, skipped] = &numbers;
    let attributes = [
        ("name", name.as_str()),
        ("tests", tests),
        ("failures", failures),
        ("errors", errors),
        ("skipped", skipped),
    ];
    xml.within("testsuite", &attributes, |xml| {
        let digest = case.digest().unwrap_or_default();
        xml.within("properties", &[], |xml| {
            xml.empty("property", &[("name", "digest"), ("value", &digest)])
        })?;
        inner(xml)
    })
}

/// The class is what the finding is about, so that test reports group by it.
fn test(xml: &mut Xml<'_>, row: &Row<'_>) -> io::Result<()> {
    let class = row.package_title().or_else(|| row.locations().first().map(|place| clean(&place.title())));
    let class = class.unwrap_or_else(|| row.finding.kind.as_str().to_owned());
    let place =
        row.locations().first().map_or_else(String::new, |place| format!(" ({})", clean(&place.title())));
    let name = format!("[{}] {}: {}{place}", row.finding.severity.as_str(), row.id(), row.title());
    xml.within("testcase", &[("classname", &class), ("name", &name)], |xml| match row.standing {
        Standing::Open | Standing::Fail => {
            let attributes = [("type", row.finding.severity.as_str()), ("message", &row.title())];
            xml.leaf("failure", &attributes, &details(row))
        }
        Standing::Excepted | Standing::SetAside => {
            xml.empty("skipped", &[("message", &row.note().unwrap_or_default())])
        }
        Standing::Warn | Standing::Pass => xml.text("system-out", &details(row)),
    })
}

fn details(row: &Row<'_>) -> String {
    let mut lines = row.evidence();
    lines.extend(row.fixed_version().map(|version| format!("fixed in {version}")));
    lines.extend(row.step().map(|step| format!("brought by {}", shortened(&step))));
    lines.extend(row.remedy().map(|remedy| format!("what to do: {remedy}")));
    lines.extend(row.note());
    lines.extend(row.links().map(str::to_owned));
    lines.join("\n")
}

/// How many tests the rules on the image are, and how they ended; none without a policy.
fn of_image(case: &Case<'_>) -> Count {
    let mut count = Count::default();
    for row in case.image_rows() {
        count.tests = count.tests.saturating_add(1);
        match (row.standing(), row.outcome()) {
            (Standing::Excepted | Standing::SetAside, _) => count.skipped = count.skipped.saturating_add(1),
            (_, Outcome::Fail) => count.failures = count.failures.saturating_add(1),
            (_, Outcome::Undecided) => count.errors = count.errors.saturating_add(1),
            (_, Outcome::Warn | Outcome::Pass) => {}
        }
    }
    count.tests = count.tests.max(usize::from(case.decision.is_some()));
    count
}

/// What the policy's rules say of the image: one that is for it fails; where that is not known, it is an error.
fn image(xml: &mut Xml<'_>, case: &Case<'_>) -> io::Result<()> {
    if case.decision.is_none() {
        return Ok(());
    }
    within_suite(xml, case, "image", of_image(case), |xml| {
        if case.image_rows().next().is_none() {
            return xml.empty("testcase", &[("classname", "image"), ("name", "no rule is for the image")]);
        }
        case.image_rows().try_for_each(|row| image_test(xml, &row))
    })
}

fn image_test(xml: &mut Xml<'_>, row: &ImageRow<'_>) -> io::Result<()> {
    let (name, title, note) = (row.id(), row.title(), row.note());
    let details = [Some(title.clone()), row.reason(), Some(note.clone())];
    let details = details.into_iter().flatten().collect::<Vec<String>>().join("\n");
    let attributes = [("type", row.outcome().as_str()), ("message", title.as_str())];
    xml.within("testcase", &[("classname", "image"), ("name", &name)], |xml| {
        match (row.standing(), row.outcome()) {
            (Standing::Excepted | Standing::SetAside, _) => xml.empty("skipped", &[("message", &note)]),
            (_, Outcome::Fail) => xml.leaf("failure", &attributes, &details),
            (_, Outcome::Undecided) => xml.leaf("error", &attributes, &details),
            (_, Outcome::Warn | Outcome::Pass) => xml.text("system-out", &details),
        }
    })
}

fn unchecked(case: &Case<'_>) -> Count {
    let count = case.gaps().len();
    Count { tests: count.max(1), errors: count, ..Count::default() }
}

/// What was not checked: errors, for a test that did not run has not passed.
fn gaps(xml: &mut Xml<'_>, case: &Case<'_>) -> io::Result<()> {
    let gaps = case.gaps();
    within_suite(xml, case, "checked", unchecked(case), |xml| {
        if gaps.is_empty() {
            return xml.empty("testcase", &[("classname", "gap"), ("name", "everything was checked")]);
        }
        gaps.iter().try_for_each(|gap| {
            let (kind, reason) = (gap.kind.as_str(), clean(&gap.reason));
            let name = format!("{kind}: {}", clean(&gap.subject));
            xml.within("testcase", &[("classname", "gap"), ("name", &name)], |xml| {
                xml.leaf("error", &[("type", kind), ("message", &reason)], &reason)
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Style;
    use crate::testing::{hostile, judged, judged_as_a_whole, scan, written};
    use crate::xml_tree::{Node, parse};

    fn read(text: &str) -> Node {
        let root = parse(text).unwrap();
        let count = |name| root.count(name).to_string();
        assert_eq!(root.attribute("tests"), Some(count("testcase").as_str()));
        assert_eq!(root.attribute("failures"), Some(count("failure").as_str()));
        assert_eq!(root.attribute("errors"), Some(count("error").as_str()));
        root
    }

    #[test]
    fn findings_fail_gaps_are_errors_and_what_is_set_aside_is_skipped() {
        let root = read(&written(&JUNIT, &[scan()], Style::default()));
        assert_eq!((root.count("failure"), root.count("error"), root.count("skipped")), (6, 1, 1));
        let first = &root.children[0].children[1];
        assert_eq!(first.attribute("classname"), Some("requests 2.19.0"));
        assert_eq!(
            first.attribute("name"),
            Some(
                "[critical] CVE-2018-18074: requests tells passwords (/app/requests-2.19.0.dist-info/METADATA)"
            )
        );
        let failure = first.child("failure").unwrap().raw();
        assert!(failure.contains("what to do: upgrade requests to 2.20.0\n"), "{failure}");
    }

    #[test]
    fn a_policy_says_what_fails() {
        let root = read(&judged(&JUNIT));
        assert_eq!((root.count("failure"), root.count("skipped")), (1, 2));
    }

    #[test]
    fn rules_on_the_image_are_tests_and_what_is_not_known_is_an_error() {
        let root = read(&judged_as_a_whole(&JUNIT, scan()));
        assert_eq!((root.count("failure"), root.count("error"), root.count("skipped")), (2, 2, 3));
        let suite = root.children.iter().find(|suite| suite.attribute("name").unwrap().ends_with(": image"));
        let tests = &suite.unwrap().children[1..];
        let names: Vec<&str> = tests.iter().map(|test| test.attribute("name").unwrap()).collect();
        assert_eq!(names, ["stale", "signed", "moving-tag"]);
        let failure = tests[0].child("failure").unwrap();
        assert_eq!(failure.attribute("message"), Some("the image: it was made 228 days ago"));
        assert!(tests[1].child("error").is_some() && tests[2].child("skipped").is_some());
        let without = read(&judged(&JUNIT));
        assert!(judged(&JUNIT).contains("no rule is for the image") && without.count("error") == 1);
    }

    #[test]
    fn an_image_without_findings_has_tests_that_pass() {
        let mut clean = scan();
        (clean.findings, clean.set_aside, clean.gaps) = (Vec::new(), Vec::new(), Vec::new());
        let root = read(&written(&JUNIT, &[clean], Style::default()));
        assert_eq!((root.count("testcase"), root.count("failure"), root.count("error")), (6, 0, 0));
    }

    #[test]
    fn what_xml_cannot_write_is_replaced() {
        let mut scan = hostile();
        scan.findings[0].title = "]]><x a='\u{ffff}\u{0}\"/>&#0;".to_owned();
        let text = written(&JUNIT, &[scan], Style::default());
        assert!(!text.contains(crate::xml_write::is_forbidden), "{text}");
        assert_eq!(read(&text).count("x"), 0);
    }
}
