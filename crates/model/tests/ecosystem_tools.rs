//! The orders against the ecosystems' own tools, on pairs made from a fixed seed.
//!
//! A tool that is not installed is named as skipped; with `PLIMSOLL_REQUIRE_TOOLS=1` that is a failure.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test asks its environment and says what it found"
)]

use std::cmp::Ordering;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plimsoll_model::version::Scheme;
use plimsoll_model::version::range::npm_range;

#[test]
fn dpkg_agrees() {
    if is_missing("dpkg", &["dpkg", "--version"]) {
        return;
    }
    let pieces = ["1", "0", "10", "09", ".", "-", "~", "+", "a", "b", "~rc1", "-1", "deb12u", "1:", "Z"];
    let cases = pairs(&pieces, 400);
    let script = "while IFS='\t' read -r a b; do
        dpkg --compare-versions \"$a\" lt \"$b\"
        case $? in 0) echo '<'; continue;; 2) echo '?'; continue;; esac
        if dpkg --compare-versions \"$a\" eq \"$b\"; then echo '='; else echo '>'; fi
    done";
    let answers = ask(Command::new("sh").args(["-c", script]), &tabbed(&cases));
    agree(Scheme::Deb, &cases, &answers);
}

#[test]
fn rpm_agrees() {
    if is_missing("rpm", &["rpm", "--eval", "%{lua: print(rpm.vercmp('1', '2'))}"]) {
        return;
    }
    let pieces = ["1", "0", "10", "09", ".", "-", "~", "^", "_", "a", "b", "el9", "-1", "1:", "git", "Z"];
    let cases = pairs(&pieces, 600);
    let calls = cases.iter().map(|(left, right)| {
        format!("o = rpm.vercmp('{left}', '{right}') print((o < 0 and '<' or o > 0 and '>' or '=') .. '\\n')")
    });
    let script = format!("%{{lua: {}}}", calls.collect::<Vec<_>>().join("\n"));
    let answers = ask(Command::new("rpm").args(["--eval", &script]), "");
    agree(Scheme::Rpm, &cases, &answers);
}

