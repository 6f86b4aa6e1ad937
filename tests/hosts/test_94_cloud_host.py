"""The launcher that makes instances of the AWS stand-in real hosts."""

import base64
import json
import secrets
import socket
import subprocess
import threading
import time

from account import Launcher


class Instance:
    """One machine of the launcher, in a network of its own."""

    def __init__(self, folder):
        self.launcher = Launcher()
        self.id, self.folder = f"i-0{secrets.token_hex(8)}", folder
        self.user, self.host_key = folder / "user", folder / "host"
        for key in (self.user, self.host_key):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)], check=True)

    def run(self, verb, said=None, name=None):
        return self.launcher.run(verb, name or self.id, said)

    @staticmethod
    def ssh_from(address):
        return {"protocol": "tcp", "from": 22, "to": 22, "cidr": f"{address}/32"}

    def start(self):
        self.gateway = self.run("prepare", name="-")["gateway"]  # from where this machine comes
        private = "".join(f"    {line}\n" for line in self.host_key.read_text().splitlines())
        user_data = (
            "#cloud-config\nssh_keys:\n  ed25519_private: |\n" + private +
            "  ed25519_public: |\n    " + self.host_key.with_suffix(".pub").read_text() +
            "write_files:\n- {path: /srv/first, content: written by cloud-init}\n"
        )  # fmt: skip
        said = {
            "instance_id": self.id, "private_ip": "172.31.0.10", "public_ip": None, "tags": {},
            "ingress": [self.ssh_from(self.gateway)],
            "image": {"user": "ubuntu"}, "public_keys": [self.user.with_suffix(".pub").read_text().strip()],
            "user_data_base64": base64.b64encode(user_data.encode()).decode(),
        }  # fmt: skip
        return self.run("start", said)["public_ip"]

    def ssh(self, address, command, tries=100):
        """What a command printed: the host key must be that of the user data."""
        known = self.folder / "known_hosts"
        known.write_text(f"{address} {' '.join(self.host_key.with_suffix('.pub').read_text().split()[:2])}\n")
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "ConnectTimeout=2",
                   "IdentitiesOnly=yes", "IdentityAgent=none")  # fmt: skip
        argv = ["ssh", "-F", "/dev/null", "-i", str(self.user), *(f"-o{option}" for option in options)]
        for _ in range(tries):
            done = subprocess.run([*argv, f"ubuntu@{address}", command], capture_output=True, text=True)
            if done.returncode != 255:
                return done.stdout
            time.sleep(0.2)
        raise AssertionError(f"{address}: {done.stderr}")


def answers(address):
    try:
        socket.create_connection((address, 22), timeout=1).close()
        return True
    except TimeoutError:
        return False


def until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def off(instance):
    """A thread that ends when the machine is off."""
    thread = threading.Thread(target=instance.run, args=("wait",), daemon=True)
    thread.start()
    return thread


def test_an_instance_is_a_host_of_its_user_data(world):
    """An instance of the AWS stand-in is a host that cloud-init set up, with another address after each stop"""
    folder = world.folder / "cloud-host"
    folder.mkdir()
    instance = Instance(folder)
    try:
        first = instance.start()
        assert "written by cloud-init" in instance.ssh(first, "cloud-init status --wait >&2; cat /srv/first")
        public = " ".join(instance.host_key.with_suffix(".pub").read_text().split()[:2])
        until(lambda: "-----END SSH HOST KEY KEYS-----" in instance.run("console")["console"], "no keys on the console")
        assert public in instance.run("console")["console"]

        instance.ssh(first, "touch kept")
        instance.run("stop")
        second = instance.start()
        assert second != first
        assert instance.ssh(second, "ls kept").strip() == "kept"

        instance.run("firewall", {"ingress": [instance.ssh_from("203.0.113.7")]})
        assert not answers(second), "port 22 is open to everybody"
        instance.run("firewall", {"ingress": [instance.ssh_from(instance.gateway)]})
        assert answers(second)

        ended = off(instance)
        boot = instance.ssh(second, "systemctl show -P UserspaceTimestampMonotonic")
        instance.run("reboot")
        until(
            lambda: instance.ssh(second, "systemctl show -P UserspaceTimestampMonotonic") != boot,
            "it was not started again",
        )
        assert ended.is_alive()

        kept = instance.run("allocate", name="-")["public_ip"]
        assert instance.run("move", {"public_ip": kept})["public_ip"] == kept
        assert instance.ssh(kept, "echo here").strip() == "here"

        instance.ssh(kept, "sudo sh -c '(sleep 0.3; systemctl poweroff) >/dev/null 2>&1 &'")
        ended.join(60)
        assert not ended.is_alive(), "it is still on"
        instance.run("terminate")
        instance.run("terminate")
    finally:
        instance.launcher.remove()
