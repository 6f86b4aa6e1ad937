"""The flagship on a bare host: the plan keeps its word, the machine is ready, and it stays as it is."""

from host import AGENT, DONE, MIRROR, PENDING, PLAYBOOK
from tree import differences, read_tree


LAPTOP = {"ssh-host", "forward", "remote-ssh"}  # what is for the laptop, when the machine is another one
BY_SSH = {"github"}  # what is for a course that is cloned by ssh


def check(condition, message):
    assert condition, message


def listing(lines):
    return "\n".join(list(lines)[:40])


def test_plan_changes_nothing(world):
    """plan of a bare host exits 2 and changes nothing"""
    applied = world.applied
    check(applied.plan.status == PENDING, applied.plan)
    changed = differences(applied.bare, applied.planned)
    check(not changed, listing(changed.values()))
    check(applied.plan.summary["changed"] == 0, applied.plan)
    check(applied.plan.summary["would_change"] > 0, applied.plan)


def same_after(planned, done):
    """Whether a planned value is what came: a plan may leave open what only a server or a package's index knows."""
    return planned is None or planned == done or "version unknown" in str(planned)


def said_unknown(prop, change, listed):
    """Whether the plan said that more is known only later (kind unknown): what comes along, and how much is fetched;
    nothing that is removed."""
    comes = (prop.startswith("+") and change["before"] is None) or prop == "download"
    return comes and any(planned["kind"] == "unknown" for planned in listed.values())


def test_apply_is_what_was_planned(world):
    """what apply changes is a subset of what plan listed, and the rest was marked as maybe or unknown"""
    plan, apply = world.applied.plan.resources, world.applied.apply.resources
    check(plan.keys() == apply.keys(), f"planned {list(plan)}, applied {list(apply)}")
    wrong = []
    for name, done in apply.items():
        planned = plan[name]
        listed = {change["property"]: change for change in planned["changes"]}
        made = {change["property"]: change for change in done["changes"]}
        if planned["outcome"] == "unknown":
            if not planned["reason"]:
                wrong.append(f"{name} is unknown without a reason")
            continue
        if made and planned["outcome"] != "would_change":
            wrong.append(f"{name} was planned as {planned['outcome']}, and apply changed {list(made)}")
            continue
        for prop, change in made.items():
            if prop not in listed and not said_unknown(prop, change, listed):
                wrong.append(f"{name}: {prop} was changed and not planned")
            elif prop in listed and not same_after(listed[prop]["after"], change["after"]):
                wrong.append(f"{name}: {prop} became {change['after']}, planned was {listed[prop]['after']}")
        for prop, change in listed.items():
            if prop not in made and not change["maybe"] and change["kind"] != "unknown":
                wrong.append(f"{name}: {prop} was planned, not marked maybe, and not changed")
    check(not wrong, "\n".join(wrong))


def test_apply_makes_the_machine_ready(world):
    """apply exits 0, and Docker answers ubuntu without sudo in that run"""
    applied = world.applied
    check(applied.apply.status == DONE, applied.apply)
    check(applied.apply.summary["exit_status"] == DONE, applied.apply)
    answered = applied.apply.resources["docker-answers"]
    check(answered["outcome"] == "ok" and answered["as"] == "ubuntu", answered)
    check("docker" in applied.host.must("id -nG ubuntu").split(), "ubuntu is not in docker")


def test_docker_runs_hello_world(world):
    """the image comes from the mirror in that run, and Docker runs it for ubuntu without sudo"""
    resources = world.applied.apply.resources
    check(resources["hello-world"]["outcome"] == "changed", resources["hello-world"])
    ran = resources["docker-runs"]
    check(ran["outcome"] == "ok" and ran["as"] == "ubuntu", ran)
    planned = world.applied.plan.resources["hello-world"]
    check(planned["outcome"] == "would_change", planned)


def test_index_is_a_step_of_its_own(world):
    """the index of packages is fetched by a resource that shows it, and by no other"""
    resources = world.applied.apply.resources
    check(resources["apt-update"]["outcome"] == "changed", resources["apt-update"])
    fetched = [c for c in resources["packages"]["changes"] if c["property"] == "index"]
    check(not fetched, resources["packages"])


def test_new_shells_find_compose(world):
    """a new login shell and a new interactive shell find ~/soft/docker-compose"""
    host, expected = world.applied.host, "/home/ubuntu/soft/docker-compose"
    find = "command -v docker-compose"
    for name, found in {
        "login": host.login(find),
        "login, not interactive": host.run(["env", "-i", "HOME=/home/ubuntu", "bash", "-lc", find]),
        "interactive": host.run(["env", "-i", "HOME=/home/ubuntu", "bash", "-ic", find]),
    }.items():
        check(found.output.strip().endswith(expected), f"{name} shell: {found}")
    ran = host.login("docker-compose version")
    check("2.18.1" in ran.output, ran)


