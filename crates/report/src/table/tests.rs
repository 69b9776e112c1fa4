//! The table, to the letter, and against text that wants to do harm.

use std::time::Duration;

use super::*;
use crate::testing::{hostile, scan, written};

const PLAIN: Style = Style { color: false, width: None };

/// Lines without the blanks at their ends, in which nobody is interested.
fn trimmed(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

const EXPECTED: &str = "\
registry.example.org/shop:1  linux/amd64
sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f
Debian GNU/Linux 12 (bookworm), 2 layers (1 of the base), 2 packages (1 deb, 1 pypi)

Vulnerabilities
 Package   Installed        Fixed in  Severity  Vulnerability                   Brought by
 requests  2.19.0           2.20.0    critical  CVE-2018-18074  9.8  exploited  layer 2: pip install requests==2.19.0
 zlib1g    1:1.2.13.dfsg-1  deferred  medium    CVE-2023-45853                  layer 1: ADD rootfs.tar /

End of life
 Severity  Rule           What                                                 Where
 high      eol-debian-10  debian 10 gets no more security fixes. do something  the distribution

Secrets
 Severity  Rule            What                  Where
 high      aws-access-key  AWS access key AKIA…  /srv/.env:3, layer 2, deleted by a later layer but still in the image

Image configuration
 Severity  Rule                What                    Where
 low       image-runs-as-root  The image runs as root  User is empty

Licences
 Severity  Rule             What                                    Where
 low       license-unknown  no licence of requests 2.19.0 is known  /app/requests-2.19.0.dist-info/METADATA

Set aside
  CVE-2024-0001 in zlib1g: not-affected (component_not_present), says shop.openvex.json

Not checked
  golang: no feed of the database covers 2 packages

Do first
  upgrade requests 2.19.0 to 2.20.0 (layer 2: pip install requests==2.19.0): mends 1, the worst critical, exploited

  critical      1, of which 1 can be fixed
      high      2, of which 2 can be fixed
    medium      1, of which 0 can be fixed
       low      2, of which 2 can be fixed
Advisories: 3 of 1 feeds (bundled), newest data of 2025-12-31, 2 days old.
Verdict: fail
  1 critical finding
";

#[test]
fn everything_is_shown_in_order() {
    assert_eq!(trimmed(&written(&TABLE, &[scan()], PLAIN)), EXPECTED);
}

#[test]
fn an_image_without_findings_says_so() {
    let mut clean = scan();
    clean.findings.clear();
    clean.gaps.clear();
    clean.verdict = Verdict::Pass;
    let text = written(&TABLE, &[clean.clone()], PLAIN);
    assert!(
        text.contains(
            "\nNo findings.\nAdvisories: 3 of 1 feeds (bundled), newest data of 2025-12-31, 2 days old.\n"
        ),
        "{text}"
    );
    clean.gaps = scan().gaps;
    clean.database = None;
    let text = written(&TABLE, &[clean], PLAIN);
    assert!(text.contains("\nNo findings, but not everything could be checked.\n"), "{text}");
    assert!(text.contains("Advisories: none, so vulnerabilities were not looked for.\n"), "{text}");
}

#[test]
fn text_from_an_image_cannot_move_the_cursor() {
    for width in [None, Some(80)] {
        let text = written(&TABLE, &[hostile()], Style { color: false, width });
        let harmful: Vec<char> =
            text.chars().filter(|c| *c != '\n' && (c.is_control() || is_bidirectional(*c))).collect();
        assert_eq!(harmful, Vec::<char>::new());
    }
    // With colors, the only sequences are those that set a color.
    let text = written(&TABLE, &[hostile()], Style { color: true, width: Some(80) });
    for rest in text.split('\u{1b}').skip(1) {
        let sequence: String = rest.chars().take_while(|c| !c.is_ascii_alphabetic()).collect();
        assert!(sequence.starts_with('['), "{rest}");
        assert_eq!(rest.chars().nth(sequence.chars().count()), Some('m'), "{rest}");
    }
    let mut tame = scan();
    for finding in &mut tame.findings {
        if let FindingKind::Vulnerability(vulnerability) = &mut finding.kind {
            vulnerability.fixed_versions = vec!["9".to_owned()];
        }
    }
    let written_lines = |scan| written(&TABLE, &[scan], PLAIN).lines().count();
    assert_eq!(written_lines(hostile()), written_lines(tame), "no text makes lines of its own");
}

#[test]
fn colors_come_only_when_asked_for() {
    assert!(!written(&TABLE, &[scan()], PLAIN).contains('\u{1b}'));
    let colored = written(&TABLE, &[scan()], Style { color: true, width: None });
    assert!(colored.contains("\u{1b}[1;31mfail\u{1b}[0m"), "{colored}");
}

#[test]
fn a_narrow_terminal_is_kept_to() {
    let text = written(&TABLE, &[scan()], Style { color: false, width: Some(80) });
    let tables =
        text.split("\n\n").filter(|part| part.starts_with("Vulnerabilities") || part.starts_with("Secrets"));
    let widest = tables.flat_map(str::lines).map(|line| line.trim_end().chars().count()).max().unwrap();
    assert!(widest <= 80, "{widest}:\n{text}");
}

#[test]
fn several_platforms_follow_each_other_and_the_time_comes_last() {
    let scans = [scan(), scan()];
    let report = Report {
        scans: &scans,
        version: "1",
        decisions: &[],
        due: &[],
        template: None,
        elapsed: Some(Duration::from_millis(1250)),
        made: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        style: PLAIN,
    };
    let mut out = Vec::new();
    TABLE.write(&report, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("registry.example.org/shop:1  linux/amd64\n").count(), 2);
    assert!(text.ends_with("\nScanned in 1.2 s.\n"), "{text}");
}

#[test]
fn long_steps_and_many_gaps_are_cut() {
    let mut long = scan();
    long.layers[1].created_by = Some(format!("RUN /bin/sh -c {}", "x".repeat(500)));
    long.gaps = (0..20)
        .map(|number| {
            plimsoll_model::gap::Gap::new(
                plimsoll_model::gap::GapKind::FileUnread,
                format!("f{number:02}"),
                "x",
            )
        })
        .collect();
    let text = written(&TABLE, &[long], PLAIN);
    assert!(text.contains(&format!("layer 2: {}…", "x".repeat(STEP_LENGTH - 1))), "{text}");
    assert!(text.contains("  f14: x\n  and 5 more; --format json lists all\n"), "{text}");
}

#[test]
fn the_packages_of_the_distribution_are_one_step() {
    let mut scan = scan();
    let template = (scan.inventory.packages[0].clone(), scan.findings[2].clone());
    for (index, name) in ["a", "b", "c"].iter().enumerate() {
        let (mut installed, mut finding) = template.clone();
        installed.package.name = (*name).to_owned();
        scan.inventory.packages.push(installed);
        let FindingKind::Vulnerability(vulnerability) = &mut finding.kind else { unreachable!() };
        vulnerability.package = 2 + u32::try_from(index).unwrap();
        vulnerability.fixed_versions = vec![format!("{}", 2 + index)];
        scan.findings.push(finding);
    }
    let text = written(&TABLE, &[scan], PLAIN);
    assert!(
        text.contains("\n  upgrade 3 deb packages (a to 2, b to 3, c to 4): mends 3, the worst medium\n"),
        "{text}"
    );
}