#[test]
fn vercmp_agrees() {
    if is_missing("vercmp", &["vercmp", "1", "2"]) {
        return;
    }
    let pieces =
        ["1", "0", "10", "09", ".", "-", "_", "+", "..", "a", "rc1", "beta", "-1", "-2", "1:", "git", "Z"];
    let cases = pairs(&pieces, 500);
    let script = "while IFS='\t' read -r a b; do
        case $(vercmp \"$a\" \"$b\") in -*) echo '<';; 0) echo '=';; *) echo '>';; esac
    done";
    let answers = ask(Command::new("sh").args(["-c", script]), &tabbed(&cases));
    agree(Scheme::Pacman, &cases, &answers);
}

#[test]
fn apk_agrees() {
    if is_missing("apk", &["apk", "--version"]) {
        return;
    }
    let pieces = [
        "1", "0", "10", "09", ".2", ".0", ".02", "a", "b", "_alpha", "_beta1", "_pre2", "_rc", "_git3", "_p",
        "_p1", "-r0", "-r12", "~ab12",
    ];
    let cases = pairs(&pieces, 500);
    let script = "while IFS='\t' read -r a b; do
        if apk version -q -c \"$a\" \"$b\" >/dev/null 2>&1; then apk version -q -t \"$a\" \"$b\"; else echo '?'; fi
    done";
    let answers = ask(Command::new("sh").args(["-c", script]), &tabbed(&cases));
    agree_where_taken(Scheme::Apk, cases, answers, 100);
}

#[test]
fn packaging_agrees() {
    let probe = "from pip._vendor.packaging.version import LegacyVersion";
    if is_missing("python packaging before 22 (in pip before 24.1)", &["python3", "-c", probe]) {
        return;
    }
    let pieces = [
        "1",
        "0",
        "10",
        "09",
        ".",
        "-",
        "_",
        "a",
        "b1",
        "rc",
        ".post",
        "post1",
        ".dev",
        "dev2",
        "+",
        "1!",
        "alpha",
        "c3",
        "pre",
        "-1",
        "+abc",
        "rev",
        "v",
        "-bulbasaur",
        "final",
        "-final-",
        "123456789",
        " ",
        "00000000",
        "d",
    ];
    let cases = pairs(&pieces, 3_000);
    let script = "import sys, warnings
from pip._vendor.packaging.version import parse
warnings.simplefilter('ignore')
for line in sys.stdin:
    a, b = (parse(word.strip()) for word in line.rstrip('\\n').split('\\t'))
    print('<' if a < b else '>' if a > b else '=')";
    let answers = ask(Command::new("python3").args(["-c", script]), &tabbed(&cases));
    agree(Scheme::Pep440, &cases, &answers);
}

#[test]
fn gem_version_agrees() {
    if is_missing("ruby", &["ruby", "--version"]) {
        return;
    }
    let pieces =
        ["1", "0", "10", "09", ".", ".0", "-", "a", ".b1", ".rc", ".pre", ".alpha2", "-1", "Z", "..", "_"];
    let mut cases = pairs(&pieces, 2_000);
    // Real tables of versions have a first part with letters, which RubyGems refuses and we do not.
    let is_plain =
        |text: &str| text.split(['.', '-']).next().unwrap().bytes().all(|byte| byte.is_ascii_digit());
    cases.retain(|(left, right)| is_plain(left) && is_plain(right));
    let script = "STDIN.each_line do |line|
        begin
          a, b = line.chomp.split(\"\\t\", -1).map { |word| Gem::Version.new(word) }
          puts({ -1 => '<', 0 => '=', 1 => '>' }[a <=> b])
        rescue ArgumentError
          puts '?'
        end
      end";
    let answers = ask(Command::new("ruby").args(["-e", script]), &tabbed(&cases));
    agree(Scheme::RubyGems, &cases, &answers);
}

#[test]
fn go_agrees() {
    let output = Command::new("go").args(["env", "GOROOT"]).output();
    let root = output.map(|output| PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()));
    let Some(source) = root
        .map(|root| root.join("src/cmd/vendor/golang.org/x/mod/semver/semver.go"))
        .ok()
        .filter(|source| source.is_file())
    else {
        return skip("go");
    };
    let folder = std::env::temp_dir().join(format!("plimsoll-go-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("semver")).unwrap();
    std::fs::copy(source, folder.join("semver/semver.go")).unwrap();
    std::fs::write(folder.join("go.mod"), "module compare\n").unwrap();
    std::fs::write(folder.join("main.go"), COMPARE_GO).unwrap();
    let cases = go_versions();
    let command = &mut Command::new("go");
    let command =
        command.args(["run", "."]).current_dir(&folder).env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
    let answers = ask(command, &tabbed(&cases));
    std::fs::remove_dir_all(&folder).unwrap();
    agree_where_taken(Scheme::Go, cases, answers, 400);
}

/// Compares modules with `golang.org/x/mod/semver`, in the copy that the go command carries, and toolchains with `go/version`.
const COMPARE_GO: &str = r#"package main

import (
	"bufio"
	"compare/semver"
	"fmt"
	"go/version"
	"os"
	"strings"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		a, b := words[0], words[1]
		switch {
		case semver.IsValid(a) && semver.IsValid(b):
			fmt.Println([]string{"<", "=", ">"}[semver.Compare(a, b)+1])
		case version.IsValid(a) && version.IsValid(b):
			fmt.Println([]string{"<", "=", ">"}[version.Compare(a, b)+1])
		default:
			fmt.Println("?")
		}
	}
}
"#;

/// Versions of modules, with pseudo-versions of all three forms (<https://go.dev/ref/mod#pseudo-versions>), and of
/// toolchains. `go1.21` is a language to Go and a release to us, so toolchains have three numbers or a candidate.
fn go_versions() -> Vec<(String, String)> {
    let pieces = ["1", "0", "10", ".0", ".2", "-rc.1", "-beta", "-0.2021", "+incompatible", "-alpha.1.x"];
    let mut cases: Vec<_> =
        pairs(&pieces, 900).into_iter().map(|(one, two)| (format!("v{one}"), format!("v{two}"))).collect();
    let mut random = Random(11);
    let bases = [
        "v0.0.0-",
        "v1.2.4-0.",
        "v1.2.3-rc.1.0.",
        "v2.0.0-",
        "v1.2.3",
        "v1.2.4",
        "v1.2.3-rc.1",
        "v1.2.3-rc.2",
    ];
    let module = |random: &mut Random| {
        let base = random.pick(&bases);
        let stamp = random.pick(&["20210101000000-0123456789ab", "20191109021931-daa7c04131f5"]);
        let stamp = if base.ends_with(['-', '.']) { stamp } else { "" };
        format!("{base}{stamp}{}", random.pick(&["", "", "+incompatible"]))
    };
    for _ in 0..300 {
        cases.push((module(&mut random), module(&mut random)));
    }
    let toolchains = [
        "go1.21.0",
        "go1.21rc1",
        "go1.21rc2",
        "go1.22beta1",
        "go1.22rc1",
        "go1.22.0",
        "go1.9.7",
        "go1.22.10",
    ];
    for one in toolchains {
        cases.extend(toolchains.map(|other| (one.to_owned(), other.to_owned())));
    }
    cases
}

#[test]
fn composer_agrees() {
    let library = "/usr/share/php/Composer/Semver/autoload.php";
    if !Path::new(library).is_file() || is_missing("php", &["php", "--version"]) {
        return skip("Composer");
    }
    let pieces = [
        "1", "0", "10", "09", ".", ".0", "-", "a", "b1", "RC", "-rc1", ".beta.2", "-stable", "ALPHA", "pl1",
        "-patch2", "-dev", ".x", ".x-dev", "+abc", "_p", "2021", "-01", "foo",
    ];
    let mut cases = pairs(&pieces, 2_500);
    for (left, right) in
        [("1.0", "1.0.0"), ("v3.0", "v3.0.0-beta"), ("2.x-dev", "2.9"), ("v1.9.0-BETA.1", "1.9.0-ALPHA.2")]
    {
        cases.push((left.to_owned(), right.to_owned()));
    }
    let script = format!(
        "require '{library}'; $parser = new Composer\\Semver\\VersionParser;
        while (($line = fgets(STDIN)) !== false) {{
          try {{ [$a, $b] = array_map([$parser, 'normalize'], explode(\"\\t\", trim($line, \"\\n\"))); }}
          catch (UnexpectedValueException $e) {{ echo \"?\\n\"; continue; }}
          $is = fn ($sign) => Composer\\Semver\\Comparator::compare($a, $sign, $b);
          echo ($is('<') ? '<' : ($is('>') ? '>' : ($is('==') ? '=' : '?'))), \"\\n\";
        }}"
    );
    let answers = ask(Command::new("php").args(["-r", &script]), &tabbed(&cases));
    agree_where_taken(Scheme::Packagist, cases, answers, 500);
}

#[test]
fn maven_agrees() {
    let jar = newest(Path::new("/usr/share/maven/lib"), "maven-artifact");
    let jar = jar.filter(|_| is_present(&["java", "-version"]));
    if jar.is_none() {
        return skip("Maven");
    }
    let pieces = [
        "1",
        "0",
        "10",
        "09",
        ".",
        "-",
        "a",
        "b1",
        "rc",
        ".RC1",
        "sp",
        "ga",
        "-ga-",
        "final",
        "SNAPSHOT",
        "alpha",
        "cr2",
        "x",
        "_",
        "..",
        "00000000000000001",
        "12345678901234567890",
    ];
    let mut cases = pairs(&pieces, 600);
    for (left, right) in
        [("1-1", "1-ga-1"), ("1.0.RC16", "1.0-RC8"), ("1.1.31.sec10", "1.1.31_x"), ("1.0.a.1", "1")]
    {
        cases.push((left.to_owned(), right.to_owned()));
    }
    let words = cases.iter().flat_map(|(left, right)| [left, right]);
    let class = "org.apache.maven.artifact.versioning.ComparableVersion";
    let output = ask(Command::new("java").arg("-cp").arg(jar.unwrap()).arg(class).args(words), "");
    // The class compares each argument with the one before it: every other answer is one of ours.
    let signs = output.iter().filter(|line| line.starts_with("   ")).step_by(2);
    let answers: Vec<String> =
        signs.map(|line| line.split_whitespace().nth(1).unwrap().replace("==", "=")).collect();
    agree(Scheme::Maven, &cases, &answers);
}

#[test]
fn node_semver_agrees() {
    let Some(semver) = node_semver() else {
        return skip("node semver");
    };
    let pieces = ["1", "0", "10", ".", "-", "a", "b", "alpha.1", "-rc.2", "+x", ".2", "-0", "A"];
    let cases: Vec<_> = pairs(&pieces, 900)
        .into_iter()
        .map(|(left, right)| (format!("1.0.{left}"), format!("1.0.{right}")))
        .collect();
    let script = format!(
        "const s = require({semver:?}); const lines = require('fs').readFileSync(0, 'utf8').split('\\n');
        for (const line of lines.slice(0, -1)) {{ const [a, b] = line.split('\\t');
          const plain = /^1\\.0\\.\\d+(-?[a-z]|-[0-9]|--|\\+|$)/i; let o;
          try {{ o = plain.test(a) && plain.test(b) ? s.compare(a, b, true) : undefined }} catch {{ }}
          if (o === undefined) {{ console.log('?'); continue }}
          console.log(o < 0 ? '<' : o > 0 ? '>' : '=') }}"
    );
    let answers = ask(Command::new("node").args(["-e", &script]), &tabbed(&cases));
    // Loose mode has oddities that we do not follow: `1.0.12.3` is `1.0.1-2.3` to it, `1.0.1-` has the pre-release `-`.
    // So only versions of the plain form that it takes count.
    let (cases, answers): (Vec<_>, Vec<_>) =
        cases.into_iter().zip(answers).filter(|(_, answer)| answer != "?").unzip();
    assert!(cases.len() > 200, "only {} versions that node takes", cases.len());
    agree(Scheme::Semver, &cases, &answers);
}

#[test]
fn node_ranges_agree() {
    let Some(semver) = node_semver() else {
        return skip("node semver");
    };
    let mut random = Random(7);
    let numbers =
        ["0", "1", "2", "x", "*", "1.0", "0.1", "0.x", "1.2.x", "0.0.1", "0.1.2", "1.2.3", "1.0.0-rc.1"];
    let signs = ["", ">", ">=", "<", "<=", "=", "~", "^", "> ", "~> "];
    let mut cases = Vec::new();
    for _ in 0..700 {
        let mut comparator = || format!("{}{}", random.pick(&signs), random.pick(&numbers));
        let (one, two, three) = (comparator(), comparator(), comparator());
        let (low, high) = (random.pick(&numbers), random.pick(&numbers));
        let forms = [
            one.clone(),
            format!("{one} {two}"),
            format!("{one} || {two} {three}"),
            format!("{low} - {high}"),
        ];
        let version = random.pick(&[
            "0.0.1", "0.0.2", "0.1.0", "0.1.2", "0.2.0", "1.0.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "3.1.0",
        ]);
        cases.push((forms[random.below(4)].clone(), version.to_owned()));
    }
    let script = format!(
        "const s = require({semver:?}); const lines = require('fs').readFileSync(0, 'utf8').split('\\n');
        for (const line of lines.slice(0, -1)) {{ const [r, v] = line.split('\\t');
          console.log(s.validRange(r) === null ? '?' : s.satisfies(v, r, {{ includePrerelease: true }})) }}"
    );
    let answers = ask(Command::new("node").args(["-e", &script]), &tabbed(&cases));
    assert_eq!(answers.len(), cases.len());
    for ((range, version), answer) in cases.iter().zip(&answers) {
        let ours = npm_range(range).map(|intervals| {
            intervals.iter().any(|interval| interval.contains(Scheme::Semver, version).unwrap())
        });
        let ours = ours.map_or("?".to_owned(), |held| held.to_string());
        assert_eq!(&ours, answer, "{version} in {range:?}");
    }
    eprintln!("node ranges: {} agree", cases.len());
}

/// Compares our orders with a tool's, `?` where it refuses a version.
fn agree(scheme: Scheme, cases: &[(String, String)], answers: &[String]) {
    assert_eq!(answers.len(), cases.len(), "{scheme}: as many answers as pairs");
    let mut wrong = Vec::new();
    for ((left, right), answer) in cases.iter().zip(answers) {
        let ours = match scheme.compare(left, right) {
            Ok(Ordering::Less) => "<",
            Ok(Ordering::Equal) => "=",
            Ok(Ordering::Greater) => ">",
            Err(_) => "?",
        };
        if ours != answer {
            wrong.push(format!("{left:?} {answer} {right:?}, not {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{scheme}: {} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let refused = answers.iter().filter(|answer| *answer == "?").count();
    eprintln!("{scheme}: {} pairs agree, {refused} of them refused by both", cases.len());
}

/// As [`agree`], on the pairs that the tool takes; we read some that it refuses.
fn agree_where_taken(
    scheme: Scheme,
    mut cases: Vec<(String, String)>,
    answers: Vec<String>,
    at_least: usize,
) {
    assert_eq!(answers.len(), cases.len(), "{scheme}: as many answers as pairs");
    let mut taken = answers.iter().map(|answer| answer != "?");
    cases.retain(|_| taken.next().unwrap());
    let answers: Vec<String> = answers.into_iter().filter(|answer| answer != "?").collect();
    assert!(cases.len() >= at_least, "{scheme}: only {} pairs are taken", cases.len());
    agree(scheme, &cases, &answers);
}

/// Pairs of versions; the second is mostly the first with a change.
fn pairs(pieces: &[&str], count: usize) -> Vec<(String, String)> {
    let mut random = Random(42);
    let mut made = Vec::new();
    for _ in 0..count {
        let left: Vec<&str> = (0..=random.below(5)).map(|_| random.pick(pieces)).collect();
        let mut right = left.clone();
        let place = random.below(right.len());
        match random.below(4) {
            0 => right[place] = random.pick(pieces),
            1 => right.insert(place, random.pick(pieces)),
            2 => right.push(random.pick(pieces)),
            _ => right.truncate(place),
        }
        made.push((format!("1{}", left.concat()), format!("1{}", right.concat())));
    }
    made
}

/// A small generator: the same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }
}

fn tabbed(cases: &[(String, String)]) -> String {
    cases.iter().map(|(left, right)| format!("{left}\t{right}\n")).collect()
}

/// Runs a tool on `input` and gives the lines of its answer.
fn ask(command: &mut Command, input: &str) -> Vec<String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .filter(|line| !line.is_empty())
        .collect()
}

/// npm's own copy of node-semver.
fn node_semver() -> Option<PathBuf> {
    let output = Command::new("npm").args(["root", "--global"]).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()).join("npm/node_modules/semver");
    (folder.is_dir() && is_present(&["node", "--version"])).then_some(folder)
}

fn newest(folder: &Path, start: &str) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))).max()
}

fn is_missing(tool: &str, probe: &[&str]) -> bool {
    let is_missing = !is_present(probe);
    if is_missing {
        skip(tool);
    }
    is_missing
}

fn is_present(probe: &[&str]) -> bool {
    Command::new(probe[0]).args(&probe[1..]).output().is_ok_and(|output| output.status.success())
}

fn skip(tool: &str) {
    if std::env::var("PLIMSOLL_REQUIRE_TOOLS").is_ok_and(|value| value == "1") {
        panic!("{tool} is not installed");
    }
    eprintln!("skipped: {tool} not installed");
}
