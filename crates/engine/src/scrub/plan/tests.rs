use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::evidence::{Entry, ExtractorFacts, Located};
use plimsoll_model::severity::Severity;

use super::*;

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry { path: path.into(), kind, mode: 0o644, uid: 0, gid: 0, size: 1, capabilities: false }
}

fn layer(entries: &[(&str, EntryKind)], secrets: &[&str]) -> LayerEvidence {
    let mut entries: Vec<Entry> = entries.iter().map(|(path, kind)| entry(path, kind.clone())).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let secret = |path: &&str| Located {
        path: (*path).to_owned(),
        inside: None,
        fact: Fact::Secret(SecretHit {
            rule: "rule".to_owned(),
            title: "a secret".to_owned(),
            severity: Severity::High,
            line: 1,
            redacted: "…".to_owned(),
            fingerprint: "f".to_owned(),
        }),
    };
    let facts = ExtractorFacts { facts: secrets.iter().map(secret).collect(), ..ExtractorFacts::default() };
    LayerEvidence {
        diff_id: DiffId(Digest::of(b"")),
        plain_size: 0,
        entries,
        facts: vec![facts],
        gaps: Vec::new(),
    }
}

fn paths(globs: &[&str]) -> Selection {
    let paths = globs.iter().map(|glob| ((*glob).to_owned(), glob.parse().unwrap())).collect();
    Selection { paths, ..Selection::default() }
}

fn planned(layers: &[LayerEvidence], selection: &Selection, mode: Mode) -> Vec<Vec<(String, FileEdit)>> {
    let plans = plan(layers, selection, mode).unwrap();
    let files = |plan: &LayerPlan| plan.report().into_iter().map(|file| (file.path, file.change)).collect();
    plans.iter().map(files).collect()
}

const FILE: EntryKind = EntryKind::File;

fn removed(path: &str) -> (String, FileEdit) {
    (path.to_owned(), FileEdit::Removed)
}

fn hidden(path: &str) -> (String, FileEdit) {
    (path.to_owned(), FileEdit::Hidden)
}

#[test]
fn a_file_that_would_show_again_is_hidden_and_no_other() {
    let below = layer(&[("a/x", FILE), ("b/x", FILE), ("c", FILE)], &[]);
    let above =
        layer(&[("a/x", FILE), ("b", EntryKind::Opaque), ("b/x", FILE), ("d", FILE)], &["a/x", "b/x", "d"]);
    let plans = planned(&[below.clone(), above.clone()], &Selection::default(), Mode::Remove);
    assert_eq!(plans, [vec![], vec![hidden("a/x"), removed("b/x"), removed("d")]]);
    // A layer between that hides it suffices.
    let between = layer(&[("a", EntryKind::Whiteout)], &[]);
    let plans = planned(&[below, between, above.clone()], &Selection::default(), Mode::Remove);
    assert_eq!(plans[2][0], removed("a/x"));
    // What goes below, too, does not show.
    let plans = planned(&[above.clone(), above], &Selection::default(), Mode::Remove);
    assert_eq!(plans[1][0], removed("a/x"));
}

#[test]
fn named_paths_go_from_all_layers_with_what_is_below_but_whiteouts_stay() {
    let one = layer(&[("srv", EntryKind::Directory), ("srv/a", FILE), ("opt/a", FILE)], &[]);
    let two = layer(&[("srv/a", EntryKind::Whiteout), ("srv/b", FILE)], &[]);
    let plans = planned(&[one, two], &paths(&["/srv"]), Mode::Redact);
    assert_eq!(plans, [vec![removed("srv"), removed("srv/a")], vec![removed("srv/b")]]);
}

#[test]
fn links_to_a_secret_go_with_it_or_share_what_is_redacted() {
    let link = |to: &str| EntryKind::Hardlink(to.into());
    let layer = layer(&[("a", FILE), ("b", link("a")), ("c", link("b"))], &["a", "b", "c"]);
    let layers = std::slice::from_ref(&layer);
    let plans = planned(layers, &Selection::default(), Mode::Remove);
    assert_eq!(plans, [vec![removed("a"), removed("b"), removed("c")]]);
    let plans = planned(layers, &Selection::default(), Mode::Redact);
    assert_eq!(plans, [vec![("a".to_owned(), FileEdit::Redacted)]]);
    // If the file goes by name, no link may take over the secret.
    let plans = planned(layers, &paths(&["a"]), Mode::Redact);
    assert_eq!(plans, [vec![removed("a"), removed("b"), removed("c")]]);
    assert_eq!(plan(layers, &Selection::default(), Mode::Remove).unwrap()[0].file_of("c"), "a");
}

#[test]
fn a_link_into_a_lower_layer_is_refused_unless_it_goes_itself() {
    let below = layer(&[("a", FILE)], &[]);
    let above = layer(&[("b", EntryKind::Hardlink("a".into()))], &[]);
    let layers = [below, above];
    assert!(matches!(plan(&layers, &paths(&["a"]), Mode::Remove), Err(ScrubError::Link { layer: 2, .. })));
    assert!(plan(&layers, &paths(&["a", "b"]), Mode::Remove).is_ok());
}

#[test]
fn links_in_a_ring_end() {
    let link = |to: &str| EntryKind::Hardlink(to.into());
    let layer = layer(&[("a", link("b")), ("b", link("a")), ("c", link("c"))], &["a"]);
    assert!(plan(&[layer], &paths(&["c"]), Mode::Remove).is_ok());
}
