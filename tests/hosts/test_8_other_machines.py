"""The flagship from a laptop to other machines over ssh: three at once, killed at either end, and disconnected."""

import json
import subprocess
import threading
import time

from host import AGENT, DONE, FAILED, MIRROR, NOT_STARTED, PLAYBOOK, AgentRun
from tree import differences, read_tree

# The files of accounts as they were before the last change, which are groupadd's and groupdel's.
BACKUPS = {"etc/group-", "etc/gshadow-"}


def hosts_of(names):
    return [option for name in names for option in ("--host", name)]


def apply_from(laptop, names, *options, command="apply", playbook=PLAYBOOK, timeout=900):
    argv = [AGENT, command, playbook, "--mirror", MIRROR, "--json", *hosts_of(names), *options]
    done = laptop.run(argv, timeout=timeout)
    return AgentRun(done.status, done.output, done.errors)


def left_on(host):
    """The agent's processes on a host that no tunnel accounts for."""
    found = []
    for process in host.agent_processes():
        try:
            words = open(f"/proc/{process}/cmdline").read().split("\0")
        except OSError:
            continue
        if "tunnel" not in words:
            found.append(" ".join(words))
    return found


def nothing_left(*hosts, seconds=30):
    deadline = time.monotonic() + seconds
    while any(left_on(host) for host in hosts):
        assert time.monotonic() < deadline, [left_on(host) for host in hosts]
        time.sleep(0.05)


def counted(run, host):
    """The outcomes of a host's resources, of those that are not ok or skipped."""
    return {
        event["label"]: event["outcome"]
        for event in run.events
        if event["event"] == "resource" and event["host"] == host and event["outcome"] not in ("ok", "skipped")
    }


def test_three_hosts_at_once(world):
    """Two Debian 12 hosts and a Debian 11 host are made ready at once; the second run changes nothing on any"""
    hosts = {"web1": world.far_host("web1"), "web2": world.far_host("web2"),
             "old": world.far_host("old", release="bullseye")}  # fmt: skip
    laptop = world.laptop(hosts)
    names = list(hosts)
    before = {name: read_tree(host) for name, host in hosts.items()}
    planned = apply_from(laptop, names, command="plan")
    assert planned.status == 2, planned
    for name, host in hosts.items():
        moved = [d for d in differences(before[name], read_tree(host)) if ".cache" not in d]
        assert not moved, f"the plan changed {name}: {moved}"
    applied = apply_from(laptop, names)
    assert applied.status == DONE, applied
    again = apply_from(laptop, names)
    assert again.status == DONE, again
    for name in (*names, "local"):
        assert not counted(again, name), (name, counted(again, name))
    summaries = {host["host"]: host for host in again.summary["hosts"]}
    assert all(summaries[name]["error"] is None and summaries[name]["ok"] > 0 for name in names), again.summary
    for host in hosts.values():
        assert "hello" not in host.login("docker version && docker-compose version").errors
        assert host.login("docker-compose version").status == 0
    nothing_left(*hosts.values(), laptop)
    for host in (*hosts.values(), laptop):
        host.remove()


# What is killed in the midst, at either end: files, a group, and a command of the person's and of root's that takes a while.
SMALL = "/home/ubuntu/small.json"
SLOW = "touch {0}.begun; sleep 2.75; touch {0}"
KILLED = {
    "resources": [
        {"type": "directory", "id": "tree", "path": "~/tree"},
        {"type": "file", "id": "first", "path": "~/tree/first", "content": "first", "mode": "0600"},
        {"type": "command", "id": "mine", "argv": ["sh", "-c", SLOW.format("/home/ubuntu/tree/mine")],
         "creates": "/home/ubuntu/tree/mine"},
        {"type": "group", "id": "group", "name": "killed"},
        {"type": "file", "id": "root", "path": "/etc/killed", "content": "root", "group": "killed"},
        {"type": "command", "id": "roots", "as": "root", "argv": ["sh", "-c", SLOW.format("/etc/killed.done")],
         "creates": "/etc/killed.done"},
        {"type": "file", "id": "last", "path": "~/tree/last", "content": "last"},
    ]
}  # fmt: skip
# When: what is seen on the host or, for a resource, in the events that the laptop received.
MOMENTS = {
    "as soon as the agent runs there": lambda host, ids: host.agent_processes(),
    "after its first resource": lambda host, ids: "tree" in ids,
    "while a command of the person's runs": lambda host, ids: host.read("/home/ubuntu/tree/mine.begun") is not None,
    "after root has acted": lambda host, ids: "root" in ids,
    "while a command of root's runs": lambda host, ids: host.read("/etc/killed.done.begun") is not None,
}


