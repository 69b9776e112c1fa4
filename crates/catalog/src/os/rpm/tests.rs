use plimsoll_model::evidence::Located;
use plimsoll_model::gap::Gap;

use super::*;

/// A package's tags: number, text. Numbers are told apart by their tag.
type Tags<'a> = &'a [(u32, &'a [&'a str])];

/// Writes an NDB with these packages, the smallest of the three forms.
fn database(packages: &[Tags<'_>]) -> Vec<u8> {
    let mut file = vec![0; 4096];
    file[..4].copy_from_slice(b"RpmP");
    file[12] = 1;
    for slot in 2..256 {
        file[slot * 16..slot * 16 + 4].copy_from_slice(b"Slot");
    }
    for (index, tags) in packages.iter().enumerate() {
        let (start, blob) = (file.len(), blob(tags));
        let blocks = (blob.len() + 28).div_ceil(16);
        let number = u32::try_from(index + 1).unwrap();
        let place = [number, u32::try_from(start / 16).unwrap(), u32::try_from(blocks).unwrap()];
        let slot = (index + 2) * 16;
        file[slot + 4..slot + 16].copy_from_slice(place.map(u32::to_le_bytes).as_flattened());
        file.extend(b"BlbS");
        file.extend([number, 0, u32::try_from(blob.len()).unwrap()].map(u32::to_le_bytes).as_flattened());
        file.extend(blob);
        file.resize(start + blocks * 16, 0);
    }
    file
}

fn blob(tags: Tags<'_>) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, values) in tags {
        let kind = if matches!(tag, 1003 | 1116) { 4 } else { 8 };
        let (offset, count) = (u32::try_from(data.len()).unwrap(), u32::try_from(values.len()).unwrap());
        index.extend([*tag, kind, offset, count].map(u32::to_be_bytes).as_flattened());
        for value in *values {
            match kind {
                4 => data.extend(value.parse::<u32>().unwrap().to_be_bytes()),
                _ => data.extend(value.bytes().chain([0])),
            }
        }
    }
    let counts = [tags.len(), data.len()].map(|count| u32::try_from(count).unwrap().to_be_bytes());
    [counts.as_flattened(), &index, &data].concat()
}

fn run(path: &'static str, bytes: &[u8]) -> Result<(Vec<Located>, Vec<Gap>), ExtractError> {
    let mut facts = Facts::new();
    facts.at(path, 1);
    assert!(RPM.wants.paths.contains(&PathRule::Exact(path)));
    (RPM.extract)(&mut ScanFile::in_memory(path, 0o644, bytes), &mut facts)?;
    Ok(facts.into_parts(|_, _| true))
}

const OPENSSL: Tags<'_> = &[
    (1000, &["openssl-libs"]),
    (1001, &["3.0.7"]),
    (1002, &["27.el9"]),
    (1003, &["1"]),
    (1014, &["ASL 2.0"]),
    (1022, &["x86_64"]),
    (1044, &["openssl-3.0.7-27.el9.src.rpm"]),
    (1116, &["0", "1", "1"]),
    (1117, &["", "libssl.so.3", "../../../up"]),
    (1118, &["/", "/usr/lib64/"]),
    (5096, &["openssl:3:1:c"]),
];

#[test]
fn a_package_and_its_files_are_told() {
    let key: Tags<'_> = &[(1000, &["gpg-pubkey"]), (1001, &["8483c65d"]), (1002, &["5ccc5b19"])];
    let (facts, gaps) = run("var/lib/rpm/Packages.db", &database(&[OPENSSL, key])).unwrap();
    assert_eq!(gaps, []);
    let mut package = Package::new(Ecosystem::Rpm, "openssl-libs", "1:3.0.7-27.el9");
    package.architecture = Some("x86_64".into());
    package.source = Some(SourcePackage { name: "openssl".into(), version: "1:3.0.7-27.el9".into() });
    package.licenses = vec!["ASL 2.0".into()];
    package.modularity = Some("openssl:3:1:c".into());
    let owner = "openssl-libs-3.0.7-27.el9.x86_64".to_owned();
    assert_eq!(owner_key(&package), owner);
    let files = vec!["usr/lib64/libssl.so.3".to_owned()];
    let facts: Vec<Fact> = facts.into_iter().map(|located| located.fact).collect();
    assert_eq!(facts, [Fact::Package(package), Fact::OwnedFiles { ecosystem: Ecosystem::Rpm, owner, files }]);
}

