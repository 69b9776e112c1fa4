use std::collections::HashSet;

use serde_json::Value;

use super::*;
use crate::Style;
use crate::testing::{
    assert_valid, hostile, judged, judged_as_a_whole, many, official_schema, scan, written,
};

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn it_is_as_the_standard_has_it() {
    let schema = official_schema("specs/sarif/sarif-2.1/schema/sarif-schema-2.1.0.json");
    let Some(schema) = schema else { return };
    assert_valid(&schema, &written(&SARIF, &[scan()], Style::default()));
    assert_valid(&schema, &written(&SARIF, &[hostile(), scan()], Style::default()));
    assert_valid(&schema, &judged(&SARIF));
    assert_valid(&schema, &judged_as_a_whole(&SARIF, scan()));
}

#[test]
fn what_a_policy_says_of_the_image_is_a_result_that_lies_at_the_image() {
    let run = &document(&judged_as_a_whole(&SARIF, scan()))["runs"][0];
    let results = run["results"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = results[..3]
        .iter()
        .map(|result| {
            assert_eq!(
                result["locations"][0]["logicalLocations"],
                serde_json::json!([{
                    "index": 0,
                    "fullyQualifiedName": run["logicalLocations"][0]["fullyQualifiedName"],
                }])
            );
            assert_eq!(run["logicalLocations"][0]["kind"], "image");
            let word = |name: &str| result[name].as_str().unwrap();
            (word("ruleId"), word("level"), result["message"]["text"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told[0],
        ("policy/stale", "error", "the image: it was made 228 days ago\nrebuild it\nfail by rule stale")
    );
    assert_eq!(
        told[1],
        ("policy/signed", "error", "not known of the image: who signed it\nundecided by rule signed")
    );
    assert_eq!(
        (told[2].0, &results[2]["suppressions"][0]["kind"]),
        ("policy/moving-tag", &Value::from("external"))
    );
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]["id"]);
    }
    let all: HashSet<String> =
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect();
    assert_eq!(all.len(), results.len());
}

#[test]
fn results_are_where_the_image_has_them_and_keep_their_fingerprints() {
    let mut image = scan();
    let text = written(&SARIF, std::slice::from_ref(&image), Style::default());
    let run = &document(&text)["runs"][0];
    let results = run["results"].as_array().unwrap();
    let ids: Vec<&str> = results.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    let expected: Vec<&str> = image.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids[..expected.len()], expected);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(result["ruleId"], rule["id"]);
        assert!(rule["properties"]["security-severity"].as_str().unwrap().parse::<f64>().unwrap() <= 10.0);
        assert!(rule["help"]["markdown"].is_string());
    }
    let place = &results[0]["locations"][0];
    let artifact = &place["physicalLocation"]["artifactLocation"];
    assert_eq!(artifact["uri"], "app/requests-2.19.0.dist-info/METADATA");
    assert_eq!(artifact["uriBaseId"], "IMAGE");
    assert_eq!(place["logicalLocations"][1]["index"], 2);
    assert_eq!(results[1]["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
    assert_eq!(
        results[3]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "registry.example.org/shop"
    );
    assert_eq!(results.last().unwrap()["suppressions"][0]["kind"], "external");
    let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(notification["message"]["text"], "no-feed: golang: no feed of the database covers 2 packages");

    // A new version in another layer, of an image built anew, is the same finding.
    let before = results[0]["partialFingerprints"]["primaryLocationLineHash"].clone();
    image.inventory.packages[1].package.version = "2.19.1".to_owned();
    image.inventory.packages[1].layer = 0;
    image.image.manifest_digest = None;
    let after = document(&written(&SARIF, &[image], Style::default()));
    assert_eq!(after["runs"][0]["results"][0]["partialFingerprints"]["primaryLocationLineHash"], before);
    let all: HashSet<&Value> = results.iter().map(|result| &result["partialFingerprints"]).collect();
    assert_eq!(all.len(), results.len());
}

#[test]
fn the_line_of_the_dockerfile_comes_before_the_place_in_the_image() {
    let mut scan = scan();
    let file = "./build it/Dockerfile".to_owned();
    scan.findings[0].position = Some(plimsoll_model::position::Position { file, line: 4, column: 2 });
    let document = document(&written(&SARIF, &[scan], Style::default()));
    let result = &document["runs"][0]["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "build%20it/Dockerfile");
    assert_eq!(place["region"]["startLine"], 4);
    assert_eq!(
        result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "app/requests-2.19.0.dist-info/METADATA"
    );
}

#[test]
fn a_policy_sets_levels_and_suppresses_what_it_excepts() {
    let document = document(&judged(&SARIF));
    let results = document["runs"][0]["results"].as_array().unwrap();
    let levels: Vec<&str> = results.iter().take(4).map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "error", "warning", "note"]);
    let why =
        "exception aws-access-key in /srv/.env: a key of the documentation, until 2026-12-31, owner ops";
    assert_eq!(results[1]["suppressions"][0]["justification"], why);
    assert!(results[0].get("suppressions").is_none());
}

#[test]
fn what_code_hosts_do_not_take_is_cut_and_told() {
    let scans: Vec<_> = (0..27).map(|_| scan()).collect();
    let cut = document(&written(&SARIF, &scans, Style::default()));
    assert_eq!(cut["runs"].as_array().unwrap().len(), RUNS);
    let notes = cut["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["descriptor"]["id"] == "platforms-cut"), "{notes:?}");

    let cut = document(&written(&SARIF, &[many(RESULTS + 10)], Style::default()));
    let run = &cut["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), RESULTS);
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let text = notes.last().unwrap()["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("25000 of 25011 results are here"), "{text}");
}

#[test]
fn no_text_is_a_link() {
    let mut scan = scan();
    scan.findings[0].title = "[click](https://evil.example) \u{202e}".to_owned();
    scan.findings[0].references = vec!["javascript:alert(1)".to_owned(), "https://x.example/ y".to_owned()];
    let document = document(&written(&SARIF, &[scan], Style::default()));
    let text = document["runs"][0]["results"][0]["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("\\[click\\](https://evil.example) \u{fffd}"), "{text}");
    assert!(document["runs"][0]["tool"]["driver"]["rules"][0].get("helpUri").is_none());
}
