"""Undo of packages and what belongs to them, on a host with real apt, dpkg and systemd."""

import json
import re

from host import AGENT, DONE, FAILED


LISTED = "dpkg-query --show --showformat='${Package} ${Version} ${db:Status-Status}\\n'"
# What dpkg and apt generate each time, and nobody configures.
GENERATED = "-path /etc/ld.so.cache -o -path '/etc/rc?.d/*' -o -name '*-' -o -path '/etc/mtab'"


def state(host):
    """What a run of packages changes on a host, by name."""
    files = host.must(f"find /etc \\( {GENERATED} \\) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum").splitlines()
    packages = {}
    for line in host.must(LISTED).splitlines():
        name, version, status = line.split()
        if status != "not-installed":
            packages[name] = (version, status)
    return {
        "packages": packages,
        "automatic": set(host.must("apt-mark showauto").split()),
        "files": {line.split(maxsplit=1)[1]: line.split()[0] for line in files},
    }


def differences(before, after):
    wrong = []
    for part in ("packages", "files"):
        for name in sorted(before[part].keys() | after[part].keys()):
            was, now = before[part].get(name), after[part].get(name)
            if was != now:
                wrong.append(f"{name}: {was} -> {now}")
    return wrong + [f"automatic: {name}" for name in sorted(before["automatic"] ^ after["automatic"])]


def write(host, name, resources):
    path = f"/home/ubuntu/{name}.json"
    host.write(path, json.dumps({"resources": resources}), owner="ubuntu")
    return path


def apply(host, playbook):
    done = host.run([AGENT, "apply", playbook])
    assert done.status == DONE, done


def runs(host):
    return [json.loads(line) for line in host.run([AGENT, "history", "--json"]).output.splitlines()]


def test_undo_of_packages(world):
    """undo of a run of root and a person: packages go with what came along, configuration files are as before, and all comes again"""
    host = world.host()
    host.must("apt-get -qq update && apt-get -qqy install nano && apt-get -qqy remove nano && echo 'set mouse' >>/etc/nanorc")
    before = state(host)
    assert before["packages"]["nano"][1] == "config-files", before["packages"]["nano"]
    playbook = write(host, "made", [
        {"type": "package", "names": ["jq", "nano", "nginx-light", "wget"]},
        {"type": "file", "path": "/etc/wgetrc", "content": "tries = 2\n"},
        {"type": "file", "path": "~/note", "content": "mine\n"},
        {"type": "service", "name": "nginx", "state": "running", "enabled": True},
    ])
    apply(host, playbook)
    applied = state(host)
    made = [name for name in applied["packages"] if before["packages"].get(name) != applied["packages"][name]]
    assert {"jq", "libjq1", "nano", "nginx-light", "wget"} <= set(made), made

    plan = host.run([AGENT, "undo"])
    assert plan.status not in (DONE, FAILED) and "--yes" in plan.errors, plan
    assert not differences(applied, state(host)), "the plan changed something"
    for said in (r"jq \S+ → purged", r"\+libjq1 \S+ → purged", r"nano \S+ → removed", r"\+nginx-common \S+ → removed"):
        assert re.search(said, plan.output), (said, plan)
    undone = host.run([AGENT, "undo", "--yes"])
    assert undone.status == DONE, undone
    assert "configuration files stay of nginx-common, whose own script may remove data with them" in undone.output, undone
    assert "wget, changed" not in undone.output, undone
    after = state(host)
    left = [line for line in differences(before, after) if "nginx" not in line]
    assert not left, "\n".join(left)
    assert after["packages"]["nginx-common"][1] == "config-files", after["packages"]["nginx-common"]
    assert "/etc/nginx/nginx.conf" in after["files"] and "nginx-light" not in after["packages"], after["packages"]
    assert "/etc/wgetrc" not in after["files"], "a configuration file of a package that is gone"
    assert host.read("/etc/nanorc").endswith(b"set mouse\n"), "it was there before the run"
    assert host.run(["test", "-e", "/home/ubuntu/note"]).status != 0
    assert host.must("dpkg --audit") == ""

    again = host.run([AGENT, "undo", "--yes", next(run["id"] for run in runs(host) if run["kind"] == "undo")])
    assert again.status == DONE, again
    left = differences(applied, state(host))
    assert not left, "\n".join(left)
    assert host.must("systemctl is-active nginx").strip() == "active"
    assert host.run([AGENT, "plan", playbook]).status == DONE


def test_what_others_need_stays(world):
    """undo keeps what came along and others need by now, and refuses where more would go than came"""
    host = world.host()
    host.must("apt-get -qq update")
    apply(host, write(host, "tool", [{"type": "package", "names": ["jq"]}]))
    host.must("apt-get -qqy install --no-install-recommends libjq-dev")
    undone = host.run([AGENT, "undo", "--yes"])
    assert undone.status == DONE, undone
    there = state(host)["packages"]
    assert "jq" not in there and "libjq1" in there and "libjq-dev" in there, undone

    host.must("apt-get -qqy purge libjq-dev libjq1")
    apply(host, write(host, "library", [{"type": "package", "names": ["libjq1"]}]))
    host.must("apt-get -qqy install jq")
    before = state(host)
    refused = host.run([AGENT, "undo", "--yes"])
    assert refused.status == FAILED and "removing libjq1 would also remove jq" in refused.output, refused
    assert not differences(before, state(host)), refused


def test_units_look_again(world):
    """undo of a changed configuration makes the service that had read it read the restored one"""
    host = world.host()
    site = "server {{ listen 127.0.0.1:8081; default_type text/plain; return 200 '{}'; }}\n"

    def playbook(word):
        return write(host, "site", [
            {"type": "package", "names": ["nginx-light", "curl"]},
            {"type": "file", "path": "/etc/nginx/conf.d/site.conf", "content": site.format(word), "notify": "web"},
            {"type": "service", "id": "web", "name": "nginx", "state": "running", "enabled": True, "on_notify": "reload"},
        ])

    def said():
        return host.must("for i in 1 2 3 4 5 6 7 8 9; do curl -s http://127.0.0.1:8081/; sleep 0.1; done")[-5:]

    apply(host, playbook("first"))
    assert said() == "first", said()
    apply(host, playbook("later"))
    assert said() == "later", said()
    undone = host.run([AGENT, "undo", "--yes"])
    assert undone.status == DONE and "nginx" in undone.output, undone
    assert said() == "first", (said(), undone)

    # A unit that goes with its package is not notified.
    plan = host.run([AGENT, "undo", "--dry-run"])
    assert "reload" not in plan.output, plan
    gone = host.run([AGENT, "undo", "--yes"])
    assert gone.status == DONE and "reload" not in gone.output, gone
    assert "nginx-light" not in state(host)["packages"], gone
