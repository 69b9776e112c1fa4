"""Runs what the in-toto attestation framework has in the place of vectors against plimsoll: the statements, subjects and provenance in the tests
of its Go and Python libraries, and the whole examples of its specification. Each is signed here with a key made for it, as a Sigstore bundle,
and goes through `plimsoll verify-blob`: good ones must be accepted, and those that the libraries' tests call bad refused.

The vectors are about things that nobody has. So that there is a file to verify, a subject is added that is this file; a list of subjects
that is empty stays so.
"""

import base64
import collections
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from go_tables import table

suite = pathlib.Path(sys.argv[1])
scratch = pathlib.Path(tempfile.mkdtemp())
counts = collections.Counter()
troubles = []
STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
FILE = b"what the statements are about\n"
OWN = {"name": "file", "digest": {"sha256": hashlib.sha256(FILE).hexdigest()}}


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, check=True).stdout


def bundle(payload):
    kind = "application/vnd.in-toto+json"
    signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    signature = openssl("dgst", "-sha256", "-sign", scratch / "key.pem", given=signed)
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": kind,
                "signatures": [{"sig": base64.b64encode(signature).decode()}]}
    return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope,
            "verificationMaterial": {"publicKey": {"hint": "vector"}}}


def run(title, statement, is_good, *options):
    if isinstance(statement.get("subject"), list) and statement["subject"]:
        statement = {**statement, "subject": [*statement["subject"], OWN]}
    path = scratch / "bundle.json"
    path.write_text(json.dumps(bundle(json.dumps(statement).encode())))
    command = [os.environ["PLIMSOLL"], "verify-blob", scratch / "file", "--bundle", path, "--key", scratch / "key.pub",
               "--insecure-ignore-tlog", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{title}: {done.stderr}")
    accepted = done.returncode == 0
    counts[is_good, accepted] += 1
    if accepted != is_good:
        reason = re.search(r"refused .*", done.stdout)
        troubles.append(f"{'good, refused' if is_good else 'bad, accepted'}: {title} {reason.group(0) if reason else ''}")


def of_subject(subject):
    return {"_type": STATEMENT, "subject": [subject], "predicateType": "https://example.com/t", "predicate": {}}


def of_provenance(predicate):
    return {"_type": STATEMENT, "subject": [OWN], "predicateType": PROVENANCE, "predicate": predicate}


BUILDER = ("--builder-id-regexp", ".+")


def tests_of_go():
    statements = suite / "go/v1/statement_test.go"
    text = statements.read_text()
    for name, document in re.findall(r"(\w+) = `(\{.*\})`", text):
        run(f"go {name}", json.loads(document), name.startswith("want"))
    template = re.search(r"stStringTemplate := `(.*)`", text).group(1)
    for entry in table(statements, "TestStatementTypeVersions"):
        run(f"go version {entry['version']}", json.loads(template % entry["version"]), entry["err"] is None)
    for function in ("TestBadStatementSubject", "TestBadStatementPredicate"):
        for entry in table(statements, function):
            run(f"go {entry['err']}", json.loads(entry["input"]), False)
    for name, document in re.findall(r"const (\w+) = `(\{.*\})`", (suite / "go/v1/resource_descriptor_test.go").read_text()):
        run(f"go {name}", of_subject(json.loads(document)), not name.startswith("bad"))
    provenance = suite / "go/predicates/provenance/v1/provenance_test.go"
    want = re.search(r"wantSt = `(\{.*\})`", provenance.read_text()).group(1)
    run("go provenance", of_provenance(json.loads(want)), True, *BUILDER)
    for function in ("TestBadProvenanceBuildDefinition", "TestBadProvenanceRunDetails"):
        for entry in table(provenance, function):
            run(f"go provenance {entry['err']}", of_provenance(json.loads(entry["input"])), False, *BUILDER)


def tests_of_python():
    for file, wrap in (("test_statement.py", lambda it: it), ("test_resource_descriptor.py", of_subject)):
        for name, document in re.findall(r"(\w+) = '(\{.*\})'", (suite / "python/tests" / file).read_text()):
            # A descriptor may be without a digest; a subject, which it is here, may not.
            is_good = not name.startswith("bad") and name != "empty_digest"
            run(f"python {name}", wrap(json.loads(document)), is_good)


def examples():
    """The examples that are whole: JSON without omissions, about digests that could be some."""
    passed_over = 0
    for page in sorted((suite / "spec").glob("**/*.md")):
        for block in re.findall(r"```jsonc?\n(.*?)```", page.read_text(), re.S):
            if '"_type"' not in block:
                continue
            try:
                statement = json.loads(re.sub(r"(?m)(^|\s)//.*$", "", block))
            except ValueError:
                passed_over += 1
                continue
            digests = [value for one in statement.get("subject", []) for value in one.get("digest", {}).values()]
            if not statement.get("_type", "").startswith("https://in-toto.io/Statement/") or any(
                not re.fullmatch("[0-9a-f]{32,}", value) for value in digests
            ):
                passed_over += 1
                continue
            run(f"example of {page.relative_to(suite)}", statement, True)
    print(f"examples that leave something out, and were passed over: {passed_over}")


(scratch / "file").write_bytes(FILE)
openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", scratch / "key.pem")
openssl("pkey", "-in", scratch / "key.pem", "-pubout", "-out", scratch / "key.pub")
tests_of_go()
tests_of_python()
examples()
for trouble in troubles:
    print(trouble)
good, bad = (counts[is_good, True] + counts[is_good, False] for is_good in (True, False))
print(f"good statements refused: {counts[True, False]} of {good}")
print(f"bad statements accepted: {counts[False, True]} of {bad}")
sys.exit(1 if troubles else 0)
