"""A real Jupyter (Debian's) that the agent keeps for a person: created, left alone, and repaired after anything."""

import functools
import json
import re
import threading

from test_1_flagship import check
from host import DONE, FAILED, PENDING

UNIT = "jupyter-8888.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
TOKEN_FILE = "/home/ubuntu/.jupyter/token-8888"
PLAYBOOK = "/tmp/jupyter.json"
LINK = re.compile(r"^Jupyter: (http://127\.0\.0\.1:8888/tree\?token=([0-9a-f]{48}))$", re.M)


def write_playbook(host, **parameters):
    resource = {"type": "jupyter", "id": "j", **parameters}
    show = [] if parameters.get("state") == "absent" else ["Jupyter: {{resources.j.url}}"]
    host.write(PLAYBOOK, json.dumps({"show": show, "resources": [resource]}))


@functools.lru_cache
def kept(world):
    """A host that keeps a Jupyter for ubuntu, and what its first plan and apply printed."""
    host = world.host(world.jupyter_image)
    write_playbook(host)
    plan = host.agent("plan", PLAYBOOK)
    check(plan.status == PENDING and plan.resources["j"]["outcome"] == "would_change", plan)
    check(host.read(UNIT_FILE) is None and host.read(TOKEN_FILE) is None, "the plan made something")
    applied = host.run(["/opt/mlops-agent/mlops-agent", "apply", PLAYBOOK])
    check(applied.status == DONE, applied)
    return host, plan, applied


def link(host):
    """The link and the token that an apply with nothing to do prints."""
    again = host.run(["/opt/mlops-agent/mlops-agent", "apply", PLAYBOOK])
    check(again.status == DONE and "0 changed, 1 ok" in again.output, again)
    return LINK.search(again.output).groups()


def answer(host, path, token=None):
    """The HTTP status of a GET from inside the host."""
    header = f"Authorization: token {token}\\r\\n" if token else ""
    text = f"exec 3<>/dev/tcp/127.0.0.1/8888; printf 'GET {path} HTTP/1.0\\r\\n{header}\\r\\n' >&3; head -n 1 <&3"
    return int(host.must(["bash", "-c", text]).split()[1])


def main_process(host):
    return int(host.must(["systemctl", "show", "--property=MainPID", "--value", UNIT]))


def healed(host, expected):
    """Planned, applied and settled again; expected: the properties of the changes."""
    plan = host.agent("plan", PLAYBOOK)
    check(plan.status == PENDING, plan)
    apply = host.agent("apply", PLAYBOOK)
    check(apply.status == DONE, apply)
    for run in (plan, apply):
        check([c["property"] for c in run.resources["j"]["changes"]] == expected, run)
    _, token = link(host)
    check(answer(host, "/api/status", token) == 200, "the server does not take its token")
    return token


def test_jupyter_is_made(world):
    """a Jupyter is planned, made and started, answers only to its token, and a second apply changes nothing"""
    host, plan, applied = kept(world)
    check([c["property"] for c in plan.resources["j"]["changes"]] == ["token", "exists", "enabled", "state"], plan)
    url, token = LINK.search(applied.output).groups()
    check(link(host) == (url, token), "the link changed")
    check(answer(host, "/api/status", token) == 200 and answer(host, "/api/status") == 403, "who may come in?")
    check(host.must(["systemctl", "is-enabled", UNIT]).strip() == "enabled", "it is not enabled")
    check(host.must(["stat", "-c", "%a %U", TOKEN_FILE]).strip() == "600 ubuntu", "the token is others'")
    user = host.must(["stat", "-c", "%U", f"/proc/{main_process(host)}"]).strip()
    check(user == "ubuntu", f"it runs as {user}")
    check(host.agent("plan", PLAYBOOK).status == DONE, "something is still to be done")


