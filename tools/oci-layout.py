#!/usr/bin/env python3
"""Writes an OCI image layout from tars and directories; ./demo makes its image with it.

usage: oci-layout.py LAYOUT TAG ARCHITECTURE (STEP TAR|DIRECTORY=PREFIX)...

Each pair is a layer, lowest first: the build step that its history tells, and a tar, or a directory with the place
in the image that it is put to. The same input gives the same bytes.
https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

import gzip
import hashlib
import json
import os
import shutil
import sys
import tarfile

EPOCH = "2024-01-01T00:00:00Z"


def directory_tar(directory, prefix, target):
    """Writes the content of `directory`, placed under `prefix`, as root's files."""

    def as_root(entry):
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for folder, folders, files in os.walk(directory):
            folders.sort()
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in sorted(files) + links:
                path = os.path.join(folder, name)
                place = os.path.join(prefix.strip("/"), os.path.relpath(path, directory))
                tar.add(path, place, recursive=False, filter=as_root)


class Digesting:
    """Passes bytes on to a file and digests them."""

    def __init__(self, target):
        self.target, self.sha256, self.size = target, hashlib.sha256(), 0

    def write(self, chunk):
        self.sha256.update(chunk)
        self.size += len(chunk)
        return self.target.write(chunk)

    def flush(self):
        self.target.flush()


def blob_path(layout, digest):
    return os.path.join(layout, "blobs", "sha256", digest)


def write_layer(layout, tar):
    """Compresses `tar` into the layout; gives its diff ID, digest and size."""
    diff_id = hashlib.sha256()
    temporary = os.path.join(layout, "layer.tmp")
    with open(tar, "rb") as source, open(temporary, "wb") as target:
        digesting = Digesting(target)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=digesting, mtime=0) as packed:
            while chunk := source.read(1 << 20):
                diff_id.update(chunk)
                packed.write(chunk)
    digest = digesting.sha256.hexdigest()
    os.replace(temporary, blob_path(layout, digest))
    return diff_id.hexdigest(), digest, digesting.size


def write_document(layout, media_type, document):
    data = json.dumps(document, sort_keys=True).encode()
    digest = hashlib.sha256(data).hexdigest()
    with open(blob_path(layout, digest), "wb") as target:
        target.write(data)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}


def main(layout, tag, architecture, *pairs):
    shutil.rmtree(layout, ignore_errors=True)
    os.makedirs(os.path.join(layout, "blobs", "sha256"))
    diff_ids, layers, history = [], [], []
    for step, source in zip(pairs[::2], pairs[1::2]):
        tar = source
        if "=" in source:
            directory, prefix = source.split("=", 1)
            tar = os.path.join(layout, "directory.tmp")
            directory_tar(directory, prefix, tar)
        diff_id, digest, size = write_layer(layout, tar)
        if tar != source:
            os.remove(tar)
        diff_ids.append("sha256:" + diff_id)
        layers.append({
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:" + digest, "size": size,
        })
        history.append({"created": EPOCH, "created_by": step})
    config = write_document(layout, "application/vnd.oci.image.config.v1+json", {
        "created": EPOCH, "architecture": architecture, "os": "linux",
        "config": {"Cmd": ["python3", "/srv/shop/app.py"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
    })
    manifest = write_document(layout, "application/vnd.oci.image.manifest.v1+json", {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": layers,
    })
    manifest["annotations"] = {"org.opencontainers.image.ref.name": tag}
    with open(os.path.join(layout, "oci-layout"), "w") as target:
        json.dump({"imageLayoutVersion": "1.0.0"}, target)
    with open(os.path.join(layout, "index.json"), "w") as target:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, target)


if __name__ == "__main__":
    if len(sys.argv) < 6 or len(sys.argv) % 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
