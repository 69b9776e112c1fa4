use super::*;
use std::io::Write;
use std::os::unix::fs::symlink;

/// A record of `lines`, compressed, and the layer of it and `files`.
fn layer(folder: &Path, lines: &str) -> SplitLayer {
    let record = folder.join("tar-split.gz");
    let mut encoder =
        flate2::write::GzEncoder::new(File::create(&record).unwrap(), flate2::Compression::fast());
    encoder.write_all(lines.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let files = folder.join("diff");
    std::fs::create_dir_all(&files).unwrap();
    SplitLayer { record, files, hint: "ask" }
}

fn read(layer: &SplitLayer) -> io::Result<Vec<u8>> {
    plimsoll_formats::bounded::read(layer.open()?, 1 << 20)
}

fn file(name: &str, size: i64) -> String {
    format!("{{\"type\":1,\"name\":{name:?},\"size\":{size},\"payload\":\"AAAAAAAAAAA=\",\"position\":1}}\n")
}

#[test]
fn raw_bytes_and_files_alternate() {
    let folder = tempfile::tempdir().unwrap();
    let raw = r#"{"type":2,"payload":"PHJhdz4=","position":0}"#;
    let not_utf8 = r#"{"type":1,"name":"","name_raw":"/y9h","size":2,"payload":"AA==","position":3}"#;
    let empty = r#"{"type":1,"name":"nowhere/","payload":null,"position":4}"#;
    let lines = format!("{raw}\n{}{raw}\n{not_utf8}\n{empty}\n{raw}", file("./a//b", 3));
    let layer = layer(folder.path(), &lines);
    std::fs::create_dir_all(layer.files.join("a")).unwrap();
    std::fs::write(layer.files.join("a/b"), "abc").unwrap();
    let odd = layer.files.join(OsStr::from_bytes(b"\xff"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("a"), "xy").unwrap();
    assert_eq!(read(&layer).unwrap(), b"<raw>abc<raw>xy<raw>");
}

#[test]
fn names_do_not_leave_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "abc").unwrap();
    for name in
        ["../secret", "a/../../secret", "..", "", ".", "/../secret", "out", "up/secret", "down/secret"]
    {
        let layer = layer(folder.path(), &file(name, 3));
        for (link, target) in [("out", "../secret"), ("up", ".."), ("down", "/proc/self/cwd/..")] {
            drop(symlink(target, layer.files.join(link)));
        }
        assert!(read(&layer).is_err(), "{name}");
    }
    let layer = layer(folder.path(), &file("/etc/hostname-of-the-layer", 3));
    std::fs::create_dir(layer.files.join("etc")).unwrap();
    std::fs::write(layer.files.join("etc/hostname-of-the-layer"), "in!").unwrap();
    assert_eq!(read(&layer).unwrap(), b"in!", "an absolute name is one below the directory");
    let walked = walk_below(&File::open(&layer.files).unwrap(), Path::new("etc/hostname-of-the-layer"));
    assert_eq!(plimsoll_formats::bounded::read(walked.unwrap(), 9).unwrap(), b"in!");
    assert!(walk_below(&File::open(&layer.files).unwrap(), Path::new("up/secret")).is_err());
}

#[test]
fn links_between_directories_of_a_layer_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let layer = layer(folder.path(), &file("lib/x", 3));
    std::fs::create_dir_all(layer.files.join("usr/lib")).unwrap();
    symlink("/usr/lib", layer.files.join("lib")).unwrap();
    std::fs::write(layer.files.join("usr/lib/x"), "abc").unwrap();
    assert_eq!(read(&layer).unwrap(), b"abc");
}

#[test]
fn sizes_that_lie_and_files_of_other_kinds_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    for (size, complaint) in [(2, "longer"), (4, "shorter"), (i64::MAX, "shorter"), (-1, "negative")] {
        let layer = layer(folder.path(), &file("a", size));
        std::fs::write(layer.files.join("a"), "abc").unwrap();
        let error = read(&layer).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    let layer = layer(folder.path(), &(file("fifo", 1) + &file("dir", 1)));
    std::fs::create_dir(layer.files.join("dir")).unwrap();
    rustix::fs::mknodat(CWD, layer.files.join("fifo"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert!(read(&layer).unwrap_err().to_string().contains("regular"));
}

#[test]
fn malformed_records_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "{\"type\":2,\"payload\":\"PHJhd",
        "{\"type\":2,\"payload\":\"*\"}",
        "{\"type\":3}",
        "{\"type\":1,\"size\":1}",
        "[]",
        "\n",
        "{\"type\":1,\"name\":\"a\\u0000b\",\"size\":1}",
    ];
    for line in lines {
        assert!(read(&layer(folder.path(), line)).is_err(), "{line}");
    }
    let cut = layer(folder.path(), &file("a", 1));
    let whole = plimsoll_formats::bounded::read_file(&cut.record, 1 << 20).unwrap();
    std::fs::write(&cut.record, &whole[..whole.len() - 9]).unwrap();
    assert!(read(&cut).is_err());
}

#[test]
fn a_layer_without_record_or_files_is_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let SplitLayer { record, files, hint } = layer(folder.path(), "");
    for (record, files) in [(folder.path().join("none"), files.clone()), (record, folder.path().join("none"))]
    {
        assert!(matches!(content(record, files, hint), LayerContent::Unreadable(_)));
    }
}
