"""An image that has nothing but an rpm database with any packages, for the comparison of scanners that read rpms from images alone.

The database is of rpm's SQLite kind: a table of headers. A header is a count of entries, the length of the data, the
entries (tag, type, offset, count) and the data, all numbers big-endian (https://rpm-software-management.github.io/rpm/manual/format_header.html)."""
import hashlib
import io
import json
import sqlite3
import struct
import tarfile

NAME, VERSION, RELEASE, EPOCH, OS, ARCH, SOURCE, REGION = 1000, 1001, 1002, 1003, 1021, 1022, 1044, 63
INT32, STRING, BINARY = 4, 6, 7


def header(name, version):
    """The header of `name` in `EPOCH:VERSION-RELEASE`."""
    epoch, _, rest = version.rpartition(":")
    upstream, _, release = rest.rpartition("-")
    values = {
        NAME: name,
        VERSION: upstream,
        RELEASE: release,
        OS: "linux",
        ARCH: "x86_64",
        SOURCE: f"{name}-{upstream}-{release}.src.rpm",
    }
    if epoch:
        values[EPOCH] = int(epoch)
    entries, data = [], b""
    for tag, value in sorted(values.items()):
        if isinstance(value, int):
            data += b"\0" * (-len(data) % 4)
        entries.append((tag, INT32 if isinstance(value, int) else STRING, len(data), 1))
        data += struct.pack(">I", value) if isinstance(value, int) else value.encode() + b"\0"
    # The region spans all entries; its trailer, at the end of the data, says so from the other side.
    count = len(entries) + 1
    trailer = struct.pack(">IIiI", REGION, BINARY, -16 * count, 16)
    entries.insert(0, (REGION, BINARY, len(data), 16))
    data += trailer
    return struct.pack(">II", count, len(data)) + b"".join(struct.pack(">IIII", *entry) for entry in entries) + data


def database(packages, path):
    """Writes the database of (name, version) pairs to `path`."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", ((header(*package),) for package in packages))
    connection.close()


def archive(files, path):
    """Writes an image of one layer with `files` (path: bytes) as `docker save` does."""
    layer = tar(files)
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}
    ).encode()
    names = [f"{hashlib.sha256(config).hexdigest()}.json", f"{digest}/layer.tar"]
    manifest = json.dumps([{"Config": names[0], "RepoTags": ["rpms:1"], "Layers": [names[1]]}]).encode()
    with open(path, "wb") as file:
        file.write(tar({names[0]: config, names[1]: layer, "manifest.json": manifest}))


def tar(files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()
