#!/usr/bin/env python3
"""inventory.py PLIMSOLL IMAGE...: the packages that other scanners list in an image, beside Plimsoll's.

PLIMSOLL     the program                                                              (target/release/plimsoll)
IMAGE        an OCI image layout, or a folder, which becomes an image of one layer
--syft, --trivy   the peers, where they are installed; neither needs a database
--keep DIR   where to leave what each of them answered                                (a temporary folder)
--limit N    how many packages of a difference to name                                (40)

Packages are compared as (type, name, version) of their package URLs, written alike: without qualifiers, the names of PyPI
as PEP 503 has them, Go's versions without their `v`, epochs before the version. Prints counts for each image and
ecosystem, and what one lists and the other does not."""
import argparse
import collections
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from urllib.parse import parse_qs, unquote

# What has names without regard of case.
CASELESS = ("nuget", "composer", "github", "bitbucket", "cran", "golang")


def package(purl):
    """(type, name, version) of a package URL, or None."""
    match = re.fullmatch(r"pkg:/*([^/]+)/([^?#]+)(?:\?([^#]*))?(?:#.*)?", purl)
    if not match:
        return None
    kind, path, qualifiers = match.group(1).lower(), match.group(2), parse_qs(match.group(3) or "")
    # The version begins at the last @ behind the last /; a scope's @ may stand unescaped.
    name, at, version = path.rpartition("@")
    if not at or not name or name.endswith("/"):
        name, version = path, ""
    name, version = unquote(name).strip("/"), unquote(version)
    if kind == "pypi":
        name = re.sub("[-_.]+", "-", name).lower()
    elif kind in CASELESS:
        name, version = name.lower(), version.removeprefix("v") if kind == "golang" else version
    elif kind in ("deb", "rpm", "apk", "alpm"):
        # The namespace is the distribution's, which each spells in its own way.
        name = name.rpartition("/")[2]
        epoch = qualifiers.get("epoch", ["0"])[0]
        if epoch != "0" and ":" not in version:
            version = f"{epoch}:{version}"
        version = version.removeprefix("0:")
    return kind, name, version


def answered(command, path):
    """Runs a command whose answer is JSON, and leaves the answer at `path`."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(path, "wb") as file:
        file.write(result.stdout)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.stderr.decode(errors='replace')[-2000:]}")
    return json.loads(result.stdout)


def of_plimsoll(program, layout, path):
    """Package URLs, each with a place where the package was found."""
    bill = answered([program, "sbom", f"oci:{layout}", "-o", "cyclonedx", "--quiet"], path)
    for component in bill.get("components", []):
        if "purl" in component:
            places = component.get("evidence", {}).get("occurrences", [])
            yield component["purl"], places[0]["location"] if places else ""


def of_syft(program, layout, path):
    for artifact in answered([program, "scan", f"oci-dir:{layout}", "-o", "json", "-q"], path)["artifacts"]:
        places = artifact.get("locations") or [{"path": ""}]
        purl = artifact.get("purl") or f"pkg:{artifact['type']}/{artifact['name']}@{artifact['version']}"
        yield purl, places[0]["path"]


def of_trivy(program, layout, path):
    command = [program, "image", "--input", layout, "--format", "cyclonedx", "--quiet", "--offline-scan", "--skip-version-check",
               "--skip-java-db-update"]
    for component in answered(command, path).get("components") or []:
        if "purl" in component:
            properties = {one["name"]: one.get("value", "") for one in component.get("properties", [])}
            yield component["purl"], properties.get("aquasecurity:trivy:FilePath", "")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def layout_of(folder, out):
    """Writes a folder as an image of one layer."""
    blobs = os.path.join(out, "blobs/sha256")
    os.makedirs(blobs)
    part = os.path.join(out, "part")
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(os.listdir(folder)):
            tar.add(os.path.join(folder, name), name)
    layer = sha256(part)
    size = os.path.getsize(part)
    os.rename(part, os.path.join(blobs, layer))

    def blob(kind, value):
        data = json.dumps(value).encode()
        name = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, name), "wb") as file:
            file.write(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}.v1+json", "digest": "sha256:" + name, "size": len(data)}

    config = blob("config", {"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + layer]}})
    layers = [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + layer, "size": size}]
    manifest = blob("manifest", {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                                 "config": config, "layers": layers})
    with open(os.path.join(out, "index.json"), "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, file)
    with open(os.path.join(out, "oci-layout"), "w") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')


def print_missing(title, packages, where, limit):
    if packages:
        print(f"  {title}: {len(packages)}")
        for one in sorted(packages)[:limit]:
            print(f"    {one[0]} {one[1]} {one[2]}  ({where[one]})")
        if len(packages) > limit:
            print(f"    ... and {len(packages) - limit}")


def compare(name, answers, limit):
    """`answers` is for each program a map from package to place; Plimsoll's is the first."""
    print(f"== {name}")
    kinds = collections.defaultdict(dict)
    for program, found in answers.items():
        for kind, count in collections.Counter(package[0] for package in found).items():
            kinds[kind][program] = count
    for kind, counts in sorted(kinds.items()):
        print(f"  {kind}: " + ", ".join(f"{program} {counts.get(program, 0)}" for program in answers))
    ours, *theirs = answers.items()
    for program, found in theirs:
        print_missing(f"{program} alone", found.keys() - ours[1].keys(), found, limit)
    others = set().union(*(found.keys() for _, found in theirs))
    print_missing(f"{ours[0]} alone", ours[1].keys() - others, ours[1], limit)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("plimsoll")
    arguments.add_argument("images", nargs="+")
    arguments.add_argument("--syft")
    arguments.add_argument("--trivy")
    arguments.add_argument("--keep")
    arguments.add_argument("--limit", type=int, default=40)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        keep = chosen.keep or scratch
        for number, image in enumerate(chosen.images):
            layout = image
            if not os.path.exists(os.path.join(image, "oci-layout")):
                layout = os.path.join(scratch, f"image{number}")
                layout_of(image, layout)
            answers = {}
            for program, path, ask in (("plimsoll", chosen.plimsoll, of_plimsoll), ("syft", chosen.syft, of_syft),
                                       ("trivy", chosen.trivy, of_trivy)):
                if path:
                    folder = os.path.join(keep, os.path.basename(os.path.normpath(image)))
                    os.makedirs(folder, exist_ok=True)
                    asked = ask(path, layout, os.path.join(folder, program + ".json"))
                    found = answers.setdefault(program, {})
                    for purl, place in asked:
                        found.setdefault(package(purl) or ("?", purl, ""), place)
            compare(os.path.basename(os.path.normpath(image)), answers, chosen.limit)


main()