#[test]
fn what_cannot_be_read_is_a_gap_beside_the_rest() {
    let nameless: Tags<'_> = &[(1001, &["1"]), (1002, &["1"])];
    let torn: Tags<'_> =
        &[(1000, &["torn"]), (1001, &["1"]), (1002, &["1"]), (1116, &["9"]), (1117, &["a"]), (1118, &["/"])];
    let mut bytes = database(&[nameless, OPENSSL, torn, OPENSSL]);
    // The last slot leads nowhere.
    bytes[5 * 16 + 8..5 * 16 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (facts, gaps) = run("var/lib/rpm/Packages.db", &bytes).unwrap();
    assert_eq!(facts.len(), 3);
    let gaps: Vec<(GapKind, &str)> = gaps.iter().map(|gap| (gap.kind, gap.reason.as_str())).collect();
    assert_eq!(
        gaps,
        [
            (GapKind::RecordUnread, "a package without name, version or release"),
            (GapKind::RecordUnread, "record 4: the blob lies outside of the file"),
            (GapKind::RecordUnread, "torn-1-1: a directory number beyond the directories"),
        ]
    );
    assert!(matches!(run("var/lib/rpm/Packages", b"text"), Err(ExtractError::Malformed(_))));
}

#[test]
fn a_log_with_changes_is_a_gap() {
    for (size, gaps) in [(0, 0), (32, 0), (32 + 24 + 4096, 1)] {
        let (_, found) = run("var/lib/rpm/rpmdb.sqlite-wal", &vec![1; size]).unwrap();
        assert_eq!(found.len(), gaps, "{size}");
    }
}

#[test]
fn paths_far_longer_than_the_database_are_a_gap() {
    let directory = format!("/{}/", "d".repeat(100_000));
    let (places, names) = (vec!["0"; 2000], vec!["f"; 2000]);
    let bomb: Tags<'_> = &[
        (1000, &["bomb"]),
        (1001, &["1"]),
        (1002, &["1"]),
        (1116, &places),
        (1117, &names),
        (1118, &[&directory]),
    ];
    let (facts, gaps) = run("usr/lib/sysimage/rpm/Packages.db", &database(&[bomb])).unwrap();
    assert_eq!((facts.len(), gaps.len()), (1, 1));
    assert_eq!(gaps[0].kind, GapKind::LimitReached);
}

#[test]
fn sources_are_told_by_their_file_names() {
    let told = |file| source(file, 0).map(|source| format!("{} {}", source.name, source.version));
    assert_eq!(
        told("java-1.8.0-openjdk-1.8.0.382.b05-2.el8.src.rpm").as_deref(),
        Some("java-1.8.0-openjdk 1.8.0.382.b05-2.el8")
    );
    assert_eq!(told("x-1-2.nosrc.rpm").as_deref(), Some("x 1-2"));
    for file in ["", "(none)", "x-1-2.x86_64.rpm", "x-1.src.rpm", "-1-2.src.rpm", ".src.rpm", "--.src.rpm"] {
        assert_eq!(told(file), None, "{file}");
    }
}

#[test]
fn a_distroless_manifest_is_read() {
    let text = "mariner-release\t2.0-12.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t580\tnoarch\t0\t\
        mariner-release-2.0-12.cm2.src.rpm\n\
        openssl-libs\t1.1.1k-15.cm2\t1\t1\tMicrosoft Corporation\t2\t580\tx86_64\t2\topenssl-1.1.1k-15.cm2.src.rpm\r\n\
        gpg-pubkey\t3135ce90-5e6fda74\t1\t1\t(none)\t(none)\t0\t(none)\t0\t(none)\n\
        \n\
        too\tfew\n";
    let (facts, gaps) = run(MANIFEST, text.as_bytes()).unwrap();
    let packages: Vec<String> = facts
        .into_iter()
        .map(|located| match located.fact {
            Fact::Package(package) => format!("{} {}", owner_key(&package), package.source.unwrap().version),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        packages,
        ["mariner-release-2.0-12.cm2.noarch 2.0-12.cm2", "openssl-libs-1.1.1k-15.cm2.x86_64 2:1.1.1k-15.cm2"]
    );
    assert_eq!((gaps.len(), gaps[0].reason.as_str()), (1, "line 5: not the ten fields of a package"));
}
