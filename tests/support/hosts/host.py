"""Throw-away Debian hosts: containers that run systemd as their first process, driven through Docker."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
AGENT = "/opt/mlops-agent/mlops-agent"
PLAYBOOK = "/opt/playbooks/zoomcamp.json"
MIRROR = "/srv/mirror"
# Exit statuses of the agent: agent/cli/exit_code.hpp.
DONE, FAILED, PENDING, WRONG, NOT_STARTED = 0, 1, 2, 3, 4

# What Docker has to give a container whose first process is systemd, and that is to run Docker itself.
SYSTEMD_OPTIONS = (
    "--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--cap-add=SYS_PTRACE",
    "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "--cgroupns=private",
    "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec", "--volume=/var/lib/docker",
)  # fmt: skip


# Docker mounts cgroups read-only; a host's own Docker makes some below the host's for its containers.
WRITABLE_CGROUPS = (
    "for place in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do mount -o remount,bind,rw $place; done"
)


class Unavailable(Exception):
    """Throw-away hosts cannot run here; the text says why."""


def docker(*argv, **options):
    """Runs the docker client and returns its output; raises when it fails."""
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Engine:
    """The machine's Docker engine, started here (and ended again) where none runs."""

    def __init__(self):
        self.process = None

    def __enter__(self):
        if os.geteuid() != 0:
            raise Unavailable("throw-away hosts need root")
        for program in ("docker", "debootstrap"):
            if not shutil.which(program):
                raise Unavailable(f"{program} is not installed")
        if not self.answers():
            if not shutil.which("dockerd"):
                raise Unavailable("no Docker engine answers, and dockerd is not installed")
            self.log = tempfile.NamedTemporaryFile(prefix="dockerd-", suffix=".log")
            # A pid file of its own: one that a killed engine left would keep this one from starting.
            pid_file = self.log.name.removesuffix(".log") + ".pid"
            self.process = subprocess.Popen(["dockerd", "--pidfile", pid_file], stdout=self.log, stderr=self.log,
                                            start_new_session=True)  # fmt: skip
            deadline = time.monotonic() + 60
            while not self.answers():
                if self.process.poll() is not None or time.monotonic() > deadline:
                    last = Path(self.log.name).read_text(errors="replace").strip().splitlines()[-1:]
                    self.__exit__()
                    raise Unavailable("the Docker engine did not start: " + "".join(last))
                time.sleep(0.2)
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    @staticmethod
    def answers():
        return subprocess.run(["docker", "version"], capture_output=True).returncode == 0