def killed_run(host, laptop, victim, seen):
    """An apply whose agent on the victim is killed once that is seen; its exit status and stderr."""
    run = subprocess.Popen(
        laptop.command([AGENT, "apply", SMALL, "--json", "--host", "box"]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ids = set()

    def listen():
        for line in run.stdout:
            ids.add(json.loads(line).get("id"))

    listener = threading.Thread(target=listen)
    listener.start()
    deadline = time.monotonic() + 60
    while not seen(host, ids):
        assert run.poll() is None and time.monotonic() < deadline, f"it ended before: {ids} {run.stderr.read()}"
        time.sleep(0.002)
    victim.kill_agent()
    errors = run.stderr.read()
    status = run.wait(timeout=60)
    listener.join()
    return status, errors


def test_killed_at_either_end(world):
    """Killed on either side at ten chosen moments, the next run converges, and no process of ours is left"""
    host = world.far_host("box")
    laptop = world.laptop({"box": host})
    laptop.write(SMALL, json.dumps(KILLED), "ubuntu")
    assert apply_from(laptop, ["box"], playbook=SMALL).status == DONE
    wanted = read_tree(host)
    for what, seen in MOMENTS.items():
        for victim in (host, laptop):
            case = f"{what}, {'there' if victim is host else 'here'}"
            host.must("rm -r /home/ubuntu/tree /etc/killed*; groupdel killed")
            status, errors = killed_run(host, laptop, victim, seen)
            if victim is host:
                assert status in (FAILED, NOT_STARTED) and "box: " in errors, (case, status, errors)
            nothing_left(host, laptop)
            assert host.run(["pgrep", "-f", "^sh -c touch"], user="root").status != 0, f"{case}: a command still runs"
            last = apply_from(laptop, ["box"], playbook=SMALL)
            assert last.status == DONE, (case, last)
            again = apply_from(laptop, ["box"], playbook=SMALL)
            assert again.status == DONE and not counted(again, "box"), (case, again)
            apart = differences(wanted, read_tree(host), times=False, ignored=BACKUPS)
            assert not apart, (case, apart)
    nothing_left(host, laptop)
    for one in (host, laptop):
        one.remove()


def test_a_cut_network(world):
    """A network that drops everything is noticed on both sides within 15 s, and the host stops; a dead host costs no
    more, and the others are changed all the same"""
    host, other = world.far_host("box"), world.far_host("other")
    laptop = world.laptop({"box": host, "other": other})
    slow = {"resources": [{"id": "slow", "type": "command", "argv": ["sleep", "40"], "always": True},
                          {"id": "file", "type": "file", "path": "~/after", "content": "x"}]}  # fmt: skip
    laptop.write("/home/ubuntu/slow.json", json.dumps(slow), "ubuntu")
    run = subprocess.Popen(
        laptop.command([AGENT, "apply", "/home/ubuntu/slow.json", "--json", "--host", "box"]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while host.run(["pgrep", "-x", "sleep"]).status != 0:
        assert time.monotonic() < deadline, "the command did not start"
        time.sleep(0.05)
    host.must(f"ip route add blackhole {laptop.address}")
    laptop.must(f"ip route add blackhole {host.address}")
    begin = time.monotonic()
    output, errors = run.communicate(timeout=60)
    noticed = time.monotonic() - begin
    assert run.returncode == FAILED, (run.returncode, output, errors)
    assert noticed < 15.5, f"noticed after {noticed:.1f} s"
    assert "box: " in errors and "interrupted during command[slow]" in errors, errors
    nothing_left(host, seconds=20)
    assert host.run(["pgrep", "-x", "sleep"]).status != 0 and host.read("/home/ubuntu/after") is None

    # Now it is dead: what is sent arrives, and nothing comes back.
    laptop.must(f"ip route del blackhole {host.address}")
    laptop.write("/home/ubuntu/one.json", '{"resources": [{"type": "file", "path": "~/one", "content": "x"}]}', "ubuntu")
    begin = time.monotonic()
    run = apply_from(laptop, ["box", "other"], playbook="/home/ubuntu/one.json")
    took = time.monotonic() - begin
    assert run.status == FAILED and "box: cannot reach " in run.errors, run  # not 4: the other was changed
    assert took < 16, f"{took:.1f} s"
    assert other.read("/home/ubuntu/one") == b"x" and host.read("/home/ubuntu/one") is None, run

    # And it is back: the same command again completes the run.
    host.must(f"ip route del blackhole {laptop.address}")
    again = apply_from(laptop, ["box", "other"], playbook="/home/ubuntu/one.json")
    assert again.status == DONE and host.read("/home/ubuntu/one") == b"x", again
    for one in (host, other, laptop):
        one.remove()
