"""Each resource of the settled flagship vandalised in turn."""

from host import DONE, PENDING

# What is done as root; the resource that it breaks; what it breaks besides, because it belongs together.
VANDALS = [
    ("dpkg --remove git", "packages", []),
    ("gpasswd --delete ubuntu docker", "docker-person", []),
    ("groupdel docker", "docker-group", ["docker-person", "docker-socket", "docker-service"]),
    ("systemctl stop docker.service", "docker-service", []),
    ("systemctl disable --quiet docker.service", "docker-service", []),
    ("systemctl stop docker.socket docker.service", "docker-socket", ["docker-service"]),
    ("systemctl disable --quiet docker.socket", "docker-socket", []),
    ("docker rmi hello-world", "hello-world", []),
    ("rm -rf /home/ubuntu/anaconda3", "anaconda", []),
    ("sed -i '/conda/d' /home/ubuntu/.bashrc", "anaconda", []),
    ("rm -rf /home/ubuntu/soft", "soft", ["docker-compose"]),
    ("echo '#' >>/home/ubuntu/soft/docker-compose", "docker-compose", []),
    ("chmod 0644 /home/ubuntu/soft/docker-compose", "docker-compose", []),
    ("rm /home/ubuntu/soft/docker-compose", "docker-compose", []),
    ("sed -i '/soft/d' /home/ubuntu/.bashrc", "soft-on-path", []),
    ("sed -i '/soft/d' /home/ubuntu/.profile", "soft-on-path", []),
    ("rm -rf /home/ubuntu/mlops-zoomcamp", "course", []),
    ("su ubuntu -c 'git -C ~/mlops-zoomcamp remote set-url origin https://example.org/other.git'", "course", []),
]


def mended(host, cause, also, what, aside):
    """What is wrong with the plan and the apply after a vandal; empty when nothing. aside: not for this machine."""
    plan = host.agent("plan")
    outcomes = {name: event["outcome"] for name, event in plan.resources.items()}
    if plan.status != PENDING or outcomes[cause] != "would_change":
        return [f"{what}: plan does not name {cause}: {plan}"]
    wrong = []
    for name, event in plan.resources.items():
        if name == cause or name in also or event["outcome"] == "ok":
            continue
        if name in aside and event["outcome"] == "skipped":
            continue
        # A command with `after` waits for what that names: the cause, or what the cause broke besides.
        if event["outcome"] != "unknown" or not any(one in str(event["reason"]) for one in (cause, *also)):
            wrong.append(f"{what}: plan says {name} {event['outcome']}: {event['reason']} {event['changes']}")
    apply = host.agent("apply")
    if apply.status != DONE or apply.resources[cause]["outcome"] != "changed":
        return [*wrong, f"{what}: apply did not mend it: {apply}"]
    for name in apply.with_outcome("changed"):
        if name != cause and name not in also:
            wrong.append(f"{what}: apply changed {name} too: {apply}")
    again = host.agent("plan")
    if again.status != DONE:
        wrong.append(f"{what}: plan finds more after apply: {again}")
    return wrong


def test_each_vandal_is_named_and_mended(world):
    """plan names each vandalised resource as the cause and others only as waiting on it; apply mends it"""
    host = world.host(world.settled_image)
    settled = host.agent("apply")
    assert settled.status == DONE, settled
    wrong = []
    for command, cause, also in VANDALS:
        host.must(command)
        wrong += mended(host, cause, also, command, settled.with_outcome("skipped"))
    host.remove()
    assert not wrong, f"{len(wrong)} of {len(VANDALS)} vandals:\n" + "\n".join(wrong)
