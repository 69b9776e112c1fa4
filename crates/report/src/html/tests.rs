use std::collections::HashMap;
use std::process::{Command, Stdio};

use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::tools::installed;

use super::*;
use crate::Style;
use crate::testing::{HOSTILE, hostile, judged, judged_as_a_whole, many, scan, written};

/// What wants to be markup, wherever a text of the image stands.
const MARKUP: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover='x' &lt;";

fn page(scan: plimsoll_model::scan::Scan) -> String {
    written(&HTML, &[scan], Style::default())
}

/// A scan all of whose texts are markup.
fn markup() -> plimsoll_model::scan::Scan {
    // The hostile scan has this text wherever an image brings one.
    let text = serde_json::to_string(&hostile()).unwrap();
    let mine = serde_json::to_string(HOSTILE).unwrap();
    let theirs = serde_json::to_string(&format!("{MARKUP}{HOSTILE}")).unwrap();
    let mut scan: plimsoll_model::scan::Scan = serde_json::from_str(&text.replace(&mine, &theirs)).unwrap();
    for finding in &mut scan.findings {
        finding.references = vec![
            format!("https://example.org/{MARKUP}"),
            "javascript:alert(1)".to_owned(),
            "https://example.org/good".to_owned(),
        ];
    }
    scan
}

/// The tags of a page as they are written, without the content of its style and script.
fn tags(page: &str) -> Vec<String> {
    let page = page.replace(STYLE, "").replace(SCRIPT, "");
    page.split('<').skip(1).map(|part| part.split('>').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn no_text_of_the_image_is_markup() {
    let plain = tags(&page(hostile()));
    let marked = tags(&page(markup()));
    let names = |tags: &[String]| -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for tag in tags {
            *counts.entry(tag.split(' ').next().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
        counts
    };
    let (plain, marked_names) = (names(&plain), names(&marked));
    assert_eq!(marked_names.get("script"), Some(&1));
    assert!(!marked_names.contains_key("img") && !marked_names.contains_key("!--"));
    let known: Vec<&String> = marked_names.keys().filter(|name| !plain.contains_key(*name)).collect();
    assert_eq!(known, Vec::<&String>::new());
    for tag in &marked {
        // What is in quotes is a value; outside of it there is no handler and no style.
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains("style=") && !outside.contains(" on"), "{tag}");
        assert!(!tag.contains("href=\"javascript"), "{tag}");
    }
    assert!(marked.iter().any(|tag| tag.contains("href=\"https://example.org/good\"")));
    let text = page(markup());
    assert!(text.matches("&lt;img src=x onerror=alert(1)&gt;").count() > 20);
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)));
}

#[test]
fn the_page_asks_for_nothing_and_allows_its_own_script_and_style_alone() {
    let text = page(scan());
    let policy = text.split("content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for content in [STYLE, SCRIPT] {
        assert!(policy.contains(&source(content)) && text.contains(content));
    }
    for tag in tags(&text) {
        assert!(!tag.contains(" src=") && !tag.starts_with("link"), "{tag}");
    }
    for word in ["url(", "@import", "http:", "https:"] {
        assert!(!STYLE.contains(word) && !SCRIPT.contains(word), "{word}");
    }
    for word in ["innerHTML", "eval(", "document.write", "fetch("] {
        assert!(!SCRIPT.contains(word), "{word}");
    }
}

#[test]
fn findings_gaps_and_what_is_set_aside_are_there_without_the_script() {
    let scan = scan();
    let text = page(scan.clone());
    assert_eq!(text.matches("<details ").count(), scan.findings.len());
    let places: Vec<usize> =
        scan.findings.iter().map(|finding| text.find(&format!("<b>{}</b>", finding.id)).unwrap()).collect();
    assert!(places.is_sorted());
    assert!(text.contains("<h2>Not checked: 1</h2>") && text.contains("<h2>Set aside by VEX: 1</h2>"));
    assert!(text.contains("<p class=\"verdict fail\">fail</p>"));
    assert!(text.contains("aria-label=\"1 critical, 1 low\""), "the bar of requests");
    assert_eq!(text, page(scan));
}

#[test]
fn a_policy_is_told_with_its_exceptions() {
    let text = judged(&HTML);
    assert!(text.contains("<h2>Exceptions of the policy: 1</h2>"));
    assert!(text.contains("<li>fail of no-critical (1 finding): they are exploited</li>"));
    for standing in ["data-t=\"fail\"", "data-t=\"excepted\"", "data-t=\"warn\"", "data-t=\"pass\""] {
        assert!(text.contains(standing), "{standing}");
    }
}

#[test]
fn what_is_due_stands_in_its_time_and_leads_to_the_finding() {
    let text = judged_as_a_whole(&HTML, scan());
    let counts: Vec<&str> = ["overdue", "in 7 days", "in 30 days", "in 90 days", "later"]
        .iter()
        .map(|name| text.split(&format!("<h3>{name} <b>")).nth(1).unwrap().split('<').next().unwrap())
        .collect();
    // The second finding is excepted, the fourth is never due.
    assert_eq!(counts, ["1", "1", "0", "0", "2"]);
    assert!(text.contains("1 finding that the policy excepts is not here."));
    assert!(text.contains("aria-label=\"1 of 4 findings are overdue\""));
    for told in ["227 days over</span>", "<span class=\"left\">today</span>", "91 days left</span>"] {
        assert!(text.contains(told), "{told}");
    }
    for number in [0, 2, 4, 5] {
        assert!(text.contains(&format!("<a href=\"#f-0-{number}\">")), "{number}");
        assert_eq!(text.matches(&format!("id=\"f-0-{number}\"")).count(), 1);
    }
    assert!(!judged(&HTML).contains("class=\"card due\"") && !page(scan()).contains("class=\"card due\""));
    let many = judged_as_a_whole(&HTML, many(SHOWN + 7));
    assert!(many.contains("<p class=\"note\">and ") && many.matches("<a href=\"#f-0-").count() <= 250);
    let marked = tags(&judged_as_a_whole(&HTML, markup()));
    assert!(!marked.iter().any(|tag| tag.starts_with("img") || tag.contains("style=")));
}

#[test]
fn what_would_make_a_browser_slow_is_cut_and_told() {
    let text = page(many(SHOWN + 7));
    assert_eq!(text.matches("<details ").count(), SHOWN);
    assert!(text.contains("<b>7 more findings</b> are not in this page"));
}

#[test]
fn a_browser_runs_the_script_and_nothing_else() {
    if !installed(&["chromium"]) {
        return;
    }
    let folder = Folder::new();
    for (name, content, count) in [
        ("scan", page(scan()), 6),
        ("hostile", page(markup()), 6),
        ("many", page(many(3000)), 3000),
        ("due", judged_as_a_whole(&HTML, many(300)), 300),
    ] {
        let file = folder.path().join(format!("{name}.html"));
        std::fs::write(&file, content).unwrap();
        let output = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("file://{}#f-0-2", file.display()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(dom.contains("<html lang=\"en\" class=\"js\">"), "{name}: {log}");
        assert!(dom.contains(&format!("aria-live=\"polite\">{count} findings</span>")), "{name}: {dom:.500}");
        let led = dom.split("id=\"f-0-2\"").nth(1).and_then(|rest| rest.split('>').next());
        assert!(led.is_some_and(|tag| tag.ends_with("open=\"\"")), "{name}: the link opened {led:?}");
        // The console is where a browser tells of scripts that fail and of what the policy forbids.
        assert!(!log.contains("CONSOLE"), "{name}: {log}");
        assert!(!dom.contains("<img") && dom.matches("<script").count() == 1, "{name}");
    }
}
