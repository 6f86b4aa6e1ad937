"""What the machine tests share: images, the mirror, and a host that the flagship was applied to."""

import functools
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from account import Account, Launcher
from host import MIRROR, SYSTEMD_OPTIONS, Host, Unavailable, bare_image, docker, make_mirror
from ssh import Ssh, free_port
from tree import read_tree

TOP = Path(__file__).resolve().parents[2]

CLOUD_RECIPE = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends jupyter-notebook
apt-get clean
apt-get install -qy --download-only docker.io git
rm -rf /var/lib/apt/lists/* /var/log/apt/* /var/log/dpkg.log
mkdir -p /var/lib/apt/lists/partial
"""


def distribution():
    text = Path("/etc/os-release").read_text()
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return values.get("ID", "").strip('"'), values.get("VERSION_ID", "").strip('"')


def once(function):
    """A method of the world that makes something the first time and returns it from then on; the others wait."""
    made, lock = {}, threading.RLock()

    @functools.wraps(function)
    def get(self, *arguments):
        with lock:
            if (self, arguments) not in made:
                made[self, arguments] = function(self, *arguments)
            return made[self, arguments]

    return get


def made_once(function):
    return property(once(function))


class Applied:
    """The flagship on a bare host: planned, then applied, with the trees before, between and after."""

    def __init__(self, host):
        self.host = host
        self.bare = read_tree(host)
        self.plan = host.agent("plan")
        self.planned = read_tree(host)
        self.apply = host.agent("apply")
        self.tree = read_tree(host)


class Hosts:
    """Makes hosts, and removes those that it made."""

    def __init__(self):
        self.hosts, self.removed = [], False

    def host(self, image=None, mounts=None, agent=True, network=True, mirror=None):
        """A new host, removed with its maker's others at the latest."""
        if mounts is None:
            mounts = [(mirror or self.mirror, MIRROR)]
        if agent:
            mounts = [*mounts, (self.build, "/opt/mlops-agent"), (TOP / "playbooks", "/opt/playbooks")]
        host = self.started(Host(image or self.bare_image, mounts, network))
        if image and image == self.settled:  # Docker's images are in a volume, which the host's image is without
            host.must(["docker", "load", "--quiet", f"--input={MIRROR}/docker.io/library/hello-world/latest.tar"])
        return host

    def started(self, host):
        self.hosts.append(host)
        if self.removed:  # meanwhile, by a stop from outside
            host.remove()
            raise RuntimeError("the tests were stopped")
        return host

    def far_host(self, name, release="bookworm", image=None, known=True, mounts=None, **options):
        """A new host without the agent or anything for it, reached by that name through self.ssh (see Ssh.reach)."""
        if mounts is None:
            mounts = [(self.mirror, MIRROR)]
        host = self.started(Host(image or self.fresh_image(release), mounts, ssh_port=free_port()))
        self.ssh.reach(name, host, known, **options)
        return host

    def laptop(self, hosts, image=None):
        """A host with the agent, whose person reaches other hosts (by name) with a key and ~/.ssh/config."""
        laptop = self.host(image)
        laptop.must("install -d -m 700 -o ubuntu -g ubuntu /home/ubuntu/.ssh")
        laptop.write("/home/ubuntu/.ssh/id_ed25519", self.ssh.key.read_text(), "ubuntu", 0o600)
        config, known = "", ""
        for name, host in hosts.items():
            config += f"Host {name}\n    HostName {host.address}\n    User ubuntu\n"
            for path in sorted((host.root / "etc/ssh").glob("ssh_host_*_key.pub")):
                known += f"{host.address} {' '.join(path.read_text().split()[:2])}\n"
        laptop.write("/home/ubuntu/.ssh/config", config, "ubuntu", 0o600)
        laptop.write("/home/ubuntu/.ssh/known_hosts", known, "ubuntu", 0o600)
        return laptop

    def account(self, laptop, **settings):
        """An account of the AWS stand-in for a laptop's person; its machines are hosts of cloud_image."""
        return self.started(Account(laptop, self.cloud_image, self.mirror, **settings))

    def remove_hosts(self):
        """What it made, and what it is about to make in another thread."""
        self.removed = True
        for host in list(self.hosts):
            host.remove()


class FileWorld(Hosts):
    """The world as the tests of one file see it. Their hosts are removed after them: a host costs 7 of the 128 inotify
    instances that the kernel gives a user (inotify(7)), and one without them stops as soon as it has started."""

    def __init__(self, world):
        super().__init__()
        self.world = world

    def __getattr__(self, name):
        return getattr(self.world, name)


class World(Hosts):
    """What all files share; its own hosts are those that are made once."""

    def __init__(self, build):
        super().__init__()
        self.given_build = build
        self.images, self.files, self.settled = [], [], None
        self.folder = Path(tempfile.mkdtemp(prefix="mlops-hosts-"))

    def __enter__(self):
        self.bare_image = bare_image()
        self.mirror = self.folder / "mirror"
        make_mirror(self.mirror)
        return self

    def __exit__(self, *_):
        for maker in (*self.files, self):
            maker.remove_hosts()
        for image in self.images:
            subprocess.run(["docker", "rmi", "--force", image], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def for_file(self):
        self.files.append(FileWorld(self))
        return self.files[-1]

    @made_once
    def build(self):
        """A build that runs on the hosts' distribution: this machine's where that is the same, else one made there."""
        if distribution() == ("debian", "12"):
            if not (self.given_build / "mlops-agent").exists():
                raise Unavailable(f"there is no mlops-agent in {self.given_build}")
            return self.given_build
        return self.built_in_host[1]

    @made_once
    def built_in_host(self):
        """A bare host in which ubuntu built the agent from this source with ./bootstrap, and a copy of its build."""
        host = self.host(agent=False)
        source = self.folder / "source.tar"
        files = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(TOP), "ls-files", "-z", "-co", "--exclude-standard"],
            capture_output=True,
        ).stdout
        listed = ["--null", "--files-from=-"] if files else ["--exclude=./build", "--exclude=./.git", "."]
        subprocess.run(["tar", "-C", str(TOP), "-cf", str(source), *listed], input=files, check=True)
        host.must("mkdir -p /home/ubuntu/mlops-agent", user="ubuntu")
        docker("cp", str(source), f"{host.name}:/home/ubuntu/source.tar")
        host.must("tar -C mlops-agent -xf source.tar", user="ubuntu")
        done = host.run(["./mlops-agent/bootstrap", "--version"], timeout=1500)
        copy = self.folder / "build"
        if done.status == 0:
            docker("cp", f"{host.name}:/home/ubuntu/mlops-agent/build/release", str(copy))
        return host, copy, done

    @made_once
    def ssh(self):
        """The person's ssh on this machine: one key pair for the whole run of the tests."""
        return Ssh(self.folder / "ssh")

    @once
    def fresh_image(self, release):
        """A host as its owner got it: without what the bare image has for tests that bring the agent themselves."""
        image = bare_image(release)
        if release != "bookworm":
            return image
        with Host(image) as host:
            host.must("apt-get purge -qy --auto-remove libcurl4 libssh-4 libsqlite3-0 strace && rm -f /var/log/apt/* /var/log/dpkg.log")
            return self.keep(host, "fresh")

    def keep(self, host, name):
        """Commits a host to an image that is removed at the end."""
        image = host.commit(f"mlops-agent-test:{os.getpid()}-{name}")
        self.images.append(image)
        return image

    @made_once
    def applied(self):
        applied = Applied(self.host())
        # Before any test uses the host: it stands still while it is committed.
        self.settled = self.keep(applied.host, "settled") if applied.apply.status == 0 else None
        return applied

    @made_once
    def settled_image(self):
        """A host to which the flagship was applied."""
        if self.applied.apply.status != 0:
            raise AssertionError(f"the flagship could not be applied: {self.applied.apply}")
        return self.settled

    @made_once
    def fetched_image(self):
        """A bare host to whose apt the packages' files were handed before, so that installing them is quick."""
        host = self.host(agent=False)
        host.must(
            "apt-get update -q && apt-get install -qy --download-only docker.io git && "
            "rm -rf /var/lib/apt/lists/* /var/log/apt/* && mkdir -p /var/lib/apt/lists/partial"
        )
        image = self.keep(host, "fetched")
        host.remove()
        return image

    @made_once
    def jupyter_image(self):
        """A host with Debian's jupyter-notebook and nothing else."""
        host = self.host(agent=False)
        host.must(
            "apt-get update -q && DEBIAN_FRONTEND=noninteractive "
            "apt-get install -qy --no-install-recommends jupyter-notebook && apt-get clean"
        )
        image = self.keep(host, "jupyter")
        host.remove()
        return image

    @made_once
    def laptop_image(self):
        """Somebody's laptop: with ssh, a browser, and what the agent needs for reaching others."""
        host = self.host(agent=False)
        host.must(
            "apt-get update -q && DEBIAN_FRONTEND=noninteractive "
            "apt-get install -qy --no-install-recommends openssh-client libssh-4 chromium && apt-get clean"
        )
        image = self.keep(host, "laptop")
        host.remove()
        return image

    @made_once
    def cloud_image(self):
        """What machines of the AWS stand-in start from: with Debian's Jupyter, and the packages' files for its apt."""
        name = f"mlops-host-{os.getpid()}-cloud"
        made = f"mlops-agent-test:{os.getpid()}-cloud"
        try:
            docker("run", f"--name={name}", *SYSTEMD_OPTIONS, Launcher().image, "sh", "-ec", CLOUD_RECIPE)
            docker("commit", "--change", 'CMD ["/sbin/init"]', name, made)
        finally:
            subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True)
        self.images.append(made)
        return made

    @property
    def artifacts(self):
        """Where what a test shows is kept for people: screenshots."""
        return self.given_build / "test-artifacts"

    @made_once
    def docker_image(self):
        """A host on which the packages are installed and nothing else is done."""
        host = self.host(self.fetched_image, agent=False)
        host.must(
            "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy docker.io git && "
            "systemctl is-active docker"
        )
        image = self.keep(host, "docker")
        host.remove()
        return image