def test_ssh_finds_everything(world):
    """a command sent over ssh finds docker-compose, and Docker answers it"""
    host, key = world.applied.host, "/tmp/key"
    host.must(f"ssh-keygen -q -t ed25519 -N '' -f {key}", "ubuntu")
    host.must(f"mkdir -m 0700 .ssh && cp {key}.pub .ssh/authorized_keys", "ubuntu")
    unknown = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    ran = host.run(["ssh", "-i", key, *unknown, "ubuntu@localhost", "command -v docker-compose && docker version"])
    host.must("rm -r .ssh", "ubuntu")
    check(ran.status == 0 and "/home/ubuntu/soft/docker-compose" in ran.output, ran)


def test_conda_runs(world):
    """conda runs"""
    ran = world.applied.host.run(["/home/ubuntu/anaconda3/bin/conda", "--version"])
    check(ran.status == 0 and ran.output.startswith("conda "), ran)


def test_course_is_cloned_from_its_true_origin(world):
    """the repository is there with its true origin"""
    host = world.applied.host
    origin = host.login("git -C mlops-zoomcamp remote get-url origin").output.strip()
    check(origin == "https://github.com/DataTalksClub/mlops-zoomcamp.git", origin)
    status = host.login("git -C mlops-zoomcamp status --porcelain --branch")
    check(status.output.startswith("## main...origin/main") and len(status.output.splitlines()) == 1, status)
    check(host.must("ls -A soft", "ubuntu").split() == ["docker-compose"], "something was left in ~/soft")
    home = {".bash_logout", ".bashrc", ".profile", ".cache", ".local", ".jupyter", "anaconda3", "mlops-zoomcamp", "soft"}
    check(set(host.must("ls -A", "ubuntu").split()) <= home, "something was left in the home")


def test_jupyter_runs_and_its_link_is_shown(world):
    """Jupyter runs from Anaconda's prefix in the course's folder, and the link that is printed last opens it"""
    host = world.applied.host
    process = host.must(["systemctl", "show", "--property=MainPID", "--value", "jupyter-8888"]).strip()
    folder = host.must(["readlink", f"/proc/{process}/cwd"]).strip()
    check(folder == "/home/ubuntu/mlops-zoomcamp", folder)
    told = host.run([AGENT, "apply", PLAYBOOK, "--mirror", MIRROR]).output.strip().splitlines()[-1]
    begin = "Jupyter: http://127.0.0.1:8888"
    check(told.startswith(begin + "/tree?token="), told)
    path = told.removeprefix(begin)
    get = f"exec 3<>/dev/tcp/127.0.0.1/8888; printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    answer = host.must(["bash", "-c", get])
    check(answer.split()[1] == "200" and "Jupyter" in answer, answer)


def test_laptop_is_another_machine(world):
    """on the machine itself the laptop's play is skipped with the reason, and nothing of it is made"""
    host = world.applied.host
    for run in (world.applied.plan, world.applied.apply):
        for name in LAPTOP:
            event = run.resources[name]
            check(event["outcome"] == "skipped" and "--host" in event["reason"], event)
    check(host.read("/home/ubuntu/.ssh/config") is None, "a configuration of ssh was made")


def executed(trace):
    """The programs in strace's text, but for the traced agent itself."""
    calls = [line for line in trace.splitlines() if "execve(" in line and line.rstrip().endswith("= 0")]
    return [line.split('execve("', 1)[1].split('"', 1)[0] for line in calls][1:]


def test_second_apply_changes_nothing(world):
    """in a new login, apply has 0 changes, plan exits 0, only verifications start a process, no file is written"""
    host = world.applied.host
    own_books = {"var/lib/docker", "var/lib/containerd"}  # of Docker, about the container that a verification runs
    before = read_tree(host, also_skipped=own_books)
    again = host.agent("apply")
    check(again.status == DONE, again)
    check(again.summary["changed"] == 0 and not any(e["changes"] for e in again.resources.values()), again)
    check(set(again.with_outcome("ok")) | LAPTOP | BY_SSH == set(again.resources), again)
    plan = host.agent("plan")
    check(plan.status == DONE and plan.summary["would_change"] == 0, plan)

    trace = "/tmp/execs"
    argv = ["strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", trace]
    traced = host.run([*argv, AGENT, "apply", PLAYBOOK, "--mirror", MIRROR, "--json"])
    check(traced.status == DONE, traced)
    programs = executed(host.must(["cat", trace]))
    verifications = {"docker-compose", "docker", "conda"}
    own = [p for p in programs if p.rsplit("/", 1)[-1] in verifications]
    # The stand-ins are scripts: what they start is the verification's own.
    inner = {"sh", "dirname", "env", "bash", "python3", "id", "which", "which.debianutils"}
    other = [p for p in programs if p.rsplit("/", 1)[-1] not in verifications | inner]
    check(len(own) == 4 and not other, f"processes: {programs}")

    # Without the verifications, the agent is the only process.
    chosen = [x for e in again.resources.values() if e["type"] != "verify" for x in ("--only", e["id"])]
    alone = host.run([*argv, AGENT, "apply", PLAYBOOK, "--mirror", MIRROR, "--json", *chosen])
    check(alone.status == DONE, alone)
    programs = executed(host.must(["cat", trace]))
    check(not programs, f"processes without verifications: {programs}")
    changed = differences(before, read_tree(host, also_skipped=own_books))
    check(not changed, listing(changed.values()))
