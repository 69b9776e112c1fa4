#!/usr/bin/env python3
"""compare.py MATCH_LIST FOLDER...: what other scanners find in the same advisories, package by package.

FOLDER...    hold OSV records, as JSON or (with PyYAML) YAML: those of the Go, Rust, Python and AlmaLinux projects, say
MATCH_LIST   the example of plimsoll-advisory, built:  cargo build --release -p plimsoll-advisory --example match_list
--plimsoll   the program that compiles the database                                  (target/release/plimsoll)
--osv-scanner, --trivy, --trivy-db   the peers, where they are installed; trivy needs its database builder as well
--git-ranges leave ranges of Git commits in what osv-scanner is given; it reads no range after the first of them
--keep DIR   where to leave all that was given to the peers and all that they answered  (a temporary folder)

The same records are given to each in its own form. The questions are versions at and beside every end of every range.
Answers are compared as sets of advisories; trivy's, which names advisories by their CVE, as sets of CVEs. Prints counts
by ecosystem and one line for a difference, under what explains it or under `unexplained`, the first forty of each."""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from urllib.parse import quote

import rpm_image

ECOSYSTEMS = ("Go", "PyPI", "crates.io", "npm", "Maven", "RubyGems", "Packagist", "NuGet", "AlmaLinux")
# Of one package no more versions are asked for than this.
LIMIT = 60
# Of the questions after rpms only each so manieth is asked: osv-scanner repeats the whole record for each of its packages.
RPMS_ASKED = 12


def family(ecosystem):
    return ecosystem.split(":")[0]


def instant(moment):
    """A time that YAML took for one, as JSON has it."""
    return moment.isoformat().replace("+00:00", "") + "Z"


def read_records(folders):
    """All records by id; of one id the last."""
    records = {}
    for folder in folders:
        for directory, _, files in sorted(os.walk(folder)):
            for name in sorted(files):
                path = os.path.join(directory, name)
                try:
                    if name.endswith(".json"):
                        with open(path) as file:
                            record = json.load(file)
                    elif name.endswith((".yaml", ".yml")):
                        import yaml

                        with open(path) as file:
                            record = json.loads(json.dumps(yaml.load(file, yaml.CSafeLoader), default=instant))
                    else:
                        continue
                except ValueError as error:
                    sys.exit(f"{path}: {error}")
                if isinstance(record, dict) and "id" in record and "affected" in record:
                    records[record["id"]] = record
    return records


def normal_name(ecosystem, name):
    return re.sub("[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name


def around(ecosystem, version):
    """The version, and such as come right before and after it."""
    yield version
    if family(ecosystem) == "AlmaLinux":
        yield version + ".1"
    elif ecosystem == "PyPI":
        yield from (version + "rc1", version + ".post1", version + ".dev3", version + ".0")
    elif ecosystem == "RubyGems":
        yield from (version + ".rc1", version + ".1", version + ".0")
    elif ecosystem in ("Go", "npm", "crates.io", "NuGet", "Packagist"):
        yield from (version + "-rc.1", version.split("-")[0])
    else:
        yield from (version + "-SNAPSHOT", version + ".1")
    numbers = list(re.finditer("[0-9]+", version))
    for number in numbers[-2:]:
        if len(number.group()) > 12:
            continue
        for other in (int(number.group()) - 1, int(number.group()) + 1):
            if other >= 0:
                yield version[: number.start()] + str(other) + version[number.end() :]


def questions(records):
    """(ecosystem, name, version), sorted."""
    asked = collections.defaultdict(dict)
    for record in records.values():
        for affected in record["affected"]:
            package = affected.get("package") or {}
            ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
            if family(ecosystem) not in ECOSYSTEMS or not name:
                continue
            versions = asked[ecosystem, normal_name(ecosystem, name)]
            listed = affected.get("versions") or []
            ends = listed[:1] + listed[-1:]
            for span in affected.get("ranges") or []:
                if span.get("type") in ("SEMVER", "ECOSYSTEM"):
                    ends += [version for event in span["events"] for version in event.values() if version != "0"]
            for end in ends:
                for version in around(ecosystem, str(end)):
                    versions[version] = None
    return sorted((*package, version) for package, all in asked.items() for version in list(all)[:LIMIT])


def run(command, **how):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def ask_plimsoll(options, records, asked, keep):
    folder = os.path.join(keep, "records")
    os.makedirs(folder, exist_ok=True)
    for id, record in records.items():
        with open(os.path.join(folder, re.sub("[^A-Za-z0-9-]", "_", id) + ".json"), "w") as file:
            json.dump(record, file)
    database = os.path.join(keep, "plimsoll.db")
    code, _, error = run([options.plimsoll, "db", "build", folder, "-o", database])
    if code != 0:
        sys.exit(f"plimsoll: {error}")
    lines = "".join("\t".join(question) + "\n" for question in asked)
    code, answer, error = run([options.match_list, database], input=lines.encode())
    if code != 0:
        sys.exit(f"match_list: {error}")
    answers = {}
    for line in answer.splitlines():
        *question, ids = line.split("\t")
        answers[tuple(question)] = set(filter(None, ids.split(",")))
    return answers


def purl(ecosystem, name, version):
    kinds = {"PyPI": "pypi", "crates.io": "cargo", "Go": "golang", "RubyGems": "gem", "Packagist": "composer"}
    quoted = "/".join(quote(part, safe="") for part in name.split("/"))
    if family(ecosystem) == "AlmaLinux":
        epoch, _, rest = version.rpartition(":")
        release = ecosystem.partition(":")[2]
        more = f"&epoch={epoch}" if epoch else ""
        return f"pkg:rpm/almalinux/{quoted}@{quote(rest, safe='')}?distro=almalinux-{release}{more}"
    if ecosystem == "Maven":
        quoted = quoted.replace("%3A", "/", 1)
    return f"pkg:{kinds.get(ecosystem, ecosystem.lower())}/{quoted}@{quote(version, safe='')}"


def bill(asked, path):
    """A CycloneDX bill of the packages, each with its number as reference."""
    components = [
        {"type": "library", "bom-ref": str(n), "name": name, "version": version, "purl": purl(ecosystem, name, version)}
        for n, (ecosystem, name, version) in enumerate(asked)
    ]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}
    with open(path, "w") as file:
        json.dump(document, file)


