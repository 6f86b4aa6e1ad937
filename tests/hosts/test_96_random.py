"""Random playbooks, in throw-away overlays of this machine."""

import os
import re
import subprocess

from world import TOP

LONG = True
CASES = 500  # of each property
PARTS = [["plan", "again", "undo", "redo"], ["killed", "kept", "prune", "garbage"]]  # side by side


def test_random_playbooks(world):
    """500 random playbooks for each promise: plan, second run, undo, undo of undo, killed and undone, kept plan, prune, garbage"""
    program = world.given_build / "tests/torture/torture"
    assert program.exists(), f"{program} is missing: build the target torture"
    torture = TOP / "tests/torture"
    running = []
    for names in PARTS:
        argv = [program, "--agent", world.given_build, "--setup", torture / "setup", "--person", "tester",
                "--serve", "/srv/served", "--service-manager", "--run", "--",
                "/opt/setup/random_playbooks", "--seed", os.environ.get("MLOPS_SEED", "1"), "--cases", CASES, *names]  # fmt: skip
        running.append(subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    said = [process.communicate(timeout=1500)[0] for process in running]
    print("        " + "\n        ".join("".join(said).splitlines()))
    for process, text, names in zip(running, said, PARTS):
        assert process.returncode == 0, text[-6000:]
        assert re.findall(r"^([a-z]+): (\d+) cases, 0 failed", text, re.M) == [(name, str(CASES)) for name in names], text
