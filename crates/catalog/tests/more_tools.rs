//! What the tools of Windows and Perl make, against what they were told and say. A tool that is absent is told and
//! passed over, unless `PLIMSOLL_REQUIRE_TOOLS=1`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test reads its own files")]

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_catalog::all::EXTRACTORS;
use plimsoll_catalog::overlay::{Merged, merge};
use plimsoll_catalog::pass::{PassOptions, read_directory};
use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::evidence::LayerEvidence;
use plimsoll_model::inventory::Origin;
use plimsoll_model::package::Ecosystem;
use plimsoll_testkit::tools::{installed, output_of};

fn merged(root: &Path, in_memory: u64) -> Merged {
    let options = PassOptions { in_memory, ..PassOptions::new(std::env::temp_dir()) };
    let seen = read_directory(root, EXTRACTORS, &options);
    let diff_id = DiffId(Digest::of(b""));
    let layer =
        LayerEvidence { diff_id, plain_size: 0, entries: seen.entries, facts: seen.facts, gaps: seen.gaps };
    merge(&[layer], &[Origin::Unknown])
}

/// `NAME@VERSION` of the packages of an ecosystem.
fn named(merged: &Merged, ecosystem: Ecosystem) -> Vec<String> {
    let all = merged.inventory.packages.iter().map(|installed| &installed.package);
    let own = all.filter(|package| package.ecosystem == ecosystem);
    own.map(|package| format!("{}@{}", package.name, package.version)).collect()
}

const RESOURCE: &str = r#"1 VERSIONINFO
FILEVERSION 1,2,3,4
PRODUCTVERSION 1,2,3,4
FILEOS 0x40004
FILETYPE 1
{
  BLOCK "StringFileInfo"
  {
    BLOCK "040904b0"
    {
      VALUE "CompanyName", "Example"
      VALUE "FileVersion", "1.2.3.4"
      VALUE "ProductName", "Shop Counter"
      VALUE "ProductVersion", "1.2.3-beta"
    }
  }
  BLOCK "VarFileInfo" { VALUE "Translation", 0x409, 1200 }
}
"#;