def batches(asked, size):
    return [asked[start : start + size] for start in range(0, len(asked), size)]


def without_git(record):
    def plain(affected):
        return {**affected, "ranges": [span for span in affected.get("ranges") or [] if span.get("type") != "GIT"]}

    return {**record, "affected": [plain(affected) for affected in record["affected"]]}


def ask_osv_scanner(options, records, asked, keep):
    home = os.path.join(keep, "osv")
    by_ecosystem = collections.defaultdict(dict)
    for id, record in records.items():
        for affected in record["affected"]:
            by_ecosystem[family((affected.get("package") or {}).get("ecosystem", ""))][id] = record
    for ecosystem, those in by_ecosystem.items():
        folder = os.path.join(home, "osv-scalibr", ecosystem)
        os.makedirs(folder, exist_ok=True)
        with zipfile.ZipFile(os.path.join(folder, "all.zip"), "w") as archive:
            for id, record in those.items():
                archive.writestr(f"{id}.json", json.dumps(record if options.git_ranges else without_git(record)))
    answers = {}
    # It takes no rpm from a bill of materials, so those come in an image.
    rpms = [question for question in asked if family(question[0]) == "AlmaLinux"][::RPMS_ASKED]
    asked = [question for question in asked if family(question[0]) != "AlmaLinux"]
    for batch in batches(asked, 4000):
        path = os.path.join(home, "bom.cdx.json")
        bill(batch, path)
        osv_scanner_says(options, home, ["source", "-L", path], answers)
    for release in sorted({question[0] for question in rpms}):
        for batch in batches([question for question in rpms if question[0] == release], 1500):
            path = os.path.join(home, "image.tar")
            rpms_of_almalinux(release.partition(":")[2], batch, home, path)
            osv_scanner_says(options, home, ["image", "--archive", path], answers)
    return answers


def osv_scanner_says(options, home, what, answers):
    command = [options.osv_scanner, "scan", what[0], "--offline", "--all-packages", "--all-vulns", "--format", "json"]
    code, answer, error = run([*command, *what[1:]], env={**os.environ, "OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY": home})
    if code not in (0, 1):
        sys.exit(f"osv-scanner ended with {code}: {error[-2000:]}")
    for result in json.loads(answer)["results"]:
        for found in result["packages"]:
            package = found["package"]
            ids = {vulnerability["id"] for vulnerability in found.get("vulnerabilities") or []}
            answers.setdefault((package["ecosystem"], package["name"], package["version"]), set()).update(ids)


def rpms_of_almalinux(release, asked, home, path):
    """An image of AlmaLinux with nothing but an rpm database of the packages."""
    rpms = os.path.join(home, "rpmdb.sqlite")
    rpm_image.database([question[1:] for question in asked], rpms)
    with open(rpms, "rb") as file:
        content = file.read()
    os.remove(rpms)
    system = f'ID="almalinux"\nVERSION_ID="{release}"\n'.encode()
    rpm_image.archive({"etc/os-release": system, "var/lib/rpm/rpmdb.sqlite": content}, path)


