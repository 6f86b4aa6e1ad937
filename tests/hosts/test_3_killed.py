"""SIGKILL at fourteen chosen moments: the next run converges, to the state that an undisturbed one reaches.
Six more, while packages are installed: test_3_killed_installing.py."""

import json
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from host import AGENT, DONE, MIRROR, PLAYBOOK
from tree import differences, read_tree

APPLY = [AGENT, "apply", PLAYBOOK, "--mirror", MIRROR, "--json"]
# Files that a resource rewrites. After a kill each has the content from before it or the final one. More
# than one resource edits the first, so it may have the content between two edits.
REWRITTEN = ["/home/ubuntu/.bashrc", "/home/ubuntu/.profile", "/home/ubuntu/soft/docker-compose", "/etc/group",
             "/etc/gshadow"]  # fmt: skip
# What two undisturbed runs need not have in common.
HOST_OWN = {"etc/hosts", "etc/hostname", "etc/resolv.conf", "var/lib/docker", "var/lib/containerd", "var/tmp"}
# dpkg's copy of its database before its last change.
HOST_OWN |= {"var/lib/dpkg/status-old"}
# apt's caches, which contain times.
HOST_OWN |= {"var/cache/apt/pkgcache.bin", "var/cache/apt/srcpkgcache.bin"}
# The second in which git cloned; two hosts may do so in the same one.
HOST_OWN.add("home/ubuntu/mlops-zoomcamp/.git/logs")
# Its paragraphs come in the order of apt's steps: compared by themselves.
STATES = "var/lib/apt/extended_states"
HOST_OWN |= {STATES}

# Resources of the flagship that edit the same files, up to each of these: so a file may be found in between.
STAGES = [["apt-update", "https", "packages"], ["docker-group", "docker-person", "docker-socket", "docker-service", "anaconda"]]


class Moment:
    """When to kill: as soon as seen(host, ids of finished resources) is true; `also` are other programs to kill."""

    def __init__(self, what, seen, also=()):
        self.what, self.seen, self.also = what, seen, also


def finished(name):
    return Moment(f"after {name}", lambda host, ids: name in ids)


def there(path, *absent):
    return lambda host, ids: exists(host, path) and not any(exists(host, other) for other in absent)


def exists(host, path):
    return any(host.root.glob(path)) if "*" in path else (host.root / path).exists()


def processes(host, program):
    """The ids, on this machine, of the host's processes whose command is this."""
    here, found = os.readlink(f"/proc/{host.pid}/ns/pid"), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == program:
                if os.readlink(entry / "ns/pid") == here:
                    found.append(int(entry.name))
        except OSError:
            continue
    return found


# From a host where the packages are installed.
HOME = "home/ubuntu"
LATE = [
    finished("docker-person"),
    finished("docker-service"),
    Moment("while Anaconda installs", there(f"{HOME}/anaconda3/lib", f"{HOME}/anaconda3/conda-meta/history")),
    finished("anaconda"),
    finished("soft"),
    finished("docker-compose"),
    finished("soft-on-path"),
    finished("course"),
    finished("compose-runs"),
]
# From the same host: the agent itself is killed in its N-th call of a system call, before the call is done.
CALLS = [("mkdirat", 1), ("renameat", 1), ("renameat", 2), ("renameat", 4), ("fsync", 2)]


