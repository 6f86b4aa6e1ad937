"""An account of the AWS stand-in whose machines are hosts, and a laptop whose person has its credentials."""

import ipaddress
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from host import MIRROR, docker

AWS = Path(__file__).resolve().parents[1] / "aws"
LAUNCHER = AWS / "docker_host"
KEY_ID, SECRET = "AKIASTANDINANNA00001", "anna/STANDIN+secret0000000000000000000000"
REGION = "eu-central-1"
# Run in the laptop's network: what is sent comes on stdin, nothing is a GET.
ASK = """
import sys, urllib.request as web
data = sys.stdin.buffer.read() or None
sys.stdout.buffer.write(web.urlopen(web.Request(sys.argv[1], data), timeout=30).read())
"""


class Launcher:
    """Makes hosts in a network of its own: see docker_host. image: with cloud-init; absent: the launcher's own."""

    numbers = itertools.count(1)

    def __init__(self, image=None, mounts=()):
        self.environment = {
            **os.environ, "MLOPS_AWS_NETWORK": f"mlops-aws-{os.getpid()}-{next(Launcher.numbers)}",
            "MLOPS_AWS_IMAGE": image or "",
            "MLOPS_AWS_VOLUMES": " ".join(f"{source}:{target}:ro" for source, target in mounts),
        }  # fmt: skip

    @property
    def image(self):
        """The image's name; made where this machine does not have it yet."""
        return self.run("image")["image"]

    @property
    def network(self):
        return self.environment["MLOPS_AWS_NETWORK"]

    def run(self, verb, name="-", said=None):
        """What a verb prints; its failure is an AssertionError with what it said."""
        done = subprocess.run(
            [str(LAUNCHER), verb, name], input=json.dumps(said or {}), env=self.environment, capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{verb}: status {done.returncode}: {done.stderr}{done.stdout}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def remove(self):
        self.run("clean")


class Account:
    """The stand-in serves on the laptop's own loopback; its machines are in a network that the laptop has joined.

    settings: as of the stand-in (settings.py). environment: what the laptop's programs need besides ~/.aws."""

    def __init__(self, laptop, image, mirror, **settings):
        self.laptop, self.launcher = laptop, Launcher(image, [(mirror, MIRROR)])
        self.folder = tempfile.TemporaryDirectory(prefix="mlops-account-")
        self.server = None
        try:
            self.set_up(settings)
        except BaseException:
            self.remove()
            raise

    def set_up(self, settings):
        self.launcher.run("prepare")
        docker("network", "connect", self.launcher.network, self.laptop.name)
        networks = json.loads(docker("inspect", "--format={{json .NetworkSettings.Networks}}", self.laptop.name))
        self.here = networks[self.launcher.network]["IPAddress"]
        self.inside = ["nsenter", f"--net=/proc/{self.laptop.pid}/ns/net"]
        self.serve({"checkip": self.here, **settings})
        self.environment = {
            "AWS_ENDPOINT_URL": self.url, "MLOPS_AGENT_OWN_ADDRESS_URL": self.url + "/checkip",
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        self.laptop.must("install -d -m 700 -o ubuntu -g ubuntu /home/ubuntu/.aws")
        credentials = f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
        self.laptop.write("/home/ubuntu/.aws/credentials", credentials, "ubuntu", 0o600)
        self.laptop.write("/home/ubuntu/.aws/config", f"[default]\nregion = {REGION}\n", "ubuntu", 0o600)

    def serve(self, settings):
        ready = Path(self.folder.name) / "ready"
        command = [AWS / "serve", "--ready-file", ready, "--launcher", LAUNCHER, "--set", json.dumps(settings)]
        self.server = subprocess.Popen(
            [*self.inside, *command], env=self.launcher.environment, stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while not ready.exists():
            assert self.server.poll() is None and time.monotonic() < end, "the stand-in did not start"
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{int(ready.read_text().split()[1])}"

    def ask(self, path, body=None):
        """The control interface's answer (control.py)."""
        sent = b"" if body is None else json.dumps(body).encode()
        done = subprocess.run(
            [*self.inside, sys.executable, "-c", ASK, self.url + path], input=sent, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return json.loads(done.stdout)

    def control(self, **what):
        return self.ask("/_control", what)

    def calls(self):
        """The calls of AWS's services since they were cleared."""
        return [call for call in self.ask("/_control/calls") if call["service"] != "checkip"]

    def instances(self):
        """Those that are not terminated."""
        state = self.ask("/_control/state")
        assert not state["bugs"], state["bugs"]
        found = state["regions"].get(REGION, {}).get("instances", [])
        return [one for one in found if one["state"] not in ("shutting-down", "terminated")]

    def console(self, instance):
        return self.launcher.run("console", instance)["console"]

    def move_laptop(self):
        """As in another Wi-Fi: the laptop's address, as its machines see it, is another one."""
        self.here = str(ipaddress.ip_address(self.here) + 100)
        docker("network", "disconnect", self.launcher.network, self.laptop.name)
        docker("network", "connect", f"--ip={self.here}", self.launcher.network, self.laptop.name)
        self.control(set={"checkip": self.here})

    def remove(self):
        """Ends the stand-in and its machines; the laptop's own removal is another's."""
        if self.server and self.server.poll() is None:
            self.server.terminate()
            self.server.wait(60)
        subprocess.run(
            ["docker", "network", "disconnect", "--force", self.launcher.network, self.laptop.name], capture_output=True
        )
        self.launcher.remove()
        self.folder.cleanup()
