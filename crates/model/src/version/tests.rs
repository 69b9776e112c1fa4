//! Tables by scheme, and the laws of an order.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::Scheme;

/// Texts in rising order; those within one row are equal.
const RISING: [(Scheme, &[&[&str]]); 20] = [
    (
        Scheme::Deb,
        &[
            &["1.0~~"],
            &["1.0~~a"],
            &["1.0~rc1-1"],
            &["1.0", "0:1.0", "1.0-0", "01.0", " 1.0 ", "1.000-00"],
            &["1.0-1~bpo12+1"],
            &["1.0-1"],
            &["1.0-1+deb12u1"],
            &["1.0-1+deb12u10"],
            &["1.0-1.1"],
            &["1.0-10"],
            &["1.0a"],
            &["1.0+dfsg-1"],
            &["1.0-rc-1"],
            &["1.2.99999999999999999999999999999999998"],
            &["1.2.99999999999999999999999999999999999"],
            &["1:0"],
            &["2147483647:0"],
        ],
    ),
    (
        Scheme::Rpm,
        &[
            &["1.0~rc1"],
            &["1.0", "0:1.0", ":1.0", "1_0", "01.00", "1.0."],
            &["1.0-1~x"],
            &["1.0-1.el9", "0:1.0-1_el9"],
            &["1.0-1.el9_2"],
            &["1.0-2"],
            &["1.0^"],
            &["1.0^20240101"],
            &["1.0a"],
            &["1.0b"],
            &["1.0.1"],
            &["1.0.99999999999999999999999999999999999"],
            &["1:0.1"],
        ],
    ),
    (
        Scheme::Apk,
        &[
            &["1.2.3_alpha"],
            &["1.2.3_alpha1"],
            &["1.2.3_beta2"],
            &["1.2.3_pre1"],
            &["1.2.3_rc1"],
            &["1.2.3_rc1-r1"],
            &["1.2.3_unknown1"],
            &["1.2.3"],
            &["1.2.3-r0", "1.2.3-r"],
            &["1.2.3-r1"],
            &["1.2.3-r10"],
            &["1.2.3~0123abc"],
            &["1.2.3~0123abc-r1"],
            &["1.2.3_cvs1"],
            &["1.2.3_svn1"],
            &["1.2.3_git20240101"],
            &["1.2.3_hg1"],
            &["1.2.3_p1"],
            &["1.2.3_p2_alpha"],
            &["1.2.3_p2"],
            &["1.2.3_p10"],
            &["1.2.3a"],
            &["1.2.3b-r1"],
            &["1.2.3.05"],
            &["1.2.3.1"],
            &["1.2.10"],
            &["1.2.99999999999999999999999999999999999"],
        ],
    ),
    (
        Scheme::Semver,
        &[
            &["1.0.0-0"],
            &["1.0.0-2"],
            &["1.0.0-10"],
            &["1.0.0--"],
            &["1.0.0-alpha", "1.0.0alpha"],
            &["1.0.0-alpha.1"],
            &["1.0.0-alpha.99999999999999999999999999999999998"],
            &["1.0.0-alpha.99999999999999999999999999999999999"],
            &["1.0.0-alpha.beta"],
            &["1.0.0", "1", "1.0", "v1.0.0", "=1.0.0", "= v1.0.0", "1.0.0+build.1", " 1.0.0 "],
            &["1.0.0.1"],
            &["1.0.1-rc.1"],
            &["1.0.99999999999999999999999999999999999"],
        ],
    ),
    (
        Scheme::Pep440,
        &[
            &["!1"],
            &["foo"],
            &["0.1-bulbasaur"],
            &["1.0 1"],
            &["1!"],
            &["1.0+a..b"],
            &["1.0+"],
            &["1.0dev1a1"],
            &["1.0--FOO"],
            &["1.0-foo", "1.0.0-foo"],
            &["1.0-foo-final"],
            &["1.0..1"],
            &["2004d"],
            &["0.0.dev0"],
            &["1.0.dev0", "1.dev", "1.0-dev", "1.0.0_DEV_0"],
            &["1.0.dev1"],
            &["1.0a1.dev1"],
            &["1.0a1", "1.0-alpha.1", "1.0_ALPHA-1", "v1.0a01"],
            &["1.0a1.post1.dev1"],
            &["1.0a1.post1"],
            &["1.0b1", "1.0beta1"],
            &["1.0rc1.dev5"],
            &["1.0rc1", "1.0c1", "1.0pre1", "1.0preview1"],
            &["1.0", "1", "1.0.0", "0!1.0", "\t1.0\n"],
            &["1.0+abc", "1.0+ABC"],
            &["1.0+abc.5", "1.0+abc-05"],
            &["1.0+5"],
            &["1.0.post0.dev1"],
            &["1.0.post0", "1.0-0", "1.0post", "1.0-r"],
            &["1.0.post1", "1.0-1", "1.0rev1"],
            &["1.1.dev1"],
            &["1.99999999999999999999999999999999999"],
            &["1!0.1"],
        ],
    ),
    (
        Scheme::Maven,
        &[
            &["1-alpha-1", "1a1", "1.0.alpha1", "1.0-ALPHA-1"],
            &["1-beta"],
            &["1-milestone-2", "1m2"],
            &["1-rc", "1-cr"],
            &["1-SNAPSHOT"],
            &["1", "1.0", "1.ga", "1-final", "1.0.0-release", "1-0", "1."],
            &["1-sp"],
            &["1-abc"],
            &["1-xyz"],
            &["1-1"],
            &["1-2"],
            &["1.0.1"],
            &["1.1"],
            &["1.99999999999999999999999999999999999"],
        ],
    ),
    (
        Scheme::Go,
        &[
            &["v0.0.0-20190101000000-aaaaaaaaaaaa"],
            &["v0.0.0-20240101000000-000000000000"],
            &["v0.0.0"],
            &["1.21.0-0"],
            &["go1.21beta1"],
            &["go1.21rc2", "1.21rc2", "1.21.0-rc.2", "v1.21.0-rc.2"],
            &["go1.21rc10"],
            &["go1.21", "go1.21.0", "1.21", "v1.21.0+incompatible", "go1.21 X:boringcrypto", "go1.21-vendor"],
            &["v1.21.1-0.20240101000000-aaaaaaaaaaaa"],
            &["go1.21.1"],
            &["go1.22.0"],
            &["v2.99999999999999999999999999999999999.0"],
        ],
    ),
    (
        Scheme::RubyGems,
        &[
            &["1.0.a", "1.a", "1.0.0.a"],
            &["1.0.b1", "1.b.1"],
            &["1.0-x", "1.pre.x"],
            &["1.0.rc"],
            &["1", "1.0", "1.0.0"],
            &["1.0.1"],
            &["1.10"],
            &["1.99999999999999999999999999999999999"],
        ],
    ),
    (
        Scheme::NuGet,
        &[&["1.0.0-9"], &["1.0.0-BETA", "1.0.0-beta"], &["1", "1.0.0.0", "1.0+x"], &["1.0.0.1"], &["1.0.1"]],
    ),
    (
        Scheme::Packagist,
        &[
            &["dev-main"],
            &["1.0-foo"],
            &["1.0-dev"],
            &["1.0-alpha1", "1.0a1"],
            &["1.0-beta"],
            &["1.0-RC1", "1.0rc1"],
            &["1.0", "v1.0", "1.0.0", "1.0-stable", "1.0+build"],
            &["1.0-patch1", "1.0pl1"],
            &["1.1"],
            &["1.x-dev", "1.X-DEV", "1.*.x.dev"],
            &["2.0.0.1"],
            &["20200101"],
            &["20200101.1"],
        ],
    ),
    (Scheme::Pub, &[&["1.0.0-a"], &["1.0.0"], &["1.0.0+1"], &["1.0.0+2"], &["1.0.0+a"], &["1.0.1"]]),
    (Scheme::Cran, &[&["0.9"], &["0.75"], &["1.0"], &["1.0.0", "1.0-0"], &["1.0-1"], &["1.1"]]),
    (
        Scheme::Pacman,
        &[
            &["1.0a-1"],
            &["1.0alpha-1"],
            &["1.0b-1"],
            &["1.0rc-1"],
            &["1.0-1", "0:1.0-1", "1.00-1"],
            &["1.0-2"],
            &["1.0.a-1"],
            &["1.0.1-1"],
            &["1:0.1-1"],
        ],
    ),
    (Scheme::Hackage, &[&["0"], &["1.0"], &["1.0.0", "1.00.0"], &["1.0.1"], &["1.10"]]),
    (
        Scheme::Gentoo,
        &[
            &["1.0_alpha"],
            &["1.0_alpha1", "1.0_alpha01"],
            &["1.0_alpha1_p1"],
            &["1.0_beta"],
            &["1.0_pre"],
            &["1.0_rc1"],
            &["1.0", "1.0-r0", "01.0"],
            &["1.0-r1"],
            &["1.0_p"],
            &["1.0_p1"],
            &["1.0b"],
            &["1.0.0"],
            &["1.01", "1.010"],
            &["1.02"],
            &["1.1"],
            &["1.10"],
        ],
    ),
    (
        Scheme::Conda,
        // The list of conda's own documentation, and openssl's.
        &[
            &["0.4", "0.4.0"],
            &["0.4.1a.vc11"],
            &["0.4.1.rc", "0.4.1.RC"],
            &["0.4.1"],
            &["0.5a1"],
            &["0.5b3"],
            &["0.5C1"],
            &["0.5"],
            &["0.9.6"],
            &["0.960923"],
            &["1.0.1dev"],
            &["1.0.1_"],
            &["1.0.1a"],
            &["1.0.1"],
            &["1.0.1post.1"],
            &["1.0.2+1"],
            &["1.1dev1"],
            &["1.1a1"],
            &["1.1.0dev1", "1.1.dev1"],
            &["1.1.a1"],
            &["1.1.0rc1"],
            &["1.1.0", "1.1"],
            &["1.1.0post1", "1.1.post1"],
            &["1.1post1"],
            &["1996.07.12"],
            &["1!0.4.1"],
        ],
    ),
    (
        Scheme::Conan,
        &[
            &["1.1.0-rc1"],
            &["1.1", "1.1.0", "01.1"],
            &["1.1+1"],
            &["1.1.1"],
            &["1.1.1k"],
            &["1.1.1w"],
            &["1.10"],
        ],
    ),
    (Scheme::Opam, &[&["1.0~rc1"], &["1.0", "1.00"], &["1.0+a-1"], &["1.0-1"], &["1.0.1"], &["v0.16"]]),
    (
        Scheme::Bitnami,
        &[&["1.2.3-rc.1"], &["1.2.3", "v1.2.3", "1.2.3-0"], &["1.2.3-1"], &["1.2.3-10"], &["1.2.4"]],
    ),
    (Scheme::Actions, &[&["v1.2.3", "1.2.3"], &["2"], &["v2.0.1"], &["46"], &["v46.0.1"]]),
];

