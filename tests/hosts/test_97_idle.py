"""A real machine that powers itself off once nobody uses it, and not before."""

import json
import subprocess
import time

from test_1_flagship import check
from host import AGENT, DONE, AgentRun, docker

PROGRAM = "/usr/local/lib/mlops-agent-idle/mlops-agent"
TIMER, SERVICE = "mlops-agent-idle.timer", "mlops-agent-idle.service"
FOLDERS = {"/usr/local/lib/mlops-agent-idle": "755", "/etc/mlops-agent": "755", "/var/lib/mlops-agent-idle": "755",
           "/var/lib/mlops-agent-idle/keep": "1777"}  # fmt: skip
MADE = [*FOLDERS, "/usr/local/bin/mlops-agent", f"/etc/systemd/system/{TIMER}", f"/etc/systemd/system/{SERVICE}",
        f"/etc/systemd/system/timers.target.wants/{TIMER}"]  # fmt: skip
QUICK = {"after": 6, "warn": 2, "load": 10_000}  # seconds; the load is that of the machine under this one


def apply(world, name, **parameters):
    playbook = world.folder / "idle.json"
    playbook.write_text(json.dumps({"resources": [{"type": "idle_shutdown", "id": "idle", **parameters}]}))
    argv = [str(world.build / "mlops-agent"), "apply", str(playbook), "--json", "--host", name,
            "--ssh-config", str(world.ssh.config)]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, start_new_session=True)
    return AgentRun(done.returncode, done.stdout, done.stderr)


def apply_in(host, **parameters):
    """The same by the agent in the host itself, whose undo knows the run."""
    playbook = json.dumps({"resources": [{"type": "idle_shutdown", "id": "idle", **parameters}]})
    host.write("/home/ubuntu/idle.json", playbook, "ubuntu")
    return host.agent("apply", "/home/ubuntu/idle.json", mirror=None)


def left(host):
    """What is there of it."""
    return [path for path in MADE if host.run(["test", "-e", path], user="root").status == 0]


def state_of(host, unit):
    return host.run(["systemctl", "is-active", unit], user="root").output.strip()


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


def hurry(host, **settings):
    """The timer looks each second, and the times are seconds."""
    host.must("mkdir -p /etc/systemd/system/mlops-agent-idle.timer.d")
    host.write("/etc/systemd/system/mlops-agent-idle.timer.d/quick.conf",
               "[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnActiveSec=1\nOnUnitActiveSec=1\nAccuracySec=100ms\n")  # fmt: skip
    host.write("/etc/mlops-agent/idle.json", json.dumps({**QUICK, **settings}))
    host.must("systemctl daemon-reload && systemctl restart mlops-agent-idle.timer")


def test_an_idle_machine_powers_itself_off(world):
    """a machine stays on during an ssh session and for as long as it is asked to, and then powers itself off"""
    host = world.far_host("idler")
    for expected in (1, 0):
        done = apply(world, "idler", idle="1h", load=10_000)
        check(done.status == DONE and done.summary["changed"] == expected, done)
    host.must(f"systemctl stop mlops-agent-idle.timer && echo >>{PROGRAM} && chmod 777 /etc/mlops-agent/idle.json")
    check(apply(world, "idler", idle="1h", load=10_000).summary["changed"] == 1, "what was changed is not put back")
    check(apply(world, "idler", idle="1h", load=10_000).summary["changed"] == 0, "it does not converge")
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


def test_a_first_check_that_fails_is_not_forgotten(world):
    """a first check that fails fails the next apply too, until it passes, and then the timer starts"""
    host = world.host()
    broken = f"/etc/systemd/system/{SERVICE}.d"
    host.must(f"mkdir -p {broken}")
    host.write(f"{broken}/broken.conf", "[Service]\nExecStart=\nExecStart=/bin/false\n")
    for _ in range(2):
        done = apply_in(host, idle="1h", load=10_000)
        check(done.with_outcome("failed") and state_of(host, TIMER) == "inactive", done)
    host.must(f"rm -r {broken} && systemctl daemon-reload")
    for expected in (1, 0):
        done = apply_in(host, idle="1h", load=10_000)
        check(done.status == DONE and done.summary["changed"] == expected, done)
    check(state_of(host, TIMER) == "active", "the timer does not run")


def test_what_idle_shutdown_made_is_repaired_and_goes(world):
    """folders that others may write to are repaired, and undo and absent leave nothing, whatever runs"""
    host = world.host()
    check(apply_in(host, idle="1h", load=10_000).status == DONE, "it was not set up")
    check(sorted(left(host)) == sorted(MADE), left(host))
    for path, mode in FOLDERS.items():
        host.must(f"chmod 777 {path} && chown ubuntu {path}")
        done = apply_in(host, idle="1h", load=10_000)
        check(done.status == DONE and done.summary["changed"] == 1, done)
        check(host.must(f"stat -c '%a %U:%G' {path}").strip() == f"{mode} root:root", path)
    check(apply_in(host, idle="1h", load=10_000).summary["changed"] == 0, "it does not converge")

    other = host.run(["mlops-agent", "apply", "x.json"])
    check(other.status == 3 and "only the commands idle and keep" in other.errors, other)
    host.must(["mlops-agent", "keep", "1h"], user="ubuntu")
    at_once = status(host)
    check(at_once["kept_seconds"] > 3000, f"a request is not seen before the next check: {at_once}")

    for expected in (1, 0):
        done = apply_in(host, state="absent")
        check(done.status == DONE and done.summary["changed"] == expected, done)
        check(left(host) == [] and state_of(host, TIMER) == "inactive", left(host))

    check(apply_in(host, idle="1h", load=10_000).status == DONE, "it was not set up again")
    undone = host.run([AGENT, "undo", "--yes"])
    check(undone.status == DONE, undone)
    check(left(host) == [] and state_of(host, TIMER) == "inactive", (left(host), undone))


def test_the_warning_reaches_a_terminal(world):
    """who sits at a terminal is warned before the machine powers off, from inside the unit's sandbox"""
    host = world.far_host("warned")
    check(apply(world, "warned", idle="1h", load=10_000).status == DONE, "it was not set up")
    host.must("sleep 600 | script -qfc 'login -f ubuntu' /root/seen >/dev/null 2>&1 & sleep 1; who | grep -q ubuntu")
    hurry(host, after=12, warn=6)
    seen = host.root / "root/seen"
    until(lambda: "Nobody uses this machine" in seen.read_text(errors="replace"), lambda: status(host))
    check("wall failed" not in host.must(f"journalctl --no-pager -u {SERVICE}"), "wall failed")
    until(lambda: not is_on(host), lambda: f"what the terminal shows counts as use of it: {status(host)}")