#[test]
fn programs_of_windows_tell_their_product_unless_a_package_brought_them() {
    if !installed(&["x86_64-w64-mingw32-windres", "x86_64-w64-mingw32-ld"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let path = |name: &str| work.path().join(name);
    fs::write(path("v.rc"), RESOURCE).unwrap();
    let mut windres = Command::new("x86_64-w64-mingw32-windres");
    windres.args(["--preprocessor=cat", "-O", "coff"]).arg(path("v.rc")).arg(path("v.o"));
    drop(output_of(&mut windres));
    fs::create_dir_all(path("root/app")).unwrap();
    let mut linker = Command::new("x86_64-w64-mingw32-ld");
    linker.args(["--subsystem", "windows", "-e", "0", "-o"]).arg(path("root/app/Shop.dll")).arg(path("v.o"));
    drop(output_of(&mut linker));
    for in_memory in [1 << 20, 16] {
        let found = merged(&path("root"), in_memory);
        assert_eq!(named(&found, Ecosystem::Generic), ["Shop Counter@1.2.3-beta"]);
        assert!(found.inventory.gaps.is_empty(), "{:?}", found.inventory.gaps);
    }
    let listed = r#"{"targets":{"t":{"Shop/1.2.3":{"runtime":{"lib/net8.0/Shop.dll":{}}}}},"libraries":{"Shop/1.2.3":{"type":"package"}}}"#;
    fs::write(path("root/app/x.deps.json"), listed).unwrap();
    let found = merged(&path("root"), 1 << 20);
    assert_eq!(named(&found, Ecosystem::Generic), Vec::<String>::new());
    assert_eq!(named(&found, Ecosystem::NuGet), ["Shop@1.2.3"]);
    // Every byte of the resource may be another one.
    let whole = fs::read(path("root/app/Shop.dll")).unwrap();
    fs::remove_file(path("root/app/x.deps.json")).unwrap();
    for at in (0..whole.len()).step_by(41) {
        let mut odd = whole.clone();
        odd[at] ^= 0xff;
        fs::write(path("root/app/Shop.dll"), &odd).unwrap();
        drop(merged(&path("root"), 1 << 20));
    }
}

/// A mirror of CPAN with two distributions, of which one needs the other.
fn mirror(folder: &Path) {
    let author = folder.join("authors/id/E/EX/EXAMPLE");
    fs::create_dir_all(&author).unwrap();
    fs::create_dir_all(folder.join("modules")).unwrap();
    let mut index = String::from("File: 02packages.details.txt\nLine-Count: 2\n\n");
    for (name, version, needs) in [("Shop::Till", "0.3", ""), ("Shop::Cart", "1.20", "'Shop::Till' => '0.2'")]
    {
        let dist = format!("{}-{version}", name.replace("::", "-"));
        let source = folder.join("source").join(&dist);
        let module = source.join(format!("lib/{}.pm", name.replace("::", "/")));
        fs::create_dir_all(module.parent().unwrap()).unwrap();
        fs::write(module, format!("package {name};\nour $VERSION = '{version}';\n1;\n")).unwrap();
        let makefile = format!(
            "use ExtUtils::MakeMaker;\nWriteMakefile(NAME => '{name}', VERSION => '{version}', LICENSE => 'perl_5', PREREQ_PM => {{ {needs} }});\n"
        );
        fs::write(source.join("Makefile.PL"), makefile).unwrap();
        let archive = author.join(format!("{dist}.tar.gz"));
        let mut tar = Command::new("tar");
        drop(output_of(tar.arg("-czf").arg(&archive).arg("-C").arg(folder.join("source")).arg(&dist)));
        index.push_str(&format!("{name} {version} E/EX/EXAMPLE/{dist}.tar.gz\n"));
    }
    fs::write(folder.join("modules/02packages.details.txt"), index).unwrap();
    drop(output_of(Command::new("gzip").arg(folder.join("modules/02packages.details.txt"))));
}

const INSTALLED: &str = "my $all = ExtUtils::Installed->new(inc_override => [$ARGV[0]]); \
                         for (sort $all->modules) { next if $_ eq 'Perl'; (my $n = $_) =~ s/::/-/g; print \"$n@\", $all->version($_), \"\\n\" }";

#[test]
fn distributions_of_perl_are_those_that_perl_finds_installed() {
    if !installed(&["cpanm", "perl", "make", "tar", "gzip"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    mirror(&work.path().join("mirror"));
    let root = work.path().join("root");
    let library = root.join("opt/perl5");
    let mut cpanm = Command::new("cpanm");
    cpanm.arg("--mirror").arg(format!("file://{}", work.path().join("mirror").display()));
    cpanm.args(["--mirror-only", "--notest", "--quiet", "--local-lib-contained"]).arg(&library);
    cpanm.arg("Shop::Cart").env("PERL_CPANM_HOME", work.path().join("home"));
    drop(output_of(&mut cpanm));
    let mut perl = Command::new("perl");
    perl.args(["-MExtUtils::Installed", "-e", INSTALLED]).arg(library.join("lib/perl5"));
    perl.env("PERL5LIB", library.join("lib/perl5"));
    let said = String::from_utf8(output_of(&mut perl)).unwrap();
    let found = merged(&root, 1 << 20);
    let packages = named(&found, Ecosystem::Cpan);
    assert_eq!(packages, ["Shop-Cart@1.20", "Shop-Till@0.3"]);
    for package in &packages {
        assert!(said.lines().any(|line| line == package), "{said}");
    }
    let places = |index: usize| found.inventory.packages[index].locations.len();
    assert!(places(0) >= 2, "both of cpanm's files tell of it");
    let relations: Vec<(u32, u32)> = found.dependencies.iter().map(|one| (one.from, one.to)).collect();
    assert_eq!(relations, [(0, 1)]);
}