#[test]
fn tables_rise() {
    for (scheme, rows) in RISING {
        let texts: Vec<(usize, &str)> = rows
            .iter()
            .enumerate()
            .flat_map(|(row, texts)| texts.iter().map(move |text| (row, *text)))
            .collect();
        for (row, left) in &texts {
            for (other, right) in &texts {
                assert_eq!(scheme.compare(left, right), Ok(row.cmp(other)), "{scheme}: {left} and {right}");
            }
        }
    }
}

#[test]
fn what_the_ecosystem_refuses_is_an_error() {
    let refused: [(Scheme, &[&str]); 19] = [
        (Scheme::Deb, &["", " ", "1 2", "a:1", "2147483648:1", ":1", "1:", "1-", "-1", "1:-1"]),
        (Scheme::Rpm, &[""]),
        (Scheme::Apk, &["", "-r1", "_p1", "Z", "~1"]),
        (
            Scheme::Semver,
            &["", "v", "a", "1.", "1..2", "1.2.3-", "1.2.3-a..b", "1.2.3-ü", "1.2.3 4", "latest"],
        ),
        (Scheme::Pep440, &["", " "]),
        (Scheme::Maven, &["", " "]),
        (
            Scheme::Go,
            &["", "(devel)", "devel", "v", "go", "v1.2.3.4", "go1.21rc", "goo", "unknown", "v1.2.3-"],
        ),
        (Scheme::RubyGems, &["a", "1..2", "1.", ".1", "1-", "1.2 3", "1_2"]),
        (Scheme::NuGet, &["", "1.2.3.4.5", "a", "1."]),
        (Scheme::Packagist, &["", "v", "-"]),
        (Scheme::Pub, &["", "a"]),
        (Scheme::Cran, &["", "1.", "1.a", "-1"]),
        (Scheme::Hackage, &["", "1-1", "1.a", "1."]),
        (Scheme::Gentoo, &["", "a", "1.", "1-r", "1_x", "1-1", "1.0ab"]),
        (Scheme::Conda, &["", "1..2", "1_2-3", "1.0+", "!1", "1!", "ü"]),
        (Scheme::Conan, &["", "cci.20240101", "a", "1 2"]),
        (Scheme::Opam, &["", "1:2", "1 2"]),
        (Scheme::Bitnami, &["", "a", "1."]),
        (Scheme::Actions, &["", "v4", "v4.1", "main"]),
    ];
    for (scheme, texts) in refused {
        for text in texts {
            assert!(scheme.compare(text, "1.0").is_err(), "{scheme}: {text:?}");
            let error = scheme.compare("1.0", text).unwrap_err();
            assert_eq!((error.scheme, error.version.as_str()), (scheme, *text));
        }
    }
}

