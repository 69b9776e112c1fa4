"""Runs the regression tests of a checkout of slsa-verifier against plimsoll: what the tables in its Go test expect of the real provenance in
its `testdata`, each case with each builder id and each version that the test itself goes through.

The test speaks slsa-verifier's options; this says the same in plimsoll's. The id of a builder that is a workflow is the name in the
certificate; for builders behind a delegator, and for npm's, it is what the signed provenance tells. Nobody is asked: provenance without a log
entry, for which slsa-verifier searches the log, cannot be verified, and must be refused.

Not run are the tests of Google Cloud Build, most of whose signatures are over the bare payload, without the encoding of DSSE, and those of
summaries about images of virtual machines, which have no digest.
"""

import base64
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

from go_tables import table

ISSUER = "https://token.actions.githubusercontent.com"
GENERATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
RUNNER = "https://github.com/actions/runner"
WORKFLOWS = {
    "gha_container-based": GENERATOR + "builder_container-based_slsa3.yml",
    "gha_delegator": "https://github.com/slsa-framework/example-trw/.github/workflows/builder_high-perms_slsa3.yml",
    "gha_generic": GENERATOR + "generator_generic_slsa3.yml",
    "gha_generic_container": GENERATOR + "generator_container_slsa3.yml",
    "gha_go": GENERATOR + "builder_go_slsa3.yml",
    "gha_gradle": GENERATOR + "builder_gradle_slsa3.yml",
    "gha_maven": GENERATOR + "builder_maven_slsa3.yml",
}
DELEGATED = ("gha_delegator", "gha_gradle", "gha_maven")
RELEASE = r"refs/tags/v\d+\.\d+\.\d+"
# The project's own builds use what is not released yet.
TRIED = "github.com/slsa-framework/example-package"
PUBLISHED = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"

suite = pathlib.Path(sys.argv[1])
data = suite / "cli/slsa-verifier/testdata"
tests = suite / "cli/slsa-verifier/main_regression_test.go"
scratch = pathlib.Path(tempfile.mkdtemp())
counts = collections.Counter()
troubles = collections.defaultdict(list)
said = {}


def plimsoll(*arguments):
    """The exit code, and why."""
    command = [os.environ["PLIMSOLL"], *map(str, arguments), "--format", "json"]
    key = tuple(command)
    if key not in said:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        reason = done.stderr.strip()
        if done.stdout:
            document = json.loads(done.stdout)
            signatures = [one for subject in document["subjects"] for one in subject["signatures"]]
            reason = "; ".join(sorted({one.get("reason") or "accepted" for one in signatures})) or document["reason"]
        said[key] = done.returncode, reason
    return said[key]


def judge(title, wanted, results, is_logged=True):
    """Counts a case, of which each of the results must be a pass."""
    accepted = all(code == 0 for code, _ in results)
    reason = "; ".join(sorted({reason for code, reason in results if code}))
    direction = "bad" if wanted else "good"
    if not accepted and not is_logged:
        counts[direction, "unlogged"] += 1
        return
    counts[direction, "accepted" if accepted else "refused"] += 1
    if accepted == bool(wanted):
        troubles[direction, "accepted" if accepted else "refused"].append(f"{title}: {reason or 'expected ' + str(wanted)}")


def version(text):
    return [int(part) for part in text.lstrip("v").split(".")]


def versions(builder, least=None):
    found = sorted(path.name for path in (data / builder).iterdir())
    return [name for name in found if least is None or version(name) >= version(least)]


def versioned(tag):
    """The expression for tags that a version without its last parts means: what a tag leaves out is zero."""
    parts = [int(part) for part in tag.lstrip("v").split(".")]
    major, minor, patch = (parts + [None, None])[:3]
    tails = {(None, None): r"(\.\d+(\.\d+)?)?", (0, None): r"(\.0(\.\d+)?)?", (0, 0): r"(\.0(\.0)?)?"}
    tail = tails.get((minor, patch))
    if tail is None:
        tail = rf"\.{minor}" + {None: r"(\.\d+)?", 0: r"(\.0)?"}.get(patch, rf"\.{patch}")
    return rf"refs/tags/v{major}{tail}"