class Killed:
    """A run of the agent that was killed at a moment."""

    def __init__(self, host, moment):
        self.ids, self.output = set(), []
        process = subprocess.Popen(
            host.command(APPLY), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        reader = threading.Thread(target=self.read, args=(process.stdout,))
        reader.start()
        self.killed = 0
        while process.poll() is None:
            if moment.seen(host, self.ids):
                self.killed = host.kill_agent()
                for program in moment.also:
                    host.run(["pkill", "-KILL", "-x", program], user="root")
                break
            time.sleep(0.002)
        process.wait()
        reader.join()

    def read(self, stream):
        for line in stream:
            self.output.append(line)
            event = json.loads(line)
            if event["event"] == "resource":
                self.ids.add(event["id"])


class Undisturbed:
    """What a run ends at that nobody disturbs, from an image; and what differs between two such runs anyway."""

    def __init__(self, world, image):
        first, second = world.host(image), world.host(image)
        self.before = {path: first.read(path) for path in REWRITTEN}
        self.allowed = {path: {content} for path, content in self.before.items()}
        side_by_side(lambda host: self.run(host, STAGES if host is second else []), (first, second))
        self.tree = settled_tree(first)
        self.automatic = paragraphs(first)
        self.noise = set(differences(self.tree, settled_tree(second), times=False))
        for host in (first, second):
            host.remove()

    def run(self, host, stages):
        # The states between: what the first edits, before the second does.
        for stage in stages:
            part = host.agent("apply", PLAYBOOK, *[x for name in stage for x in ("--only", name)])
            assert part.status == DONE, part
            self.note(host)
        run = host.agent("apply")
        assert run.status == DONE, run
        self.note(host)

    def note(self, host):
        for path in REWRITTEN:
            self.allowed[path].add(host.read(path))


def side_by_side(work, items, at_once=2):
    """What the work returns for each, in order; two at once, as installing waits for the disk as long as it computes."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(work, items))


def paragraphs(host):
    """What apt notes of packages that came along, in no order."""
    return sorted(text for text in (host.read(STATES) or b"").decode().split("\n\n") if text.strip())


def settled_tree(host):
    return read_tree(host, also_skipped=HOST_OWN)


def undisturbed(world, image):
    known = world.__dict__.setdefault("undisturbed_runs", {})
    if image not in known:
        known[image] = Undisturbed(world, image)
    return known[image]


def wrong_after(world, host, what, right, in_transaction):
    """What is wrong on a host whose run was killed: now, and after the next run."""
    wrong = []
    if not in_transaction:
        for path, allowed in right.allowed.items():
            if host.read(path) not in allowed:
                wrong.append(f"{what}: {path} has neither its old nor its new bytes")
    clone = host.root / "home/ubuntu/mlops-zoomcamp"
    if clone.exists() and host.login("git -C mlops-zoomcamp fsck --strict && git -C mlops-zoomcamp diff --quiet HEAD").status:
        wrong.append(f"{what}: half a clone is in place")
    again = host.agent("apply")
    if again.status != DONE:
        return [*wrong, f"{what}: the next run did not converge: {again}"]
    changed = differences(right.tree, settled_tree(host), times=False, ignored=right.noise)
    if changed:
        wrong.append(f"{what}: not what an undisturbed run makes: " + "; ".join(list(changed.values())[:15]))
    if paragraphs(host) != right.automatic:
        odd = set(paragraphs(host)) ^ set(right.automatic)
        wrong.append(f"{what}: apt has other packages as brought along: {odd}")
    third = host.agent("apply")
    if third.status != DONE or third.summary["changed"]:
        wrong.append(f"{what}: there was something left to do: {third}")
    return wrong


def kill_each(world, image, moments):
    right = undisturbed(world, image)

    def kill(moment):
        host = world.host(image)
        run = Killed(host, moment)
        if not run.killed:
            wrong = [f"{moment.what}: the run ended before it could be killed: {''.join(run.output)[-2000:]}"]
        else:
            in_transaction = "dpkg" in moment.what or "index" in moment.what
            wrong = wrong_after(world, host, moment.what, right, in_transaction)
        host.remove()
        return wrong

    wrong = [line for lines in side_by_side(kill, moments) for line in lines]
    assert not wrong, f"of {len(moments)} moments:\n" + "\n".join(wrong)


def test_killed_late(world):
    """killed after nine resources of a host with Docker, the next run converges"""
    kill_each(world, world.docker_image, LATE)


def test_killed_in_system_calls(world):
    """killed at five of its own writes, the next run converges"""
    right = undisturbed(world, world.docker_image)
    wrong = []
    for call, nth in CALLS:
        what = f"at {call} {nth}"
        host = world.host(world.docker_image)
        calls = f"{call},{call}2" if call == "renameat" else call
        argv = ["strace", "-f", "-qq", "-u", "ubuntu", "-o", "/tmp/trace", "-e", f"trace={calls}",
                "-e", f"inject={calls}:signal=SIGKILL:when={nth}", *APPLY]  # fmt: skip
        run = host.run(argv, user="root", env={"HOME": "/home/ubuntu", "USER": "ubuntu", "LOGNAME": "ubuntu"})
        trace = host.must(["cat", "/tmp/trace"])
        host.kill_agent()
        if "killed by SIGKILL" not in trace:
            wrong.append(f"{what}: nothing was killed: {run} {trace[-1000:]}")
        else:
            wrong += wrong_after(world, host, what, right, False)
        host.remove()
    assert not wrong, f"of {len(CALLS)} writes:\n" + "\n".join(wrong)
