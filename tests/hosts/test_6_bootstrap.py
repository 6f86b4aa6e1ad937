"""./bootstrap on a fresh host: the steps that the README gives a new user."""

from host import DONE, MIRROR, NOT_STARTED

LONG = True
BOOTSTRAP = "/home/ubuntu/mlops-agent/bootstrap"


def built(world):
    host, _, done = world.built_in_host
    assert done.status == 0, f"{done.output[-2000:]}{done.errors[-4000:]}"
    return host


def test_a_fresh_host_builds_the_agent(world):
    """./bootstrap installs what it needs through sudo, builds, and runs the agent with nothing else on stdout"""
    host = built(world)
    _, _, done = world.built_in_host
    assert len(done.output.splitlines()) == 1 and "0." in done.output, done.output
    assert (host.root / "home/ubuntu/mlops-agent/build/release/mlops-agent").exists()


def test_the_second_call_is_quick(world):
    """a second call takes under a second, and starts no package manager and no build"""
    host = built(world)
    timed = f"begin=$EPOCHREALTIME; {BOOTSTRAP} --version >/dev/null && echo $(( ${{EPOCHREALTIME/./}} - ${{begin/./}} ))"
    seconds = int(host.must(timed, user="ubuntu")) / 1e6
    assert seconds < 1, f"{seconds} s"
    host.must(["strace", "-f", "-qq", "-e", "trace=execve", "-o", "/tmp/second", BOOTSTRAP, "--version"], user="ubuntu")
    trace = host.must(["cat", "/tmp/second"])
    started = {line.split('"')[1].rsplit("/", 1)[-1] for line in trace.splitlines() if line.endswith("= 0")}
    assert "mlops-agent" in started, started
    assert not started & {"apt", "apt-get", "apt-cache", "dpkg", "dpkg-query", "sudo", "cmake", "ninja"}, started


def test_the_flagship_by_bootstrap(world):
    """./bootstrap apply of the flagship, called from another folder, makes the host ready"""
    host = built(world)
    there = "/home/ubuntu/mlops-agent/playbooks"
    done = host.run(["bash", "-c", f"cd {there} && {BOOTSTRAP} apply zoomcamp.json --mirror {MIRROR}"])
    assert done.status == DONE, done
    assert host.login("docker-compose version && docker version").status == 0


def test_another_distribution(world):
    """on another distribution it names what it needs and stops"""
    host = built(world)
    host.write("/tmp/os-release", 'ID=fedora\nVERSION_ID="41"\n')
    done = host.run([BOOTSTRAP, "--version"], env={"MLOPS_OS_RELEASE": "/tmp/os-release"})
    assert done.status == NOT_STARTED and done.output == "", done
    for needed in ("Debian 12", "Ubuntu 24.04", "fedora 41", "g++", "libboost1.81-dev"):
        assert needed in done.errors, done


def test_a_build_of_another_user(world):
    """a build folder that belongs to another user is named, and nothing is built"""
    host = built(world)
    build = "/home/ubuntu/mlops-agent/build/release"
    host.must(f"touch /home/ubuntu/mlops-agent/CMakeLists.txt && chown -R root:root {build}")
    done = host.run([BOOTSTRAP, "--version"])
    host.must(f"chown -R ubuntu:ubuntu {build}")
    assert done.status == NOT_STARTED and "belongs to root" in done.errors, done
