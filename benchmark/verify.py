#!/usr/bin/env python3
"""verify.py PLIMSOLL LAYOUT: what verifying a signature costs, beside cosign on the same signatures in the same registry.

Needs docker-registry, skopeo and cosign. The image of the OCI layout is pushed to a registry on loopback and signed by cosign with a
key, as a bundle and as cosign did of old; then both programs verify it. Wall milliseconds are the median and the least of the runs,
peak memory is the largest resident set of a run. Prints Markdown."""
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


def main(binary, layout):
    for tool in ["docker-registry", "skopeo", "cosign"]:
        if not shutil.which(tool):
            sys.exit(f"verify.py: {tool} is missing")
    binary = os.path.abspath(binary)
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "HOME": folder, "COSIGN_PASSWORD": "", "XDG_CACHE_HOME": f"{folder}/cache"}
        port = free_port()
        server = registry(folder, port)
        try:
            with open(f"{folder}/plain.toml", "w") as file:
                file.write(f'[registries.registry."127.0.0.1:{port}"]\nplain-http = true\n')
            # No log and no authority: all is on this machine.
            with open(f"{folder}/none.json", "w") as file:
                file.write('{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {}, "tsaConfig": {}}')
            subprocess.run(["cosign", "generate-key-pair"], cwd=folder, env=env, check=True, capture_output=True)
            print("| signature | program | median ms | least ms | peak MB |\n| --- | --- | --- | --- | --- |")
            for name, is_bundle in [("bundle", "true"), ("of old", "false")]:
                image = f"127.0.0.1:{port}/{name.replace(' ', '-')}:1"
                subprocess.run(
                    ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", f"docker://{image}"],
                    env=env, check=True, capture_output=True,
                )
                key = ["--key", f"{folder}/cosign.key"]
                how = ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"]
                if is_bundle == "true":
                    how = ["--signing-config", f"{folder}/none.json"]
                subprocess.run(["cosign", "sign", "-y", *key, *how, image], env=env, check=True, capture_output=True)
                public = ["--key", f"{folder}/cosign.pub"]
                ours = [binary, "verify", image, *public, "--insecure-ignore-tlog", "--config", f"{folder}/plain.toml"]
                theirs = ["cosign", "verify", *public, "--insecure-ignore-tlog=true", f"--new-bundle-format={is_bundle}", image]
                for program, command in [("plimsoll", ours), ("cosign", theirs)]:
                    timed(command, env)
                    runs = [timed(command, env) for _ in range(RUNS)]
                    walls = [wall for wall, _ in runs]
                    peak = max(memory for _, memory in runs)
                    print(f"| {name} | {program} | {statistics.median(walls):.1f} | {min(walls):.1f} | {peak:.0f} |")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
