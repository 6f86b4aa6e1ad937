"""The person's ssh on this machine, for one run of the tests: keys, configuration and known hosts in a folder."""

import os
import socket
import subprocess
import threading
from pathlib import Path

from host import Run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ssh:
    """A key pair, a configuration (ssh -F) and known host keys of their own; nothing of ~/.ssh is read or written."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.key = self.folder / "id_ed25519"
        self.config = self.folder / "config"
        self.known_hosts = self.folder / "known_hosts"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", str(self.key)], check=True)
        self.hosts, self.lock = {}, threading.Lock()
        self.known_hosts.touch()
        self.write()

    @property
    def public_key(self):
        return self.key.with_suffix(".pub").read_text().strip()

    def reach(self, name, host, known=True, user="ubuntu", **options):
        """Makes a host that publishes its sshd reachable by a name of the configuration, which options are added to."""
        host.let_in(self.public_key, user)
        self.entry(name, HostName="127.0.0.1", Port=host.ssh_port, User=user, **options)
        if known:
            self.know(host)
        return name

    def entry(self, name, **options):
        """Sets what the configuration says of a name, in place of what it said."""
        with self.lock:
            self.hosts[name] = options
            self.write()

    def write(self):
        everybody = {
            "IdentityFile": self.key,
            "IdentityAgent": "none",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
        }
        lines = []
        for name, options in [*self.hosts.items(), ("*", everybody)]:
            lines += [f"Host {name}", *(f"    {option} {value}" for option, value in options.items())]
        written = self.config.with_suffix(".new")
        written.write_text("\n".join(lines) + "\n")
        os.replace(written, self.config)

    def know(self, host):
        """Writes the host's keys, as they are now, to the known ones, in place of those of its port."""
        keys = [path.read_text().split()[:2] for path in sorted((host.root / "etc/ssh").glob("ssh_host_*_key.pub"))]
        self.replace(host, [f"[127.0.0.1]:{host.ssh_port} {kind} {key}\n" for kind, key in keys])

    def forget(self, host):
        self.replace(host, [])

    def replace(self, host, lines):
        start = f"[127.0.0.1]:{host.ssh_port} "
        with self.lock:
            known = self.known_hosts.read_text().splitlines(keepends=True)
            self.known_hosts.write_text("".join([line for line in known if not line.startswith(start)] + lines))

    def command(self, name, *argv):
        """The argv that runs a command on a host with OpenSSH's own client."""
        return ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", name, *argv]

    def run(self, name, *argv, timeout=60):
        done = subprocess.run(
            self.command(name, *argv), capture_output=True, text=True, errors="replace", timeout=timeout
        )
        return Run(done.returncode, done.stdout, done.stderr)
