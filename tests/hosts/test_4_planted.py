"""What another user plants does not make root write elsewhere."""

import json

from host import FAILED, MIRROR
from tree import differences, read_tree

COMPOSE = "https://github.com/docker/compose/releases/download/v2.18.1/docker-compose-linux-x86_64"
# What mallory does, the resource that root then performs, and whether it has to fail. Nothing outside of
# mallory's reach may change in any case.
DROP, HOME = "/srv/drop", "/home/mallory"
PLANTED = [
    ("a final link to a file", f"ln -s /etc/victim {DROP}/a",
     {"type": "file", "path": f"{DROP}/a", "content": "x\n", "mode": "0666"}),
    ("a final link to nothing yet", f"ln -s /etc/cron.d/new {DROP}/b",
     {"type": "file", "path": f"{DROP}/b", "content": "x\n"}),
    ("a link to a folder on the way", f"ln -s /etc {DROP}/c",
     {"type": "file", "path": f"{DROP}/c/victim", "content": "x\n"}),
    ("a link to a folder that is managed", f"ln -s /etc {DROP}/d",
     {"type": "directory", "path": f"{DROP}/d", "mode": "0777", "owner": "mallory"}),
    ("a link where a download goes", f"ln -s /etc/victim {DROP}/e",
     {"type": "download", "url": COMPOSE, "path": f"{DROP}/e", "mode": "0755", "as": "root"}),
    ("a link deep in a folder of mallory's", f"mkdir {DROP}/f && ln -s /etc {DROP}/f/x",
     {"type": "file", "path": f"{DROP}/f/x/victim", "content": "x\n", "as": "root"}),
    ("a folder in a home that root writes to", f"ln -s /root {HOME}/.ssh",
     {"type": "file", "path": f"{HOME}/.ssh/authorized_keys", "content": "key\n", "owner": "mallory", "as": "root"}),
    ("a file in a home that root writes to", f"ln -s /etc/victim {HOME}/.profile2",
     {"type": "file", "path": f"{HOME}/.profile2", "content": "key\n", "owner": "mallory", "as": "root"}),
    ("a link where a removed folder is", f"ln -s /etc/victims {DROP}/g",
     {"type": "directory", "path": f"{DROP}/g/inner", "state": "absent", "recursive": True, "as": "root"}),
    ("a link where a clone goes", f"ln -s /etc/victims {DROP}/h",
     {"type": "git", "repo": f"{MIRROR}/github.com/DataTalksClub/mlops-zoomcamp.git", "to": f"{DROP}/h/course",
      "as": "root"}),
]  # fmt: skip


def playbook(host, path, resources):
    host.write(path, json.dumps({"resources": resources}))


def outside(host):
    """The host's tree without what mallory may change anyway."""
    skipped = [DROP.lstrip("/"), HOME.lstrip("/")]
    return read_tree(host, also_skipped=skipped)


def prepared(world):
    host = world.host()
    host.must(
        f"mkdir -m 0777 {DROP} && mkdir -p /etc/victims/inner/deep && echo old >/etc/victim && "
        "echo old >/etc/victims/inner/deep/file && echo secret >/root/authorized_keys && chmod 0600 /root/authorized_keys"
    )
    return host


def test_planted_links_lead_root_nowhere(world):
    """a link planted under a world-writable folder or in a home does not make root write elsewhere"""
    host = prepared(world)
    before = outside(host)
    wrong = []
    for what, planted, resource in PLANTED:
        host.must(planted, user="mallory")
        playbook(host, "/tmp/planted.json", [{"id": "it", **resource}])
        before = outside(host)
        run = host.agent("apply", "/tmp/planted.json")
        changed = differences(before, outside(host))
        if changed:
            wrong.append(f"{what}: {'; '.join(changed.values())}: {run}")
        elif run.status != FAILED or run.resources["it"]["outcome"] != "failed":
            wrong.append(f"{what}: it did not fail: {run}")
        elif not run.resources["it"]["reason"]:
            wrong.append(f"{what}: it failed without a reason: {run}")
    host.remove()
    assert not wrong, "\n".join(wrong)


def test_roots_own_links_are_followed(world):
    """a link that root made leads where it points, so the refusals above are about whose link it is"""
    host = prepared(world)
    host.must(
        "mkdir /srv/real && ln -s /srv/real /srv/alias && echo old >/srv/real/final && ln -s /srv/real/final /srv/link && "
        "echo old >/srv/real/program && ln -s real/program /srv/program"
    )
    playbook(host, "/tmp/trusted.json", [
        {"type": "file", "path": "/srv/alias/file", "content": "x\n"},
        {"type": "file", "path": "/srv/link", "content": "y\n"},
        {"type": "download", "url": COMPOSE, "path": "/srv/program", "mode": "0755"},
    ])  # fmt: skip
    run = host.agent("apply", "/tmp/trusted.json")
    assert run.status == 0, run
    assert host.read("/srv/real/file") == b"x\n" and host.read("/srv/real/final") == b"y\n", run
    assert host.must("readlink /srv/link /srv/program").split() == ["/srv/real/final", "real/program"]
    assert host.must("/srv/real/program version").startswith("Docker Compose")
    again = host.agent("apply", "/tmp/trusted.json")
    assert again.status == 0 and again.summary["changed"] == 0, again
    host.remove()


def test_a_race_leads_root_nowhere(world):
    """a folder that mallory swaps with a link all the time does not make root write elsewhere"""
    host = prepared(world)
    host.must(f"mkdir {DROP}/race && ln -s /etc {DROP}/other", user="mallory")
    swap = f"cd {DROP}; while :; do mv -T race third; mv -T other race; mv -T third other; done"
    host.must(["systemd-run", "--quiet", "--uid=mallory", "--unit=race", "bash", "-c", swap])
    before = outside(host)
    outcomes = set()
    for turn in range(25):
        playbook(host, "/tmp/race.json", [
            {"id": "it", "type": "file", "path": f"{DROP}/race/victim", "content": f"{turn}\n", "as": "root"},
            {"id": "two", "type": "directory", "path": f"{DROP}/race/made{turn}", "as": "root"},
        ])  # fmt: skip
        run = host.agent("apply", "/tmp/race.json")
        outcomes |= {event["outcome"] for event in run.resources.values()}
    changed = differences(before, outside(host))
    host.must("systemctl stop race")
    host.remove()
    assert not changed, "\n".join(changed.values())
    assert outcomes, "nothing was tried"
