#!/usr/bin/env python3
"""layout.py OUT BASE.tar UPPER.tar TREE...: writes an OCI image layout.

The first tar is the lowest layer. A second tar gives a layer of what it has beyond the first; directories become a
layer each. Layers are compressed as builders do it, by gzip level 6 in one stream (pigz, if it is there, is faster)."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile


def difference(lower, upper, path):
    """Writes what `upper` has and `lower` has not, or has otherwise."""
    with tarfile.open(lower) as tar:
        known = {m.name: (m.size, m.mtime, m.mode, m.linkname, m.type) for m in tar}
    with tarfile.open(upper) as tar, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
        written = set()
        for member in tar:
            if known.get(member.name) == (member.size, member.mtime, member.mode, member.linkname, member.type):
                if not member.isdir():
                    continue
            if member.islnk() and member.linkname not in written:
                continue
            written.add(member.name)
            out.addfile(member, tar.extractfile(member) if member.isreg() else None)


def tree(directory, path):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
        for name in sorted(os.listdir(directory)):
            out.add(os.path.join(directory, name), name)


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            sha.update(chunk)
    return sha.hexdigest()


def compressed(path, out):
    command = ["pigz", "-6", "-n", "-c"] if shutil.which("pigz") else ["gzip", "-6", "-n", "-c"]
    part = os.path.join(out, "part")
    with open(path, "rb") as source, open(part, "wb") as target:
        subprocess.run(command, stdin=source, stdout=target, check=True)
    name = digest(part)
    os.rename(part, os.path.join(out, "blobs/sha256", name))
    return name


def blob(out, value):
    data = json.dumps(value).encode()
    name = hashlib.sha256(data).hexdigest()
    with open(os.path.join(out, "blobs/sha256", name), "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + name, "size": len(data)}


def main(target, base, upper, *trees):
    out = target + ".part"
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(os.path.join(out, "blobs/sha256"))
    scratch = os.path.join(out, "layer.tar")
    layers, diff_ids, history = [], [], []

    def add(path, step):
        diff_ids.append("sha256:" + digest(path))
        name = compressed(path, out)
        size = os.path.getsize(os.path.join(out, "blobs/sha256", name))
        layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:" + name, "size": size})
        history.append({"created": "2026-01-01T00:00:00Z", "created_by": step})

    add(base, "# debian bookworm")
    history.append({"created": "2026-01-01T00:00:00Z", "created_by": 'CMD ["bash"]', "empty_layer": True})
    difference(base, upper, scratch)
    add(scratch, "RUN /bin/sh -c apt-get update && apt-get install -y ... # buildkit")
    for directory in trees:
        tree(directory, scratch)
        add(scratch, f"COPY {os.path.basename(directory)} / # buildkit")
    os.remove(scratch)
    config = blob(out, {"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
                        "config": {"User": "1000", "Cmd": ["node", "server.js"]},
                        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history})
    manifest = blob(out, {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                          "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config}, "layers": layers})
    with open(os.path.join(out, "index.json"), "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest}]}, file)
    with open(os.path.join(out, "oci-layout"), "w") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')
    shutil.rmtree(target, ignore_errors=True)
    os.rename(out, target)
    print(f"{target}: {len(layers)} layers, {sum(layer['size'] for layer in layers) / 1e6:.0f} MB compressed")


main(*sys.argv[1:])
