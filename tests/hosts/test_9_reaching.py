"""Hosts that are hard to work with, reached over a real ssh by the real agent on this machine: each is made to work, or
the message names what is in the way."""

import functools
import json
import os
import pty
import re
import select
import subprocess
import time

from conditions import banner, full, noexec, read_only, sshd
from host import DONE, FAILED, NOT_STARTED, PENDING, AgentRun
from tree import differences, read_tree

PLACES = ["/home/ubuntu", "/var/tmp", "/tmp", "/dev/shm"]  # where the agent may be kept; and in /run/user/1000


@functools.lru_cache
def box(world):
    return world.far_host("odd")


def command(world, what, resources, name="odd", *options):
    playbook = world.folder / "reaching.json"
    playbook.write_text(json.dumps({"resources": resources}))
    return [str(world.build / "mlops-agent"), what, str(playbook), "--json", "--host", name,
            "--ssh-config", str(world.ssh.config), *options]  # fmt: skip


def agent(world, what, *resources, name="odd"):
    """A run without a terminal."""
    done = subprocess.run(command(world, what, list(resources), name), capture_output=True, text=True, timeout=120,
                          start_new_session=True)  # fmt: skip
    return AgentRun(done.returncode, done.stdout, done.stderr)


def at_terminal(argv, answers, timeout=60):
    """Runs a program on a terminal of its own, answering each question (a pattern) in turn. Its exit status, and all
    that stood on the terminal; raises when a question does not come."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(argv[0], argv)
    shown, seen, deadline = "", 0, time.monotonic() + timeout
    while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
        try:
            shown += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # nobody has it open any more
            break
        if answers and (found := re.search(answers[0][0], shown[seen:])):
            seen += found.end()
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not answers, f"it did not ask {answers[0][0]}: {shown}"
    return status, shown


def file(path, size=1):
    return {"type": "file", "id": path.rsplit("/", 1)[-1], "path": path, "content": "x" * size}


def unsent(host):
    """Nothing of the agent lies on the host."""
    host.must("rm -rf /home/*/.cache/mlops-agent /var/tmp/mlops-agent-* /tmp/mlops-agent-* /dev/shm/mlops-agent-*")


def unmounted(host):
    host.must(f"for d in {' '.join(PLACES)} /home/ubuntu/.cache /home/ubuntu/data; do umount $d 2>/dev/null; done; true")


def without_runtime_folder(host):
    """No session of the person's gets a folder in /run/user from now on."""
    units = "user@1000.service user-runtime-dir@1000.service"
    host.must(f"systemctl stop {units}; systemctl mask --runtime -q {units}; ! mountpoint -q /run/user/1000")


def kept_in(host):
    return host.must("ls -d /home/*/.cache/mlops-agent/agents /*/mlops-agent-* /*/*/mlops-agent-* 2>/dev/null || true").split()


def test_a_plan_changes_nothing_there(world):
    """facts and a plan, the first contact, leave every byte of the host as it was but for our own cache folder"""
    host = box(world)
    before = read_tree(host)
    facts = subprocess.run(
        [world.build / "mlops-agent", "facts", "os.version", "--host", "odd", "--ssh-config", world.ssh.config],
        capture_output=True, text=True,
    )  # fmt: skip
    assert facts.returncode == DONE and json.loads(facts.stdout) == "12", facts
    planned = agent(world, "plan", file("~/here"), {"type": "package", "id": "p", "names": ["git"]})
    assert planned.status == PENDING and set(planned.resources) == set(planned.with_outcome("would_change")), planned
    moved = differences(before, read_tree(host))
    assert not moved, moved
    assert kept_in(host) == ["/home/ubuntu/.cache/mlops-agent/agents"]


def test_greetings(world):
    """what greets at a login does not disturb, and one session a connection is enough"""
    host = box(world)
    text = host.read("/home/ubuntu/.bashrc").decode()
    banner(host, "Welcome!\nmissing send ready")
    sshd(host, "MaxSessions 1", "Banner /etc/debian_version")
    run = agent(world, "apply", file("~/greeted"))
    host.write("/home/ubuntu/.bashrc", text, "ubuntu")
    assert run.status == DONE and host.read("/home/ubuntu/greeted") == b"x", run


def test_a_read_only_home(world):
    """a home that is read-only: the agent is kept elsewhere and plans; an apply, which could note nothing, names that"""
    host = box(world)
    unsent(host)
    read_only(host, "/home/ubuntu")
    planned = agent(world, "plan", file("~/never"), file("/var/tmp/elsewhere"))
    refused = agent(world, "apply", file("~/never"), file("/var/tmp/elsewhere"))
    unmounted(host)
    assert planned.status == PENDING and set(planned.with_outcome("would_change")) == {"never", "elsewhere"}, planned
    assert refused.status == NOT_STARTED and "/home/ubuntu/.local/state/mlops-agent" in refused.errors, refused
    assert host.read("/var/tmp/elsewhere") is None
    assert kept_in(host) == ["/var/tmp/mlops-agent-1000"]


