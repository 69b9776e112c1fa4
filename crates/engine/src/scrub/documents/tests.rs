use super::*;

fn papers(config: &str) -> Papers {
    Papers { manifest: Node::Map(Vec::new()), config: serde_json::from_str(config).unwrap() }
}

fn text(papers: &Papers) -> String {
    String::from_utf8(papers.config.to_bytes()).unwrap()
}

fn places(taken: &Taken) -> Vec<&str> {
    taken.settings.iter().map(|setting| setting.place.as_str()).collect()
}

#[test]
fn secrets_go_from_everywhere_and_nothing_else_changes() {
    let key = format!("AKIA{}", "QYLPMN5HHHFPZAM2");
    let config = |password: &str, key: &str| {
        format!(
            r#"{{"os":"linux","config":{{"Env":["PATH=/bin","DB_PASSWORD={password}"],"Cmd":["run","--password={password}"],"Labels":{{"note":"{key}"}}}},"history":[{{"created_by":"ENV DB_PASSWORD={password}"}},{{"created_by":"RUN use {key}","comment":"c"}}]}}"#
        )
    };
    let mut papers = papers(&config("correct-horse", &key));
    papers.manifest = Node::Map(vec![("annotations".to_owned(), format!("with {key}").into())]);
    let taken = clear(&mut papers, &Selection::default());
    assert_eq!(text(&papers), config("[removed]", "[removed]"));
    let expected = [
        "config.Cmd 2",
        "config.Env DB_PASSWORD",
        "config.Labels note",
        "history 1",
        "history 2",
        "manifest.annotations",
    ];
    assert_eq!(places(&taken), expected);
    assert_eq!(clear(&mut papers, &Selection::default()).settings, [], "nothing is left");
}

#[test]
fn only_what_is_chosen_goes() {
    let key = format!("AKIA{}", "QYLPMN5HHHFPZAM2");
    let config = format!(r#"{{"config":{{"Env":["DB_PASSWORD=correct-horse","NOTE={key}"]}}}}"#);
    for (rule, place) in
        [("secret-by-name", vec!["config.Env DB_PASSWORD"]), ("none", vec![]), ("secret-in-label", vec![])]
    {
        let mut papers = papers(&config);
        let selection = Selection { rules: vec![rule.to_owned()], ..Selection::default() };
        assert_eq!(places(&clear(&mut papers, &selection)), place, "{rule}");
    }
    let mut papers = papers(&config);
    let selection = Selection { rules: vec!["secret-in-environment".to_owned()], ..Selection::default() };
    assert_eq!(clear(&mut papers, &selection).settings.len(), 2);
}

#[test]
fn configurations_of_another_form_are_left_alone() {
    for config in
        ["null", "[]", r#"{"config":null,"history":{}}"#, r#"{"config":{"Env":[1,"x"],"Labels":[]}}"#]
    {
        let mut papers = papers(config);
        assert_eq!(clear(&mut papers, &Selection::default()).settings, []);
        assert_eq!(text(&papers), config);
    }
}
