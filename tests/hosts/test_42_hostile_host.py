"""What a target does not get from the controller, or from other targets: its root answers as it pleases."""

import json
import time

from host import AGENT

# Stands between sshd and what the controller starts: keeps what comes in, and changes what goes out.
RELAY = r"""#!/bin/bash
if [ -e /etc/relay/flood ]; then filter='$| = 1; while (sysread(STDIN, $b, 65536)) { syswrite(STDOUT, $b); $all += length $b;
  while ($all > 600) { syswrite(STDOUT, $b) or exit } }'
else filter='$| = 1; do "/etc/relay/rules"; while (sysread(STDIN, $b, 65536)) { change(); syswrite(STDOUT, $b) }'; fi
tee -a /etc/relay/received | /bin/sh -c "$SSH_ORIGINAL_COMMAND" | perl -e "$filter"
"""


def hostile(world, name):
    """A host whose root has put the relay into the person's sessions."""
    host = world.far_host(name)
    host.must("install -d -m 777 /etc/relay && touch /etc/relay/received && chmod 666 /etc/relay/received")
    host.write("/usr/local/bin/relay", RELAY, mode=0o755)
    host.must("printf 'Match User ubuntu\\n  ForceCommand /usr/local/bin/relay\\n' >>/etc/ssh/sshd_config && systemctl reload ssh")
    changes(host, {})
    return host


def changes(host, replaced):
    """From now on these texts go out as others of the same length."""
    assert all(len(old.encode()) == len(new.encode()) for old, new in replaced.items())
    rules = "".join(f"$b =~ s/\\Q{old}\\E/{new}/g; " for old, new in replaced.items())
    host.write("/etc/relay/rules", "sub change { " + rules + "}\n1;\n")
    host.must("rm -f /etc/relay/flood; : >/etc/relay/received")


def pair(world):
    if "hostile_pair" not in world.__dict__:
        host, honest = hostile(world, "evil"), world.far_host("good")
        world.hostile_pair = host, honest, world.laptop({"evil": host, "good": honest})
    return world.hostile_pair


def run_book(laptop, plays, *options, command="apply", timeout=180, **more):
    laptop.must("mkdir -p /home/ubuntu/book/files && chown -R ubuntu: /home/ubuntu/book")
    laptop.write("/home/ubuntu/book/play.json", json.dumps({**more, "plays": plays}), "ubuntu")
    return laptop.run([AGENT, command, "/home/ubuntu/book/play.json", *options], timeout=timeout)


def test_files_that_the_playbook_does_not_name(world):
    """a target gets the files that its playbook names, and no other of the folder, whatever it asks for"""
    host, _, laptop = pair(world)
    laptop.must("mkdir -p /home/ubuntu/book/files && chown -R ubuntu: /home/ubuntu/book")
    laptop.write("/home/ubuntu/book/files/named-in-playbook", "public\n", "ubuntu")
    laptop.write("/home/ubuntu/book/files/private-key-of-me", "PRIVATE KEY\n", "ubuntu")
    changes(host, {})
    plays = [{"on": "evil", "resources": [
        {"type": "file", "path": "/home/ubuntu/got", "source": "files/named-in-playbook"}]}]  # fmt: skip
    changes(host, {"named-in-playbook": "private-key-of-me"})
    done = run_book(laptop, plays)
    assert b"PRIVATE KEY" not in host.read("/etc/relay/received"), done
    assert host.read("/home/ubuntu/got") is None and done.status != 0, done
    changes(host, {})
    done = run_book(laptop, plays)
    assert done.status == 0 and host.read("/home/ubuntu/got") == b"public\n", done


def test_secrets_of_other_targets(world):
    """a target gets the secrets and the environment that its own plays refer to, not those of others"""
    host, honest, laptop = pair(world)
    changes(host, {})
    for name, text in (("mine", "secret-of-the-evil"), ("others", "secret-of-the-good")):
        laptop.write(f"/home/ubuntu/{name}", text, "ubuntu", 0o600)

    def secret_file(name):
        return {"type": "file", "path": f"/home/ubuntu/{name}", "content": "{{secrets." + name + "}}{{env." + name + "}}\n"}

    laptop.must("mkdir -p /home/ubuntu/book && chown ubuntu: /home/ubuntu/book")
    laptop.write("/home/ubuntu/book/play.json", json.dumps({
        "secrets": {"mine": {"file": "~/mine"}, "others": {"file": "~/others"}},
        "plays": [{"on": "evil", "resources": [secret_file("mine")]}, {"on": "good", "resources": [secret_file("others")]}],
    }), "ubuntu")  # fmt: skip
    done = laptop.run([AGENT, "apply", "/home/ubuntu/book/play.json"], env={"mine": "env-of-the-evil", "others": "env-of-the-good"})
    assert done.status == 0, done
    assert honest.read("/home/ubuntu/others") == b"secret-of-the-goodenv-of-the-good\n", done
    received = host.read("/etc/relay/received")
    assert b"secret-of-the-evil" in received and b"env-of-the-evil" in received, done
    assert b"secret-of-the-good" not in received and b"env-of-the-good" not in received, done


def test_escape_sequences(world):
    """what a target says of itself does not steer the terminal"""
    host, _, laptop = pair(world)
    changes(host, {"debian-host": "x\x1b[2J\x07\r\x1b]5y"})
    plays = [{"on": "evil", "resources": [{"type": "file", "path": "/home/ubuntu/{{facts.host.name}}", "content": "x\n"}]}]
    for done in (run_book(laptop, plays, command="plan"), laptop.run([AGENT, "facts", "--host", "evil"]),
                 run_book(laptop, plays, "--json", command="plan")):  # fmt: skip
        for text in (done.output, done.errors):
            assert not any(sign in text for sign in "\x1b\x07\x9b"), done
            assert "\r" not in text.replace("\r\n", "\n"), done


def test_a_flood(world):
    """a target that sends without end is dropped with a message, and the other is set up"""
    host, honest, laptop = pair(world)
    changes(host, {})
    host.must("touch /etc/relay/flood")
    begin = time.monotonic()
    # More memory than it may take makes it fail.
    bounded = ["bash", "-c", 'ulimit -v 2000000; exec "$@"', "bash"]
    plays = [{"on": ["evil", "good"], "resources": [{"type": "file", "path": "/home/ubuntu/flooded", "content": "x\n"}]}]
    laptop.write("/home/ubuntu/book/play.json", json.dumps({"plays": plays}), "ubuntu")
    done = laptop.run([*bounded, AGENT, "apply", "/home/ubuntu/book/play.json"], timeout=170)
    host.must("rm -f /etc/relay/flood")
    assert done.status != 0 and time.monotonic() - begin < 150, done
    assert "evil" in done.errors + done.output and "bad_alloc" not in done.errors, done
    assert honest.read("/home/ubuntu/flooded") in (b"x\n", None), done
