use super::*;
use crate::Style;
use crate::testing::{hostile, judged, many, scan, written};

#[test]
fn what_follows_comes_first_and_findings_keep_their_order() {
    let text = written(&MARKDOWN, &[scan()], Style::default());
    assert!(text.starts_with("## FAIL: registry.example.org/shop:1 (linux/amd64)\n\n`sha256:"), "{text}");
    let places: Vec<usize> = [
        "\n- 1 critical finding\n",
        "\n**Not checked: 1**\n\n- golang: no feed of the database covers 2 packages\n",
        "\n| critical | 1 | 1 |\n",
        "\n1. upgrade `requests` `2.19.0` to `2.20.0`: mends 1, the worst critical, exploited\n",
        "\n| critical | [CVE-2018-18074]",
        "\n| high | [aws-access-key](<https://example.org/x>) AWS access key | `/srv/.env:3` |",
        "\n### Set aside and excepted in ",
        "| not-affected (component\\_not\\_present), says shop.openvex.json |",
    ]
    .iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("no {part:?} in {text}")))
    .collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_policy_decides_and_its_exceptions_are_told() {
    let text = judged(&MARKDOWN);
    assert!(text.contains("\n- fail of no-critical (1 finding): they are exploited\n"), "{text}");
    assert!(text.contains("| medium (warn) | [CVE-2023-45853]"), "{text}");
    assert!(text.contains("exception aws-access-key in /srv/.env: a key of the documentation"), "{text}");
}

#[test]
fn text_is_no_markup() {
    let cases = [
        ("a|b", "a\\|b"),
        ("`x` *y* _z_", "\\`x\\` \\*y\\* \\_z\\_"),
        ("[x](https://e.example)", "\\[x\\](https\\://e.example)"),
        ("<img src=x onerror=alert(1)>", "\\<img src\\=x onerror\\=alert(1)\\>"),
        ("@octocat #1 www.e.example", "@<!-- -->octocat \\#1 www\\.e.example"),
        ("a\nb\u{202e}", "a\u{fffd}b\u{fffd}"),
    ];
    for (text, expected) in cases {
        assert_eq!(escaped(text), expected);
    }
    let cases = [
        ("plain 1.2", "`plain 1.2`"),
        ("a`b", "<code>a&#96;b</code>"),
        ("a|b\\", "<code>a&#124;b&#92;</code>"),
        (" ", ""),
        ("a\nb", "`a\u{fffd}b`"),
    ];
    for (text, expected) in cases {
        assert_eq!(code(text), expected);
    }
}

#[test]
fn every_line_of_a_table_has_its_cells() {
    let mut scan = hostile();
    for finding in &mut scan.findings {
        finding.title = "a | b `c` \\| d \n| e |".to_owned();
    }
    let text = written(&MARKDOWN, &[scan], Style::default());
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert!([4, 5, 6].contains(&bars), "{bars}: {line}");
    }
}

#[test]
fn it_fits_a_job_summary_and_tells_what_was_cut() {
    let scans = [many(20_000), many(100)];
    let text = written(&MARKDOWN, &scans, Style::default());
    assert!(text.len() <= LIMIT && text.len() > LIMIT / 2, "{}", text.len());
    assert!(text.contains(" more findings not shown here**; the report in JSON has all."), "{text:.300}");
    assert_eq!(text.matches("\n**Not checked: 1**\n").count(), 2);
}