def source(case):
    options = ["--source-repository", "https://" + case["source"]]
    if case.get("pbranch"):
        options += ["--source-ref", "refs/heads/" + case["pbranch"]]
    if case.get("ptag"):
        options += ["--source-ref", "refs/tags/" + case["ptag"]]
    if case.get("pversiontag") and "--source-ref" not in options:
        options += ["--source-ref-regexp", versioned(case["pversiontag"])]
    return options


def identity(expression):
    return ["--certificate-oidc-issuer", ISSUER, "--certificate-identity-regexp", expression]


def workflow(name):
    """The expression for a workflow, whose release may be told in two ways or not at all."""
    name, _, release = name.partition("@")
    return re.escape(name) + "@" + (re.escape("refs/tags/" + release.removeprefix("refs/tags/")) if release else RELEASE)


def delegator(case):
    releases = f"({RELEASE}|refs/heads/main)" if case["source"] == TRIED else RELEASE
    return identity(re.escape(GENERATOR) + r"delegator_(lowperms-)?generic_slsa3\.yml@" + releases)


def signed_by(builder, name, case):
    if builder in DELEGATED:
        return [*delegator(case), "--builder-id-regexp", workflow(name)]
    return identity(workflow(name))


def builder_ids(case, builder, release):
    """The ids that the test goes through; without one, the default ones of slsa-verifier have this builder among them."""
    if case.get("pBuilderID"):
        return [case["pBuilderID"]]
    name = WORKFLOWS.get(builder, WORKFLOWS["gha_generic"])
    return [name, *([f"{name}@{release}", f"{name}@refs/tags/{release}"] if release else [])]


def is_bundle(path):
    return "verificationMaterial" in json.loads(path.read_text())


def files(function, builders, least, suffix):
    """Builds of files."""
    for case in table(tests, function):
        own = case.get("builders") or builders
        for builder, release in [("", "")] if case.get("noversion") else [(b, v) for b in own for v in versions(b, least)]:
            folder = data / builder / release
            artifacts = [folder / name for name in case["artifacts"]]
            provenance = folder / (case.get("provenancePath") or case["artifacts"][0] + suffix(builder, release))
            for name in builder_ids(case, builder, release):
                options = [*source(case), *signed_by(builder, name, case)]
                results = [plimsoll("verify-blob", one, "--bundle", provenance, *options) for one in artifacts]
                title = f"{builder}/{release} {case['name']} ({name})"
                judge(title, case.get("err"), results, is_bundle(provenance))


def images():
    builder = "gha_generic_container"
    for case in table(tests, "Test_runVerifyGHAArtifactImage"):
        for release in versions(builder):
            if case.get("minversion") and version(release) <= version(case["minversion"]):
                continue
            if case.get("maxversion") and version(release) > version(case["maxversion"]):
                continue
            layout = data / builder / release / case["artifact"]
            digest = layout.with_name(layout.name + ".digest").read_text().strip().removeprefix("sha256:")
            for name in builder_ids(case, builder, release):
                options = [*source(case), *signed_by(builder, name, case), "--type", "slsaprovenance"]
                result = plimsoll("verify", f"oci:{layout}@sha256:{digest}", *options)
                judge(f"{builder}/{release} {case['name']} ({name})", case.get("err"), [result])


def attestations_of_github():
    for case in table(tests, "Test_runVerifyGithubAttestation"):
        artifact = data / "bcr" / case["artifact"]
        name = case.get("builderID")
        options = [*source(case), *(identity(workflow(name)) if name else [])]
        result = plimsoll("verify-blob", artifact, "--bundle", f"{artifact}.intoto.jsonl", *options)
        judge(f"bcr {case['name']}", case.get("err"), [result])


