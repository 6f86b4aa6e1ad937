"""Packages and services as only a real apt, dpkg and systemd show them."""

import json
import re
import time
from pathlib import Path

from host import AGENT, DONE, FAILED, MIRROR, PENDING


def write(host, name, resources):
    path = f"/home/ubuntu/{name}.json"
    host.write(path, json.dumps({"resources": resources}), owner="ubuntu")
    return path


def outcomes(done):
    lines = [json.loads(line) for line in done.output.splitlines()]
    return {line["label"]: line for line in lines if line["event"] == "resource"}


def run(host, command, playbook, *options):
    return host.run([AGENT, command, playbook, "--json", *options])


def apply(host, playbook, *options):
    done = run(host, "apply", playbook, *options)
    assert done.status == DONE, done
    return outcomes(done)


def unit(text, install="[Install]\nWantedBy=multi-user.target\n"):
    return f"[Unit]\nDescription=a test\n[Service]\n{text}\n{install}"


# ---- services --------------------------------------------------------------------------------------------------------


def test_a_drop_in_takes_effect(world):
    """a drop-in in a folder that systemd never saw is read before the restart that it asks for, and so is one that goes"""
    host = world.host()
    service = {"type": "service", "id": "x", "name": "x", "state": "running"}
    file = {"type": "file", "path": "/etc/systemd/system/x.service", "content": unit("ExecStart=/bin/sleep 1d")}
    drop_in = [
        {"type": "directory", "path": "/etc/systemd/system/x.service.d"},
        {"type": "file", "path": "/etc/systemd/system/x.service.d/a.conf",
         "content": "[Service]\nEnvironment=WORD=here\n", "notify": ["x"]},
    ]

    def environment():
        pid = host.must("systemctl show -P MainPID x").strip()
        return host.must(f"tr '\\0' '\\n' </proc/{pid}/environ")

    apply(host, write(host, "site", [file, service]))
    assert "WORD=here" not in environment()
    done = apply(host, write(host, "site", [file, *drop_in, service]))
    assert done["service[x]"]["outcome"] == "changed", done
    assert "WORD=here" in environment()
    # By hand, with an old time.
    host.must("mkdir /etc/systemd/system/x-.service.d && echo '[Service]\nEnvironment=MORE=yes' >/tmp/b.conf && "
              "touch -d 2001-01-01 /tmp/b.conf && mkdir /etc/systemd/system/service.d && cp -p /tmp/b.conf /etc/systemd/system/service.d/")
    host.must("systemctl stop x")
    apply(host, "/home/ubuntu/site.json")
    assert "MORE=yes" in environment()


def test_a_service_that_dies_is_no_success(world):
    """a service that ends 0.3 s after its start has not converged, with what it logged; one that stays has"""
    host = world.host()
    host.write("/etc/systemd/system/dies.service", unit("ExecStart=/bin/sh -c 'echo the port is taken; sleep 0.3; exit 3'"))
    host.write("/etc/systemd/system/flaps.service", unit(
        "Restart=always\nRestartSec=10ms\nExecStart=/bin/sleep 0.4").replace("[Service]", "StartLimitIntervalSec=0\n[Service]"))
    host.write("/etc/systemd/system/fails.service", unit("Type=oneshot\nExecStart=/bin/sh -c 'echo no such thing; exit 4'"))
    host.write("/etc/systemd/system/stays.service", unit("ExecStart=/bin/sleep 1d"))
    names = ["dies", "flaps", "fails", "stays"]
    playbook = write(host, "site", [{"type": "service", "name": name, "state": "running"} for name in names])
    done = run(host, "apply", playbook)
    assert done.status == FAILED, done
    found = outcomes(done)
    assert {name: found[f"service[{name}]"]["outcome"] for name in names} == {
        "dies": "not_converged", "flaps": "not_converged", "fails": "failed", "stays": "changed"}, done
    assert "the port is taken" in found["service[dies]"]["output"], done
    assert "no such thing" in found["service[fails]"]["output"], done
    again = outcomes(run(host, "plan", playbook))
    assert again["service[stays]"]["outcome"] == "ok" and again["service[dies]"]["outcome"] == "would_change", again


