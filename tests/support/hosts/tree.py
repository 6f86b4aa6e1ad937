"""File trees of hosts: reading them, and how two differ."""

import hashlib
import os
import stat
from dataclasses import dataclass

# Not part of a host's state, or Docker's mounts from this machine, or the agent's own cache and records of its runs.
SKIPPED = {
    "proc", "sys", "dev", "run", "tmp", "var/log", "var/lib/sudo",
    "opt/mlops-agent", "opt/playbooks", "srv/mirror",
    "home/ubuntu/.cache/mlops-agent", "root/.cache/mlops-agent", "var/cache/mlops-agent",
    "home/ubuntu/.local/state/mlops-agent", "var/lib/mlops-agent",
}  # fmt: skip
# Folders above those: making them there may make these, and changes their times. Innermost first.
MAY_BE_OURS = ["home/ubuntu/.cache", "root/.cache", "home/ubuntu/.local/state", "home/ubuntu/.local"]
HOLD_OURS = {*MAY_BE_OURS, "home/ubuntu", "root", "var/cache", "var/lib"}


@dataclass(frozen=True)
class Entry:
    kind: str
    mode: int
    uid: int
    gid: int
    content: str  # a file's digest, a link's target, a device's number
    xattrs: tuple
    mtime: int  # ns; 0 where it does not count


def read_tree(host, digests={}, also_skipped=()):
    """Every path of a host below /, with all that counts but access times. digests is kept between calls: a file of
    the same inode, size and times is not read again."""
    root = os.fsencode(host.root)
    entries = {}
    skipped = SKIPPED | set(also_skipped)

    def content(path, status):
        if stat.S_ISLNK(status.st_mode):
            return os.fsdecode(os.readlink(path))
        if stat.S_ISREG(status.st_mode):
            key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if key not in digests:
                with open(path, "rb") as file:
                    digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
            return digests[key]
        return str(status.st_rdev) if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode) else ""

    def walk(folder, name):
        for item in os.scandir(folder):
            path = (name + "/" if name else "") + os.fsdecode(item.name)
            if path in skipped:
                continue
            try:
                status = item.stat(follow_symlinks=False)
                inner = content(item.path, status)
                xattrs = tuple(
                    (key, os.getxattr(item.path, key, follow_symlinks=False))
                    for key in sorted(os.listxattr(item.path, follow_symlinks=False))
                )
            except FileNotFoundError:
                continue
            entries[path] = Entry(
                kind=stat.filemode(status.st_mode)[0],
                mode=stat.S_IMODE(status.st_mode),
                uid=status.st_uid,
                gid=status.st_gid,
                content=inner,
                xattrs=xattrs,
                mtime=0 if path in HOLD_OURS else status.st_mtime_ns,
            )
            if stat.S_ISDIR(status.st_mode):
                walk(item.path, path)

    walk(root, "")
    # A folder with nothing but ours in it is ours.
    for path in MAY_BE_OURS:
        if path in entries and not any(other.startswith(path + "/") for other in entries):
            del entries[path]
    return entries


def differences(before, after, times=True, ignored=()):
    """What differs, a line for each path: "etc/motd: mode 420 -> 384"."""
    lines = {}
    for path in sorted(before.keys() | after.keys()):
        if path in ignored:
            continue
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            lines[path] = f"{path}: " + ("appeared" if old is None else "is gone")
            continue
        changed = [
            f"{name} {getattr(old, name)} -> {getattr(new, name)}"
            for name in Entry.__dataclass_fields__
            if getattr(old, name) != getattr(new, name) and (times or name != "mtime")
        ]
        if changed:
            lines[path] = f"{path}: " + ", ".join(changed)
    return lines
