//! Small records of packages: Composer's, RubyGems', .NET's, pacman's; and those of digests. The first byte chooses.
#![no_main]

mod support;

const KINDS: [(&str, &str); 15] = [
    ("composer", "app/vendor/composer/installed.json"),
    ("composer-lock", "app/composer.lock"),
    ("dotnet", "app/shop.deps.json"),
    ("dotnet-lock", "app/packages.lock.json"),
    ("pacman", "var/lib/pacman/local/x-1-1/desc"),
    ("pacman", "var/lib/pacman/local/x-1-1/files"),
    ("ruby", "gems/specifications/x-1.gemspec"),
    ("ruby-lock", "app/Gemfile.lock"),
    ("apk-digests", "lib/apk/db/installed"),
    ("dpkg-digests", "var/lib/dpkg/status"),
    ("dpkg-digests", "var/lib/dpkg/info/x.md5sums"),
    ("files", "usr/bin/x"),
    ("license-texts", "app/LICENSE"),
    ("python-digests", "x/x-1.dist-info/RECORD"),
    ("rpm-digests", "var/lib/rpm/rpmdb.sqlite"),
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let (extractor, path) = KINDS[usize::from(*choice) % KINDS.len()];
    support::extract(extractor, path, rest);
});