def canonical(record):
    """The names that trivy gives an advisory: its CVEs, else its own id."""
    cves = [alias for alias in record.get("aliases") or [] if alias.startswith("CVE-")]
    return cves or [record["id"]]


def ask_trivy(options, records, asked, keep):
    """Gives trivy's builder the records where it expects GitHub's, which have the same form."""
    home = os.path.join(keep, "trivy")
    folder = os.path.join(home, "cache", "ghsa", "advisories", "github-reviewed")
    os.makedirs(folder, exist_ok=True)
    for id, record in records.items():
        with open(os.path.join(folder, re.sub("[^A-Za-z0-9-]", "_", id) + ".json"), "w") as file:
            json.dump({"database_specific": {"severity": "HIGH"}, **record}, file)
    os.makedirs(os.path.join(home, "cache", "cocoapods-specs", "Specs"), exist_ok=True)
    os.makedirs(os.path.join(home, "db"), exist_ok=True)
    command = [options.trivy_db, "build", "--cache-dir", os.path.join(home, "cache"), "--output-dir", os.path.join(home, "db")]
    code, _, error = run([*command, "--only-update", "ghsa"])
    if code != 0:
        sys.exit(f"trivy-db: {error[-2000:]}")
    answers = {}
    kinds = ("Go", "PyPI", "crates.io", "npm", "Maven", "RubyGems", "Packagist", "NuGet")
    # What GitHub says of Go's own packages its builder leaves out, for it has Go's own word.
    own = ("stdlib", "toolchain")
    asked = [(kind, name, version) for kind, name, version in asked if kind in kinds and name not in own]
    asked = [question for question in asked if not question[1].startswith("golang.org/x/")]
    for batch in batches(asked, 4000):
        path = os.path.join(home, "bom.cdx.json")
        bill(batch, path)
        command = [options.trivy, "sbom", "--cache-dir", home, "--skip-db-update", "--skip-java-db-update", "--offline-scan"]
        code, answer, error = run([*command, "--skip-version-check", "--format", "json", "--list-all-pkgs", path])
        if code != 0:
            sys.exit(f"trivy: {error[-2000:]}")
        for result in json.loads(answer).get("Results") or []:
            for package in result.get("Packages") or []:
                answers.setdefault(batch[int(package["Identifier"]["BOMRef"])], set())
            for found in result.get("Vulnerabilities") or []:
                answers.setdefault(batch[int(found["PkgIdentifier"]["BOMRef"])], set()).add(found["VulnerabilityID"])
    return answers


def compare(peer, ours, theirs, records, names, explain, keep):
    """Prints counts by ecosystem, then some differences of each kind; all of them are kept."""
    counts = collections.defaultdict(collections.Counter)
    differences = collections.defaultdict(list)
    for question, answer in sorted(theirs.items()):
        if question not in ours:
            continue
        mine = {name for id in ours[question] - {"?"} for name in names(id)}
        count = counts[family(question[0])]
        count["packages"] += 1
        count["pairs"] += len(mine | answer)
        count["same"] += len(mine & answer)
        for id in sorted(mine ^ answer):
            who = "plimsoll" if id in mine else peer
            why = explain(question, id, who, "?" in ours[question], records)
            count[why] += 1
            differences[why].append(f"{' '.join(question)}: {id} only by {who}")
    print(f"\n## {peer}\n")
    for ecosystem, count in sorted(counts.items()):
        print(ecosystem, dict(count))
    with open(os.path.join(keep, f"differences-{peer}.txt"), "w") as file:
        file.writelines(f"{why}: {line}\n" for why, lines in sorted(differences.items()) for line in lines)
    for why, lines in sorted(differences.items()):
        print(f"\n{why}: {len(lines)}")
        for line in lines[:40]:
            print("  ", line)


def explain_osv_scanner(question, id, who, is_gap, records):
    ecosystem, name, version = question
    if is_gap:
        return "not ordered by plimsoll, which says so"
    if family(ecosystem) == "AlmaLinux":
        return explain_rpm(question, id, who, records)
    parts = [part for part in records[id]["affected"] if normal_name(ecosystem, part["package"]["name"]) == name]
    if who == "plimsoll" and not any(part["package"]["name"] == name for part in parts):
        return "theirs: the record's name is not in its normal form"
    listed = [listed for part in parts for listed in part.get("versions") or []]
    if who == "plimsoll" and any(same_python(version, other) for other in listed):
        return "theirs: a listed version in another spelling"
    ends = [list(event.items())[0] for part in parts for span in part["ranges"] for event in span["events"]]
    if who == "plimsoll" and any(("introduced", end) in ends for kind, end in ends if kind == "fixed"):
        return "theirs: a range is lost that begins where another one ends"
    return "unexplained"