def key_of_npm():
    """It is in a test of the suite."""
    text = (suite / "verifiers/internal/gha/npm_sigstore_tuf_test.go").read_text()
    encoded = re.search(r'"npm:attestations",\s*"publicKey": \{\s*"rawBytes": "([^"]+)"', text).group(1)
    path = scratch / "npm.pub"
    path.write_text(f"-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n")
    return path


def builder_of_npm(case, kind):
    name = case.get("builderID") or ""
    if name.startswith(GENERATOR):
        return [*delegator(case), "--builder-id-regexp", workflow(name)]
    # In the older version, the provenance does not tell whose runner it was.
    old = [RUNNER] if "v0.2" in kind and name == f"{RUNNER}/github-hosted" else []
    told = ["--builder-id", (old + [name])[0]]
    return [*identity(rf"https://github\.com/{re.escape(case['source'].split('/', 1)[1])}/\.github/workflows/.+@.+"), *told]


def packages():
    key = key_of_npm()
    for case in table(tests, "Test_runVerifyNpmPackage"):
        artifact = data / "npm/gha" / case["artifact"]
        subject = "pkg:npm/" + urllib.parse.quote(case["pkgName"]) if case.get("pkgName") else None
        subject = re.escape(subject) if subject else "pkg:npm/.+"
        subject += "@" + (re.escape(case["pkgVersion"]) if case.get("pkgVersion") else "[^@]+")
        results = []
        for attestation in json.loads(pathlib.Path(f"{artifact}.json").read_text())["attestations"]:
            kind = attestation["predicateType"]
            path = scratch / f"{artifact.name}-{len(results)}.json"
            path.write_text(json.dumps(attestation["bundle"]))
            options = ["--key", key] if kind == PUBLISHED else [*source(case), *builder_of_npm(case, kind)]
            options += ["--type", kind, "--subject-name-regexp", subject]
            results.append(plimsoll("verify-blob", artifact, "--bundle", path, *options))
        judge(f"npm {case['name']} {case['artifact']}", case.get("err"), results)


files("Test_runVerifyGHAArtifactPath", ["gha_go", "gha_generic", "gha_delegator", "gha_maven", "gha_gradle"], "v1.2.2",
      lambda builder, release: ".build.slsa" if builder in DELEGATED else ".intoto.jsonl")
files("Test_runVerifyGHAContainerBased", ["gha_container-based"], None,
      lambda builder, release: ".intoto.build.slsa" if version(release) >= [1, 8, 0] else ".intoto.sigstore")
images()
attestations_of_github()
packages()

for (direction, outcome), titles in sorted(troubles.items()):
    reasons = collections.Counter(re.sub(r".*?: ", "", title, count=1) for title in titles)
    print(f"{direction} provenance {outcome}:")
    for title in titles if "-v" in sys.argv else []:
        print(f"  {title}")
    for reason, count in reasons.most_common():
        print(f"  {count} × {reason[:300]}")
# What has no log entry is refused whatever else is true of it, so it is told apart.
good, bad = (sum(n for (which, outcome), n in counts.items() if (which, outcome != "unlogged") == (direction, True)) for direction in ("good", "bad"))
print(f"good provenance accepted: {counts['good', 'accepted']} of {good}")
print(f"not verifiable offline, having no log entry, and refused: {counts['good', 'unlogged']} good, {counts['bad', 'unlogged']} bad")
print(f"good provenance refused: {counts['good', 'refused']} of {good}")
print("not run: " + ", ".join(
    f"{len(table(tests, function))} cases of {function}" for function in ("Test_runVerifyGCBArtifactImage", "Test_runVerifyVSA")
))
print(f"bad provenance accepted: {counts['bad', 'accepted']} of {bad}")
sys.exit(1 if counts["bad", "accepted"] or counts["good", "refused"] else 0)
