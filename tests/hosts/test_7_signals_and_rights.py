"""Interruptions, locks of others, and rights that are missing."""

import json
import os
import signal
import subprocess
import time

from host import AGENT, DONE, MIRROR, NOT_STARTED, PENDING, PLAYBOOK
from test_3_killed import processes
from tree import differences, read_tree

INTERRUPTED = 130
APPLY = [AGENT, "apply", PLAYBOOK, "--mirror", MIRROR, "--json"]


def started(host, argv=APPLY):
    return subprocess.Popen(host.command(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition, what, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: it did not come"
        time.sleep(0.005)


def interrupt(host, condition, what, sent):
    """Sends a signal to the run of the person once condition is true; returns its exit status, events and stderr."""
    run = started(host)
    wait_for(lambda: condition() or run.poll() is not None, what)
    assert run.poll() is None, f"{what}: the run ended before: {run.communicate()}"
    ours = [p for p in host.agent_processes() if os.stat(f"/proc/{p}").st_uid == 1000]
    os.kill(min(ours), sent)
    output, errors = run.communicate(timeout=180)
    assert '"event":"summary"' in output, f"{what}: exit status {run.returncode}: {output[-2000:]}{errors}"
    return in_host_status(output), [json.loads(line) for line in output.splitlines()], errors


def in_host_status(output):
    """The exit status that the summary reports: docker exec changes those above 128."""
    last = json.loads(output.splitlines()[-1])
    assert last["event"] == "summary", last
    return last["exit_status"]


def left_running(host):
    names = ("mlops-agent", "apt-get", "dpkg", "sh", "git")
    return {name: processes(host, name) for name in names if processes(host, name)}


def test_an_interrupted_installer_leaves_nothing(world):
    """SIGINT while Anaconda installs ends with a summary and 130, leaves no child and no half prefix"""
    host = world.host(world.docker_image)
    prefix = host.root / "home/ubuntu/anaconda3"
    status, events, errors = interrupt(host, lambda: (prefix / "lib").exists(), "Anaconda", signal.SIGINT)
    assert status == INTERRUPTED and events[-1]["interrupted"], (events[-1], errors)
    assert not left_running(host), left_running(host)
    assert not prefix.exists(), "half a prefix is left"
    again = host.agent("apply")
    assert again.status == DONE, again
    host.remove()


def test_an_interrupted_apt_ends_its_work(world):
    """SIGTERM while dpkg works lets it end, starts nothing more, and ends with 130"""
    host = world.host(world.fetched_image)
    status, events, errors = interrupt(host, lambda: processes(host, "dpkg"), "dpkg", signal.SIGTERM)
    assert status == INTERRUPTED and events[-1]["interrupted"], (events[-1], errors)
    assert not left_running(host), left_running(host)
    assert not list((host.root / "var/lib/dpkg/updates").glob("[0-9]*")), "dpkg was interrupted"
    assert host.must("dpkg --audit") == ""
    assert not (host.root / "home/ubuntu/anaconda3").exists(), "a resource began after the signal"
    again = host.agent("apply")
    assert again.status == DONE, again
    host.remove()


def test_without_sudo_nothing_is_touched(world):
    """with --no-sudo, what needs root is named, nothing is changed, exit 4"""
    host = world.host()
    before = read_tree(host)
    run = host.run([AGENT, "apply", PLAYBOOK, "--mirror", MIRROR, "--no-sudo"])
    assert run.status == NOT_STARTED, run
    assert "package[packages]" in run.errors and "docker-person" in run.errors, run
    changed = differences(before, read_tree(host))
    assert not changed, changed

    host.must("rm /etc/sudoers.d/90-cloud-init-users && gpasswd --add ubuntu sudo && echo ubuntu:secret | chpasswd")
    before = read_tree(host)
    begin = time.monotonic()
    run = host.run(APPLY)
    assert run.status == NOT_STARTED and "password" in run.errors, run
    assert time.monotonic() - begin < 5, "it did not fail at once"
    changed = differences(before, read_tree(host))
    assert not changed, changed
    assert host.agent("plan").status == PENDING
    host.remove()


def test_one_run_at_a_time(world):
    """a second run during another one names it and touches nothing"""
    host = world.host(world.docker_image)
    first = started(host)
    wait_for(lambda: (host.root / "home/ubuntu/anaconda3/lib").exists(), "Anaconda")
    second = host.run(APPLY)
    output, errors = first.communicate(timeout=180)
    assert second.status == NOT_STARTED and "zoomcamp.json" in second.errors and "process " in second.errors, second
    assert first.returncode == DONE, (output, errors)
    host.remove()


def test_apt_is_waited_for(world):
    """while another program holds dpkg's lock, it waits, and then continues"""
    host = world.host(world.fetched_image)
    # struct flock {F_WRLCK, SEEK_SET, 0, 0}, as fcntl(F_SETLK) takes it.
    hold = (
        'open(F, "+>>", "/var/lib/dpkg/lock-frontend"); my $lock = pack("ssx4qqix4", 1, 0, 0, 0, 0); '
        'fcntl(F, 6, $lock) or die; $| = 1; print "held\\n"; sleep 4'
    )
    holder = subprocess.Popen(host.command(["perl", "-e", hold], "root"), stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    begin = time.monotonic()
    run = host.agent("apply")
    assert holder.wait() == 0
    assert run.status == DONE and time.monotonic() - begin > 3.5, run
    host.remove()
