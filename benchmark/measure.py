#!/usr/bin/env python3
"""measure.py PLIMSOLL LAYOUT...: what scanning costs, beside the floor and beside other scanners.

For each OCI layout, the best of several runs of
  floor     every layer inflated by igzip and both digests taken by openssl, as many layers at once as there are cores
  first     plimsoll scan, nothing known of the image (an empty cache)
  packages  the same without looking for secrets
  repeated  plimsoll scan, the image known
  syft, trivy, where they are installed; neither looks for vulnerabilities here, and a cold run is made once
Wall and CPU seconds are those of the run with the least wall time; peak memory is the largest resident set of one
process. All runs are on warm file caches and use the same cores. Prints Markdown."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time


def run(command, env=None, cwd=None):
    """Wall seconds, CPU seconds and peak megabytes of a command and its children."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, cwd=cwd)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed: {error.decode()[-500:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def best(times, measure):
    return min((measure() for _ in range(times)), key=lambda result: result[0])


def layers(layout):
    def blob(descriptor):
        return os.path.join(layout, "blobs", *descriptor["digest"].split(":"))

    with open(os.path.join(layout, "index.json")) as file:
        manifest = json.load(file)["manifests"][0]
    with open(blob(manifest)) as file:
        return [blob(layer) for layer in json.load(file)["layers"]]


def floor(paths):
    """All layers, the largest first, one worker a core."""
    waiting = sorted(paths, key=os.path.getsize)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                path = waiting.pop()
            command = 'igzip -dc "$1" | openssl dgst -sha256 & openssl dgst -sha256 "$1"; wait'
            subprocess.run(["bash", "-c", command, "floor", path], check=True, stdout=subprocess.DEVNULL)

    before = os.times()
    started = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(os.cpu_count())]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall = time.perf_counter() - started
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return wall, cpu, 0


def plimsoll(binary, layout, scanners, cold):
    def measure():
        env = {**os.environ, "PLIMSOLL_CACHE_DIR": cache}
        command = [binary, "scan", "--quiet", "oci:" + layout, "--scanners", scanners]
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        return run(command, env)

    with tempfile.TemporaryDirectory() as cache:
        if not cold:
            cold = True
            measure()
            cold = False
        return best(3 if cold else 20, measure)


def row(name, result, floor_wall, reference=None):
    wall, cpu, memory = result
    peak = f"{memory:.0f}" if memory else "–"
    ratio = f"{wall / floor_wall:.2f}" if floor_wall else "–"
    times = f"{wall / reference:.1f}" if reference else "–"
    print(f"| {name} | {wall:.4f} | {cpu:.3f} | {peak} | {ratio} | {times} |")


def main(binary, *layouts):
    syft, trivy = shutil.which("syft"), shutil.which("trivy")
    for layout in layouts:
        paths = layers(layout)
        size = sum(os.path.getsize(path) for path in paths)
        for path in paths:  # into the page cache
            subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)
        print(f"\n**{os.path.basename(layout)}**: {len(paths)} layers, {size / 1e6:.0f} MB compressed, {os.cpu_count()} cores\n")
        print("| | wall s | CPU s | peak MB | wall / floor | times plimsoll's first |")
        print("| --- | --- | --- | --- | --- | --- |")
        low = best(3, lambda: floor(paths))
        every, packages = "vulnerabilities,secrets,configuration", "vulnerabilities,configuration"
        first = plimsoll(binary, layout, every, cold=True)
        without = plimsoll(binary, layout, packages, cold=True)
        warm = plimsoll(binary, layout, every, cold=False)
        row("floor: igzip and both SHA-256", low, low[0])
        row("plimsoll, first, packages and secrets", first, low[0])
        row("plimsoll, first, packages", without, low[0])
        row("plimsoll, repeated", warm, low[0])
        if syft:
            env = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
            row("syft", run([syft, "-q", "oci-dir:" + layout], env), low[0], without[0])
        if trivy:
            trivy_rows(trivy, layout, low[0], first[0], without[0], warm[0])


def trivy_rows(trivy, layout, low, first, without, warm):
    with tempfile.TemporaryDirectory() as cache:
        base = [trivy, "image", "--quiet", "--cache-dir", cache, "--skip-version-check", "--disable-telemetry",
                "--offline-scan", "--input", layout]
        # For Java archives it wants a database from the network.
        base += ["--skip-files", "**/*.jar", "--skip-files", "**/*.war", "--skip-files", "**/*.ear"]
        packages = base + ["--format", "cyclonedx"]
        every = base + ["--format", "json", "--list-all-pkgs", "--scanners", "secret"]

        def cold(command):
            shutil.rmtree(cache, ignore_errors=True)
            return run(command)

        row("trivy, cold, packages", cold(packages), low, without)
        row("trivy, cold, packages and secrets", cold(every), low, first)
        row("trivy, warm", best(5, lambda: run(every)), low, warm)


main(*sys.argv[1:])
