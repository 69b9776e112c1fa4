#!/usr/bin/env python3
"""Compares what Plimsoll and hadolint find in Dockerfiles: which DL rules, by file.

Usage: dockerfiles.py PLIMSOLL HADOLINT FOLDER...

It fetches nothing: FOLDER holds Dockerfiles, of whatever origin. Files that hadolint cannot read are counted apart.
"""

import collections
import json
import pathlib
import subprocess
import sys


def hadolint(program, text):
    """The DL codes that hadolint tells; none if it cannot read the file."""
    run = subprocess.run([program, "-f", "json", "-"], input=text, capture_output=True, check=False)
    try:
        codes = {found["code"] for found in json.loads(run.stdout)}
    except ValueError:
        return None
    return None if "DL1000" in codes else {code for code in codes if code.startswith("DL")}


def plimsoll(program, text):
    """The DL codes of what Plimsoll finds, but for what hadolint tells as a syntax error."""
    command = [program, "lint", "-", "--no-shellcheck", "--format", "json"]
    run = subprocess.run(command, input=text, capture_output=True, check=True)
    findings = json.loads(run.stdout)["files"][0]["findings"]
    return {alias for found in findings for alias in found["aliases"] if alias.startswith("DL")} - {"DL1000"}


def main(own, other, folders):
    files = sorted(path for folder in folders for path in pathlib.Path(folder).rglob("*ockerfile*") if path.is_file())
    same, either, unread, only = 0, 0, 0, collections.Counter()
    for path in files:
        text = path.read_bytes()
        theirs = hadolint(other, text)
        if theirs is None:
            unread += 1
            continue
        ours = plimsoll(own, text)
        same, either = same + len(ours & theirs), either + len(ours | theirs)
        only.update((code, "only hadolint", str(path)) for code in theirs - ours)
        only.update((code, "only Plimsoll", str(path)) for code in ours - theirs)
    for (code, who, path), _ in sorted(only.items()):
        print(f"{code}  {who}  {path}")
    print(f"{len(files)} files, {unread} of which hadolint cannot read; {same} of {either} rules by file agree")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
