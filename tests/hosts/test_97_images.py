"""Images of Docker with a real daemon and a real registry."""

import json

from host import AGENT, DONE, FAILED, MIRROR, PENDING

ARCHIVE = f"{MIRROR}/docker.io/library/hello-world/latest.tar"
REGISTRY = "localhost:5000"
# Debian's asks for a password.
REGISTRY_SETTINGS = """version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: "127.0.0.1:5000"}
"""
INSPECT = ["docker", "image", "inspect", "--format={{.Id}}"]


def playbook(host, name, *images):
    path = f"/home/ubuntu/{name}.json"
    resources = [{"type": "docker_image", "id": f"i{n}", **image} for n, image in enumerate(images)]
    host.write(path, json.dumps({"resources": resources}), owner="ubuntu")
    return path


def outcome(host, command, path, mirror=None):
    run = host.agent(command, path, mirror=mirror)
    return run, run.resources["i0"]["outcome"]


def id_of(host, name):
    found = host.run([*INSPECT, name], user="root")
    return found.output.strip() if found.status == 0 else None


def with_registry(world):
    """A host with Docker and Debian's registry, which has REGISTRY/hello:1; and that image's digest there."""
    host = world.host(world.docker_image)
    host.must("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy docker-registry")
    host.write("/etc/docker/registry/config.yml", REGISTRY_SETTINGS)
    host.must(["docker", "load", "--quiet", f"--input={ARCHIVE}"])
    host.must(f"systemctl restart docker-registry && docker tag hello-world {REGISTRY}/hello:1")
    host.must(f"for i in 1 2 3 4 5; do docker push -q {REGISTRY}/hello:1 && exit; sleep 1; done; exit 1")
    shown = ["docker", "image", "inspect", "--format={{index .RepoDigests 0}}", f"{REGISTRY}/hello:1"]
    digest = host.must(shown).strip().split("@")[1]
    host.must(f"docker rmi {REGISTRY}/hello:1 hello-world")
    return host, digest


def test_image_of_a_registry(world):
    """pulled by tag, by digest and again; planned before; undone; an unknown one is named"""
    host, digest = with_registry(world)
    name = f"{REGISTRY}/hello:1"
    by_tag = playbook(host, "tag", {"name": name})
    run, planned = outcome(host, "plan", by_tag)
    assert (run.status, planned) == (PENDING, "would_change") and id_of(host, name) is None, run
    run, done = outcome(host, "apply", by_tag)
    assert (run.status, done) == (DONE, "changed"), run
    first = id_of(host, name)
    assert first and "Hello from Docker!" in host.must(["docker", "run", "--rm", name])
    run, again = outcome(host, "apply", by_tag)
    assert (run.status, again) == (DONE, "ok"), run
    undone = host.run([AGENT, "undo", "--yes"])
    assert undone.status == DONE and id_of(host, name) is None, undone

    by_digest = playbook(host, "digest", {"name": name, "digest": digest, "image_id": first})
    for expected in ("changed", "ok"):
        run, done = outcome(host, "apply", by_digest)
        assert (run.status, done) == (DONE, expected), run
    assert id_of(host, name) == first

    for wrong, said in ((f"{REGISTRY}/hello:2", "no such image"), ("localhost:5999/x", "does not reach the registry")):
        run = host.agent("apply", playbook(host, "wrong", {"name": wrong}), mirror=None)
        assert run.status == FAILED and said in run.resources["i0"]["reason"], run

    absent = playbook(host, "absent", {"name": name, "state": "absent"})
    for expected in ("changed", "ok"):
        run, done = outcome(host, "apply", absent)
        assert (run.status, done) == (DONE, expected), run
    host.remove()


def test_image_of_an_archive(world):
    """loaded from a file; a name that was another image's goes back by undo; a daemon that is stopped is not started by a plan"""
    host = world.host(world.docker_image)
    host.must(["docker", "load", "--quiet", f"--input={ARCHIVE}"])
    loaded = id_of(host, "hello-world")
    # Another image of the same content: only its configuration differs.
    host.must("docker create --name made hello-world && docker commit -c 'LABEL a=b' made mine:1 && docker rm made")
    mine = id_of(host, "mine:1")
    host.must("docker rmi hello-world && docker tag mine:1 hello-world")
    pinned = playbook(host, "pinned", {"name": "hello-world", "image_id": loaded, "file": ARCHIVE})
    run, done = outcome(host, "apply", pinned)
    assert (run.status, done) == (DONE, "changed") and id_of(host, "hello-world") == loaded, run
    undone = host.run([AGENT, "undo", "--yes"])
    assert undone.status == DONE and id_of(host, "hello-world") == mine, undone

    host.must("systemctl stop docker.service docker.socket && systemctl start docker.socket")
    path = "/home/ubuntu/stopped.json"
    resources = [
        {"type": "service", "id": "docker", "name": "docker", "state": "running"},
        {"type": "docker_image", "id": "i0", "name": "hello-world", "after": ["docker"]},
    ]
    host.write(path, json.dumps({"resources": resources}), owner="ubuntu")
    run, planned = outcome(host, "plan", path)
    assert planned == "unknown" and "service[docker]" in run.resources["i0"]["reason"], run
    assert host.run(["systemctl", "is-active", "docker.service"], user="root").output.strip() == "inactive", run
    run, done = outcome(host, "apply", path)
    assert (run.status, done) == (DONE, "ok"), run
    host.remove()