def explain_rpm(question, id, who, records):
    ecosystem, name, version = question
    package = {"ecosystem": ecosystem, "name": name}
    fixes = [
        event["fixed"]
        for part in records[id]["affected"]
        if part["package"] == package
        for span in part["ranges"]
        for event in span["events"]
        if "fixed" in event
    ]
    if who == "plimsoll":
        return "unexplained"
    if id.startswith(("ALBA-", "ALEA-")):
        return "theirs: an erratum that mends no vulnerability"
    if ".module" not in version and all(".module" in fix for fix in fixes):
        return "theirs: an erratum of a module, and an rpm that is of none"
    if len(fixes) > 1:
        return "theirs: of an erratum's builds of one rpm the last one counts"
    return "unexplained"


def same_python(one, other):
    trimmed = [re.sub(r"(\.0+)*$", "", version) for version in (one, other)]
    return trimmed[0] == trimmed[1]


def explain_trivy(question, id, who, is_gap, records):
    ecosystem, name, version = question
    if is_gap:
        return "not ordered by plimsoll, which says so"
    if who != "plimsoll":
        return "unexplained"
    those = records[ecosystem, name, id]
    if all(len(canonical(record)) > 1 for record, _ in those):
        return "theirs: of a record's CVEs it keeps the first"
    if re.match(r"0\.0(\.0)?(-|rc|\.dev|a|b)", version):
        return "theirs: a range from 0 begins at 0.0.0, after its pre-releases"
    if ecosystem == "PyPI" and not all(map(is_pep440, words_of(those) + [version])):
        return "theirs: a version that PEP 440 does not allow ends the comparison with its record"
    fixes = [event["fixed"] for _, part in those for span in part["ranges"] for event in span["events"] if "fixed" in event]
    if any(same_python(version, fix) for fix in fixes):
        return "theirs: a fix in one range of a record clears its version of all others"
    return "unexplained"


def by_name(records):
    """The records with their parts, by ecosystem, package and the names that trivy gives them."""
    found = collections.defaultdict(list)
    for record in records.values():
        for part in record["affected"]:
            package = part.get("package") or {}
            ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
            for id in canonical(record):
                found[ecosystem, normal_name(ecosystem, name), id].append((record, part))
    return found


def words_of(those):
    """All versions that records name."""
    spans = [span for _, part in those for span in part.get("ranges") or [] if span.get("type") != "GIT"]
    ends = [version for span in spans for event in span["events"] for version in event.values()]
    return ends + [version for _, part in those for version in part.get("versions") or []]


def is_pep440(version):
    """https://peps.python.org/pep-0440/#appendix-b-parsing-version-strings-with-regular-expressions, made short."""
    label = r"[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?[0-9]*"
    post = r"(-[0-9]+|[-_.]?(post|rev|r)[-_.]?[0-9]*)"
    local = r"(\+[a-z0-9]+([-_.][a-z0-9]+)*)?"
    whole = rf"\s*v?([0-9]+!)?[0-9]+(\.[0-9]+)*({label})?{post}?([-_.]?dev[-_.]?[0-9]*)?{local}\s*"
    return re.fullmatch(whole, version, re.IGNORECASE) is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("match_list")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--plimsoll", default="target/release/plimsoll")
    for peer in ("osv-scanner", "trivy", "trivy-db"):
        parser.add_argument(f"--{peer}")
    parser.add_argument("--git-ranges", action="store_true")
    parser.add_argument("--keep")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        keep = options.keep or temporary
        records = read_records(options.folders)
        asked = questions(records)
        print(f"{len(records)} records, {len(asked)} versions of {len({question[:2] for question in asked})} packages")
        ours = ask_plimsoll(options, records, asked, keep)
        if options.osv_scanner:
            theirs = ask_osv_scanner(options, records, asked, keep)
            compare("osv-scanner", ours, theirs, records, lambda id: [id], explain_osv_scanner, keep)
        if options.trivy and options.trivy_db:
            theirs = ask_trivy(options, records, asked, keep)
            compare("trivy", ours, theirs, by_name(records), lambda id: canonical(records[id]), explain_trivy, keep)


if __name__ == "__main__":
    main()