def bare_image(release="bookworm"):
    """The name of the bare host's image; made when this machine does not have it yet."""
    made = subprocess.Popen([str(HERE / "image"), release], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = []
    for line in made.stderr:  # shown as it comes: it takes a minute
        sys.stderr.write(line)
        said.append(line.strip())
    name = made.stdout.read().strip()
    if made.wait() != 0:
        raise Unavailable("the host's image could not be made: " + " ".join(said[-3:]))
    return name


def make_mirror(folder):
    """Makes the mirror in a folder and gives it to the hosts' ubuntu: git reads only its owner's repositories."""
    subprocess.run([str(HERE.parent / "mirror" / "make"), str(folder)], check=True)
    subprocess.run(["chown", "-R", "1000:1000", str(folder)], check=True)


@dataclass
class Run:
    """What a program did."""

    status: int
    output: str
    errors: str

    def __str__(self):
        return f"exit status {self.status}\n{self.output[-3000:]}{self.errors[-3000:]}"


@dataclass
class AgentRun(Run):
    """What the agent did, with the events that it printed as JSON lines."""

    events: list = field(default_factory=list)

    def __post_init__(self):
        self.events = [json.loads(line) for line in self.output.splitlines() if line.strip()]

    @property
    def resources(self):
        return {event["id"]: event for event in self.events if event["event"] == "resource"}

    @property
    def summary(self):
        last = self.events[-1] if self.events else {}
        if last.get("event") != "summary":
            raise AssertionError(f"the last event is not the summary: {self}")
        return last

    def with_outcome(self, *outcomes):
        return {name: event for name, event in self.resources.items() if event["outcome"] in outcomes}

    def __str__(self):
        lines = [
            f"{e['host']} {e['id']}: {e['outcome']} {e['reason'] or ''} {e['output'] or ''} "
            + ", ".join(f"{c['property']}: {c['before']} -> {c['after']}" for c in e["changes"])
            for e in self.events
            if e["event"] == "resource"
        ]
        return "\n".join([f"exit status {self.status}", *lines, self.errors[-3000:]])


class Host:
    """One throw-away host. mounts: (path on this machine, path in the host), read-only.

    ssh_port: its sshd is published there on 127.0.0.1 (see ssh.py); absent where it is not."""

    numbers = itertools.count(1)

    def __init__(self, image, mounts=(), network=True, ssh_port=None):
        self.ssh_port = ssh_port
        published = [f"--publish=127.0.0.1:{ssh_port}:22"] if ssh_port else []
        self.name = f"mlops-host-{os.getpid()}-{next(Host.numbers)}"
        volumes = [f"--volume={source}:{target}:ro" for source, target in mounts]
        docker(
            "run", "--detach", f"--name={self.name}", "--hostname=debian-host", *SYSTEMD_OPTIONS,
            *([] if network else ["--network=none"]), *published, *volumes, image, "/sbin/init",
        )  # fmt: skip
        try:
            self.look_up()
        except RuntimeError:
            self.remove()
            raise

    def look_up(self):
        """Waits until it has started, and finds it again."""
        self.pid = int(docker("inspect", "--format={{.State.Pid}}", self.name))
        # The host's whole tree as this machine's root sees it.
        self.root = Path(f"/proc/{self.pid}/root")
        self.wait_until_up()
        self.run(["sh", "-c", WRITABLE_CGROUPS], user="root")

    def freeze(self):
        """Every process stands still, the kernel's part of its connections with them, as in a machine that sleeps."""
        docker("pause", self.name)

    def thaw(self):
        docker("unpause", self.name)

    def restart(self):
        """As after its power was lost; its address may be another."""
        docker("kill", self.name)
        docker("start", self.name)
        self.look_up()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    @property
    def address(self):
        """Where other hosts reach it, on Docker's own network."""
        return docker("inspect", "--format={{.NetworkSettings.IPAddress}}", self.name)

    def let_in(self, public_key, user="ubuntu"):
        """Adds a key to those with which the person may log in."""
        home = "/root" if user == "root" else f"/home/{user}"
        self.must(
            f"install -d -m 700 -o {user} -g {user} {home}/.ssh && echo '{public_key}' >>{home}/.ssh/authorized_keys && "
            f"chown {user}: {home}/.ssh/authorized_keys"
        )

    def remove(self):
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True)

    def wait_until_up(self):
        deadline = time.monotonic() + 60
        while True:
            state = self.run(["systemctl", "is-system-running"], user="root").output.strip()
            if state in ("running", "degraded"):
                return
            is_running = docker("inspect", "--format={{.State.Running}}", self.name) == "true"
            if not is_running or time.monotonic() > deadline:
                raise RuntimeError(f"the host did not come up: {state if is_running else self.ended()}")
            time.sleep(0.05)

    def ended(self):
        """Why its first process ended, in a few words."""
        status = docker("inspect", "--format={{.State.ExitCode}} {{.State.Error}}", self.name).strip()
        limit = Path("/proc/sys/fs/inotify/max_user_instances").read_text().strip()
        return f"systemd ended with {status} (255 where more than {limit} inotify instances are in use)"

    def command(self, argv, user="ubuntu", env=None):
        """The argv that runs argv in the host in a new login's groups, without a login's shell."""
        home = "/root" if user == "root" else f"/home/{user}"
        variables = {"HOME": home, "USER": user, "LOGNAME": user, "LANG": "C.UTF-8", **(env or {})}
        options = [f"--env={name}={value}" for name, value in variables.items()]
        return ["docker", "exec", f"--user={user}", f"--workdir={home}", *options, self.name, *argv]

    def run(self, argv, user="ubuntu", env=None, timeout=600):
        done = subprocess.run(
            self.command(argv, user, env), capture_output=True, text=True, errors="replace", timeout=timeout
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def must(self, argv, user="root", **options):
        """Runs a program that has to succeed; returns its output."""
        if isinstance(argv, str):
            argv = ["bash", "-c", argv]
        done = self.run(argv, user, **options)
        if done.status != 0:
            raise RuntimeError(f"{argv} in the host: {done}")
        return done.output

    def login(self, command, user="ubuntu"):
        """Runs shell text in a new login shell."""
        return self.run(["su", "-", user, "-c", command], user="root")

    def agent(self, command, playbook=PLAYBOOK, *options, user="ubuntu", mirror=MIRROR):
        mirrored = ["--mirror", mirror] if mirror else []
        done = self.run([AGENT, command, playbook, *mirrored, "--json", *options], user)
        try:
            return AgentRun(done.status, done.output, done.errors)
        except ValueError as wrong:
            raise AssertionError(f"{command} --json printed something else than JSON lines ({wrong}): {done}")

    def write(self, path, text, owner="root", mode=0o644):
        """Puts a file into the host."""
        target = self.root / path.lstrip("/")
        target.write_text(text)
        target.chmod(mode)
        uid, gid = (0, 0) if owner == "root" else (int(i) for i in (self.id("-u", owner), self.id("-g", owner)))
        os.chown(target, uid, gid)

    def id(self, what, user):
        return self.must(["id", what, user]).strip()

    def read(self, path):
        """The bytes at a path in the host; absent where there is no file."""
        try:
            return (self.root / path.lstrip("/")).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def agent_processes(self):
        """The ids, on this machine, of the agent's own processes in this host."""
        here = os.readlink(f"/proc/{self.pid}/ns/pid")
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    program = os.path.basename(os.readlink(entry / "exe"))
                    if program.startswith("ld-linux"):  # the loader that came along where the host's is too old
                        program = "mlops-agent" if b"/bin/mlops-agent\0" in (entry / "cmdline").read_bytes() else ""
                    if program == "mlops-agent":
                        if os.readlink(entry / "ns/pid") == here:
                            found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def kill_agent(self):
        """SIGKILL to every process of the agent; returns how many there were."""
        killed = 0
        for process in self.agent_processes():
            try:
                os.kill(process, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        return killed

    def commit(self, image):
        """Keeps this host's files as an image (without /var/lib/docker, /run and /tmp)."""
        docker("commit", self.name, image)
        return image
