"""A run disturbed at its changing system calls, in a throw-away overlay of this machine."""

import os
import subprocess

from world import TOP


def test_a_part_of_the_proof(world):
    """stopped at system calls, with calls that fail, without power, by odd servers, with a dying helper: a part of the proof that tests/torture/all is"""
    program = world.given_build / "tests/torture/torture"
    assert program.exists(), f"{program} is missing: build the target torture"
    outside = {path: os.stat(path) for path in ("/", "/etc", "/etc/passwd", "/home", "/opt", "/srv", "/var/lib/dpkg/status")}
    modes = {path: os.stat(path).st_mode for path in ("/tmp", "/run", "/dev", "/proc")}
    argv = [TOP / "tests/torture/all", "--agent", world.given_build, "--quick"]
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=900)
    print("        " + "\n        ".join(done.stdout.splitlines()))
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}"
    for path, before in outside.items():
        now = os.stat(path)
        same = (now.st_mode, now.st_ino, now.st_mtime_ns, now.st_ctime_ns)
        assert same == (before.st_mode, before.st_ino, before.st_mtime_ns, before.st_ctime_ns), f"{path} was touched"
    for path, before in modes.items():
        assert os.stat(path).st_mode == before, f"the mode of {path} was changed"