def test_jupyter_is_read_without_a_process(world):
    """an apply with nothing to do starts no process, as another user than root, and leaves the server as it runs"""
    host, _, _ = kept(world)
    before = main_process(host)
    argv = ["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-e", "signal=none", "-o", "/tmp/execs"]
    traced = host.run([*argv, "/opt/mlops-agent/mlops-agent", "apply", PLAYBOOK, "--json"])
    check(traced.status == DONE and '"changed":0' in traced.output, traced)
    check(len(host.must(["cat", "/tmp/execs"]).splitlines()) == 1, host.must(["cat", "/tmp/execs"]))
    check(main_process(host) == before, "it was restarted")


def test_token_is_nowhere_but_in_its_file(world):
    """the token is in no event, unit, process list, journal or file but its own and Jupyter's"""
    host, _, _ = kept(world)
    _, token = link(host)
    for command in ("plan", "apply"):
        run = host.agent(command, PLAYBOOK)
        check(token not in run.output and (command == "plan" or '"show":["***"]' in run.output), run)
    host.must(["rm", TOKEN_FILE])
    again = host.agent("apply", PLAYBOOK)
    _, new = link(host)
    check(new != token and new not in again.output, "the new token was shown")
    for secret in (token, new):
        check(secret not in host.must("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), "it is in the process list")
        check(secret not in host.must(["cat", UNIT_FILE]) + host.must(["journalctl", "--no-pager"]), "it was written")
    # Jupyter's own runtime files are the person's alone too.
    found = host.run(["grep", "-rlF", new, "/home", "/etc", "/var", "/root", "/opt/playbooks"], user="root").output.split()
    others = [path for path in found if not path.startswith("/home/ubuntu/.local/share/jupyter/runtime/")]
    check(others == [TOKEN_FILE], found)
    for path in found:
        check(host.run(["cat", path], user="mallory").status != 0, f"another user reads {path}")


def test_jupyter_comes_back_by_itself(world):
    """a Jupyter that is killed is started again by systemd, with the same link"""
    host, _, _ = kept(world)
    before = link(host)
    process = main_process(host)
    host.must(["kill", "-KILL", str(process)])
    again = f"until [ $(systemctl show -p MainPID --value {UNIT}) -gt 0 ] && systemctl is-active -q {UNIT}; do sleep 0.1; done"
    host.must(f"timeout 60 bash -c '{again}'")
    check(main_process(host) != process and link(host) == before, "it is another one")


def test_jupyter_is_repaired(world):
    """stopped, disabled, edited, removed, its token loosened, lost or another's: one apply, and all has converged"""
    host, _, _ = kept(world)
    _, token = link(host)
    host.must(["systemctl", "disable", "--now", UNIT])
    check(healed(host, ["enabled", "state"]) == token, "the token changed")
    host.must(["sed", "-i", "s/^RestartSec=.*/RestartSec=9/", UNIT_FILE])
    check(healed(host, ["unit", "restarts"]) == token, "the token changed")
    host.must(f"rm {UNIT_FILE} && systemctl daemon-reload")
    healed(host, ["exists", "enabled", "restarts"])
    host.must(["chmod", "0644", TOKEN_FILE])
    check(healed(host, ["token mode"]) == token, "the token changed")
    host.must(["rm", TOKEN_FILE])
    second = healed(host, ["token", "restarts"])
    host.must(["chown", "mallory", TOKEN_FILE])
    third = healed(host, ["token", "restarts"])
    check(len({token, second, third}) == 3, "a token that was lost came back")
    # A token of the person's own choice is theirs to choose; the server takes it up.
    host.must(f"printf '%048d' 7 >{TOKEN_FILE}", user="ubuntu")
    check(healed(host, ["runs with"]) == f"{7:048d}", "the person's own token is not used")


def test_killed_between_its_steps(world):
    """a run that ended after the unit was written and before the restart is made good by the next"""
    host, _, _ = kept(world)
    process = main_process(host)
    text = host.read(UNIT_FILE).decode()
    host.must(["sed", "-i", "s/^RestartSec=.*/RestartSec=9/", UNIT_FILE])
    host.must(f"systemctl daemon-reload && systemctl restart {UNIT}")
    host.write(UNIT_FILE, text)  # what the ended run had done
    healed(host, ["runs with"])
    check(main_process(host) != process, "it still runs with other settings")


def test_port_that_is_taken(world):
    """a port that another program has is an error that names the program, and nothing is touched"""
    host, _, _ = kept(world)
    write_playbook(host, port=8890)
    take = "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1:8890', Listen => 1); sleep 60"
    thief = threading.Thread(target=host.run, args=(["timeout", "60", "perl", "-e", take], "root"))
    thief.start()
    host.must("timeout 30 bash -c 'until (exec 3<>/dev/tcp/127.0.0.1/8890) 2>/dev/null; do sleep 0.1; done'")
    try:
        for command in ("plan", "apply"):
            run = host.agent(command, PLAYBOOK)
            check(run.status == FAILED, run)
            said = run.resources["j"]["reason"]
            check(re.search(r"port 8890 of 127\.0\.0\.1 is taken by perl \(pid \d+", said), run)
        check(host.read("/etc/systemd/system/jupyter-8890.service") is None, "a unit was made")
    finally:
        host.run(["pkill", "-x", "perl"], user="root")
        thief.join()
        write_playbook(host)


def test_jupyter_that_cannot_start(world):
    """one that ends at its start fails at once, names the journal, and is started as soon as it can be"""
    host, _, _ = kept(world)
    config = "/home/ubuntu/.jupyter/jupyter_notebook_config.py"
    host.write(config, "import sys; sys.exit(3)\n", owner="ubuntu")
    host.must(["systemctl", "stop", UNIT])
    failed = host.agent("apply", PLAYBOOK)
    reason = failed.resources["j"]["reason"]
    check(failed.status == FAILED and f"{UNIT} could not be started" in reason and "journalctl" in reason, failed)
    check(failed.summary["seconds"] < 30, f"it took {failed.summary['seconds']} s to see that it ended")
    # systemd gives up after some tries; who asks again is not refused for those.
    host.must(f"timeout 120 bash -c 'until systemctl is-failed -q {UNIT}; do sleep 0.5; done'")
    host.must(["rm", config])
    healed(host, ["state"])


def test_own_configuration_in_the_way(world):
    """a token in the person's own configuration, which would make the link useless, is found and named"""
    host, _, _ = kept(world)
    config = "/home/ubuntu/.jupyter/jupyter_notebook_config.py"
    host.write(config, "c.NotebookApp.token = 'mine'\n", owner="ubuntu")
    host.must(["systemctl", "restart", UNIT])
    failed = host.agent("apply", PLAYBOOK)
    check(failed.status == FAILED and "not to the token of" in failed.resources["j"]["reason"], failed)
    host.must(["rm", config])
    host.must(["systemctl", "restart", UNIT])
    link(host)


def test_jupyter_that_hangs(world):
    """one that does not answer is reported with what to do, and is not killed with the person's work"""
    host, _, _ = kept(world)
    process = main_process(host)
    host.must(["kill", "-STOP", str(process)])
    try:
        failed = host.agent("apply", PLAYBOOK)
        check(failed.status == FAILED and "does not answer" in failed.resources["j"]["reason"], failed)
        check(main_process(host) == process, "it was killed")
    finally:
        host.must(["kill", "-CONT", str(process)])
    link(host)


def test_jupyter_is_removed(world):
    """absent: stopped, with its unit and its token gone; a second time nothing is to be done"""
    host, _, _ = kept(world)
    write_playbook(host, state="absent")
    gone = host.agent("apply", PLAYBOOK)
    check(gone.status == DONE and [c["property"] for c in gone.resources["j"]["changes"]] == ["exists"], gone)
    check(host.read(UNIT_FILE) is None and host.read(TOKEN_FILE) is None, "something was left")
    check(host.run(["systemctl", "is-active", UNIT], user="root").output.strip() == "inactive", "it still runs")
    check(not host.must("ls /etc/systemd/system/multi-user.target.wants").count("jupyter"), "it is still enabled")
    check(host.agent("plan", PLAYBOOK).status == DONE, "something is still to be done")