#[test]
fn undecidable_pairs_are_errors() {
    assert!(Scheme::Apk.compare("1.2_foo1", "1.2_foo2").is_err());
    assert!(Scheme::Apk.compare("v1.2.3", "v1.2.4").is_err());
    assert!(Scheme::Packagist.compare("dev-foo", "dev-main").is_err());
    assert_eq!(Scheme::Apk.compare("1.2_foo1", "1.2_foo1"), Ok(Ordering::Equal));
    assert!(Scheme::Unordered.compare("1", "2").is_err());
    assert_eq!(Scheme::Unordered.compare("1", "1"), Ok(Ordering::Equal));
}

#[test]
fn a_bound_without_release_is_all_releases() {
    let order = |left, right| Scheme::Rpm.compare_to_bound(left, right).unwrap();
    assert_eq!(order("1.2-3", "1.2"), Ordering::Equal);
    assert_eq!(order("1.2", "1.2-3"), Ordering::Equal);
    assert_eq!(order("1.2-3", "1.2-4"), Ordering::Less);
    assert_eq!(order("1:1.2-3", "1.2"), Ordering::Greater);
    assert_eq!(Scheme::Deb.compare_to_bound("1.2-3", "1.2"), Ok(Ordering::Greater));
    let order = |left, right| Scheme::Bitnami.compare_to_bound(left, right).unwrap();
    assert_eq!(order("1.2.3-4", "1.2.3"), Ordering::Equal);
    assert_eq!(order("1.2.3", "1.2.3-4"), Ordering::Less);
    assert_eq!(order("1.2.4-0", "1.2.3"), Ordering::Greater);
}