def test_enabled_as_systemctl_has_it(world):
    """enabled applies to the next boot too, and is right for units with Also= alone and for init scripts"""
    host = world.host()
    host.write("/etc/systemd/system/fleeting.service", unit("ExecStart=/bin/sleep 1d"))
    host.write("/etc/systemd/system/main.service", unit("ExecStart=/bin/sleep 1d", "[Install]\nAlso=side.service\n"))
    host.write("/etc/systemd/system/side.service", unit("ExecStart=/bin/sleep 1d"))
    host.write("/etc/init.d/old", "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: old\n# Required-Start:\n# Required-Stop:\n"
               "# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n# Short-Description: old\n### END INIT INFO\nexit 0\n", mode=0o755)
    host.must("systemctl daemon-reload && systemctl enable --runtime fleeting && systemctl is-enabled fleeting")
    names = ["fleeting", "main", "old"]

    def site(enabled):
        return write(host, "site", [{"type": "service", "name": name, "enabled": enabled} for name in names])

    def enabled(name):
        return host.run(["systemctl", "is-enabled", name], user="root").output.split()[-1]

    done = apply(host, site(True))
    assert {line["outcome"] for line in done.values()} == {"changed"}, done
    assert enabled("fleeting") == "enabled" and enabled("side") == "enabled" and enabled("old") == "enabled"
    assert run(host, "plan", site(True)).status == DONE
    host.must("systemctl disable fleeting && systemctl enable --runtime fleeting")
    done = apply(host, site(False))
    assert {line["outcome"] for line in done.values()} == {"changed"}, done
    assert enabled("fleeting") == "disabled" and enabled("side") == "disabled" and enabled("old") == "disabled"
    assert run(host, "plan", site(False)).status == DONE


def test_prune_stops_first(world):
    """prune stops and disables a service before it removes its unit and its user; one that ran before is left alone"""
    host = world.host()
    host.write("/etc/systemd/system/theirs.service", unit("ExecStart=/bin/sleep 1d"))
    host.must("systemctl daemon-reload && systemctl enable --now theirs")
    playbook = write(host, "site", [
        {"type": "user", "name": "worker", "system": True},
        {"type": "file", "path": "/etc/systemd/system/mine.service", "content": unit("User=worker\nExecStart=/bin/sleep 1d")},
        {"type": "service", "name": "mine", "state": "running", "enabled": True},
        {"type": "service", "name": "theirs", "state": "running", "enabled": True},
    ])
    apply(host, playbook)
    assert host.must("systemctl is-active mine").strip() == "active"
    pruned = run(host, "apply", write(host, "site", []), "--prune")
    assert pruned.status == DONE, pruned
    assert host.run(["systemctl", "is-active", "mine"], user="root").status != 0
    assert host.must("pgrep -u worker || true") == "" and host.run(["id", "worker"]).status != 0, pruned
    assert host.run(["find", "/etc/systemd", "-name", "mine.service"], user="root").output == "", pruned
    assert host.must("systemctl is-active theirs && systemctl is-enabled theirs").split() == ["active", "enabled"]


# ---- packages --------------------------------------------------------------------------------------------------------


# A repository of one package that is nowhere else.
REPOSITORY = r"""
set -e
mkdir -p /srv/repository/p/DEBIAN /srv/repository/p/etc/fresh
cd /srv/repository
# A file of its own: a package of folders alone disappears when another brings the same ones.
rm -f p/etc/fresh/*
echo "$1" >"p/etc/fresh/$1"
printf 'Package: fresh-%s\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n' "$1" >p/DEBIAN/control
dpkg-deb --build --root-owner-group p fresh-$1.deb >/dev/null
for deb in *.deb; do
  dpkg-deb --field $deb
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' $deb $(stat -c %s $deb) $(sha256sum $deb | cut -d' ' -f1)
done >Packages
chmod -R a+rX /srv/repository
"""


