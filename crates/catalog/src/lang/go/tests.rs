use super::*;
use crate::testing::{code_of, error_of, facts_of, gaps_of};
use plimsoll_model::code::{Code, Name};

const MODULES: &str = "path\texample.com/shop/cmd\nmod\texample.com/shop\t(devel)\t\n\
    dep\tgolang.org/x/text\tv0.3.7\th1:x=\n\
    dep\texample.com/old\tv1.0.0\n=>\texample.com/new\tv1.0.1\th1:y=\n\
    dep\texample.com/here\tv0.0.0\n=>\t./here\t(devel)\t\nbuild\tCGO_ENABLED=0\n";

fn framed(modules: &str) -> Vec<u8> {
    [b"0123456789abcdef", modules.as_bytes(), b"fedcba9876543210"].concat()
}

/// An ELF file with `data` as its only segment, writable, at 0x400000, and no sections.
fn elf(data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(0x80, 0);
    bytes[16] = 2;
    bytes[32] = 64;
    bytes[54] = 56;
    bytes[56] = 1;
    bytes[64] = 1;
    bytes[68] = 6;
    bytes[72] = 0x80;
    bytes[82] = 0x40;
    bytes[96..104].copy_from_slice(&(data.len() as u64).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn inline(version: &str, modules: &[u8]) -> Vec<u8> {
    let mut bytes = [MAGIC, &[8, 2]].concat();
    bytes.resize(32, 0);
    for text in [version.as_bytes(), modules] {
        let mut length = text.len();
        while length > 0x7f {
            bytes.push(0x80 | u8::try_from(length & 0x7f).unwrap());
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend_from_slice(text);
    }
    bytes
}

fn pointers(version: &str, modules: &[u8]) -> Vec<u8> {
    let base = 0x40_0000_u64;
    let mut bytes = [MAGIC, &[8, 0]].concat();
    let texts = base + 64;
    let numbers = [
        base + 32,
        base + 48,
        texts,
        version.len() as u64,
        texts + version.len() as u64,
        modules.len() as u64,
    ];
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    [&bytes[..], version.as_bytes(), modules].concat()
}

fn packages(bytes: &[u8]) -> Vec<String> {
    let named = |fact: Fact| match fact {
        Fact::Package(package) => format!("{}@{}", package.name, package.version),
        other => panic!("{other:?}"),
    };
    facts_of(&GO, "usr/bin/shop", bytes).into_iter().map(named).collect()
}

#[test]
fn both_forms_are_read_and_replacements_are_what_was_built() {
    let expected = [
        "example.com/here@",
        "example.com/new@v1.0.1",
        "example.com/shop@",
        "golang.org/x/text@v0.3.7",
        "stdlib@1.17.2",
    ];
    assert_eq!(packages(&elf(&inline("go1.17.2", &framed(MODULES)))), expected);
    assert_eq!(packages(&elf(&pointers("go1.17.2", &framed(MODULES)))), expected);
    let deep = [vec![1; 3 << 20], inline("go1.17.2", &framed(MODULES))].concat();
    assert_eq!(packages(&elf(&deep)), expected);
}

#[test]
fn without_modules_there_is_the_standard_library() {
    assert_eq!(packages(&elf(&inline("go1.20", b""))), ["stdlib@1.20"]);
}

#[test]
fn versions_of_go_are_brought_to_their_release() {
    for (version, expected) in [
        ("go1.21.0", "1.21.0"),
        ("go1.21", "1.21"),
        ("go1.21rc2", "1.21rc2"),
        ("go1.21.0 X:boringcrypto,arenas", "1.21.0"),
        ("go1.24.3 (Red Hat 1.24.3-1.el9)", "1.24.3"),
        ("go1.22.5-vendor1", "1.22.5"),
        ("go1.22.5+deb1", "1.22.5"),
        ("devel go1.22-1a2b3c4d5e Mon Jan 1", ""),
        ("go1.26-devel_1a2b3c4d5e", ""),
        ("devel +1a2b3c", ""),
        ("unknown", ""),
        ("go1..2", ""),
        ("", ""),
    ] {
        assert_eq!(release(version), expected, "{version}");
    }
}

#[test]
fn lines_without_sense_are_a_gap_and_the_others_count() {
    let modules = "mod\t\tv1\n=>\ta\tv1\ndep\tx\tv1.0.0\n";
    let bytes = elf(&inline("go1.20", &framed(modules)));
    assert_eq!(packages(&bytes), ["stdlib@1.20", "x@v1.0.0"]);
    assert_eq!(gaps_of(&GO, "usr/bin/shop", &bytes).len(), 1);
}

#[test]
fn executables_of_others_are_nothing() {
    assert!(packages(&elf(&[7; 5000])).is_empty());
    assert!(packages(&elf(b"")).is_empty());
}

#[test]
fn lengths_that_lie_are_gaps() {
    let whole = elf(&inline("go1.20", &framed(MODULES)));
    for cut in [0x80 + 16, 0x80 + 32, 0x80 + 36, whole.len() - 1] {
        let mut bytes = whole[..cut].to_vec();
        bytes[96..104].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(error_of(&GO, "x", &bytes).is_some(), "{cut}");
    }
    let mut huge = [MAGIC, &[8, 2]].concat();
    huge.resize(32, 0);
    huge.extend([0xff; 10]);
    assert!(error_of(&GO, "x", &elf(&huge)).is_some());
    let nowhere = [MAGIC, &[8, 0], &[0xff; 16]].concat();
    assert!(error_of(&GO, "x", &elf(&nowhere)).is_some());
}

#[test]
fn no_byte_changed_ends_in_a_panic() {
    for whole in [elf(&inline("go1.20", &framed(MODULES))), elf(&pointers("go1.17", &framed(MODULES)))] {
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                drop(error_of(&GO, "x", &bytes));
            }
        }
    }
}

#[test]
fn packed_executables_are_gaps() {
    let error = error_of(&GO, "x", &elf(b"\0\0\0\0UPX!\x0d\x16")).unwrap();
    assert!(error.contains("UPX"), "{error}");
}

/// A table of functions in the form of Go 1.20.
fn table(names: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
    let words = [0, 0, 0, 72, 72 + names.len() as u64, 0, 0, 0];
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    [&bytes[..], names].concat()
}

/// The code of a program with these names, which lie behind its build information.
fn code(names: &[u8]) -> Option<Code> {
    let mut bytes = inline("go1.22.1", &framed(MODULES));
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    bytes.extend(table(names));
    let mut code = code_of(&GO, "usr/bin/shop", &elf(&bytes)).into_iter();
    let (inside, found) = code.next()?;
    assert_eq!((inside, code.next()), (None, None));
    Some(found)
}

#[test]
fn functions_are_known_by_the_paths_of_their_modules() {
    let names = b"\0runtime.main\0main.main\0main.(*Till).Open.func1\0golang.org/x/text/language.Parse\0\
        example.com/old/x.F[...]\0gopkg.in/yaml%2ev2.Unmarshal\0type:.eq.a/b.T\0memcpy\0\xff\xfe.x\0";
    let code = code(names).unwrap();
    assert!(code.is_whole && code.ecosystem == Ecosystem::Go);
    for name in [
        "runtime#main",
        "example.com/shop/cmd#main",
        "example.com/shop/cmd#Till.Open",
        "golang.org/x/text/language#Parse",
        "golang.org/x/text/language",
        "golang.org/x/text",
        "example.com/old/x#F",
        // What was built in its place keeps the paths of what it replaces.
        "example.com/new/x#F",
        "example.com/new",
        "gopkg.in/yaml.v2#Unmarshal",
    ] {
        assert!(code.names.contains(Name::of(&[name])), "{name}");
    }
    for name in ["main#main", "golang.org/x/text/language#MustParse", "a/b#T", "example.com/here"] {
        assert!(!code.names.contains(Name::of(&[name])), "{name}");
    }
}

#[test]
fn tables_that_are_no_program_s_tell_nothing() {
    assert!(code(b"runtime.main\0").is_some());
    // Without the runtime they are not all.
    assert_eq!(code(b"main.main\0"), None);
    assert_eq!(code(b""), None);
    assert_eq!(code(&b"\0".repeat(100)), None);
}

#[test]
fn names_without_end_take_neither_memory_nor_time() {
    let deep = "a/".repeat(20);
    let many: Vec<u8> = (0..80_000).flat_map(|n| format!("{deep}{n}.F\0").into_bytes()).collect();
    assert_eq!(code(&[b"runtime.main\0", &many[..]].concat()), None);
    let long = [b"runtime.main\0", "a/".repeat(10 << 20).as_bytes(), b"b.F\0"].concat();
    assert!(!code(&long).unwrap().names.contains(Name::of(&["a"])));
}
