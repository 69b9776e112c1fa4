use serde_json::Value;

use super::*;
use crate::Style;
use crate::testing::{scan, written};

#[test]
fn every_name_in_the_graph_is_there_once() {
    let mut scan = scan();
    scan.inventory.packages[1].package.licenses = vec!["as you like".into(), "MIT".into()];
    let document: Value =
        serde_json::from_str(&written(&SPDX_3, &[scan.clone(), scan], Style::default())).unwrap();
    let graph = document["@graph"].as_array().unwrap();
    let mut ids: Vec<&str> = graph.iter().filter_map(|element| element["spdxId"].as_str()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(count, ids.len());
    let named =
        graph.iter().flat_map(|element| ["from", "subject", "suppliedBy"].map(|key| element[key].as_str()));
    let lists = ["to", "createdBy", "createdUsing", "rootElement", "element"];
    let listed = graph.iter().flat_map(|element| {
        lists.into_iter().flat_map(|key| element[key].as_array().into_iter().flatten().map(Value::as_str))
    });
    for name in named.chain(listed).flatten() {
        assert!(ids.binary_search(&name).is_ok(), "{name}");
    }
    let words = graph.iter().find(|element| element["simplelicensing_customIdToUri"].is_array()).unwrap();
    let uri = words["simplelicensing_customIdToUri"][0]["value"].as_str().unwrap();
    assert!(ids.contains(&uri));
}
