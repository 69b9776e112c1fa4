#!/usr/bin/env python3
"""verify.py PLIMSOLL LAYOUT: what verifying signatures costs, beside cosign on the same signatures in the same registry.

Needs docker-registry, skopeo, curl and cosign; with cargo and what `./test` installs, keyless bundles are made and verified, too. The
image of the OCI layout is pushed to a registry on loopback and signed by cosign with a key, as a bundle and as cosign did of old; then
both programs verify it, and Plimsoll again from its cache, by a verification summary, and a hundred at once. Wall milliseconds are the
median and the least of the runs of the whole command, peak memory is the largest resident set of a run. Prints Markdown."""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 30
FLEET = 100
EMAIL = "dev@acme.example"
GATE = ["--verifier-id", "https://acme.example/gate"]


def timed(command, env):
    """Wall milliseconds, peak megabytes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = (time.perf_counter() - started) * 1000
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed: {error.decode()[-500:]}")
    return wall, usage.ru_maxrss / 1000


def row(what, program, command, env, runs=RUNS, wanted="–"):
    timed(command, env)
    results = [timed(command, env) for _ in range(runs)]
    walls = [wall for wall, _ in results]
    peak = max(memory for _, memory in results)
    print(f"| {what} | {program} | {statistics.median(walls):.1f} | {min(walls):.1f} | {peak:.0f} | {wanted} |", flush=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def registry(folder, port):
    config = os.path.join(folder, "registry.yml")
    with open(config, "w") as file:
        file.write(
            f"version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {folder}/registry }} }}\n"
            f"http: {{ addr: 127.0.0.1:{port} }}\n"
        )
    process = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    sys.exit("docker-registry does not answer")


class Bench:
    """A registry on loopback, a key pair of cosign, and the binary."""

    def __init__(self, binary, layout, folder, port):
        self.binary, self.layout, self.folder, self.host = binary, layout, folder, f"127.0.0.1:{port}"
        self.env = {**os.environ, "HOME": folder, "COSIGN_PASSWORD": "", "XDG_CACHE_HOME": f"{folder}/cache"}
        self.public = ["--key", f"{folder}/cosign.pub"]
        with open(f"{folder}/plain.toml", "w") as file:
            file.write(f'[registries.registry."{self.host}"]\nplain-http = true\n')
        # No log and no authority: all is on this machine.
        with open(f"{folder}/none.json", "w") as file:
            file.write('{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {}, "tsaConfig": {}}')
        self.run(["cosign", "generate-key-pair"])

    def run(self, command):
        return subprocess.run(command, cwd=self.folder, env=self.env, check=True, capture_output=True, text=True).stdout

    def push(self, name):
        image = f"{self.host}/{name}:1"
        copy = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{self.layout}", f"docker://{image}"]
        self.run(copy)
        return image

    def ours(self, *arguments):
        return [self.binary, "verify", *arguments, "--config", f"{self.folder}/plain.toml"]

    def keyed(self, *arguments):
        return self.ours(*arguments, *self.public, "--insecure-ignore-tlog")

    def beside_cosign(self):
        """The same signatures by both; gives the name of the image that a bundle signs."""
        bundled = ""
        for name, is_bundle in [("bundle", "true"), ("of old", "false")]:
            image = self.push(name.replace(" ", "-"))
            how = ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"]
            if is_bundle == "true":
                bundled, how = image, ["--signing-config", f"{self.folder}/none.json"]
            self.run(["cosign", "sign", "-y", "--key", f"{self.folder}/cosign.key", *how, image])
            theirs = ["cosign", "verify", *self.public, "--insecure-ignore-tlog=true", f"--new-bundle-format={is_bundle}", image]
            row(name, "plimsoll", self.keyed(image, "--no-cache"), self.env, wanted="8")
            row(name, "cosign", theirs, self.env)
        return bundled

    def floor(self, image):
        """What the registry takes: the four answers that a verification needs one after the other, over one connection of curl."""
        name, tag = image.removeprefix(f"{self.host}/").rsplit(":", 1)
        accept = ["-H", "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"]
        path = f"http://{self.host}/v2/{name}"

        def get(rest):
            return self.run(["curl", "-sfi", *accept, f"{path}/{rest}"])

        head = get(f"manifests/{tag}").lower()
        digest = head.split("docker-content-digest: sha256:")[1].split()[0]
        rests = [f"manifests/{tag}", f"manifests/sha256-{digest}"]
        for key, kind in [("manifests", "manifests"), ("layers", "blobs")]:
            found = json.loads(get(rests[-1]).split("\n\n", 1)[1])
            rests.append(f"{kind}/{found[key][0]['digest']}")
        each = [word for rest in rests for word in ("-o", "/dev/null", f"{path}/{rest}")]
        row("the same four answers", "curl", ["curl", "-sf", *accept, *each], self.env)
        row("nothing: --version", "curl", ["curl", "--version"], self.env)

    def without_the_registry(self, image):
        digest = self.run(["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{image}"]).strip()
        pinned = f"{image.rsplit(':', 1)[0]}@{digest}"
        self.run(self.keyed(image))
        row("bundle, by tag, signatures from the cache", "plimsoll", self.keyed(image), self.env)
        row("bundle, by digest, from the cache", "plimsoll", self.keyed(pinned), self.env, wanted="4")
        self.run([self.binary, "key", "generate", "--output", "gate"])
        emit = ["--emit-vsa", "vsa.json", "--vsa-key", "gate.key", *GATE]
        self.run(self.keyed(image, *emit))
        accept = self.ours(pinned, "--vsa", f"{self.folder}/vsa.json", "--vsa-key", f"{self.folder}/gate.pub", *GATE)
        row("verification summary in a file", "plimsoll", accept, self.env, wanted="2")
        row("nothing: --version", "plimsoll", [self.binary, "--version"], self.env)
        row("nothing: true", "–", ["true"], self.env)

    def fleet(self, image):
        with open(f"{self.folder}/same", "w") as file:
            file.write(f"{image}\n" * FLEET)
        same = self.keyed("--images-from", f"{self.folder}/same", "--no-cache")
        row(f"{FLEET} at once, of one image", "plimsoll", same, self.env, runs=10)
        images = [self.push(f"fleet-{number}") for number in range(FLEET)]
        for other in images:
            self.run([self.binary, "sign", other, "--key", "cosign.key", "--config", "plain.toml"])
        with open(f"{self.folder}/different", "w") as file:
            file.write("\n".join(images))
        different = self.keyed("--images-from", f"{self.folder}/different", "--no-cache")
        row(f"{FLEET} at once, of {FLEET} repositories", "plimsoll", different, self.env, runs=10)

    def keyless(self, checkout):
        image = self.push("keyless")
        command = ["cargo", "run", "--quiet", "--package", "plimsoll-testkit", "--example", "keyless", "--", self.folder, image]
        if not shutil.which("cargo") or subprocess.run(command, cwd=checkout).returncode != 0:
            print("| keyless bundle | plimsoll | skipped: cargo run --example keyless did not work | | | |")
            return
        with open(f"{self.folder}/issuer") as file:
            who = ["--certificate-identity", EMAIL, "--certificate-oidc-issuer", file.read()]
        who += ["--trusted-root", f"{self.folder}/trusted_root.json"]
        what = "keyless bundle, with log proof and chain"
        theirs = ["cosign", "verify", image, *who, "--use-signed-timestamps"]
        row(what, "plimsoll", self.ours(image, *who, "--no-cache"), self.env, wanted="cosign / 2")
        row(what, "cosign", theirs, self.env)
        file = [f"{self.folder}/artifact", "--bundle", f"{self.folder}/keyless.sigstore.json", *who]
        row("the same of a file", "plimsoll", [self.binary, "verify-blob", *file], self.env, wanted="cosign / 2")
        row("the same of a file", "cosign", ["cosign", "verify-blob", *file, "--use-signed-timestamps"], self.env)


def main(binary, layout):
    for tool in ["docker-registry", "skopeo", "cosign", "curl"]:
        if not shutil.which(tool):
            sys.exit(f"verify.py: {tool} is missing")
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = registry(folder, port)
        try:
            bench = Bench(os.path.abspath(binary), os.path.abspath(layout), folder, port)
            print("| signature | program | median ms | least ms | peak MB | wanted ms |\n| --- | --- | --- | --- | --- | --- |")
            image = bench.beside_cosign()
            bench.floor(image)
            bench.without_the_registry(image)
            bench.fleet(image)
            bench.keyless(checkout)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
