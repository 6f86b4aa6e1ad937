"""A run disturbed at its changing system calls, in a throw-away overlay of this machine."""

import os
import subprocess

from world import TOP

TORTURE = TOP / "tests/torture"


def torture(world, *words):
    """tests/torture's program of the same build: what it printed, and its closing lines."""
    program = world.given_build / "tests/torture/torture"
    assert program.exists(), f"{program} is missing: build the target torture"
    argv = [program, "--agent", world.given_build, "--setup", TORTURE / "setup", "--person", "tester", "--serve",
            "/srv/served", *words]  # fmt: skip
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=600)
    print("        " + "\n        ".join(line for line in done.stdout.splitlines() if not line.startswith("FAILED")))
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}"


def test_killed_at_every_call(world):
    """killed at every changing system call of a small playbook, and each one failing with EIO, ENOSPC and EINTR"""
    outside = {path: os.stat(path) for path in ("/", "/etc", "/etc/passwd", "/home", "/opt", "/srv", "/var/lib/dpkg/status")}
    modes = {path: os.stat(path).st_mode for path in ("/tmp", "/run", "/dev", "/proc")}
    faults = [word for fault in ("eio", "enospc", "eintr") for word in ("--fault", fault)]
    torture(world, "--fault", "kill", TORTURE / "cheap.json")
    torture(world, *faults, "--points", "25", TORTURE / "cheap.json")
    torture(world, "--fault", "kill-one", "--fault", "full", "--fault", "read-only", "--points", "25", TORTURE / "cheap.json")
    for path, before in outside.items():
        now = os.stat(path)
        same = (now.st_mode, now.st_ino, now.st_mtime_ns, now.st_ctime_ns)
        assert same == (before.st_mode, before.st_ino, before.st_mtime_ns, before.st_ctime_ns), f"{path} was touched"
    for path, before in modes.items():
        assert os.stat(path).st_mode == before, f"the mode of {path} was changed"
