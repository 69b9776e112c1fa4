use super::*;

/// Decides by name.
#[derive(Default)]
struct Decisions(HashMap<&'static str, Change>);

impl Editor for Decisions {
    fn change(&mut self, entry: &Entry) -> Change {
        self.0.get(entry.name.as_str()).cloned().unwrap_or(Change::Keep)
    }

    fn rewrite(&mut self, _: &Entry, content: &mut [u8]) {
        content.fill(b'*');
    }
}

fn edited(bytes: &[u8], changes: &[(&'static str, Change)]) -> Result<Vec<u8>, EditError> {
    let mut editor = Decisions(changes.iter().cloned().collect());
    let folder = tempfile::tempdir().unwrap();
    let mut new = Vec::new();
    // A small buffer makes headers and bodies cross its boundaries.
    let from = io::BufReader::with_capacity(700, bytes);
    edit(from, &mut new, &mut editor, Limits::default(), folder.path()).map(|()| new)
}

fn remove() -> Change {
    Change::Remove { instead: None, hold: None }
}

fn file(builder: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o4751);
    header.set_mtime(1_700_000_000);
    header.set_uid(7);
    builder.append_data(&mut header, name, content).unwrap();
}

fn link(builder: &mut tar::Builder<Vec<u8>>, name: &str, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Link);
    header.set_size(0);
    header.set_mode(0o644);
    header.set_mtime(0);
    builder.append_link(&mut header, name, target).unwrap();
}

fn built(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    build(&mut builder);
    builder.into_inner().unwrap()
}

/// What another reader sees: names, kinds, targets, contents, modes, times.
fn seen(bytes: &[u8]) -> Vec<(String, tar::EntryType, String, Vec<u8>, u32, u64)> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let link = entry.link_name_bytes().unwrap_or_default().into_owned();
        let mut content = Vec::new();
        io::copy(&mut entry, &mut content).unwrap();
        let (mode, time) = (entry.header().mode().unwrap(), entry.header().mtime().unwrap());
        (name, entry.header().entry_type(), String::from_utf8(link).unwrap(), content, mode, time)
    });
    entries.collect()
}

#[test]
fn what_nobody_changes_stays_byte_for_byte() {
    let long = "d/".repeat(90);
    let mut bytes = built(|b| {
        b.append_pax_extensions([("SCHILY.xattr.user.x", &b"1"[..]), ("mtime", b"1.5")]).unwrap();
        file(b, "a", &[1; 1500]);
        file(b, &long, b"");
        link(b, "b", "a");
    });
    bytes.extend_from_slice(b"behind the end");
    assert_eq!(edited(&bytes, &[]).unwrap(), bytes);
    assert_eq!(edited(b"", &[]).unwrap(), b"");
}

#[test]
fn what_goes_takes_its_headers_and_padding_along() {
    let long = "d/".repeat(90) + "secret";
    let name: &'static str = Box::leak(long.into_boxed_str());
    let with = built(|b| {
        file(b, "a", &[1; 700]);
        b.append_pax_extensions([("SCHILY.xattr.user.x", &b"1"[..])]).unwrap();
        file(b, name, &[2; 700]);
        file(b, "c", &[3; 700]);
        file(b, name, b"again");
    });
    let without = built(|b| {
        file(b, "a", &[1; 700]);
        file(b, "c", &[3; 700]);
    });
    assert_eq!(edited(&with, &[(name, remove())]).unwrap(), without);
}

#[test]
fn headers_for_all_entries_stay() {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::XGlobalHeader);
    header.set_size(20);
    header.set_cksum();
    let global = [header.as_bytes().as_slice(), b"20 comment=for them\n", &[0; 492]].concat();
    let bytes = [global.clone(), built(|b| file(b, "a", b"x"))].concat();
    let new = edited(&bytes, &[("a", remove())]).unwrap();
    assert_eq!(new, [global, built(|_| {})].concat());
}

#[test]
fn a_content_is_changed_in_place() {
    let bytes = built(|b| {
        file(b, "a", b"secret");
        file(b, "b", b"kept");
    });
    let new = edited(&bytes, &[("a", Change::Rewrite(6))]).unwrap();
    assert_eq!(
        new,
        built(|b| {
            file(b, "a", b"******");
            file(b, "b", b"kept");
        })
    );
    assert!(matches!(edited(&bytes, &[("a", Change::Rewrite(5))]), Err(EditError::TooLarge { .. })));
}

#[test]
fn a_whiteout_takes_the_place_of_an_entry() {
    let long = format!("{}.wh.a", "d/".repeat(90));
    for name in ["e/.wh.a", &long, "é/.wh.a"] {
        let bytes = built(|b| {
            b.append_pax_extensions([("SCHILY.xattr.user.x", &b"1"[..])]).unwrap();
            file(b, "a", b"secret");
            file(b, "z", b"kept");
        });
        let change = Change::Remove { instead: Some(name.to_owned()), hold: None };
        let new = edited(&bytes, &[("a", change)]).unwrap();
        let seen = seen(&new);
        assert_eq!(
            seen[0],
            (name.to_owned(), tar::EntryType::Regular, String::new(), vec![], 0o4751, 1_700_000_000)
        );
        assert_eq!((seen.len(), seen[1].3.as_slice()), (2, &b"kept"[..]));
        assert!(!String::from_utf8_lossy(&new).contains("SCHILY"));
    }
}

#[test]
fn a_hard_link_takes_the_place_of_its_file_and_others_follow() {
    let long = format!("{}b", "d/".repeat(90));
    let bytes = built(|b| {
        b.append_pax_extensions([("SCHILY.xattr.user.x", &b"1"[..]), ("path", b"a")]).unwrap();
        file(b, "a", b"content");
        link(b, &long, "a");
        link(b, "c", "a");
    });
    let name: &'static str = Box::leak(long.into_boxed_str());
    let hold = Change::Remove { instead: None, hold: Some("a".into()) };
    let changes = [("a", hold), (name, Change::Become("a".into())), ("c", Change::Relink(name.to_owned()))];
    let new = edited(&bytes, &changes).unwrap();
    let seen = seen(&new);
    assert_eq!(
        seen[0],
        (name.to_owned(), tar::EntryType::Regular, String::new(), b"content".to_vec(), 0o4751, 1_700_000_000)
    );
    assert_eq!((seen[1].0.as_str(), seen[1].1, seen[1].2.as_str()), ("c", tar::EntryType::Link, name));
    assert_eq!(seen.len(), 2);
    assert!(String::from_utf8_lossy(&new).contains("SCHILY.xattr.user.x=1"), "records of the file stay");
}

#[test]
fn a_link_before_its_file_is_refused() {
    let bytes = built(|b| {
        link(b, "b", "a");
        file(b, "a", b"content");
    });
    assert!(matches!(edited(&bytes, &[("b", Change::Become("a".into()))]), Err(EditError::Link { .. })));
}

#[test]
fn cut_and_broken_archives_are_errors_or_shorter_never_panics() {
    let sound = built(|b| {
        file(b, "a", &[1; 2000]);
        link(b, "b", "a");
    });
    let hold = Change::Remove { instead: Some(".wh.a".into()), hold: Some("a".into()) };
    let changes = [("a", hold), ("b", Change::Become("a".into()))];
    for cut in (0..sound.len()).step_by(13) {
        drop(edited(&sound[..cut], &changes));
    }
    for at in (0..sound.len()).step_by(7) {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x55;
        drop(edited(&flipped, &changes));
        if let Ok(same) = edited(&flipped, &[]) {
            assert_eq!(same, flipped, "{at}");
        }
    }
}
