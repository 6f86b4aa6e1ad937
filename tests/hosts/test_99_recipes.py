"""The README's recipes for several hosts, a tunnel, undo and a saved plan, typed as they stand there by a person at a laptop."""

import json
import re
import shlex
from pathlib import Path

from host import DONE, PENDING, WRONG

README = (Path(__file__).resolve().parents[2] / "README.md").read_text().split("\n## Recipes\n")[1].split("\n## ")[0]


def site(*names):
    files = [{"type": "file", "path": f"~/folder/{name}", "content": "hello\n"} for name in names]
    return json.dumps({"resources": [{"type": "directory", "path": "~/folder"}, *files]})


def recipe(name):
    """The blocks of a recipe by their language: the text of each."""
    text = re.split(r"\n\*\*\[?", README)
    chosen = next(part for part in text if part.startswith(name))
    return dict(re.findall(r"```(\w+)\n(.*?)```", chosen, re.DOTALL))


class Typed:
    """A laptop's person, who types the commands of a recipe; what the README calls by an address is another host."""

    def __init__(self, world, *names):
        self.hosts = {name: world.far_host(name) for name in names}
        self.laptop = world.laptop(self.hosts)

    def line(self, line):
        line = line.split(" #")[0].strip().replace("ann@192.0.2.7", "other")
        return self.laptop.login("/opt/mlops-agent/" + line)

    def there(self):
        return sorted(self.laptop.login("ls folder 2>/dev/null").output.split())

    def has(self, path, text):
        self.laptop.write(path, text, "ubuntu", 0o644)


def test_undo_and_saved_plan(world):
    """The README's recipes for undo and a saved plan do what they say, typed as they stand there"""
    typed = Typed(world)
    undo, saved = recipe("Undo")["sh"].splitlines(), recipe("A saved plan")["sh"].splitlines()
    typed.has("/home/ubuntu/site.json", site("one", "two"))
    assert typed.line("mlops-agent apply site.json").status == DONE

    history, dry, by_name, prune = undo
    listed = typed.line(history)
    assert listed.status == DONE and "site.json" in listed.output, listed
    assert typed.line(dry).status == PENDING and typed.there() == ["one", "two"]
    run = json.loads(typed.line("mlops-agent history --json").output.splitlines()[0])["id"]
    reverted = typed.line(by_name.split(" #")[0].replace("01a2176c-0740", run) + " --yes")
    assert reverted.status == DONE and typed.there() == [], reverted
    redone = typed.line("mlops-agent undo last --yes")
    assert redone.status == DONE and typed.there() == ["one", "two"], redone
    typed.has("/home/ubuntu/site.json", site("two"))
    pruned = typed.line(prune)
    assert pruned.status == DONE and typed.there() == ["two"], pruned

    typed.has("/home/ubuntu/site.json", site("two", "three"))
    plan, apply = saved
    assert typed.line(plan).status == PENDING and typed.there() == ["two"]
    assert typed.line(apply).status == DONE and typed.there() == ["three", "two"]
    typed.has("/home/ubuntu/site.json", site("two", "three", "four"))
    assert typed.line(plan).status == PENDING
    typed.has("/home/ubuntu/folder/two", "changed since\n")
    refused = typed.line(apply)
    assert refused.status not in (DONE, PENDING) and typed.there() == ["three", "two"], refused
    assert "two" in refused.output + refused.errors, refused


def test_hosts_and_tunnel(world):
    """The README's recipes for several hosts and a tunnel do what they say, typed as they stand there"""
    typed = Typed(world, "box", "other")
    typed.has("/home/ubuntu/site.json", site("motd"))
    typed.has("/home/ubuntu/machines.txt", "box\nother\n")
    planned, applied = (typed.line(line) for line in recipe("Several hosts")["sh"].splitlines())
    assert planned.status == PENDING and planned.output.count("motd") == 2, planned
    assert applied.status == DONE, applied
    for host in typed.hosts.values():
        assert host.read("/home/ubuntu/folder/motd") == b"hello\n"

    typed.hosts["box"].must("/usr/sbin/sshd -p 8888")
    tunnel = recipe("A tunnel")
    typed.has("/home/ubuntu/tunnel.json", tunnel["jsonc"])
    forwarded = typed.line("mlops-agent apply tunnel.json")
    assert forwarded.status == DONE, forwarded
    listed = typed.line(tunnel["sh"])
    assert listed.status == DONE and "8888" in listed.output and "box" in listed.output, listed
    through = typed.laptop.login("exec 3<>/dev/tcp/127.0.0.1/8888; head -c 7 <&3")
    assert through.output == "SSH-2.0", through
    name = json.loads(typed.line("mlops-agent tunnels --json").output.splitlines()[0])["name"]
    stopped = typed.line(f"mlops-agent tunnels stop {shlex.quote(name)}")
    assert stopped.status == DONE, stopped
    assert typed.laptop.login("exec 3<>/dev/tcp/127.0.0.1/8888").status != 0
