#!/usr/bin/env python3
"""labels.py MATCH_LIST LABELS FOLDER...: findings beside what people judged to be true and false ones.

LABELS       a checkout of https://github.com/anchore/vulnerability-match-labels
MATCH_LIST, FOLDER...   as for compare.py

The images that the labels are of need not be there: a label names a package, its version and a vulnerability. Asked is
for labels of packages of Go, PyPI, crates.io and AlmaLinux whose vulnerability a record in FOLDER lists for that very
package; so the question is the range, not the feed. Prints counts, and each label that is not agreed with."""
import argparse
import collections
import json
import os
import re
import tempfile

import compare


def read_labels(folder):
    """(image, name, version, ids, label), each once; undecided ones are left out."""
    labels = set()
    for directory, _, files in os.walk(folder):
        for name in files:
            if not name.endswith(".json"):
                continue
            with open(os.path.join(directory, name)) as file:
                try:
                    label = json.load(file)
                except ValueError:
                    continue
            package = label.get("package") or {}
            ids = frozenset(filter(None, (label.get("vulnerability_id"), label.get("effective_cve"))))
            if package.get("name") and package.get("version") and label["label"] in ("TP", "FP"):
                labels.add((label["image"]["exact"], package["name"], package["version"], ids, label["label"]))
    return sorted(labels, key=lambda label: (*label[:3], sorted(label[3]), label[4]))


def ecosystems(image, name, version):
    """Where the package may come from."""
    release = re.search(r"\.el(\d+)", version)
    if release:
        return [f"AlmaLinux:{release.group(1)}"] if "almalinux" in image else []
    if name == "stdlib" or "/" in name:
        return ["Go"]
    return ["PyPI", "crates.io"]


def names_by_package(records):
    """All ids and aliases of the records of a package."""
    known = collections.defaultdict(lambda: collections.defaultdict(set))
    for id, record in records.items():
        for affected in record["affected"]:
            package = affected.get("package") or {}
            ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
            for alias in [id, *(record.get("aliases") or []), *(record.get("related") or [])]:
                known[ecosystem, compare.normal_name(ecosystem, name)][alias].add(id)
    return known


def questions(labels, known):
    """(question, ids of the records that are meant, label) of each label that can be asked for."""
    for image, name, version, ids, label in labels:
        for ecosystem in ecosystems(image, name, version):
            plain = version.removeprefix("go") if name == "stdlib" else version
            question = (ecosystem, compare.normal_name(ecosystem, name), plain)
            meant = {record for id in ids for record in known.get(question[:2], {}).get(id, ())}
            if meant:
                yield question, frozenset(meant), label


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("match_list")
    parser.add_argument("labels")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--plimsoll", default="target/release/plimsoll")
    options = parser.parse_args()
    records = compare.read_records(options.folders)
    known = names_by_package(records)
    labels = read_labels(options.labels)
    asked = sorted(set(questions(labels, known)), key=lambda one: (one[0], sorted(one[1]), one[2]))
    with tempfile.TemporaryDirectory() as keep:
        answers = compare.ask_plimsoll(options, records, sorted({question for question, *_ in asked}), keep)
    counts = collections.Counter()
    for question, meant, label in asked:
        found = bool(answers[question] & meant)
        agreed = found == (label == "TP")
        counts[compare.family(question[0]), label, "agreed" if agreed else "not agreed"] += 1
        if not agreed:
            print(f"{label} but {'found' if found else 'not found'}: {' '.join(question)}: {' '.join(sorted(meant))}")
    print(f"{len(labels)} labels, {len(asked)} different ones of packages and vulnerabilities that the records know")
    for key, count in sorted(counts.items()):
        print(*key, count)


if __name__ == "__main__":
    main()