def test_a_new_source_is_fetched(world):
    """a list of sources that the run writes is fetched before a package of it, and so is an index that misses a name"""
    host = world.host()
    host.must("apt-get -qq update")
    host.write("/root/repository", REPOSITORY)
    host.must("sh /root/repository one")
    source = {"type": "file", "path": "/etc/apt/sources.list.d/own.list", "content": "deb [trusted=yes] file:/srv/repository ./\n"}
    playbook = write(host, "site", [source, {"type": "package", "names": ["fresh-one"]}])
    plan = run(host, "plan", playbook)
    assert plan.status == PENDING and outcomes(plan)["package[fresh-one]"]["outcome"] == "would_change", plan
    apply(host, playbook)
    host.must("sh /root/repository two")
    apply(host, write(host, "site", [source, {"type": "package", "names": ["fresh-one", "fresh-two"]}]))
    assert host.must("dpkg-query -W -f '${Status}' fresh-two") == "install ok installed"
    assert run(host, "plan", "/home/ubuntu/site.json").status == DONE


def test_what_is_asked_for_is_marked(world):
    """a package that came along and is asked for is marked as asked for, and undo marks it as before"""
    host = world.host()
    host.must("apt-get -qq update && apt-get -qqy install jq")
    assert "libjq1" in host.must("apt-mark showauto").split()
    playbook = write(host, "site", [{"type": "package", "names": ["libjq1"]}])
    done = apply(host, playbook)
    assert done["package[libjq1]"]["outcome"] == "changed", done
    assert "libjq1" in host.must("apt-mark showmanual").split()
    assert run(host, "plan", playbook).status == DONE
    undone = host.run([AGENT, "undo", "--yes"])
    assert undone.status == DONE and "libjq1" in host.must("apt-mark showauto").split(), undone


def test_pruned_packages(world):
    """prune says that packages are removed, takes what came along and nothing needs, and keeps another playbook's"""
    host = world.host()
    host.must("apt-get -qq update")
    apply(host, write(host, "site", [{"type": "package", "names": ["jq", "tree", "nano"]}]))
    apply(host, write(host, "other", [{"type": "package", "names": ["nano"]}]))
    plan = host.run([AGENT, "plan", write(host, "site", []), "--prune"])
    assert re.search(r"jq \S+ → removed", plan.output) and re.search(r"libjq1 \S+ → removed", plan.output), plan
    assert "nano: it is also of the playbook" in plan.output, plan
    pruned = host.run([AGENT, "apply", "/home/ubuntu/site.json", "--prune"])
    assert pruned.status == DONE and re.search(r"tree \S+ → removed", pruned.output), pruned
    installed = host.must("dpkg-query -W -f '${Package} ${db:Status-Status}\\n'").splitlines()
    assert "nano installed" in installed, pruned
    for gone in ("jq installed", "libjq1 installed", "tree installed"):
        assert gone not in installed, pruned


# ---- what packages bring ---------------------------------------------------------------------------------------------


def example():
    """The playbook of README's `A playbook by example`."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    return readme.split("## A playbook by example")[1].split("```jsonc\n")[1].split("```")[0]


def test_the_example_plans_as_it_applies(world):
    """README's example on a bare host: nothing fails in the plan, with and without the packages' archives, and it applies"""
    host = world.host()
    host.must("apt-get -qq update")
    host.write("/home/ubuntu/example.json", example(), owner="ubuntu")

    def planned():
        plan = run(host, "plan", "/home/ubuntu/example.json", "--mirror", MIRROR)
        assert plan.status == PENDING, plan
        found = {label: line["outcome"] for label, line in outcomes(plan).items()}
        assert not {"failed", "skipped"} & set(found.values()), plan
        return found

    assert planned()["file[/etc/docker/daemon.json]"] == "unknown"
    host.must("apt-get -qqy install --download-only docker.io")
    assert planned()["file[/etc/docker/daemon.json]"] == "would_change"
    done = run(host, "apply", "/home/ubuntu/example.json", "--mirror", MIRROR)
    assert done.status == DONE, done
    time.sleep(3)  # long enough for a service to be believed
    assert run(host, "plan", "/home/ubuntu/example.json", "--mirror", MIRROR).status == DONE