def test_noexec(world):
    """/tmp and the home mounted noexec: it simply works; everything noexec: each place is named"""
    host = box(world)
    unsent(host)
    noexec(host, "/home/ubuntu", "/tmp")
    run = agent(world, "apply", file("~/noexec"))
    assert run.status == DONE and host.read("/home/ubuntu/noexec") == b"x", run
    assert kept_in(host) == ["/var/tmp/mlops-agent-1000"], kept_in(host)
    unsent(host)
    without_runtime_folder(host)
    noexec(host, *PLACES)
    refused = agent(world, "apply", file("~/never"))
    unmounted(host)
    assert refused.status == NOT_STARTED and "mounted noexec?" in refused.errors, refused
    for place in ("/home/ubuntu/.cache/mlops-agent/agents", "/var/tmp/mlops-agent-1000", "/tmp/mlops-agent-1000"):
        assert f"{place}: no program can be executed there" in refused.errors, refused
    assert host.read("/home/ubuntu/never") is None and not kept_in(host), kept_in(host)


def test_a_full_disk(world):
    """a full disk fails what needs room, with nothing half written; without room for the agent each place is named"""
    host = box(world)
    full(host, "/home/ubuntu/data", left=64 << 10)
    run = agent(world, "apply", file("~/data/large", 1 << 20), file("~/fits"))
    left = host.must("ls -A /home/ubuntu/data").split()
    assert run.status == FAILED and run.resources["fits"]["outcome"] == "changed", run
    assert "No space left on device" in run.resources["large"]["reason"], run
    assert left == ["filler"], left
    unsent(host)
    without_runtime_folder(host)
    full(host, "/home/ubuntu/.cache", *PLACES[1:], left=1 << 20)
    refused = agent(world, "apply", file("~/never"))
    unmounted(host)
    assert refused.status == NOT_STARTED, refused
    for place in ("/home/ubuntu/.cache/mlops-agent/agents", "/var/tmp/mlops-agent-1000"):
        assert f"{place}: no space left: " in refused.errors, refused
    assert host.read("/home/ubuntu/never") is None


def test_rights(world):
    """a user who may not become root gets an error before anything is done; what needs no root is done"""
    host = box(world)
    world.ssh.reach("mallory", host, user="mallory")
    refused = agent(world, "apply", file("~/never"), {"type": "group", "id": "g", "name": "made"}, name="mallory")
    assert refused.status == NOT_STARTED and refused.errors.startswith("mallory: "), refused
    assert "becoming root" in refused.errors and "sudo" in refused.errors, refused
    assert host.read("/home/mallory/never") is None and host.run(["getent", "group", "made"]).status != 0
    run = agent(world, "apply", file("~/mine"), name="mallory")
    assert run.status == DONE and host.read("/home/mallory/mine") == b"x", run


def test_questions_on_a_terminal(world):
    """a key's passphrase and sudo's password are asked for on the terminal, once, and are in no process list"""
    host = box(world)
    key = world.folder / "locked"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-C", "locked", "-f", key], check=True)
    world.ssh.reach("locked", host, user="mallory", IdentityFile=str(key))
    host.let_in(key.with_suffix(".pub").read_text().strip(), "mallory")
    host.must("sed -i /tests$/d /home/mallory/.ssh/authorized_keys")
    host.must("echo 'mallory:correct horse' | chpasswd && echo 'mallory ALL=(ALL) ALL' >/etc/sudoers.d/mallory")
    listed = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\\\0' '\\\\n' >/var/listed"
    resources = [{"type": "command", "id": "list", "as": "root", "argv": ["sh", "-c", listed], "creates": "/var/listed"},
                 {"type": "group", "id": "g", "name": "asked"}]  # fmt: skip
    argv = command(world, "apply", resources, "locked")
    status, shown = at_terminal(argv, [("Passphrase of .*locked: ", "wrong"), ("Passphrase of .*locked: ", "open sesame"),
                                       ("password for mallory on locked: ", "wrong horse"),
                                       ("password for mallory on locked: ", "correct horse")])  # fmt: skip
    assert status == DONE and '"changed":2' in shown, shown
    assert "sesame" not in shown and "horse" not in shown, shown
    assert "horse" not in host.must(["cat", "/var/listed"])
    # Nothing to change: root is not needed, and nobody is asked for that.
    status, shown = at_terminal(argv, [("Passphrase of .*locked: ", "open sesame")])
    assert status == DONE and "password" not in shown, shown
    alone = agent(world, "apply", {"type": "group", "id": "h", "name": "other"}, name="locked")
    assert alone.status == NOT_STARTED and "passphrase" in alone.errors and "nobody to ask" in alone.errors, alone
