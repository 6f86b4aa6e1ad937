"""A real machine that powers itself off once nobody uses it, and not before."""

import json
import subprocess
import time

from test_1_flagship import check
from host import DONE, AgentRun, docker

PROGRAM = "/usr/local/lib/mlops-agent-idle/mlops-agent"
QUICK = {"after": 6, "warn": 2, "load": 10_000}  # seconds; the load is that of the machine under this one


def apply(world, **parameters):
    playbook = world.folder / "idle.json"
    playbook.write_text(json.dumps({"resources": [{"type": "idle_shutdown", "id": "idle", **parameters}]}))
    argv = [str(world.build / "mlops-agent"), "apply", str(playbook), "--json", "--host", "idler",
            "--ssh-config", str(world.ssh.config)]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, start_new_session=True)
    return AgentRun(done.returncode, done.stdout, done.stderr)


def is_on(host):
    return docker("inspect", "--format={{.State.Running}}", host.name) == "true"


def status(host):
    return json.loads(host.must(["mlops-agent", "idle", "--json"], user="ubuntu"))


def active(host):
    return {one["source"] for one in status(host)["sources"] if one["active"] or one["unknown"]}


def until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(what())
        time.sleep(0.2)


def hurry(host):
    """The timer looks each second, and the times are seconds."""
    host.must("mkdir -p /etc/systemd/system/mlops-agent-idle.timer.d")
    host.write("/etc/systemd/system/mlops-agent-idle.timer.d/quick.conf",
               "[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnActiveSec=1\nOnUnitActiveSec=1\nAccuracySec=100ms\n")  # fmt: skip
    host.write("/etc/mlops-agent/idle.json", json.dumps(QUICK))
    host.must("systemctl daemon-reload && systemctl restart mlops-agent-idle.timer")


def test_an_idle_machine_powers_itself_off(world):
    """a machine stays on during an ssh session and for as long as it is asked to, and then powers itself off"""
    host = world.far_host("idler")
    for expected in (1, 0):
        done = apply(world, idle="1h", load=10_000)
        check(done.status == DONE and done.summary["changed"] == expected, done)
    host.must(f"systemctl stop mlops-agent-idle.timer && echo >>{PROGRAM} && chmod 777 /etc/mlops-agent/idle.json")
    check(apply(world, idle="1h", load=10_000).summary["changed"] == 1, "what was changed is not put back")
    check(apply(world, idle="1h", load=10_000).summary["changed"] == 0, "it does not converge")
    check("cannot be observed" not in host.must("journalctl --no-pager -u mlops-agent-idle"), "something cannot be observed")

    session = subprocess.Popen(world.ssh.command("idler", "sleep", "100"), stdin=subprocess.DEVNULL)
    options = ["-F", str(world.ssh.config), "-o", "BatchMode=yes", "-o", "ServerAliveInterval=2"]
    connection = subprocess.Popen(["ssh", *options, "-N", "idler"])
    try:
        hurry(host)
        time.sleep(QUICK["after"] + 4)
        check(is_on(host), "it powered off during a session")
        check("logins" in active(host) and status(host)["idle_seconds"] == 0, status(host))

        host.must(["mlops-agent", "keep", "1h"], user="ubuntu")
        session.terminate()
        session.wait(10)
        until(lambda: not active(host), lambda: f"the open connection alone counts: {status(host)}")
        time.sleep(QUICK["after"] + 4)
        check(is_on(host) and status(host)["seconds_left"] > 3000, "it powered off, although it was asked not to")

        host.must(["mlops-agent", "keep", "0s"], user="ubuntu")
        until(lambda: not is_on(host), lambda: f"it did not power itself off: {status(host)}")
    finally:
        for process in (session, connection):
            process.kill()
            process.wait(10)
