"""SIGKILL at six chosen moments while packages are installed on a bare host."""

from test_3_killed import Moment, finished, kill_each, processes

LONG = True


def runs(program):
    def seen(host, ids):
        return bool(processes(host, program))

    return seen


def dpkg_in_state(state):
    """dpkg is at work and has some package in this state."""

    def seen(host, ids):
        journal = (host.root / "var/lib/dpkg/updates").glob("[0-9]*")
        names = ["status", *(f"updates/{path.name}" for path in journal)]
        return any(state in (host.read(f"/var/lib/dpkg/{name}") or b"") for name in names)

    return seen


# From a bare host (its apt has the packages' files at hand).
EARLY = [
    Moment("before anything is done", lambda host, ids: bool(host.agent_processes())),
    Moment("while the index is fetched", runs("apt-get")),
    Moment("while dpkg unpacks", dpkg_in_state(b"ok unpacked")),
    Moment("while dpkg unpacks, apt and dpkg too", dpkg_in_state(b"ok unpacked"), also=("apt-get", "dpkg")),
    Moment("while dpkg configures, apt and dpkg too", dpkg_in_state(b"ok half-configured"), also=("apt-get", "dpkg")),
    finished("packages"),
]


def test_killed_early(world):
    """killed at six moments while packages are installed on a bare host, the next run converges"""
    kill_each(world, world.fetched_image, EARLY)