#[test]
fn maven_itself_is_not_transitive() {
    for (left, right) in [("1.0.alpha.1", "1"), ("1", "1-1"), ("1-1", "1.0.alpha.1")] {
        assert_eq!(Scheme::Maven.compare(left, right), Ok(Ordering::Less), "{left} and {right}");
    }
}

#[test]
fn long_texts_end() {
    const UNITS: [&str; 14] = ["9", "0", "a", ".", "-", "1.", "0.", "0-", "~", "^", "a1", "_p1", "1-a.", "é"];
    for unit in UNITS {
        let long = format!("1.0-{}", unit.repeat((1 << 18) / unit.len()));
        let longer = format!("{long}1");
        for scheme in Scheme::ALL {
            let order = scheme.compare(&long, &longer);
            assert_eq!(
                order.ok(),
                scheme.compare(&longer, &long).ok().map(Ordering::reverse),
                "{scheme} {unit}"
            );
        }
    }
}

#[test]
fn an_error_shows_no_more_than_80_characters() {
    let error = Scheme::Semver.compare(&"é".repeat(1000), "1").unwrap_err();
    assert_eq!(error.version.chars().count(), 80);
}

/// Texts that resemble versions, to reach every branch.
fn version() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[0-2]{1,2}",
        3 => "[.]",
        1 => "[-_+~^:!vx]",
        1 => prop::sample::select(vec![
            "alpha", "beta", "rc", "a", "b", "dev", "post", "pre", "_p", "_alpha", "_git", "-r", "snapshot", "sp",
            "ga", "final", "go", "pl", "-r1", "~ab", "RC",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("1{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(left in ".{0,20}", right in ".{0,20}") {
        for scheme in Scheme::ALL {
            let order = scheme.compare(&left, &right);
            prop_assert_eq!(order.ok(), scheme.compare(&right, &left).ok().map(Ordering::reverse));
        }
        drop(super::range::npm_range(&left));
    }

    #[test]
    fn an_order_is_antisymmetric_and_reflexive(left in version(), right in version()) {
        for scheme in Scheme::ALL {
            let order = scheme.compare(&left, &right);
            prop_assert_eq!(order.ok(), scheme.compare(&right, &left).ok().map(Ordering::reverse), "{}", scheme);
            prop_assert_ne!(scheme.compare(&left, &left).unwrap_or(Ordering::Equal), Ordering::Less);
            prop_assert_ne!(scheme.compare(&left, &left).unwrap_or(Ordering::Equal), Ordering::Greater);
        }
    }

    #[test]
    fn an_order_is_transitive(one in version(), two in version(), three in version()) {
        for scheme in Scheme::ALL {
            // pacman's versions are equal to any where they lack this.
            let end = if scheme == Scheme::Pacman { "-1" } else { "" };
            let mut texts = [&one, &two, &three].map(|text| format!("{text}{end}"));
            let pairs = [(0, 1), (1, 2), (0, 2)];
            let is_told = |(left, right): &(usize, usize)| scheme.compare(&texts[*left], &texts[*right]).is_ok();
            if !texts.iter().all(|text| scheme.is_total_at(text)) || !pairs.iter().all(is_told) {
                continue;
            }
            for _ in 0..3 {
                let [first, second, third] = pairs.map(|(left, right)| scheme.compare(&texts[left], &texts[right]).unwrap());
                if first.is_le() && second.is_le() {
                    prop_assert_eq!(third, first.min(second), "{}: {:?}", scheme, texts);
                }
                texts.rotate_left(1);
            }
        }
    }
}
